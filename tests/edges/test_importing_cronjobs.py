"""CronJobs become jobs that tick when the CronJob controller would, and start the same Kubernetes Jobs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.schedule import CronSchedule
from scheduler.importing.cronjobs import from_cronjobs
from scheduler.importing.found import CannotImport, Found, NoCounterpart
from scheduler.importing.manifests import cronjobs_in
from scheduler.importing.robfig import schedule_key
from tests.edges.importing import as_yaml, table_of

# Expressions, half of them odd, with the first ticks of 2026 (Unix seconds) as robfig/cron v3.0.1, which Kubernetes
# reads schedules with, gives them for UTC; a dash where it refuses them or finds no tick.
TICKS = [line.split("\t") for line in Path(__file__).with_name("cronjob_ticks.tsv").read_text().splitlines()]


@pytest.mark.parametrize(("schedule", "ticks"), TICKS, ids=[row[0] for row in TICKS])
def test_a_schedule_ticks_as_kubernetes_reads_it(schedule: str, ticks: str) -> None:
    if ticks == "-":
        with pytest.raises(NoCounterpart):
            schedule_key(schedule)
        return
    key, text = schedule_key(schedule)
    cron, tick = CronSchedule(text, "UTC", "job"), datetime(2026, 1, 1, tzinfo=UTC)

    assert key == "cron"
    for expected in map(int, ticks.split()):
        following = cron.after(tick)
        assert following
        assert following.timestamp() == expected
        tick = following


@pytest.mark.parametrize(
    ("schedule", "key"),
    [
        pytest.param("*/5 * * * *", ("cron", "*/5 * * * *"), id="as it is"),
        pytest.param("@daily", ("cron", "@daily"), id="a macro"),
        pytest.param("@every 1h30m", ("every", "1h30m"), id="a period"),
        pytest.param("@every 90m", ("every", "1h30m"), id="a period in other units"),
        pytest.param("@every 1.5h", ("every", "1h30m"), id="a fraction"),
        pytest.param("@every 1500ms", ("every", "1s"), id="cut to whole seconds"),
        pytest.param("@every 10\u00b5s", ("every", "1s"), id="at least a second"),
    ],
)
def test_a_schedule_has_its_key(schedule: str, key: tuple[str, str]) -> None:
    assert schedule_key(schedule) == key


@pytest.mark.parametrize("schedule", ["@every", "@every .h", "@every 1", "@reboot", "@every 9999999h", "1 2 3", ""])
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(NoCounterpart):
        schedule_key(schedule)


POD: dict[str, Any] = {"containers": [{"name": "main", "image": "acme/backup:3"}]}


def template(pod: object = POD, **spec: object) -> dict[str, Any]:
    return {"spec": {"template": {"spec": pod}} | spec}


def cronjob(schedule: str = "0 3 * * *", **spec: object) -> dict[str, Any]:
    of_job = spec.pop("jobTemplate", template())
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "backup", "namespace": "ops"},
        "spec": {"schedule": schedule, "jobTemplate": of_job} | spec,
    }


def imported(*objects: dict[str, Any]) -> Found:
    return from_cronjobs("CronJobs of namespace ops", objects)


def only(**spec: Any) -> dict[str, object]:
    (job,) = as_yaml(imported(cronjob(**spec))).values()
    return job


@pytest.mark.parametrize(
    ("spec", "keys"),
    [
        pytest.param({}, {"cron": "0 3 * * *", "overlap": "allow"}, id="what is not said is allowed"),
        pytest.param({"concurrencyPolicy": "Forbid"}, {"overlap": "skip"}, id="Forbid"),
        pytest.param({"concurrencyPolicy": "Replace"}, {"overlap": "replace"}, id="Replace"),
        pytest.param({"startingDeadlineSeconds": 200}, {"catch_up_window": "3m20s"}, id="a deadline for the start"),
        pytest.param({"startingDeadlineSeconds": 10}, {"catch_up_window": "18s"}, id="one shorter than a hand-over"),
        pytest.param({"suspend": True}, {"enabled": False}, id="suspended"),
        pytest.param({"timeZone": "Europe/Berlin"}, {"timezone": "Europe/Berlin"}, id="a zone"),
        pytest.param({"timeZone": "Etc/UTC"}, {"cron": "0 3 * * *"}, id="UTC is the table's"),
        pytest.param(
            {"schedule": "CRON_TZ=Asia/Tokyo 0 5 * * ?"},
            {"cron": "0 5 * * ?", "timezone": "Asia/Tokyo"},
            id="an old zone",
        ),
        pytest.param({"schedule": "@every 2h"}, {"every": "2h"}, id="a period"),
    ],
)
def test_a_spec_becomes_keys(spec: dict[str, Any], keys: dict[str, object]) -> None:
    job = only(**spec)

    assert {key: job.get(key) for key in keys} == keys
    assert ("timezone" in job) == ("timezone" in keys)


def test_the_table_waits_for_jobs_as_long_as_they_take_and_for_all_at_once() -> None:
    many = [cronjob() | {"metadata": {"name": f"job-{number}"}} for number in range(20)]
    table = table_of(imported(*many))

    assert table.max_parallel == 20
    assert {job.policy.timeout for job in table.jobs.values()} == {None}


def test_what_stays_with_the_job_is_said() -> None:
    found = imported(cronjob(jobTemplate=template(activeDeadlineSeconds=600, backoffLimit=2)))

    assert found.jobs[0].source == (
        "CronJob ops/backup: 0 3 * * *",
        "the Job's own: activeDeadlineSeconds 600, backoffLimit 2",
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"schedule": "0 0 31 2 *"}, "names no day that ever comes", id="never"),
        pytest.param({"schedule": "0 0 * * 7"}, "7 is beyond 0-6", id="Sunday is 0"),
        pytest.param({"schedule": None}, "it has no schedule", id="no schedule"),
        pytest.param({"timeZone": "Mars/Base"}, "unknown time zone Mars/Base", id="zone"),
        pytest.param({"concurrencyPolicy": "Maybe"}, "unknown concurrencyPolicy Maybe", id="policy"),
        pytest.param({"jobTemplate": {}}, "it has no jobTemplate with a spec", id="no template"),
        pytest.param({"jobTemplate": {"spec": {}}}, "its jobTemplate has no template of a pod", id="no pod"),
        pytest.param({"jobTemplate": template({})}, "its pod has no containers with name and image", id="no container"),
        pytest.param(
            {"jobTemplate": template(POD | {"restartPolicy": "Always"})},
            "the restartPolicy of a Job's pod",
            id="again",
        ),
        pytest.param({"jobTemplate": template(suspend=True)}, "its Jobs are suspended", id="suspended"),
        pytest.param(
            {"jobTemplate": template(POD | {"nodeName": "${NODE}"})},
            "${NODE} in its jobTemplate would be read as a reference",
            id="a reference",
        ),
        pytest.param(
            {"jobTemplate": template(startedAt=datetime(2026, 1, 1, tzinfo=UTC))},
            "its jobTemplate has a value of type datetime",
            id="a date",
        ),
    ],
)
def test_what_has_no_counterpart_is_left_out_with_its_reason(change: dict[str, Any], reason: str) -> None:
    (entry,) = imported(cronjob(**change)).left_out

    assert entry.entry == "ops/backup"
    assert entry.reason.startswith(reason)


@pytest.mark.parametrize(
    ("spec", "difference"),
    [
        pytest.param({"suspend": True}, "it is suspended, hence enabled: false", id="suspended"),
        pytest.param(
            {"jobTemplate": template() | {"metadata": {"name": "a", "namespace": "b"}}},
            "left out of the jobTemplate's metadata: name, namespace; ",
            id="a name",
        ),
        pytest.param({"schedule": "5/15 * * * *"}, '"5/15 * * * *" is written as "5-50/15 * * * *"', id="rewritten"),
        pytest.param({"schedule": "@every 1h"}, "@every counts from the last Job", id="a period"),
        pytest.param(
            {"startingDeadlineSeconds": 5}, "startingDeadlineSeconds is 5; a window must outlast", id="window"
        ),
        pytest.param(
            {"timeZone": None}, "without timeZone a CronJob goes by the clock of the controller", id="no zone"
        ),
    ],
)
def test_differences_are_said(spec: dict[str, Any], difference: str) -> None:
    (job,) = imported(cronjob(**({"timeZone": "Etc/UTC"} | spec))).jobs

    assert [said[: len(difference)] for said in job.differs] == [difference]


def test_a_name_that_could_be_a_command_is_left_out() -> None:
    evil = cronjob() | {"metadata": {"name": "x; rm -rf /", "namespace": "ops"}}

    assert imported(evil).left_out[0].reason == "its name is not that of an object"


def test_a_job_has_all_of_its_cronjobs_template() -> None:
    pod = POD | {"restartPolicy": "OnFailure", "volumes": [{"name": "x", "emptyDir": {}}]}
    of_job = template(pod, backoffLimit=2) | {"metadata": {"creationTimestamp": None, "labels": {"a/b.c": "d"}}}
    (job,) = table_of(imported(cronjob(jobTemplate=of_job))).jobs.values()

    assert job.action == KubernetesJobAction(
        template={
            "metadata": {"labels": {"a/b.c": "d"}},
            "spec": {"template": {"spec": pod}, "backoffLimit": 2},
        }
    )


def test_where_the_jobs_were_made_is_said() -> None:
    other = cronjob() | {"metadata": {"name": "other", "namespace": "crm"}}

    assert imported(cronjob()).differs[0].startswith("the Jobs were made in namespace ops; ")
    assert "in namespace crm, ops; they are made in that of leasebeat's" in imported(cronjob(), other).differs[0]


def yaml_of(*objects: dict[str, Any]) -> str:
    return "\n---\n".join(json.dumps(one) for one in objects)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param(yaml_of(cronjob()), 1, id="one document"),
        pytest.param(yaml_of(cronjob(), {"kind": "Service"}, cronjob()), 2, id="many, of many kinds"),
        pytest.param(yaml_of({"kind": "List", "items": [cronjob(), {"kind": "Pod"}]}), 1, id="a List"),
        pytest.param(yaml_of({"kind": "CronJobList", "items": [{"metadata": {}, "spec": {}}]}), 1, id="a typed list"),
        pytest.param(yaml_of(cronjob() | {"apiVersion": "batch/v1beta1"}), 1, id="an old version"),
        pytest.param(yaml_of(cronjob() | {"apiVersion": "example.com/v1"}), 0, id="a CronJob of somebody else"),
        pytest.param("---\n---\n", 0, id="nothing"),
        pytest.param("[1, 2]", 0, id="no object"),
    ],
)
def test_manifests_are_read_whatever_their_shape(text: str, count: int) -> None:
    assert len(cronjobs_in("x.yaml", text)) == count


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\0", "a: !!python/object:os.system x", "[" * 5000])
def test_broken_yaml_is_told_with_its_place(text: str) -> None:
    with pytest.raises(CannotImport, match=r"x\.yaml"):
        cronjobs_in("x.yaml", text)


FIELD = st.sampled_from(
    ["*", "?", "*/2", "*/99", "1", "5/15", "1-5", "5-1", "1,3", "0", "60", "MON", "jan", "7", "a/b", ","]
)
SCHEDULE = (
    st.lists(FIELD, min_size=4, max_size=6).map(" ".join)
    | st.sampled_from(["@daily", "@every 1h", "TZ=UTC 0 0 * * *"])
    | st.text()
)
VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ANY = st.recursive(VALUE, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2))
TEMPLATE = st.builds(
    lambda pod, job: template(POD | pod, **job),
    st.dictionaries(st.sampled_from(["volumes", "nodeName", "restartPolicy", "${A}"]), ANY, max_size=2),
    st.dictionaries(st.sampled_from(["backoffLimit", "selector", "suspend"]), ANY, max_size=2),
)
SPEC = st.fixed_dictionaries(
    {"schedule": SCHEDULE | VALUE},
    optional={
        "timeZone": st.sampled_from(["Europe/Berlin", "UTC"]) | VALUE,
        "concurrencyPolicy": st.sampled_from(["Allow", "Forbid", "Replace"]) | VALUE,
        "startingDeadlineSeconds": st.integers() | VALUE,
        "suspend": VALUE,
        "jobTemplate": VALUE | TEMPLATE,
    },
)
META = st.fixed_dictionaries({"name": st.sampled_from(["a", "a.b", "B", ""]) | VALUE}, optional={"namespace": VALUE})


@given(st.lists(st.fixed_dictionaries({"metadata": META, "spec": SPEC}), max_size=5))
def test_whatever_cronjobs_say_the_result_is_right(objects: list[dict[str, Any]]) -> None:
    found = imported(*objects)

    assert found.total == len(objects)
    if found.jobs:
        assert len(table_of(found).jobs) == len(found.jobs)

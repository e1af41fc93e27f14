"""The Job of a run: its name, its labels and annotations, and what its containers are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.ports import RunOrder
from scheduler.core.references import FileReference, Secret, SecretKey
from scheduler.core.views.trace import traceparent
from scheduler.referred_files import Unreadable
from scheduler.running.runners.kubernetes_job_object import Origin, environment_of, is_of, job_object, name_of
from scheduler.running.runners.values import Values
from tests.fakes import jobs_api
from tests.fakes.jobs_api import IMAGE

ORDER = replace(
    jobs_api.ORDER,
    key="report@2026-11-22T03:15:00Z#1",
    run="report@2026-11-22T03:15:00Z",
    tick="2026-11-22T03:15:00Z",
)
ORIGIN = Origin("ops", "beat")
MANUAL = replace(ORDER, run="report@manual-2026-11-22T03:15:00.123Z", tick="2026-11-22T03:15:00.123Z")
OWN = {"app.kubernetes.io/managed-by": "leasebeat", "leasebeat/job": "report", "leasebeat/lease": "beat"}
FACTS = ["LEASEBEAT_JOB", "LEASEBEAT_RUN", "LEASEBEAT_TICK", "LEASEBEAT_ATTEMPT", "LEASEBEAT_TERM", "LEASEBEAT_FENCE"]


def made(action: KubernetesJobAction, origin: Origin = ORIGIN, **changes: Any) -> dict[str, Any]:
    order = replace(ORDER, action=action, **changes)
    return job_object(order, origin, environment_of(order, "", Values()))


@pytest.mark.parametrize(
    ("order", "name"),
    [
        pytest.param(ORDER, "report-1795317300", id="the tick in Unix seconds"),
        pytest.param(replace(ORDER, failures=2), "report-1795317300-f2", id="after two failures"),
        pytest.param(replace(ORDER, job="j" * 47), f"{'j' * 47}-1795317300", id="as long as fits"),
        pytest.param(replace(ORDER, job="j" * 48), f"{'j' * 38}-jwcjxr4b-1795317300", id="longer"),
        pytest.param(MANUAL, "report-1795317300123", id="asked for, in milliseconds"),
        pytest.param(replace(MANUAL, job="j" * 45), f"{'j' * 45}-1795317300123", id="as long as fits, asked for"),
        pytest.param(
            replace(MANUAL, job="j" * 52, failures=10), f"{'j' * 36}-zfzfnytg-1795317300123-f10", id="the longest"
        ),
        pytest.param(replace(ORDER, attempt=5, term=9, fence="5"), "report-1795317300", id="whoever begins it"),
    ],
)
def test_the_name_is_the_runs(order: RunOrder, name: str) -> None:
    assert name_of(order) == name


NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True)
ALIKE = st.from_regex(r"nightly-report-for-customer-acme[-a-z0-9]{4,19}[a-z0-9]", fullmatch=True)


@given(NAMES, st.integers(0, 10), st.booleans())
def test_every_name_is_one_that_kubernetes_takes(job: str, failures: int, manual: bool) -> None:
    order = replace(MANUAL if manual else ORDER, job=job, failures=failures)
    name = name_of(order)

    assert len(name) <= 63
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert name[0].isalnum()
    assert name[-1].isalnum()


@given(st.lists(NAMES | ALIKE, min_size=2, max_size=2, unique=True), st.integers(0, 10), st.booleans())
@example(jobs=[f"nightly-report-for-customer-acme-corporation-eu-01{end}" for end in "ab"], failures=0, manual=False)
@example(jobs=[f"nightly-report-for-customer-acme-corporation-eu-01{end}" for end in "ab"], failures=0, manual=True)
@example(jobs=["j" * 47, "j" * 48], failures=0, manual=False)
@example(jobs=["j" * 45, "j" * 46], failures=10, manual=True)
def test_two_jobs_never_share_a_name(jobs: list[str], failures: int, manual: bool) -> None:
    one, other = (replace(MANUAL if manual else ORDER, job=job, failures=failures) for job in jobs)

    assert name_of(one) != name_of(other)


def test_the_short_form_is_one_container_that_is_tried_once() -> None:
    action = KubernetesJobAction(
        image="acme/indexer:4",
        command=("./index",),
        args=("--all",),
        env={"REGION": "eu"},
        resources={"requests": {"cpu": "500m"}},
        service_account="indexer",
        ttl=timedelta(hours=2),
    )
    job = made(action)
    pod = job["spec"]["template"]
    (container,) = pod["spec"]["containers"]

    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert (job["metadata"]["name"], job["metadata"]["namespace"]) == ("report-1795317300", "ops")
    assert job["spec"].items() >= {"backoffLimit": 0, "ttlSecondsAfterFinished": 7200}.items()
    assert pod["spec"].items() >= {"restartPolicy": "Never", "serviceAccountName": "indexer"}.items()
    assert {key: container[key] for key in ("name", "image", "command", "args", "resources")} == {
        "name": "job",
        "image": "acme/indexer:4",
        "command": ["./index"],
        "args": ["--all"],
        "resources": {"requests": {"cpu": "500m"}},
    }
    assert container["env"][0] == {"name": "REGION", "value": "eu"}


def test_what_is_not_said_is_left_to_the_image_and_the_cluster() -> None:
    job = made(replace(IMAGE, ttl=None))
    pod = job["spec"]["template"]["spec"]

    assert set(pod["containers"][0]) == {"name", "image", "env"}
    assert set(pod) == {"containers", "restartPolicy"}
    assert "ttlSecondsAfterFinished" not in job["spec"]
    assert "ownerReferences" not in job["metadata"]


def test_a_job_without_a_leader_ends_a_minute_after_its_timeout() -> None:
    """With one, the leader deletes it first. What nobody waits for has no such limit: the timeout is not about it."""
    assert made(IMAGE)["spec"]["activeDeadlineSeconds"] == 3660
    assert made(IMAGE, timeout_s=0.5)["spec"]["activeDeadlineSeconds"] == 61
    assert "activeDeadlineSeconds" not in made(IMAGE, timeout_s=None)["spec"]
    assert "activeDeadlineSeconds" not in made(replace(IMAGE, wait=False))["spec"]


def test_it_says_whose_it_is() -> None:
    metadata = made(IMAGE)["metadata"]

    assert metadata["labels"] == OWN
    assert metadata["annotations"] == {
        "leasebeat/run": "report@2026-11-22T03:15:00Z",
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-22T03:15:00Z",
        "leasebeat/attempt": "1",
        "leasebeat/term": "7",
        "leasebeat/fence": "48211",
    }


def test_containers_are_told_of_the_run() -> None:
    environment = environment_of(ORDER, "", Values())

    assert [one["name"] for one in environment] == [*FACTS, "TRACEPARENT"]
    assert {one["name"]: one["value"] for one in environment} == {
        "LEASEBEAT_JOB": "report",
        "LEASEBEAT_RUN": "report@2026-11-22T03:15:00Z",
        "LEASEBEAT_TICK": "2026-11-22T03:15:00Z",
        "LEASEBEAT_ATTEMPT": "1",
        "LEASEBEAT_TERM": "7",
        "LEASEBEAT_FENCE": "48211",
        "TRACEPARENT": traceparent("report@2026-11-22T03:15:00Z", "48211", 1),
    }


def test_values_from_elsewhere_reach_the_pod_as_they_are(tmp_path: Path) -> None:
    """Kubernetes fills in $(NAME) in what a value says, and a password may look like that; what the file says, may."""
    (tmp_path / "token").write_text("a$(b)\n")
    env = {
        "PASSWORD": SecretKey("db", "password"),
        "KEY": Secret("$(x)"),
        "TOKEN": FileReference("token"),
        "URL": "http://$(HOST)/",
    }
    values = Values()
    order = replace(ORDER, action=replace(IMAGE, env=env))
    told = {one["name"]: one for one in environment_of(order, str(tmp_path), values)}

    assert told["PASSWORD"] == {
        "name": "PASSWORD",
        "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}},
    }
    assert [told[name]["value"] for name in ("KEY", "TOKEN", "URL")] == ["$$(x)", "a$$(b)", "http://$(HOST)/"]
    assert values.shown("the token a$(b), the key $(x)") == "the token ***, the key ***"


def test_a_file_that_json_cannot_carry_is_named(tmp_path: Path) -> None:
    """Kubernetes would take the letter for another one, and the pod get a wrong token."""
    (tmp_path / "token").write_bytes(b"a\xff")
    order = replace(ORDER, action=replace(IMAGE, env={"TOKEN": FileReference("token")}))
    with pytest.raises(Unreadable, match=r"^TOKEN: token is no UTF-8 text$"):
        environment_of(order, str(tmp_path), Values())


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    order = replace(ORDER, action=replace(IMAGE, env={"TOKEN": FileReference("nowhere")}))
    with pytest.raises(Unreadable, match=r"^TOKEN: nowhere: No such file or directory$"):
        environment_of(order, str(tmp_path), Values())


class TestTemplate:
    """What a CronJob has under jobTemplate, and ours."""

    TEMPLATE: ClassVar[dict[str, Any]] = {
        "metadata": {"name": "mine", "labels": {"team": "search"}, "annotations": {"note": "x"}},
        "spec": {
            "backoffLimit": 4,
            "template": {
                "metadata": {"labels": {"team": "search", "app.kubernetes.io/managed-by": "them"}},
                "spec": {
                    "restartPolicy": "OnFailure",
                    "initContainers": [{"name": "fetch", "image": "a"}],
                    "containers": [
                        {"name": "index", "image": "b", "env": [{"name": "REGION", "value": "eu"}]},
                        {"name": "side", "image": "c", "env": [{"name": "LEASEBEAT_RUN", "value": "stale"}]},
                    ],
                },
            },
        },
    }

    def made(self, **spec: object) -> dict[str, Any]:
        template = {**self.TEMPLATE, "spec": {**self.TEMPLATE["spec"], **spec}}
        return made(KubernetesJobAction(template=template))

    def test_it_stays_as_it_is_but_for_its_name(self) -> None:
        job = self.made()
        pod = job["spec"]["template"]

        assert job["metadata"]["name"] == "report-1795317300"
        assert job["metadata"]["labels"] == {"team": "search", **OWN}
        assert job["metadata"]["annotations"]["note"] == "x"
        assert job["spec"]["backoffLimit"] == 4
        assert pod["spec"]["restartPolicy"] == "OnFailure"
        assert pod["metadata"]["labels"] == {**OWN, "team": "search", "app.kubernetes.io/managed-by": "them"}

    def test_all_its_containers_are_told_of_the_run_once(self) -> None:
        spec = self.made()["spec"]["template"]["spec"]
        names = [[one["name"] for one in part["env"]] for part in (*spec["initContainers"], *spec["containers"])]
        facts = [*FACTS, "TRACEPARENT"]

        assert names == [facts, ["REGION", *facts], facts]
        assert spec["containers"][1]["env"][1]["value"] == ORDER.run

    def test_its_own_limits_stand(self) -> None:
        spec = self.made(activeDeadlineSeconds=5, ttlSecondsAfterFinished=6)["spec"]

        assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (5, 6)
        assert self.made()["spec"]["ttlSecondsAfterFinished"] == 86_400

    def test_the_table_is_not_changed_by_it(self) -> None:
        self.made()

        assert self.TEMPLATE["metadata"]["name"] == "mine"
        assert "env" not in self.TEMPLATE["spec"]["template"]["spec"]["initContainers"][0]


def test_a_job_goes_with_its_deployment() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "beat", "uid": "u1"}

    assert made(IMAGE, Origin("ops", "beat", owner))["metadata"]["ownerReferences"] == [owner]


def test_a_lease_with_a_long_name_has_a_label_of_its_own() -> None:
    one, other = (Origin("ops", "x" * 80 + end).labels["leasebeat/lease"] for end in ("a", "b"))

    assert len(one) == len(other) == 63
    assert one != other


@pytest.mark.parametrize(
    ("order", "origin", "ours"),
    [
        (replace(ORDER, attempt=3, term=9, fence="5"), ORIGIN, True),
        (replace(ORDER, run="report@2026-11-22T03:15:01Z"), ORIGIN, False),
        (replace(ORDER, job="reports"), ORIGIN, False),
        (ORDER, Origin("ops", "other"), False),
    ],
    ids=["made by another leader", "of another run", "of another job", "of another table"],
)
def test_whose_a_job_is(order: RunOrder, origin: Origin, ours: bool) -> None:
    assert is_of(made(IMAGE), order, origin) is ours


def test_a_strangers_job_is_not_ours() -> None:
    assert not is_of({"metadata": {"name": "report-1795317300"}}, ORDER, ORIGIN)
    assert not is_of({}, ORDER, ORIGIN)

"""The notes after `helm install`, and which earlier tables an upgrade keeps: what depends on the cluster's answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context

from scheduler.cli.main import cli
from tests.chart.rendering import CHART, NEWEST, RELEASE, Refused, Rendered, Values, helm
from tests.chart.stub_cluster import stub_cluster

THE_USUAL = """\
leasebeat 0.1.0 is installed as "beat-leasebeat" in namespace ops: 3 replicas, one leads, two stand by.
  Schedule and leader's log  kubectl -n ops logs -f "$(kubectl -n ops get lease beat-leasebeat -o jsonpath='{.spec.holderIdentity}')"
  Who leads, what is next    kubectl -n ops exec deploy/beat-leasebeat -- leasebeat status
  Every replica's log        kubectl -n ops logs -l app.kubernetes.io/instance=beat --prefix --tail=20
  Run a job now              kubectl -n ops exec deploy/beat-leasebeat -- leasebeat run-now JOB
  Remove everything          helm -n ops uninstall beat && kubectl -n ops delete lease beat-leasebeat

Hand-over: under 1 s on a rollout, at most 15.6 s after a crash. Running jobs get 60 s to finish when a pod stops.
"""  # noqa: E501
MINE = {"config": {"jobs": {"mine": {"every": "5s", "shell": "date"}}}}


def _notes(folder: Path, values: Values) -> str:
    with stub_cluster(folder) as environment:
        arguments = ("--dry-run=server", "--disable-openapi-validation", "--values", "-")
        said = helm("install", RELEASE, str(CHART), *arguments, stdin=json.dumps(values), environment=environment)
    return said.partition("NOTES:\n")[2].rstrip() + "\n"


def test_with_jobs_of_ones_own_there_is_nothing_to_warn_of(tmp_path: Path) -> None:
    assert _notes(tmp_path, MINE) == THE_USUAL


def test_without_jobs_they_say_what_runs_instead(tmp_path: Path) -> None:
    assert _notes(tmp_path, {}) == THE_USUAL + "WARNING: config.jobs is empty, so the three example jobs are running.\n"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"replicaCount": 1}, "in namespace ops: 1 replica, which leads.\n"),
        ({"replicaCount": 1}, "\nWARNING: with one replica nobody takes over while its pod is gone;"),
        ({"replicaCount": 2}, ": 2 replicas, one leads, one stands by.\n"),
        ({"replicaCount": 7}, ": 7 replicas, one leads, 6 stand by.\n"),
        ({"replicaCount": None}, ": as many replicas as others say, one leads.\n"),
        ({"image": {"tag": "latest"}}, '\nWARNING: image.tag is "latest":'),
        ({"config": {"health": {"port": 0}}}, "\nWARNING: config.health.port is 0, so there are no probes:"),
        ({"config": {"lease": {"lease_duration": "1m", "drain_timeout": "2m"}}}, "at most 60.6 s after a crash."),
        ({"config": {"lease": {"drain_timeout": "2m"}}}, "Running jobs get 120 s to finish"),
        ({"config": {"lease": {"name": "shop"}}}, "get lease shop -o jsonpath"),
        ({"existingConfigMap": "mine"}, "\nThe table is in ConfigMap mine. Its lease.name must be leasebeat."),
        (
            {"rbac": {"create": False}},
            "\nWARNING: rbac.create is false: service account beat-leasebeat needs create on",
        ),
        (
            {"rbac": {"create": False, "kubernetesJobs": True}},
            "; and create, get, list, watch and delete on jobs, list on pods, get on pods/log.\n",
        ),
    ],
)
def test_they_warn_of_what_is_unusual(values: Values, says: str, tmp_path: Path) -> None:
    assert says in _notes(tmp_path, values)


def test_a_digest_makes_up_for_the_tag_latest(tmp_path: Path) -> None:
    assert "latest" not in _notes(tmp_path, {"image": {"tag": "latest", "digest": f"sha256:{'0' * 64}"}})


def test_every_command_in_them_exists() -> None:
    text = (CHART / "templates" / "NOTES.txt").read_text() + (CHART / "templates" / "tests" / "leads.yaml").read_text()
    named = set(re.findall(r"(?:-- |; |- )leasebeat ([a-z-]+)", text))

    assert named
    assert named <= set(cli.list_commands(Context(cli)))


# ---------------------------------------------------------------- tables of before


HELMS = {"app.kubernetes.io/managed-by": "Helm"}


def _owned(name: str) -> dict[str, Any]:
    """The metadata of an object that this release has made."""
    annotations = {"meta.helm.sh/release-name": RELEASE, "meta.helm.sh/release-namespace": "ops"}
    return {"name": name, "namespace": "ops", "labels": HELMS, "annotations": annotations}


def _table(name: str, release: str = RELEASE) -> dict[str, Any]:
    metadata = {**_owned(name), "labels": {**HELMS, "app.kubernetes.io/instance": release}}
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": metadata,
        "data": {"config.yaml": f"# {name}\n\njobs: 1e3"},
    }


def _deployment(mounted: str, annotation: str, *, complete: bool) -> dict[str, Any]:
    metadata = {**_owned("beat-leasebeat"), "generation": 7}
    metadata["annotations"] |= {"leasebeat/config-maps": annotation, "leasebeat/lease": "beat-leasebeat"}
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "config", "configMap": {"name": mounted}}]
    status = {"observedGeneration": 7, "replicas": 3 if complete else 4, "availableReplicas": 3}
    status["updatedReplicas"] = 3 if complete else 1
    spec = {"replicas": 3, "template": {"spec": {"volumes": volumes}}}
    return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": metadata, "spec": spec, "status": status}


def _upgraded(folder: Path, *objects: dict[str, Any], values: Values | None = None) -> Rendered:
    with stub_cluster(folder, *objects) as environment:
        arguments = ("--dry-run=server", "--disable-openapi-validation", "--kube-version", NEWEST, "--values", "-")
        stdin = json.dumps(values or {})
        said = helm("template", RELEASE, str(CHART), *arguments, stdin=stdin, environment=environment)
    return Rendered(tuple(found for found in yaml.safe_load_all(said) if found))


def _tables(rendered: Rendered) -> list[str]:
    return [found["metadata"]["name"] for found in rendered.all("ConfigMap")]


def test_a_first_install_has_one_table(tmp_path: Path) -> None:
    assert len(_tables(_upgraded(tmp_path))) == 1


def test_the_table_that_pods_run_on_stays_for_one_upgrade_as_it_is(tmp_path: Path) -> None:
    rendered = _upgraded(tmp_path, _deployment("t1", "t1 t0", complete=True), _table("t1"), _table("t0"))
    new, kept = sorted(rendered.all("ConfigMap"), key=lambda found: found["metadata"]["name"] == "t1")

    assert kept["metadata"]["name"] == "t1"
    assert kept["data"] == _table("t1")["data"]
    assert kept["immutable"] is True
    assert rendered.volume("config")["configMap"]["name"] == new["metadata"]["name"]
    assert (
        rendered.one("Deployment")["metadata"]["annotations"]["leasebeat/config-maps"]
        == f"{new['metadata']['name']} t1"
    )


def test_while_a_roll_out_is_stuck_the_table_before_it_stays(tmp_path: Path) -> None:
    broken = _deployment("t2", "t2 t1", complete=False)

    assert _tables(_upgraded(tmp_path, broken, _table("t2"), _table("t1")))[1:] == ["t2", "t1"]


def test_of_many_stuck_roll_outs_the_table_of_the_pods_that_run_stays(tmp_path: Path) -> None:
    broken = _deployment("t5", "t5 t4 t3 t2 t1", complete=False)

    assert _tables(_upgraded(tmp_path, broken, *(_table(f"t{n}") for n in range(1, 6))))[1:] == ["t5", "t4", "t1"]


def test_after_a_rollout_undo_the_table_that_is_mounted_counts(tmp_path: Path) -> None:
    undone = _deployment("t1", "t2 t1", complete=True)

    assert _tables(_upgraded(tmp_path, undone, _table("t2"), _table("t1")))[1:] == ["t1"]


def test_an_upgrade_that_changes_no_table_drops_the_one_before(tmp_path: Path) -> None:
    (current,) = _tables(_upgraded(tmp_path))

    assert _tables(_upgraded(tmp_path, _deployment(current, f"{current} t0", complete=True), _table("t0"))) == [current]


def test_what_is_gone_or_is_another_releases_is_not_kept(tmp_path: Path) -> None:
    broken = _deployment("t2", "t2 t1", complete=False)

    assert len(_tables(_upgraded(tmp_path, broken, _table("t1", release="other")))) == 1


def test_a_second_lease_beside_running_pods_is_refused_as_both_would_run_every_job(tmp_path: Path) -> None:
    running = _deployment("t1", "t1", complete=True)
    other = {"config": {"lease": {"name": "other"}}}

    with pytest.raises(Refused, match="First: kubectl -n ops scale deploy/beat-leasebeat --replicas=0"):
        _upgraded(tmp_path, running, _table("t1"), values=other)

    running["status"] = {"observedGeneration": 8}
    assert _upgraded(tmp_path, running, _table("t1"), values=other).config["lease"]["name"] == "other"

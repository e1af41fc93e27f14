"""Where a table's Jobs are made, and a run of one without any lead."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.app.place import Place, open_jobs
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.config.settings import LeaseSettings
from scheduler.core.actions import KubernetesJobAction
from scheduler.core.errors import ClusterError
from scheduler.core.job import Job, Overlap, Policy
from scheduler.running.alone import LoneRun, Means
from scheduler.running.runners.kubernetes_job_home import JobsHome
from tests.edges.command_line import typed
from tests.fakes.jobs_api import JobsApi

TABLE = "lease: {name: beat, path: beat.db}\njobs: {index: {every: 10m, kubernetes_job: acme/indexer:4}}\n"
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test, namespace: shop}}]
clusters: [{name: test, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: test, user: {token: t}}]
"""
NOWHERE = "no cluster to make a Job in: this is no pod; choose one by --context or --kubeconfig"


@pytest.fixture
def lease(tmp_path: Path) -> LeaseSettings:
    (tmp_path / "config.yaml").write_text(TABLE)
    return load(tmp_path / "config.yaml", SystemClock().wall()).settings.lease


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    return str(tmp_path / "kubeconfig")


@pytest.mark.parametrize(
    ("store", "place", "namespace"),
    [
        pytest.param("auto", Place(), "shop", id="the context's"),
        pytest.param("sqlite", Place(), "shop", id="the context's, with a Lease in a file"),
        pytest.param("auto", Place(namespace="ops"), "ops", id="the one asked for"),
    ],
)
def test_jobs_are_made_where_the_lease_is(
    lease: LeaseSettings, kubeconfig: str, store: str, place: Place, namespace: str
) -> None:
    home = open_jobs(replace(lease, store=store), replace(place, kubeconfig=kubeconfig))

    assert str(home.job("x")) == f"Job {namespace}/x"
    assert home.origin.labels["leasebeat/lease"] == "beat"
    assert home.origin.owner is None


def test_a_lease_of_its_own_namespace_takes_its_jobs_there(lease: LeaseSettings, kubeconfig: str) -> None:
    home = open_jobs(replace(lease, namespace="ops"), Place(kubeconfig=kubeconfig, lease="other"))

    assert str(home.job("x")) == "Job ops/x"
    assert home.origin.labels["leasebeat/lease"] == "other"


@pytest.mark.parametrize("store", ["auto", "sqlite", "memory"])
def test_no_cluster_is_taken_by_accident(
    lease: LeaseSettings, kubeconfig: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is tried on a laptop must not make Jobs in whatever cluster somebody looked at last."""
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    with pytest.raises(ClusterError) as error:
        open_jobs(replace(lease, store=store), Place())

    assert str(error.value) == NOWHERE


def test_the_lease_is_in_the_current_context_and_so_are_the_jobs(
    lease: LeaseSettings, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig)

    assert str(open_jobs(replace(lease, store="kubernetes"), Place()).job("x")) == "Job shop/x"


def test_a_run_here_says_that_there_is_no_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").write_text(TABLE)
    answer = typed(capsys, "run-now", "index", "--here", "-c", str(tmp_path / "config.yaml"))

    assert answer.code == 1
    assert answer.out.endswith(f": {NOWHERE}\n")


class Alone:
    """A run without any lead, with Jobs in memory."""

    def __init__(self, policy: Policy = Policy()) -> None:  # noqa: B008 - it is frozen
        self.api = JobsApi()
        home = JobsHome(self.api, "ops", "beat")  # type: ignore[arg-type]
        job = Job("index", None, "UTC", KubernetesJobAction("acme/indexer:4"), policy)
        self.told: list[str] = []
        self.run = LoneRun(job, SystemClock(), self._tell, Means("", "info", lambda: home))

    def _tell(self, event: str, /, **_: object) -> None:
        self.told.append(event)

    @property
    def name(self) -> str:
        return self.api.bodies[0]["metadata"]["name"]  # type: ignore[no-any-return]


def test_a_run_here_makes_a_job_and_follows_it() -> None:
    alone = Alone()
    alone.api.later(lambda: alone.api.complete(alone.name))

    assert alone.run.perform().outcome == "succeeded"
    assert alone.api.bodies[0]["metadata"]["annotations"]["leasebeat/term"] == "0"


def test_a_run_here_ends_none_of_the_leaders() -> None:
    alone = Alone(Policy(overlap=Overlap.REPLACE))
    alone.api.later(lambda: alone.api.complete(alone.name))
    alone.run.perform()

    assert not [one for one in alone.api.asked if one.startswith("list")]


def test_a_run_here_that_is_stopped_deletes_its_job() -> None:
    alone = Alone()

    def stopping() -> None:
        stopper = threading.Thread(target=alone.run.stop)
        stopper.start()
        stopper.join(5)

    alone.api.later(stopping)

    assert alone.run.perform().outcome == "killed"
    assert not alone.api.has(alone.name)
    assert "run.interrupted" in alone.told

"""Three real replicas against a real API server: killed, stopped, frozen, robbed of their Lease, cut off from it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest

from scheduler.clock import SystemClock
from tests.processes.cluster import Namespace
from tests.processes.history import JOBS, History
from tests.processes.proxy import Proxy
from tests.processes.replica import ReplicaProcess, any_of, leader_among

LEASE_S = 5
CONFIG = """
lease: {lease_duration: 5s, renew_deadline: 3s, retry_period: 1s, drain_timeout: 10s}
jobs:
  meter:
    every: 1s
    catch_up: all
    max_catch_up: 100
    python: {call: history_jobs:append, kwargs: {path: HISTORY}}
"""
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
OUTAGE_S = 20
A_BUSY_MACHINE_S = 1.0  # by so much a process may act late, and be told late


@dataclass
class Trio:
    """Three replicas that contend for one Lease, and what their job did."""

    lease: str
    replicas: list[ReplicaProcess]
    history: History

    @property
    def leader(self) -> ReplicaProcess:
        return leader_among(self.replicas)

    def others(self, replica: ReplicaProcess) -> list[ReplicaProcess]:
        return [other for other in self.replicas if other is not replica]


@contextmanager
def contending(namespace: Namespace, folder: Path, lease: str, kubeconfig: Path, count: int = 3) -> Iterator[Trio]:
    folder.mkdir(exist_ok=True)
    history = History(folder / "history.log")
    config = folder / "config.yaml"
    config.write_text(CONFIG.replace("HISTORY", str(history.path)))
    (folder / "history_jobs.py").write_text(JOBS)
    options = ("--kubeconfig", str(kubeconfig), "-n", namespace.name, "--lease", lease)
    replicas = [ReplicaProcess.start(f"{lease}-{letter}", config, *options) for letter in "abc"[:count]]
    try:
        yield Trio(lease, replicas, history)
    finally:
        for replica in replicas:
            replica.end()


@pytest.fixture
def trio(namespace: Namespace, tmp_path: Path) -> Iterator[Trio]:
    lease = f"beat-{uuid4().hex[:6]}"
    with contending(namespace, tmp_path, lease, namespace.kubeconfig(lease)) as trio:
        yield trio


def nothing_doubled_nothing_missing(trio: Trio) -> None:
    assert trio.history.doubled("meter") == []
    assert trio.history.missing("meter", 1, trio.replicas) == []


def test_a_killed_leader_is_replaced_and_a_stopped_one_at_once(trio: Trio, namespace: Namespace) -> None:
    first = trio.leader
    first.wait_for("run.succeeded", count=3)
    before = namespace.lease(trio.lease)["spec"]
    first.signal(signal.SIGKILL)
    first.process.wait()
    last_write_at = datetime.fromisoformat(namespace.lease(trio.lease)["spec"]["renewTime"]).timestamp()
    second = leader_among(trio.others(first))
    expired = second.wait_for("lead.acquired", cause="expired")
    second.wait_for("run.succeeded", count=3, cause="schedule")
    taken = namespace.lease(trio.lease)["spec"]
    assert second.stop() == 0
    third = next(replica for replica in trio.others(first) if replica is not second)
    released = second.wait_for("lead.released")
    regained = third.wait_for("lead.acquired", cause="released")
    third.wait_for("run.succeeded", count=2)

    assert before.keys() == {"holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions"}
    assert (before["holderIdentity"], taken["holderIdentity"]) == (first.name, second.name)
    assert taken["leaseTransitions"] == before["leaseTransitions"] + 1
    assert all(MICRO_TIME.fullmatch(taken[name]) for name in ("acquireTime", "renewTime"))
    assert expired["at"] - last_write_at <= LEASE_S + 0.6 + A_BUSY_MACHINE_S
    assert regained["at"] - released["at"] <= A_BUSY_MACHINE_S
    nothing_doubled_nothing_missing(trio)


def test_a_deleted_lease_is_brought_back_by_its_leader(trio: Trio, namespace: Namespace) -> None:
    leader = trio.leader
    leader.wait_for("run.succeeded", count=2)
    before = namespace.lease(trio.lease)["metadata"]["uid"]
    namespace.kubectl("delete", "lease", trio.lease)
    leader.wait_for("lead.acquired", cause="recreated")
    leader.wait_for("run.succeeded", count=5)

    assert namespace.lease(trio.lease)["metadata"]["uid"] != before
    assert [other.said("lead.acquired") for other in trio.others(leader)] == [[], []]
    nothing_doubled_nothing_missing(trio)


def test_a_foreign_holder_is_given_way_to_and_outlived(trio: Trio, namespace: Namespace) -> None:
    leader = trio.leader
    leader.wait_for("run.succeeded", count=2)
    before = SystemClock().wall().timestamp()
    namespace.kubectl("patch", "lease", trio.lease, "--type=merge", "-p", '{"spec":{"holderIdentity":"somebody"}}')
    lost = leader.wait_for("lead.lost", reason="other_holder")
    leader_again = leader_among(trio.replicas)
    acquired = leader_again.wait_for("lead.acquired", cause="expired", previous="somebody")
    leader_again.wait_for("run.succeeded", count=3, term=acquired["term"])
    started = [deed for deed in trio.history.starts("meter") if lost["at"] < deed.at < acquired["at"]]

    assert started == []
    assert acquired["at"] - before >= LEASE_S  # counted from when the heir saw it, which the loser may see later
    nothing_doubled_nothing_missing(trio)


def test_a_label_edited_under_the_leader_survives_and_disturbs_nothing(trio: Trio, namespace: Namespace) -> None:
    leader = trio.leader
    leader.wait_for("run.succeeded", count=2)
    namespace.kubectl("label", "lease", trio.lease, "team=ops")
    leader.wait_for("run.succeeded", count=5)

    assert namespace.lease(trio.lease)["metadata"]["labels"]["team"] == "ops"
    assert leader.said("lead.lost") == []
    nothing_doubled_nothing_missing(trio)


def test_without_the_watch_permission_standbys_poll_and_still_take_over(namespace: Namespace, tmp_path: Path) -> None:
    lease = f"poll-{uuid4().hex[:6]}"
    kubeconfig = namespace.kubeconfig(lease, verbs=("get", "update"))
    with contending(namespace, tmp_path, lease, kubeconfig, count=2) as pair:
        leader = pair.leader
        leader.wait_for("run.succeeded", count=2)
        (standby,) = pair.others(leader)
        standby.wait_for("store.degraded")
        leader.signal(signal.SIGKILL)
        standby.wait_for("lead.acquired")
        standby.wait_for("run.succeeded", count=2, cause="schedule")

        assert len(standby.said("store.degraded")) == 1
        nothing_doubled_nothing_missing(pair)


@pytest.mark.parametrize("whole_tree", [False, True], ids=["the leader alone", "the leader and all below it"])
def test_a_leader_frozen_past_its_lease_starts_nothing_in_its_old_term(
    namespace: Namespace, tmp_path: Path, whole_tree: bool
) -> None:
    """Twenty tries in all: two by two rounds on five Leases side by side."""
    leases = [f"freeze-{uuid4().hex[:6]}" for _ in range(5)]
    kubeconfigs = [namespace.kubeconfig(lease) for lease in leases]
    failures: list[str] = []

    def freeze_twice(lease: str, kubeconfig: Path) -> None:
        with contending(namespace, tmp_path / lease, lease, kubeconfig, count=2) as pair:
            for _ in range(2):
                failures.extend(_freeze_once(pair, whole_tree=whole_tree))

    threads = [threading.Thread(target=freeze_twice, args=pair) for pair in zip(leases, kubeconfigs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def _freeze_once(pair: Trio, *, whole_tree: bool) -> list[str]:
    """One try; returns what went wrong, so that a failure in a thread is not lost."""
    frozen = pair.leader
    (other,) = pair.others(frozen)
    term = frozen.said("lead.acquired")[-1]["term"]
    try:
        frozen.wait_for("run.succeeded", term=term)
        send = frozen.signal_tree if whole_tree else frozen.signal
        send(signal.SIGSTOP)
        taken = other.wait_for("lead.acquired", count=len(other.said("lead.acquired")) + 1)
        other.wait_for("run.succeeded", term=taken["term"])
        continued_with = len([deed for deed in pair.history.starts("meter") if deed.term == term])
        send(signal.SIGCONT)
        frozen.wait_for("lead.lost", term=term)
        other.wait_for("run.succeeded", count=4, term=taken["term"], cause="schedule")
    except AssertionError as error:
        return [str(error)]
    started = [deed for deed in pair.history.starts("meter") if deed.term == term][continued_with:]
    wrong = [f"started in its old term: {deed}" for deed in started]
    return wrong + [f"doubled: {run}" for run in pair.history.doubled("meter")]


@dataclass(frozen=True)
class Outage:
    """How the API server is made to hang, or to die, and to come back."""

    kubeconfig: Path
    hang: Callable[[], None]
    unhang: Callable[[], None]
    die: Callable[[], None]
    undie: Callable[[], None]


@pytest.fixture
def outage(namespace: Namespace) -> Iterator[Outage]:
    """A proxy of ours before the API server; or, where LEASEBEAT_TEST_CLUSTER names its controls, the real one."""
    lease = f"outage-{uuid4().hex[:6]}"
    controls = os.environ.get("LEASEBEAT_TEST_CLUSTER")
    if controls:

        def control(*verb: str) -> None:
            subprocess.run([*shlex.split(controls), *verb], check=True, capture_output=True, timeout=120)

        yield Outage(
            namespace.kubeconfig(lease),
            hang=lambda: control("pause", "kube-apiserver"),
            unhang=lambda: control("resume", "kube-apiserver"),
            die=lambda: control("kill", "kube-apiserver"),
            undie=lambda: control("up"),
        )
        return
    with Proxy(*namespace.api_server()) as proxy:
        kubeconfig = namespace.kubeconfig(lease, port=proxy.port)
        yield Outage(kubeconfig, hang=proxy.pause, unhang=proxy.resume, die=proxy.cut, undie=proxy.resume)


@pytest.mark.outage
@pytest.mark.parametrize("kind", ["hang", "die"])
def test_replicas_outlive_the_api_server(namespace: Namespace, tmp_path: Path, outage: Outage, kind: str) -> None:
    """Nothing starts once the trust is over, nobody exits, and afterwards somebody leads and catches up."""
    lease = outage.kubeconfig.stem
    with contending(namespace, tmp_path, lease, outage.kubeconfig) as trio:
        leader = trio.leader
        leader.wait_for("run.succeeded", count=3)
        getattr(outage, kind)()
        try:
            suspended = leader.wait_for("lead.suspended")
            threading.Event().wait(OUTAGE_S)
        finally:
            getattr(outage, f"un{kind}")()
        first_started = [deed.at for deed in trio.history.starts("meter") if deed.at > suspended["at"] + 0.2]
        successor, recovered = any_of(trio.replicas, "run.succeeded", suspended["at"], timeout_s=60)
        successor.wait_for("run.succeeded", count=3, cause="schedule", term=recovered["term"], timeout_s=60)
        leader.wait_for("store.recovered")

        assert [at for at in first_started if at < suspended["at"] + OUTAGE_S] == []
        assert [replica.process.poll() for replica in trio.replicas] == [None, None, None]
        assert len(leader.said("store.unavailable")) == 1
        nothing_doubled_nothing_missing(trio)


def test_a_standby_tells_three_lines_that_name_the_leader_and_its_log(trio: Trio, namespace: Namespace) -> None:
    leader = trio.leader
    leader.wait_for("run.succeeded", count=3)
    standby = trio.others(leader)[0]
    standby.wait_for("lead.standby")

    assert [line["event"] for line in standby.lines] == ["config.loaded", "app.started", "lead.standby"]
    assert standby.lines[-1]["leader"] == leader.name
    assert standby.lines[-1]["log"] == f"kubectl -n {namespace.name} logs {leader.name}"


def test_an_idle_standby_is_small(trio: Trio) -> None:
    leader = trio.leader
    standby = trio.others(leader)[0]
    standby.wait_for("lead.standby")

    assert standby.resident_mb() < 60


def test_a_lease_of_another_program_is_left_alone_even_expired(namespace: Namespace, tmp_path: Path) -> None:
    lease = f"foreign-{uuid4().hex[:6]}"
    foreign = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": lease},
        "spec": {
            "holderIdentity": "external-dns",
            "leaseDurationSeconds": 1,
            "acquireTime": "2026-01-01T00:00:00.000000Z",
            "renewTime": "2026-01-01T00:00:00.000000Z",
            "leaseTransitions": 3,
        },
    }
    namespace.kubectl("create", "-f", "-", stdin=json.dumps(foreign))
    with contending(namespace, tmp_path, lease, namespace.kubeconfig(lease), count=1) as alone:
        refused = alone.replicas[0].wait_for("lead.refused")
        threading.Event().wait(3)

        assert refused["holder"] == "external-dns"
        assert namespace.lease(lease)["spec"] == foreign["spec"]

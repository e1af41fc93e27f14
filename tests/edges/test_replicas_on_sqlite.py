"""Three real replicas on one SQLite file: killed, stopped, frozen."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from scheduler.cli.stop import ECHO_S
from scheduler.stores.sqlite import SqliteStore
from tests.processes.history import JOBS, History
from tests.processes.replica import ReplicaProcess, leader_among

CONFIG = """
lease: {lease_duration: 3s, renew_deadline: 2s, retry_period: 1s, drain_timeout: 10s}
jobs:
  meter:
    every: 1s
    catch_up: all
    max_catch_up: 100
    python: {call: history_jobs:append, kwargs: {path: HISTORY}}
"""
LEASE_S = 3.0


def renewed_at(path: Path) -> float:
    """When the last accepted write was sent."""
    store = SqliteStore(path, "leasebeat")
    record = store.read(1)
    store.close()
    assert record
    return datetime.fromisoformat(record.renewed).timestamp()


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.log")


@pytest.fixture
def replicas(tmp_path: Path, history: History) -> Iterator[list[ReplicaProcess]]:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.replace("HISTORY", str(history.path)))
    (tmp_path / "history_jobs.py").write_text(JOBS)
    replicas = [ReplicaProcess.start(name, config) for name in "abc"]
    yield replicas
    for replica in replicas:
        replica.end()


def test_a_killed_leader_is_replaced_and_a_stopped_one_at_once(
    replicas: list[ReplicaProcess], history: History
) -> None:
    """Nothing doubled, nothing missing, over a SIGKILL and a SIGTERM of the leader."""
    first = leader_among(replicas)
    first.wait_for("run.succeeded", count=2)
    first.signal(signal.SIGKILL)
    first.process.wait()
    last_write = renewed_at(history.path.with_name("leasebeat.db"))
    rest = [replica for replica in replicas if replica is not first]
    second = leader_among(rest)
    took_over = second.wait_for("lead.acquired")
    second.wait_for("run.succeeded", count=3, cause="schedule")

    stopped_at = second.lines[-1]["at"]
    assert second.stop() == 0
    (third,) = (replica for replica in rest if replica is not second)
    released = second.wait_for("lead.released")
    regained = third.wait_for("lead.acquired", cause="released")
    third.wait_for("run.succeeded", count=2)

    assert (took_over["cause"], took_over["previous"]) == ("expired", first.name)
    assert LEASE_S <= took_over["at"] - last_write <= LEASE_S + 0.6
    assert regained["at"] - released["at"] <= 0.5
    assert regained["at"] >= stopped_at
    assert history.doubled("meter") == []
    assert history.missing("meter", 1, replicas) == []


def test_a_frozen_leader_starts_nothing_in_its_old_term(replicas: list[ReplicaProcess], history: History) -> None:
    frozen = leader_among(replicas)
    frozen.wait_for("run.succeeded")
    old_term = frozen.said("lead.acquired")[-1]["term"]
    frozen.signal_tree(signal.SIGSTOP)
    successor = leader_among([replica for replica in replicas if replica is not frozen])
    successor.wait_for("run.succeeded", count=2)
    before = len([deed for deed in history.starts("meter") if deed.term == old_term])

    frozen.signal_tree(signal.SIGCONT)
    frozen.wait_for("lead.lost")
    successor.wait_for("run.succeeded", count=4)

    assert len([deed for deed in history.starts("meter") if deed.term == old_term]) == before
    assert frozen.said("lead.lost")[-1]["reason"] == "other_holder"
    assert history.doubled("meter") == []


def test_a_standby_tells_three_lines_is_silent_and_small(replicas: list[ReplicaProcess]) -> None:
    leader = leader_among(replicas)
    leader.wait_for("run.succeeded", count=2)
    standby = next(replica for replica in replicas if replica is not leader)

    assert [line["event"] for line in standby.lines] == ["config.loaded", "app.started", "lead.standby"]
    assert standby.lines[-1]["leader"] == leader.name
    assert standby.resident_mb() < 45


def test_a_second_signal_ends_at_once_without_releasing(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("lease: {release: drained}\njobs: {long: {every: 1s, shell: sleep 60}}")
    replica = ReplicaProcess.start("a", config, "--log-level", "debug")
    replica.wait_for("run.started")
    replica.signal(signal.SIGTERM)
    replica.wait_for("app.stopping", running=1)
    threading.Event().wait(2 * ECHO_S)
    replica.signal(signal.SIGINT)
    code = replica.process.wait(5)
    replica.end()

    assert code == 128 + signal.SIGINT
    assert replica.said("lead.released") == []

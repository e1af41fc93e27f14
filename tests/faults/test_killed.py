"""A leader that is killed at each step of a run: what was promised of its job holds, by the word of the job itself.

Real replicas on a store that is a file, whose lock the test takes to keep a write from landing. All jobs are due at one
instant, so that one kill is one for each of them.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest

from tests.faults.rights import together
from tests.processes.record import Lived, Record, now
from tests.processes.replica import PATIENCE_S, ReplicaProcess, leader_among, write_logs

LASTS_S = 0.6
DUE_IN_S = (4.0, 15.0, 60.0)  # the longer ones where the machine is too busy to have both replicas up before
AHEAD_S = 0.3
LEASE = {"store": "sqlite", "lease_duration": "3s", "renew_deadline": "2s", "retry_period": "1s"}
WORK = (
    "import os, types, recorded_jobs as jobs; run, attempt = (os.environ['LEASEBEAT_' + name] for name in ('RUN', "
    "'ATTEMPT')); jobs.work(types.SimpleNamespace(id=run, attempt=attempt), {folder!r}, {seconds})"
)
RUNNERS = ("python", "shell")
DELIVERIES = ("at_most_once", "at_least_once")
LOOK_EVERY_S = 0.005


@dataclass
class Scene:
    """A leader and a standby; `due` is the instant of all jobs."""

    folder: Path
    due: float
    record: Record
    leader: ReplicaProcess
    standby: ReplicaProcess

    def wait(self, look: Callable[[], bool], what: str) -> None:
        pause, until = threading.Event(), now() + PATIENCE_S
        while not look():
            assert now() < until, f"waited in vain for {what}:\n{self.leader.tail()}"
            pause.wait(LOOK_EVERY_S)

    def locked(self) -> sqlite3.Connection:
        """From now on no write lands, until this is closed."""
        database = sqlite3.connect(self.folder / "leasebeat.db", timeout=5, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        return database

    def claimed(self) -> bool:
        with closing(sqlite3.connect(self.folder / "leasebeat.db", timeout=5)) as database:
            return any('"open":[["' in str(row) for row in database.execute("SELECT * FROM lease"))

    def kill(self) -> None:
        self.leader.process.kill()
        self.leader.process.wait()


def before_the_claim_is_accepted(scene: Scene) -> None:
    scene.wait(lambda: now() > scene.due - AHEAD_S - 0.2, "the claim")
    with closing(scene.locked()):
        scene.wait(lambda: now() > scene.due + 0.1, "the tick")
        scene.kill()


def after_the_claim_is_accepted(scene: Scene) -> None:
    scene.wait(scene.claimed, "the claim")
    scene.kill()


def while_it_runs(scene: Scene) -> None:
    scene.wait(lambda: len(scene.record.lived()) == len(RUNNERS) * len(DELIVERIES), "the starts")
    scene.kill()


def after_its_end_before_that_is_recorded(scene: Scene) -> None:
    scene.wait(lambda: len(scene.record.lived()) == len(RUNNERS) * len(DELIVERIES), "the starts")
    with closing(scene.locked()):
        scene.wait(lambda: all(one.outcome for one in scene.record.lived()), "the ends")
        scene.kill()


STEPS = (
    before_the_claim_is_accepted,
    after_the_claim_is_accepted,
    while_it_runs,
    after_its_end_before_that_is_recorded,
)


@dataclass(frozen=True)
class Aftermath:
    """What the runs of each job did, and what the successor's log says became of them."""

    lived: dict[str, list[Lived]]
    fates: dict[str, list[str]]


@pytest.fixture(scope="module")
def aftermaths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Aftermath]]:
    """Of all steps, which are tried side by side."""
    with ThreadPoolExecutor(len(STEPS)) as pool:
        tried = {step.__name__: pool.submit(_try, step, tmp_path_factory.mktemp(step.__name__)) for step in STEPS}
        yield {name: future.result() for name, future in tried.items()}


def _try(step: Callable[[Scene], None], folder: Path) -> Aftermath:
    started: list[ReplicaProcess] = []
    try:
        scene = next(scene for due_in_s in DUE_IN_S if (scene := _set(folder / f"{due_in_s:g}", due_in_s, started)))
        step(scene)
        fates = {job: _fates(scene.standby, job) for job in _jobs(scene.folder, scene.due)}
    finally:
        for replica in started:
            replica.end()
        write_logs(started, folder)
    lived = scene.record.lived()
    return Aftermath({job: [one for one in lived if one.run.startswith(f"{job}@")] for job in fates}, fates)


def _set(folder: Path, due_in_s: float, started: list[ReplicaProcess]) -> Scene | None:
    """A leader and a standby; None when they were not up in time."""
    record, due = Record(folder), float(int(now() + due_in_s))
    record.prepare()
    text = json.dumps({"lease": LEASE, "health": {"port": 0}, "jobs": _jobs(folder, due)})  # JSON is YAML
    (folder / "config.yaml").write_text(text)
    pair = [ReplicaProcess.start(name, folder / "config.yaml", environment={"REPLICA": name}) for name in "ab"]
    started += pair
    leader = leader_among(pair)
    (standby,) = (replica for replica in pair if replica is not leader)
    standby.wait_for("lead.standby")
    return Scene(folder, due, record, leader, standby) if now() < due - 1 else None


def _jobs(folder: Path, due: float) -> dict[str, dict[str, object]]:
    kwargs = {"folder": str(folder), "seconds": LASTS_S}
    script = WORK.format(folder=str(folder), seconds=LASTS_S)
    actions: dict[str, object] = {
        "python": {"call": "recorded_jobs:work", "kwargs": kwargs},
        "shell": {"run": [sys.executable, "-c", script], "env": {"PYTHONPATH": str(folder)}},
    }
    rules = {"at": f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}", "claim_ahead": f"{int(AHEAD_S * 1000)}ms"}
    return {
        f"{runner}-{delivery.replace('_', '-')}": {**rules, "delivery": delivery, runner: actions[runner]}
        for runner in RUNNERS
        for delivery in DELIVERIES
    }


def _fates(replica: ReplicaProcess, job: str) -> list[str]:
    """How the successor accounts for the job's only tick; waited for."""
    found: list[str] = []
    pause, until = threading.Event(), now() + PATIENCE_S
    while not found and now() < until:
        for fate in ("succeeded", "failed", "interrupted", "dropped"):
            found += [fate for _ in replica.said(f"run.{fate}", job=job)]
        pause.wait(LOOK_EVERY_S)
    assert found, f"nothing became of {job}:\n{replica.tail()}"
    return found


@pytest.mark.parametrize("step", [step.__name__ for step in STEPS])
@pytest.mark.parametrize("runner", RUNNERS)
def test_at_most_once_is_started_at_most_once(aftermaths: dict[str, Aftermath], step: str, runner: str) -> None:
    after, job = aftermaths[step], f"{runner}-at-most-once"
    never_claimed = step == before_the_claim_is_accepted.__name__
    starts = 0 if step == after_the_claim_is_accepted.__name__ else 1

    assert len(after.lived[job]) == starts
    assert after.fates[job] == ["succeeded" if never_claimed else "interrupted"]


@pytest.mark.parametrize("step", [step.__name__ for step in STEPS])
@pytest.mark.parametrize("runner", RUNNERS)
def test_at_least_once_ends_at_least_once(aftermaths: dict[str, Aftermath], step: str, runner: str) -> None:
    after, job = aftermaths[step], f"{runner}-at-least-once"
    attempts = [one.attempt for one in after.lived[job]]

    assert after.fates[job] == ["succeeded"]
    assert [one.outcome for one in after.lived[job]][-1] == "succeeded"
    assert len(attempts) == len(set(attempts))


@pytest.mark.parametrize("step", [step.__name__ for step in STEPS])
def test_no_two_runs_of_a_job_are_alive_at_once(aftermaths: dict[str, Aftermath], step: str) -> None:
    for lived in aftermaths[step].lived.values():
        assert [together(one, other) for one, other in combinations(lived, 2) if together(one, other)] == []

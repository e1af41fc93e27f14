"""A leader that is killed at each step of a run: what was promised of its job holds, by the word of whoever ran it.

Real replicas on a store that is a file, whose lock the test takes to keep a write from landing. All jobs are due at one
instant, so that one kill is one for each of them. Whoever is asked over HTTP, by Celery or through the API server
outlives the leaders, and counts.
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
from functools import partial
from itertools import combinations
from pathlib import Path

import pytest

from tests.faults.others import TEMPLATE, Others, Work, all_others, job_name
from tests.faults.rights import together
from tests.processes.cluster import Namespace
from tests.processes.proxy import Proxy
from tests.processes.record import Lived, Record, now
from tests.processes.replica import PATIENCE_S, ReplicaProcess, leader_among, write_logs

END = "may-end"  # the file that ends what is done over HTTP and here
DUE_IN_S = (6.0, 15.0, 60.0)  # the longer ones where the machine is too busy to have both replicas up before
AHEAD_S = 0.3
LEASE = {"store": "sqlite", "lease_duration": "6s", "renew_deadline": "5s", "retry_period": "1s"}
WORK = (
    "import os, types, recorded_jobs as jobs; run, attempt = (os.environ['LEASEBEAT_' + name] for name in ('RUN', "
    "'ATTEMPT')); jobs.work_until(types.SimpleNamespace(id=run, attempt=attempt), {folder!r}, {end!r})"
)
LOCAL, ASKED = ("python", "shell"), ("http", "celery", "kubernetes_job")
RUNNERS = (*LOCAL, *ASKED)
DELIVERIES = ("at_most_once", "at_least_once")
LOOK_EVERY_S = 0.005
Step = Callable[["Scene"], None]


class TooBusy(Exception):
    """The machine took longer than a leader is trusted, so whatever was to happen to this one did not."""


@dataclass
class Scene:
    """A leader and a standby; `due` is the instant of all jobs, `letter` the end of their names."""

    folder: Path
    letter: str
    others: Others
    broker: Proxy
    due: float
    leader: ReplicaProcess
    standby: ReplicaProcess

    def wait(self, look: Callable[[], bool], what: str) -> None:
        pause, until = threading.Event(), now() + PATIENCE_S
        while not look():
            if self.leader.process.poll() is None and self.leader.said("lead.suspended"):
                raise TooBusy(what)
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

    def jobs(self, *runners: str) -> list[str]:
        return [_named(runner, delivery, self.letter) for runner in runners for delivery in DELIVERIES]

    def lived(self) -> list[Lived]:
        return Record(self.folder).lived()

    def have_begun(self, *runners: str) -> bool:
        """Whether all runs of these have, whoever runs them."""
        asked = [job for runner in runners if runner in ASKED for job in self.jobs(runner)]
        local = [job for runner in runners if runner in LOCAL for job in self.jobs(runner)]
        return len(self.lived()) == len(local) and all(self.others.work(job, self.due).asked for job in asked)

    def have_ended(self) -> bool:
        asked_done = all(self.others.work(job, self.due).done for job in self.jobs("http", "celery"))
        return asked_done and all(one.outcome for one in self.lived())

    def job_names(self) -> list[str]:
        return [job_name(job, self.due) for job in self.jobs("kubernetes_job")]

    def wait_for_runs(self) -> None:
        """Until all run, and none can end: the broker says nothing, so that a task is still on its way to it."""
        self.broker.pause()
        self.wait(lambda: self.have_begun("python", "shell", "http", "kubernetes_job"), "the starts")
        sending = self.jobs("celery")
        self.wait(lambda: all(self.leader.said("run.started", job=job) for job in sending), "the sending")

    def let_end(self) -> None:
        self.broker.resume()
        (self.folder / END).touch()
        self.others.kubelet.may_end(*self.job_names())

    def kill(self) -> None:
        self.leader.process.kill()
        self.leader.process.wait()


def before_the_claim_is_accepted(scene: Scene) -> None:
    scene.wait(lambda: now() > scene.due - AHEAD_S - 0.6, "the claim")
    with closing(scene.locked()):
        scene.wait(lambda: now() > scene.due + 0.1, "the tick")
        scene.kill()


def after_the_claim_is_accepted(scene: Scene) -> None:
    scene.wait(scene.claimed, "the claim")
    scene.kill()


def while_it_runs(scene: Scene) -> None:
    scene.wait_for_runs()
    scene.kill()


def after_its_end_before_that_is_recorded(scene: Scene) -> None:
    scene.wait_for_runs()
    with closing(scene.locked()):
        scene.let_end()
        scene.wait(scene.have_ended, "the ends")
        complete = ("--for=condition=Complete", "--timeout=20s")
        scene.others.kubelet.namespace.kubectl("wait", *(f"job/{name}" for name in scene.job_names()), *complete)
        scene.kill()


STEPS = (
    before_the_claim_is_accepted,
    after_the_claim_is_accepted,
    while_it_runs,
    after_its_end_before_that_is_recorded,
)


@dataclass(frozen=True)
class Aftermath:
    """What the runs of each job did, what others did for them, and what the successor's log says became of them."""

    lived: dict[str, list[Lived]]
    work: dict[str, Work]
    fates: dict[str, list[str]]


@pytest.fixture(scope="module")
def aftermaths(tmp_path_factory: pytest.TempPathFactory, namespace: Namespace) -> Iterator[dict[str, Aftermath]]:
    """Of all steps, which are tried side by side."""
    folder = tmp_path_factory.mktemp("others")
    with all_others(folder, namespace) as others, ThreadPoolExecutor(len(STEPS)) as pool:
        folders = [tmp_path_factory.mktemp(step.__name__) for step in STEPS]
        yield dict(zip([step.__name__ for step in STEPS], pool.map(partial(_try, others), STEPS, folders), strict=True))


@dataclass(frozen=True)
class Trial:
    """One step, to be tried with replicas and job names of its own; `broker` is its way to Redis."""

    step: Step
    folder: Path
    others: Others
    broker: Proxy

    @property
    def letter(self) -> str:
        return "abcd"[STEPS.index(self.step)]

    def happens(self, due_in_s: float, started: list[ReplicaProcess]) -> Scene | None:
        """The scene once its leader was killed in this step; None where the machine was too busy for that."""
        scene = self.set(due_in_s, started)
        try:
            if scene:
                self.step(scene)
        except TooBusy:
            scene = None
        if scene is None:
            for replica in started:
                replica.end()
        return scene

    def set(self, due_in_s: float, started: list[ReplicaProcess]) -> Scene | None:
        """A leader and a standby; None when they were not up in time."""
        folder, due = self.folder / f"{due_in_s:g}", float(int(now() + due_in_s))
        Record(folder).prepare()
        text = json.dumps({"lease": LEASE, "health": {"port": 0}, "jobs": self.jobs(folder, due)})  # JSON is YAML
        (folder / "config.yaml").write_text(text)
        place = ("--kubeconfig", str(self.others.kubeconfig))
        config = folder / "config.yaml"
        pair = [ReplicaProcess.start(name, config, *place, environment={"REPLICA": name}) for name in "ab"]
        started += pair
        leader = leader_among(pair)
        (standby,) = (replica for replica in pair if replica is not leader)
        standby.wait_for("lead.standby")
        if now() >= due - 1:
            return None
        return Scene(folder, self.letter, self.others, self.broker, due, leader, standby)

    def jobs(self, folder: Path, due: float) -> dict[str, object]:
        ends = {"folder": str(folder), "end": str(folder / END)}
        actions: dict[str, object] = {
            "python": {"call": "recorded_jobs:work_until", "kwargs": ends},
            "shell": {"run": [sys.executable, "-c", WORK.format(**ends)], "env": {"PYTHONPATH": str(folder)}},
            "http": f"http://127.0.0.1:{self.others.http}{folder / END}",
            "celery": {"task": "receiver.accept", "broker": self.others.broker.url_by(self.broker.port)},
            "kubernetes_job": {"template": TEMPLATE},
        }
        at = f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}"
        rules = {"at": at, "claim_ahead": f"{int(AHEAD_S * 1000)}ms"}
        return {
            _named(runner, delivery, self.letter): {**rules, "delivery": delivery, runner: actions[runner]}
            for runner in RUNNERS
            for delivery in DELIVERIES
        }


def _try(others: Others, step: Step, folder: Path) -> Aftermath:
    started: list[ReplicaProcess] = []
    try:
        with Proxy("127.0.0.1", others.broker.port) as broker:
            trial = Trial(step, folder, others, broker)
            scene = next(filter(None, (trial.happens(due_in_s, started) for due_in_s in DUE_IN_S)))
            scene.wait(lambda: bool(scene.standby.said("lead.acquired")), "a successor")
            scene.let_end()
            fates = {_plain(job): _fates(scene.standby, job) for job in scene.jobs(*RUNNERS)}
            least = [_named(runner, "at_least_once", scene.letter) for runner in ASKED]
            scene.wait(lambda: all(others.work(job, scene.due).done for job in least), "what was asked for")
    finally:
        for replica in started:
            replica.end()
        write_logs(started, folder)
    lived = {job: [one for one in scene.lived() if one.run.startswith(f"{job}@")] for job in scene.jobs(*LOCAL)}
    work = {_plain(job): others.work(job, scene.due) for job in scene.jobs(*ASKED)}
    return Aftermath({_plain(job): runs for job, runs in lived.items()}, work, fates)


def _named(runner: str, delivery: str, letter: str) -> str:
    return f"{runner}-{delivery}-{letter}".replace("_", "-")


def _plain(job: str) -> str:
    return job.rpartition("-")[0]


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


each_step = pytest.mark.parametrize("step", [step.__name__ for step in STEPS])
NEVER_CLAIMED, CLAIMED, RUNNING, ENDED = (step.__name__ for step in STEPS)


@each_step
@pytest.mark.parametrize("runner", RUNNERS)
def test_at_most_once_is_started_at_most_once(aftermaths: dict[str, Aftermath], step: str, runner: str) -> None:
    """A Job goes on and is taken up; whatever else was cut off is told as that."""
    after, job = aftermaths[step], f"{runner}-at-most-once".replace("_", "-")
    starts = after.lived[job] if runner in LOCAL else after.work[job].asked
    not_started = step == CLAIMED or (step == RUNNING and runner == "celery")
    is_done = step == NEVER_CLAIMED or (step in (RUNNING, ENDED) and runner == "kubernetes_job")

    assert len(starts) == (0 if not_started else 1)
    assert after.fates[job] == ["succeeded" if is_done else "interrupted"]


@each_step
@pytest.mark.parametrize("runner", LOCAL)
def test_at_least_once_ends_at_least_once(aftermaths: dict[str, Aftermath], step: str, runner: str) -> None:
    after, job = aftermaths[step], f"{runner}-at-least-once"
    attempts = [one.attempt for one in after.lived[job]]

    assert after.fates[job] == ["succeeded"]
    assert [one.outcome for one in after.lived[job]][-1] == "succeeded"
    assert len(attempts) == len(set(attempts))


@each_step
@pytest.mark.parametrize("runner", ASKED)
def test_who_is_asked_for_it_at_least_once_does_it_once(
    aftermaths: dict[str, Aftermath], step: str, runner: str
) -> None:
    """By the key, which is the same for each attempt."""
    after, job = aftermaths[step], f"{runner}-at-least-once".replace("_", "-")
    work = after.work[job]
    asked_again = (step == RUNNING and runner == "http") or (step == ENDED and runner != "kubernetes_job")

    assert after.fates[job] == ["succeeded"]
    assert work.done == 1
    assert len(work.asked) == len(set(work.asked)) == (2 if asked_again else 1)


@each_step
def test_no_two_runs_of_a_job_are_alive_at_once(aftermaths: dict[str, Aftermath], step: str) -> None:
    for lived in aftermaths[step].lived.values():
        assert [together(one, other) for one, other in combinations(lived, 2) if together(one, other)] == []

"""Steering on a real API server: two people at once against a leader that claims every second, by the command line.

What each of them asks for is done once, and no tick is lost over it. `LEASEBEAT_STEERING_S` makes it longer.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from scheduler.cli.asking.notes import Asking, Words, command, run_of
from scheduler.cli.asking.place import standpoint
from scheduler.cli.options import Options
from scheduler.clock import SystemClock
from scheduler.core.errors import LeasebeatError
from scheduler.core.notes.commands import Do
from tests.processes.cluster import VERBS, Namespace
from tests.processes.replica import ReplicaProcess

LEASEBEAT = str(Path(sys.executable).with_name("leasebeat"))
CONFIG = """\
jobs:
  every: {every: 1s, catch_up: all, overlap: allow, shell: "true"}
  meter: {every: 1s, catch_up: all, shell: "true"}
  hand: {manual: true, overlap: allow, shell: "true"}
"""
ROUND = ((Do.RUN, "hand"), (Do.PAUSE, "meter"), (Do.RUN, "hand"), (Do.RESUME, "meter"))
CLOCK = SystemClock()
LASTS_S = float(os.environ.get("LEASEBEAT_STEERING_S", "4"))
ENDS = ("run.succeeded", "run.failed", "run.dropped", "run.skipped", "run.timed_out", "run.interrupted")


class Scene:
    """One leader outside of any pod, and whoever types commands with another account, without a config.yaml."""

    def __init__(self, folder: Path, namespace: Namespace, lease: str, verbs: tuple[str, ...] = VERBS) -> None:
        config, self._empty = folder / "config.yaml", folder / "elsewhere"
        config.write_text(CONFIG)
        self._empty.mkdir()
        self.namespace, self.lease = namespace, lease
        kubeconfig = str(namespace.kubeconfig(lease, verbs))
        self.options = Options(str(config), kubeconfig=kubeconfig, lease=lease)
        self._place = ["--kubeconfig", kubeconfig, "--lease", lease]
        leads = ("--kubeconfig", os.environ["KUBECONFIG"], "-n", namespace.name, "--lease", lease)
        self.leader = ReplicaProcess.start("a", config, *leads)

    def type(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [LEASEBEAT, *arguments, *self._place]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=self._empty)

    def end(self) -> None:
        try:
            self.leader.stop()
        finally:
            self.leader.end()


Begins = Callable[..., Scene]


@pytest.fixture
def begins(tmp_path: Path, namespace: Namespace) -> Iterator[Begins]:
    scenes: list[Scene] = []

    def begin(lease: str, *verbs: str) -> Scene:
        scenes.append(Scene(tmp_path, namespace, lease, verbs or VERBS))
        scenes[0].leader.wait_for("run.succeeded", count=2)
        return scenes[0]

    yield begin
    for scene in scenes:
        scene.end()


class Person(threading.Thread):
    """Pauses, resumes and runs in turn, as fast as the answers come, and takes note of what came of it."""

    def __init__(self, scene: Scene, name: str, stop: threading.Event) -> None:
        super().__init__()
        self._stand = standpoint(scene.options, CLOCK.wall())
        self._asking = Asking(self._stand.store, CLOCK)
        self._words, self._stop_asked = Words(name), stop
        self.name = name
        self.asked: Counter[Do] = Counter()
        self.runs: dict[str, str | None] = {}
        self.trouble: list[str] = []

    def run(self) -> None:
        while not self._stop_asked.is_set():
            for do, job in ROUND:
                try:
                    self._ask(do, job)
                except LeasebeatError as error:
                    self.trouble.append(f"{do} {job}: {error}")
        self._stand.store.close()

    def _ask(self, do: Do, job: str) -> None:
        heard = self._asking.until_heard([command(do, job, CLOCK.wall(), self._words)])
        (one,) = heard.commands
        self.asked[do] += 1
        self.trouble += heard.refused.values()
        if do is Do.RUN:
            self.runs[run_of(one)] = self._asking.until_over(run_of(one))[0]


def test_two_people_steer_a_leader_that_claims_every_second(begins: Begins) -> None:
    """Must hold: no request lost or done twice, no tick lost."""
    scene, stop = begins("steered"), threading.Event()
    people = [Person(scene, name, stop) for name in ("jane", "joe")]
    for person in people:
        person.start()
    stop.wait(LASTS_S)
    stop.set()
    for person in people:
        person.join()
    assert scene.type("resume", "meter", "--reason", "done").returncode == 0
    told = scene.leader.said
    scene.leader.wait_for("run.succeeded", job="meter", count=len(told("run.succeeded", job="meter")) + 2)
    asked = sum((person.asked for person in people), Counter[Do]())
    figures = {**asked, "seconds": LASTS_S, "writes": ledger(scene)["w"], "bytes": len(json.dumps(ledger(scene)))}
    logging.getLogger(__name__).info("asked for %s", figures)
    runs = {run: fate for person in people for run, fate in person.runs.items()}

    assert [trouble for person in people for trouble in person.trouble] == []
    assert set(runs.values()) == {"succeeded"}
    assert Counter(str(line["run"]) for line in told("run.started", job="hand")) == Counter(runs.keys())
    assert len(runs) == asked[Do.RUN]
    assert len(told("job.paused")) == asked[Do.PAUSE]
    assert len(told("job.resumed")) == asked[Do.RESUME] + 1
    assert Counter(line["by"] for line in told("job.asked")) == Counter(p.name for p in people for _ in p.runs)
    assert not told("lead.lost") + told("lead.suspended") + told("command.refused")
    for job in ("every", "meter"):
        assert_each_tick_has_one_fate(scene, job)
    assert len(told("run.succeeded", job="every")) >= LASTS_S
    assert not told("run.skipped", job="every")


def assert_each_tick_has_one_fate(scene: Scene, job: str) -> None:
    fates: Counter[int] = Counter()
    for line in scene.leader.lines:
        if line.get("job") == job and line["event"] in ENDS:
            first = seconds(str(line["tick"]))
            last = seconds(str(line["to"])) if line.get("to") else first
            assert last - first + 1 == line.get("ticks", 1)
            fates.update(range(first, last + 1))
    settled = max(fates)
    assert fates == Counter(range(min(fates), settled + 1)), "a tick was lost or doubled"
    assert len(fates) >= LASTS_S


def seconds(tick: str) -> int:
    return round(datetime.fromisoformat(tick).timestamp())


def ledger(scene: Scene) -> dict[str, object]:
    annotations = scene.namespace.lease(scene.lease)["metadata"]["annotations"]
    found: dict[str, object] = json.loads(annotations["leasebeat/ledger"])
    return found


def timed(act: Callable[[], subprocess.CompletedProcess[str]]) -> tuple[subprocess.CompletedProcess[str], float]:
    began = CLOCK.boot()
    return act(), CLOCK.boot() - began


def test_status_says_how_it_stands_and_waits_for_nobody(begins: Begins) -> None:
    scene = begins("shown")
    shown, took_s = timed(lambda: scene.type("status"))
    document = scene.type("status", "--json")
    scene.leader.signal(signal.SIGSTOP)
    silent, waited_s = timed(lambda: scene.type("status"))
    scene.leader.signal(signal.SIGCONT)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("leader  a   term 1 since ")
    assert "/shown   15s/10s/2s   config " in shown.stdout
    assert {job["name"] for job in json.loads(document.stdout)["jobs"]} == {"every", "meter", "hand"}
    assert "the leader cannot be asked: 127.0.0.1:" in silent.stdout
    assert waited_s < 5 + 2 * took_s  # seconds for the leader to answer, on a machine that may be busy


def test_who_may_not_update_the_lease_cannot_steer(begins: Begins) -> None:
    scene = begins("looker", "get", "watch")
    denied, shown = scene.type("pause", "meter"), scene.type("status")

    assert denied.returncode == 3
    assert denied.stderr.startswith(
        f"error: 403: may not update Lease {scene.namespace.name}/looker\n  grant update on"
    )
    assert shown.returncode == 0
    assert not scene.leader.said("job.paused")

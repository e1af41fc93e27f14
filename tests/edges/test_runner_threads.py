"""`isolation: thread`: the same functions in the leader's process, and what cannot be had there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from scheduler.core.actions import Action, KubernetesJobAction, PythonAction, ShellAction
from scheduler.core.ports import Clock, RunEnded, Runner, RunOrder, RunOutput, RunStarted
from scheduler.running.route import Runners
from scheduler.running.runners.threads import ThreadRunner
from tests.edges.supervision import PATIENCE_S, Ear, order, perform

NOW = datetime(2026, 11, 22, 2, 15, tzinfo=UTC)


@dataclass
class StandingClock:
    """A clock that is set by hand."""

    boot_s: float = 1000.0

    def boot(self) -> float:
        return self.boot_s

    def wall(self) -> datetime:
        return NOW


@dataclass
class Door:
    """A gate that is opened and shut by hand."""

    is_open: bool = True

    def __call__(self) -> bool:
        return self.is_open


clock = StandingClock()
entered = threading.Semaphore(0)
leave = threading.Semaphore(0)


def noop() -> None:
    pass


def fail() -> None:
    raise ValueError("no such order")


async def wait_a_little() -> None:
    pass


def take(seconds: float) -> None:
    clock.boot_s += seconds


def wait_in_thread() -> None:
    entered.release()
    assert leave.acquire(timeout=PATIENCE_S)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def runner(ear: Ear, door: Door) -> Iterator[ThreadRunner]:
    ticking: Clock = clock
    runner = ThreadRunner(ear, max_parallel=2, gate=door, clock=ticking)
    yield runner
    runner.close()


def thread(function: str, *args: object, timeout_s: float | None = None) -> RunOrder:
    return order(PythonAction(__name__, function, args, isolation="thread"), timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("run", "end"),
    [
        pytest.param(thread("noop"), ("succeeded", 0, None, None), id="returning"),
        pytest.param(thread("wait_a_little"), ("succeeded", 0, None, None), id="a coroutine function"),
        pytest.param(thread("fail"), ("failed", 0, "exception", "ValueError: no such order"), id="an exception"),
        pytest.param(thread("take", 1.5), ("succeeded", 1500, None, None), id="how long it took"),
        pytest.param(thread("take", 1.5, timeout_s=2), ("succeeded", 1500, None, None), id="in time"),
        pytest.param(thread("take", 2.5, timeout_s=2), ("timed_out", 2500, None, None), id="too late"),
    ],
)  # fmt: skip
def test_what_the_end_of_a_call_means(
    runner: ThreadRunner, ear: Ear, run: RunOrder, end: tuple[str, int, str | None, str | None]
) -> None:
    ended = ear.ended(perform(runner, run))

    assert (ended.outcome, ended.took_ms, ended.reason, ended.error) == end


def test_start_and_end_are_told_in_this_order(runner: ThreadRunner, ear: Ear) -> None:
    key = perform(runner, thread("noop"))

    assert ear.kinds(key) == [RunStarted, RunEnded]
    assert ear.started(key).at == NOW


def test_a_traceback_is_output(runner: ThreadRunner, ear: Ear) -> None:
    key = perform(runner, thread("fail"))

    assert ear.lines(key, "stderr")[-1] == "ValueError: no such order"
    assert set(ear.kinds(key)) == {RunStarted, RunOutput, RunEnded}


def test_with_the_gate_shut_nothing_is_called(runner: ThreadRunner, ear: Ear, door: Door) -> None:
    door.is_open = False
    key = perform(runner, thread("fail"))

    assert ear.ended(key) == RunEnded(key, "gate_shut", took_ms=0)
    assert ear.kinds(key) == [RunEnded]


def test_as_many_as_allowed_run_side_by_side_and_the_next_asks_the_gate_when_it_starts(
    runner: ThreadRunner, ear: Ear, door: Door
) -> None:
    keys = [perform(runner, thread("wait_in_thread")) for _ in range(3)]
    for _ in range(2):
        assert entered.acquire(timeout=PATIENCE_S)
    door.is_open = False
    for _ in range(2):
        leave.release()

    assert [ear.ended(key).outcome for key in keys] == ["succeeded", "succeeded", "gate_shut"]


def test_a_run_cannot_be_killed_and_closing_does_not_wait_for_it(runner: ThreadRunner, ear: Ear) -> None:
    key = perform(runner, thread("wait_in_thread"))
    assert entered.acquire(timeout=PATIENCE_S)
    runner.kill(key)
    runner.kill_exclusive()
    runner.close()
    leave.release()

    assert ear.ended(key).outcome == "succeeded"


class Noted:
    """A runner that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        self.asked.append((gate_until, exclusive_until))

    def start(self, order: RunOrder) -> None:
        self.asked.append(order)

    def stop(self, key: str) -> None:
        self.asked.append(f"stop {key}")

    def kill(self, key: str) -> None:
        self.asked.append(key)

    def kill_exclusive(self) -> None:
        self.asked.append("kill_exclusive")

    def let_go(self, key: str) -> None:
        self.asked.append(f"let_go {key}")

    def close(self) -> None:
        self.asked.append("close")


@pytest.mark.parametrize(
    ("action", "place"),
    [
        pytest.param(PythonAction("m", "f"), 0, id="isolation: process"),
        pytest.param(ShellAction("true"), 0, id="shell"),
        pytest.param(PythonAction("m", "f", isolation="thread"), 1, id="isolation: thread"),
        pytest.param(KubernetesJobAction("acme/indexer:4"), 2, id="kubernetes_job"),
    ],
)
def test_each_action_has_its_runner(action: Action, place: int) -> None:
    runners = (Noted(), Noted(), Noted())
    run = order(action)
    Runners(*runners).start(run)

    assert [runner.asked for runner in runners] == [[run] if at == place else [] for at in range(3)]


def test_everything_else_is_told_to_all() -> None:
    supervised, threads, cluster = Noted(), Noted(), Noted()
    together: Runner = Runners(supervised, threads, cluster)
    together.trust(1.0, 2.0)
    together.stop("a#1")
    together.kill("a#1")
    together.kill_exclusive()
    together.let_go("a#1")
    together.close()

    assert supervised.asked == [(1.0, 2.0), "stop a#1", "a#1", "kill_exclusive", "let_go a#1", "close"]
    assert supervised.asked == threads.asked == cluster.asked

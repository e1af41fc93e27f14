"""The leader's end: what it reports when something becomes of its supervisor, and what is left when it is closed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.core.actions import ShellAction
from scheduler.core.ports import RunEnded, Runner
from scheduler.running.supervisor.handle import SupervisorRunner, _message
from scheduler.running.supervisor.link import SILENCE_S, Hearing, Link
from scheduler.running.supervisor.times import boot_now
from scheduler.running.supervisor.wire import Setup, Trust
from tests.edges.supervision import CONFIG_FOLDER, FOR_EVER_S, Ear, Fifo, order, perform, python, shell, trusted

TRUST = Trust(boot_now() + FOR_EVER_S, boot_now() + FOR_EVER_S)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def runner(ear: Ear) -> Iterator[SupervisorRunner]:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER))
    yield runner
    runner.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path)
    yield fifo
    fifo.close()


def supervisor_of(runner: SupervisorRunner, ear: Ear) -> int:
    return int(ear.lines(perform(runner, shell("echo $PPID")))[0])


def test_it_is_a_runner(runner: SupervisorRunner) -> None:
    port: Runner = runner

    assert port is runner


def test_the_supervisor_is_started_once(runner: SupervisorRunner, ear: Ear) -> None:
    runner.open()
    first = supervisor_of(runner, ear)
    runner.open()

    assert supervisor_of(runner, ear) == first


def test_opening_replaces_a_supervisor_that_died(ear: Ear, fifo: Fifo, tmp_path: Path) -> None:
    runner = trusted(SupervisorRunner(ear, str(tmp_path)))
    first = supervisor_of(runner, ear)
    key = perform(runner, shell("sleep 60"))
    ear.started(key)
    os.kill(first, signal.SIGKILL)
    ear.ended(key)
    (tmp_path / "early.py").write_text(f"with open({str(fifo.path)!r}, 'w') as trace: print('held', file=trace)\n")
    runner.open(["early"])
    fifo.wait_until_held()
    runner.close()


def test_without_a_run_or_a_lead_there_is_no_supervisor(ear: Ear) -> None:
    runner = trusted(SupervisorRunner(ear, "/no/such/folder"))
    runner.kill("nobody@2026-11-22T02:15:00Z#1")
    runner.kill_exclusive()
    runner.close()


def test_the_runs_of_a_supervisor_that_died_have_crashed(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    supervisor = supervisor_of(runner, ear)
    key = perform(runner, shell(f"{fifo.hold}; sleep 60 & sleep 60"))
    ear.started(key)
    fifo.wait_until_held()
    os.kill(supervisor, signal.SIGKILL)

    assert ear.ended(key) == RunEnded(key, "failed", 0, "crashed", "the supervisor ended: signal KILL")
    fifo.wait_until_released()


def test_a_supervisor_that_died_is_replaced_and_has_the_trust(runner: SupervisorRunner, ear: Ear) -> None:
    first = supervisor_of(runner, ear)
    key = perform(runner, python("wait_for_ever"))
    ear.started(key)
    os.kill(first, signal.SIGKILL)
    ear.ended(key)

    assert supervisor_of(runner, ear) != first


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_does_not_end_the_supervisor(runner: SupervisorRunner, ear: Ear, signum: int) -> None:
    supervisor = supervisor_of(runner, ear)
    os.kill(supervisor, signum)

    assert supervisor_of(runner, ear) == supervisor


def test_closing_kills_the_runs_and_says_so(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    keys = [perform(runner, shell(f"{fifo.hold}; sleep 60 & sleep 60")), perform(runner, python("wait_for_ever"))]
    fifo.wait_until_held()
    worker = int(ear.line(keys[1]))
    runner.close()

    assert [ear.ended(key).outcome for key in keys] == ["killed", "killed"]
    fifo.wait_until_released()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_closing_leaves_no_supervisor_and_no_zombie(runner: SupervisorRunner, ear: Ear) -> None:
    supervisor = supervisor_of(runner, ear)
    runner.close()

    with pytest.raises(ProcessLookupError):
        os.kill(supervisor, 0)


def test_a_supervisor_that_is_stopped_does_not_hold_up_the_leader(
    runner: SupervisorRunner, ear: Ear, fifo: Fifo
) -> None:
    started = perform(runner, shell(f"{fifo.hold}; echo $PPID; setsid sleep 60 & sleep 60"))
    supervisor = int(ear.line(started))
    fifo.wait_until_held()
    os.kill(supervisor, signal.SIGSTOP)
    waiting = perform(runner, shell("true"))
    runner.close()

    assert [ear.ended(key).outcome for key in (started, waiting)] == ["killed", "killed"]
    fifo.wait_until_released()


def test_a_supervisor_that_hears_nothing_for_long_is_given_up(ear: Ear, fifo: Fifo) -> None:
    hearing = Hearing()
    link = Link(Setup(CONFIG_FOLDER, sys.path, [], "info", grace_s=10.0, calls=1), ear, hearing=hearing)
    link.send(TRUST)
    run = _message(shell(f"{fifo.hold}; echo $PPID; sleep 60"))
    link.start(run)
    supervisor = int(ear.line(run.key))
    fifo.wait_until_held()
    hearing.patience_s = 0.2
    os.kill(supervisor, signal.SIGSTOP)
    link.send(TRUST)

    assert ear.ended(run.key).error == "the supervisor ended: signal KILL"
    fifo.wait_until_released()


@pytest.mark.parametrize(
    ("looks", "deaf"),
    [
        pytest.param([(0.0, 9), (29.9, 9)], False, id="not for long"),
        pytest.param([(0.0, 9), (30.1, 9)], True, id="for long"),
        pytest.param([(0.0, 9), (29.0, 0), (31.0, 9)], False, id="it has read meanwhile"),
        pytest.param([(0.0, 0), (999.0, 9)], False, id="seen for the first time"),
        pytest.param([(0.0, 9), None, (31.0, 9)], False, id="it has spoken meanwhile"),
    ],
)
def test_deaf_is_who_leaves_something_unread_for_long(looks: list[tuple[float, int] | None], deaf: bool) -> None:
    hearing = Hearing(patience_s=30.0)
    found = [hearing.is_lost(look[1], look[0]) if look else hearing.it_spoke() for look in looks]

    assert bool(found[-1]) is deaf


@pytest.mark.parametrize(
    ("lose", "when"),
    [
        pytest.param(lambda runner: runner.kill_exclusive(), "the lead is lost", id="the lead is lost"),
        pytest.param(lambda runner: runner.trust(0.0, boot_now() + 0.1), "the trust ends", id="the trust ends"),
    ],
)
def test_a_stopped_supervisor_keeps_no_exclusive_run_alive(
    runner: SupervisorRunner, ear: Ear, fifo: Fifo, lose: Callable[[SupervisorRunner], None], when: str
) -> None:
    """Nobody tells it anything any more once the lead is lost, so that cannot be what it is found out by."""
    key = perform(runner, shell(f"{fifo.hold}; echo $PPID; setsid sleep 60 & sleep 60"))
    supervisor = int(ear.line(key))
    fifo.wait_until_held()
    os.kill(supervisor, signal.SIGSTOP)
    lose(runner)

    assert ear.ended(key) == RunEnded(key, "killed", took_ms=0), when
    fifo.wait_until_released()


def test_a_stopped_supervisor_is_left_alone_while_its_runs_have_the_right_to_run(
    runner: SupervisorRunner, ear: Ear, fifo: Fifo
) -> None:
    key = perform(runner, order(ShellAction(f"{fifo.hold}; echo $PPID; {fifo.pause}"), exclusive=False))
    supervisor = int(ear.line(key))
    fifo.wait_until_held()
    os.kill(supervisor, signal.SIGSTOP)
    runner.kill_exclusive()
    threading.Event().wait(3 * SILENCE_S)
    os.kill(supervisor, signal.SIGCONT)
    fifo.go()

    assert ear.ended(key).outcome == "succeeded"


def test_what_ended_while_it_was_the_supervisors_child_is_reaped(runner: SupervisorRunner, ear: Ear) -> None:
    """Orphans go to the supervisor, which is their subreaper."""
    ear.ended(perform(runner, shell("(sleep 0 & sleep 0 &) ; setsid true & true")))
    supervisor = supervisor_of(runner, ear)
    zombies = ear.lines(perform(runner, shell(f"sleep 0.1; ps -o stat= --ppid {supervisor} | grep -c ^Z")))

    assert zombies == ["0"]

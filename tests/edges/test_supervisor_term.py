"""How a run is asked to end: once. To many a program a second TERM means that it may not finish what it is at."""

from __future__ import annotations

import pytest

from scheduler.core.actions import PythonAction
from scheduler.core.ports import RunOrder
from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.supervision import CONFIG_FOLDER, Ear, order, perform, shell, trusted

PROCESSES = 20  # the first have heard it long before the last
TWO_STEPS = "sleep 30; echo next"


def test_each_process_of_a_run_hears_one_term() -> None:
    ear = Ear()
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, grace_s=0.5))
    heed = "trap 'echo asked' TERM; sleep 9 & wait; sleep 0.1"
    key = perform(runner, shell(f"for each in $(seq {PROCESSES}); do ({heed}) & done; {heed}", timeout_s=0.3))
    lines = ear.lines(key)
    runner.close()

    assert ear.ended(key).outcome == "timed_out"
    assert lines == ["asked"] * (PROCESSES + 1)


def many(step: str) -> str:
    """The shell command that has this one executed many times side by side."""
    return f"for each in $(seq {PROCESSES}); do {step} & done; wait"


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(shell(many(f"({TWO_STEPS})"), timeout_s=0.3), id="in subshells"),
        pytest.param(shell(many(f"setsid sh -c '{TWO_STEPS}'"), timeout_s=0.5), id="in sessions of their own"),
        pytest.param(
            shell(many(f"bash -c 'set -m; {TWO_STEPS}'"), timeout_s=1.0), id="in shells that see who is stopped"
        ),
        pytest.param(
            order(PythonAction("sample_jobs", "two_steps", (PROCESSES,)), timeout_s=0.5), id="in a function's threads"
        ),
    ],
)
def test_what_is_asked_to_end_begins_no_next_step(run: RunOrder) -> None:
    """A shell or a function that hears TERM later than the command it waits for would believe that this has ended."""
    ear = Ear()
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER))
    key = perform(runner, run)
    ended = ear.ended(key)
    runner.close()

    assert ended.outcome == "timed_out"
    assert ear.lines(key) == []


def test_runs_that_are_late_together_begin_no_next_step() -> None:
    ear = Ear()
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER))
    keys = [perform(runner, shell(TWO_STEPS, timeout_s=0.3)) for _ in range(PROCESSES)]
    outcomes = {ear.ended(key).outcome for key in keys}
    runner.close()

    assert outcomes == {"timed_out"}
    assert [line for key in keys for line in ear.lines(key)] == []


def test_a_run_that_is_stopped_hears_term_as_well() -> None:
    ear = Ear()
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER))
    key = perform(runner, shell("trap 'echo asked; exit' TERM; kill -STOP $$; echo went on; sleep 30", timeout_s=0.3))
    lines = ear.lines(key)
    runner.close()

    assert lines[:1] == ["asked"]

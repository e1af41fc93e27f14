"""How a run is asked to end: once. To many a program a second TERM means that it may not finish what it is at."""

from __future__ import annotations

from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.supervision import CONFIG_FOLDER, Ear, perform, shell, trusted

PROCESSES = 20  # the first have heard it long before the last


def test_each_process_of_a_run_hears_one_term() -> None:
    ear = Ear()
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, grace_s=0.5))
    heed = "trap 'echo asked' TERM; sleep 9 & wait; sleep 0.1"
    key = perform(runner, shell(f"for each in $(seq {PROCESSES}); do ({heed}) & done; {heed}", timeout_s=0.3))
    lines = ear.lines(key)
    runner.close()

    assert ear.ended(key).outcome == "timed_out"
    assert lines == ["asked"] * (PROCESSES + 1)

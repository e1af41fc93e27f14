"""What functions do to their worker reaches no other function: it is put back, or the worker is used no more."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.core.actions import PythonAction
from scheduler.core.job import Output
from scheduler.core.ports import RunOrder
from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.supervision import CONFIG_FOLDER, Ear, order, perform, python, shell, trusted


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="module")
def runner(ear: Ear) -> Iterator[SupervisorRunner]:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, grace_s=1.0))
    runner.open(["bad_jobs", "sample_jobs"])
    yield runner
    runner.close()


def bad(function: str, *args: object, timeout_s: float | None = None) -> RunOrder:
    return order(PythonAction("bad_jobs", function, args), timeout_s=timeout_s)


def look(runner: SupervisorRunner, ear: Ear) -> list[str]:
    key = perform(runner, bad("look"))
    assert ear.ended(key).outcome == "succeeded"
    return sorted(output.text for output in ear.outputs(key))  # records of logging travel beside what is printed


@pytest.fixture(scope="module")
def usual(runner: SupervisorRunner, ear: Ear) -> list[str]:
    """What a function finds that is the first in its worker."""
    return look(runner, ear)


@pytest.mark.parametrize(
    "function",
    [
        "change_path",
        "change_signals",
        "change_locale",
        "change_logging",
        "change_limits",
        "change_priority",
        "close_outputs",
        "reuse_descriptors",
        "leave_threads",
        "recurse",
        "return_much",
        "fail_at_length",
        "fail_unspeakably",
        "log_at_length",
        "use_processes",
        "close_in_a_child",
        "close_all_but_the_outputs",
        "close_everything",
    ],
)
def test_the_next_function_finds_what_the_first_one_found(
    runner: SupervisorRunner, ear: Ear, usual: list[str], function: str
) -> None:
    assert "heard" in usual
    ear.ended(perform(runner, bad(function)))

    assert look(runner, ear) == usual


@pytest.mark.parametrize(
    ("function", "end"),
    [
        pytest.param("close_outputs", ("succeeded", None), id="its outputs were its own to close"),
        pytest.param("close_all_but_the_outputs", ("failed", "crashed"), id="what it is heard by was not"),
        pytest.param("leave_threads", ("succeeded", None), id="threads do not hold up its end"),
        pytest.param("recurse", ("failed", "exception"), id="a recursion is an exception"),
        pytest.param("return_much", ("succeeded", None), id="nobody looks at what it returns"),
    ],
)
def test_what_becomes_of_itself(runner: SupervisorRunner, ear: Ear, function: str, end: tuple[str, str | None]) -> None:
    ended = ear.ended(perform(runner, bad(function)))

    assert (ended.outcome, ended.reason) == end


def test_a_long_exception_is_told_shortly(runner: SupervisorRunner, ear: Ear) -> None:
    error = ear.ended(perform(runner, bad("fail_at_length"))).error

    assert error
    assert error.startswith("ValueError: xxx")
    assert len(error) < 400


def test_an_exception_that_cannot_be_told_is_named(runner: SupervisorRunner, ear: Ear) -> None:
    assert ear.ended(perform(runner, bad("fail_unspeakably"))).error == "Unspeakable"


def test_a_worker_that_has_grown_is_replaced(runner: SupervisorRunner, ear: Ear) -> None:
    ear.ended(perform(runner, python("noop")))
    modest, same, greedy, other = (
        ear.lines(perform(runner, bad("hoard_much", size))) for size in (1000, 20_000_000, 300_000_000, 1000)
    )

    assert modest == same == greedy
    assert other != greedy


def test_a_worker_is_replaced_after_many_calls(ear: Ear) -> None:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, calls=3))
    pids = [tuple(ear.lines(perform(runner, python("own_pid")))) for _ in range(7)]
    runner.close()

    assert [len(set(pids[first : first + 3])) for first in (0, 3)] == [1, 1]
    assert len(set(pids)) == 3


def test_one_that_holds_the_interpreter_is_ended_and_holds_up_nobody(runner: SupervisorRunner, ear: Ear) -> None:
    key = perform(runner, bad("hold_the_interpreter", 60, timeout_s=0.3))
    other = ear.ended(perform(runner, python("noop")))

    assert other.outcome == "succeeded"
    assert ear.ended(key).outcome == "timed_out"


def test_a_coroutine_may_tidy_up_when_it_is_asked_to_end(runner: SupervisorRunner, ear: Ear, tmp_path: Path) -> None:
    ended = ear.ended(perform(runner, bad("tidy_up_when_cancelled", str(tmp_path / "trace"), timeout_s=0.2)))

    assert ended.outcome == "timed_out"
    assert (tmp_path / "trace").read_text() == "tidy"


@pytest.mark.parametrize("run", [shell("echo out; echo err >&2; exit 3"), python("fail")], ids=["shell", "python"])
@pytest.mark.parametrize(("output", "told"), [(Output.LOG, True), (Output.TAIL, True), (Output.NONE, False)])
def test_output_of_a_failure(runner: SupervisorRunner, ear: Ear, run: RunOrder, output: Output, told: bool) -> None:
    key = perform(runner, dataclasses.replace(run, key=f"{run.key}-{output}", output=output))

    assert bool(ear.outputs(key)) == told


@pytest.mark.parametrize("run", [shell("echo out"), python("log_records")], ids=["shell", "python"])
@pytest.mark.parametrize(("output", "told"), [(Output.LOG, True), (Output.TAIL, False), (Output.NONE, False)])
def test_output_of_a_success(runner: SupervisorRunner, ear: Ear, run: RunOrder, output: Output, told: bool) -> None:
    key = perform(runner, dataclasses.replace(run, key=f"{run.key}-{output}", output=output))

    assert bool(ear.outputs(key)) == told


def test_a_tail_is_told_of_a_run_that_was_killed(runner: SupervisorRunner, ear: Ear) -> None:
    run = dataclasses.replace(shell("echo out; sleep 60"), output=Output.TAIL, timeout_s=0.2)

    assert ear.lines(perform(runner, run)) == ["out"]


def test_without_output_the_error_is_silent_as_well(runner: SupervisorRunner, ear: Ear) -> None:
    run = dataclasses.replace(shell("echo secret >&2; exit 3"), output=Output.NONE)

    assert ear.ended(perform(runner, run)).error == "exit 3"


def test_what_a_module_changes_when_it_is_imported_stays_and_wears_nothing_out(ear: Ear, tmp_path: Path) -> None:
    (tmp_path / "lifts.py").write_text(
        "import os, resource, sys\n"
        "sys.path.append('vendored')\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))\n"
        "def call(): print(os.getpid(), sys.path.count('vendored'))\n"
    )
    runner = trusted(SupervisorRunner(ear, str(tmp_path)))
    said = [ear.lines(perform(runner, order(PythonAction("lifts", "call"))))[0].split() for _ in range(5)]
    runner.close()

    assert {times for _, times in said} == {"1"}
    assert len({worker for worker, _ in said}) <= 2  # the one started ahead may be ready at any time

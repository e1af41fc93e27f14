"""`python` actions, run by real supervisors: how a function is called, what its end means, what a worker keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.core.actions import PythonAction
from scheduler.core.ports import RunEnded, RunOrder, RunOutput, RunStarted
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.running.supervisor.times import boot_now
from tests.edges.supervision import CONFIG_FOLDER, FOR_EVER_S, Ear, Fifo, order, perform, python, shell, trusted


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="module")
def runner(ear: Ear) -> Iterator[SupervisorRunner]:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, grace_s=0.2))
    runner.open(["sample_jobs", "no_such_module"])
    yield runner
    runner.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path)
    yield fifo
    fifo.close()


@pytest.mark.parametrize(
    ("run", "end"),
    [
        pytest.param(python("noop"), ("succeeded", None, None), id="returning is success"),
        pytest.param(
            python("fail"), ("failed", "exception", "ValueError: no such order"), id="an exception is failure"
        ),
        pytest.param(python("fail_without_words"), ("failed", "exception", "RuntimeError"), id="one without words too"),
        pytest.param(python("leave"), ("succeeded", None, None), id="sys.exit() is success"),
        pytest.param(python("leave", 0), ("succeeded", None, None), id="sys.exit(0) too"),
        pytest.param(python("leave", 3), ("failed", "exit", "exit 3"), id="any other exit is failure"),
        pytest.param(python("leave", "no disk"), ("failed", "exit", "exit 1: no disk"), id="sys.exit with a word"),
        pytest.param(python("die", 3), ("failed", "crashed", "exit 3"), id="a worker that ends has crashed"),
        pytest.param(
            python("die", 0), ("failed", "crashed", "exit 0 before the function returned"), id="even with status 0"
        ),
        pytest.param(python("segfault"), ("failed", "crashed", "signal SEGV"), id="by a signal as well"),
        pytest.param(
            python("nope"),
            ("failed", "exception", "AttributeError: module 'sample_jobs' has no attribute 'nope'"),
            id="there is no such function",
        ),
    ],
)
def test_what_the_end_of_a_call_means(
    runner: SupervisorRunner, ear: Ear, run: RunOrder, end: tuple[str, str | None, str | None]
) -> None:
    ended = ear.ended(perform(runner, run))

    assert (ended.outcome, ended.reason, ended.error) == end


def test_a_module_that_cannot_be_imported_fails_the_run(runner: SupervisorRunner, ear: Ear) -> None:
    key = perform(runner, order(PythonAction("no_such_module", "noop")))

    assert ear.ended(key).error == "ModuleNotFoundError: No module named 'no_such_module'"
    assert ear.lines(key, "stderr") == ["ModuleNotFoundError: No module named 'no_such_module'"]


@pytest.mark.parametrize(
    ("run", "line"),
    [
        pytest.param(python("say", 1, "a", None, tags=["x"]), "1 a None tags=['x']", id="arguments"),
        pytest.param(python("wait_a_little", "tea"), "waited for tea", id="a coroutine function"),
        pytest.param(python("partly_applied", "done"), "partly done", id="any callable"),
        pytest.param(python("Shop.close"), "closed", id="a dotted name"),
    ],
)
def test_what_can_be_called(runner: SupervisorRunner, ear: Ear, run: RunOrder, line: str) -> None:
    assert ear.lines(perform(runner, run)) == [line]


def test_a_function_is_told_which_run_it_is(runner: SupervisorRunner, ear: Ear) -> None:
    facts, parsed = ear.lines(perform(runner, order(PythonAction("sample_jobs", "told"), timeout_s=60)))

    assert facts.startswith(
        "JobRun(job='hello', id='hello@2026-11-22T02:15:00Z', tick=datetime.datetime(2026, 11, 22, 2, 15"
    )
    assert "attempt=2, term=7, fence='48211', deadline=datetime.datetime(" in facts
    assert parsed.startswith("hello@2026-11-22T02:15:00Z 2026-11-22T02:15:00+00:00")


def test_start_output_and_end_are_told_in_this_order(runner: SupervisorRunner, ear: Ear) -> None:
    assert ear.kinds(perform(runner, python("own_pid"))) == [RunStarted, RunOutput, RunEnded]


def test_a_worker_is_used_again(runner: SupervisorRunner, ear: Ear) -> None:
    first, second = (ear.lines(perform(runner, python("own_pid"))) for _ in range(2))

    assert first == second


def test_a_worker_that_crashed_is_replaced(runner: SupervisorRunner, ear: Ear) -> None:
    before = ear.lines(perform(runner, python("own_pid")))
    ear.ended(perform(runner, python("die", 4)))

    assert ear.lines(perform(runner, python("own_pid"))) != before


def test_calls_run_side_by_side_in_workers_of_their_own(runner: SupervisorRunner, ear: Ear) -> None:
    keys = [perform(runner, python("wait_for_ever")) for _ in range(2)]
    pids = {ear.line(key) for key in keys}
    for key in keys:
        runner.kill(key)

    assert len(pids) == 2
    assert [ear.ended(key).outcome for key in keys] == ["killed", "killed"]


def test_all_that_is_written_is_output(runner: SupervisorRunner, ear: Ear) -> None:
    key = perform(runner, python("write_everywhere"))

    assert sorted(ear.lines(key)) == sorted(["print", "descriptor", "child", "stdio", "no line end"])
    assert ear.lines(key, "stderr") == ["error"]


def test_records_of_logging_keep_their_level_and_their_loggers_name(runner: SupervisorRunner, ear: Ear) -> None:
    records = [(record.level, record.text) for record in ear.outputs(perform(runner, python("log_records")))]

    assert records[:4] == [("info", "3 orders"), ("warning", "two"), ("warning", "lines"), ("error", "it failed")]
    assert records[4] == ("error", "Traceback (most recent call last):")


def test_a_record_names_its_logger(runner: SupervisorRunner, ear: Ear) -> None:
    first, *_ = ear.outputs(perform(runner, python("log_records")))

    assert (first.stream, first.logger) == ("log", "shop.orders")


@pytest.mark.parametrize("function", ["fail", "fail_later"])
def test_a_traceback_begins_with_the_users_code(runner: SupervisorRunner, ear: Ear, function: str) -> None:
    lines = ear.lines(perform(runner, python(function)), "stderr")

    assert lines[0] == "Traceback (most recent call last):"
    assert "sample_jobs.py" in lines[1]
    assert lines[-2:] == ["ValueError: no such order", "at all"]


def test_what_a_function_did_to_its_surroundings_is_undone(runner: SupervisorRunner, ear: Ear) -> None:
    show = ("show_surroundings", "HOME", "LEFT_BEHIND", "REGION", "LEASEBEAT_ATTEMPT")
    ear.ended(perform(runner, order(PythonAction("sample_jobs", "spoil_surroundings", env={"REGION": "eu"}))))

    assert ear.lines(perform(runner, python(*show))) == [CONFIG_FOLDER, f"{os.environ['HOME']} None None 2"]


def test_an_actions_environment_is_there_during_the_run(runner: SupervisorRunner, ear: Ear) -> None:
    action = PythonAction("sample_jobs", "show_surroundings", ("REGION", "LEASEBEAT_RUN"), env={"REGION": "eu"})

    assert ear.lines(perform(runner, order(action)))[1] == "eu hello@2026-11-22T02:15:00Z"


def test_a_copy_that_the_function_forked_does_not_speak_for_the_run(runner: SupervisorRunner, ear: Ear) -> None:
    key = perform(runner, python("fork_and_return"))

    assert ear.ended(key).outcome == "succeeded"
    # Prints and records come by different pipes, so their order is nobody's promise.
    assert sorted(output.text for output in ear.outputs(key)) == ["WARNING shop.orders: copy"] * 2 + ["parent"]


def test_a_timeout_ends_the_worker(runner: SupervisorRunner, ear: Ear) -> None:
    key = perform(runner, order(PythonAction("sample_jobs", "wait_for_ever"), timeout_s=0.2))

    assert ear.ended(key).outcome == "timed_out"
    assert not Path(f"/proc/{ear.line(key)}").exists()


def test_a_worker_that_ignores_term_is_killed_after_the_grace(runner: SupervisorRunner, ear: Ear) -> None:
    ended = ear.ended(perform(runner, order(PythonAction("sample_jobs", "ignore_term_until_killed"), timeout_s=0.2)))

    assert ended.outcome == "timed_out"
    assert 400 <= ended.took_ms < 2000


def test_what_a_function_left_running_dies_with_its_worker(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    ended = ear.ended(perform(runner, python("leave_a_child_behind", str(fifo.path))))
    fifo.wait_until_held()

    assert ended.outcome == "succeeded"
    assert fifo.is_held()
    ear.ended(perform(runner, python("die", 1)))
    fifo.wait_until_released()


def test_with_the_gate_shut_the_module_is_not_even_imported(ear: Ear, tmp_path: Path) -> None:
    (tmp_path / "shut_out.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\ndef call(): pass\n")
    runner = SupervisorRunner(ear, str(tmp_path))
    runner.trust(gate_until=boot_now(), exclusive_until=boot_now() + FOR_EVER_S)
    key = perform(runner, order(PythonAction("shut_out", "call")))
    ended = ear.ended(key)
    runner.close()

    assert ended == RunEnded(key, "gate_shut", took_ms=0)
    assert ear.kinds(key) == [RunEnded]
    assert not (tmp_path / "trace").exists()


def test_a_worker_refuses_a_second_run_when_the_gate_has_shut(runner: SupervisorRunner, ear: Ear) -> None:
    ear.ended(perform(runner, python("noop")))
    runner.kill_exclusive()
    refused = ear.ended(perform(runner, python("noop")))
    trusted(runner)

    assert refused.outcome == "gate_shut"
    assert ear.ended(perform(runner, python("noop"))).outcome == "succeeded"


def test_arguments_may_be_larger_than_any_pipe(runner: SupervisorRunner, ear: Ear) -> None:
    ear.ended(perform(runner, python("noop")))
    key = perform(runner, python("say", "x" * 300_000))

    assert "".join(ear.lines(key)) == "x" * 300_000


def test_the_tables_modules_are_imported_before_the_first_run(tmp_path: Path, fifo: Fifo) -> None:
    (tmp_path / "early.py").write_text(f"with open({str(fifo.path)!r}, 'w') as trace: print('held', file=trace)\n")
    runner = SupervisorRunner(Ear(), str(tmp_path))
    runner.open(["early"])
    fifo.wait_until_held()
    runner.close()


def test_a_module_that_hangs_when_imported_delays_no_other_job(tmp_path: Path, ear: Ear, fifo: Fifo) -> None:
    (tmp_path / "hangs.py").write_text(
        f"import threading\ntrace = open({str(fifo.path)!r}, 'w')\nprint('held', file=trace, flush=True)\n"
        "threading.Event().wait()\n"
    )
    (tmp_path / "sound.py").write_text("def call(): print('called')\n")
    runner = trusted(SupervisorRunner(ear, str(tmp_path)))
    runner.open(["hangs", "sound"])
    fifo.wait_until_held()
    lines = ear.lines(perform(runner, order(PythonAction("sound", "call"))))
    runner.close()

    assert lines == ["called"]


def test_a_module_that_ends_its_process_when_imported_fails_its_own_run_only(tmp_path: Path, ear: Ear) -> None:
    (tmp_path / "deadly.py").write_text("import os\nos._exit(9)\n")
    (tmp_path / "sound.py").write_text("def call(): pass\n")
    runner = trusted(SupervisorRunner(ear, str(tmp_path)))
    runner.open(["deadly", "sound"])
    outcomes = [ear.ended(perform(runner, order(PythonAction(name, "call")))) for name in ("deadly", "sound")]
    runner.close()

    assert [(ended.outcome, ended.error) for ended in outcomes] == [("failed", "exit 9"), ("succeeded", None)]


def test_the_supervisor_is_small(runner: SupervisorRunner, ear: Ear) -> None:
    ear.ended(perform(runner, python("noop")))
    (supervisor,) = ear.lines(perform(runner, shell("echo $PPID")))
    status = Path(f"/proc/{supervisor}/status").read_text()
    (resident,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    assert resident < 20_000

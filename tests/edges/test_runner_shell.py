"""`shell` actions, run by real supervisors: what a command is given, what its end means, and what is left of it."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.core.actions import ShellAction
from scheduler.core.ports import RunEnded, RunOutput, RunStarted
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.running.supervisor.times import boot_now, wall_now
from tests.edges.supervision import CONFIG_FOLDER, FOR_EVER_S, Ear, Fifo, order, perform, shell, trusted


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="module")
def runner(ear: Ear) -> Iterator[SupervisorRunner]:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, grace_s=0.2))
    yield runner
    runner.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path)
    yield fifo
    fifo.close()


NO_PROGRAM = "no-such-program: No such file or directory"


@pytest.fixture
def few_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("command", "end"),
    [
        pytest.param("true", ("succeeded", None, None), id="status 0 is success"),
        pytest.param("exit 3", ("failed", "exit", "exit 3"), id="any other status is failure"),
        pytest.param(
            "echo first >&2; echo disk full >&2; echo >&2; exit 1",
            ("failed", "exit", "exit 1: disk full"),
            id="the last words on stderr explain it",
        ),
        pytest.param("kill -KILL $$", ("failed", "exit", "signal KILL"), id="a signal is named"),
        pytest.param("kill -40 $$", ("failed", "exit", "signal 40"), id="a signal without a name is numbered"),
        pytest.param(("no-such-program", "-x"), ("failed", "exit", NO_PROGRAM), id="there is no such program"),
        pytest.param(("echo", "a\0b"), ("failed", "exit", "echo: embedded null byte"), id="no argument holds a NUL"),
        pytest.param(("test", "$HOME", "=", "$" + "HOME"), ("succeeded", None, None), id="a list is for no shell"),
    ],
)
def test_what_the_end_of_a_command_means(
    runner: SupervisorRunner, ear: Ear, command: str | tuple[str, ...], end: tuple[str, str | None, str | None]
) -> None:
    ended = ear.ended(perform(runner, shell(command)))

    assert (ended.outcome, ended.reason, ended.error) == end


def test_a_command_is_told_which_run_it_is(runner: SupervisorRunner, ear: Ear) -> None:
    names = ("JOB", "RUN", "TICK", "ATTEMPT", "TERM", "FENCE")
    key = perform(runner, shell("; ".join(f"echo $LEASEBEAT_{name}" for name in names)))

    assert ear.lines(key) == ["hello", "hello@2026-11-22T02:15:00Z", "2026-11-22T02:15:00Z", "2", "7", "48211"]


def test_a_command_inherits_the_environment_and_its_action_adds_to_it(runner: SupervisorRunner, ear: Ear) -> None:
    action = ShellAction(
        "echo $PATH; echo $REGION; echo $LEASEBEAT_JOB", env={"REGION": "eu", "LEASEBEAT_JOB": "forged"}
    )

    assert ear.lines(perform(runner, order(action))) == [os.environ["PATH"], "eu", "hello"]


@pytest.mark.parametrize(
    ("cwd", "folder"),
    [
        pytest.param(None, CONFIG_FOLDER, id="the config's folder"),
        pytest.param("..", str(Path(CONFIG_FOLDER).parent), id="relative to it"),
        pytest.param("/usr", "/usr", id="or anywhere"),
    ],
)
def test_where_a_command_is_executed(runner: SupervisorRunner, ear: Ear, cwd: str | None, folder: str) -> None:
    assert ear.lines(perform(runner, order(ShellAction(("pwd", "-P"), cwd=cwd)))) == [folder]


def test_a_folder_that_is_not_there_is_a_failure(runner: SupervisorRunner, ear: Ear) -> None:
    ended = ear.ended(perform(runner, order(ShellAction("true", cwd="/no/such/folder"))))

    assert (ended.reason, ended.error) == ("exit", "/no/such/folder: No such file or directory")


def test_standard_input_is_empty(runner: SupervisorRunner, ear: Ear) -> None:
    assert ear.ended(perform(runner, shell("cat"))).outcome == "succeeded"


def test_start_output_and_end_are_told_in_this_order(runner: SupervisorRunner, ear: Ear) -> None:
    before = wall_now()
    key = perform(runner, shell("echo out"))

    assert ear.kinds(key) == [RunStarted, RunOutput, RunEnded]
    assert before <= ear.started(key).at <= wall_now()


def test_how_long_it_took_is_counted_from_its_first_statement(runner: SupervisorRunner, ear: Ear) -> None:
    took_ms = ear.ended(perform(runner, shell("sleep 0.1"))).took_ms

    assert 100 <= took_ms < 2000


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        pytest.param("echo 'Größe ✓'", ["Größe ✓"], id="unicode"),
        pytest.param(
            r"printf 'bad \377 byte\n'", ["bad \N{REPLACEMENT CHARACTER} byte"], id="bytes that are not UTF-8"
        ),
        pytest.param(r"printf 'one\r\n\ntwo'", ["one", "", "two"], id="any line end, an empty line, none at the end"),
        pytest.param("head -c 40000 /dev/zero | tr '\\0' x", ["x" * 16384, "x" * 16384, "x" * 7232], id="a huge line"),
        pytest.param("yes | head -n 10000", ["y"] * 10_000, id="many lines"),
    ],
)
def test_output_arrives_as_lines(runner: SupervisorRunner, ear: Ear, command: str, lines: list[str]) -> None:
    assert ear.lines(perform(runner, shell(command))) == lines


def test_a_flood_is_told_in_part_and_holds_up_nobody(runner: SupervisorRunner, ear: Ear) -> None:
    flood = perform(runner, shell("yes | head -c 30000000"))
    other = perform(runner, shell("true"))
    lines = ear.lines(flood, "stderr")

    assert ear.ended(other).took_ms < 1000
    assert lines[-1].startswith("… 149")
    assert lines[-1].endswith("lines left out, more than 1000 a second")
    assert len(ear.lines(flood)) < 20_000


def test_output_is_told_while_the_command_runs(runner: SupervisorRunner, ear: Ear) -> None:
    key = perform(runner, shell("echo so far; sleep 60"))

    assert ear.line(key) == "so far"
    runner.kill(key)


def test_commands_run_side_by_side(runner: SupervisorRunner, ear: Ear, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meet")
    reader = perform(runner, shell(f"cat {tmp_path}/meet"))
    writer = perform(runner, shell(f"echo met > {tmp_path}/meet"))

    assert ear.lines(reader) == ["met"]
    assert ear.ended(writer).outcome == "succeeded"


@pytest.mark.usefixtures("few_files")
def test_many_runs_at_once_are_no_question_of_open_files(ear: Ear) -> None:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER))
    keys = [perform(runner, shell("ulimit -n; exec sleep 60")) for _ in range(40)]  # four files each
    lines = {ear.line(key) for key in keys}
    runner.close()

    assert lines == {"128"}


def test_with_the_gate_shut_nothing_is_executed(ear: Ear, tmp_path: Path) -> None:
    runner = SupervisorRunner(ear, CONFIG_FOLDER)
    runner.trust(gate_until=boot_now(), exclusive_until=boot_now() + FOR_EVER_S)
    key = perform(runner, shell(f"touch {tmp_path}/trace"))
    ended = ear.ended(key)
    runner.close()

    assert ended == RunEnded(key, "gate_shut", took_ms=0)
    assert ear.kinds(key) == [RunEnded]
    assert not (tmp_path / "trace").exists()


def test_a_timeout_ends_all_that_the_command_started(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    key = perform(runner, shell(f"{fifo.hold}; sleep 60 & sleep 60", timeout_s=0.2))
    ended = ear.ended(key)

    assert (ended.outcome, ended.reason) == ("timed_out", None)
    assert 200 <= ended.took_ms < 2000
    fifo.wait_until_held()
    fifo.wait_until_released()


def test_what_ignores_term_is_killed_after_the_grace(runner: SupervisorRunner, ear: Ear) -> None:
    ended = ear.ended(perform(runner, shell("trap '' TERM; sleep 60; sleep 60", timeout_s=0.1)))

    assert ended.outcome == "timed_out"
    assert 300 <= ended.took_ms < 2000


def test_a_child_may_use_the_grace_although_its_shell_is_gone(ear: Ear) -> None:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, grace_s=FOR_EVER_S))
    tidy = "trap 'sleep 0.2; echo tidy; exit' TERM; echo up; while :; do sleep 0.01; done"
    key = perform(runner, order(ShellAction('sh -c "$TIDY" & wait', env={"TIDY": tidy}), timeout_s=0.2))
    lines = ear.lines(key)
    runner.close()

    assert lines == ["up", "tidy"]
    assert ear.ended(key).outcome == "timed_out"


def test_a_run_can_be_killed(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    key = perform(runner, shell(f"{fifo.hold}; sleep 60; sleep 60"))
    fifo.wait_until_held()
    runner.kill(key)

    assert ear.ended(key).outcome == "killed"
    fifo.wait_until_released()


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param("set -m; sleep 60 & wait", id="a process group of its own"),
        pytest.param("setsid sleep 60 & wait", id="a session of its own"),
        pytest.param("setsid sh -c 'sleep 60 & wait' & wait", id="below a session of its own"),
    ],
)
def test_a_kill_finds_what_went(runner: SupervisorRunner, ear: Ear, fifo: Fifo, elsewhere: str) -> None:
    key = perform(runner, shell(f"{fifo.hold}; {elsewhere}"))
    fifo.wait_until_held()
    runner.kill(key)

    assert ear.ended(key).outcome == "killed"
    fifo.wait_until_released()


def test_what_went_is_found_after_a_timeout_although_its_parent_obeyed(
    runner: SupervisorRunner, ear: Ear, fifo: Fifo
) -> None:
    deaf = "setsid sh -c 'trap \"\" TERM; sleep 60; sleep 60' & wait"
    key = perform(runner, shell(f"{fifo.hold}; {deaf}", timeout_s=0.2))

    assert ear.ended(key).outcome == "timed_out"
    fifo.wait_until_held()
    fifo.wait_until_released()


def test_what_a_command_leaves_running_is_killed_when_it_ends(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    ended = ear.ended(perform(runner, shell(f"{fifo.hold}; sleep 60 &")))

    assert ended.outcome == "succeeded"
    fifo.wait_until_held()
    fifo.wait_until_released()


def test_nobody_waits_for_a_daemon_that_keeps_the_output_open(runner: SupervisorRunner, ear: Ear) -> None:
    ended = ear.ended(perform(runner, shell("setsid sleep 60 & echo daemonized")))

    assert (ended.outcome, ended.took_ms < 2000) == ("succeeded", True)

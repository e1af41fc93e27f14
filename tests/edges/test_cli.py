"""What people type and what they get: output, exit codes, options before and after the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from scheduler import __version__
from tests.edges.command_line import Answer, typed
from tests.processes.replica import ReplicaProcess

CONFIG = """\
timezone: Europe/Berlin
jobs:
  hello: {every: 10m, shell: echo hello}
  world: {every: 20m, offset: 10m, shell: echo world}
  nightly: {cron: "15 3 * * *", shell: echo night}
  off: {enabled: false, every: 1s, shell: echo never}
"""
FROM = "2026-11-23T12:00:00Z"


class Terminal:
    """Runs command lines in this process, in a folder with a config.yaml."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = folder / "config.yaml"
        self.config.write_text(CONFIG)
        self._capsys = capsys

    def type(self, *arguments: str, config: bool = True) -> Answer:
        return typed(self._capsys, *(("-c", str(self.config)) if config else ()), *arguments)


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, capsys)


def test_check_sums_up_a_sound_file(terminal: Terminal) -> None:
    answer = terminal.type("check")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        f"{terminal.config}: 4 jobs, no errors, 0 warnings · imports 0 ok · ledger 0.0 of 256 KiB · writes 12/min · "
        "crash hand-over 15.6 s\n"
    )


def test_check_shows_every_mistake_on_stderr_and_exits_1(terminal: Terminal) -> None:
    terminal.config.write_text("jobs:\n  a: {every: 1x, shell: echo}\n  b: {every: 1s}\n")
    answer = terminal.type("check")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"{terminal.config}:2:14: jobs.a.every: expected a duration such as 90s, got 1x")
    assert answer.err.endswith(f"2 errors in {terminal.config}\n")


def test_check_json_gives_the_mistakes_to_machines(terminal: Terminal) -> None:
    terminal.config.write_text("jobs: {a: {every: 1x, shell: echo}}\n")
    answer = terminal.type("check", "--json")
    (mistake,) = json.loads(answer.out)

    assert answer.code == 1
    assert (mistake["line"], mistake["path"], mistake["code"]) == (1, "jobs.a.every", "duration")


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 1)], ids=["a warning", "a warning, strictly"])
def test_a_warning_fails_only_where_asked(terminal: Terminal, options: tuple[str, ...], code: int) -> None:
    terminal.config.write_text('jobs: {a: {cron: "0 0 13 * 5", shell: echo}}\n')
    answer = terminal.type("check", *options)

    assert answer.code == code
    assert "warning: jobs.a.cron" in answer.err


def test_check_leaves_imports_alone_when_told_to(terminal: Terminal) -> None:
    terminal.config.write_text("jobs: {a: {every: 1m, python: nowhere:nothing}}\n")

    assert terminal.type("check").code == 1
    assert terminal.type("check", "--no-imports").code == 0


def test_next_groups_by_instant_and_counts_instants(terminal: Terminal) -> None:
    answer = terminal.type("next", "-N", "3", "--from", FROM)
    lines = answer.out.splitlines()

    assert answer.code == 0
    assert lines[0].split() == ["WHEN", "(Europe/Berlin)", "UTC", "IN", "JOBS"]
    assert [line.split()[4] for line in lines[1:]] == [
        "2026-11-23T12:10:00Z",
        "2026-11-23T12:20:00Z",
        "2026-11-23T12:30:00Z",
    ]
    assert lines[1].startswith("Mon 23 Nov 13:10:00")
    assert lines[1].endswith("hello, world")


def test_next_json_is_an_object_per_job_and_tick_soonest_first(terminal: Terminal) -> None:
    answer = terminal.type("next", "--json", "--from", FROM, "--for", "20m")

    assert [(row["job"], row["tick"]) for row in json.loads(answer.out)] == [
        ("hello", "2026-11-23T12:10:00Z"),
        ("world", "2026-11-23T12:10:00Z"),
        ("hello", "2026-11-23T12:20:00Z"),
    ]


def test_next_for_no_time_at_all_shows_nothing(terminal: Terminal) -> None:
    answer = terminal.type("next", "--for", "0s", "--json")

    assert (answer.code, json.loads(answer.out)) == (0, [])


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ("check >&-", 0, ""),
        ("schema >/dev/full", 1, "error: [Errno 28] No space left on device\n"),
    ],
    ids=["closed", "a full disk behind it"],
)
def test_a_stdout_that_takes_nothing_is_no_crash(terminal: Terminal, typed: str, code: int, told: str) -> None:
    command = f"exec {sys.executable} -m scheduler -c {terminal.config} {typed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (code, told)


def test_a_run_without_its_cluster_says_so_in_json(terminal: Terminal, tmp_path: Path) -> None:
    answer = terminal.type("run", "--kubeconfig", str(tmp_path / "nowhere"), "--log-format", "json")

    assert (answer.code, answer.err) == (3, "")
    assert json.loads(answer.out.splitlines()[-1])["event"] == "store.unavailable"


def test_next_of_chosen_jobs(terminal: Terminal) -> None:
    answer = terminal.type("next", "nightly", "--from", FROM, "-N", "2", "--json")

    assert [row["tick"] for row in json.loads(answer.out)] == ["2026-11-24T02:15:00Z", "2026-11-25T02:15:00Z"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("next", "helo"), "no job helo in the table; did you mean hello?"),
        (("next", "--from", "noon"), "expected a time such as 2027-03-28T02:00:00Z, got noon"),
        (("next", "--for", "90"), "expected a duration such as 90m or 1d, got 90"),
        (("next", "-N", "0"), "0 is not in the range"),
        (("run", "--replicas", "3", "--id", "a"), "--id names one replica"),
        (("chek",), "No such command 'chek'"),
        (("run", "--id", ""), "--id is empty"),
        (("next", "--from", "9999-12-31T00:00:00Z"), "expected a year from 1971 to 8999, got 9999"),
        (("next", "-N", "99999999999999999999"), "is not in the range"),
    ],
    ids=[
        "a misspelt job",
        "no time",
        "no duration",
        "no instants",
        "a name for three replicas",
        "a misspelt command",
        "an empty name",
        "a year beyond all ticks",
        "more instants than there are",
    ],
)
def test_wrong_usage_exits_2_and_says_why(terminal: Terminal, typed: tuple[str, ...], told: str) -> None:
    answer = terminal.type(*typed)

    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err


def test_options_are_taken_before_and_after_the_command(terminal: Terminal) -> None:
    before = terminal.type("-c", str(terminal.config), "--json", "next", "--from", FROM, config=False)
    after = terminal.type("next", "--from", FROM, "--json", "-c", str(terminal.config), config=False)

    assert before == after
    assert before.code == 0


def test_the_file_may_be_named_by_the_environment(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASEBEAT_CONFIG", str(terminal.config))

    assert terminal.type("check", config=False).code == 0


def test_a_missing_file_is_one_clear_error(terminal: Terminal) -> None:
    terminal.config.unlink()
    answer = terminal.type("check")

    assert answer.code == 1
    assert "1 error in" in answer.err


def test_a_cluster_that_is_not_there_exits_3(terminal: Terminal, tmp_path: Path) -> None:
    answer = terminal.type("run", "--kubeconfig", str(tmp_path / "nowhere"))

    assert answer.code == 3
    assert answer.err.startswith("error: no cluster: ")


def test_schema_is_a_schema_that_the_file_meets(terminal: Terminal) -> None:
    answer = terminal.type("schema")
    schema = json.loads(answer.out)

    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate({"jobs": {"a": {"every": "5s", "shell": "echo"}}}, schema)


def test_version_and_help(terminal: Terminal) -> None:
    assert terminal.type("--version").out == f"leasebeat {__version__}\n"
    for command in ((), ("run",), ("check",), ("next",), ("explain",), ("schema",)):
        answer = terminal.type(*command, "-h", config=False)

        assert answer.code == 0
        assert "Examples:" in answer.out
        assert len(answer.out.splitlines()) <= 40


def test_run_tells_an_invalid_file_as_json_lines_where_asked(terminal: Terminal) -> None:
    terminal.config.write_text("jobs: {a: {every: 1x, shell: echo}, b: {every: 1s}}\n")
    answer = terminal.type("run", "--log-format", "json")
    lines = [json.loads(line) for line in answer.out.splitlines()]

    assert answer.code == 1
    assert [(line["event"], line["code"]) for line in lines] == [
        ("config.invalid", "duration"),
        ("config.invalid", "one-action"),
    ]


def test_replicas_share_one_log_and_stop_together(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("jobs: {hello: {every: 1s, shell: echo hello}}\n")
    replicas = ReplicaProcess.start_command("run", "--replicas", "3", "-c", str(config), "--log-format", "json")
    try:
        for letter in "abc":
            replicas.wait_for("app.started", replica=letter)
        leader = replicas.wait_for("lead.acquired")
        victim = replicas.said("app.started", replica=leader["replica"])[0]["pid"]
        replicas.wait_for("run.succeeded", count=2)
        ReplicaProcess.kill(victim)
        died = replicas.wait_for("replica.died")
        code = replicas.stop()
    finally:
        replicas.end()

    assert (died["replica"], died["signal"]) == (leader["replica"], "KILL")
    assert code == 0
    assert len(replicas.said("config.loaded")) == 1
    assert len(replicas.said("app.stopped")) == 2

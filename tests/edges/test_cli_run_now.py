"""`leasebeat run-now JOB --here`: a job run by itself, as one does who writes it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.edges.command_line import Answer

JOBS = """
import logging, os, signal, sys, time

def good(run, greeting):
    print(greeting, os.environ["LEASEBEAT_JOB"], os.environ["SHOP"], run.attempt, run.term, run.fence, flush=True)
    logging.getLogger("shop").warning("low on %s", "tea")
    print("careful", file=sys.stderr)

def bad():
    raise ValueError("no such order")

def slow():
    print("began", flush=True)
    time.sleep(60)

def stubborn():
    signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"asked to end\\n"))
    slow()
    time.sleep(60)
"""
CONFIG = """\
jobs:
  good: {manual: true, python: {call: "shop:good", kwargs: {greeting: hello}, env: {SHOP: tea}}}
  bad: {every: 5s, python: "shop:bad", retries: 3}
  slow: {every: 5m, python: "shop:slow"}
  stubborn: {every: 5m, python: "shop:stubborn"}
  threaded: {every: 5m, python: {call: "shop:slow", isolation: thread}}
  late: {every: 5m, python: "shop:slow", timeout: 1s}
  lost: {enabled: false, every: 5m, python: "nowhere:x"}
  command: {every: 5m, shell: "echo out; echo err >&2; exit 3"}
"""
RUN_ID = r"@manual-20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@dataclass(frozen=True)
class Terminal:
    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "scheduler", "run-now", "-c", str(self.folder / "config.yaml"), *arguments]

    def type(self, *arguments: str) -> Answer:
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60, check=False)
        return Answer(done.returncode, re.sub(RUN_ID, "@NOW", done.stdout), done.stderr)

    def start(self, job: str) -> subprocess.Popen[str]:
        """Start the job, and return when it has said that it began."""
        process = subprocess.Popen(
            self.command(job, "--here"), stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert process.stdout
        assert process.stdout.readline() == "began\n"
        return process


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "shop.py").write_text(JOBS)
    return Terminal(tmp_path)


def test_what_it_writes_is_shown_as_it_is_and_last_how_it_ended(terminal: Terminal) -> None:
    answer = terminal.type("good", "--here")

    assert answer.code == 0
    assert re.fullmatch(r"hello good tea 1 0 0\ngood@NOW here: succeeded, took \d+ms\n", answer.out)
    assert sorted(answer.err.splitlines()) == ["careful", "warning shop: low on tea"]


def test_quiet_leaves_out_that_it_succeeded(terminal: Terminal) -> None:
    assert terminal.type("good", "--here", "-q").out == "hello good tea 1 0 0\n"


def test_json_is_the_log_that_a_replica_would_write(terminal: Terminal) -> None:
    lines = [json.loads(line) for line in terminal.type("good", "--here", "--json").out.splitlines()]
    told = [(line["event"], line.get("stream"), line.get("text")) for line in lines]

    assert (told[0][0], told[-1][0]) == ("run.started", "run.succeeded")
    assert ("run.output", "log", "low on tea") in told
    assert {(line["run"], line["cause"], line["tick"], line["term"]) for line in lines} == {
        ("good@NOW", "manual", None, 0)
    }


def test_a_failure_shows_the_traceback_from_the_users_code_on(terminal: Terminal) -> None:
    """And is not tried again, whatever the job says of retries."""
    answer = terminal.type("bad", "--here")

    assert answer.code == 1
    assert re.fullmatch(r"bad@NOW here: failed, took \d+ms: ValueError: no such order\n", answer.out)
    assert re.findall(r'File ".*/(\w+\.py)", line \d+, in (\w+)', answer.err) == [("shop.py", "bad")]


@pytest.mark.parametrize(
    ("job", "out"),
    [
        ("command", r"out\ncommand@NOW here: failed, took \d+ms: exit 3: err\n"),
        ("lost", r"lost@NOW here: failed, took \d+ms: ModuleNotFoundError: No module named 'nowhere'\n"),
        ("late", r"began\nlate@NOW here: timed out, took 1(\.\d)?s\n"),
    ],
)
def test_it_fails_as_a_tick_would(terminal: Terminal, job: str, out: str) -> None:
    answer = terminal.type(job, "--here")

    assert answer.code == 1
    assert re.fullmatch(out, answer.out)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it(terminal: Terminal, number: signal.Signals, code: int) -> None:
    process = terminal.start("slow")
    process.send_signal(number)
    out, _ = process.communicate(timeout=10)

    assert process.returncode == code
    assert re.fullmatch(rf"slow{RUN_ID} here: stopped, took .*\n", out)


def test_it_is_asked_to_end_and_killed_at_the_second_signal(terminal: Terminal) -> None:
    process = terminal.start("stubborn")
    assert process.stdout
    process.send_signal(signal.SIGINT)
    asked = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)

    assert (asked, process.returncode) == ("asked to end\n", 130)


def test_a_run_in_a_thread_ends_with_the_process(terminal: Terminal) -> None:
    process = terminal.start("threaded")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)

    assert process.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("good", "--here", "--no-wait"), "--here waits, and tells nobody a reason"),
        (("goo", "--here"), "no job goo in the table; did you mean good?"),
        (("--here",), "Missing argument 'JOB'."),
    ],
)
def test_wrong_usage_is_explained(terminal: Terminal, arguments: tuple[str, ...], told: str) -> None:
    answer = terminal.type(*arguments)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith(f"{told}\n")


def test_a_mistake_in_the_file_is_shown(terminal: Terminal) -> None:
    (terminal.folder / "config.yaml").write_text("jobs:\n  a: {every: 1x, shell: echo}\n")
    answer = terminal.type("a", "--here")

    assert (answer.code, answer.out) == (1, "")
    assert "expected a duration such as 90s, got 1x" in answer.err

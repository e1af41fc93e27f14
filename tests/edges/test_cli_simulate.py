"""`leasebeat simulate`: what people type, and the log that they get."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.edges.command_line import Answer, typed

CONFIG = """\
timezone: Europe/Berlin
jobs:
  nightly-0230: {cron: "30 2 * * *", shell: "exit 1"}
  hello: {every: 5s, shell: echo hello}
  meter: {every: 5s, shell: echo meter, catch_up: all}
  off: {enabled: false, every: 1s, shell: echo never}
  by-hand: {manual: true, shell: "echo ${X}"}
"""
FROM = ("--from", "2027-03-28T00:59:50Z")
KILL = ("--kill-leader-at", "2027-03-28T00:59:58Z")


@dataclass(frozen=True)
class Terminal:
    config: Path
    capsys: pytest.CaptureFixture[str]

    def simulate(self, *arguments: str) -> Answer:
        return typed(self.capsys, "simulate", "-c", str(self.config), *arguments)

    def audit(self, log: str) -> Answer:
        path = self.config.with_name("beat.log")
        path.write_text(log)
        return typed(self.capsys, "audit", "-c", str(self.config), str(path))


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    return Terminal(config, capsys)


def test_a_tick_in_the_skipped_hour_is_caught_up_after_a_crash(terminal: Terminal) -> None:
    answer = terminal.simulate(*FROM, "--for", "1m", *KILL, "--job", "nightly-0230")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "01:00:10.280Z info  lead.acquired    term=2 fence=14 cause=expired previous=a gap=15.3s missed=1\n"
        "01:00:10.330Z info  run.succeeded    nightly-0230@2027-03-28T01:00:00Z cause=catch_up term=2 late=10.3s\n"
    )


def test_verbose_also_tells_what_the_standbys_say_and_who_says_it(terminal: Terminal) -> None:
    answer = terminal.simulate(*FROM, "--for", "1m", *KILL, "--job", "nightly-0230", "-v")

    assert [line.split()[0] + " " + line.split()[3] for line in answer.out.splitlines()] == [
        "- replica.died",
        "b lead.acquired",
        "b run.started",
        "c lead.observed",
        "b run.succeeded",
        "a lead.standby",
    ]


def test_a_log_of_more_than_a_day_has_dates(terminal: Terminal) -> None:
    answer = terminal.simulate(*FROM, "--for", "2d", "--job", "nightly-0230")

    assert [line[:27] for line in answer.out.splitlines()] == [
        "2027-03-28T01:00:00.050Z in",
        "2027-03-29T00:30:00.050Z in",
        "2027-03-30T00:30:00.050Z in",
    ]


def test_json_is_the_log_as_replicas_write_it(terminal: Terminal) -> None:
    answer = terminal.simulate(*FROM, "--for", "6s", "--json", "--job", "hello")
    lines = [json.loads(line) for line in answer.out.splitlines()]

    assert [(line["timestamp"], line["event"], line["replica"]) for line in lines] == [
        ("2027-03-28T00:59:50.050Z", "run.succeeded", "a"),
        ("2027-03-28T00:59:55.050Z", "run.succeeded", "a"),
    ]
    assert lines[0]["took_ms"] is None


def test_with_took_runs_start_end_and_overlap(terminal: Terminal) -> None:
    answer = terminal.simulate(*FROM, "--for", "12s", "--took", "6s", "--job", "hello")
    kinds = [line.split()[2] for line in answer.out.splitlines()]

    assert set(kinds) == {"run.skipped", "run.succeeded"}
    assert " took=6s" in answer.out


def test_what_is_simulated_stands_up_in_an_audit(terminal: Terminal) -> None:
    """The same judge that looks at real logs."""
    log = terminal.simulate(*FROM, "--for", "10m", "--json", "--kill-leader-at", "2027-03-28T01:03:02Z").out
    verdict = terminal.audit(log)

    assert (verdict.code, verdict.err) == (0, "")
    assert " 0 unaccounted, 0 doubled" in verdict.out


def test_the_same_arguments_give_the_same_lines(terminal: Terminal) -> None:
    arguments = (*FROM, "--for", "10m", *KILL, "--took", "7s", "--json")

    assert terminal.simulate(*arguments) == terminal.simulate(*arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(
            ("--for", "5"), "'--for': expected a duration such as 90m or 1d, got 5", id="a number without a unit"
        ),
        pytest.param(("--for", "0s"), "'--for': expected more than 0s", id="no time at all"),
        pytest.param(
            ("--from", "8999-12-31", "--for", "2d"), "'--for': it would end after the year 8999", id="beyond all ticks"
        ),
        pytest.param(
            ("--from", "tomorrow"), "'--from': expected a time such as 2027-03-28T02:00:00Z, got tomorrow", id="no time"
        ),
        pytest.param(
            (*FROM, "--for", "5s", *KILL),
            "'--kill-leader-at': 2027-03-28T00:59:58Z is not in the time simulated, "
            "2027-03-28T00:59:50Z to 2027-03-28T00:59:55Z; see --from and --for",
            id="a kill after the end",
        ),
        pytest.param(("--job", "helo"), "no job helo in the table; did you mean hello?", id="a misspelt job"),
    ],
)
def test_wrong_usage_is_explained(terminal: Terminal, arguments: tuple[str, ...], told: str) -> None:
    answer = terminal.simulate(*arguments)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith(f"{told}\n")


def test_a_mistake_in_the_file_is_shown(terminal: Terminal) -> None:
    terminal.config.write_text("jobs:\n  a: {every: 1x, shell: echo}\n")
    answer = terminal.simulate()

    assert (answer.code, answer.out) == (1, "")
    assert "expected a duration such as 90s, got 1x" in answer.err


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ("nightly-0230", ": the next tick is 2027-03-29T00:30:00Z, of nightly-0230"),
        ("off", ", and no tick is to come"),
        ("by-hand", ", and no tick is to come"),
    ],
)
def test_where_nothing_happens_it_says_when_something_will(terminal: Terminal, job: str, told: str) -> None:
    answer = terminal.simulate("--from", "2027-03-28T12:00:00Z", "--job", job)

    assert (answer.code, answer.out) == (0, "")
    assert answer.err == f"nothing happens from 2027-03-28T12:00:00Z to 2027-03-28T13:00:00Z{told}\n"


def test_a_kill_that_finds_nobody_is_told(terminal: Terminal) -> None:
    answer = terminal.simulate(*FROM, "--for", "1m", *KILL, "--kill-leader-at", "2027-03-28T01:00:01Z")

    assert answer.code == 0
    assert answer.err == "nobody led at 2027-03-28T01:00:01Z, so nobody was killed then\n"

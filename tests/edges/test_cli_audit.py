# ruff: noqa: E501 - a log line is one line, as it is on the screen
"""`leasebeat audit`: logs as people have them go in, and out come a sum, names and an exit code."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from scheduler.telling.text import Style, render_text
from tests.edges.command_line import Answer, typed
from tests.processes.replica import ReplicaProcess

CONFIG = """\
timezone: Europe/Berlin
lease: {lease_duration: 3s, renew_deadline: 2s, retry_period: 1s}
jobs:
  hello: {every: 10m, timeout: 5m, shell: echo hello}
  world: {every: 20m, offset: 10m, timeout: 5m, shell: echo world}
  asked: {manual: true, shell: echo asked}
"""
LED = "2026-11-22T11:55:00.000Z info  lead.acquired    term=1 fence=1 cause=new"
ENDED = [
    "2026-11-22T12:00:00.062Z info  run.succeeded    hello@2026-11-22T12:00:00Z term=1 late=1ms took=5ms",
    "2026-11-22T12:10:00.062Z info  run.succeeded    hello@2026-11-22T12:10:00Z term=1 late=1ms took=5ms",
    '2026-11-22T12:10:01.062Z error run.failed       world@2026-11-22T12:10:00Z term=1 late=1ms took=1s reason=exit error="exit 1"',
    "2026-11-22T12:20:00.062Z info  run.succeeded    hello@2026-11-22T12:20:00Z term=1 late=1ms took=5ms",
]
LAST = "2026-11-22T12:25:00.000Z info  app.stopped      reason=signal took=1s"
SOUND = [LED, *ENDED, LAST]
IN_ORDER = "4 ticks expected: 3 succeeded, 1 failed, 0 unaccounted, 0 doubled\n"


class Desk:
    """Where somebody has a config.yaml and some logs, and types `leasebeat audit`."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.config.write_text(CONFIG)
        self._capsys, self._patch = capsys, patch

    def log(self, name: str, *lines: str) -> str:
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    def packed(self, name: str, *lines: str) -> str:
        path = self.folder / name
        path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
        return str(path)

    def audit(self, *arguments: str) -> Answer:
        return typed(self._capsys, "-c", str(self.config), "audit", *arguments)

    def audit_lines(self, *lines: str, options: tuple[str, ...] = ()) -> Answer:
        """Lines on stdin."""
        stdin = TextIOWrapper(BytesIO("".join(f"{line}\n" for line in lines).encode()))
        self._patch.setattr("sys.stdin", stdin)
        return self.audit(*options)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, capsys, monkeypatch)


# ---------------------------------------------------------------------- the verdict


def test_logs_that_account_for_every_tick_are_one_line_and_exit_0(desk: Desk) -> None:
    assert desk.audit(desk.log("a.log", *SOUND)) == Answer(0, IN_ORDER, "")


def test_logs_come_from_stdin_as_well(desk: Desk) -> None:
    assert desk.audit_lines(*SOUND) == Answer(0, IN_ORDER, "")
    assert desk.audit_lines(*SOUND, options=("-",)) == Answer(0, IN_ORDER, "")


def test_quiet_is_silent_when_all_is_well(desk: Desk) -> None:
    assert desk.audit_lines(*SOUND, "garbage", options=("-q",)) == Answer(0, "", "")
    assert desk.audit_lines(LED, LAST, options=("-q",)).out.startswith("4 ticks expected: 0 succeeded, 4 unaccounted")


def test_a_tick_without_a_line_is_named(desk: Desk) -> None:
    answer = desk.audit_lines(LED, *ENDED[:1], *ENDED[2:], LAST)

    assert answer.code == 1
    assert answer.out.splitlines() == [
        "4 ticks expected: 2 succeeded, 1 failed, 1 unaccounted, 0 doubled",
        "unaccounted: hello@2026-11-22T12:10:00Z (no line of any kind from 2026-11-22T12:00:00.062Z to 2026-11-22T12:10:01.062Z)",
    ]


def test_where_the_log_goes_on_a_missing_tick_is_no_gap_of_the_log(desk: Desk) -> None:
    others = [f"2026-11-22T12:{at}Z info  store.recovered  sqlite:leasebeat.db" for at in ("09:59.700", "10:00.500")]
    answer = desk.audit_lines(*SOUND[:2], *others, *SOUND[3:])

    assert "unaccounted: hello@2026-11-22T12:10:00Z\n" in answer.out


def test_more_than_ten_in_a_row_fold_into_one_line(desk: Desk) -> None:
    answer = desk.audit_lines(LED, LAST.replace("T12:", "T14:"), options=("--job", "hello"))

    assert answer.out.splitlines()[1:] == [
        "unaccounted: hello@2026-11-22T12:00:00Z to=2026-11-22T14:20:00Z ticks=15 (no line of any kind from 2026-11-22T11:55:00Z to 2026-11-22T14:25:00Z)"
    ]


def test_a_doubled_tick_is_named_with_both_places(desk: Desk) -> None:
    one, other = desk.log("a.log", *SOUND), desk.log("b.log", LED, ENDED[2])
    answer = desk.audit(one, other)

    assert answer.code == 1
    assert answer.out.splitlines() == [
        "4 ticks expected: 3 succeeded, 1 failed, 0 unaccounted, 1 doubled",
        f"doubled: world@2026-11-22T12:10:00Z final lines at {one}:4, {other}:2",
    ]


def test_an_attempt_started_twice_is_named_with_both_places(desk: Desk) -> None:
    start = "2026-11-22T12:00:00.002Z info  run.started      hello@2026-11-22T12:00:00Z attempt=2 term=1 late=1ms"
    answer = desk.audit_lines(LED, start, start, *ENDED, LAST)

    assert answer.code == 1
    assert answer.out.splitlines()[1:] == ["doubled: hello@2026-11-22T12:00:00Z attempt=2 started at stdin:2, stdin:3"]


def test_a_long_list_is_cut_and_machines_get_it_all(desk: Desk) -> None:
    ends = [ENDED[0].replace("T12:00", f"T{hour}:{minute}0") for hour in range(12, 24) for minute in range(6)]
    people = desk.audit_lines(LED, *ends, *ends).out.splitlines()
    machines = json.loads(desk.audit_lines(LED, *ends, *ends, options=("--json",)).out)

    assert len(people) == 1 + 50 + 1
    assert people[-1] == "and 23 more lines; --json names all"
    assert len(machines["doubled"]) == 72


def test_json_is_one_object_with_every_name(desk: Desk) -> None:
    answer = desk.audit_lines(LED, ENDED[0], ENDED[0], *ENDED[2:], "garbage", LAST, options=("--json",))
    told = json.loads(answer.out)

    assert answer.code == 1
    assert (told["since"], told["until"]) == ("2026-11-22T11:55:00.001Z", "2026-11-22T12:25:00Z")
    assert (told["expected"], told["succeeded"], told["failed"], told["in_order"]) == (4, 2, 1, False)
    assert told["unaccounted"] == ["hello@2026-11-22T12:10:00Z"]
    assert told["doubled"] == [{"run": "hello@2026-11-22T12:00:00Z", "attempt": None, "lines": ["stdin:2", "stdin:3"]}]
    assert (told["lines"], told["ignored_lines"]) == (7, 1)


def test_an_interval_the_ledger_lost_has_its_own_number_and_is_no_proof(desk: Desk) -> None:
    lost = "2026-11-22T12:15:00.000Z error ledger.lost      from=2026-11-22T12:05:00Z to=2026-11-22T12:10:00Z"
    answer = desk.audit_lines(LED, ENDED[0], lost, ENDED[3], LAST)

    assert answer.code == 1
    assert answer.out.splitlines() == [
        "4 ticks expected: 2 succeeded, 2 in an interval the ledger lost, 0 unaccounted, 0 doubled",
        "lost: hello@2026-11-22T12:10:00Z",
        "lost: world@2026-11-22T12:10:00Z",
    ]


def test_manual_runs_are_counted_apart_and_must_end(desk: Desk) -> None:
    started = "2026-11-22T12:01:00.062Z info  run.started      asked@manual-2026-11-22T12:00:59.001Z term=1"
    ended = started.replace("run.started  ", "run.succeeded")
    begun = desk.audit_lines(
        LED, started, *ENDED, LAST.replace("T12:", "T14:"), options=("--until", "2026-11-22T12:25Z")
    )
    over = desk.audit_lines(LED, started, *ENDED, ended, LAST)

    assert begun.code == 1
    assert begun.out.splitlines()[1:] == [
        "1 manual run: 0 succeeded, 1 unaccounted, 0 doubled",
        "unaccounted: asked@manual-2026-11-22T12:00:59.001Z",
    ]
    assert (over.code, over.out.splitlines()[1:]) == (0, ["1 manual run: 1 succeeded, 0 unaccounted, 0 doubled"])


def test_a_run_under_way_at_the_end_is_said_and_no_objection(desk: Desk) -> None:
    begun = "2026-11-22T12:20:00.062Z info  run.started      hello@2026-11-22T12:20:00Z term=1"
    answer = desk.audit_lines(LED, *ENDED[:3], begun, LAST)

    assert answer.code == 0
    assert answer.out == "4 ticks expected: 2 succeeded, 1 failed, 1 under way, 0 unaccounted, 0 doubled\n"


def as_json_line(line: str) -> str:
    """The line as JSON has it, as far as an audit reads it."""
    at, level, event, subject, *pairs = line.split(maxsplit=4)
    facts = dict(pair.split("=", 1) for pair in (subject, *"".join(pairs).split()) if "=" in pair and '"' not in pair)
    run = {"job": subject.partition("@")[0], "run": subject} if event.startswith("run.") else {}
    if gap := {"1h": "3600000", "1m30.5s": "90500"}.get(facts.pop("gap", "")):
        facts["gap_ms"] = gap
    return json.dumps({"timestamp": at, "level": level, "event": event, "replica": "a", **run, **facts})


@pytest.mark.parametrize("dressed", [str, as_json_line], ids=["text", "JSON"])
@pytest.mark.parametrize(("gap", "code"), [("1m30.5s", 1), ("1h", 0)], ids=["after a short gap", "after a long one"])
def test_a_frequent_job_without_lines_is_missing_but_where_nobody_led(
    desk: Desk, gap: str, code: int, dressed: Callable[[str], str]
) -> None:
    """Of 12:00 to 12:20 nothing is known; the leader since 12:20 would have told what it found cut off."""
    desk.config.write_text("jobs: {often: {every: 30s, catch_up: all, max_catch_up: 1000, shell: sleep 5m}}")
    lines = [LED.replace("11:55", "12:00"), f"2026-11-22T12:20:00.000Z info  lead.acquired    term=2 gap={gap}", LAST]

    assert desk.audit_lines(*map(dressed, lines)).code == code


def test_a_frequent_run_of_a_leader_that_released_may_still_drain(desk: Desk) -> None:
    """It was neither told that it started nor that it was cut off: the one who runs it is still there to tell its end."""
    desk.config.write_text("jobs: {often: {every: 30s, overlap: allow, shell: sleep 5m}}")
    ends = [
        f"2026-11-22T12:24:{second}.062Z info  run.succeeded    often@2026-11-22T12:24:{second}Z term=2"
        for second in ("00", "30")
    ]
    begin = LED.replace("11:55:00", "12:23:10")
    released, expired = (
        f"2026-11-22T12:23:50.000Z info  lead.acquired    term=2 cause={cause} gap=100ms"
        for cause in ("released", "expired")
    )

    assert desk.audit_lines(begin, released, *ends, LAST).code == 0
    assert desk.audit_lines(begin, expired, *ends, LAST).out.endswith("\nunaccounted: often@2026-11-22T12:23:30Z\n")


@pytest.mark.parametrize(
    "line", [LED, "2026-11-22T11:55:00.000Z info  lead.resumed     term=1 took=6m"], ids=["acquired", "resumed"]
)
def test_what_was_missed_is_under_way_for_a_moment_after_somebody_leads(desk: Desk, line: str) -> None:
    a_moment, longer = (line.replace("11:55:00", at) for at in ("12:24:55", "12:24:45"))

    assert desk.audit_lines(*SOUND[:-2], a_moment, LAST).out.split(", ")[2] == "1 under way"
    assert desk.audit_lines(*SOUND[:-2], longer, LAST).out.split(", ")[2] == "1 unaccounted"
    assert desk.audit_lines(*SOUND[:-2], a_moment, longer, LAST).out.split(", ")[2] == "1 under way"


# ---------------------------------------------------------------------- lines as they come


def coloured(line: str) -> str:
    at, rest = line.split(" ", 1)
    return f"\x1b[2m{at}\x1b[0m " + rest.replace("run.succeeded", "\x1b[32mrun.succeeded\x1b[0m").replace(
        "hello@", "\x1b[1mhello\x1b[0m@"
    )


@pytest.mark.parametrize(
    "dressed",
    [
        pytest.param(lambda line: line, id="text"),
        pytest.param(as_json_line, id="JSON"),
        pytest.param(lambda line: f"[pod/beat-6d5f9c7b8-x2k4q/leasebeat] {line}", id="text by kubectl logs --prefix"),
        pytest.param(
            lambda line: f"[pod/beat-x2k4q/leasebeat] {as_json_line(line)}", id="JSON by kubectl logs --prefix"
        ),
        pytest.param(lambda line: f"a {line}", id="text of run --replicas"),
        pytest.param(lambda line: f"a {line.partition('T')[2]}", id="text without dates, from a terminal"),
        pytest.param(coloured, id="coloured text"),
        pytest.param(lambda line: f"2026-11-22T12:30:00.123456789Z stdout F {line}", id="a container runtime's file"),
        pytest.param(lambda line: f"2026-11-22T12:30:00.123456789Z {line}", id="kubectl logs --timestamps"),
        pytest.param(lambda line: f"Nov 22 12:30:00 host leasebeat[123]: {line}", id="text by journalctl"),
        pytest.param(lambda line: f"Nov  2 12:30:00 host beat[123]: {as_json_line(line)}", id="JSON by journalctl"),
        pytest.param(
            lambda line: f"Sun 2026-11-22 12:30:00 UTC host leasebeat[123]: {line}", id="journalctl -o short-full"
        ),
        pytest.param(lambda line: f"{line}\r", id="line ends of Windows"),
    ],
)
def test_a_line_is_known_however_it_comes(desk: Desk, dressed: Callable[[str], str]) -> None:
    assert desk.audit_lines(*map(dressed, SOUND)) == Answer(0, IN_ORDER, "")
    assert desk.audit_lines(*map(dressed, SOUND[:2] + SOUND[3:])).code == 1


def test_text_and_json_mix_in_one_stream(desk: Desk) -> None:
    assert desk.audit_lines(*SOUND[:3], *map(as_json_line, SOUND[3:])) == Answer(0, IN_ORDER, "")


def test_files_come_in_any_order(desk: Desk) -> None:
    newer, older = desk.log("a.log", *SOUND[4:]), desk.log("a.log.1", *SOUND[:4])

    assert desk.audit(newer, older) == Answer(0, IN_ORDER, "")


def test_a_packed_file_is_known_by_its_first_bytes(desk: Desk) -> None:
    newer, older = desk.log("a.log", *SOUND[4:]), desk.packed("a.log.1", *SOUND[:4])

    assert desk.audit(newer, older) == Answer(0, IN_ORDER, "")


def test_a_file_that_only_has_the_name_of_a_packed_one_is_read_as_it_is(desk: Desk) -> None:
    assert desk.audit(desk.log("a.log.gz", *SOUND)) == Answer(0, IN_ORDER, "")
    assert "no line of a leader among 0 lines" in desk.audit(desk.log("empty.gz")).err


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        pytest.param(lambda packed: packed[:-20], "ended before the end-of-stream marker", id="cut off"),
        pytest.param(lambda packed: packed[:12] + bytes(20) + packed[32:], "decompressing", id="overwritten"),
        pytest.param(lambda packed: packed[:-8] + bytes(8), "CRC check failed", id="with a wrong sum"),
        pytest.param(lambda packed: packed + b"more", "Not a gzipped file", id="with something behind it"),
    ],
)
def test_a_packed_file_that_is_broken_is_named(desk: Desk, broken: Callable[[bytes], bytes], why: str) -> None:
    path = Path(desk.packed("a.log.gz", *SOUND))
    path.write_bytes(broken(path.read_bytes()))
    answer = desk.audit(str(path))

    assert (answer.code, answer.out) == (3, "")
    assert f"error: {path} cannot be unpacked: " in answer.err
    assert why in answer.err


def test_a_log_without_dates_goes_on_after_midnight(desk: Desk) -> None:
    lines = [
        "a 23:35:00.000Z info  lead.acquired    term=1 fence=1 cause=new",
        "a 23:40:00.062Z info  run.succeeded    hello@2026-11-22T23:40:00Z term=1",
        "a 23:50:00.062Z info  run.succeeded    hello@2026-11-22T23:50:00Z term=1",
        "a 23:50:01.062Z info  run.succeeded    world@2026-11-22T23:50:00Z term=1",
        "a 00:00:00.062Z info  run.succeeded    hello@2026-11-23T00:00:00Z term=1",
        "a 00:00:01.000Z info  run.succeeded    hello@2026-11-21T00:00:00Z term=1 repeated=true",
        "a 00:05:00.000Z info  app.stopped      reason=signal took=1s",
    ]
    answer = desk.audit_lines(*lines, options=("-v",))

    assert answer.out == "4 ticks expected: 4 succeeded, 0 unaccounted, 0 doubled\n"
    assert answer.err == "audited from 2026-11-22T23:35:00.001Z to 2026-11-23T00:05:00Z\n"
    assert "\nunaccounted: hello@2026-11-23T00:00:00Z (" in desk.audit_lines(*lines[:4], lines[-1]).out


def test_lines_that_are_no_log_lines_are_counted_and_said(desk: Desk) -> None:
    garbage = ["Traceback (most recent call last):", '{"timestamp": 5}', "{", '{"event":"run.succeeded"}', "\x00\xff"]
    garbage += ["2026-11-22T12:00:00.062Z info  run.succeeded    hello@yesterday", "[" * 100_000, "{" * 100_000]
    answer = desk.audit_lines(*garbage, *SOUND, "")

    assert answer == Answer(0, IN_ORDER, "8 lines were no log lines\n")
    assert desk.audit_lines(*SOUND, "garbage").err == "1 line was no log line\n"


def test_a_job_cannot_pass_its_output_for_log_lines(desk: Desk) -> None:
    """What a job prints is the text of another line, and comes to nothing here."""
    output = "2026-11-22T12:00:00.010Z info  run.output       hello@2026-11-22T12:00:00Z "
    forged = [output + line for line in (*ENDED, *map(as_json_line, ENDED))]
    escaped = json.dumps(json.loads(as_json_line(output)) | {"text": f"a {ENDED[1]}"}, separators=(",", ":"))

    assert desk.audit_lines(*SOUND, *forged, escaped, f"[pod/a/b] {escaped}") == Answer(0, IN_ORDER, "")


def test_what_a_quoted_error_says_is_no_fact(desk: Desk) -> None:
    failed = ENDED[2].replace("exit 1", r"x \" repeated=true to=2026-11-22T13:00:00Z recorded=no")

    assert desk.audit_lines(LED, *ENDED, failed, LAST).out.endswith("1 doubled\n" + desk_doubled("world", 4, 6))


def desk_doubled(job: str, *lines: int) -> str:
    places = ", ".join(f"stdin:{line}" for line in lines)
    return f"doubled: {job}@2026-11-22T12:10:00Z final lines at {places}\n"


@pytest.mark.parametrize(
    ("extra", "told", "said"),
    [
        pytest.param([ENDED[1] + " repeated=true"], IN_ORDER, "", id="a repetition of a line that is there"),
        pytest.param(
            ["2026-11-22T12:24:00.000Z info  run.succeeded    asked@manual-2026-11-22T12:23:00.001Z recorded=no"],
            IN_ORDER + "1 manual run: 1 succeeded, 0 unaccounted, 0 doubled\n",
            "1 fate the ledger did not hold (recorded=no), and nothing followed\n",
            id="an end that was not recorded",
        ),
        pytest.param(
            [
                "2026-11-22T13:01:00.000Z info  run.skipped      hello@2026-11-22T12:30:00Z to=2026-11-22T13:00:00Z ticks=4 reason=paused",
                "2026-11-22T13:01:00.000Z warn  run.dropped      *@2026-11-22T12:30:00Z to=2026-11-22T12:50:00Z ticks=2 repeated=true",
            ],
            "10 ticks expected: 3 succeeded, 1 failed, 4 skipped, 2 counted without their names, 0 unaccounted, 0 doubled\n",
            "",
            id="a line for many ticks, and one that only counts",
        ),
        pytest.param(
            [
                "2026-11-22T12:45:00.000Z warn  run.dropped      hello@2026-11-22T12:30:00Z to=2026-11-22T12:40:00Z ticks=7 reason=too_old",
                "2026-11-22T12:50:30.000Z warn  run.dropped      *@2026-11-22T12:50:00Z repeated=true",
                "2026-11-22T12:50:31.000Z info  run.succeeded    hello@2026-11-22T12:50:00Z term=1",
                "2026-11-22T12:30:01.000Z info  run.succeeded    world@2026-11-22T12:30:00Z term=1",
            ],
            "9 ticks expected: 5 succeeded, 1 failed, 3 counted without their names, 0 unaccounted, 0 doubled\n",
            "",
            id="a line for more ticks than the schedule has by now",
        ),
        pytest.param(
            ["2026-11-22T12:24:00.000Z info  run.succeeded    gone@2026-11-22T12:01:00Z term=1"],
            IN_ORDER.replace("4 ticks", "5 ticks").replace("3 succeeded", "4 succeeded"),
            "",
            id="a job that is not in the table any more",
        ),
        pytest.param(
            ["2026-11-22T12:24:00.000Z info  run.succeeded    hello@2026-11-22T12:01:00Z term=1"],
            IN_ORDER.replace("4 ticks", "5 ticks").replace("3 succeeded", "4 succeeded"),
            "hello: 1 tick that its schedule in CONFIG does not have\n",
            id="a tick that the schedule does not have",
        ),
        pytest.param(
            [
                "2026-11-22T11:54:00.000Z info  config.loaded    config.yaml jobs=3 warnings=0 hash=9f2c41d0 writes=24/min"
            ],
            IN_ORDER,
            "CONFIG (hash HASH) is not what these replicas ran (9f2c41d0)\n",
            id="the log of another table",
        ),
    ],
)
def test_what_else_a_log_may_tell(desk: Desk, extra: list[str], told: str, said: str) -> None:
    answer = desk.audit_lines(*SOUND, *extra)
    expected = said.replace("CONFIG", str(desk.config))

    assert (answer.code, answer.out) == (0, told)
    assert answer.err.split("(hash ")[0] == expected.split("(hash ")[0]
    assert answer.err.split(")")[1:] == expected.split(")")[1:]


SCHEDULE = "2026-11-22T12:15:00.000Z info  schedule.job     "
SOON = 'next="13:30, 13:40, 13:50 CET"'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param(
            [f'{SCHEDULE}hello  when="every 10 min" {SOON} settled="13:10 CET"'],
            "3 ticks expected: 3 succeeded, 0 unaccounted, 0 doubled\n",
            id="a job known to the ledger",
        ),
        pytest.param(
            [f'{SCHEDULE}hello  when="every 10 min" {SOON} settled=new'],
            "1 tick expected: 1 succeeded, 0 unaccounted, 0 doubled\n",
            id="a job new at 12:15",
        ),
        pytest.param(
            [f'{SCHEDULE}hello  when="every 5 min" {SOON} settled="13:10 CET"'],
            "0 ticks expected: 0 succeeded, 0 unaccounted, 0 doubled\n",
            id="a job with another schedule",
        ),
        pytest.param(
            [
                '{"timestamp":"2026-11-22T12:15:00Z","level":"info","event":"schedule.job","job":"hello","when":"every 10 min","zone":"Europe/Berlin","settled":null}'
            ],
            "1 tick expected: 1 succeeded, 0 unaccounted, 0 doubled\n",
            id="a new job, told in JSON",
        ),
    ],
)
def test_ticks_are_expected_as_far_as_leaders_knew_the_job(desk: Desk, lines: list[str], told: str) -> None:
    ends = [line for line in ENDED if "hello@" in line]
    expected = int(told.split(maxsplit=1)[0])
    answer = desk.audit_lines(LED, *lines, *(ends[-expected:] if expected else ()), LAST, options=("--job", "hello"))

    assert (answer.code, answer.out) == (0, told)


AN_HOUR_LATER = "2026-11-22T13:15:00.000Z info  run.succeeded    world@2026-11-22T13:10:00Z term=1"


@pytest.mark.parametrize(
    ("line", "under_way"),
    [
        pytest.param('info  job.paused       hello  reason="see: a=b" by=jane', 5, id="one job"),
        pytest.param("info  job.paused       by=jane", 5, id="all jobs"),
        pytest.param("info  job.paused       hello  until=2026-11-22T12:45:00Z by=jane", 2, id="until a time"),
        pytest.param(
            'info  schedule.job     hello  when="every 10 min" settled="13:20 CET" paused=true', 5, id="a lead"
        ),
        pytest.param(
            'info  schedule.job     hello  when="every 10 min" settled="13:20 CET" paused=2026-11-22T12:45:00Z',
            2,
            id="a lead, and until when",
        ),
        pytest.param("info  job.resumed      hello  by=jane", 0, id="not any more"),
        pytest.param("info  job.resumed      by=jane", 0, id="all are resumed"),
    ],
)
def test_ticks_of_a_paused_job_are_under_way_for_an_hour(desk: Desk, line: str, under_way: int) -> None:
    """Ticks of `hello` at 12:00, 12:10 and 12:20 have ended; five more follow, to 13:10."""
    lines = [LED, *(one for one in ENDED if "hello@" in one), f"2026-11-22T12:21:00.000Z {line}", AN_HOUR_LATER]
    answer = desk.audit_lines(*lines, options=("--job", "hello", "--json"))

    assert (len(json.loads(answer.out)["under_way"]), answer.code) == (under_way, int(under_way < 5))


def test_jobs_that_only_the_leaders_had_are_said(desk: Desk) -> None:
    """Or a table that was left at home would prove more than it can."""
    lines = [f'{SCHEDULE}{name}  when="every 10 min" {SOON} settled="13:10 CET"' for name in ("hello", "world", "gone")]
    answer = desk.audit_lines(LED, *lines, *ENDED, LAST)

    (line,) = answer.err.splitlines()
    assert (line.split()[0], line.rpartition(", ")[2]) == ("gone:", "so none of its ticks is expected")


def test_jobs_of_which_no_leader_told_are_said(desk: Desk) -> None:
    line = f'{SCHEDULE}hello  when="every 10 min" {SOON} settled="13:10 CET"'
    answer = desk.audit_lines(LED, line, *(line for line in ENDED if "hello@" in line), LAST)

    assert answer.code == 0
    assert answer.err == "world: no leader told its schedule, so none of its ticks is expected\n"


# ---------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(("--since", "2026-11-22T12:05:00Z"), 3, id="from a time on"),
        pytest.param(("--since", "2026-11-22T12:10:00Z"), 3, id="its own second included"),
        pytest.param(("--since", "10m"), 1, id="from before the last line on"),
        pytest.param(("--until", "2026-11-22T12:15:00"), 3, id="up to a time, in UTC where no zone is given"),
        pytest.param(("--until", "2026-11-22T12:10:00Z"), 1, id="its own second excluded"),
        pytest.param(("--until", "10m"), 3, id="up to before the last line"),
        pytest.param(("--job", "world"), 1, id="of one job"),
        pytest.param(("--job", "world", "--job", "hello"), 4, id="of two jobs"),
        pytest.param(("--since", "30m"), 4, id="logs that begin at what was asked for"),
    ],
)
def test_part_of_the_ticks_can_be_asked_for(desk: Desk, options: tuple[str, ...], expected: int) -> None:
    answer = desk.audit_lines(*SOUND, options=options)

    assert answer.code == 0
    assert answer.out.startswith(f"{expected} tick")


def test_logs_cut_off_at_the_age_asked_for_may_begin_a_little_later(desk: Desk) -> None:
    """`kubectl logs --since=20m` asks a moment before the last line is 20 minutes old."""
    cut_off, later = [line.replace("T12:25:00", "T12:20:01") for line in SOUND[2:]], "--since=20m1s"

    assert desk.audit_lines(*cut_off, options=(later,)).code == 1
    assert desk.audit_lines(LAST.replace("12:25:00", "12:00:30"), *cut_off, options=(later,)).code == 0


def test_an_end_after_the_last_line_is_taken_at_its_word_as_far_as_it_has_passed(desk: Desk) -> None:
    past, future = ([line.replace("2026-", year) for line in SOUND] for year in ("2020-", "2100-"))
    passed = desk.audit_lines(*past, options=("--until", "2020-11-22T12:45Z"))
    to_come = desk.audit_lines(*future, options=("--until", "2100-11-22T12:45Z"))

    assert passed.out.startswith("7 ticks expected: 3 succeeded, 1 failed, 3 unaccounted")
    assert to_come.out == IN_ORDER


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (("nowhere.log",), 2, "File 'nowhere.log' does not exist"),
        (("FOLDER",), 2, "is a directory"),
        (("BINARY",), 3, "no line of a leader among 1 lines, so nothing can be proved"),
        (("EMPTY",), 3, "no line of a leader among 0 lines, so nothing can be proved"),
        (("--since", "yesterday", "LOG"), 2, "expected 24h, or a time such as 2027-03-28T02:00:00Z, got yesterday"),
        (("--since", "9999-01-01", "LOG"), 2, "expected a year from 1971 to 8999, got 9999"),
        (("--since", "2026-11-22T12:20Z", "--until", "20m", "LOG"), 2, "--until is before --since"),
        (("--job", "helo", "LOG"), 2, "no job helo in the table; did you mean hello?"),
    ],
    ids=[
        "no such file",
        "a folder",
        "a binary file",
        "an empty file",
        "no time",
        "a year beyond all ticks",
        "an end before the beginning",
        "a misspelt job",
    ],
)
def test_wrong_usage_and_useless_logs_are_told_apart(desk: Desk, typed: tuple[str, ...], code: int, told: str) -> None:
    (desk.folder / "binary").write_bytes(bytes(range(14, 256)) * 20_000)
    names = {"FOLDER": str(desk.folder), "BINARY": str(desk.folder / "binary"), "EMPTY": desk.log("empty")}
    names["LOG"] = desk.log("a.log", *SOUND)
    answer = desk.audit(*(names.get(word, word) for word in typed))

    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err


def test_help_fits_a_screen_and_ends_with_examples(desk: Desk) -> None:
    answer = desk.audit("-h")

    assert answer.code == 0
    assert "Examples:" in answer.out
    assert len(answer.out.splitlines()) <= 40


def test_a_terminal_as_stdin_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(BytesIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", TextIOWrapper(Terminal()))
    answer = desk.audit()

    assert answer.code == 2
    assert "pipe logs in: kubectl logs ... | leasebeat audit" in answer.err


# ---------------------------------------------------------------------- the real thing

REAL_CONFIG = """\
lease: {lease_duration: 3s, renew_deadline: 2s, retry_period: 1s, drain_timeout: 10s}
jobs:
  all: {every: 1s, catch_up: all, max_catch_up: 100, shell: echo done}
  latest: {every: 2s, shell: sleep 0.1}
  slow: {every: 1s, shell: sleep 3}
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The config and the whole log of three real replicas on sqlite, of which the leader was killed with -9."""
    config = tmp_path_factory.mktemp("replicas") / "config.yaml"
    config.write_text(REAL_CONFIG)
    replicas = ReplicaProcess.start_command("run", "--replicas", "3", "-c", str(config), "--log-format", "json")
    try:
        for letter in "abc":
            replicas.wait_for("app.started", replica=letter)
        leader = replicas.wait_for("lead.acquired")["replica"]
        replicas.wait_for("run.succeeded", count=2, job="all")
        ReplicaProcess.kill(replicas.said("app.started", replica=leader)[0]["pid"])
        replicas.wait_for("lead.acquired", count=2)
        replicas.wait_for("run.succeeded", count=12, job="all")
        assert replicas.stop() == 0
    finally:
        replicas.end()
    return config, [{name: fact for name, fact in line.items() if name != "at"} for line in replicas.lines]


def as_text(line: dict[str, Any]) -> str:
    """The line as `run --replicas` shows it."""
    return render_text(line, Style(prefix=line["replica"] or "-"))


@pytest.mark.parametrize("dressed", [json.dumps, as_text], ids=["JSON", "text"])
def test_the_log_of_a_killed_leader_and_its_successor_is_complete(
    desk: Desk, killed: tuple[Path, list[dict[str, Any]]], dressed: Callable[[dict[str, Any]], str]
) -> None:
    """And it is not, with one of its final lines cut out, or told twice; but for the last, which may be still to come."""
    config, lines = killed
    desk.config.write_text(config.read_text())
    whole = [dressed(line) for line in lines]
    ran = [(line["job"], line["tick"]) for line in lines if line["event"] == "run.succeeded"]
    finals = [
        number
        for number, line in enumerate(lines)
        if line["event"] in ("run.succeeded", "run.dropped", "run.skipped")
        and [other["event"] for other in lines if other.get("run") == line["run"]].count(line["event"]) == 1
        and any(job == line["job"] and tick > line["tick"] for job, tick in ran)
    ]
    sound = desk.audit_lines(*whole)

    assert sound.code == 0, sound
    assert "0 unaccounted, 0 doubled" in sound.out
    assert sound.err == ""
    assert len(finals) > 10
    for number in finals[::4]:
        run = lines[number]["run"]
        without = desk.audit_lines(*whole[:number], *whole[number + 1 :])
        twice = desk.audit_lines(*whole, whole[number])

        assert (without.code, f"unaccounted: {run}" in without.out.splitlines()) == (1, True), without
        assert (twice.code, f"doubled: {run} final lines at stdin:{number + 1}" in twice.out) == (1, True), twice

import json
import re
from datetime import timedelta
from typing import TextIO

import pytest

from scheduler.core.job import duration_text
from scheduler.telling.shapes import elapsed, harmless, word
from scheduler.telling.text import Style, colour_wanted, render_text

RUN: dict[str, object] = {
    "job": "hello",
    "run": "hello@2026-11-22T19:41:05Z",
    "attempt": 1,
    "cause": "schedule",
    "term": 1,
}
HEAD = {"timestamp": "2026-11-22T19:41:05.062Z", "level": "info", "event": "run.succeeded", "replica": "a"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def text(event: str, facts: dict[str, object]) -> str:
    """The line without its time."""
    return render_text(HEAD | {"event": event} | facts, Style()).partition("Z ")[2]


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        pytest.param(0, "0ms", id="nothing"),
        pytest.param(999, "999ms", id="below a second in milliseconds"),
        pytest.param(1000, "1s", id="a whole second has no decimal"),
        pytest.param(10_237, "10.2s", id="seconds with one decimal"),
        pytest.param(59_960, "60s", id="rounded up to a minute"),
        pytest.param(90_400, "90s", id="a minute and a half in seconds"),
        pytest.param(120_000, "2m", id="two minutes"),
        pytest.param(724_310, "12m4s", id="minutes and seconds"),
        pytest.param(14_400_007, "4h", id="hours without their zero minutes"),
        pytest.param(3_605_000, "1h", id="an hour and five seconds in two units"),
        pytest.param(533_000_000, "6d4h", id="days and hours"),
        pytest.param(-3_200, "-3.2s", id="a clock stepped back"),
        pytest.param(0.4, "0ms", id="a fraction"),
    ],
)
def test_a_measured_time(ms: float, expected: str) -> None:
    assert elapsed(ms) == expected


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        pytest.param(timedelta(0), "0s", id="none"),
        pytest.param(timedelta(minutes=90), "1h30m", id="an hour and a half"),
        pytest.param(timedelta(days=1, milliseconds=500), "1d500ms", id="exact to the millisecond"),
        pytest.param(timedelta(seconds=-90), "-1m30s", id="negative"),
    ],
)
def test_a_duration_as_config_yaml_writes_it(duration: timedelta, expected: str) -> None:
    assert duration_text(duration) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("KILL", "KILL", id="a word stands bare"),
        pytest.param("every 5 s", '"every 5 s"', id="spaces need quotes"),
        pytest.param("", '""', id="nothing is seen by its quotes"),
        pytest.param('say "hi"', r'"say \"hi\""', id="quotes are escaped"),
        pytest.param("a\\b", "a\\b", id="a bare backslash is itself"),
        pytest.param("a \\b", r'"a \\b"', id="a quoted backslash is doubled"),
        pytest.param("a\nlead.lost", r'"a\nlead.lost"', id="no second line can be smuggled in"),
        pytest.param("\x1b[2J", r'"\x1b[2J"', id="no terminal command either"),
        pytest.param("\u202eevil", r'"\u202eevil"', id="nor a change of direction"),
        pytest.param("Grüße…", "Grüße…", id="letters of any language"),
    ],
)
def test_a_value(value: str, expected: str) -> None:
    assert word(value) == expected


def test_free_text_keeps_its_spaces_and_loses_what_does_not_print() -> None:
    assert harmless("one\ttwo\r\x00\u2028 three") == r"one\ttwo\r\x00\u2028 three"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"recorded": False}, "recorded=no", id="an end that the ledger could not be told"),
        pytest.param({"repeated": True}, "repeated=true", id="told again for the leader before"),
        pytest.param({"attempt": 2, "cause": "rerun"}, "attempt=2 cause=rerun", id="what is not usual"),
        pytest.param({"late_ms": None, "took_ms": 1}, "took=1ms", id="what is not known is left out"),
        pytest.param({"reason": "x", "colour": ["red", 1]}, "reason=x colour=red,1", id="facts not in the table, last"),
        pytest.param({"more": {"a": None}}, 'more="{\\"a\\":null}"', id="a map as JSON"),
    ],
)
def test_what_follows_the_run(facts: dict[str, object], expected: str) -> None:
    line = text("run.succeeded", {"run": "a@b", "attempt": 1, "cause": "schedule"} | facts)

    assert line == f"info  run.succeeded    a@b {expected}"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"text": "two  spaces"}, " two  spaces", id="as it was written"),
        pytest.param({"text": ""}, "", id="an empty line"),
        pytest.param({"text": "x", "attempt": 2, "stream": "stderr"}, " attempt=2 x", id="another attempt"),
        pytest.param({"text": "x", "logger": "mail"}, " logger=mail x", id="through logging"),
        pytest.param({"text": "a\n2026-11-22T"}, r" a\n2026-11-22T", id="no second line"),
    ],
)
def test_what_a_run_wrote(facts: dict[str, object], expected: str) -> None:
    line = text("run.output", RUN | {"stream": "stdout"} | facts)

    assert line == f"info  run.output       {RUN['run']}{expected}"


@pytest.mark.parametrize(
    ("ticks", "zone", "expected"),
    [
        pytest.param(["2026-11-22T19:42:00Z"], "UTC", '"19:42:00 UTC"', id="today"),
        pytest.param(["2026-11-22T23:30:00Z"], "Europe/Berlin", '"23 Nov 00:30 CET"', id="tomorrow in its zone"),
        pytest.param(["2026-11-23T00:00:30Z"], "UTC", '"23 Nov 00:00:30 UTC"', id="seconds if there are any"),
        pytest.param(
            ["2026-11-22T23:59:00Z", "2026-11-23T00:00:00Z"],
            "UTC",
            '"22 Nov 23:59, 23 Nov 00:00 UTC"',
            id="all with their day if one is not today",
        ),
        pytest.param(["2027-01-01T00:00:00Z"], "UTC", '"1 Jan 2027 00:00 UTC"', id="another year"),
        pytest.param(
            ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
            "Europe/Berlin",
            '"25 Oct 00:00 CEST, 26 Oct 00:00 CET"',
            id="on both sides of a change of the clocks",
        ),
        pytest.param([], "UTC", "never", id="no tick any more"),
        pytest.param(["2026-11-22T19:42:00Z"], "Moon/Crater", "2026-11-22T19:42:00Z", id="a zone unknown here"),
        pytest.param(["soon", 7], "UTC", "soon,7", id="not a time at all"),
    ],
)
def test_the_next_ticks(ticks: list[object], zone: str, expected: str) -> None:
    line = text("schedule.job", {"job": "meter", "zone": zone, "next": ticks, "settled": None})

    assert line == f"info  schedule.job     meter next={expected} settled=new"


def test_a_mistake_without_a_path_and_with_a_hint() -> None:
    place = {"file": "my config.yaml", "line": 1, "column": 2, "path": ""}

    line = text("config.invalid", {**place, "code": "yaml", "message": "tab", "hint": "use spaces"})

    assert line == 'info  config.invalid   "my config.yaml:1:2" [yaml] tab (use spaces)'


def test_a_line_of_a_later_version_is_shown_with_all_it_has() -> None:
    assert text("moon.rose", {"phase": "full", "hour": 3}) == "info  moon.rose        phase=full hour=3"


def test_a_line_that_lacks_its_head_is_shown_all_the_same() -> None:
    assert render_text({"event": 7}, Style(dated=False)) == "None None  7"


@pytest.mark.parametrize(
    ("event", "facts", "expected"),
    [
        pytest.param("run.succeeded", RUN, "\x1b[32mrun.succeeded\x1b[0m", id="succeeded is green"),
        pytest.param("run.failed", RUN, "\x1b[31mrun.failed\x1b[0m", id="failed is red"),
        pytest.param("run.dropped", RUN, "\x1b[33mrun.dropped\x1b[0m", id="dropped is yellow"),
        pytest.param("lead.acquired", {"term": 1}, "\x1b[35mlead.acquired\x1b[0m", id="the lead is magenta"),
        pytest.param("run.started", RUN, " \x1b[1mhello\x1b[0m@2026", id="a job's name is bold in a run"),
        pytest.param("schedule.job", {"job": "hello"}, " \x1b[1mhello\x1b[0m", id="a job's name is bold"),
        pytest.param("run.started", RUN, "\x1b[2mterm=\x1b[0m1", id="keys are dim"),
        pytest.param("lead.lost", {"level": "warning"}, "\x1b[33mwarn\x1b[0m ", id="a warning is yellow"),
        pytest.param("run.failed", {"level": "error"}, "\x1b[31merror\x1b[0m ", id="an error is red"),
    ],
)
def test_colour(event: str, facts: dict[str, object], expected: str) -> None:
    line = HEAD | {"event": event} | facts

    coloured = render_text(line, Style(colour=True))

    assert expected in coloured
    assert ANSI.sub("", coloured) == render_text(line, Style())


def test_each_replica_has_a_colour_of_its_own() -> None:
    prefixes = [render_text(HEAD, Style(colour=True, prefix=letter)).split("m")[0] for letter in "-abc"]

    assert len(set(prefixes)) == 4


class Stream:
    """As much of a stream as the question for colour needs."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("choice", "terminal", "environment", "expected"),
    [
        pytest.param("auto", True, {}, True, id="a terminal is coloured"),
        pytest.param("auto", False, {}, False, id="a pipe is not"),
        pytest.param("auto", True, {"NO_COLOR": "1"}, False, id="NO_COLOR turns it off"),
        pytest.param("auto", True, {"NO_COLOR": ""}, True, id="an empty NO_COLOR says nothing"),
        pytest.param("auto", True, {"TERM": "dumb"}, False, id="a dumb terminal knows no colour"),
        pytest.param("never", True, {}, False, id="never"),
        pytest.param("always", False, {"NO_COLOR": "1"}, True, id="always, as asked for last"),
    ],
)
def test_when_to_colour(choice: str, terminal: bool, environment: dict[str, str], expected: bool) -> None:
    stream: TextIO = Stream(terminal=terminal)  # type: ignore[assignment]

    assert colour_wanted(choice, stream, environment) == expected


def test_a_json_line_of_a_replica_is_shown_behind_its_letter() -> None:
    line = json.loads('{"timestamp":"2026-11-22T19:41:02.151Z","level":"info","event":"lead.standby","replica":"b"}')

    assert render_text(line, Style(dated=False, prefix="b")) == "b 19:41:02.151Z info  lead.standby"

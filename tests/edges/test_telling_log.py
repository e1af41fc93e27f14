"""The log as a whole: no line is lost, split, mixed or forged, whatever is told and whatever becomes of the reader."""

import io
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler.telling.events import EVENTS, UnknownEvent
from scheduler.telling.lines import LineWriter
from scheduler.telling.log import LogSettings, open_log
from scheduler.telling.text import Style, render_text


class StepClock:
    """A clock on which a millisecond passes with each look."""

    def __init__(self) -> None:
        self._wall = datetime(2026, 11, 22, 19, 41, tzinfo=UTC)

    def boot(self) -> float:
        return 0.0

    def wall(self) -> datetime:
        self._wall += timedelta(milliseconds=1)
        return self._wall


def told(event: str, facts: dict[str, Any], **settings: Any) -> str:
    stream = io.StringIO()
    open_log(LogSettings(**settings), LineWriter(stream), StepClock())(event, **facts)
    return stream.getvalue()


def parsed(line: str) -> dict[str, Any]:
    """The line's content, by the letter of JSON's grammar: Python would also read NaN."""
    return json.JSONDecoder(parse_constant=pytest.fail).decode(line)  # type: ignore[no-any-return]


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


class Cyclic(list[object]):
    def __init__(self) -> None:
        super().__init__([self])


integers = st.integers(min_value=-(2**63), max_value=2**63)
LAW = settings(max_examples=200)
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | st.text()
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5
)
odd_values = (
    st.floats()
    | st.integers(min_value=10**30)
    | st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"])
    | st.datetimes(timezones=st.timezones())
    | st.timedeltas()
    | st.binary(max_size=5)
    | st.builds(Unprintable)
    | st.builds(Cyclic)
    | st.sets(st.integers(), max_size=3)
)
known_facts = st.sampled_from([*sorted({name for kind in EVENTS.values() for name in kind.fields}), "event", "self"])
events = st.sampled_from([*EVENTS, "moon.rose", "line\nbreak"])


@LAW
@given(events, st.dictionaries(known_facts | st.text(), json_values | odd_values, max_size=6))
@example("run.output", {"run": "a@b", "text": "one\ntwo\r\x1b[2J\u2028three"})
@example("schedule.job", {"zone": "../../etc", "next": ["2026-11-22T19:41:05Z"]})
def test_any_facts_become_one_line_of_text_that_prints(event: str, facts: dict[str, Any]) -> None:
    line = told(event, facts, level="debug")

    assert line.endswith("\n")
    assert line[:-1].isprintable()


@LAW
@given(events, st.dictionaries(known_facts | st.text(), json_values | odd_values, max_size=6), st.booleans())
def test_text_made_from_the_json_line_is_the_text_itself(event: str, facts: dict[str, Any], coloured: bool) -> None:
    style = Style(colour=coloured, dated=False, prefix="a")

    line = told(event, facts, level="debug", format="json")

    assert len(line.splitlines()) == 1
    assert render_text(parsed(line), style) + "\n" == told(event, facts, level="debug", style=style)


@LAW
@given(events, st.dictionaries(known_facts | st.text(), json_values, max_size=6))
def test_json_gives_the_facts_back(event: str, facts: dict[str, Any]) -> None:
    head = {"timestamp", "level", "event"}
    given_facts = {name: fact for name, fact in facts.items() if name not in head and fact is not None}

    line = parsed(told(event, facts, level="debug", format="json"))

    assert {name: fact for name, fact in line.items() if name in given_facts} == given_facts
    assert line["event"] == event


class CarelessStream(io.StringIO):
    """A stream that lets other threads in between the halves of what it is given."""

    def write(self, text: str) -> int:
        middle = len(text) // 2
        super().write(text[:middle])
        os.sched_yield()
        return middle + super().write(text[middle:])


def test_lines_of_many_threads_do_not_mix_and_their_times_ascend() -> None:
    stream, together = CarelessStream(), threading.Barrier(8)
    out = LineWriter(stream)
    tell = open_log(LogSettings(format="json"), out, StepClock())

    def talk(term: int) -> None:
        together.wait()
        for leader in range(100):
            tell("lead.standby", leader=leader, term=term)
            out.write("# relayed")

    threads = [threading.Thread(target=talk, args=(term,)) for term in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = stream.getvalue().splitlines()
    lines = [parsed(line) for line in written if line != "# relayed"]

    assert len(written) == 2 * len(lines)
    assert sorted((line["term"], line["leader"]) for line in lines) == [(t, n) for t in range(8) for n in range(100)]
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)


def test_a_line_goes_out_in_one_write_and_at_once() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "w") as stream:
        tell = open_log(LogSettings(), LineWriter(stream), StepClock())

        tell("lead.released", term=7, drained=2)

        assert reader.read(4096) == b"2026-11-22T19:41:00.001Z info  lead.released    term=7 drained=2\n"


def test_a_reader_that_went_away_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:  # closing it would raise as well, were its buffer not sent to nowhere
        tell = open_log(LogSettings(), LineWriter(stream), StepClock())

        for term in range(3):
            tell("lead.standby", leader="a", term=term)


class FullDisk(io.StringIO):
    """A stream that takes nothing until there is space again."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_costs_the_lines_until_there_is_space_again() -> None:
    stream = FullDisk()
    tell = open_log(LogSettings(), LineWriter(stream), StepClock())

    tell("lead.standby", leader="a", term=1)
    stream.full = False
    tell("lead.standby", leader="a", term=2)

    assert stream.getvalue().endswith("info  lead.standby     leader=a term=2\n")
    assert stream.getvalue().count("\n") == 1


def test_a_closed_stream_ends_nothing() -> None:
    stream = io.StringIO()
    stream.close()

    open_log(LogSettings(), LineWriter(stream), StepClock())("lead.standby", leader="a", term=1)


def test_letters_that_the_stream_lacks_are_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")

    open_log(LogSettings(), LineWriter(stream), StepClock())("run.output", run="a@b", text="Grüße…")

    assert raw.getvalue().endswith(rb"a@b Gr\xfc\xdfe\u2026" + b"\n")


@pytest.mark.parametrize(
    ("least", "event", "facts", "written"),
    [
        pytest.param("info", "run.started", {}, True, id="info is written at info"),
        pytest.param("info", "run.started", {"level": "debug"}, False, id="a start lowered to debug is not"),
        pytest.param("debug", "run.started", {"level": "debug"}, True, id="but at debug"),
        pytest.param("warning", "run.skipped", {"reason": "paused"}, False, id="a paused tick is no warning"),
        pytest.param("warning", "run.skipped", {"reason": "overlap"}, True, id="a skipped one is"),
        pytest.param("error", "run.output", {"level": "error"}, True, id="a job's own error"),
    ],
)
def test_what_is_written_at_which_level(least: str, event: str, facts: dict[str, Any], written: bool) -> None:
    assert bool(told(event, facts, level=least)) == written


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param("error", "error", id="one of the four"),
        pytest.param("critical", "error", id="what a job thinks critical"),
        pytest.param("notice", "warning", id="unknown, so the event's own"),
    ],
)
def test_a_level_that_overrides_the_events(level: str, expected: str) -> None:
    assert parsed(told("run.retrying", {"level": level}, format="json"))["level"] == expected


def test_a_strict_log_refuses_what_is_not_in_the_table() -> None:
    with pytest.raises(UnknownEvent, match="phase"):
        told("lead.lost", {"phase": "full"}, strict=True)


def test_a_lenient_log_writes_it_as_a_warning() -> None:
    assert told("moon.rose", {"phase": "full"}) == "2026-11-22T19:41:00.001Z warn  moon.rose        phase=full\n"


def test_the_log_does_not_drag_in_a_console_toolkit() -> None:
    """structlog imports rich where it is installed; a replica that stands by has to stay small."""
    code = "import sys, scheduler.telling.log; print('rich' in sys.modules); import rich.console"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout == "False\n"

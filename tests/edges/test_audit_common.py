"""The lines that are read by a pattern say the same as if they were read with care."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.cli.auditing.common import common_line
from scheduler.cli.auditing.lines import read_line, run_of
from scheduler.telling.events import lay_out
from scheduler.telling.text import Style, render_text

EVENTS = st.sampled_from(["run.output", "run.started", "run.succeeded", "run.failed", "run.skipped", "run.retrying"])
TIMES = st.integers(0, 2**31 * 1000).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    [" to=2026-11-22T12:00:00Z", ' recorded=no "repeated":true', "hello@2026-11-22T12:00:00Z", '"}', ""]
)
LINES = st.fixed_dictionaries(
    {
        "event": EVENTS,
        "at": TIMES,
        "job": st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True),
        "tick": TIMES.map(lambda at: at.replace(microsecond=0)),
        "replica": st.sampled_from(["a", "beat-x2k4q", 'q"', None]),
        "facts": st.fixed_dictionaries(
            {},
            optional={
                "attempt": st.sampled_from([1, 2]),
                "cause": st.sampled_from(["schedule", "catch_up", "rerun"]),
                "recorded": st.sampled_from([False]),
                "repeated": st.sampled_from([True]),
                "late_ms": st.integers(0, 10**6),
                "text": TEXTS,
                "error": TEXTS,
            },
        ),
        "as_json": st.booleans(),
        "prefix": st.sampled_from(["", "[pod/beat-x2k4q/leasebeat] ", "a "]),
    }
)


def written(line: dict[str, object]) -> bytes:
    """As the program itself writes it."""
    at, tick, event, facts = line["at"], line["tick"], str(line["event"]), line["facts"]
    assert isinstance(at, datetime)
    assert isinstance(tick, datetime)
    assert isinstance(facts, dict)
    text = tick.strftime("%Y-%m-%dT%H:%M:%SZ")
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {"timestamp": stamp, "level": "info", "event": event, "replica": line["replica"]}
    facts = facts | {"job": line["job"], "run": f"{line['job']}@{text}", "tick": text}
    laid_out = lay_out(head, {"attempt": 1, "cause": "schedule"} | facts)
    told = json.dumps(laid_out, separators=(",", ":")) if line["as_json"] else render_text(laid_out, Style(dated=True))
    return f"{line['prefix']}{told}\n".encode(errors="backslashreplace")


@given(LINES)
def test_both_ways_of_reading_agree(line: dict[str, object]) -> None:
    raw = written(line)
    common = common_line(raw)
    if common is None:
        return
    careful = read_line(raw.decode(errors="replace").strip())

    assert careful is not None
    assert common == (
        pytest.approx(careful.at, abs=1e-6, rel=0),  # the ways add up in different order
        careful.event.removeprefix("run.").encode(),
        str(line["job"]).encode(),
        run_of(str(careful.facts["run"]))[1],
    )
    assert str(careful.facts.get("attempt", 1)) == "1"
    if careful.event == "run.succeeded":
        assert not {"to", "recorded", "repeated"} & careful.facts.keys()


RUN = "hello@2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("line", "is_common"),
    [
        pytest.param(f"2026-11-22T12:00:00.062Z info  run.succeeded    {RUN} term=1 took=5ms\n", True, id="success"),
        pytest.param(f"[pod/x/y] 2026-11-22T12:00:00.062Z info  run.started      {RUN} term=1\n", True, id="kubectl's"),
        pytest.param(f"2026-11-22T12:00:00.062Z info  run.output       {RUN}\r\n", True, id="an empty line of output"),
        pytest.param(f"2026-11-22T12:00:00.062Z info  run.succeeded    {RUN} term=1 took=5ms", False, id="cut off"),
        pytest.param(f"2026-11-22T12:00:00.062Z info  run.succeeded    {RUN} attempt=2 term=1\n", False, id="again"),
        pytest.param(f"2026-11-22T12:00:00.062Z info  run.succeeded    {RUN} term=1 repeated=true\n", False, id="told"),
        pytest.param(f"2026-11-22T12:00:00.062Z info  run.succeeded    {RUN} term=1 recorded=no\n", False, id="unheld"),
        pytest.param(f"12:00:00.062Z info  run.succeeded    {RUN} term=1\n", False, id="without a date"),
        pytest.param("2026-13-41T12:00:00.062Z info  run.succeeded    x@2026-11-22T12:00:00Z\n", False, id="no day"),
        pytest.param(f"2026-11-22T12:00:00.062Z error run.failed       {RUN} term=1\n", False, id="a failure"),
    ],
)
def test_what_is_common(line: str, is_common: bool) -> None:
    assert (common_line(line.encode()) is not None) is is_common

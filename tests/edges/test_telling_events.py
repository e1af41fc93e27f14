"""The table of events, and that nobody tells what is not in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import scheduler
from scheduler.telling.events import EVENTS, UnknownEvent, check, kind_of

FINAL = {f"run.{fate}" for fate in ("succeeded", "failed", "timed_out", "skipped", "dropped", "interrupted")}


@pytest.mark.parametrize(
    ("event", "facts", "expected"),
    [
        pytest.param("run.succeeded", {}, "info", id="as configured"),
        pytest.param("run.skipped", {"reason": "overlap"}, "warning", id="a tick that was not run"),
        pytest.param("run.skipped", {"reason": "paused"}, "info", id="a tick that was not to run"),
        pytest.param("run.interrupted", {"reason": "leader_lost"}, "error", id="a run cut off"),
        pytest.param("run.interrupted", {"reason": "replaced"}, "warning", id="a run replaced"),
        pytest.param("app.stopped", {"reason": "signal"}, "info", id="a clean stop"),
        pytest.param("app.stopped", {"reason": "drain_timeout"}, "warning", id="a stop that cut runs off"),
        pytest.param("moon.rose", {}, "warning", id="an event nobody knows"),
    ],
)
def test_level(event: str, facts: dict[str, object], expected: str) -> None:
    assert kind_of(event).level_for(facts) == expected


def test_run_lines_share_their_fields_in_one_order() -> None:
    shared = ("job", "run", "tick", "attempt", "cause", "term", "late_ms", "took_ms", "reason")

    for event in FINAL | {"run.started", "run.output", "run.retrying"}:
        assert tuple(field for field in EVENTS[event].fields if field in shared) == shared, event


@pytest.mark.parametrize("event", EVENTS)
def test_the_table_is_sound(event: str) -> None:
    kind = EVENTS[event]

    assert kind.level in {"debug", "info", "warning", "error"}
    assert len(set(kind.fields)) == len(kind.fields)
    assert {*kind.optional, *kind.subject, *kind.tail, *kind.hidden, *kind.usual} <= set(kind.fields)


def test_an_event_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(UnknownEvent, match=r"no event moon\.rose"):
        check("moon.rose", [])


def test_a_fact_that_is_not_the_events_is_refused() -> None:
    with pytest.raises(UnknownEvent, match=r"event lead\.standby has no leadr"):
        check("lead.standby", ["leadr", "term", "level"])


def tellings() -> Iterator[tuple[str, str, list[str]]]:
    """Every call of something named tell with an event written out: where it is, the event, its named facts."""
    root = Path(scheduler.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(event)), *_]
                ) if name.endswith("tell"):
                    facts = [keyword.arg for keyword in node.keywords if keyword.arg]
                    yield f"{path.relative_to(root)}:{node.lineno}", event, facts


def test_the_program_tells_only_what_is_in_the_table() -> None:
    found = list(tellings())
    slips = [
        f"{place}: {event} {sorted(set(facts) - set(kind_of(event).fields) - {'level'})}"
        for place, event, facts in found
        if event not in EVENTS or set(facts) - set(kind_of(event).fields) - {"level"}
    ]

    assert found
    assert slips == []

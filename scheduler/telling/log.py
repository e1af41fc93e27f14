"""The log: takes events with their facts and writes one line for each, as text for people or as JSON for machines.

A line is made in two steps, structlog's processors: its content is laid out (the head `timestamp level event replica`,
then the table's fields in order), and rendered. Then it goes out in one write (telling/lines.py). All of it happens
under one lock, so that the order of lines is that of their times. Nothing that goes wrong in here reaches the caller,
be it a reader that went away or a value that does not print: a scheduler must not die of its log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scheduler.core.ports import Clock, Tell
from scheduler.telling.events import check, kind_of, lay_out
from scheduler.telling.lean import absent, postponed
from scheduler.telling.lines import LineWriter
from scheduler.telling.text import Style, render_text
from scheduler.telling.values import plain

with absent("rich"), postponed("asyncio"):
    import structlog

# As structlog and Python's logging count. There is no level above error for people; jobs may log one.
_NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 40}
_Told = MutableMapping[str, Any]  # what structlog hands from step to step


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How a log is to be: `level` is the least that is written, `replica` the name on each line.

    `strict` raises `UnknownEvent` for an event or a fact that the table lacks; tests want that. Without it such a line
    is a warning with all its facts, because no line may be lost.
    """

    format: Literal["text", "json"] = "text"
    level: str = "info"
    replica: str | None = None
    style: Style = field(default_factory=Style)
    strict: bool = False


def open_log(settings: LogSettings, out: LineWriter, clock: Clock) -> Tell:
    """A `Tell` that writes to `out`, from any thread. It raises nothing (but see `strict`).

    A fact named `level` overrides the event's level, for what the table cannot know.
    """
    logger = structlog.wrap_logger(
        out,
        processors=[_layout(settings.replica, clock), _renderer(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        context_class=dict,
    ).bind()

    def tell(event: str, /, **facts: object) -> None:
        if settings.strict:
            check(event, facts)
        wanted = facts.pop("level", None)
        level = wanted if isinstance(wanted, str) and wanted in _NUMBERS else kind_of(event).level_for(facts)
        with out.lock:
            logger.log(_NUMBERS[level], event, facts=facts)

    return tell


def _layout(replica: str | None, clock: Clock) -> Callable[[object, str, _Told], dict[str, object]]:
    def lay(_writer: object, level: str, told: _Told) -> dict[str, object]:
        timestamp = clock.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"timestamp": timestamp, "level": level, "event": told["event"], "replica": replica}
        return lay_out(head, {name: plain(fact) for name, fact in told["facts"].items()})

    return lay


def _renderer(settings: LogSettings) -> Callable[[object, str, _Told], str]:
    def text(_writer: object, _level: str, line: _Told) -> str:
        return render_text(line, settings.style)

    def as_json(_writer: object, _level: str, line: _Told) -> str:
        return json.dumps(line, separators=(",", ":"))

    return text if settings.format == "text" else as_json

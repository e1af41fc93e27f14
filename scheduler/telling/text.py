"""A log event as a line for people: `TIME LEVEL EVENT SUBJECT key=value ...`.

A pure function of the event, which is a JSON line's content: what `run --replicas` reads from a replica as JSON comes
out as if the replica had printed it as text itself. Colour adds nothing but colour; the words are the same without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TextIO

from scheduler.telling.events import Event, kind_of
from scheduler.telling.shapes import harmless, pair, shown, word

_EVENT_WIDTH = 16  # a longer name pushes its line to the right
_LEVEL_WIDTH = 5
_LEVELS = {"warning": "warn"}
_HEAD = ("timestamp", "level", "event", "replica")
_NOTHING = object()  # equal to no fact
_TAIL = {"code": "[{}]", "path": "{}:", "hint": "({})"}

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _MAGENTA = "1", "2", "31", "32", "33", "35"
_LEVEL_COLOURS = {"warning": _YELLOW, "error": _RED}
_EVENT_COLOURS = {
    "run.succeeded": _GREEN,
    "run.failed": _RED,
    "run.timed_out": _RED,
    "run.interrupted": _RED,
    "run.skipped": _YELLOW,
    "run.dropped": _YELLOW,
    "run.retrying": _YELLOW,
}
_LETTER_COLOURS = ("36", "94", "95", "92", "93", "96")  # none that an event or a level has

Paint = Callable[[str, str | None], str]


@dataclass(frozen=True, slots=True)
class Style:
    """What shows in a line though it is not in its event.

    `dated`: times have their date. `names` is the length of the longest job name, so that the schedule's lines align.
    `prefix` is the replica's letter where the lines of several are mixed; the name of the replica is then left out.
    """

    dated: bool = True
    colour: bool = False
    names: int = 0
    prefix: str | None = None


def colour_wanted(choice: str, stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether to colour: as `choice` says, and for `auto` on a terminal unless NO_COLOR is set (no-color.org)."""
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def render_text(line: Mapping[str, object], style: Style) -> str:
    """The event as one line, without its end."""
    event = str(line.get("event"))
    kind = kind_of(event)
    paint = _painted if style.colour else _unpainted
    parts = [
        paint(style.prefix or "", _prefix_colour(style.prefix)),
        paint(_time(line, style), _DIM),
        _level(line, paint),
        paint(harmless(event), _event_colour(event)) + " " * (_EVENT_WIDTH - len(event)),
        _subject(line, kind, style, paint),
        *_pairs(line, kind, style, paint),
        *_tail(line, kind),
    ]
    return " ".join(part for part in parts if part).rstrip(" ")


def _time(line: Mapping[str, object], style: Style) -> str:
    time = str(line.get("timestamp"))
    return harmless(time if style.dated else time.rpartition("T")[2])


def _level(line: Mapping[str, object], paint: Paint) -> str:
    level = str(line.get("level"))
    name = harmless(_LEVELS.get(level, level))
    return paint(name, _LEVEL_COLOURS.get(level)) + " " * (_LEVEL_WIDTH - len(name))


def _subject(line: Mapping[str, object], kind: Event, style: Style, paint: Paint) -> str:
    facts = [shown(line[name]) for name in kind.subject if line.get(name) is not None]
    text = word(":".join(facts)) if facts else ""
    if kind.subject == ("job",):
        return paint(text, _BOLD) + " " * (style.names + 1 - len(text))
    if kind.subject == ("run",):
        job, at, tick = text.partition("@")
        return paint(job, _BOLD) + at + tick
    return text


def _pairs(line: Mapping[str, object], kind: Event, style: Style, paint: Paint) -> Iterator[str]:
    untold = {*kind.subject, *kind.tail, *kind.hidden, *(["replica"] if style.prefix else [])}
    for name in (*kind.fields, *(name for name in line if name not in (*_HEAD, *kind.fields))):
        if name not in line or name in untold or line[name] == kind.usual.get(name, _NOTHING):
            continue
        if fact := pair(name, line[name], line):
            yield paint(f"{fact[0]}=", _DIM) + fact[1]


def _tail(line: Mapping[str, object], kind: Event) -> Iterator[str]:
    for name in kind.tail:
        if line.get(name):
            yield _TAIL.get(name, "{}").format(harmless(shown(line[name])))


def _event_colour(event: str) -> str | None:
    return _MAGENTA if event.startswith("lead.") else _EVENT_COLOURS.get(event)


def _prefix_colour(prefix: str | None) -> str:
    return _LETTER_COLOURS[ord(prefix[0]) % len(_LETTER_COLOURS)] if prefix and prefix[0].isalnum() else _DIM


def _painted(text: str, colour: str | None) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and text else text


def _unpainted(text: str, _colour: str | None) -> str:
    return text

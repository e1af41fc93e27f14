"""Facts as plain JSON values: what any object a caller may tell becomes before a line is made of it.

Both formats start from these values. That is why a text line can be made again from a parsed JSON line, letter by
letter: `run --replicas` reads its replicas' lines as JSON and shows them as text. Nothing here raises, whatever it is
given, because a line must not be lost over the value of one of its facts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from scheduler.core.job import duration_text
from scheduler.core.ledger import MANUAL

_DEEPEST = 8  # nobody tells facts that deep: it is a structure that holds itself
_GREATEST = 2**64  # what parsers of other languages take for a number


def plain(value: object, depth: int = 0) -> object:
    """`value` in JSON's own types: instants and durations as text, anything unknown as its `str()`."""
    if value is None or (type(value) is str and value.isascii()):
        return value  # as most facts are
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {_text(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        return [plain(item, depth + 1) for item in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    match value:
        case None | bool():
            return value
        case int() if abs(value) < _GREATEST:
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case datetime():
            return stamp(value)
        case timedelta():
            return duration_text(value)
        case _:
            return _text(value)


def stamp(instant: datetime) -> str:
    """An instant as logs write it: `2026-11-22T02:15:00Z`, in other zones with their offset; milliseconds if any."""
    text = instant.isoformat(timespec="milliseconds" if instant.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z" if instant.tzinfo is UTC else text


def tick_of(run: str) -> datetime | None:
    """The instant that a run id names: its tick, or when somebody asked for the run; None if it names none."""
    return instant_of(run.rpartition("@")[2].removeprefix(MANUAL))


def instant_of(text: object) -> datetime | None:
    """The instant in UTC that a text names; None where it names none, for anybody may have edited what is read."""
    try:
        instant = datetime.fromisoformat(str(text))
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    """`str(value)` that every JSON parser and every stream takes: halves of surrogate pairs become escapes."""
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return f"<unprintable {type(value).__name__}>"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

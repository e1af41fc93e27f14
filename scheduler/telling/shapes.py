"""How one fact looks in a text line: `late_ms` 4 is `late=4ms`, and a tick is a time of day in its job's zone.

Only plain values come in (telling/values.py), a caller's or ones read back from JSON. A value that does not have the
shape its name promises is shown as it is: a text line is for reading, and must not fail over what it reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import dropwhile

from scheduler.core.timing.zones import zone

_FREE_TEXT = ("error", "hint")  # always in quotes, so that a line keeps its look whatever the wording
_KEYS = {"writes_per_minute": "writes"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in any locale


def pair(key: str, value: object, line: Mapping[str, object]) -> tuple[str, str] | None:
    """The key and the text of a fact, None if there is nothing to show; `line` is the whole event it belongs to."""
    if value is None and key != "settled":
        return None
    if key.endswith("_ms") and isinstance(value, int | float):
        return harmless(key.removesuffix("_ms")), elapsed(value)
    return _KEYS.get(key, harmless(key)), _text(key, value, line)


def _text(key: str, value: object, line: Mapping[str, object]) -> str:
    if key in ("next", "settled"):
        return word(_times(value, line))
    if key == "writes_per_minute":
        return word(f"{shown(value)}/min")
    if key == "recorded":
        return "no" if value is False else word(shown(value))
    return quoted(shown(value)) if key in _FREE_TEXT else word(shown(value))


def shown(value: object) -> str:
    """A plain value as text: lists with commas, maps as JSON."""
    match value:
        case str():
            return value
        case list():
            return ",".join(map(shown, value))
        case int() if not isinstance(value, bool):
            return str(value)  # as JSON has it, at a fraction of the time
        case _:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def word(text: str) -> str:
    """`text`, in quotes where it would fall apart, vanish or break the line without."""
    return text if text and text.isprintable() and " " not in text and '"' not in text else quoted(text)


def quoted(text: str) -> str:
    """`text` in double quotes, those in it and backslashes behind a backslash."""
    return '"' + harmless(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def harmless(text: str) -> str:
    r"""`text` on one line and without power over a terminal: what does not print becomes an escape such as `\n`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def elapsed(ms: float) -> str:
    """A measured time in the digits that a reader wants: `4ms`, `10.2s`, `60s`, `12m4s`, `4h`, `6d5h`."""
    size = abs(round(ms))
    sign = "-" if round(ms) < 0 else ""
    seconds = size // 1000
    if not seconds:
        return f"{sign}{size}ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return sign + f"{size / 1000:.1f}".removesuffix(".0") + "s"
    if seconds < 120:  # noqa: PLR2004 - two minutes: people say 60 and 90 seconds
        return f"{sign}{seconds}s"
    return sign + _two_units(seconds)


def _two_units(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    counts = [(days, "d"), (hour, "h"), (minute, "m"), (second, "s")]
    greatest = list(dropwhile(lambda count: not count[0], counts))[:2]
    return "".join(f"{number}{unit}" for number, unit in greatest if number)


def _times(value: object, line: Mapping[str, object]) -> str:
    """Ticks in the zone of the line's job, `20:41:05, 20:41:10 CET`; with their days unless all are the line's day."""
    if not value:
        return "new" if value is None else "never"
    try:
        tz = zone(str(line["zone"]))
        today = datetime.fromisoformat(str(line["timestamp"])).astimezone(tz)
        values = value if isinstance(value, list) else [value]
        ticks = [datetime.fromisoformat(str(tick)).astimezone(tz) for tick in values]
    except (LookupError, ValueError, OverflowError):  # the line of another version, with other times or zones
        return shown(value)
    return _named(ticks, _faces(ticks, today))


def _faces(ticks: Sequence[datetime], today: datetime) -> list[str]:
    if all(tick.date() == today.date() for tick in ticks):
        return [f"{tick:%H:%M:%S}" for tick in ticks]
    clock = "%H:%M:%S" if any(tick.second for tick in ticks) else "%H:%M"
    return [f"{_day(tick, today)} {tick.strftime(clock)}" for tick in ticks]


def _day(tick: datetime, today: datetime) -> str:
    year = "" if tick.year == today.year else f" {tick.year}"
    return f"{tick.day} {_MONTHS[tick.month - 1]}{year}"


def _named(ticks: Sequence[datetime], faces: Sequence[str]) -> str:
    """The zone's short name once at the end, or behind each tick where the clocks change between them."""
    names = [tick.tzname() or "" for tick in ticks]
    if len(set(names)) == 1:
        return f"{', '.join(faces)} {names[0]}"
    return ", ".join(f"{face} {name}" for face, name in zip(faces, names, strict=True))

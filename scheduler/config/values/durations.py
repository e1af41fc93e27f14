"""Durations as config.yaml writes them: `30s`, `5m`, `1h30m`, `1d`, `500ms`; the unit is never left out.

A number without a unit is a trap in both directions (Celery reads 300 as seconds, others as minutes), and so is `1:30`,
which YAML 1.1 reads as the number 90.
"""

from __future__ import annotations

import re
from datetime import timedelta

from scheduler.config.mistakes import Mistake, expected, listing
from scheduler.core.job import UNITS, duration_text

LONGEST_SPELT = 60  # letters; whoever writes more has something else in mind
LONGEST = timedelta(days=3650)  # ten years; more is a typing error, and overflows a Lease's 32 bits in the end

PATTERN = "([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?"
WHOLE_PATTERN = "([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?"

_PART = re.compile(r"([0-9]+)(ms|[dhms])")
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5]?[0-9])(?::([0-5]?[0-9]))?")
_UNITLESS = re.compile(r"[0-9]+(\.[0-9]+)?")
_WORD = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([a-z]+)[\s,]*(?:and\s+)?")
_ISO = re.compile(r"p?(?:([0-9]{1,9})d)?t?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_NAMES = {"millisecond": "ms", "msec": "ms", "milli": "ms", "second": "s", "sec": "s", "minute": "m", "min": "m"}
_NAMES |= {"hour": "h", "hr": "h", "day": "d", "daily": "d", "hourly": "h", "minutely": "m"}
_WEEK = timedelta(weeks=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DECIMAL_SECONDS = re.compile(r"([0-9]{0,9})\.([0-9]{1,3})s")


def read_duration(value: object) -> timedelta:
    """The duration that a value from the file stands for, at most `LONGEST`; raises `Mistake`."""
    if not isinstance(value, str):
        raise expected("a duration", "duration", _unit_missing(value))
    if value and re.fullmatch(PATTERN, value):
        duration = sum((int(number) * UNITS[unit] for number, unit in _PART.findall(value)), timedelta(0))
        if duration <= LONGEST:
            return duration
        raise expected(f"at most {duration_text(LONGEST)}", "range")
    if clock := _CLOCK.fullmatch(value):
        raise _no_clock_time(clock)
    raise expected("a duration such as 90s", "duration", _respelled(value))


def _unit_missing(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST.total_seconds():
        return "write a number and a unit, such as 5m" if isinstance(value, int | float) else None
    whole = duration_text(timedelta(seconds=value))
    return f"a unit is missing: {value}s" + ("" if whole in (f"{value}s", "0s") else f" or {whole}")


def _spelt_out(value: str) -> timedelta | None:
    """A duration as people, other schedulers and ISO 8601 write it: `1 hour`, `5min`, `1.5h`, `daily`, `PT5M`."""
    text = value.strip().lower()[:LONGEST_SPELT]
    if text.startswith("p") and (iso := _ISO.fullmatch(text)):
        days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return _sensible(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))
    if re.fullmatch(f"(?:{_WORD.pattern})+", text):
        parts = [(float(number), _unit(word)) for number, word in _WORD.findall(text)]
    else:
        parts = [(1.0, _unit(text.removeprefix("every ")))]
    if any(unit is None for _, unit in parts):
        return None
    return _sensible(sum((number * unit for number, unit in parts if unit), timedelta(0)))


def _unit(word: str) -> timedelta | None:
    if word.rstrip("s") in ("w", "week", "weekly"):
        return _WEEK
    short = word if word in UNITS else _NAMES.get(word.removesuffix("s"))
    return UNITS[short] if short else None


def _sensible(duration: timedelta) -> timedelta | None:
    """The duration to the millisecond, unless nothing or too much."""
    rounded = duration // timedelta(milliseconds=1) * timedelta(milliseconds=1)
    return rounded if timedelta(0) < rounded <= LONGEST else None


def _no_clock_time(clock: re.Match[str]) -> Mistake:
    """The refusal of `1:30`, which says nothing about whether minutes or hours come first."""
    first, second, third = (int(part) if part else None for part in clock.groups())
    assert first is not None
    assert second is not None
    if third is None:
        seconds = first * 60 + second
        readings = [timedelta(minutes=first, seconds=second), timedelta(hours=first, minutes=second)]
    else:
        seconds = first * 3600 + second * 60 + third
        readings = [timedelta(hours=first, minutes=second, seconds=third)]
    ways = list(dict.fromkeys([f"{seconds}s", *map(duration_text, readings)]))
    mistake = expected("a duration such as 90s", "duration", f"write {listing(ways)}")
    mistake.plain_hint = f"YAML reads this as {seconds}; "
    return mistake


def _respelled(value: str) -> str:
    """How to write what was probably meant."""
    if spelt := _spelt_out(value):
        return f"write {duration_text(spelt)}"
    if value.casefold()[:3] in _WEEKDAYS:
        return f'days of the week are for cron: "0 0 * * {value[:3].upper()}"'
    tight = re.sub(r"\s", "", value).lower()
    if _UNITLESS.fullmatch(tight):
        return "a unit is missing: " + (f"{tight}s" if "." not in tight else "1m30s, or 500ms")
    if decimal := _DECIMAL_SECONDS.fullmatch(tight):
        return "write " + duration_text(
            timedelta(seconds=int(decimal[1] or 0), milliseconds=int(decimal[2].ljust(3, "0")))
        )
    if tight != value and tight and re.fullmatch(PATTERN, tight):
        return f"write {tight}"
    return "units are d, h, m, s and ms, the largest first: 1h30m"

"""Durations as config.yaml writes them: `30s`, `5m`, `1h30m`, `1d`, `500ms`; the unit is never left out.

A number without a unit is a trap in both directions (Celery reads 300 as seconds, others as minutes), and so is `1:30`,
which YAML 1.1 reads as the number 90.
"""

from __future__ import annotations

import re
from datetime import timedelta

from scheduler.config.mistakes import Mistake, expected, listing
from scheduler.core.job import UNITS, duration_text

LONGEST = timedelta(days=3650)  # ten years; more is a typing error, and overflows a Lease's 32 bits in the end

PATTERN = "([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?"
WHOLE_PATTERN = "([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?"

_PART = re.compile(r"([0-9]+)(ms|[dhms])")
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5]?[0-9])(?::([0-5]?[0-9]))?")
_UNITLESS = re.compile(r"[0-9]+(\.[0-9]+)?")
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

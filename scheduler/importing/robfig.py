"""CronJob schedules: the dialect of the library that Kubernetes reads them with, robfig/cron v3.

It looks like cron and differs: a day must match both day fields as soon as one of them is `*` or `?`, but not for
`*/2`, which Debian's cron counts as a star; Sunday is 0 and never 7; `5/15` goes on to the field's end; a step may lead
beyond it; `?` may stand anywhere.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

from scheduler.core.job import duration_text
from scheduler.core.timing.localtimes import MONTHS, WEEKDAYS
from scheduler.importing.expressions import FIRSTS, LASTS, Wanted, expression
from scheduler.importing.found import NoCounterpart, one_line

_NAMES: dict[int, tuple[str, ...]] = {
    3: tuple(name[:3].lower() for name in MONTHS),
    4: tuple(name[:3].lower() for name in WEEKDAYS),
}
_MACROS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S*)\s+(.*)", re.DOTALL)
_GO_PART = re.compile("([0-9]*[.]?[0-9]*)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_GO_DURATION = re.compile(f"(?:{_GO_PART.pattern})+")
_MICRO = ("us", "\u00b5s", "\u03bcs")  # with the micro sign, and with the Greek letter
_GO_NANOSECONDS = {
    "ns": 1,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    **dict.fromkeys(_MICRO, 10**3),
}
_LONGEST_S = 3650 * 86_400
_DAY, _WEEKDAY = 2, 4


def without_zone(schedule: str) -> tuple[str | None, str]:
    """The zone that older clusters allowed before the schedule, and the schedule."""
    found = _ZONE.fullmatch(schedule.strip())
    return (found[1], found[2].strip()) if found else (None, schedule.strip())


def schedule_key(schedule: str) -> tuple[str, str]:
    """The key and the value that mean the same: `cron` or `every`. Raises `NoCounterpart`."""
    if schedule.lower().startswith("@every "):
        return "every", _every(schedule[len("@every ") :].strip())
    if schedule.startswith("@"):
        if schedule.lower() in _MACROS:
            return "cron", schedule.lower()
        raise NoCounterpart(f"{one_line(schedule, 40)} is no schedule")
    words = schedule.split()
    if len(words) != len(FIRSTS):
        raise NoCounterpart(f"expected 5 fields, got {len(words)}")
    stars = [_has_star(word) for word in words]
    values = tuple(_field(word, place) for place, word in enumerate(words))
    text = expression(Wanted(values, tuple(words), both_days=stars[_DAY] or stars[_WEEKDAY]))
    if text is None:
        raise NoCounterpart("names no day that ever comes, or none that cron can say")
    return "cron", text


def _every(text: str) -> str:
    """A duration in Go's spelling, cut to whole seconds as the library does, in ours."""
    if not _GO_DURATION.fullmatch(text):
        raise NoCounterpart(f"expected a duration after @every, got {one_line(text, 40)}")
    try:
        nanoseconds = sum(Fraction(number) * _GO_NANOSECONDS[unit] for number, unit in _GO_PART.findall(text))
    except ValueError:
        raise NoCounterpart(f"expected a duration after @every, got {one_line(text, 40)}") from None
    seconds = max(int(nanoseconds / 10**9), 1)
    if seconds > _LONGEST_S:
        raise NoCounterpart("a period is at most 10 years")
    return duration_text(timedelta(seconds=seconds))


def _has_star(word: str) -> bool:
    """Whether the library takes the field for unrestricted: a star without a step."""
    return any(re.fullmatch(r"[*?](-[^/]*)?(/0*1)?", term) for term in word.split(","))


def _field(word: str, place: int) -> frozenset[int]:
    values: set[int] = set()
    for term in filter(None, word.split(",")):
        values.update(_term(term, place))
    if not values:
        raise NoCounterpart(f"{one_line(word, 40)} names nothing")
    return frozenset(values)


def _term(term: str, place: int) -> range:
    span, slash, step_text = term.partition("/")
    low_text, dash, high_text = span.partition("-")
    first, last = FIRSTS[place], LASTS[place]
    if low_text in ("*", "?"):
        low, high = first, last
    else:
        low = _number(low_text, place)
        high = _number(high_text, place) if dash else last if slash else low
    step = _number(step_text, None) if slash else 1
    if not (first <= low <= high <= last and step):
        raise NoCounterpart(f"{one_line(term, 40)} is beyond {first}-{last}, backwards or without a step")
    return range(low, high + 1, step)


def _number(text: str, place: int | None) -> int:
    names = _NAMES.get(place, ()) if place is not None else ()
    if text.lower() in names:
        return names.index(text.lower()) + (1 if place == 3 else 0)  # noqa: PLR2004 - months count from 1
    if not re.fullmatch("[0-9]{1,9}", text):
        raise NoCounterpart(f"expected a number, got {one_line(text, 40) or 'nothing'}")
    return int(text)

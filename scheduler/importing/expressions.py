"""Cron expressions for what other schedulers mean by five fields.

An origin says which minutes, hours, days, months and weekdays its entry names, and whether a day must match both day
fields or either. Here that becomes an expression of ours: in the author's own words where we read them alike, else
spelt out. Nothing is believed: a candidate is taken only if our own reader, asked what it means, names the same times.

That both day fields must match can be said in three ways: as the n-th such day of the month (`MON#1`), where the days
are whole weeks of it; by a day field that begins with a star (`*/2`), which Debian's cron takes for unrestricted; and
by a weekday field that does. All else has no expression.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from scheduler.core.timing.cron import CronError, CronExpression, read_cron
from scheduler.core.timing.localtimes import DAY, WEEKDAYS, CronFields, LocalTimes, day_rule

FIRSTS, LASTS = (0, 0, 1, 1, 0), (59, 23, 31, 12, 6)
_DAY, _MONTH, _WEEKDAY = 2, 3, 4
_YEARS = range(2001, 2029)  # 28 years have every month begin on every weekday
_WEEK = 7
_SOME_JOB = "import"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What five fields mean: minutes, hours, days, months and weekdays (0 is Sunday), in this order.

    `words` are the author's own, empty where there are none. `both_days` says that a day must match both day fields;
    otherwise either will do.
    """

    values: tuple[frozenset[int], ...]
    words: tuple[str, ...]
    both_days: bool

    def names_day(self, day: int, weekday: int) -> bool:
        """Whether it is to run on such a day."""
        in_days, in_weekdays = day in self.values[_DAY], weekday in self.values[_WEEKDAY]
        return in_days and in_weekdays if self.both_days else in_days or in_weekdays


def expression(wanted: Wanted) -> str | None:
    """An expression that means just that; None where there is none."""
    minute, hour, month = (_word(wanted, field) for field in (0, 1, _MONTH))
    for day, weekday in _day_fields(wanted):
        text = f"{minute} {hour} {day} {month} {weekday}"
        read = _read(text)
        if read and _names_same_times(read.fields, wanted) and _names_same_days(read.fields, wanted):
            return text
    return None


def spelled(values: frozenset[int], field: int) -> str:
    """The field's values in the shortest plain spelling; `*` for all of them."""
    first, last = FIRSTS[field], LASTS[field]
    if len(values) > last - first:
        return "*"
    ordered = sorted(values)
    if step := _step(ordered):
        if ordered[0] == first and ordered[-1] + step > last:
            return f"*/{step}"
        return f"{ordered[0]}-{ordered[-1]}/{step}"
    return ",".join(_runs(ordered))


def _word(wanted: Wanted, field: int) -> str:
    """The author's word where it means the same to us, else the values spelt out."""
    word = wanted.words[field]
    alone = _read(" ".join(word if place == field else "*" for place in range(5))) if word else None
    plain = ["*"] * 5
    plain[field] = spelled(wanted.values[field], field)
    same = alone and _facts(alone.fields) == _facts(_certain(" ".join(plain)).fields)
    return word if same else plain[field]


def _day_fields(wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Ways to say the days, the author's own first; the caller tries them."""
    yield _word(wanted, _DAY), _word(wanted, _WEEKDAY)
    days, weekdays = (wanted.values[field] for field in (_DAY, _WEEKDAY))
    if wanted.both_days:
        yield spelled(days, _DAY), spelled(weekdays, _WEEKDAY)
        yield "*", _nth(days, weekdays)
        yield spelled(days, _DAY), ",".join(_runs(sorted(weekdays)))
        yield ",".join(_runs(sorted(days))), _starred(weekdays)
    else:
        yield _starless(days), _starless(weekdays)


def _nth(days: frozenset[int], weekdays: frozenset[int]) -> str:
    """The n-th such weekdays of the month, for the weeks of it that have any of the days."""
    weeks = sorted({(day - 1) // _WEEK + 1 for day in days})
    return ",".join(f"{WEEKDAYS[weekday][:3].upper()}#{week}" for week in weeks for weekday in sorted(weekdays))


def _starred(weekdays: frozenset[int]) -> str:
    """A weekday field that begins with a star; Sunday is both its 0 and its 7."""
    steps = (f"*/{step}" for step in range(2, _WEEK + 1) if {day % _WEEK for day in range(0, 8, step)} == weekdays)
    return next(steps, "*")


def _starless(values: frozenset[int]) -> str:
    """The values as a field that does not begin with a star, so that cron ORs the two day fields."""
    ordered = sorted(values)
    step = _step(ordered)
    return f"{ordered[0]}-{ordered[-1]}/{step}" if step else ",".join(_runs(ordered))


def _step(ordered: Sequence[int]) -> int | None:
    """The distance of three or more values that lie equally far apart, but not side by side."""
    if len(ordered) < 3:  # noqa: PLR2004 - two values are better named
        return None
    steps = {later - value for value, later in pairwise(ordered)}
    return steps.pop() if len(steps) == 1 and steps != {1} else None


def _runs(ordered: Sequence[int]) -> Iterator[str]:
    start = 0
    for end in range(1, len(ordered) + 1):
        if end == len(ordered) or ordered[end] != ordered[end - 1] + 1:
            first, last = ordered[start], ordered[end - 1]
            yield f"{first}" if first == last else f"{first}-{last}" if last - first > 1 else f"{first},{last}"
            start = end


def _read(text: str) -> CronExpression | None:
    try:
        return read_cron(text, _SOME_JOB)
    except CronError:
        return None


def _certain(text: str) -> CronExpression:
    return read_cron(text, _SOME_JOB)


@lru_cache(maxsize=4096)
def _facts(fields: CronFields) -> tuple[object, ...]:
    """What the fields name: the times of a day, and the days of every month there can be."""
    times = LocalTimes(CronFields(fields.second, fields.minute, fields.hour, "*", "*", "*"))
    return _walked(times), tuple(_days(fields).items())


@lru_cache(maxsize=4096)
def _days(fields: CronFields) -> dict[tuple[int, int], tuple[int, ...]]:
    rule = day_rule(fields.day, fields.month, fields.weekday)
    return {(year, month): rule.of_month(year, month) for year in _YEARS for month in range(1, 13)}


def _walked(times: LocalTimes) -> tuple[int, ...]:
    found, second = [], times.first_from(0)
    while second is not None and second < DAY:
        found.append(second)
        second = times.first_from(second + 1)
    return tuple(found)


def _names_same_times(fields: CronFields, wanted: Wanted) -> bool:
    times = LocalTimes(CronFields(fields.second, fields.minute, fields.hour, "*", "*", "*"))
    minutes, hours = wanted.values[:2]
    return list(_walked(times)) == [hour * 3600 + minute * 60 for hour in sorted(hours) for minute in sorted(minutes)]


def _names_same_days(fields: CronFields, wanted: Wanted) -> bool:
    return all(list(days) == list(_wanted_days(wanted, year, month)) for (year, month), days in _days(fields).items())


def _wanted_days(wanted: Wanted, year: int, month: int) -> Iterator[int]:
    if month not in wanted.values[_MONTH]:
        return
    first_weekday, length = monthrange(year, month)
    for day in range(1, length + 1):
        if wanted.names_day(day, (first_weekday + day) % _WEEK):
            yield day

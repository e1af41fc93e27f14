"""The local times that the six fields of a cron expression name, on a wall clock that nobody ever puts forward or back.

This is cron without time zones: which days, and which times on these days. `schedule.py` lays these times over a real
zone's clock. What the fields mean is cronsim's knowledge (it was measured against Debian's cron): the values, the two
day fields, `L`, `LW`, `n#k` and `nL`. Only the walking is done here. It must go both ways alike, take microseconds and
treat six fields as it treats five; and cronsim's own, right where clocks change by an hour in the small hours, drops
ticks where they change by half an hour, and may never end where they change at midnight.

Local times are whole seconds, counted from 1970-01-01T00:00 as the clock on the wall shows it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise

from cronsim import CronSim

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

HOUR = 3_600
DAY = 86_400
EPOCH_DAY = date(1970, 1, 1).toordinal()
# The rarest day there is, 29 February on a given weekday, comes every 40 years at worst: around a year such as 2100.
SEARCH_YEARS = 50
GAP_YEARS = range(2023, 2029)  # all lengths of months and years, next to each other
ANY = datetime(2000, 1, 1, tzinfo=UTC)  # cronsim wants a start, also when it is only asked what fields mean


@dataclass(frozen=True, slots=True)
class CronFields:
    """The fields of an expression in cronsim's language: seconds always given, every `H` and name resolved."""

    second: str
    minute: str
    hour: str
    day: str
    month: str
    weekday: str

    @property
    def follows_real_time(self) -> bool:
        """Whether these are a *wildcard job*, which takes the clock as it comes, changes included (crontab(5), Debian).

        All others are *fixed-time jobs*: what a change skips runs right after it, what it repeats runs once.
        """
        return self.minute.startswith("*") or self.hour.startswith("*")


class DayRule:
    """Which days the day, month and weekday fields name. Days are counted from 1970-01-01."""

    __slots__ = ("_by_shape", "_gaps", "_sim", "months")

    def __init__(self, day: str, month: str, weekday: str) -> None:
        # The month is kept apart, because cronsim refuses some days that never come and we have a better message.
        self._sim = CronSim(f"0 0 {day} * {weekday}", ANY)
        self.months = sorted(CronSim(f"0 0 1 {month} *", ANY).months)
        self._by_shape: dict[tuple[int, int], tuple[int, ...]] = {}
        self._gaps: frozenset[int] | None = None

    @property
    def ever(self) -> bool:
        """Whether there is any such day; 28 years without a missing leap day show every year that can be."""
        return any(self.of_month(year, month) for year in range(2001, 2029) for month in self.months)

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """The days of this month, ascending."""
        if month not in self.months:
            return ()
        # Months that begin on the same weekday and are as long are alike, so there are only 28 to work out.
        shape = monthrange(year, month)
        if (known := self._by_shape.get(shape)) is None:
            days = (day for day in range(1, shape[1] + 1) if self._sim.match_day(date(year, month, day)))
            known = self._by_shape[shape] = tuple(days)
        return known

    def first_from(self, day: int) -> int | None:
        """The first named day, `day` itself or later; None if there is none for `SEARCH_YEARS`."""
        start = date.fromordinal(day + EPOCH_DAY)
        index, earliest = start.year * 12 + start.month - 1, start.day
        for year, month in (divmod(at, 12) for at in range(index, index + 12 * SEARCH_YEARS)):
            days = self.of_month(year, month + 1)
            position = bisect_left(days, earliest)
            if position < len(days):
                return date(year, month + 1, days[position]).toordinal() - EPOCH_DAY
            earliest = 1
        return None

    def last_to(self, day: int) -> int | None:
        """The last named day, `day` itself or earlier; None if there is none for `SEARCH_YEARS`."""
        start = date.fromordinal(day + EPOCH_DAY)
        index, latest = start.year * 12 + start.month - 1, start.day
        for year, month in (divmod(at, 12) for at in range(index, index - 12 * SEARCH_YEARS, -1)):
            days = self.of_month(year, month + 1)
            position = bisect_right(days, latest)
            if position:
                return date(year, month + 1, days[position - 1]).toordinal() - EPOCH_DAY
            latest = 31
        return None

    def gaps(self) -> frozenset[int]:
        """By how many days neighbours among these days are apart; worked out once for all jobs that share the rule."""
        if self._gaps is None:
            months = [(year, month) for year in GAP_YEARS for month in self.months]
            days = [date(year, month, day).toordinal() for year, month in months for day in self.of_month(year, month)]
            self._gaps = frozenset(later - sooner for sooner, later in pairwise(days))
        return self._gaps

    def count(self, day: int, until: int) -> int:
        """How many days are named from `day` to just before `until`."""
        start, end = date.fromordinal(day + EPOCH_DAY), date.fromordinal(until + EPOCH_DAY)
        first, last = start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
        months = [self.of_month(at // 12, at % 12 + 1) for at in range(first, last + 1)]
        return (
            sum(map(len, months))
            - bisect_left(months[0], start.day)
            - len(months[-1])
            + bisect_left(months[-1], end.day)
        )


@lru_cache(maxsize=1024)
def day_rule(day: str, month: str, weekday: str) -> DayRule:
    """The rule of these three fields; jobs that name the same days share it."""
    return DayRule(day, month, weekday)


class LocalTimes:
    """The local seconds that six fields name, walked in both directions."""

    __slots__ = ("_days", "_hours", "_in_hour")

    def __init__(self, fields: CronFields) -> None:
        self._days = day_rule(fields.day, fields.month, fields.weekday)
        self._hours = _hours(fields.hour)
        self._in_hour = _seconds_of_hour(fields.second, fields.minute)

    def first_from(self, second: int) -> int | None:
        """The first named second, `second` itself or later; None if there is none any more."""
        today, clock = divmod(second, DAY)
        day = self._days.first_from(today)
        if day == today:
            if (found := self._clock_from(clock)) is not None:
                return today * DAY + found
            day = self._days.first_from(today + 1)
        return None if day is None else day * DAY + self._hours[0] * HOUR + self._in_hour[0]

    def last_before(self, second: int) -> int | None:
        """The last named second that is earlier than `second`; None if there was none."""
        today, clock = divmod(second, DAY)
        day = self._days.last_to(today)
        if day == today:
            if (found := self._clock_before(clock)) is not None:
                return today * DAY + found
            day = self._days.last_to(today - 1)
        return None if day is None else day * DAY + self._hours[-1] * HOUR + self._in_hour[-1]

    def count(self, low: int, end: int) -> int:
        """How many named seconds there are from `low` to just before `end`."""
        if low >= end:
            return 0
        (first, _), (last, _) = divmod(low, DAY), divmod(end, DAY)
        whole_days = self._days.count(first, last) * len(self._hours) * len(self._in_hour)
        return whole_days - self._passed_of_day(low) + self._passed_of_day(end)

    def shortest_gap(self) -> int | None:
        """How many seconds the two nearest of these times are apart; None if there is only one in `GAP_YEARS`."""
        within_hour = [later - sooner for sooner, later in pairwise(self._in_hour)]
        over_hours = self._in_hour[0] - self._in_hour[-1]
        over_days = over_hours - (self._hours[-1] - self._hours[0]) * HOUR
        hours = [(later - sooner) * HOUR + over_hours for sooner, later in pairwise(self._hours)]
        days = [apart * DAY + over_days for apart in self._days.gaps()]
        return min([*within_hour, *hours, *days], default=None)

    def _passed_of_day(self, second: int) -> int:
        """Count the named seconds of the day that `second` is in which lie before it."""
        day, clock = divmod(second, DAY)
        if not self._days.count(day, day + 1):
            return 0
        hour, rest = divmod(clock, HOUR)
        of_hour = bisect_left(self._in_hour, rest) if hour in self._hours else 0
        return bisect_left(self._hours, hour) * len(self._in_hour) + of_hour

    def _clock_from(self, clock: int) -> int | None:
        """Look on the dial: the first named second of a day, `clock` or later."""
        hour, rest = divmod(clock, HOUR)
        position = bisect_left(self._in_hour, rest)
        if hour in self._hours and position < len(self._in_hour):
            return hour * HOUR + self._in_hour[position]
        later = bisect_right(self._hours, hour)
        return self._hours[later] * HOUR + self._in_hour[0] if later < len(self._hours) else None

    def _clock_before(self, clock: int) -> int | None:
        """Look on the dial: the last named second of a day, earlier than `clock`."""
        hour, rest = divmod(clock, HOUR)
        position = bisect_left(self._in_hour, rest)
        if hour in self._hours and position:
            return hour * HOUR + self._in_hour[position - 1]
        earlier = bisect_left(self._hours, hour)
        return self._hours[earlier - 1] * HOUR + self._in_hour[-1] if earlier else None


@lru_cache(maxsize=1024)
def _hours(hour: str) -> tuple[int, ...]:
    return tuple(sorted(CronSim(f"0 {hour} * * *", ANY).hours))


@lru_cache(maxsize=4096)
def _seconds_of_hour(second: str, minute: str) -> tuple[int, ...]:
    sim = CronSim(f"{second} {minute} * * * *", ANY)
    return tuple(minute * 60 + second for minute in sorted(sim.minutes) for second in sorted(sim.seconds))

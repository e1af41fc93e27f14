"""The days that day, month and weekday fields name, in words.

on weekdays                                              every week
on the 2nd Monday of March                               L, LW, n#k and nL count from the ends of months
on day 13 of the month, or on Friday                     either is enough: cron ORs its two day fields
on days 1 to 7 of the month, but only on Monday          both must hold: it ANDs them when one starts with a star
on day 1 of each month from April to September           months
"""

from __future__ import annotations

from dataclasses import dataclass

from cronsim import CronSim

from scheduler.core.phrases import is_long_row, is_run, joined, ordinal, ranged, step_of
from scheduler.core.timing.localtimes import ANY, MONTHS, WEEKDAYS, CronFields

_ALL_DAYS = frozenset(range(1, 32))
_ALL_WEEKDAYS = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Days:
    """What the three fields name: `days` may hold cronsim's marks for L and LW, `counted` has (weekday, which)."""

    days: frozenset[int]
    months: tuple[int, ...]
    weekdays: frozenset[int]
    counted: frozenset[tuple[int, int]]
    both: bool

    @property
    def words(self) -> str:
        """The days in words; empty for every day."""
        any_day, any_weekday = self.days >= _ALL_DAYS, self.weekdays == _ALL_WEEKDAYS
        if (any_day and any_weekday) or (not self.both and (any_day or any_weekday)):
            return f"every day{self._within}" if self._within else ""
        if any_day:
            return ", or ".join(self._weekday_parts(self._within, self._of))
        if any_weekday:
            return self._of_month()
        if self.both:
            return f"{self._of_month()}, but only {' or '.join(self._weekday_parts('', ' of the month'))}"
        return ", or ".join([self._of_month(), *self._weekday_parts(self._within, self._of)])

    @property
    def _within(self) -> str:
        """The months of a weekday; empty for all."""
        if len(self.months) == len(MONTHS):
            return ""
        if is_long_row(self.months) and not is_run(self.months):
            return f" in {self._row_of_months()}"
        span = " from " if is_run(self.months) else " in "
        return span + self._named_months()

    @property
    def _of(self) -> str:
        """The months of a day of the month."""
        if len(self.months) == len(MONTHS):
            return " of the month"
        if is_run(self.months):
            return f" of each month from {self._named_months()}"
        return f" of {self._row_of_months() if is_long_row(self.months) else self._named_months()}"

    def _named_months(self) -> str:
        return ranged(self.months, ["", *MONTHS])

    def _row_of_months(self) -> str:
        first, last = MONTHS[self.months[0] - 1], MONTHS[self.months[-1] - 1]
        return f"every {ordinal(step_of(self.months) or 1)} month from {first} to {last}"

    def _of_month(self) -> str:
        numbers = sorted(day for day in self.days if day > 0)
        parts = []
        if is_long_row(numbers) and not is_run(numbers):
            parts.append(f"every {ordinal(step_of(numbers) or 1)} day from {numbers[0]} to {numbers[-1]}")
        elif numbers:
            parts.append(f"day{'s' if len(numbers) > 1 else ''} {ranged(numbers)}")
        if CronSim.LAST in self.days:
            parts.append("the last day")
        if CronSim.LAST_WEEKDAY in self.days:
            parts.append("the last weekday")
        return f"on {joined(parts)}{self._of}"

    def _weekday_parts(self, within: str, of_month: str) -> list[str]:
        parts = [f"{_weekday_names(self.weekdays)}{within}"] if self.weekdays else []
        counted = sorted((day, which) for day, which in self.counted if day not in self.weekdays)
        if counted:
            names = [f"the {'last' if nth < 0 else ordinal(nth)} {WEEKDAYS[day]}" for day, nth in counted]
            parts.append(f"on {joined(names)}{of_month}")
        return parts


def days_of(fields: CronFields) -> Days:
    """What the fields of a sound expression name."""
    sim = CronSim(f"0 0 {fields.day} * {fields.weekday}", ANY)
    months = CronSim(f"0 0 1 {fields.month} *", ANY).months
    plain = {item for item in sim.weekdays if isinstance(item, int)}
    counted = {item for item in sim.weekdays if isinstance(item, tuple)}
    return Days(
        days=frozenset(sim.days),
        months=tuple(sorted(months)),
        weekdays=frozenset(day % 7 for day in plain),
        counted=frozenset((day % 7, which) for day, which in counted),
        both=sim.day_and,
    )


def _weekday_names(weekdays: frozenset[int]) -> str:
    places = sorted((day - 1) % 7 for day in weekdays)  # the week begins on Monday
    if places == [0, 1, 2, 3, 4]:
        return "on weekdays"
    names = ranged(places, [*WEEKDAYS[1:], WEEKDAYS[0]])
    return f"from {names}" if is_run(places) else f"on {names}"

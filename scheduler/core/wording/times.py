"""The times of day that second, minute and hour fields name, in words.

    at 03:15 and 17:15                                times, where there are only a few
    every 15 min + 7 min from 09:00 to 17:59          what comes evenly, and within which times: both ends included
    every 2nd hour from 08:30 to 18:30                from hour to hour
    at minutes 0 to 10 and 30 of hours 9 to 17        anything

Debian's cron treats two jobs of the same times differently where clocks change, by whether the minute or the hour is
written with a star (`CronFields.follows_real_time`). So do the words: only such a job comes `every 15 min` counted from
the full hour, or in `every 2nd hour`, and where no such word fits, it is marked `(wildcard)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from cronsim import CronSim

from scheduler.core.phrases import A_FEW, is_long_row, is_run, joined, ordinal, ranged, step_of
from scheduler.core.timing.localtimes import ANY, CronFields

MOST_TIMES = 8  # so many times of day are listed, if there is no rhythm in them
LAST_MINUTE = 59


@dataclass(frozen=True, slots=True)
class Unit:
    """One of the fields: how it is called, in short, and how many values it has."""

    name: str
    short: str
    size: int

    def period(self, values: Sequence[int]) -> int | None:
        """How far apart the values are, also the last from the first of the next round; None if it differs."""
        step = step_of(values)
        return step if step and step * len(values) == self.size else None

    def rhythm(self, values: Sequence[int]) -> int | None:
        """The n of a `*/n` that divides the round, if these are its values."""
        return None if values[0] else self.period(values)


SECOND, MINUTE, HOUR = Unit("second", "s", 60), Unit("minute", "min", 60), Unit("hour", "h", 24)


@dataclass(frozen=True, slots=True)
class TimesOfDay:
    """The values of the three fields, ascending, and whether they are a wildcard job's."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    wildcard: bool

    @property
    def on_the_minute(self) -> bool:
        """Whether all are whole minutes."""
        return self.seconds == (0,)

    @property
    def are_listed(self) -> bool:
        """Whether the words are times of day, `at 03:15`, which leave open on what days."""
        return self.words.startswith("at ") and self.words[3].isdigit()

    @property
    def words(self) -> str:
        """The times in words."""
        if self.wildcard:
            shown = bool(MINUTE.rhythm(self.minutes) or HOUR.rhythm(self.hours))
            return (self._rhythm() or self._values()) + ("" if shown else " (wildcard)")
        if self._number <= A_FEW:
            return self._clock_times()
        return self._rhythm() or (self._clock_times() if self._number <= MOST_TIMES else self._values())

    @property
    def _number(self) -> int:
        return len(self.seconds) * len(self.minutes) * len(self.hours)

    def _clock_times(self) -> str:
        times = product(self.hours, self.minutes, self.seconds)
        return f"at {joined([_clock(*time, exact=not self.on_the_minute) for time in times])}"

    def _rhythm(self) -> str | None:
        if not self.on_the_minute:
            return self._by_second()
        return self._by_minute() or self._by_hour()

    def _by_second(self) -> str | None:
        step = _every(SECOND, self.seconds)
        if step is None:
            return None
        if self.minutes == tuple(range(60)) and self.hours == tuple(range(24)) and self.wildcard:
            return step
        return step + (self._span() or f" of {self._of_minutes()} of {self._of_hours()}")

    def _by_minute(self) -> str | None:
        if not self.wildcard and MINUTE.rhythm(self.minutes):
            return None
        step = _every(MINUTE, self.minutes)
        if step is None:
            return self._within_an_hour()
        if HOUR.rhythm(self.hours) == 1 and self.wildcard:
            return step
        if len(self.hours) == 1 or is_run(self.hours):
            return f"{step} from {_clock(self.hours[0], 0)} to {_clock(self.hours[-1], LAST_MINUTE)}"
        return f"{step} of {self._of_hours()}"

    def _within_an_hour(self) -> str | None:
        """Of a single hour it can be said from when to when."""
        if len(self.hours) > 1 or self.wildcard or not (is_run(self.minutes) or is_long_row(self.minutes)):
            return None
        step = step_of(self.minutes)
        rhythm = "every minute" if step == 1 else f"every {step} min"
        return f"{rhythm} from {_clock(self.hours[0], self.minutes[0])} to {_clock(self.hours[0], self.minutes[-1])}"

    def _by_hour(self) -> str | None:
        if len(self.minutes) > 1:
            return None
        step, minute = HOUR.rhythm(self.hours), self.minutes[0]
        if step and self.wildcard:
            which = _nth(HOUR, step)
            return f"at minute {minute} of {which}" if minute else which
        if not (is_run(self.hours) or is_long_row(self.hours)):
            return None
        which = _nth(HOUR, step_of(self.hours) or 1)
        return f"{which} from {_clock(self.hours[0], minute)} to {_clock(self.hours[-1], minute)}"

    def _values(self) -> str:
        of_day = f"{self._of_minutes()} of {self._of_hours()}"
        if self.on_the_minute:
            return f"at {of_day}"
        all_day = self.wildcard and MINUTE.rhythm(self.minutes) == HOUR.rhythm(self.hours) == 1
        return f"at {_of(SECOND, self.seconds, free=True)} of " + ("every minute" if all_day else of_day)

    def _span(self) -> str | None:
        """From which minute to which, if there is no gap between."""
        every_minute = self.minutes == tuple(range(60)) and self.wildcard
        if every_minute and (len(self.hours) == 1 or is_run(self.hours)):
            return f" from {_clock(self.hours[0], 0)} to {_clock(self.hours[-1], LAST_MINUTE)}"
        if len(self.hours) == 1 and is_run(self.minutes) and not self.wildcard and len(self.minutes) < MINUTE.size:
            return f" from {_clock(self.hours[0], self.minutes[0])} to {_clock(self.hours[0], self.minutes[-1])}"
        return None

    def _of_minutes(self) -> str:
        return _of(MINUTE, self.minutes, free=self.wildcard)

    def _of_hours(self) -> str:
        return _of(HOUR, self.hours, free=self.wildcard)


def times_of(fields: CronFields) -> TimesOfDay:
    """What the fields of a sound expression name."""
    sim = CronSim(f"{fields.second} {fields.minute} {fields.hour} * * *", ANY)
    seconds, minutes, hours = (tuple(sorted(values)) for values in (sim.seconds, sim.minutes, sim.hours))
    return TimesOfDay(seconds, minutes, hours, fields.follows_real_time)


def _of(unit: Unit, values: Sequence[int], *, free: bool) -> str:
    """Any values of a unit: `minute 5`, `hours 9 to 17`, `every 7th minute from 3 to 59`; `free` if a star may do."""
    if free and (step := unit.rhythm(values)):
        return _nth(unit, step)
    if len(values) == 1:
        return f"{unit.name} {values[0]}"
    if is_long_row(values) and (step := step_of(values)) and step > 1:
        return f"{_nth(unit, step)} from {values[0]} to {values[-1]}"
    return f"{unit.name}s {ranged(values)}"


def _nth(unit: Unit, step: int) -> str:
    return f"every {unit.name}" if step == 1 else f"every {ordinal(step)} {unit.name}"


def _every(unit: Unit, values: Sequence[int]) -> str | None:
    """What comes evenly through the whole round: `every 15 min + 7 min`."""
    period = unit.period(values)
    if period is None:
        return None
    if period == 1:
        return f"every {unit.name}"
    return f"every {period} {unit.short}" + (f" + {values[0]} {unit.short}" if values[0] else "")


def _clock(hour: int, minute: int, second: int = 0, *, exact: bool = False) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if exact else "")

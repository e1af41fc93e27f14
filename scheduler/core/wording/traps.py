"""What a schedule does that its author has probably not thought of, as warnings that never stop anything.

    dom-dow-or     both day fields are restricted, and either is enough
    uneven-step    a step that does not divide its round: */7 fires at :56, then :00
    dst-gap        a time that clocks will skip within two years
    every-day      days counted from 00:00 UTC where local midnight is meant

They are about schedules that surprise. What people write knowingly is not told: a job that ticks all day long does not
mind that clocks change, and a step in a single hour ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from scheduler.core.job import duration_text
from scheduler.core.phrases import joined, ordinal
from scheduler.core.schedule import CronSchedule, EverySchedule
from scheduler.core.timing.localtimes import HOUR, MONTHS, WEEKDAYS, CronFields, day_rule
from scheduler.core.timing.zones import ClockChange, clock_changes, zone
from scheduler.core.wording.times import times_of

LOOK_AHEAD = timedelta(days=730)
OFTEN = 12  # times a day; who runs more often does not miss one
_DAY = timedelta(days=1)
_ROUNDS = (12, 31, 24, 60, 60)  # of months, days, hours, minutes, seconds
_UTC = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT"})
_UNITS = {1: "s", 60: "m", HOUR: "h"}


@dataclass(frozen=True, slots=True)
class Trap:
    """One surprise: its stable code, what happens, and the way out.

    `span` is the part of the expression that does it, None for all of it. `worded` says that the schedule's words say
    already what happens.
    """

    code: str
    message: str
    hint: str
    span: tuple[int, int] | None = None
    worded: bool = False


def cron_traps(schedule: CronSchedule, since: datetime) -> Iterator[Trap]:
    """The traps of a cron schedule, as far as they can spring within `LOOK_AHEAD` of `since`."""
    yield from _either_day(schedule.read.fields)
    yield from _uneven_steps(schedule)
    yield from _skipped(schedule, since)


def every_traps(schedule: EverySchedule, zone_name: str | None) -> Iterator[Trap]:
    """The traps of a period, to somebody whose clocks are those of this zone; None if it is not known."""
    period = timedelta(seconds=schedule.period_s)
    if period % _DAY == timedelta(0) and zone_name not in _UTC:
        hint = {1: 'use cron: "0 0 * * *"', 7: 'use cron: "0 0 * * MON"'}.get(period // _DAY, "use cron")
        yield Trap("every-day", f"{duration_text(period)} counts from 00:00 UTC, not local midnight", hint)


# ---- the two day fields ----


def _either_day(fields: CronFields) -> Iterator[Trap]:
    """Cron's surprise: two day fields that are both restricted are ORed (crontab(5))."""
    if fields.day.startswith("*") or fields.weekday.startswith("*"):
        return
    day, weekday = fields.day, fields.weekday
    both = "both at once run on one of them and test the other in the job"
    if day.isdecimal() and weekday.isdecimal():
        name = WEEKDAYS[int(weekday) % 7]
        both = f"{name} the {ordinal(int(day))} run every {name} and test the date in the job"
    message = f"runs on {_days(day)} and on {_weekdays(weekday)}"
    yield Trap("dom-dow-or", message, f"cron ORs the two day fields. For {both}.", worded=True)


def _days(field: str) -> str:
    days = field.split(",")
    if not all(day.isdecimal() for day in days):
        return "the days of the month that it names"
    return f"day{'s' if len(days) > 1 else ''} {joined(days)}"


def _weekdays(field: str) -> str:
    days = field.split(",")
    if not all(day.isdecimal() for day in days):
        return "the weekdays that it names"
    return f"every {joined([WEEKDAYS[int(day) % 7] for day in days])}"


# ---- steps ----


@dataclass(frozen=True, slots=True)
class _Step:
    """A stepped field of the expression: the term, where it stands, its n, and how many values a round has."""

    text: str
    span: tuple[int, int]
    size: int
    round: int

    def uneven(self, values: tuple[int, ...], *, goes_on: bool) -> bool:
        """Whether the last value and the first of the next round, if it follows at once, are nearer than the rest."""
        return goes_on and len(values) > 1 and values[0] + self.round - values[-1] != self.size


def _uneven_steps(schedule: CronSchedule) -> Iterator[Trap]:
    if "/" not in schedule.expression:
        return
    fields = schedule.read.fields
    days = day_rule(fields.day, fields.month, fields.weekday)
    times = times_of(fields)
    second, minute, hour, day, month = _steps(schedule.expression)
    every_day = fields.day == fields.month == fields.weekday == "*"
    all_day = every_day and fields.hour == "*"
    if second and second.uneven(times.seconds, goes_on=1 in _gaps(times.minutes)):
        yield _uneven(second, f":{times.seconds[-1]:02}", f":{times.seconds[0]:02}", 1 if all_day else None)
    if minute and minute.uneven(times.minutes, goes_on=1 in _gaps(times.hours)):
        yield _uneven(minute, f":{times.minutes[-1]:02}", f":{times.minutes[0]:02}", 60 if all_day else None)
    if hour and hour.uneven(times.hours, goes_on=1 in days.gaps()):
        last, first = (f"{value:02}:{times.minutes[0]:02}" for value in (times.hours[-1], times.hours[0]))
        yield _uneven(hour, last, first, HOUR if every_day else None)
    longest = tuple(range(1, 32, day.size)) if day else ()
    if day and fields.weekday == "*" and day.uneven(longest, goes_on=1 in _gaps(tuple(days.months), 12)):
        yield _uneven(day, f"day {longest[-1]}", "day 1", None)
    if month and month.uneven(tuple(days.months), goes_on=True):
        yield _uneven(month, MONTHS[days.months[-1] - 1], MONTHS[days.months[0] - 1], None)


def _uneven(step: _Step, last: str, first: str, unit: int | None) -> Trap:
    """`unit` is that of the field in seconds, where a period says the same as the whole expression."""
    preposition = "at" if ":" in last else "on" if last.startswith("day") else "in"
    message = f"{step.text} fires {preposition} {last}, then {first}"
    hint = f"every: {step.size}{_UNITS[unit]} keeps the distance" if unit else "a step starts again with each round"
    return Trap("uneven-step", message, hint, step.span)


def _steps(expression: str) -> list[_Step | None]:
    """The fields, weekday aside, that are nothing but a step through all of their values; seconds first, if given."""
    words = list(re.finditer(r"\S+", expression))[:-1]
    steps = [_step(word, size) for word, size in zip(words[::-1], _ROUNDS, strict=False)]
    return [None] * (len(_ROUNDS) - len(steps)) + steps[::-1]


def _step(word: re.Match[str], size: int) -> _Step | None:
    term = re.fullmatch(rf"(?:\*|h|0-{size - 1})/(\d+)", word[0], re.IGNORECASE)
    return _Step(word[0], word.span(), int(term[1]), size) if term else None


def _gaps(values: tuple[int, ...], size: int | None = None) -> set[int]:
    """By how much neighbours differ; with a `size`, also the last and the first of the next round."""
    after = [*values[1:], *([values[0] + size] if size else [])]
    return {later - sooner for sooner, later in zip(values, after, strict=False)}


# ---- clocks ----


def _skipped(schedule: CronSchedule, since: datetime) -> Iterator[Trap]:
    """The first time that clocks will skip, unless the schedule has other times at which that is made up for."""
    for change in _gaps_of_clocks(schedule.zone, since):
        first = schedule.local_times.first_from(_local(change.clocks_from))
        if first is None or first >= _local(change.clocks_to) or _runs_often(schedule, change):
            continue
        shown = datetime.fromtimestamp(first, UTC)
        clocks = f"clocks go from {change.clocks_from:%H:%M} to {change.clocks_to:%H:%M}"
        missing = f"{shown:%Y-%m-%d %H:%M} does not exist"
        if not schedule.read.fields.follows_real_time:
            hint = f"{clocks}; a time outside is kept every day"
            yield Trap("dst-gap", f"{missing}, runs at {change.clocks_to:%H:%M}", hint)
        else:
            hint = f"{clocks}; with numbers for minute and hour it runs at {change.clocks_to:%H:%M}"
            yield Trap("dst-gap", f"{missing}, skipped that day", hint)
        return


@lru_cache(maxsize=1024)
def _gaps_of_clocks(zone_name: str, since: datetime) -> list[ClockChange]:
    """The changes by which clocks skip something; a table's jobs share a zone or two."""
    return [change for change in clock_changes(zone(zone_name), since, since + LOOK_AHEAD) if change.forward]


def _runs_often(schedule: CronSchedule, change: ClockChange) -> bool:
    """Whether a time that falls into the gap does not matter, as others are near."""
    midnight = datetime.combine(change.clocks_from, time())
    of_day = schedule.local_times.count(_local(midnight), _local(midnight + _DAY))
    skipped = schedule.local_times.count(_local(change.clocks_from), _local(change.clocks_to))
    if schedule.read.fields.follows_real_time:
        return of_day > skipped
    return of_day > OFTEN or schedule.local_times.first_from(_local(change.clocks_to)) == _local(change.clocks_to)


def _local(shown: datetime) -> int:
    """The local second at which clocks show this."""
    return int(shown.replace(tzinfo=UTC).timestamp())

"""Schedules in words, for people: `at 03:15 on weekdays`, `every 15 min + 2 min`.

Every schedule has its words, and they say neither more nor less than it does: times of day (`times.py`), then days
(`days.py`). Different ticks have different words, which is what lets `audit` see by a log's words whether a leader
had the same schedule. tests/core/test_words.py reads them back and compares. `H` shows as what it stands for. Times of
day are those of the job's zone, beside which the words are always shown; an instant has its offset from UTC as well,
for a clock can show a time twice.
"""

from __future__ import annotations

from datetime import datetime

from scheduler.core.job import Schedule
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from scheduler.core.timing import zones
from scheduler.core.wording.days import days_of
from scheduler.core.wording.times import times_of

LONGEST = 80  # characters of a log field; a longer sentence says less than the expression
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_LISTED = 10_000  # of a unit; longer periods are spelt in several


def when_in_words(schedule: Schedule, zone: str = "UTC") -> str:
    """The schedule of a job of this `zone` in words; a cron expression whose words are long, as it was written.

    That is `cron 1,7 2-5,22 * 3-9 */2`.
    """
    words = in_words(schedule, zone)
    if isinstance(schedule, CronSchedule) and len(words) > LONGEST:
        return f"cron {' '.join(schedule.expression.split())}"
    return words


def in_words(schedule: Schedule, zone: str = "UTC") -> str:
    """The schedule in words, however long they get."""
    match schedule:
        case EverySchedule(period_s, offset_s):
            return f"every {_span(period_s)}" + (f" + {_span(offset_s)}" if offset_s else "")
        case AtSchedule(instant):
            return f"once at {_local(instant, zone)}"
        case CronSchedule():
            return _cron(schedule)
    return schedule.text


def _cron(schedule: CronSchedule) -> str:
    times, days = times_of(schedule.read.fields), days_of(schedule.read.fields).words
    return f"{times.words} {days or ('every day' if times.are_listed else '')}".rstrip()


def _local(instant: datetime, zone: str) -> str:
    text = instant.astimezone(zones.zone(zone)).isoformat()
    return f"{text.removesuffix('+00:00')}Z" if text.endswith("+00:00") else text


def _span(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    if seconds // size < _LISTED:
        return f"{seconds // size} {unit}"
    parts = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {unit}"] if count else []
    return " ".join(parts)

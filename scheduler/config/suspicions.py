"""What is allowed and probably not meant; told as warnings, which never stop a start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from scheduler.config.checking import Draft, Finding, policy_of
from scheduler.config.document import Scalar
from scheduler.config.mistakes import Mistake, listing
from scheduler.config.schedules import Schedules, zone_of
from scheduler.core.job import Schedule, duration_text
from scheduler.core.localtimes import WEEKDAYS
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule

_DAY = timedelta(days=1)
_LOST = re.compile(r"[ \t]+#([1-5])\b")


def suspicions(draft: Draft, schedules: Schedules, loaded_at: datetime) -> list[Finding]:
    """What a file without mistakes says that its author should look at again."""
    found: list[Finding] = []
    for name, schedule in schedules.items():
        found.extend(_in(draft, name, schedule, loaded_at))
    return found


def _in(draft: Draft, name: str, schedule: Schedule, loaded_at: datetime) -> Iterator[Finding]:
    match schedule:
        case CronSchedule():
            yield from _either_day(name, schedule)
            yield from _lost_comment(draft, name)
        case EverySchedule(period_s) if timedelta(seconds=period_s) % _DAY == timedelta(0):
            if zone_of(draft, name) != "UTC":
                days = duration_text(timedelta(seconds=period_s))
                message = f"{days} counts from 00:00 UTC, not from local midnight"
                yield ("jobs", name, "every"), Mistake(message, "every-day", 'for local time write cron: "0 0 * * *"')
        case AtSchedule(instant) if instant + policy_of(draft, name).catch_up_window < loaded_at:
            yield (
                ("jobs", name, "at"),
                Mistake("is past, and older than catch_up_window: never runs", "past", "remove it"),
            )


def _either_day(name: str, cron: CronSchedule) -> Iterator[Finding]:
    """Cron's surprise: two day fields that are both restricted are ORed (crontab(5))."""
    day, weekday = cron.read.fields.day, cron.read.fields.weekday
    if day.startswith("*") or weekday.startswith("*"):
        return
    message = f"runs on {_days(day)} and on {_weekdays(weekday)}"
    hint = "cron ORs the two day fields; for both at once give one and test the other in the job"
    yield ("jobs", name, "cron"), Mistake(message, "dom-dow-or", hint)


def _days(field: str) -> str:
    days = field.split(",")
    if not all(day.isdecimal() for day in days):
        return "the days of the month that it names"
    return f"day{'s' if len(days) > 1 else ''} {listing(days, 'and')}"


def _weekdays(field: str) -> str:
    days = field.split(",")
    if not all(day.isdecimal() for day in days):
        return "the weekdays that it names"
    return f"every {listing([WEEKDAYS[int(day) % 7] for day in days], 'and')}"


def _lost_comment(draft: Draft, name: str) -> Iterator[Finding]:
    """Without quotes, YAML takes the #1 of `MON #1` for a comment."""
    node = draft.document.get("jobs", name, "cron")
    if not isinstance(node, Scalar) or not node.plain:
        return
    if lost := _LOST.match(draft.document.source.text, node.end):
        weekday = node.text.rpartition(" ")[2]
        message = f"#{lost[1]} and what follows is a comment"
        yield (
            ("jobs", name, "cron"),
            Mistake(message, "lost-comment", f"meant {weekday}#{lost[1]}? Always quote a cron"),
        )

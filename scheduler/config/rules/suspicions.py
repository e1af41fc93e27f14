"""What is allowed and probably not meant; told as warnings, which never stop a start.

What a schedule does to surprise is the core's knowledge (`core/wording/traps.py`). Here is where it stands in the file,
and what only the file shows: a comment that was none, a time gone by, a timeout that its author set above the period.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from scheduler.config.checking import Draft, Finding, policy_of
from scheduler.config.document import Scalar
from scheduler.config.mistakes import Mistake, meant, printable
from scheduler.config.models.actions import OPTIONS
from scheduler.config.schedules import Schedules, zone_of
from scheduler.core.job import Overlap, Schedule, duration_text
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from scheduler.core.wording.traps import Trap, cron_traps, every_traps

_LOST = re.compile(r"[ \t]+#([1-5])\b")
# What becomes of ticks that come due while a run takes its time; with `allow`, nothing does.
_MEANWHILE = {
    Overlap.SKIP: "ticks meanwhile are skipped",
    Overlap.QUEUE: "of the ticks meanwhile only the latest runs",
    Overlap.REPLACE: "the next tick ends the run before that",
}


def suspicions(draft: Draft, schedules: Schedules, loaded_at: datetime) -> list[Finding]:
    """What a file without mistakes says that its author should look at again."""
    found: list[Finding] = []
    for name, schedule in schedules.items():
        found.extend(_in(draft, name, schedule, loaded_at))
        found.extend(_long_timeout(draft, name, schedule))
    for name, job in draft.keys.jobs.items():
        if job.celery:
            found.extend(_unknown_options(("jobs", name, "celery", "options"), job.celery.options))
    return found


def _in(draft: Draft, name: str, schedule: Schedule, loaded_at: datetime) -> Iterator[Finding]:
    match schedule:
        case CronSchedule():
            yield from (_finding(("jobs", name, "cron"), trap) for trap in cron_traps(schedule, loaded_at))
            yield from _lost_comment(draft, name)
        case EverySchedule():
            yield from (_finding(("jobs", name, "every"), trap) for trap in every_traps(schedule, zone_of(draft, name)))
        case AtSchedule(instant) if instant + policy_of(draft, name).catch_up_window < loaded_at:
            message = "is past, and older than catch_up_window: never runs"
            yield ("jobs", name, "at"), Mistake(message, "past", "remove it")


def _unknown_options(path: tuple[str, ...], options: Mapping[str, object]) -> Iterator[Finding]:
    """Celery hands on what it does not know, to a router of one's own; else it is lost without a word."""
    for option in options:
        if option not in OPTIONS:
            near = meant(option, OPTIONS)
            hint = f"did you mean {near}?" if near else "only a router of your own would see it"
            message = f"Celery knows no option {printable(option)}"
            yield path, Mistake(message, "celery-options", hint, key=option)


def _finding(path: tuple[str, ...], trap: Trap) -> Finding:
    return path, Mistake(trap.message, trap.code, trap.hint, span=trap.span)


def _long_timeout(draft: Draft, name: str, schedule: Schedule) -> Iterator[Finding]:
    """Only a timeout that the job itself states: what suits the whole file in `defaults` suits no job's period."""
    if "timeout" not in draft.keys.jobs[name].model_fields_set:
        return
    policy = policy_of(draft, name)
    if policy.timeout is None or policy.overlap not in _MEANWHILE:
        return
    period = _period(schedule)
    if period is None or policy.timeout <= period:
        return
    message = f"{duration_text(policy.timeout)} is longer than the period ({duration_text(period)})"
    hint = f"{_MEANWHILE[policy.overlap]}; write at most {duration_text(period)}, or overlap: allow"
    yield ("jobs", name, "timeout"), Mistake(message, "period", hint)


def _period(schedule: Schedule) -> timedelta | None:
    """How near two ticks come to each other; None of a schedule that ticks once."""
    match schedule:
        case EverySchedule(period_s):
            return timedelta(seconds=period_s)
        case CronSchedule():
            seconds = schedule.local_times.shortest_gap()
            return None if seconds is None else timedelta(seconds=seconds)
    return None


def _lost_comment(draft: Draft, name: str) -> Iterator[Finding]:
    """Without quotes, YAML takes the #1 of `MON #1` for a comment."""
    node = draft.document.get("jobs", name, "cron")
    if not isinstance(node, Scalar) or not node.plain:
        return
    if lost := _LOST.match(draft.document.source.text, node.end):
        weekday = node.text.rpartition(" ")[2]
        message = f"{weekday} #{lost[1]}: the rest is a comment"
        hint = f'meant {weekday}#{lost[1]}? Write cron: "{node.text}#{lost[1]}"'
        yield ("jobs", name, "cron"), Mistake(message, "lost-comment", hint)

"""Which of a job's due ticks are still to be decided one by one, and which its catch-up policy drops at once.

A tick was *missed* when it fell due while no gate was open, or when a newer tick of the same job is due as well: the
leader was away, or stalled. Policies judge missed ticks; the newest one of a living leader is not missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.core.job import CatchUp, Job, Schedule

JUST_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Drop:
    """Ticks from `first` to `last`, `count` of them, that will never run."""

    first: datetime
    last: datetime
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a job has due: ticks dropped by policy, oldest first, and then the ticks to be decided one by one."""

    drops: tuple[Drop, ...] = ()
    ticks: tuple[datetime, ...] = ()


def backlog(job: Job, mark: datetime, now: datetime, lead_since: datetime) -> Backlog:
    """Sort the ticks later than `mark` that are due at `now`; ticks that fell due before `lead_since` were missed."""
    schedule = job.schedule
    first = schedule.after(mark) if schedule else None
    if schedule is None or first is None or job.due(first) > now:
        return Backlog()
    newest = _newest_due(job, schedule, first, now)
    if newest == first:
        return _alone(job, first, now, lead_since)
    drops: list[Drop] = []
    too_old = _last_too_old(job, schedule, now)
    by_policy = _last_dropped_by_policy(job, schedule, (mark, newest), lead_since)
    for last, reason in ((too_old, "too_old"), by_policy):
        if last and last > mark and (drop := _drop(schedule, mark, min(last, newest), reason)):
            drops.append(drop)
            mark = drop.last
    return Backlog(tuple(drops), tuple(_ticks(schedule, mark, newest)))


def _alone(job: Job, tick: datetime, now: datetime, lead_since: datetime) -> Backlog:
    """The everyday case: one tick is due. It is too old, or unwanted after an absence, or to be decided."""
    if tick < now - job.policy.catch_up_window:
        return Backlog(drops=(Drop(tick, tick, 1, "too_old"),))
    if job.policy.catch_up is CatchUp.NONE and job.due(tick) < lead_since:
        return Backlog(drops=(Drop(tick, tick, 1, "catch_up_none"),))
    return Backlog(ticks=(tick,))


def _newest_due(job: Job, schedule: Schedule, first: datetime, now: datetime) -> datetime:
    second = schedule.after(first)
    if second is None or job.due(second) > now:
        return first
    newest = schedule.before(now + JUST_AFTER) or first
    while job.due(newest) > now:
        newest = schedule.before(newest) or first
    return newest


def _last_too_old(job: Job, schedule: Schedule, now: datetime) -> datetime | None:
    return schedule.before(now - job.policy.catch_up_window)


def _last_dropped_by_policy(
    job: Job, schedule: Schedule, span: tuple[datetime, datetime], lead_since: datetime
) -> tuple[datetime | None, str]:
    mark, newest = span
    match job.policy.catch_up:
        case CatchUp.NONE:
            missed = job.due(newest) < lead_since
            return (newest if missed else schedule.before(newest)), "catch_up_none"
        case CatchUp.LATEST:
            return schedule.before(newest), "superseded"
        case CatchUp.ALL:
            last: datetime | None = newest
            for _ in range(job.policy.max_catch_up):
                last = schedule.before(last) if last and last > mark else None
            return last, "max_catch_up"


def _drop(schedule: Schedule, mark: datetime, last: datetime, reason: str) -> Drop | None:
    first = schedule.after(mark)
    if first is None or first > last:
        return None
    return Drop(first, last, schedule.count(mark, last), reason)


def _ticks(schedule: Schedule, mark: datetime, newest: datetime) -> list[datetime]:
    ticks = []
    tick = schedule.after(mark)
    while tick and tick <= newest:
        ticks.append(tick)
        tick = schedule.after(tick)
    return ticks

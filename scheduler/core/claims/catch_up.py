"""Which of a job's due ticks are still to be decided one by one, and which its catch-up policy drops at once.

A tick was *missed* when it fell due while no gate was open: nobody led, or nobody could prove it. Policies judge missed
ticks. What falls due under a living leader and has to wait, for a free worker or for a slow store, is not missed. Only
where the job must not run beside itself does the newest due tick supersede the others (unless all are wanted), or else
overlap would skip it in their stead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.core.job import CatchUp, Job, Schedule
from scheduler.core.schedule import ticks_between

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
    too_old = schedule.before(now - job.policy.catch_up_window)
    by_policy = _last_dropped_by_policy(job, schedule, (mark, newest), lead_since)
    for last, reason in ((too_old, "too_old"), *by_policy):
        if last and last > mark and (drop := _drop(schedule, mark, min(last, newest), reason)):
            drops.append(drop)
            mark = drop.last
    return Backlog(tuple(drops), tuple(ticks_between(schedule, mark, newest)))


def drop_all(job: Job, mark: datetime, until: datetime, reason: str) -> Drop | None:
    """All ticks later than `mark` that are due at `until`; None when there is none."""
    schedule = job.schedule
    first = schedule.after(mark) if schedule else None
    if schedule is None or first is None or job.due(first) > until:
        return None
    return _drop(schedule, mark, _newest_due(job, schedule, first, until), reason)


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


def _last_dropped_by_policy(
    job: Job, schedule: Schedule, span: tuple[datetime, datetime], lead_since: datetime
) -> Iterator[tuple[datetime | None, str]]:
    """Up to which tick the policy drops, and why: at most two reasons, the earlier ticks' first."""
    mark, newest = span
    older, missed = schedule.before(newest), _last_missed(job, schedule, lead_since)
    match job.policy.catch_up:
        case CatchUp.NONE:
            yield missed, "catch_up_none"
            yield (older if job.exclusive else None), "superseded"
        case CatchUp.LATEST:
            yield (older if job.exclusive else _earlier(older, missed)), "superseded"
        case CatchUp.ALL:
            last: datetime | None = newest
            for _ in range(job.policy.max_catch_up):
                last = schedule.before(last) if last and last > mark else None
            yield last, "max_catch_up"


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else None


def _last_missed(job: Job, schedule: Schedule, lead_since: datetime) -> datetime | None:
    tick = schedule.before(lead_since)
    while tick and job.due(tick) >= lead_since:
        tick = schedule.before(tick)
    return tick


def _drop(schedule: Schedule, mark: datetime, last: datetime, reason: str) -> Drop | None:
    first = schedule.after(mark)
    if first is None or first > last:
        return None
    return Drop(first, last, schedule.count(mark, last), reason)

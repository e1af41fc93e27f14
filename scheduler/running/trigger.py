"""When the alarm has to look: the job table as one trigger, in the manner of APScheduler's, which it need not know.

It decides nothing. What is due, late, missed or overlapping is judged by the core from the ledger.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from scheduler.core.claims.planning import LONGEST_AUTO_AHEAD
from scheduler.core.job import Job, JobTable
from scheduler.core.ports import Ring

HEARTBEAT = timedelta(seconds=1)
CLOCK_STEP = timedelta(seconds=1)

Ahead = Callable[[Job], timedelta]


class TableTrigger:
    """Fires when a tick of any job may be claimed, when it falls due, and once a second to notice a step of the clock.

    `ahead` says how long before its due instant a job's tick may be claimed; it is asked anew for every tick. One job
    stands for all of its rhythm: the next instant must be found before the engine tells of this one.
    """

    def __init__(self, table: JobTable, now: datetime, ahead: Ahead) -> None:
        # When to fire, the job, the tick, and whether the tick is due then or may only be claimed.
        self._upcoming: list[tuple[datetime, str, datetime, bool]] = []
        self._table = table
        self._ahead = ahead
        self._claimable = False
        self._due: datetime | None = None
        self._asked_at = now
        self._fill(now)

    def _fill(self, now: datetime) -> None:
        self._upcoming.clear()
        for job in {job.rhythm: job for job in self._table.ticking.values()}.values():
            self._push_next(job, now - job.policy.jitter, now)

    def _push_next(self, job: Job, tick: datetime, now: datetime) -> None:
        """Add the job's first tick later than `tick` that is due later than `now`."""
        upcoming = job.schedule.after(tick) if job.schedule else None
        while upcoming and job.schedule and job.due(upcoming) <= now:
            upcoming = job.schedule.after(upcoming)
        if upcoming:
            due, ahead = job.due(upcoming), self._ahead(job)
            early = due - max(ahead, LONGEST_AUTO_AHEAD) if ahead else due
            at = early if due - ahead > now else due
            heapq.heappush(self._upcoming, (at, job.name, upcoming, at == due))

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """When to wake next: the earliest instant later than `now`, at most a heartbeat away.

        At once, when asked for the first time after something fell due already.
        """
        now, fired = now.astimezone(UTC), False
        if now < self._asked_at - CLOCK_STEP:  # it was set back: what comes next by the new time was passed by the old
            self._fill(now)
        self._asked_at = now
        while self._upcoming and self._upcoming[0][0] <= now:
            self._fire(heapq.heappop(self._upcoming), now)
            fired = True
        if previous is None and fired:
            return now
        heartbeat = now + HEARTBEAT
        return min(self._upcoming[0][0], heartbeat) if self._upcoming else heartbeat

    def _fire(self, entry: tuple[datetime, str, datetime, bool], now: datetime) -> None:
        _, name, tick, is_due = entry
        job = self._table.jobs[name]
        due, ahead = job.due(tick), self._ahead(job)
        if not is_due and due - ahead > now:  # how long claims take is known best shortly before
            heapq.heappush(self._upcoming, (due - ahead, name, tick, False))
            return
        self._claimable = self._claimable or not is_due or not ahead
        if due > now:
            heapq.heappush(self._upcoming, (due, name, tick, True))
        else:
            self._due = max(self._due or due, due)
            self._push_next(job, max(tick, now - job.policy.jitter), now)

    @property
    def looks_at(self) -> datetime | None:
        """The earliest instant at which a tick may be claimed or falls due; None when none is to come."""
        return self._upcoming[0][0] if self._upcoming else None

    def take(self) -> Ring:
        """What happened since the last call; asked after the engine has asked for the next fire time."""
        ring = Ring(self._claimable, self._due)
        self._claimable, self._due = False, None
        return ring

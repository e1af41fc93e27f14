"""The alarm clock that wakes the leader: APScheduler, running a single job whose trigger is the whole job table.

It decides nothing. What is due, late, missed or overlapping is judged by the core from the ledger, so a wake-up carries
no information and a spurious one does no harm. This is the only file that knows APScheduler, and these facts about it
(3.11) are why it gets no larger part: `pause()` looks once per pass and is no barrier, a resumed job walks every missed
run time under a lock, and the default grace of a second drops late ticks. So the alarm is emptied when the lead is lost
and armed afresh when it is regained, never resumed onto stale times.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from scheduler.core.job import Job, JobTable
from scheduler.core.planning import LONGEST_AUTO_AHEAD
from scheduler.core.ports import Ring

HEARTBEAT = timedelta(seconds=1)
CLOCK_STEP = timedelta(seconds=1)

Ahead = Callable[[Job], timedelta]


class TableTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
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

    def take(self) -> Ring:
        """What happened since the last call; asked after the engine has asked for the next fire time."""
        ring = Ring(self._claimable, self._due)
        self._claimable, self._due = False, None
        return ring


class _Engine(BackgroundScheduler):  # type: ignore[misc]  # as above
    """APScheduler, which plans its sleep by the wall clock: set back by an hour, it would sleep for one."""

    def _process_jobs(self) -> float | None:
        """Wake what is due, as ever; a next wake-up beyond the heartbeat means that the clock was set back."""
        wait_s: float | None = super()._process_jobs()
        if wait_s is not None and wait_s > 2 * HEARTBEAT.total_seconds():
            for job in self.get_jobs():
                job.reschedule(job.trigger)
            wait_s = super()._process_jobs()
        return wait_s

    @property
    def is_alive(self) -> bool:
        """Whether its thread is."""
        return self._thread is not None and self._thread.is_alive()


class Alarm:
    """Calls `ring` from a thread of its own at every instant of the trigger and every heartbeat; silent unless armed.

    The engine's thread is started with the first lead, so a mere standby has none.
    """

    def __init__(self, ring: Callable[[Ring], None], ahead: Ahead) -> None:
        self._ring = ring
        self._ahead = ahead
        self._engine: BackgroundScheduler | None = None

    def arm(self, table: JobTable, now: datetime) -> None:
        """Ring for every tick that falls due after `now`, and before that when it may be claimed."""
        engine, trigger = self._started(), TableTrigger(table, now, self._ahead)
        engine.remove_all_jobs()
        engine.add_job(
            lambda: self._ring(trigger.take()),
            trigger,
            id="sweep",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        engine.resume()

    def disarm(self) -> None:
        """Stop ringing, and forget what was to come."""
        if self._engine:
            self._engine.pause()
            self._engine.remove_all_jobs()

    def close(self) -> None:
        """End the engine's thread."""
        if self._engine:
            self._engine.shutdown(wait=False)
            self._engine = None

    def _started(self) -> BackgroundScheduler:
        if self._engine is None or not self._engine.is_alive:  # a thread that died is no alarm (see `Work.lives`)
            # The sweep only sets a flag, so it runs in the engine's own thread: one hand-over less before a claim.
            self._engine = _Engine(timezone=UTC, executors={"default": DebugExecutor()})
            self._engine.start(paused=True)
        return self._engine

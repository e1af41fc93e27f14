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

HEARTBEAT = timedelta(seconds=1)


class TableTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """Fires when a tick of any job falls due, and once a second, so that a step of the wall clock is noticed.

    One job stands for all of its rhythm: the next instant must be found before the engine tells of this one.
    """

    def __init__(self, table: JobTable, now: datetime) -> None:
        self._upcoming: list[tuple[datetime, str, datetime]] = []
        self._table = table
        self._fell_due = False
        for job in {job.rhythm: job for job in table.ticking.values()}.values():
            self._push(job, now - job.policy.jitter, now)

    def _push(self, job: Job, tick: datetime, now: datetime) -> None:
        """Add the job's first tick later than `tick` that is due later than `now`."""
        upcoming = job.schedule.after(tick) if job.schedule else None
        while upcoming and job.schedule and job.due(upcoming) <= now:
            upcoming = job.schedule.after(upcoming)
        if upcoming:
            heapq.heappush(self._upcoming, (job.due(upcoming), job.name, upcoming))

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """When to wake next: the earliest due instant later than `now`, at most a heartbeat away.

        At once, when asked for the first time after something fell due already.
        """
        now = now.astimezone(UTC)
        while self._upcoming and self._upcoming[0][0] <= now:
            _, name, tick = heapq.heappop(self._upcoming)
            self._push(self._table.jobs[name], max(tick, now - self._table.jobs[name].policy.jitter), now)
            self._fell_due = True
        if previous is None and self._fell_due:
            return now
        heartbeat = now + HEARTBEAT
        return min(self._upcoming[0][0], heartbeat) if self._upcoming else heartbeat

    def take_fell_due(self) -> bool:
        """Whether a tick fell due since the last call; asked after the engine has asked for the next fire time."""
        fell_due, self._fell_due = self._fell_due, False
        return fell_due


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


class Alarm:
    """Calls `ring(fell_due)` from a thread of its own at every due instant and every heartbeat; silent unless armed.

    The engine's thread is started with the first lead, so a mere standby has none.
    """

    def __init__(self, ring: Callable[[bool], None]) -> None:
        self._ring = ring
        self._engine: BackgroundScheduler | None = None

    def arm(self, table: JobTable, now: datetime) -> None:
        """Ring for every tick that falls due after `now`."""
        engine, trigger = self._started(), TableTrigger(table, now)
        engine.remove_all_jobs()
        engine.add_job(
            lambda: self._ring(trigger.take_fell_due()),
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
        if self._engine is None:
            # The sweep only sets a flag, so it runs in the engine's own thread: one hand-over less before a claim.
            self._engine = _Engine(timezone=UTC, executors={"default": DebugExecutor()})
            self._engine.start(paused=True)
        return self._engine

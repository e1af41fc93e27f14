"""The alarm clock that wakes the leader: APScheduler, running a single job whose trigger is the whole job table.

It decides nothing. What is due, late, missed or overlapping is judged by the core from the ledger, so a wake-up carries
no information and a spurious one does no harm. This is the only file that knows APScheduler, and these facts about it
(3.11) are why it gets no larger part: `pause()` looks once per pass and is no barrier, a resumed job walks every missed
run time under a lock, and the default grace of a second drops late ticks. So the alarm is emptied when the lead is lost
and armed afresh when it is regained, never resumed onto stale times.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from scheduler.core.job import JobTable
from scheduler.core.ports import Ring
from scheduler.running.trigger import HEARTBEAT, Ahead, TableTrigger

BaseTrigger.register(TableTrigger)


class _Engine(BackgroundScheduler):  # type: ignore[misc]  # APScheduler ships no types
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

    The engine's thread is started with the first lead, so a mere standby has none. An engine whose sweep hangs holds
    the lock that all its calls want: it is waited for `patience_s` seconds, then left alone, and another takes over.
    """

    def __init__(self, ring: Callable[[Ring], None], ahead: Ahead, patience_s: float = 1.0) -> None:
        self._ring = ring
        self._ahead = ahead
        self._patience_s = patience_s
        self._engine: BackgroundScheduler | None = None

    def arm(self, table: JobTable, now: datetime) -> None:
        """Ring for every tick that falls due after `now`, and before that when it may be claimed."""
        self.disarm()
        engine, trigger = self._started(), TableTrigger(table, now, self._ahead)

        def sweep() -> None:
            if self._engine is engine:
                self._ring(trigger.take())

        engine.add_job(
            sweep,
            trigger,
            id="sweep",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        engine.resume()

    def disarm(self) -> None:
        """Stop ringing, and forget what was to come; a ring that is under way is waited for, unless it hangs."""
        if self._engine and not self._done(_empty, self._engine):
            threading.Thread(target=_end, args=(self._engine,), name="hung alarm", daemon=True).start()
            self._engine = None

    def close(self) -> None:
        """End the engine's thread."""
        engine, self._engine = self._engine, None
        if engine:
            self._done(_end, engine)

    def _done(self, what: Callable[[BackgroundScheduler], None], engine: BackgroundScheduler) -> bool:
        """Do this to the engine; False when it hangs."""
        doing = threading.Thread(target=what, args=(engine,), name="alarm's owner", daemon=True)
        doing.start()
        doing.join(self._patience_s)
        return not doing.is_alive()

    def _started(self) -> BackgroundScheduler:
        if self._engine is None or not self._engine.is_alive:  # a thread that died is no alarm (see `Work.lives`)
            # The sweep only sets a flag, so it runs in the engine's own thread: one hand-over less before a claim.
            self._engine = _Engine(timezone=UTC, executors={"default": DebugExecutor()})
            self._engine.start(paused=True)
        return self._engine


def _empty(engine: BackgroundScheduler) -> None:
    with suppress(SchedulerNotRunningError):  # its thread died
        engine.pause()
        engine.remove_all_jobs()


def _end(engine: BackgroundScheduler) -> None:
    with suppress(SchedulerNotRunningError):
        engine.shutdown(wait=False)

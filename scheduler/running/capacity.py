"""What the leader remembers of its places, which are all taken while `max_parallel` runs are under way.

What waits for one is kept by the ledger, whose marks stay below it, so it costs nothing and outlives the leader; a
job's `catch_up_window` bounds it. But nobody would see it, so it is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduler.core.claims.planning import Plan, Waiting
from scheduler.core.ports import Tell

WORTH_TELLING = timedelta(seconds=5)
TOLD_APART_S = 60.0
STARVES_AFTER_S = 60.0


class Capacity:
    """Which jobs wait for one of `places`, and since when; told when it is for long, and at most once a minute."""

    def __init__(self, tell: Tell, places: int) -> None:
        self._tell = tell
        self._places = places
        self._told_at: float | None = None
        self._waiting_since: dict[str, float] = {}

    def starved(self, now: float) -> dict[str, float]:
        """The jobs that have waited for so long that they go first, and since which boot second."""
        return {job: since for job, since in self._waiting_since.items() if now - since >= STARVES_AFTER_S}

    def note(self, plan: Plan, wall: datetime, now: float) -> None:
        """A plan, made at `wall` and boot second `now`, holds. Who was given a place waits anew for the next."""
        served, jobs = {claim.entry.job for claim in plan.claims}, plan.waiting.jobs if plan.waiting else ()
        before = {job: since for job, since in self._waiting_since.items() if job not in served}
        self._waiting_since = {job: before.get(job, now) for job in jobs}
        if plan.waiting and wall - plan.waiting.since >= WORTH_TELLING:
            self._say(plan.waiting, wall, now)

    def _say(self, waiting: Waiting, wall: datetime, now: float) -> None:
        if self._told_at is None or now - self._told_at >= TOLD_APART_S:
            self._told_at = now
            oldest_ms = round((wall - waiting.since) / timedelta(milliseconds=1))
            self._tell("runs.waiting", waiting=waiting.ticks, oldest_ms=oldest_ms, max_parallel=self._places)

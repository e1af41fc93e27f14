"""How far behind its schedule a leader is: the age of the oldest due tick that no write has decided yet.

Some ticks may wait for as long as they like, and are nothing to worry about: those of a paused job, which are settled
once an hour, and those that the job's own policy holds back behind its own run (`overlap: queue`, `catch_up: all`).
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from scheduler.core.job import CatchUp, Job, JobTable, Overlap
from scheduler.core.ledger import Ledger, fingerprints_in

NONE = timedelta(0)


class Lag:
    """The lag of one table's leader, asked again and again; for one thread.

    Between a job's mark and its next tick nothing is undecided, so that tick is remembered until the mark has passed.
    """

    def __init__(self, table: JobTable) -> None:
        self._table = table
        self._undecided: dict[str, tuple[datetime, datetime | None]] = {}

    def at(self, ledger: Ledger, paused: Container[str], now: datetime) -> timedelta:
        """The age of the oldest undecided tick at the wall time `now`; `paused` names the jobs that are."""
        table, known = self._table, fingerprints_in(ledger.known)
        outdated, busy = table.revision < ledger.rev, {entry.job for entry in ledger.open}
        oldest = now
        marks = ledger.marks(table.ticking, table.loaded_at)
        for (fingerprint, job), mark in zip(table.ticking.items(), marks, strict=True):
            if job.name in paused or (outdated and fingerprint not in known):
                continue
            tick = self._first_undecided(fingerprint, job, mark)
            if tick and tick < oldest and not (job.name in busy and _may_wait(job)):
                oldest = min(oldest, job.due(tick))
        return now - oldest

    def _first_undecided(self, fingerprint: str, job: Job, mark: datetime) -> datetime | None:
        floor, tick = self._undecided.get(fingerprint, (None, None))
        if floor is None or mark < floor or (tick and mark >= tick):
            tick = job.schedule.after(mark) if job.schedule else None
            self._undecided[fingerprint] = (mark, tick)
        return tick


def _may_wait(job: Job) -> bool:
    """Whether a tick of this job may wait for a run of the same job."""
    policy = job.policy
    return job.exclusive and (policy.overlap in (Overlap.QUEUE, Overlap.REPLACE) or policy.catch_up is CatchUp.ALL)

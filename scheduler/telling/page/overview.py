"""The words of a status: what is known of one replica, of who leads, and of each job, at one moment.

`status.py` puts it together; `document.py` makes a page of it, `status_json.py` JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.core.job import Job, JobTable
from scheduler.core.notes.commands import Pause
from scheduler.telling.page.history import Notable, Past, Retrying

Attempt = tuple[str, int, datetime | None]
"""A run id, the number of its attempt, and when that began; None if it is a leaver's, which is about to end it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What never changes about a replica: its name, what it contends for, and with which table and times.

    `timings` are lease duration, renew deadline and retry period in whole seconds, `hash` is the table's.
    """

    replica: str
    version: str
    store: str
    lease: str
    timings: tuple[int, int, int]
    hash: str
    table: JobTable


@dataclass(frozen=True, slots=True)
class Leader:
    """Who holds the Lease; `since` is None if the Lease does not say it well, and so is `renewed_ms` if unknown."""

    replica: str
    term: int
    since: datetime | None
    renewed_ms: int | None


@dataclass(frozen=True, slots=True)
class OtherTable:
    """A replica that goes by another table than the leader, as it said itself `at` this time."""

    replica: str
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job. `running` pairs each attempt with its start, see `Attempt`; `retrying` is one that waits its delay."""

    job: Job
    words: str
    next: tuple[datetime, ...]
    past: Past
    running: tuple[Attempt, ...] = ()
    pause: Pause | None = None
    retrying: Retrying | None = None

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it at the wall time `now`. `leads` says whether this replica does, and only then are there `jobs`.

    `leader` is None when nobody does; then `last` is who did, if that is known. `proven` says whether its gate is open.
    """

    now: datetime
    leads: bool
    proven: bool
    leader: Leader | None
    last: Leader | None
    settled: datetime | None
    lag: timedelta | None
    others: tuple[OtherTable, ...]
    jobs: tuple[JobStatus, ...]
    notable: tuple[Notable, ...]

"""When a job's ticks are, for gauges: the last, the next, and by when the first one without a success was to be done.

A job's ticks stay what they are until one of them has passed, and jobs that always tick together share them, so that
looking at a thousand jobs is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.core.job import Job, JobTable, Schedule

JUST_AFTER = timedelta(microseconds=1)


@dataclass(slots=True)
class Span:
    """The ticks of one schedule around the moment it was last asked for; None where there is none."""

    schedule: Schedule
    last: datetime | None = None
    next: datetime | None = None
    known: bool = False

    def move_to(self, now: datetime) -> None:
        """Find the ticks around `now`, unless that lies between the same two as before."""
        begun, over = self.last is None or self.last <= now, self.next is not None and self.next <= now
        if not self.known or over or not begun:
            self.last, self.next = self.schedule.before(now + JUST_AFTER), self.schedule.after(now)
            self.known = True


class JobTimes:
    """The ticks of a table's jobs as time goes on; for one thread."""

    def __init__(self, table: JobTable) -> None:
        spans: dict[tuple[str, str, str], Span] = {}
        self._jobs: list[tuple[Job, Span]] = []
        for job in table.ticking.values():
            if job.schedule:
                self._jobs.append((job, spans.setdefault(job.cadence, Span(job.schedule))))
        self._spans = list(spans.values())
        self._unserved: dict[str, tuple[datetime, datetime | None]] = {}

    def at(self, now: datetime) -> Iterator[tuple[Job, Span]]:
        """Each job that ticks, with its last tick, which may be right now, and its next."""
        for span in self._spans:
            span.move_to(now)
        yield from self._jobs

    def deadline(self, job: Job, span: Span, served: datetime) -> datetime | None:
        """By when the first tick after `served`, which a success has taken care of, should have succeeded itself.

        That is its due instant and the job's timeout. None if there is no such tick, or the job may take for ever.
        """
        if job.policy.timeout is None:
            return None
        tick = span.next if span.last is None or served >= span.last else self._first_after(job, span, served)
        return job.due(tick) + job.policy.timeout if tick else None

    def _first_after(self, job: Job, span: Span, served: datetime) -> datetime | None:
        known_for, tick = self._unserved.get(job.name, (None, None))
        if known_for != served:
            tick = span.schedule.after(served)
            self._unserved[job.name] = (served, tick)
        return tick

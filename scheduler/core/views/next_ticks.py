"""The next few ticks of each job of a table, for whoever asks again and again what is next.

A job's ticks stay what they are until one of them has passed, and jobs that always tick together share them. So a table
of thousands of jobs costs no more than its few rhythms do, each worked out once a tick.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from scheduler.core.job import Job, Schedule
from scheduler.core.schedule import ticks_between

NEVER = datetime.max.replace(tzinfo=UTC)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Window:
    """The ticks of one schedule after `floor`, as far as they were asked for."""

    schedule: Schedule
    floor: datetime = NEVER
    ticks: tuple[datetime, ...] = field(default=())

    def holds(self, instant: datetime) -> bool:
        """Whether these are still the next ticks after `instant`."""
        return self.floor <= instant and (not self.ticks or instant < self.ticks[0])


class NextTicks:
    """The next `count` ticks of each job; for one thread."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._windows: dict[tuple[str, str, str], _Window] = {}

    def after(self, job: Job, instant: datetime) -> tuple[datetime, ...]:
        """The next ticks later than `instant`, fewer when there are no more; the same tuple while they are the same."""
        if job.schedule is None:
            return ()
        window = self._windows.setdefault(job.cadence, _Window(job.schedule))
        if not window.holds(instant):
            window.ticks = tuple(islice(ticks_between(job.schedule, instant, NEVER), self._count))
            window.floor = instant
        return window.ticks

"""The coming ticks of a whole table, grouped by instant: what `next` prints, and what a table costs in writes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from scheduler.core.job import Job, JobTable, Schedule

SAMPLE_INSTANTS = 60
SAMPLE_SPAN = timedelta(hours=1)
MOST_WRITES_PER_MINUTE = 120
FAR = timedelta(days=366 * 50)
LAST = datetime(9000, 1, 1, tzinfo=UTC)


def upcoming(
    jobs: Iterable[Job], after: datetime, until: datetime | None = None
) -> Iterator[tuple[datetime, list[Job]]]:
    """Each instant later than `after` (and not later than `until`) at which jobs tick, with the jobs in table order."""
    end = until or min(after, LAST - FAR) + FAR
    groups = _same_ticks(jobs)
    firsts = ((group.schedule.after(after), number) for number, group in enumerate(groups))
    heap = [(tick, number) for tick, number in firsts if tick and tick <= end]
    heapq.heapify(heap)
    while heap:
        instant = heap[0][0]
        ticking: list[tuple[int, Job]] = []
        while heap and heap[0][0] == instant:
            number = heap[0][1]
            ticking += groups[number].jobs
            following = groups[number].schedule.after(instant)
            if following is None or following > end:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (following, number))
        yield instant, [job for _, job in sorted(ticking, key=itemgetter(0))]


class _Group(NamedTuple):
    """Jobs that always tick together, each with its place in the table, and the schedule of one of them."""

    schedule: Schedule
    jobs: list[tuple[int, Job]]


def _same_ticks(jobs: Iterable[Job]) -> list[_Group]:
    """Group jobs by what their ticks depend on, so that ten thousand of one schedule cost what one does."""
    groups: dict[tuple[str, str, str], _Group] = {}
    for place, job in enumerate(jobs):
        if job.enabled and job.schedule:
            groups.setdefault(job.cadence, _Group(job.schedule, [])).jobs.append((place, job))
    return list(groups.values())


def writes_per_minute(table: JobTable, now: datetime, renew_every_s: float) -> int:
    """About how often this table's leader writes to the Lease: a claim and an end for each instant, at least renewals.

    Jobs that share an instant share its writes, and there are at most two in a second (rule 24).
    """
    distinct = {job.rhythm: job for job in table.ticking.values()}
    instants = [tick for tick, _ in islice(upcoming(distinct.values(), now, now + SAMPLE_SPAN), SAMPLE_INSTANTS)]
    span_s = (instants[-1] - now).total_seconds() if len(instants) == SAMPLE_INSTANTS else SAMPLE_SPAN.total_seconds()
    claims_per_minute = 60 * len(instants) / max(span_s, 1.0)
    return round(min(MOST_WRITES_PER_MINUTE, max(2 * claims_per_minute, 60 / renew_every_s)))

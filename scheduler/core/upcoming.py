"""The coming ticks of a whole table, grouped by instant: what `next` prints, and what a table costs in writes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice

from scheduler.core.job import Job, JobTable
from scheduler.core.schedule import ticks_between

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
    streams = [_stream(number, job, after, end) for number, job in enumerate(jobs) if job.enabled]
    merged = heapq.merge(*streams, key=lambda row: row[:2])
    for tick, rows in groupby(merged, key=lambda row: row[0]):
        yield tick, [job for _, _, job in rows]


def _stream(number: int, job: Job, after: datetime, until: datetime) -> Iterator[tuple[datetime, int, Job]]:
    if job.schedule:
        for tick in ticks_between(job.schedule, after, until):
            yield tick, number, job


def writes_per_minute(table: JobTable, now: datetime, renew_every_s: float) -> int:
    """About how often this table's leader writes to the Lease: a claim and an end for each instant, at least renewals.

    Jobs that share an instant share its writes, and there are at most two in a second (rule 24).
    """
    distinct = {job.rhythm: job for job in table.ticking.values()}
    instants = [tick for tick, _ in islice(upcoming(distinct.values(), now, now + SAMPLE_SPAN), SAMPLE_INSTANTS)]
    span_s = (instants[-1] - now).total_seconds() if len(instants) == SAMPLE_INSTANTS else SAMPLE_SPAN.total_seconds()
    claims_per_minute = 60 * len(instants) / max(span_s, 1.0)
    return round(min(MOST_WRITES_PER_MINUTE, max(2 * claims_per_minute, 60 / renew_every_s)))

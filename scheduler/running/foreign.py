"""What others left in the ledger, and since when this leader knows of it: nothing in it says when it was written.

Whoever calls holds the dispatch's lock.
"""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.core.claims.retries import rests, retry_delay
from scheduler.core.job import JobTable
from scheduler.core.ledger import OpenRun
from scheduler.core.work import NEVER


class ForeignRuns:
    """The runs of other owners that are given time, counted in boot seconds from our first sight in this term."""

    def __init__(self, table: JobTable, nonce: str) -> None:
        self._table = table
        self._nonce = nonce
        self._drain_until: dict[str, float] = {}
        self._rest_until: dict[str, float] = {}
        self._seen_at = -NEVER

    def forget(self) -> None:
        """A new term begins, and with it every time that was given."""
        self._drain_until, self._rest_until, self._seen_at = {}, {}, -NEVER

    def see(self, entries: Iterable[OpenRun], now: float) -> None:
        """Take note of what the ledger lists now."""
        theirs = [entry for entry in entries if entry.owner != self._nonce]
        draining = {entry.key: now + entry.left for entry in theirs if entry.left}
        resting = {entry.key: now + self._delay_s(entry) for entry in theirs if rests(entry)}
        self._drain_until = draining | self._drain_until
        self._rest_until = {key: self._rest_until.get(key, until) for key, until in resting.items()}
        self._seen_at = now

    @property
    def overdue(self) -> frozenset[str]:
        """Those that had time to drain and have used it up (rule 16)."""
        return frozenset(key for key, until in self._drain_until.items() if until <= self._seen_at)

    @property
    def resting(self) -> frozenset[str]:
        """Those that wait for their next attempt (rule 26)."""
        return frozenset(key for key, until in self._rest_until.items() if until > self._seen_at)

    @property
    def next_retry_at(self) -> float:
        """When the next of them has rested; infinity when none rests."""
        return min((until for until in self._rest_until.values() if until > self._seen_at), default=NEVER)

    def _delay_s(self, entry: OpenRun) -> float:
        job = self._table.jobs.get(entry.job)
        return retry_delay(job.policy, entry).total_seconds() if job else 0.0

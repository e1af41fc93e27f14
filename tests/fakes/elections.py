"""One election over one Lease, told second by second; nothing else of a replica.

Boot seconds count from 0; the wall clock does not matter here. Every random number is 0.5, so an expired Lease is
written over 0.2 s after its end and a released one after 0.05 s. `L`, `D` and `P` are the three settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from scheduler.core.errors import Absent, Conflict, StoreError
from scheduler.core.lease import Election
from scheduler.core.ledger import Ledger, WriteId, decode, encode, first_ledger
from scheduler.core.moves import Attempt, Candidate, Kind, Move, Read, Seen, Timings, Write
from scheduler.core.ports import LeaseRecord

TIMINGS = Timings()
L, D, P = TIMINGS.lease_duration_s, TIMINGS.renew_deadline_s, TIMINGS.retry_period_s
NEVER = float("inf")
WALL = datetime(2026, 11, 22, 12, tzinfo=UTC)
ME = Candidate("me", "n1", TIMINGS, known="Zk3uQ1")
LEDGER = encode(first_ledger(WriteId(41, "b7"), 0, "Zk3uQ1", WALL))
LATER = LEDGER.replace('"rev":0', '"rev":3')
HELD = LeaseRecord("b", 30, "2026-11-22T11:00:00.000000Z", "2026-11-22T12:00:00.000000Z", 6, LEDGER, "77", "u1")
RELEASED = replace(HELD, holder="")
OPENING = (Kind.CREATE, Kind.GRANT, Kind.ACQUIRE)
STUB = replace(HELD, ledger='{"v":1,"w":"5.b7"}')


def election(**changes: Any) -> Election:
    return Election(replace(ME, **changes), lambda: 0.5)


def standby(seen: LeaseRecord | None, **changes: Any) -> Election:
    """Has read this Lease, or that there is none, at second 0."""
    one = election(**changes)
    one.read(seen, 0.0)
    return one


@dataclass(frozen=True)
class Sheet:
    """What a write should say; a `Draft`."""

    ledger: Ledger
    notes: Mapping[str, str] = field(default_factory=dict)
    vain: bool = False


def nothing_more(_: Seen) -> Sheet | None:
    return None


class Store:
    """One Lease with compare-and-swap, and the list of what was asked of it."""

    def __init__(self, record: LeaseRecord | None = None) -> None:
        self.record = record
        self.requests: list[str] = []
        self._versions = 100

    def perform(self, attempt: Attempt) -> LeaseRecord:
        quoted, current = attempt.record, self.record
        if attempt.kind is Kind.CREATE:
            if current:
                raise Conflict("exists")
            return self._put(replace(quoted, uid=f"u{self._versions}"))
        if current is None:
            raise Absent("gone")
        if (quoted.version, quoted.uid) != (current.version, current.uid):
            raise Conflict("changed")
        return self._put(quoted)

    @property
    def ledger(self) -> Ledger:
        assert self.record
        assert self.record.ledger
        return decode(self.record.ledger)

    def edit(self, **changes: Any) -> LeaseRecord:
        assert self.record
        return self._put(replace(self.record, **changes))

    def edit_ledger(self, **changes: Any) -> LeaseRecord:
        return self.edit(ledger=encode(replace(self.ledger, **changes)))

    def _put(self, record: LeaseRecord) -> LeaseRecord:
        self._versions += 1
        self.record = replace(record, version=str(self._versions))
        return self.record


def drive(
    one: Election,
    store: Store,
    now: float,
    work_at: float = NEVER,
    write: Callable[[Seen], Sheet | None] = nothing_more,
) -> Move:
    """Make the moves it wants until it waits or is done; returns that move.

    `write` says what a renewal, a release or a report should say. A wish for a write is over once it was accepted.
    """
    while True:
        move = one.next_move(now, work_at)
        match move:
            case Read():
                store.requests.append("GET")
                one.read(store.record, now)
            case Write():
                sheet = None if move.kind in OPENING else write(one.base)
                if move.kind is Kind.REPORT and sheet is None:
                    one.has_nothing_to_report(now)
                    continue
                store.requests.append("POST" if move.kind is Kind.CREATE else "PUT")
                attempt = one.compose(move.kind, now, WALL, sheet)
                try:
                    one.accepted(attempt, store.perform(attempt), now)
                except StoreError:
                    one.failed(now)
                else:
                    work_at = work_at if move.kind in OPENING else NEVER
            case _:
                return move


def leader(**changes: Any) -> tuple[Election, Store]:
    """Made the Lease at second 0 and leads; its news has been taken."""
    one, store = election(creates_at_once=True, **changes), Store()
    drive(one, store, 0.0)
    one.take_news()
    store.requests.clear()
    return one, store


def news(one: Election) -> list[type]:
    return [type(item) for item in one.take_news()]

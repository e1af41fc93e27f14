"""What each kind of write says: pure functions from the Lease as last seen to the Lease as it shall be.

Every record made here quotes the version and uid it goes over, and carries whatever else the object held.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from scheduler.core.ledger import Ledger, WriteId, encode, first_ledger
from scheduler.core.moves import Candidate, Seen, micro_time
from scheduler.core.ports import LeaseRecord


def stub(me: Candidate, written: WriteId, transitions: int, wall: datetime) -> LeaseRecord:
    """A new Lease that says only who made it: a POST has no precondition, so it must not bring a ledger (rule 27)."""
    return LeaseRecord(
        holder=me.name,
        duration_s=me.timings.lease_duration_s,
        acquired=micro_time(wall),
        renewed=micro_time(wall),
        transitions=transitions,
        ledger=encode(Ledger(written)),
    )


def take_over(me: Candidate, base: Seen, wall: datetime) -> LeaseRecord:
    """The spec of a new term over `base`; the ledger is still the old one."""
    return replace(
        base.record,
        holder=me.name,
        duration_s=me.timings.lease_duration_s,
        acquired=micro_time(wall),
        renewed=micro_time(wall),
        transitions=base.record.transitions + 1,
    )


def renewal(me: Candidate, base: Seen, ledger: Ledger, wall: datetime) -> LeaseRecord:
    """The same term goes on, with this ledger."""
    duration = me.timings.lease_duration_s
    return replace(base.record, duration_s=duration, renewed=micro_time(wall), ledger=encode(ledger))


def release(base: Seen, written: WriteId, wall: datetime) -> LeaseRecord:
    """Nobody holds the Lease; its ledger stays as it is, and all five fields of the spec stay present."""
    kept = replace(base.ledger, written=written, did=()) if base.ledger else Ledger(written)
    return replace(base.record, holder="", renewed=micro_time(wall), ledger=encode(kept))


def fresh_ledger(me: Candidate, written: WriteId, wall: datetime) -> Ledger:
    """Our table and no past: what a first start brings (rule 28)."""
    return first_ledger(written, me.revision, me.known, wall)


def quiet_ledger(me: Candidate, written: WriteId, wall: datetime) -> Ledger:
    """Our table, and everything settled unseen for as long as a former leader may still act (rule 29)."""
    return fresh_ledger(me, written, wall + timedelta(seconds=me.timings.lease_duration_s))

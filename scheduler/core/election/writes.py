"""What each kind of write says: from the Lease as last seen to the Lease as it shall be.

Every record made here quotes the version and uid it goes over, and carries whatever else the object held.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scheduler.core.claims.farewell import with_reports
from scheduler.core.election.creation import Creation
from scheduler.core.ledger import Ledger, WriteId, encode, first_ledger
from scheduler.core.moves import Attempt, Candidate, Kind, Seen, micro_time
from scheduler.core.notes.commands import restored
from scheduler.core.notes.tables import signed, unsigned
from scheduler.core.ports import LeaseRecord
from scheduler.core.work import Draft


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes once: for whom, under which name, and when, by both clocks."""

    me: Candidate
    written: WriteId
    now: float
    wall: datetime

    def create(self, creation: Creation) -> Attempt:
        """A new Lease that says only who made it: a POST has no precondition, so it brings no ledger (rule 27)."""
        record = LeaseRecord(
            holder=self.me.name,
            duration_s=self.me.timings.lease_duration_s,
            acquired=micro_time(self.wall),
            renewed=micro_time(self.wall),
            transitions=creation.transitions,
            ledger=encode(Ledger(self.written)),
        )
        return Attempt(Kind.CREATE, self.written, record, self.now)

    def grant(self, stub: Seen, creation: Creation) -> Attempt:
        """The term of a new Lease begins, with what the POST stood for (rule 28)."""
        in_time = self.now < creation.valid_until
        ledger = (creation.ledger or self._first_ledger(self.wall)) if in_time else None
        return self._open(Kind.GRANT, creation.over(stub.record), ledger)

    def acquire(self, base: Seen) -> Attempt:
        """A new term over somebody else's, with the ledger of `base` to go on from (rules 8, 30)."""
        taken = replace(
            base.record,
            holder=self.me.name,
            acquired=micro_time(self.wall),
            transitions=base.record.transitions + 1,
        )
        return self._open(Kind.ACQUIRE, taken, base.ledger)

    def _open(self, kind: Kind, record: LeaseRecord, ledger: Ledger | None) -> Attempt:
        """Without a ledger to go on from it is a quiet start.

        Everything is settled unseen then for as long as a former leader may still act (rule 29).
        """
        if ledger:
            carried = self._renewed(record, ledger.written_as(self.written))
            return Attempt(kind, self.written, carried, self.now, inherits=ledger.written)
        lasts_s = self.me.timings.lease_duration_s
        quiet = self._first_ledger(self.wall + timedelta(seconds=lasts_s))
        return Attempt(kind, self.written, self._renewed(record, quiet), self.now, quiet_until=self.now + lasts_s)

    def renew(self, base: Seen, draft: Draft | None) -> Attempt:
        """The same term goes on, with what the draft wants written."""
        over, ledger = self._content(base, draft)
        record = self._renewed(over, ledger)
        return Attempt(Kind.RENEW, self.written, record, self.now, draft=draft, ledger=ledger)

    def release(self, base: Seen, draft: Draft | None) -> Attempt:
        """Nobody holds the Lease; it keeps a ledger, and all five fields of the spec stay present."""
        over, ledger = self._content(base, draft)
        notes = unsigned(over.notes)
        record = replace(over, holder="", renewed=micro_time(self.wall), ledger=encode(ledger), notes=notes)
        return Attempt(Kind.RELEASE, self.written, record, self.now, draft=draft, ledger=ledger)

    def _content(self, base: Seen, draft: Draft | None) -> tuple[LeaseRecord, Ledger]:
        """What a draft wants written, and where; without one all stays but for what was told already (rule 5)."""
        if draft:
            return replace(base.record, notes=draft.notes), draft.ledger.written_as(self.written)
        kept = replace(base.ledger, written=self.written, did=()) if base.ledger else Ledger(self.written)
        return base.record, kept

    def _first_ledger(self, settled: datetime) -> Ledger:
        """Our table and no past."""
        return first_ledger(self.written, self.me.revision, self.me.known, settled)

    def _renewed(self, record: LeaseRecord, ledger: Ledger) -> LeaseRecord:
        notes = signed(record.notes, address=self.me.address, config=self.me.config, now=self.wall)
        duration, renewed = self.me.timings.lease_duration_s, micro_time(self.wall)
        return replace(record, duration_s=duration, renewed=renewed, ledger=encode(ledger), notes=notes)


def report(base: Seen, draft: Draft, now: float) -> Attempt:
    """Only ledger and notes are amended: holder, spec and even `w` stay those of whoever leads by now (rule 34)."""
    ledger = draft.ledger.written_as(base.written or draft.ledger.written)
    record = replace(base.record, ledger=encode(ledger), notes=draft.notes)
    return Attempt(Kind.REPORT, ledger.written, record, now, draft=draft, ledger=ledger)


def written_back(own: Seen, read: Seen) -> Seen:
    """Our own term and ledger as if they were what was read: what the next write goes over, to restore them (rule 30).

    The version quoted is the one read, and so is whatever is not ours. What leavers have reported into the Lease that
    was read is not undone, and who is paused is as we know it.
    """
    kept = own.record
    ledger = with_reports(own.ledger, read.ledger) if own.ledger and read.ledger else own.ledger
    notes = restored(read.record.notes, kept.notes)
    text = kept.ledger if ledger == own.ledger or ledger is None else encode(ledger)
    record = replace(read.record, transitions=kept.transitions, acquired=kept.acquired, ledger=text, notes=notes)
    return Seen(record, ledger)

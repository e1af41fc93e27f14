"""A replica's lead: the right to act that its last accepted write gave it, and the news of how that comes and goes.

The right is the *gate*. It counts from the moment at which that write was sent, and ends by the mere passing of time;
the lead itself goes on until the Lease shows somebody else, or the replica gives it up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.core.ledger import Ledger
from scheduler.core.moves import (
    FOREVER,
    SHUT,
    Acquired,
    Attempt,
    Candidate,
    Edited,
    Gate,
    Landed,
    Lost,
    News,
    Released,
    Resumed,
    Seen,
    Suspended,
    Term,
)
from scheduler.core.ports import LeaseRecord

EXCLUSIVE_MARGIN_S = 1.0


@dataclass(slots=True)
class Lead:
    """When the last accepted write was sent, and what shuts the gate early (rule 6).

    One that `writes_back` has read a ledger older than its own, and is about to write its own over it (rule 30).
    """

    term: Term
    sent_at: float
    trusted_for_s: float
    quiet_end: float
    suspended_at: float | None = None
    foreign_seen: bool = False
    writes_back: bool = False

    @property
    def trusted_until(self) -> float:
        """The boot second up to which nobody else can lead."""
        return self.sent_at + self.trusted_for_s

    @property
    def renew_at(self) -> float:
        """When half of the trust is gone (rule 6); at once, if there is something to restore."""
        return -FOREVER if self.writes_back else self.sent_at + self.trusted_for_s / 2


class Leadership:
    """The lead of one replica; `lead` is None while it has none. It tells what becomes of it."""

    def __init__(self, me: Candidate, tell: Callable[[News], None]) -> None:
        self.lead: Lead | None = None
        self._me = me
        self._timings = me.timings
        self._tell = tell

    @property
    def gate(self) -> Gate:
        """When runs may start, as far as is known now (rule 6)."""
        lead = self.lead
        return Gate(lead.quiet_end, lead.trusted_until) if lead and not lead.foreign_seen else SHUT

    @property
    def exclusive_until(self) -> float:
        """The boot second at which exclusive runs must be dead, if no further write is accepted (rule 11)."""
        lead = self.lead
        return lead.sent_at + self._timings.lease_duration_s - EXCLUSIVE_MARGIN_S if lead else -FOREVER

    @property
    def lapses_at(self) -> float:
        """When the trust will run out, if that is still to be told."""
        lead = self.lead
        return FOREVER if lead is None or lead.suspended_at is not None else lead.trusted_until

    def is_trusted(self, now: float) -> bool:
        """Whether it leads and nobody else can have led meanwhile."""
        return self.lead is not None and now < self.lead.trusted_until and not self.lead.foreign_seen

    def begin(self, acquired: Acquired, attempt: Attempt) -> None:
        """A term begins; a quiet start that was not over goes on in it (rule 29)."""
        quiet_end = self.lead.quiet_end if self.lead else -FOREVER
        quiet_end = max(quiet_end, attempt.quiet_until or -FOREVER)
        self.lead = Lead(acquired.term, attempt.sent_at, float(self._timings.renew_deadline_s), quiet_end)
        self._tell(acquired)

    def go_on(self, attempt: Attempt, seen: Seen, now: float) -> None:
        """A renewal landed."""
        lead = self.lead
        if lead is None or seen.ledger is None:
            raise RuntimeError("a renewal landed without a lead or without a ledger")
        lead.sent_at, lead.foreign_seen, lead.writes_back = attempt.sent_at, False, False
        if lead.suspended_at is not None and self.gate.is_open(now):
            self._tell(Resumed(lead.term, now - lead.suspended_at))
            lead.suspended_at = None
        self._tell(Landed(attempt, seen.ledger))
        self._notice_edit(seen, attempt.record, attempt.ledger)

    def glance(self, lead: Lead, seen: Seen, base: Seen, *, late: bool) -> bool:
        """What the watch shows a leader; whether it is to be read. What is merely `late` must not cost anything.

        The gate is shut at the first sight of another holder, before a GET confirms it.
        """
        if seen.record.version == base.record.version:
            return False
        if seen.is_held_by(self._me):
            return seen.written == base.written and (seen.is_edit_of(base.record) or not seen.is_still(base, self._me))
        lead.foreign_seen = lead.foreign_seen or not late
        return True

    def rebase(self, seen: Seen, base: Seen, *, restores: bool) -> None:
        """The next write goes over what was read, for nobody else took the Lease."""
        if self.lead:
            self.lead.foreign_seen, self.lead.writes_back = False, restores
            self._notice_edit(seen, base.record, base.ledger)

    def _notice_edit(self, seen: Seen, record: LeaseRecord, ledger: Ledger | None) -> None:
        """Tell what others have written into our annotations since they were this record and this ledger."""
        if seen.is_edit_of(record):
            self._tell(Edited(seen, seen.reported_since(ledger)))

    def suspend(self) -> None:
        """The trust ran out."""
        if self.lead:
            self.lead.suspended_at = self.lead.trusted_until
            self._tell(Suspended(self.lead.term))

    def lose_to(self, seen: Seen, base: Seen | None) -> None:
        """The Lease shows that the lead is over (rules 3d and 3e), by what became of the one last seen."""
        ours = seen.record.holder == self._me.name and (seen.written is None or seen.is_held_by(self._me))
        is_kept = base is not None and seen.written == base.written
        self.lose("ledger_gone" if ours and not is_kept else "other_holder")

    def lose(self, reason: str) -> None:
        """The lead is over, if there was one."""
        if self.lead:
            self._tell(Lost(self.lead.term, reason))
        self.lead = None

    def release(self, attempt: Attempt) -> None:
        """The Lease was given back, and what the release recorded holds."""
        if self.lead:
            self._tell(Landed(attempt, attempt.ledger or Ledger(attempt.written)))
            self._tell(Released(self.lead.term))
        self.lead = None

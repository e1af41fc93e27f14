"""Making a missing Lease: on what grounds, and what the PUT after the POST may therefore bring (rules 27 and 28).

A POST has no precondition, so it may land when it is late, on the grave of a Lease that it knows nothing of. What it
stands for is therefore remembered here, beside it, and brought by a second write, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scheduler.core.election.lead import Lead
from scheduler.core.ledger import Ledger, WriteId
from scheduler.core.moves import FOREVER, Candidate, Seen
from scheduler.core.ports import LeaseRecord


@dataclass(frozen=True, slots=True)
class Creation:
    """Why a missing Lease is made anew by the POST `written`, and until when the PUT after it may build on that.

    `ledger` and `notes` are the leader's own, to be brought back; there is no ledger for a first start or a quiet one.
    """

    written: WriteId
    cause: str
    transitions: int
    valid_until: float
    ledger: Ledger | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def over(self, stub: LeaseRecord) -> LeaseRecord:
        """The POST's Lease with the notes that the former one had; whoever wrote one meanwhile is not undone."""
        return replace(stub, notes={**self.notes, **stub.notes})

    @classmethod
    def anew(cls, written: WriteId, transitions: int = 0) -> Creation:
        """There was one and nobody knows what became of it: a quiet start."""
        return cls(written, "recreated", transitions, -FOREVER)


def grounds(written: WriteId, me: Candidate, now: float, base: Seen | None, lead: Lead | None) -> Creation:
    """On what grounds a missing Lease is made now; `base` is the last one seen, and `lead` the lead of it (rule 28)."""
    if base is None:
        return Creation(written, "new", 0, -FOREVER if me.quiet_start else now + me.timings.renew_deadline_s)
    transitions = base.record.transitions + 1
    if lead:
        return Creation(written, "recreated", transitions, lead.trusted_until, base.ledger, base.record.notes)
    return Creation.anew(written, transitions)

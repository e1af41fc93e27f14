"""What one replica knows of the Lease and of who leads, at one moment: for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.core.ledger import Ledger
from scheduler.core.moves import Seen, Term


@dataclass(frozen=True, slots=True)
class Outlook:
    """A picture that is replaced, never changed, so that any thread may look at it.

    `leader` holds the Lease, as far as is known; None when nobody does. Whether it lives, only `alive_at` tells: the
    boot second of the holder's last sign of life, as far as this replica saw it. `last` is the leader known last, be
    there one or not. `leads` says whether this replica is the leader, and `proven` whether its gate is open. `term` is
    the number of the last term known, 0 before any; `since` is when it began and `renewed` when it was last renewed,
    both by the holder's clock and as the Lease writes them. `ledger` and `notes` are the Lease's, as last seen.
    """

    leader: str | None = None
    leads: bool = False
    proven: bool = False
    term: int = 0
    since: str = ""
    alive_at: float | None = None
    ledger: Ledger | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    last: str | None = None
    renewed: str = ""


def outlook_of(seen: Seen | None, term: Term | None, last: str | None, alive_at: float | None) -> Outlook:
    """The picture of a replica that has `seen` this Lease last and leads this `term`, if any.

    `proven` is left open, because it changes by the mere passing of time. Without a Lease, and without a lead that
    would bring it back, only what is known of the past remains.
    """
    if seen is None:
        return Outlook(last=last, alive_at=alive_at)
    return Outlook(
        leader=last if term else seen.record.holder or None,
        leads=term is not None,
        term=term.number if term else seen.record.transitions + 1,
        since=seen.record.acquired,
        alive_at=alive_at,
        ledger=seen.ledger,
        notes=seen.record.notes,
        last=last,
        renewed=seen.record.renewed,
    )

"""What one replica knows of the Lease and of who leads, at one moment: for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.core.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Outlook:
    """A picture that is replaced, never changed, so that any thread may look at it.

    `leader` holds the Lease, as far as is known; None when nobody does. `leads` says whether that is this replica, and
    `proven` whether its gate is open. `term` is the number of the term, 0 before any; `since` is when it began, as the
    Lease writes it. `alive_at` is the boot second of the holder's last sign of life. `notes` are the Lease's.
    """

    leader: str | None = None
    leads: bool = False
    proven: bool = False
    term: int = 0
    since: str = ""
    alive_at: float | None = None
    ledger: Ledger | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

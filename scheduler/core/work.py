"""What the election's driver asks of whoever dispatches runs, and what it tells them: the port between two rooms.

The campaign owns every write to the Lease; the dispatch knows what should be in it. So the campaign asks for a draft of
the next ledger, sends it, and reports a draft that landed. A draft may be asked for more than once before one of them
lands, so making one must decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from scheduler.core.ledger import Did, Ledger
from scheduler.core.moves import Acquired, Gate, Seen

NEVER = float("inf")  # what `wanted_at` answers when no write is wanted


class Draft(Protocol):
    """What the next write would decide about ticks."""

    @property
    def ledger(self) -> Ledger:
        """The ledger to be written; its write id is set by the election."""

    @property
    def notes(self) -> Mapping[str, str]:
        """The notes to be written beside it: those read, less the commands that this write consumes."""


class Renewal(Draft, Protocol):
    """What the next renewal would decide; one that is made for its sake alone may not be worth a write."""

    @property
    def vain(self) -> bool:
        """Whether writing it would change nothing."""


class Work(Protocol):
    """The dispatch, as the campaign sees it. All calls come from the campaign's thread and none of them blocks."""

    @property
    def running(self) -> int:
        """Runs under way in this process."""

    @property
    def drained(self) -> int:
        """Runs that ended since this replica began to leave."""

    def lives(self, now: float) -> bool:
        """Whether the alarm has rung lately, as it does once a second; a leader without it must not renew."""

    def wanted_at(self, now: float) -> float:
        """The boot second at which a write is wanted for the sake of claims and ends; infinity when there is none."""

    def draft(self, base: Seen, now: float, wall: datetime) -> Renewal | None:
        """What should be written over `base` now; None for a mere renewal. Decides nothing."""

    def farewell(self, base: Seen, now: float, wall: datetime) -> Draft:
        """What the release carries: the ends that are not recorded yet, and the time each living run is left."""

    def report(self, base: Seen) -> Draft | None:
        """After the release: `base` without our runs that ended since (rule 34); None when there is none in it."""

    def landed(self, draft: object, ledger: Ledger, now: float) -> None:
        """What `draft` decided holds: start its claims, write its log lines."""

    def spared(self, draft: object, now: float) -> None:
        """`draft` is in vain and was not written: do not want it again before anything new happens."""

    def trusted(self, gate: Gate, exclusive_until: float) -> None:
        """The gate as it stands from now on."""

    def edited(self, base: Seen, reported: tuple[Did, ...]) -> None:
        """Others have changed what the leader's next write goes over: commands came in, or a leaver's run is over.

        `reported` is what leavers wrote down about the ends of their runs since the version before.
        """

    def missed(self, news: Acquired, wall: datetime) -> int:
        """How many ticks are due and undecided in the ledger that was inherited."""

    def acquired(self, news: Acquired, wall: datetime) -> None:
        """Lead from now on: nothing starts yet, the first draft is the next write."""

    def suspended(self) -> None:
        """The trust ran out: start nothing until `resumed`."""

    def resumed(self, wall: datetime) -> None:
        """The gate is open again in the same term."""

    def released(self) -> None:
        """The Lease was given back; what still runs has the time that the farewell left it."""

    def lost(self) -> None:
        """The lead is lost: forget what was not started, end exclusive runs, empty the engine."""

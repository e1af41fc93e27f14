"""What a replica knows of its own standing between two moves of the election."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scheduler.core.ledger import Ledger, WriteId
from scheduler.core.moves import Seen, Term


@dataclass(slots=True)
class Lead:
    """A leader's right: when its last accepted write was sent, and what shuts the gate early (rule 6)."""

    term: Term
    sent_at: float
    quiet_end: float
    suspended_at: float | None = None
    foreign_seen: bool = False


@dataclass(frozen=True, slots=True)
class Creation:
    """Why a missing Lease is made anew by the POST `written`, and until when the PUT after it may build on that.

    `ledger` is the leader's own, to be brought back; None for a first start or a quiet one.
    """

    written: WriteId
    cause: str
    transitions: int
    valid_until: float
    ledger: Ledger | None = None


@dataclass(slots=True)
class Memory:
    """What this process has ever seen of the Lease, whatever became of it since.

    `number` is the greatest of all write numbers seen or sent, `settled` the last one known.
    """

    number: int = 0
    settled: datetime | None = None
    lease: bool = False
    ledger: bool = False

    def keep(self, seen: Seen) -> None:
        """Remember what this Lease shows."""
        self.lease = True
        self.ledger = self.ledger or seen.record.ledger is not None
        if seen.ledger:
            self.number = max(self.number, seen.ledger.written.number)
            self.settled = seen.ledger.settled or self.settled


@dataclass(slots=True)
class Pace:
    """Spaces failing requests of one sort: from an eighth of the retry period, doubling up to it, with jitter."""

    period_s: float
    failures: int = 0
    not_before: float = float("-inf")

    def fail(self, now: float, free: int, random: float) -> None:
        """Count a failure; the first `free` in a row cost no wait. `random` in [0, 1) spreads replicas."""
        self.failures += 1
        steps = self.failures - free
        if steps > 0:
            self.not_before = now + self.period_s * min(1.0, 2**steps / 16) * (0.8 + 0.4 * random)

    def succeed(self) -> None:
        """Forget the failures."""
        self.failures, self.not_before = 0, float("-inf")

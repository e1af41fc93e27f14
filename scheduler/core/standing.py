"""What a replica knows of its own standing between two moves of the election."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scheduler.core.ledger import Ledger, WriteId
from scheduler.core.moves import Attempt, Candidate, Seen, Term

MAX_UNRESOLVED = 64
RELEASED_JITTER_S = 0.1
EXPIRED_JITTER_S = 0.4  # of the 0.6 s promised, the rest is for seeing the last write late and for one's own


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

    `number` is the greatest of all write numbers seen or sent, `newest` the greatest seen on the Lease of this `uid`,
    and `settled` the last one known.
    """

    number: int = 0
    uid: str = ""
    newest: int = 0
    settled: datetime | None = None
    lease: bool = False
    ledger: bool = False

    def keep(self, seen: Seen) -> None:
        """Remember what this Lease shows."""
        self.lease = True
        self.ledger = self.ledger or seen.record.ledger is not None
        if seen.record.uid != self.uid:
            self.uid, self.newest = seen.record.uid, 0
        if seen.ledger:
            self.newest = max(self.newest, seen.ledger.written.number)
            self.number = max(self.number, self.newest)
            self.settled = seen.ledger.settled or self.settled

    def went_back(self, ledger: Ledger) -> bool:
        """Whether the Lease as last seen carries an older ledger than it did before: it was restored (rule 30)."""
        return ledger.written.number < self.newest


@dataclass(slots=True)
class Vigil:
    """What a candidate waits by: how long it has seen no sign of life, by its own clock alone (rules 7, 10, 28).

    `changed_at` is the boot second at which the Lease was last seen to live, `absent_since` the one at which it was
    learned that there is none. `random` gives numbers in [0, 1), which spread the replicas.
    """

    me: Candidate
    random: Callable[[], float]
    changed_at: float = 0.0
    absent_since: float | None = None
    patience: float = 0.0

    @property
    def finds_nothing(self) -> bool:
        """Whether there is no Lease, as far as is known."""
        return self.absent_since is not None

    def see(self, now: float, *, lives: bool) -> None:
        """Take note of the Lease; if it `lives`, its holder having changed what a living one does, wait anew."""
        if lives or self.finds_nothing:
            self.changed_at, self.patience = now, self.random()
        self.absent_since = None

    def miss(self, now: float) -> None:
        """Take note that there is no Lease."""
        if self.absent_since is None:
            self.absent_since, self.patience = now, self.random()

    def create_at(self, *, ever_seen: bool) -> float:
        """When to make a missing Lease: who has seen it waits a lease duration from learning that it is gone."""
        since, timings = self.absent_since or 0.0, self.me.timings
        if ever_seen:
            return since + timings.lease_duration_s + self.patience * EXPIRED_JITTER_S
        return since if self.me.creates_at_once else since + timings.retry_period_s

    def take_over_at(self, seen: Seen) -> float:
        """When the Lease counts as given up: at once if it was released, else once its duration has passed."""
        outdated = seen.ledger is not None and self.me.revision < seen.ledger.rev
        since = self.changed_at + (self.me.timings.retry_period_s if outdated else 0)
        if not seen.record.holder:
            return since + self.patience * RELEASED_JITTER_S
        duration_s = seen.record.duration_s or self.me.timings.lease_duration_s  # a foreign record may name none
        return since + duration_s + self.patience * EXPIRED_JITTER_S


class Unresolved:
    """Our writes of which nobody can say yet whether they landed (rule 3).

    They are refused or unanswered so far, but a copy may be on its way still. A write over a version that is no longer
    the Lease's can never land; a POST is over no version and may land whenever there is no Lease.
    """

    def __init__(self) -> None:
        self._attempts: list[Attempt] = []

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._attempts)

    def sent(self, attempt: Attempt) -> None:
        """Add one; the oldest of very many are forgotten."""
        self._attempts = [*self._attempts[-MAX_UNRESOLVED:], attempt]

    def landed(self, attempt: Attempt) -> None:
        """Take note that `attempt` did, so that every other over its version is void."""
        self._attempts = [other for other in self._attempts if not other.over and other is not attempt]

    def keep_over(self, seen: Seen | None) -> None:
        """The Lease was read and is this version, or there is none: what is over another is void."""
        version = seen.record.version if seen else ""
        self._attempts = [attempt for attempt in self._attempts if attempt.over in (version, "")]

    def that_made(self, seen: Seen) -> Attempt | None:
        """The one that made what is seen (rule 3a), unless somebody has edited the holder since."""
        made = (seen.written, seen.record.holder)
        return next((one for one in self._attempts if (one.written, one.record.holder) == made), None)


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

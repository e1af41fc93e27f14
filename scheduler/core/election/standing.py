"""What a replica knows of its own standing between two moves of the election."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from scheduler.core.claims.farewell import with_reports
from scheduler.core.ledger import Ledger, WriteId
from scheduler.core.moves import Attempt, Candidate, Following, Kind, Refused, Seen
from scheduler.core.notes.commands import restored
from scheduler.core.ports import LeaseRecord

MAX_UNRESOLVED = 64
DOUBLINGS = 4
RELEASED_JITTER_S = 0.1
EXPIRED_JITTER_S = 0.4  # of the 0.6 s promised, the rest is for seeing the last write late and for one's own


@dataclass(slots=True)
class Memory:
    """What this process has ever seen of the Lease, whatever became of it since.

    `number` is the greatest of all write numbers seen or sent. Of the Lease of this `uid`, `newest` is the ledger with
    the greatest number, `notes` what stood beside it, and `last` the number seen last. `settled` is the last one known.
    """

    number: int = 0
    uid: str = ""
    newest: Ledger | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    last: int = 0
    settled: datetime | None = None
    ledger: bool = False

    def name_a_write(self, nonce: str) -> WriteId:
        """A name that no other attempt to write has, whatever became of them."""
        self.number += 1
        return WriteId(self.number, nonce)

    def keep(self, seen: Seen) -> None:
        """Remember what this Lease shows."""
        self.ledger = self.ledger or seen.record.ledger is not None
        if seen.record.uid != self.uid:
            self.uid, self.newest, self.last = seen.record.uid, None, 0
        if seen.ledger:
            self._keep_ledger(seen.ledger, seen.record.notes)

    def _keep_ledger(self, ledger: Ledger, notes: Mapping[str, str]) -> None:
        """A number that grows again, below the greatest, is that of somebody who leads with what was restored.

        What the former ledger did not live to see has been decided there, so from then on it counts and no other.
        """
        number = ledger.written.number
        if self.newest is None or number >= self.newest.written.number or number > self.last:
            self.newest, self.notes = ledger, notes
        self.last = number
        self.number = max(self.number, number)
        self.settled = ledger.settled or self.settled

    def glimpses(self, seen: Seen, unresolved: Unresolved) -> bool:
        """Remember what is not gone by before it is read, for the Lease may be restored meanwhile (rule 30).

        Returns whether somebody else has written anew.
        """
        if self.is_older(seen) or unresolved.that_made(seen):
            return False
        uid, last = self.uid, self.last
        self.keep(seen)
        return (self.uid, self.last) != (uid, last)

    def is_older(self, seen: Seen) -> bool:
        """Whether this Lease has shown a later version: an event comes late, or it was restored (rule 30)."""
        if self.newest is None or seen.ledger is None or seen.record.uid != self.uid:
            return False
        return seen.ledger.written.number < self.newest.written.number

    def shows_another_program(self, record: LeaseRecord) -> bool:
        """Whether this Lease is used by something that keeps no ledger, and never had one as far as is known.

        One that was given back is still its user's, who will want it again.
        """
        is_used = bool(record.holder or record.renewed)
        return is_used and record.ledger is None and not self.ledger

    def inheritance(self, seen: Seen) -> Seen:
        """What a successor goes on with: the Lease as read, with the ledger and the pauses of the greatest number seen.

        What leavers have reported into a Lease that was restored is taken over. It has no ledger if that means a quiet
        start.
        """
        if self.is_older(seen):
            record = replace(seen.record, notes=restored(seen.record.notes, self.notes))
            newest = with_reports(self.newest, seen.ledger) if self.newest and seen.ledger else self.newest
            seen = replace(seen, record=record, ledger=newest)
        return replace(seen, ledger=None) if seen.ledger and seen.ledger.is_stub else seen


@dataclass(slots=True)
class Vigil:
    """What a candidate waits by: how long it has seen no sign of life, by its own clock alone (rules 7, 10, 28).

    `changed_at` is the boot second at which the Lease was last seen to live, `absent_since` the one at which it was
    learned that there is none. `random` gives numbers in [0, 1), which spread the replicas. `alive_at` is the last sign
    of life of any holder, ourselves included; nothing is decided by it.
    """

    me: Candidate
    random: Callable[[], float]
    changed_at: float = 0.0
    absent_since: float | None = None
    patience: float = 0.0
    alive_at: float | None = None

    @property
    def finds_nothing(self) -> bool:
        """Whether there is no Lease, as far as is known."""
        return self.absent_since is not None

    def see(self, now: float, *, lives: bool) -> None:
        """Take note of the Lease; if it `lives`, its holder having changed what a living one does, wait anew."""
        if lives or self.finds_nothing:
            self.wait_anew(now)
            self.alive_at = now
        self.absent_since = None

    def wait_anew(self, now: float) -> None:
        """Begin to wait, as if the Lease had just been seen to live."""
        self.changed_at, self.patience = now, self.random()

    def wrote(self, sent_at: float) -> None:
        """Take note that a write of ours was accepted, so there is a Lease."""
        self.absent_since, self.alive_at = None, sent_at

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

    def take_over_at(self, seen: Seen, *, restored: bool) -> float:
        """When the Lease counts as given up: at once if it was released, else once its duration has passed.

        Of a `restored` one nobody can tell whether its leader lives, whatever it says of a holder (rule 30).
        """
        outdated = seen.ledger is not None and self.me.revision < seen.ledger.rev
        since = self.changed_at + (self.me.timings.retry_period_s if outdated else 0)
        if not seen.record.holder and not restored:
            return since + self.patience * RELEASED_JITTER_S
        duration_s = seen.record.duration_s or self.me.timings.lease_duration_s  # a foreign record may name none
        return since + duration_s + self.patience * EXPIRED_JITTER_S


class Unresolved:
    """Our writes of which nobody can say yet whether they landed (rule 3).

    They are refused or unanswered so far, but a copy may be on its way still. A write over a version that is no longer
    the Lease's can never land; a POST is over no version and may land whenever there is no Lease. `told` names the last
    of which it is known that it did, and so what was decided by it was told.
    """

    def __init__(self) -> None:
        self._attempts: list[Attempt] = []
        self.told: WriteId | None = None

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._attempts)

    def sent(self, attempt: Attempt) -> None:
        """Add one; the oldest of very many are forgotten."""
        self._attempts = [*self._attempts[-MAX_UNRESOLVED:], attempt]

    def landed(self, attempt: Attempt) -> None:
        """Take note that `attempt` did, so that every other over its version is void."""
        self._attempts = [other for other in self._attempts if not other.over and other is not attempt]
        self.told = attempt.written

    def keep_over(self, seen: Seen | None) -> None:
        """The Lease was read and is this version, or there is none: what is over another is void."""
        version = seen.record.version if seen else ""
        self._attempts = [attempt for attempt in self._attempts if attempt.over in (version, "")]

    def lose_the_lead(self) -> None:
        """What went on with a term that is lost means nothing any more, even if it lands."""
        self._attempts = [one for one in self._attempts if one.kind not in (Kind.RENEW, Kind.RELEASE)]

    def that_made(self, seen: Seen) -> Attempt | None:
        """The one that made what is seen (rule 3a), unless somebody has edited the holder since."""
        made = (seen.written, seen.record.holder)
        return next((one for one in self._attempts if (one.written, one.record.holder) == made), None)

    def that_left_runs(self, seen: Seen) -> Attempt | None:
        """The release that must have landed, though a successor has written since: it lists runs that we left it.

        Nothing but a release gives runs of ours time to drain (rule 34). Of two over one version nobody can say any
        more which it was; the first promised no more than the second.
        """
        open_runs = seen.ledger.open if seen.ledger else ()
        leavers = {entry.owner for entry in open_runs if entry.left}
        releases = (one for one in self._attempts if one.kind is Kind.RELEASE)
        return next((one for one in releases if one.written.nonce in leavers), None)


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
            share = 2 ** min(steps, DOUBLINGS) / 2**DOUBLINGS
            self.not_before = now + self.period_s * share * (0.8 + 0.4 * random)

    def rest(self, now: float) -> None:
        """Ask for nothing for a whole period."""
        self.not_before = now + self.period_s

    def succeed(self) -> None:
        """Forget the failures."""
        self.failures, self.not_before = 0, float("-inf")


class Requests:
    """What is asked of the store next and when: whether the Lease must be read first, and the pace of what fails.

    `random` gives numbers in [0, 1).
    """

    def __init__(self, period_s: float, random: Callable[[], float]) -> None:
        self.must_read = True
        self._random = random
        self._reads, self._writes = Pace(period_s), Pace(period_s)
        self._grows_old = False

    def ready_at(self, now: float) -> float:
        """When the next may be made.

        What was read before a wait is read again after it: somebody who edits the Lease all the time would have
        changed it meanwhile, and each write would be refused.
        """
        pace = self._reads if self.must_read else self._writes
        if now < pace.not_before:
            self._grows_old = not self.must_read
        elif self._grows_old:
            self.must_read, self._grows_old = True, False
        return pace.not_before

    def read(self) -> None:
        """The Lease was read."""
        self.must_read = False
        self._reads.succeed()

    def wrote(self) -> None:
        """A write was answered with success."""
        self._writes.succeed()

    def failed_to_read(self, now: float) -> None:
        """Read again, but later and later."""
        self._reads.fail(now, 0, self._random())

    def failed_to_write(self, now: float) -> None:
        """Read, and write again: the first time at once, then later and later."""
        self.must_read = True
        self._writes.fail(now, 1, self._random())


class Onlooker:
    """What a replica says of whoever holds the Lease, each fact once; `leader` is the last one known."""

    def __init__(self, tell: Callable[[Following | Refused], None]) -> None:
        self.leader: str | None = None
        self._tell = tell
        self._told: Following | Refused | None = None

    def is_led_by_us(self, name: str) -> None:
        """We lead; whoever leads next is worth telling, even if it was told before."""
        self.leader, self._told = name, None

    def is_led_by(self, record: LeaseRecord) -> None:
        """Another replica of ours holds the Lease."""
        leader, term = record.holder, record.transitions + 1
        if not isinstance(self._told, Following):
            self._announce(Following(leader, term, None, first=True))
        elif (self._told.leader, self._told.term) != (leader, term):
            self._announce(Following(leader, term, self._told.leader, first=False))
        self.leader = leader

    def is_refused(self, seen: Seen) -> None:
        """The Lease is not ours to contend for."""
        self._announce(Refused(seen.record.holder, seen.newer_format))

    def _announce(self, news: Following | Refused) -> None:
        if news != self._told:
            self._told = news
            self._tell(news)

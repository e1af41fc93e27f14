"""The words of the election: what the machine in `lease.py` says to do next, what it hears, and the news it gives.

All of them are values. Times called `at`, `until` and the like are boot seconds; a `wall` is an instant in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from scheduler.core.errors import LedgerError, LedgerTooNew
from scheduler.core.ledger import Did, Ledger, WriteId, decode
from scheduler.core.ports import LeaseRecord

FOREVER = float("inf")  # the boot second that never comes


@dataclass(frozen=True, slots=True)
class Timings:
    """The three settings of client-go, in whole seconds: `lease_duration > renew_deadline > 1.2 x retry_period`."""

    lease_duration_s: int = 15
    renew_deadline_s: int = 10
    retry_period_s: int = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who this process is, and on what terms it contends.

    `nonce` is new for every process, so that a restarted pod is not taken for its former self by its name (rule 9).
    `known` is the fingerprints of its table, `revision` the table's number. `creates_at_once` holds where all replicas
    share the store's machine (rule 28). `address` is where its health server can be asked, empty if it cannot, and
    `config` the hash of its table: what it notes on the Lease while it holds it.
    """

    name: str
    nonce: str
    timings: Timings = Timings()
    known: str = ""
    revision: int = 0
    adopt: bool = False
    quiet_start: bool = False
    creates_at_once: bool = False
    address: str = ""
    config: str = ""


class Kind(Enum):
    """What a write is for."""

    CREATE = "create"
    GRANT = "grant"
    ACQUIRE = "acquire"
    RENEW = "renew"
    RELEASE = "release"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write: its name, the version it is over, and what holds once it is known to have landed.

    `draft` is the caller's: what the write decides about ticks. `ledger` is what it carries for that, so that it need
    not be read out of the store's answer again. Of the write that begins a term, `quiet_until` is set on a quiet start,
    and `inherits` names the write whose ledger it carries on. A report has the name of the write that it amends.
    """

    kind: Kind
    written: WriteId
    record: LeaseRecord
    sent_at: float
    quiet_until: float | None = None
    draft: object = None
    ledger: Ledger | None = None
    inherits: WriteId | None = None

    @property
    def over(self) -> str:
        """The resourceVersion this write replaces; empty for a POST, which has no precondition."""
        return self.record.version


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before boot second `until`, unless something is seen earlier."""

    until: float


@dataclass(frozen=True, slots=True)
class Read:
    """Read the Lease by a plain GET."""


@dataclass(frozen=True, slots=True)
class Write:
    """Compose and send a write of this kind."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Done:
    """The campaign is over: the Lease was released and nothing is left to report, or there is nothing to release."""


Move = Wait | Read | Write | Done


@dataclass(frozen=True, slots=True)
class Gate:
    """The span of boot seconds in which this replica may start runs; it closes by itself."""

    opens_at: float
    shuts_at: float

    def is_open(self, at: float) -> bool:
        """Whether a run may start at this instant."""
        return self.opens_at <= at < self.shuts_at


SHUT = Gate(opens_at=float("inf"), shuts_at=float("-inf"))


@dataclass(frozen=True, slots=True)
class Term:
    """One holder's unbroken leadership. `fence` is the resourceVersion of the write that granted it."""

    number: int
    fence: str


@dataclass(frozen=True, slots=True)
class Acquired:
    """Our replica leads now.

    `gap_s` is the time since the predecessor's last sign of life. `repeats` tells whether the lines of the inherited
    ledger's `did` are to be repeated, because their writer may have died before it wrote them (rule 5). `notes` are
    those of the Lease.
    """

    term: Term
    cause: str
    previous: str | None
    gap_s: float | None
    inherited: Ledger
    repeats: bool
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Landed:
    """A write is proven to have been accepted: what it decided holds from here on."""

    attempt: Attempt
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Edited:
    """Others have changed our annotations under a leader: commands, or reports by those who led before (rule 34).

    `reported` is what the reports added to the ledger's `did`.
    """

    base: Seen
    reported: tuple[Did, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """Our replica no longer leads: `other_holder`, `lease_deleted`, `ledger_gone` or `loop_stalled`."""

    term: Term
    reason: str


@dataclass(frozen=True, slots=True)
class Suspended:
    """The trust ran out, and nobody else is known to lead."""

    term: Term


@dataclass(frozen=True, slots=True)
class Resumed:
    """Leadership is proven again in the same term, `took_s` after the trust ran out."""

    term: Term
    took_s: float


@dataclass(frozen=True, slots=True)
class Following:
    """Another replica leads; `first` at the start and after losing the lead."""

    leader: str
    term: int
    previous: str | None
    first: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The Lease is not ours to contend for, even when it expires: another program's, or of a later ledger format."""

    holder: str
    ledger_format: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerLost:
    """Ticks of this interval cannot be accounted for (rule 29); `since` is None when nothing is known of the past."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Released:
    """The Lease was given back."""

    term: Term


News = Acquired | Landed | Edited | Lost | Suspended | Resumed | Following | Refused | LedgerLost | Released


@dataclass(frozen=True, slots=True)
class Seen:
    """A Lease as read, with its ledger understood, or the format that this version does not understand."""

    record: LeaseRecord
    ledger: Ledger | None
    newer_format: int | None = None

    @classmethod
    def of(cls, record: LeaseRecord) -> Seen:
        """Understand the record's annotation; one that cannot be read counts as missing (rule 29)."""
        if record.ledger is None:
            return cls(record, None)
        try:
            return cls(record, decode(record.ledger))
        except LedgerTooNew as error:
            return cls(record, None, error.version)
        except LedgerError:
            return cls(record, None)

    @classmethod
    def after(cls, attempt: Attempt, record: LeaseRecord) -> Seen:
        """What the store answered to an attempt: as a rule, just what was sent."""
        as_sent = attempt.ledger is not None and record.ledger == attempt.record.ledger
        return cls(record, attempt.ledger) if as_sent else cls.of(record)

    @property
    def written(self) -> WriteId | None:
        """The write that made this version, where it says so."""
        return self.ledger.written if self.ledger else None

    def is_held_by(self, me: Candidate) -> bool:
        """Whether this very process holds it, for another may have our name (rule 9)."""
        return self.record.holder == me.name and self.written is not None and self.written.nonce == me.nonce

    def is_still(self, base: Seen, me: Candidate) -> bool:
        """Whether nothing of ours landed on `base` and nobody took it: at most, metadata was edited (rule 3b).

        An elector of another kind leaves our ledger and its `w` alone; if it bears our name, the spec tells.
        """
        same_term = (self.record.acquired, self.record.transitions) == (base.record.acquired, base.record.transitions)
        return self.record.holder == me.name and self.written == base.written and same_term

    def is_former(self, base: Seen, me: Candidate) -> bool:
        """Whether this is a version that we wrote before `base`: the Lease went back (rules 3d and 30)."""
        if not self.is_held_by(me) or self.written is None or base.written is None:
            return False
        return self.written.number < base.written.number

    def is_edit_of(self, record: LeaseRecord) -> bool:
        """Whether others have changed our annotations since this record was the Lease."""
        return (self.record.ledger, self.record.notes) != (record.ledger, record.notes)

    def reported_since(self, ledger: Ledger | None) -> tuple[Did, ...]:
        """What leavers have added to the `did` of this ledger, which says who wrote it still (rule 34)."""
        if ledger is None or self.ledger is None or self.written != ledger.written:
            return ()
        told = len(ledger.did)
        return self.ledger.did[told:] if self.ledger.did[:told] == ledger.did else ()

    @property
    def heartbeat(self) -> tuple[object, ...]:
        """What a living holder changes: the spec and `w`, but no other metadata (rule 7)."""
        record = self.record
        w = self.written or record.ledger
        return (record.uid, record.holder, record.duration_s, record.acquired, record.renewed, record.transitions, w)


def micro_time(wall: datetime) -> str:
    """An instant as a Lease's spec wants it: UTC, exactly six fraction digits, `Z`; anything else is a 400."""
    return wall.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

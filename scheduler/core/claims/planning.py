"""The words of a plan: what it is made from, what it says, and the page on which it is written down.

`plan.py` makes the plan of one write, with the rules for runs that are open (`open_runs.py`), for what people asked
for (`asked.py`) and for ticks that fell due (`ticks.py`). All of them write on one page.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from scheduler.core.claims.catch_up import Backlog
from scheduler.core.job import Delivery, Job, JobTable, Overlap
from scheduler.core.job import fingerprint as fingerprint_of
from scheduler.core.ledger import DeliveryMark, Did, Ledger, OpenRun, fingerprints_in
from scheduler.core.notes.commands import Command, Pause

LONG_AGO = datetime.min.replace(tzinfo=UTC)
NONE_AHEAD = timedelta(0)
LONGEST_AUTO_AHEAD = timedelta(milliseconds=500)


class State(Enum):
    """How far this process has got with a run that it claimed."""

    UNSTARTED = "unstarted"
    ALIVE = "alive"
    ENDED = "ended"
    FAILED = "failed"
    WAITING = "waiting"
    READY = "ready"
    KILLED = "killed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Held:
    """One of our runs: its state, why it was started, and its outcome once it is over.

    FAILED is an attempt to be followed by another, whose failure is still to be recorded; WAITING is its retry delay,
    READY the end of that. ABSENT is one that was to be taken up and is nowhere; `outcome` is then why it is not begun.
    """

    state: State
    cause: str = "schedule"
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a plan is made from besides the ledger.

    `now` is the wall time that counts for claims. Ticks that fell due before `lead_since` were missed: no gate was
    open. `held` has our runs by `OpenRun.key`; `slots` is how many runs can start at once. `overdue` names
    the foreign runs that were given time to drain and have used it up (rule 16), `resting` those that failed and whose
    retry delay is not over (rule 26). `starved` has the jobs that have waited for a place for long, and a number that
    is least for the longest. `notes` are the Lease's. A tick may be claimed `ahead` of its time where the job leaves
    that to us, and at most `longest_ahead` (rule 23). A leader that is `leaving` claims nothing and decides on no tick:
    it only records what ended, or gave way to a newer run (rule 32). Over a ledger that is `full` not even a run that
    takes another's place is claimed (rule 31).
    """

    table: JobTable
    nonce: str
    now: datetime
    lead_since: datetime
    slots: int
    held: Mapping[str, Held]
    overdue: AbstractSet[str] = frozenset()
    resting: AbstractSet[str] = frozenset()
    starved: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    ahead: timedelta = NONE_AHEAD
    longest_ahead: timedelta = NONE_AHEAD
    first_of_term: bool = False
    leaving: bool = False
    full: bool = False

    def ahead_of(self, job: Job) -> timedelta:
        """How long before its due instant a tick of this job may be claimed."""
        return claim_ahead(job, self.ahead, self.longest_ahead)


def claim_ahead(job: Job, auto: timedelta, longest: timedelta) -> timedelta:
    """How long before its due instant a tick of this job may be claimed (rule 23).

    What is claimed at most once and lost before it starts is never run, so such a job must ask for it.
    """
    if job.policy.claim_ahead is not None:
        return min(job.policy.claim_ahead, longest)
    if job.policy.delivery is Delivery.AT_MOST_ONCE:
        return NONE_AHEAD
    return min(auto, longest, LONGEST_AUTO_AHEAD)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to start one attempt, once the write is accepted; `retry` is a cause inside this program only.

    With `adopts` it is the right to take up what goes on elsewhere, and no more: that is the reason for which the run
    is given up if nothing does.
    """

    entry: OpenRun
    cause: str
    adopts: str | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """The final decision on `count` ticks of one job, from `first` to `last`, that will not be run (again)."""

    job: str
    first: str
    last: str
    count: int
    reason: str
    attempt: int = 1
    blocker: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many `ticks` of these `jobs` are due and have no place; the oldest `since` then, or since there was a lead."""

    ticks: int
    since: datetime
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A command that this write consumes; `refusal` says why it has no effect, and is empty for one that has.

    `command` is None for a note that is no command at all. One that `is_repeated` had its effect before.
    """

    id: str
    command: Command | None = None
    refusal: str = ""
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The next ledger and the notes beside it, and what they mean.

    `ended` and `failed` are our runs whose end this write records. `undecided` says that ticks are due that could not
    be decided yet, `too_early` that one was not claimed ahead of its time although its job allows it; `waiting` are
    those that wait for nothing but a place. `pauses_over` names jobs whose pause ended by itself, `declined` our runs
    whose next attempt is not ours to start, because a newer table has removed the job. `vain` says that
    the write would change nothing. `full_bytes` is the ledger's size when it is too full to claim anything, else 0.
    """

    ledger: Ledger
    notes: Mapping[str, str]
    claims: tuple[Claim, ...]
    ended: tuple[OpenRun, ...]
    failed: tuple[OpenRun, ...]
    fates: tuple[Fate, ...]
    answers: tuple[Answer, ...] = ()
    pauses_over: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    undecided: bool = False
    too_early: bool = False
    waiting: Waiting | None = None
    vain: bool = False
    full_bytes: int = 0


class Page:
    """One plan in the making: what was decided so far, and what that leaves for the rest."""

    def __init__(self, ledger: Ledger, situation: Situation) -> None:
        self.ledger = ledger
        self.at = situation
        self.slots = 0 if situation.leaving else situation.slots
        self.open: list[OpenRun] = []
        self.claims: list[Claim] = []
        self.ended: list[OpenRun] = []
        self.failed: list[OpenRun] = []
        self.fates: list[Fate] = []
        self.recorded: list[Did] = []
        self.answers: list[Answer] = []
        self.pauses: dict[str, Pause] = {}
        self.resumed: dict[str, Pause] = {}
        self.pauses_over: list[str] = []
        self.declined: list[str] = []
        self.reset = False
        self.marks: dict[str, datetime] = {}
        self.backlogs: dict[Hashable, Backlog] = {}
        self.decided_up_to: datetime | None = None
        self.undecided = False
        self.too_early = False
        self.waiting: Waiting | None = None
        self._busy: dict[str, OpenRun] = {}

    @property
    def outdated(self) -> bool:
        """Whether a newer table than ours has led (rule 20)."""
        return self.at.table.revision < self.ledger.rev

    @property
    def settled(self) -> datetime:
        """The greatest mark so far."""
        return self.ledger.settled or self.at.now

    def served(self, name: str) -> Job | None:
        """The job, unless it is not in the table, disabled, or was removed by a newer table (rule 20)."""
        job = self.at.table.served(name)
        if job and self.outdated and fingerprint_of(job) not in fingerprints_in(self.ledger.known):
            return None
        return job

    def mark(self, fingerprint: str) -> datetime:
        """Ticks of this definition up to here are over; a clock that was ahead at load is not held against it."""
        return self.ledger.mark(fingerprint, min(self.at.table.loaded_at, self.at.now))

    def marks_of(self, served: Iterable[tuple[str, Job]]) -> list[datetime]:
        """The marks of these definitions, in their order."""
        since = min(self.at.table.loaded_at, self.at.now)
        return self.ledger.marks([fingerprint for fingerprint, _ in served], since)

    def blocker(self, job: Job) -> OpenRun | None:
        """The open run that an exclusive job must not run beside."""
        return self._busy.get(job.name) if job.exclusive else None

    def replaceable(self, job: Job, blocker: OpenRun) -> bool:
        """Whether a new run of this job may be claimed beside `blocker`, which is then ended first (rule 25)."""
        return job.policy.overlap is Overlap.REPLACE and blocker.owner == self.at.nonce and not self.at.full

    def holds_slot(self, blocker: OpenRun) -> bool:
        """Whether this run takes up a worker, or is about to; one that waits for its next attempt does not."""
        held = self.at.held.get(blocker.key)
        return held is None or held.state in (State.ALIVE, State.UNSTARTED)

    def wait_for_place(self, job: str, ticks: int, since: datetime) -> None:
        """Leave these to a later plan, because all workers are taken; a ledger that is full is told of by itself."""
        if self.at.full:
            return
        since = max(since, self.at.lead_since)
        before = self.waiting or Waiting(0, since, ())
        self.waiting = Waiting(before.ticks + ticks, min(before.since, since), (*before.jobs, job))

    def keep(self, entry: OpenRun) -> None:
        """Leave this run open."""
        self.open.append(entry)
        self._busy.setdefault(entry.job, entry)

    def claim(self, entry: OpenRun, cause: str, *, takes_slot: bool = True, adopts: str | None = None) -> None:
        """Entitle to start this attempt; what replaces a run that holds a slot starts in that."""
        self.slots -= takes_slot
        self.keep(entry)
        self.claims.append(Claim(entry, cause, adopts))

    def claim_first(self, job: Job, tick: str, cause: str, *, takes_slot: bool = True) -> None:
        """Claim the first attempt of this tick."""
        delivery: DeliveryMark = "m" if job.policy.delivery is Delivery.AT_MOST_ONCE else "l"
        self.claim(OpenRun(job.name, tick, 1, self.at.nonce, delivery), cause, takes_slot=takes_slot)

    def give_up(self, entry: OpenRun, reason: str) -> None:
        """Close an open run without running it (again)."""
        self.fates.append(Fate(entry.job, entry.tick, entry.tick, 1, reason, entry.attempt))

    def end_pause(self, name: str) -> None:
        """The job's pause is over by itself."""
        del self.pauses[name]
        self.pauses_over.append(name)

    def settle(self, fingerprint: str, tick: datetime) -> None:
        """Every tick of this definition up to this one is decided."""
        self.marks[fingerprint] = tick
        self.decided_up_to = max(self.decided_up_to or tick, tick)

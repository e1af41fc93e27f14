"""The plan of one write: what becomes of every tick that is due, decided from the ledger and nothing else that lasts.

A leader that wants to write asks this module what the next ledger says. In this order (rules 15 to 19): our own open
runs, runs that others left open, then the ticks that fell due, oldest first over all jobs. Each tick is claimed, which
entitles to start it once the write is accepted, or decided against with a reason, or left for a later plan by leaving
its mark below it. Nothing here has an effect: if the write is refused, the plan is forgotten and made again from what
was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from scheduler.core.catch_up import backlog
from scheduler.core.job import CatchUp, Delivery, Job, JobTable, instant_text
from scheduler.core.job import fingerprint as fingerprint_of
from scheduler.core.ledger import DeliveryMark, Did, Ledger, OpenRun, fingerprints_in

STRANGERS_KEPT = timedelta(days=7)


class State(Enum):
    """How far this process has got with a run that it claimed."""

    UNSTARTED = "unstarted"
    ALIVE = "alive"
    ENDED = "ended"
    FAILED = "failed"
    WAITING = "waiting"
    READY = "ready"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Held:
    """One of our runs: its state, why it was started, and its outcome once it is over.

    FAILED is an attempt to be followed by another, whose failure is still to be recorded; WAITING is its retry delay,
    READY the end of that.
    """

    state: State
    cause: str = "schedule"
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a plan is made from besides the ledger.

    `now` is the wall time that counts for claims. Ticks that fell due before `lead_since` were missed: no gate was
    open. `held` has our runs by `OpenRun.key`; `slots` is how many runs can start at once. `overdue` names
    the foreign runs that were given time to drain and have used it up (rule 16). A leader that is `leaving`
    claims nothing and decides on no tick: it only records what ended (rule 32).
    """

    table: JobTable
    nonce: str
    now: datetime
    lead_since: datetime
    slots: int
    held: Mapping[str, Held]
    overdue: AbstractSet[str] = frozenset()
    first_of_term: bool = False
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to start one attempt, once the write is accepted; `retry` is a cause inside this program only."""

    entry: OpenRun
    cause: str


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
class Plan:
    """The next ledger, and what it means.

    `ended` and `failed` are our runs whose end this write records. `undecided` says that ticks are due that could not
    be decided yet.
    """

    ledger: Ledger
    claims: tuple[Claim, ...]
    ended: tuple[OpenRun, ...]
    failed: tuple[OpenRun, ...]
    fates: tuple[Fate, ...]
    undecided: bool


def plan(ledger: Ledger, situation: Situation) -> Plan:
    """Decide what can be decided now; a pure function of its arguments."""
    planner = _Planner(ledger, situation)
    planner.review_own_runs()
    planner.review_foreign_runs()
    if situation.leaving:
        return planner.result(planner.with_marks_kept())
    planner.decide_ticks()
    return planner.result(planner.with_marks_moved())


def missed(ledger: Ledger, table: JobTable, now: datetime) -> int:
    """How many ticks are due and undecided: what a new leader finds undone."""
    return sum(
        job.schedule.count(ledger.mark(fingerprint, table.loaded_at), now)
        for fingerprint, job in table.ticking.items()
        if job.schedule
    )


class _Due(NamedTuple):
    """A tick to be decided, and whether its job has none newer; in the order in which they are decided."""

    tick: datetime
    job: str
    fingerprint: str
    newest: bool


class _Planner:
    """One plan in the making; its methods are called once each, in the order in which `plan` does."""

    def __init__(self, ledger: Ledger, situation: Situation) -> None:
        self._ledger = ledger
        self._at = situation
        self._slots = 0 if situation.leaving else situation.slots
        self._open: list[OpenRun] = []
        self._busy: dict[str, OpenRun] = {}
        self._claims: list[Claim] = []
        self._ended: list[OpenRun] = []
        self._failed: list[OpenRun] = []
        self._fates: list[Fate] = []
        self._recorded: list[Did] = []
        self._marks: dict[str, datetime] = {}
        self._decided_up_to: datetime | None = None
        self._waiting: set[str] = set()

    # ------------------------------------------------------------------ open runs

    def review_own_runs(self) -> None:
        """Rule 15: an ended run is left out, a living one kept, a killed one interrupted, a failed one tried again."""
        for entry in self._ledger.open:
            if entry.owner == self._at.nonce:
                self._review(entry, self._at.held.get(entry.key, Held(State.KILLED)))

    def _review(self, entry: OpenRun, held: Held) -> None:
        match held.state:
            case State.ENDED:
                self._ended.append(entry)
                self._recorded.append(Did(entry.job, entry.tick, entry.tick, 1, held.outcome))
            case State.KILLED if not self._at.leaving:
                self._interrupt(entry)
            case State.FAILED:
                recorded = replace(entry, failures=entry.failures + 1)
                self._failed.append(recorded)
                self._keep(recorded)
            case State.READY if self._slots > 0:
                self._claim(replace(entry, attempt=entry.attempt + 1), "retry")
            case _:
                self._keep(entry)

    def review_foreign_runs(self) -> None:
        """Rules 16 and 17: whoever claimed these does not lead any more; a run still draining is left to its owner."""
        for entry in sorted(self._ledger.open, key=lambda entry: entry.instant):
            if entry.owner == self._at.nonce:
                continue
            drains = entry.left > 0 and entry.key not in self._at.overdue
            if drains or self._at.leaving:
                self._keep(entry)
            else:
                self._interrupt(entry)

    def _interrupt(self, entry: OpenRun) -> None:
        job = self._served_job(entry.job)
        reason = self._why_not_again(entry, job)
        if reason:
            self._fates.append(Fate(entry.job, entry.tick, entry.tick, 1, reason, entry.attempt))
        elif job is None or self._slots < 1 or self._blocker(job):
            self._keep(entry)
        else:
            # An entry of which every attempt failed was not cut off: it waited for its next attempt.
            cause = "retry" if entry.failures == entry.attempt else "rerun"
            self._claim(replace(entry, attempt=entry.attempt + 1, owner=self._at.nonce, left=0), cause)

    def _served_job(self, name: str) -> Job | None:
        """The job, unless it is not in the table, disabled, or was removed by a newer table (rule 20)."""
        job = self._at.table.served(name)
        outdated = self._at.table.revision < self._ledger.rev
        return None if job and outdated and fingerprint_of(job) not in fingerprints_in(self._ledger.known) else job

    def _why_not_again(self, entry: OpenRun, job: Job | None) -> str | None:
        """The stricter of the claim's promise and today's table decides whether a cut-off run is started again."""
        age = self._at.now - entry.instant
        if entry.delivery == "m" or (job and job.policy.delivery is Delivery.AT_MOST_ONCE):
            return "leader_lost"
        if job is None:
            return "not_in_table" if age > STRANGERS_KEPT else None
        if entry.interruptions >= job.policy.max_interruptions:
            return "max_interruptions"
        return "too_old" if age > job.policy.catch_up_window else None

    def _keep(self, entry: OpenRun) -> None:
        self._open.append(entry)
        self._busy.setdefault(entry.job, entry)

    def _claim(self, entry: OpenRun, cause: str) -> None:
        self._slots -= 1
        self._keep(entry)
        self._claims.append(Claim(entry, cause))

    # ------------------------------------------------------------------ ticks

    def decide_ticks(self) -> None:
        """Rule 18: ticks due above their mark, oldest first over all jobs, after each job's catch-up policy."""
        due: list[_Due] = []
        for fingerprint, job in self._served():
            ticks = self._due_ticks(fingerprint, job)
            due += (_Due(tick, job.name, fingerprint, newest=tick == ticks[-1]) for tick in ticks)
        for item in sorted(due):
            if item.job not in self._waiting and not self._decide(item, self._at.table.jobs[item.job]):
                self._waiting.add(item.job)

    def _served(self) -> Iterable[tuple[str, Job]]:
        """Rule 20: an older table than the ledger's serves only what the newer one has as well."""
        ticking = self._at.table.ticking
        if self._at.table.revision >= self._ledger.rev:
            return ticking.items()
        known = fingerprints_in(self._ledger.known)
        return [(fingerprint, job) for fingerprint, job in ticking.items() if fingerprint in known]

    def _due_ticks(self, fingerprint: str, job: Job) -> tuple[datetime, ...]:
        mark = self._ledger.mark(fingerprint, self._at.table.loaded_at)
        first = job.schedule.after(mark) if job.schedule else None
        if first is None or first > max(self._at.now, self._settled):
            return ()
        self._marks[fingerprint] = mark
        found = backlog(job, mark, self._at.now, self._at.lead_since)
        for drop in found.drops:
            first_text, last_text = instant_text(drop.first), instant_text(drop.last)
            self._fates.append(Fate(job.name, first_text, last_text, drop.count, drop.reason))
            self._settle(fingerprint, drop.last)
        return found.ticks

    def _decide(self, due: _Due, job: Job) -> bool:
        """Claim or skip the tick; False leaves it, and what follows it, for a later plan."""
        missed_tick = job.due(due.tick) < self._at.lead_since
        blocker = self._blocker(job)
        if blocker and (missed_tick or self._is_catching_up(job, blocker)):
            return False
        if blocker is None and self._slots < 1:
            return False
        text = instant_text(due.tick)
        if blocker:
            self._fates.append(Fate(job.name, text, text, 1, "overlap", blocker=blocker.run))
        else:
            delivery: DeliveryMark = "m" if job.policy.delivery is Delivery.AT_MOST_ONCE else "l"
            entry = OpenRun(job.name, text, 1, self._at.nonce, delivery)
            self._claim(entry, "catch_up" if missed_tick or not due.newest else "schedule")
        self._settle(due.fingerprint, due.tick)
        return True

    def _blocker(self, job: Job) -> OpenRun | None:
        """The open run that an exclusive job must not run beside."""
        return self._busy.get(job.name) if job.exclusive else None

    def _is_catching_up(self, job: Job, blocker: OpenRun) -> bool:
        """Whether a job that wants all its ticks is still at its backlog.

        Overlap judges ticks of this term only, and what is caught up runs one after another (rule 25). A tick of this
        term that falls due behind such a run waits as well, or catching up would cost the ticks that it is there for.
        """
        held = self._at.held.get(blocker.key)
        claimed = next((claim.cause for claim in self._claims if claim.entry is blocker), None)
        cause = claimed or (held.cause if held else "rerun")  # another's open run is still to be repeated
        return job.policy.catch_up is CatchUp.ALL and cause in ("catch_up", "rerun")

    # ------------------------------------------------------------------ marks

    @property
    def _settled(self) -> datetime:
        return self._ledger.settled or self._at.now

    def _settle(self, fingerprint: str, tick: datetime) -> None:
        self._marks[fingerprint] = tick
        self._decided_up_to = max(self._decided_up_to or tick, tick)

    def with_marks_moved(self) -> Ledger:
        """Rule 19: `settled` moves to the greatest tick decided, and who lags behind it is named."""
        at, table = self._at, self._at.table
        settled = max(self._settled, self._decided_up_to or self._settled)
        if at.first_of_term:
            settled = max(settled, at.now.replace(microsecond=0))
        if table.revision < self._ledger.rev:
            return replace(self._ledger, settled=settled, behind=self._behind(settled) | self._frozen(settled))
        return replace(
            self._ledger, rev=table.revision, settled=settled, known=table.known, behind=self._behind(settled)
        )

    def with_marks_kept(self) -> Ledger:
        """No tick was decided, so no mark moves."""
        return self._ledger

    def result(self, ledger: Ledger) -> Plan:
        """The plan as a whole: `ledger` with the runs as they shall be and what this write did."""
        fates = (Did(fate.job, fate.first, fate.last, fate.count, fate.reason) for fate in self._fates)
        return Plan(
            ledger=replace(ledger, open=tuple(self._open), did=(*fates, *self._recorded)),
            claims=tuple(self._claims),
            ended=tuple(self._ended),
            failed=tuple(self._failed),
            fates=tuple(self._fates),
            undecided=bool(self._waiting),
        )

    def _behind(self, settled: datetime) -> dict[str, datetime]:
        behind = {}
        for fingerprint, mark in self._marks.items():
            schedule = self._at.table.ticking[fingerprint].schedule
            undecided = schedule.after(mark) if schedule else None
            if undecided and undecided <= settled:
                behind[fingerprint] = mark
        return behind

    def _frozen(self, settled: datetime) -> dict[str, datetime]:
        """Rule 20: what a newer table has and ours has not keeps its mark until that table leads again."""
        loaded_at = self._at.table.loaded_at
        strangers = fingerprints_in(self._ledger.known) - self._at.table.ticking.keys()
        marks = {fingerprint: self._ledger.mark(fingerprint, loaded_at) for fingerprint in strangers}
        return {fingerprint: mark for fingerprint, mark in marks.items() if mark < settled}

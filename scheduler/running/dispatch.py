"""From a due tick to its final line: what happens on the leader between the alarm and the log.

    alarm rings ──► a write is wanted ──► draft: the core plans over the last ledger ──► the campaign sends it
                                                                                              │ accepted
    final line ◄── recorded by a write ◄── ended ◄── runner ◄── started ◄── claims taken in hand ◄┘

Nothing starts that an accepted write does not entitle to start, and nothing reads as over before an accepted write says
so. The gate is asked twice: here when a run is handed to its runner, and by the runner as the run's first statement.

Four threads come by: the campaign's (everything in the `Work` port), the alarm's (`ring`), the runners' (`heard`) and
the main one, which ends it all (`leave` and what follows it).
One lock guards the runs; it is never held while a runner is called.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from scheduler.core.job import JobTable
from scheduler.core.ledger import Ledger, attempt_key
from scheduler.core.moves import SHUT, Acquired, Gate, Term
from scheduler.core.plan import Plan, Situation, State, missed, plan
from scheduler.core.ports import Clock, RunEnded, Runner, RunNews, RunOrder, RunOutput, RunStarted, Tell
from scheduler.running.held import HeldRun, HeldRuns
from scheduler.running.lines import RunLines

NEVER = float("inf")
ENDS_SHARE_A_WRITE_S = 0.05
HURRIED_ENDS_SHARE_A_WRITE_S = 0.01  # while ticks wait for a slot or for the run before: their claim is due by itself
END_WRITES_APART_S = 1.0
CLOCK_STEP = timedelta(seconds=1)


class Bell(Protocol):
    """The alarm, as the dispatch sees it (`running/alarm.py`)."""

    def arm(self, table: JobTable, now: datetime) -> None:
        """Ring for every tick that falls due after `now`."""

    def disarm(self) -> None:
        """Stop ringing, and forget what was to come."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Those whom the dispatch sets to work.

    `wake` makes the campaign look again whether a write is wanted; `on_lead` is called as each term begins.
    """

    runner: Runner
    bell: Bell
    wake: Callable[[], None]
    on_lead: Callable[[Acquired], None]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A plan, and when it looked at what is due: the boot second and the wall time."""

    plan: Plan
    made_at: float
    as_of: datetime

    @property
    def ledger(self) -> Ledger:
        """What the plan would write."""
        return self.plan.ledger


class Dispatch:
    """The leader's ticks and runs; the other side of the `Work` port."""

    def __init__(self, table: JobTable, nonce: str, max_parallel: int, clock: Clock, tell: Tell) -> None:
        self._table = table
        self._nonce = nonce
        self._max_parallel = max_parallel
        self._clock = clock
        self._tell = tell
        self._lines = RunLines(tell, table)
        self._lock = threading.RLock()
        self._runs = HeldRuns()
        self._term: Term | None = None
        self._gate = SHUT
        self._lead_since = clock.wall()
        self._first_of_term = False
        self._rang_at: float | None = None
        self._undecided = False
        self._end_seen_at = NEVER
        self._ends_written_at = -NEVER
        self._claiming = False
        self._drains_until: dict[str, float] = {}
        self._leaving = False
        self._killing = False
        self._drained = 0
        self._idle = threading.Event()
        self._wall_ahead_of_boot: float | None = None

    def employ(self, crew: Crew) -> None:
        """Set to work; called once, before anything else, by whoever constructs both sides."""
        self._crew = crew

    # ------------------------------------------------------------------ what a write should say

    @property
    def running(self) -> int:
        """Runs under way, or about to be: once the lead is lost, a claim that was not started is nothing any more."""
        with self._lock:
            return self._runs.alive + (self._runs.unstarted if self._term else 0)

    @property
    def drained(self) -> int:
        """Runs that ended since this replica began to leave."""
        return self._drained

    def gate_is_open(self) -> bool:
        """Whether a run may start at this very moment; asked by runs that have no process of their own."""
        return self._gate.is_open(self._clock.boot())

    def wanted_at(self, now: float) -> float:
        """Claims at once; ends shortly after, together, and not more than once a second unless ticks wait for them."""
        with self._lock:
            if not self._gate.is_open(now):
                return self._gate.opens_at if now < self._gate.opens_at < self._gate.shuts_at else NEVER
            if self._rang_at is not None or self._first_of_term or (self._claiming and self._leaving):
                return now
            return min(self._record_ends_at(), self._retry_at())

    def _retry_at(self) -> float:
        """When the next retry may start; while no slot is free, it is an end that makes a write wanted."""
        can_start = not self._leaving and self.running < self._max_parallel
        return self._runs.next_retry_at if can_start else NEVER

    def _record_ends_at(self) -> float:
        if self._runs.to_repeat and not self._leaving:
            return self._end_seen_at
        if not self._runs.to_record:
            return NEVER
        if self._undecided or self._leaving:
            return self._end_seen_at + HURRIED_ENDS_SHARE_A_WRITE_S
        return max(self._end_seen_at + ENDS_SHARE_A_WRITE_S, self._ends_written_at + END_WRITES_APART_S)

    def draft(self, ledger: Ledger, now: float, wall: datetime) -> _Draft | None:
        """Plan over `ledger`; a leader whose gate is shut only renews.

        That claims are on their way is all that is remembered of it: they may land after `leave` and must be drained.
        """
        with self._lock:
            if self._term is None or not self._gate.is_open(now):
                return None
            situation = Situation(
                table=self._table,
                nonce=self._nonce,
                now=wall,
                lead_since=self._lead_since,
                slots=self._max_parallel - self.running,
                held=self._runs.for_plan(now),
                overdue=self._overdue(ledger, now),
                first_of_term=self._first_of_term,
                leaving=self._leaving,
            )
            claiming, self._claiming = self._claiming, True  # for all that `leave` may know while the plan is made
        made = plan(ledger, situation)
        self._claiming = claiming or bool(made.claims)
        self._note_idleness()
        return _Draft(made, now, wall)

    def _overdue(self, ledger: Ledger, now: float) -> frozenset[str]:
        """Rule 16: a foreign run that drains gets its time from our first sight of it in this term."""
        draining = {entry.key: now + entry.left for entry in ledger.open if entry.left and entry.owner != self._nonce}
        self._drains_until = draining | self._drains_until
        return frozenset(key for key, until in self._drains_until.items() if until <= now)

    def missed(self, ledger: Ledger, wall: datetime) -> int:
        """How many ticks are due and undecided in this ledger."""
        return missed(ledger, self._table, wall)

    # ------------------------------------------------------------------ what an accepted write means

    def landed(self, draft: object, ledger: Ledger, now: float) -> None:
        """Take the plan's claims in hand and start them; tell what it decided and recorded."""
        opens_term = isinstance(draft, _Draft) and self._first_of_term
        with self._lock:
            if isinstance(draft, _Draft):
                self._commit(draft, now)
            self._let_go_of_what_is_not_ours(ledger)
            self._claiming = False  # they landed, or never will
            orders = self._orders(now)
        for order in orders:
            self._start(order)
        if isinstance(draft, _Draft) and opens_term and not self._leaving:
            # Only now, because bringing in the engine takes a while, and what was missed has waited long enough.
            self._crew.bell.arm(self._table, draft.as_of)
        self._note_idleness()

    def _start(self, order: RunOrder) -> None:
        """Hand the run to its runner; one that cannot even do that has failed, and harms no other run."""
        try:
            self._crew.runner.start(order)
        except Exception as error:  # noqa: BLE001  # out of threads or descriptors, say; told in the run's final line
            message = f"{type(error).__name__}: {error}"
            self.heard(RunEnded(order.key, "failed", took_ms=0, reason="crashed", error=message))

    def _commit(self, draft: _Draft, now: float) -> None:
        made = draft.plan
        self._first_of_term, self._undecided = False, made.undecided
        if self._rang_at is not None and self._rang_at <= draft.made_at:
            self._rang_at = None
        for fate in made.fates:
            self._runs.drop(attempt_key(fate.job, fate.first, fate.attempt))
            self._lines.decided(fate)
        self._commit_ends(draft, now)
        for claim in made.claims:
            run = self._runs.claim(claim, self._table.jobs[claim.entry.job])
            if claim.cause == "rerun":
                self._lines.rerun(run)

    def _commit_ends(self, draft: _Draft, now: float) -> None:
        made = draft.plan
        for entry in made.ended:
            run = self._runs.drop(entry.key)
            if run and not run.told:
                self._lines.ended(run)
        for entry in made.failed:
            run = self._runs.get(entry.key)
            if run:
                self._lines.retrying(run, run.wait_for_retry(entry, now))
        if made.ended or made.failed:
            self._ends_written_at = self._ends_written_at if made.claims else now
        if self._end_seen_at <= draft.made_at:  # an end heard of since then is not in this plan
            self._end_seen_at = now if self._runs.to_record else NEVER

    def _let_go_of_what_is_not_ours(self, ledger: Ledger) -> None:
        """Rule 15: what the ledger does not list as ours can be neither started nor recorded any more."""
        for run in self._runs.keep_only(ledger.open, self._nonce):
            self._tell_unrecorded(run)

    def _orders(self, now: float) -> list[RunOrder]:
        """Orders for the runs that are claimed and were not started yet (rule 21)."""
        if self._term is None or self._killing or not self._gate.is_open(now):
            return []
        ready = [run for run in self._runs if run.state is State.UNSTARTED]
        for run in ready:
            run.state = State.ALIVE
        return [self._order(run, self._term) for run in ready]

    def _order(self, run: HeldRun, term: Term) -> RunOrder:
        timeout = run.job.policy.timeout
        return RunOrder(
            key=run.entry.key,
            job=run.entry.job,
            run=run.entry.run,
            tick=run.entry.tick,
            attempt=run.entry.attempt,
            term=term.number,
            fence=term.fence,
            action=run.job.action,
            timeout_s=timeout.total_seconds() if timeout else None,
            exclusive=run.job.exclusive,
        )

    # ------------------------------------------------------------------ what the election says

    def trusted(self, gate: Gate, exclusive_until: float) -> None:
        """Pass the gate on to the runners, who ask it again as each run's first statement."""
        with self._lock:
            if gate == self._gate:
                return
            self._gate = gate
        if gate != SHUT:
            self._crew.runner.trust(gate.shuts_at, exclusive_until)
        elif self._term:  # another holder was sighted, or the release is about to be sent
            self._crew.runner.trust(0.0, exclusive_until)

    def acquired(self, news: Acquired, wall: datetime) -> None:
        """Begin a term: adopt our own runs that the ledger still lists, and tell the schedule."""
        with self._lock:
            if self._term is None:  # a leader that made a deleted Lease anew has led all the time
                self._lead_since = wall
            self._term, self._first_of_term = news.term, True
            self._drains_until = {}
            self._lines.term, self._lines.previous = news.term.number, news.previous
            self._let_go_of_what_is_not_ours(news.inherited)
        self._crew.on_lead(news)
        if news.repeats:
            for did in news.inherited.did:
                self._lines.repeat(did)

    def suspended(self) -> None:
        """Pause the engine until the lead is proven again; the runners' own deadlines go on."""
        self._crew.bell.disarm()
        self._note_idleness()

    def resumed(self, wall: datetime) -> None:
        """Go on in the same term; what fell due meanwhile was missed."""
        with self._lock:
            self._lead_since, self._rang_at = wall, self._clock.boot()
        self._crew.bell.arm(self._table, wall)

    def lost(self) -> None:
        """Rule 12: gate shut, nothing new, exclusive runs killed, engine emptied."""
        self._crew.bell.disarm()
        with self._lock:
            self._term, self._gate = None, SHUT
            self._first_of_term = self._undecided = self._claiming = False
            self._rang_at = None
        self._crew.runner.kill_exclusive()
        self.tell_unrecorded()
        self._note_idleness()

    # ------------------------------------------------------------------ what the alarm and the runners say

    def ring(self, fell_due: bool) -> None:  # noqa: FBT001  # the alarm's callback: its one fact
        """Want a write if something fell due; every ring also looks whether the wall clock was set."""
        self._notice_clock_step()
        if fell_due:
            with self._lock:
                self._rang_at = self._clock.boot() if self._term else None
            self._crew.wake()

    def _notice_clock_step(self) -> None:
        ahead = self._clock.wall().timestamp() - self._clock.boot()
        if self._wall_ahead_of_boot is not None and abs(ahead - self._wall_ahead_of_boot) > CLOCK_STEP.total_seconds():
            self._tell("clock.stepped", step_ms=round((ahead - self._wall_ahead_of_boot) * 1000))
        self._wall_ahead_of_boot = ahead

    def heard(self, news: RunNews) -> None:
        """Take note of what a runner reports."""
        with self._lock:
            run = self._runs.get(news.key)
            if run and isinstance(news, RunEnded):
                self._end(run, news)
        if run and isinstance(news, RunStarted):
            run.started_at = news.at
            self._lines.started(run)
        elif run and isinstance(news, RunOutput):
            self._lines.output(run, news)

    def _end(self, run: HeldRun, ended: RunEnded) -> None:
        run.end(ended)
        if ended.outcome == "gate_shut":
            self._crew.wake()
            return
        self._drained += self._leaving
        if self._term is None:
            self._tell_unrecorded(run)
        elif self._end_seen_at == NEVER:
            self._end_seen_at = self._clock.boot()
            self._crew.wake()  # the others' ends share the write of the first
        self._note_idleness()

    def _tell_unrecorded(self, run: HeldRun) -> None:
        if run.state is State.ENDED and not run.told:
            run.told = True
            self._lines.ended(run, recorded=False)

    # ------------------------------------------------------------------ leaving

    def leave(self) -> None:
        """Claim nothing more; let what runs end and have the ends recorded (rule 32)."""
        with self._lock:
            self._leaving = True
        self._crew.bell.disarm()
        self._crew.wake()
        self._note_idleness()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until nothing runs and no end is left to record; False when that took too long."""
        return self._idle.wait(timeout_s)

    def kill_all(self) -> None:
        """End what is still running and can be ended; each such run stays open in the ledger, as interrupted."""
        with self._lock:
            self._killing = True
            alive = [run.entry.key for run in self._runs if run.state is State.ALIVE]
        for key in alive:
            self._crew.runner.kill(key)

    def tell_unrecorded(self) -> None:
        """Tell the ends that could not be recorded before the end of the lead, or of this process."""
        with self._lock:
            for run in self._runs:
                self._tell_unrecorded(run)

    def _note_idleness(self) -> None:
        if not self._leaving:
            return
        with self._lock:
            to_record = self._term is not None and self._runs.to_record  # killed ones stay open
            claiming = self._claiming and self.gate_is_open()  # if it is shut, they are the successor's
            if not (self.running or to_record or claiming):
                self._idle.set()

"""From a due tick to its final line: what happens on the leader between the alarm and the log.

    alarm rings ──► a write is wanted ──► draft: the core plans over the last ledger ──► the campaign sends it
                                                                                              │ accepted
    final line ◄── recorded by a write ◄── ended ◄── runner ◄── started ◄── claims taken in hand ◄┘

Nothing starts that an accepted write does not entitle to start, and nothing reads as over before an accepted write says
so. The gate is asked twice: here when a run is handed to its runner, and by the runner as the run's first statement.

Four threads come by: the campaign's (everything in the `Work` port), the alarm's (`ring`), the runners' (`heard`) and
the main one, which ends it all (`leave` and what follows). One lock guards the runs, never held as a runner is called.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from scheduler.core.claims.plan import missed, plan
from scheduler.core.claims.planning import Situation, State, claim_ahead
from scheduler.core.job import Job, JobTable, Overlap
from scheduler.core.ledger import Did, Ledger, WriteId
from scheduler.core.moves import SHUT, Acquired, Gate, Seen, Term, Timings
from scheduler.core.notes.commands import COMMAND, pauses_in
from scheduler.core.ports import Clock, Ring, RunEnded, RunNews, RunOrder, RunOutput, RunStarted, Tell
from scheduler.core.work import NEVER
from scheduler.running.capacity import Capacity
from scheduler.running.crew import Crew, Engine
from scheduler.running.foreign import ForeignRuns
from scheduler.running.held import HeldRun, HeldRuns
from scheduler.running.leaving import Leaving, Report
from scheduler.running.lines import RunLines
from scheduler.running.pulse import ClaimTime, Pulse
from scheduler.running.record import Recorder
from scheduler.running.wanted import Planned, Wanted


class Dispatch:
    """The leader's ticks and runs; the other side of the `Work` port."""

    def __init__(self, table: JobTable, nonce: str, timings: Timings, clock: Clock, tell: Tell) -> None:
        self._table = table
        self._nonce = nonce
        self._clock = clock
        self._tell = tell
        self._longest_ahead = timedelta(seconds=timings.lease_duration_s / 10)
        self._claim_time = ClaimTime(self._longest_ahead)
        self._pulse = Pulse(timings.renew_deadline_s)
        self._lines = RunLines(tell, table)
        self._lock = threading.RLock()
        self._runs = HeldRuns()
        self._wanted = Wanted()
        self._record = Recorder(table, self._runs, self._lines, tell)
        self._leaving = Leaving(nonce)
        self._term: Term | None = None
        self._gate = SHUT
        self._lead_since = clock.wall()
        self._open_seen: tuple[object, ...] = ()
        self._foreign = ForeignRuns(table, nonce)
        self._capacity = Capacity(tell, table.max_parallel)

    def employ(self, crew: Crew) -> None:
        """Set to work; called once, before anything else, by whoever constructs both sides."""
        self._crew = crew
        self._engine = Engine(crew.bell, self._pulse)

    # ------------------------------------------------------------------ what a write should say

    @property
    def running(self) -> int:
        """Runs under way, or about to be: once the lead is lost, a claim that was not started is nothing any more."""
        with self._lock:
            return self._runs.alive + (self._runs.unstarted if self._term else 0)

    @property
    def leaving(self) -> Leaving:
        """How far this replica has got with leaving, to be waited for."""
        return self._leaving

    @property
    def drained(self) -> int:
        """Runs that ended since this replica began to leave."""
        return self._leaving.drained

    def gate_is_open(self) -> bool:
        """Whether a run may start at this very moment; asked by runs that have no process of their own."""
        return self._gate.is_open(self._clock.boot())

    def ahead_of(self, job: Job) -> timedelta:
        """How long before its due instant a tick of this job is to be claimed (rule 23)."""
        return claim_ahead(job, self._claim_time.ahead, self._longest_ahead)

    def lives(self, now: float) -> bool:
        """Whether the alarm does; a leader without one must not renew."""
        return self._pulse.lives(now)

    def wanted_at(self, now: float) -> float:
        """Claims at once; ends shortly after, together, and not more than once a second unless ticks wait for them."""
        with self._lock:
            if self._leaving.released:
                return now if self._runs.to_report else NEVER
            if not self._gate.is_open(now):
                return self._gate.opens_at if now < self._gate.opens_at < self._gate.shuts_at else NEVER
            if self._wanted.at_once or (self._wanted.claiming and self._leaving.began):
                return now
            retry_at = self._retry_at()
            if not self._runs and retry_at == NEVER:
                return NEVER
            return self._wanted.not_in_vain(min(self._record_ends_at(), retry_at))

    def _retry_at(self) -> float:
        """When the next retry may start; while no slot is free, it is an end that makes a write wanted."""
        can_start = not self._leaving.began and self.running < self._table.max_parallel
        return min(self._runs.next_retry_at, self._foreign.next_retry_at) if can_start else NEVER

    def _record_ends_at(self) -> float:
        if self._runs.to_repeat and not self._leaving.began:
            return self._wanted.end_seen_at
        return self._wanted.record_ends_at(hurried=self._leaving.began) if self._runs.to_record else NEVER

    def draft(self, base: Seen, now: float, wall: datetime) -> Planned | None:
        """Plan over `base`, or only renew while the gate is shut; `leave` must know that claims are on their way."""
        with self._lock:
            if self._term is None or base.ledger is None or not self._gate.is_open(now):
                return None
            situation = self._situation(base, base.ledger, now, wall)
            claiming, self._wanted.claiming = self._wanted.claiming, True  # for `leave`, while the plan is made
        made = plan(base.ledger, situation)
        with self._lock:
            self._wanted.claiming = claiming or bool(made.claims)
            self._runs.decline(made.declined)
        self._note_idleness()
        return Planned(made, now, wall, situation.ahead)

    def farewell(self, base: Seen, now: float, wall: datetime) -> Planned:
        """The last ledger of the term: ends recorded, and what still runs with the time that it has left."""
        with self._lock:
            ledger = base.ledger or Ledger(WriteId(0, self._nonce))
            situation = self._situation(base, ledger, now, wall)
            made = self._leaving.parting(plan(ledger, situation), self._runs, now)
            return Planned(made, now, wall, situation.ahead)

    def _situation(self, base: Seen, ledger: Ledger, now: float, wall: datetime) -> Situation:
        self._foreign.see(ledger.open, now)
        return Situation(
            table=self._table,
            nonce=self._nonce,
            now=wall,
            lead_since=self._lead_since,
            slots=self._table.max_parallel - self.running,
            held=self._runs.for_plan(now),
            overdue=self._foreign.overdue,
            resting=self._foreign.resting,
            starved=self._capacity.starved(now),
            notes=base.record.notes,
            ahead=self._claim_time.ahead,
            longest_ahead=self._longest_ahead,
            first_of_term=self._wanted.opens_term,
            leaving=self._leaving.began,
        )

    def report(self, base: Seen) -> Report | None:
        """What to write about the runs that ended since the release; those that nobody asks for are let go of."""
        with self._lock:
            made = self._leaving.report(base, self._runs, self._clock.boot())
            told = made.runs if made else ()
            self._record.let_go(run for run in self._runs if run.is_over and run not in told)
        self._note_idleness()
        return made

    def missed(self, news: Acquired, wall: datetime) -> int:
        """How many ticks are due and undecided in the ledger that was inherited."""
        return missed(news.inherited, self._table, wall, pauses_in(news.notes))

    # ------------------------------------------------------------------ what an accepted write means

    def landed(self, draft: object, ledger: Ledger, now: float) -> None:
        """Take the plan's claims in hand and start them; tell what it decided and recorded."""
        with self._lock:
            opens_term = isinstance(draft, Planned) and self._wanted.opens_term
            if isinstance(draft, Planned):
                self._commit(draft, now)
            elif isinstance(draft, Report):
                self._record.enter_report(draft, now)
            if self._term:
                self._record.let_go(self._runs.keep_only(ledger.open, self._nonce))  # rule 15
            self._wanted.claiming = False  # they landed, or never will
            self._open_seen = ledger.open
        self._make_way(draft)
        self._start_what_may(now)
        if isinstance(draft, Planned) and opens_term:
            # Only now, because bringing in the engine takes a while, and what was missed has waited long enough.
            self._engine.arm(self._table, draft.as_of)
        self._note_idleness()

    def spared(self, draft: object, now: float) -> None:
        """Take note that `draft` would change nothing, and so was not written."""
        if isinstance(draft, Planned):
            with self._lock:
                self._wanted.planned(draft)
                self._wanted.recorded(draft.made_at, now, more=self._runs.to_record)
                self._wanted.rest(now)
                self._wanted.claiming = False
                self._capacity.note(draft.plan, draft.as_of, now)
            self._note_idleness()

    def _commit(self, draft: Planned, now: float) -> None:
        made = draft.plan
        self._claim_time.note(now - draft.made_at)
        self._wanted.planned(draft)
        for run in self._record.enter(made, now):
            if self._term:
                run.order(self._term)  # so that nothing but handing it over is left to do when it is due
        self._wanted.wrote(now, ends_alone=bool(made.ended or made.failed) and not made.claims)
        self._wanted.recorded(draft.made_at, now, more=self._runs.to_record)
        self._capacity.note(made, draft.as_of, now)

    def _make_way(self, draft: object) -> None:
        """Have the runs end that a claimed one is to replace (rule 25)."""
        if isinstance(draft, Planned):
            with self._lock:
                in_the_way = [key for claim in draft.plan.claims for key in self._runs.replaced_by(claim.entry)]
            for key in in_the_way:
                self._crew.runner.stop(key)

    def _start_what_may(self, now: float) -> None:
        """Start the runs that are claimed and due and were not started yet (rule 21)."""
        with self._lock:
            term = self._term
            if term is None or self._leaving.killing or not self._gate.is_open(now):
                return
            ready = self._runs.startable(self._clock.wall())
            for run in ready:
                run.state = State.ALIVE
        for run in ready:
            self._start(run.order(term))

    def _start(self, order: RunOrder) -> None:
        """Hand the run to its runner; one that cannot even do that has failed, and harms no other run."""
        try:
            self._crew.runner.start(order)
        except Exception as error:  # noqa: BLE001  # out of threads or descriptors, say; told in the run's final line
            self.heard(RunEnded(order.key, "failed", 0, "crashed", f"{type(error).__name__}: {error}"))

    # ------------------------------------------------------------------ what the election says

    def trusted(self, gate: Gate, exclusive_until: float) -> None:
        """Pass the gate on to the runners, who ask it again as each run's first statement."""
        with self._lock:
            if gate == self._gate or self._leaving.released:
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
            self._term = news.term
            self._wanted.begin_term()
            self._foreign.forget()
            self._lines.term, self._lines.previous = news.term.number, news.previous
            self._record.let_go(self._runs.keep_only(news.inherited.open, self._nonce))  # rule 15
        self._crew.on_lead(news)
        for did in news.inherited.did if news.repeats else ():
            self._lines.repeat(did)

    def edited(self, base: Seen, reported: tuple[Did, ...]) -> None:
        """Tell what a leaver reported, and plan anew if anything came in that bears on the plan."""
        for did in reported:
            self._lines.repeat(did)
        with self._lock:
            is_news = base.ledger is not None and base.ledger.open != self._open_seen
            if is_news or any(key.startswith(COMMAND) for key in base.record.notes):
                self._wanted.ring(self._clock.boot())

    def suspended(self) -> None:
        """Pause the engine until the lead is proven again; the runners' own deadlines go on."""
        self._engine.disarm()
        self._note_idleness()

    def resumed(self, wall: datetime) -> None:
        """Go on in the same term; what fell due meanwhile was missed."""
        with self._lock:
            self._lead_since = wall
            self._wanted.ring(self._clock.boot())
        self._engine.arm(self._table, wall)

    def released(self) -> None:
        """Rule 34: what still runs may go on for the time that the release left it; what did not start is not ours."""
        self._engine.disarm()
        with self._lock:
            self._term, self._gate, self._leaving.released = None, SHUT, True
            self._wanted.forget()
            self._leaving.give_up_what_never_began(self._runs)
            self._record.let_go(run for run in self._runs if run.state is not State.ALIVE and not run.is_over)
        self._crew.runner.trust(0.0, self._leaving.until)
        self.let_go()
        self._note_idleness()

    def lost(self) -> None:
        """Rule 12: gate shut, nothing new, exclusive runs killed, engine emptied."""
        with self._lock:
            self._term, self._gate = None, SHUT
            self._wanted.forget()
        self._crew.runner.kill_exclusive()
        self.let_go()
        self._engine.disarm()  # after that, for an engine that hangs keeps whoever empties it waiting for a while
        self.tell_unrecorded()
        self._note_idleness()

    def let_go(self) -> None:
        """Follow no longer what goes on without us: its entry stays open, and whoever leads takes it up."""
        with self._lock:
            outliving = [self._runs.drop(run.entry.key) for run in self._runs.outliving]
        for run in filter(None, outliving):
            self._crew.runner.let_go(run.entry.key)

    # ------------------------------------------------------------------ what the alarm and the runners say

    def ring(self, ring: Ring) -> None:
        """Start what was claimed for this moment, and want a write for what was not; look whether the clock was set."""
        now = self._clock.boot()
        self._pulse.beat()
        if step_ms := self._pulse.clock_step_ms(now, self._clock.wall()):
            self._tell("clock.stepped", step_ms=step_ms)
        self._start_what_may(now)
        with self._lock:
            news = self._wanted.fell_due(ring.due, self._clock.wall()) or ring.claimable
            wanted = news and self._term is not None and not self._leaving.began
            if wanted:
                self._wanted.ring(now)
        if wanted:
            self._crew.wake()

    def heard(self, news: RunNews) -> None:
        """Take note of what a runner reports."""
        with self._lock:
            run = self._runs.get(news.key)
            if run and isinstance(news, RunEnded):
                self._end(run, news)
        if run and isinstance(news, RunStarted):
            run.started_at = news.at
            self._lines.started(run)
            self._note_idleness()
        elif run and isinstance(news, RunOutput):
            self._lines.output(run, news)
        elif run and run.job.policy.overlap is Overlap.REPLACE:
            self._start_what_may(self._clock.boot())

    def _end(self, run: HeldRun, ended: RunEnded) -> None:
        run.end(ended)
        if run.state is State.UNSTARTED:
            self._crew.wake()
            if not self._leaving.released:
                return
            run.state = State.KILLED  # never by us, then, and the new leader need not wait for it
        self._leaving.drained += self._leaving.began
        if self._term is None and not self._leaving.released:
            self._record.tell_unrecorded(run)
        elif self._wanted.see_end(self._clock.boot()) or self._leaving.released:
            self._crew.wake()  # the others' ends share the write of the first
        self._note_idleness()

    # ------------------------------------------------------------------ leaving

    def leave(self, drain_s: float) -> None:
        """Claim nothing more; what runs has so many seconds to end, and what is claimed starts (rule 32)."""
        with self._lock:
            self._leaving.begin(self._clock.boot(), drain_s)
        self._crew.wake()
        self._note_idleness()

    def kill_all(self) -> None:
        """End what still runs, but for what goes on without us; each such run stays open in the ledger: interrupted."""
        with self._lock:
            self._leaving.killing = True
            alive = [run.entry.key for run in self._runs if run.state is State.ALIVE and not run.outlives_us]
        for key in alive:
            self._crew.runner.kill(key)
        self._note_idleness()

    def tell_unrecorded(self) -> None:
        """Tell the ends that could not be recorded before the end of the lead, or of this process."""
        with self._lock:
            for run in self._runs:
                self._record.tell_unrecorded(run)

    def _note_idleness(self) -> None:
        if not self._leaving.began:
            return
        with self._lock:
            claiming = self._wanted.claiming and self.gate_is_open()  # if it is shut, they are the successor's
            self._leaving.note(self._runs, self._clock.boot(), claiming=claiming, leads=self._term is not None)

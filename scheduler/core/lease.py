"""The election, as a machine that is told what was seen and says what to do next. It does no I/O and reads no clock.

          nothing read yet
                 │
                 ▼        released, or unchanged for its whole duration: ACQUIRE
      ┌───► standing by ──────────────────────────────────────────────────────────┐
      │          │ no Lease: CREATE, which grants nothing                         │
      │          ▼                                                                ▼
      │      stub of ours ────────────────────── GRANT ──────────────────────► leading ─┐ RENEW: one write for
      │          ▲                                                              │ │ ▲   │ trust, claims and ends
      │          └──────── Lease deleted inside the trust: CREATE ──────────────┘ │ └───┘
      └──────── another holder, ledger gone, deleted and the trust is over, ──────┤
                the scheduler stalled                                             │ RELEASE, the gate shut before
                                                                                  ▼
                                                    done ◄───────────────── released ─┐ REPORT: a run of ours ended
                                                                                  ▲   │ after the release
                                                                                  └───┘

Leading is not yet a right to act. That is the *gate*: open for `renew_deadline` from the moment at which the last
accepted write was *sent*, closed by the mere passing of time. A leader whose gate has closed stays the leader of its
term until the Lease shows somebody else: the compare-and-swap of its next accepted write proves that nobody led in
between.

A write that was refused or not answered may have landed all the same, so nothing is believed of it until the Lease has
been read. The Lease names the write that made it (`w`), and every attempt to write has a name of its own.

Rule numbers are the protocol's. Times called `now` are boot seconds, `wall` is an instant in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from scheduler.core.election.creation import Creation, grounds
from scheduler.core.election.lead import Lead, Leadership
from scheduler.core.election.reporter import Reporter
from scheduler.core.election.standing import Memory, Onlooker, Requests, Unresolved, Vigil
from scheduler.core.election.writes import Pen, written_back
from scheduler.core.ledger import Ledger
from scheduler.core.moves import (
    FOREVER,
    SHUT,
    Acquired,
    Attempt,
    Candidate,
    Done,
    Gate,
    Kind,
    LedgerLost,
    Move,
    News,
    Read,
    Seen,
    Term,
    Wait,
    Write,
)
from scheduler.core.ports import LeaseRecord
from scheduler.core.views.outlook import Outlook, outlook_of
from scheduler.core.work import Draft


class Election:
    """The state machine. Its driver makes one move at a time and reports the outcome before it asks for the next.

    `random` gives numbers in [0, 1), for jitter. News is collected by `take_news`, in the order in which it happened.
    """

    def __init__(self, me: Candidate, random: Callable[[], float]) -> None:
        self.me = me
        self._random = random
        self._news: list[News] = []
        self._memory = Memory()
        self._leadership = Leadership(me, self._news.append)
        self._base: Seen | None = None
        self._vigil = Vigil(me, random)
        self._creation: Creation | None = None
        self._unresolved = Unresolved()
        self._requests = Requests(me.timings.retry_period_s, random)
        self._onlooker = Onlooker(self._news.append)
        self._reporter: Reporter | None = None
        self._stopping = self._reporting = self._done = False

    # ------------------------------------------------------------------ what to do

    def next_move(self, now: float, work_at: float = FOREVER) -> Move:
        """What to do now. `work_at` is when a write is wanted for the sake of ticks or reports, be it in the past."""
        self._notice_lapse(now)
        if self._done:
            return Done()
        if self._reporter:
            return self._reporter.next_move(now, work_at)
        if self._stopping and self._lead is None and not self._unresolved:
            return Done()
        ready_at = self._requests.ready_at(now)
        if now < ready_at:
            return Wait(min(ready_at, self._lapse_at()))
        return Read() if self._requests.must_read else self._write_or_wait(now, work_at)

    def _write_or_wait(self, now: float, work_at: float) -> Move:
        if self._stub_is_ours():
            return Write(Kind.GRANT)
        if self._stopping:
            return self._leave(now)
        if self._vigil.finds_nothing or self._base is None:
            create_at = now if self._lead else self._vigil.create_at(ever_seen=self._base is not None)
            return self._at(create_at, Kind.CREATE, now)
        if self._lead:
            return self._at(min(self._lead.renew_at, work_at), Kind.RENEW, now)
        if self._is_refused(self._base):
            return Wait(FOREVER)
        take_over_at = self._vigil.take_over_at(self._base, restored=self._memory.is_older(self._base))
        return self._at(take_over_at, Kind.ACQUIRE, now)

    def _at(self, start_at: float, kind: Kind, now: float) -> Move:
        return Write(kind) if now >= start_at else Wait(min(start_at, self._lapse_at()))

    def _leave(self, now: float) -> Move:
        """Release only what is ours, over the version last seen, and never inside a quiet start."""
        if self._vigil.finds_nothing:  # and is not made anew to be released
            self._leadership.lose("lease_deleted")
        if self._lead and now >= self._lead.quiet_end:
            return Write(Kind.RELEASE)
        self._done = True
        return Done()

    def timeout(self, now: float) -> float:
        """Seconds that a request may take: the retry period, clipped to what is left of the trust."""
        left = self.gate.shuts_at - now
        period = float(self.me.timings.retry_period_s)
        return max(0.1, min(period, left)) if left > 0 else period

    @property
    def gate(self) -> Gate:
        """When runs may start, as far as is known now (rule 6)."""
        return SHUT if self._stopping else self._leadership.gate

    @property
    def exclusive_until(self) -> float:
        """The boot second at which exclusive runs must be dead, if no further write is accepted (rule 11)."""
        return self._leadership.exclusive_until

    @property
    def _lead(self) -> Lead | None:
        return self._leadership.lead

    @property
    def term(self) -> Term | None:
        """The term this replica leads, gate open or not; None when it does not lead."""
        return self._lead.term if self._lead else None

    @property
    def base(self) -> Seen:
        """The version that the next write goes over."""
        base = self._reporter.base if self._reporter else self._base
        if base is None:
            raise RuntimeError("a write over a Lease that was never seen")
        return base

    @property
    def outlook(self) -> Outlook:
        """What is known of the Lease and of who leads; whether the gate is open at this moment is not in it."""
        after = self._reporter.shown if self._reporter else None
        base = after or (self._base if self._lead or not self._vigil.finds_nothing else None)
        return outlook_of(base, self.term, self._onlooker.leader, self._vigil.alive_at)

    def must_renew(self, now: float) -> bool:
        """Whether the lead itself wants a write, be there anything else to write or not."""
        return self._lead is None or now >= self._lead.renew_at

    @property
    def reports(self) -> bool:
        """Whether the Lease was released and what becomes of our last runs is still to be reported."""
        return self._reporter is not None and not self._done

    def take_news(self) -> list[News]:
        """The news since the last call."""
        news, self._news[:] = self._news[:], []
        return news

    def stop(self, *, reporting: bool = False) -> None:
        """Shut the gate for good, then release the Lease if it is ours (rule 33).

        With `reporting` it is not done then, if it led, but goes on to report what its last runs come to (rule 34),
        until it is told to stop without.
        """
        self._stopping, self._reporting = True, reporting
        self._done = self._done or (self._reporter is not None and not reporting)

    def resign(self, now: float) -> None:
        """Give up a lead that is of no use, because nothing would notice a due tick, and contend like everybody else.

        Nothing is written: the Lease expires, for us too. What was sent before may land still, without effect here.
        """
        self._leadership.lose("loop_stalled")
        self._unresolved.lose_the_lead()
        self._vigil.wait_anew(now)

    # ------------------------------------------------------------------ writing

    def compose(self, kind: Kind, now: float, wall: datetime, draft: Draft | None = None) -> Attempt:
        """Make the write of this kind over the last version seen; a renewal or a release says what `draft` wants.

        The attempt counts as sent from here: it stays unresolved until it is answered or the Lease has been read.
        """
        if self._reporter:
            return self._reporter.compose(draft, now)
        pen = Pen(self.me, self._memory.name_a_write(self.me.nonce), now, wall)
        match kind:
            case Kind.CREATE:
                self._creation = grounds(pen.written, self.me, now, self._base, self._lead)
                attempt = pen.create(self._creation)
            case Kind.GRANT:
                attempt = pen.grant(self.base, self._creation or Creation.anew(pen.written))
            case Kind.ACQUIRE:
                attempt = pen.acquire(self._memory.inheritance(self.base))
            case Kind.RENEW:
                attempt = pen.renew(self.base, draft)
            case _:
                attempt = pen.release(self.base, draft)
        self._unresolved.sent(attempt)
        return attempt

    # ------------------------------------------------------------------ what came of it

    def accepted(self, attempt: Attempt, record: LeaseRecord, now: float) -> None:
        """Take note that the store answered `attempt` with success; so late a grant is none before a GET (rule 8)."""
        if self._reporter:
            self._reporter.accepted(attempt)
            return
        self._requests.wrote()
        opens_term = attempt.kind in (Kind.GRANT, Kind.ACQUIRE)
        if opens_term and now > attempt.sent_at + self.me.timings.lease_duration_s:
            self._requests.must_read = True
        else:
            self._land(attempt, Seen.after(attempt, record), now)

    def failed(self, now: float) -> None:
        """Take note that a write was refused or not answered: only reading tells whether it landed (rule 3)."""
        (self._reporter or self._requests).failed_to_write(now)

    def unread(self, now: float) -> None:
        """Take note that the Lease could not be read."""
        (self._reporter or self._requests).failed_to_read(now)

    def has_nothing_to_report(self, now: float) -> None:
        """Take note that the report that was to be written over what was read would say nothing."""
        if self._reporter:
            self._reporter.has_nothing_to_report(now)

    def read(self, record: LeaseRecord | None, now: float) -> None:
        """Take note of what a plain GET returned."""
        if self._reporter:
            self._reporter.read(record, now)
            return
        self._requests.read()
        if record is None:
            self._find_nothing(now)
            return
        self._understand(Seen.of(record), now)

    def _understand(self, seen: Seen, now: float) -> None:
        if mine := self._unresolved.that_made(seen) or self._unresolved.that_left_runs(seen):
            self._land(mine, seen, now)
        elif self._base and (self._lead or self._creation) and seen.is_still(self._base, self.me):
            self._rebase(seen)
        elif self._base and self._leadership.is_trusted(now) and seen.is_former(self._base, self.me):
            self._rebase(written_back(self._base, seen), restores=True)
        else:
            self._leadership.lose_to(seen, self._base)
            self._follow(seen, now)

    def sighted(self, record: LeaseRecord | None, now: float) -> None:
        """Take note of what the watch shows, which may be old: a leader only ever believes a GET."""
        if self._reporter:
            self._reporter.sighted(record, now)
            return
        if self._lead and record:
            seen = Seen.of(record)
            is_news = self._leadership.glance(self._lead, seen, self.base, late=self._memory.is_older(seen))
            self._requests.must_read |= is_news
        elif self._creation or (self._requests.must_read and self._unresolved):
            if record and self._memory.glimpses(Seen.of(record), self._unresolved):
                self._vigil.wait_anew(now)
        elif record is None:
            self._requests.must_read |= self._base is not None
        else:
            self._see(Seen.of(record), now)

    def _see(self, seen: Seen, now: float) -> None:
        self._requests.must_read = self._memory.is_older(seen) or self._unresolved.that_made(seen) is not None
        if not self._requests.must_read:
            self._follow(seen, now)

    def _land(self, attempt: Attempt, seen: Seen, now: float) -> None:
        """The attempt was accepted."""
        self._requests.must_read = False
        self._vigil.wrote(attempt.sent_at)
        creation = self._creation_by(attempt, seen)
        predecessor, self._base = self._base, seen
        settled_before = self._memory.settled
        self._memory.keep(seen)
        match attempt.kind:
            case Kind.CREATE:
                self._creation = creation
            case Kind.GRANT | Kind.ACQUIRE:
                if attempt.quiet_until is not None and self._memory.settled:
                    self._leadership.lose("lease_deleted")
                    self._news.append(LedgerLost(settled_before, self._memory.settled))
                self._begin_term(attempt, seen, predecessor, now)
            case Kind.RENEW:
                self._leadership.go_on(attempt, seen, now)
            case Kind.RELEASE:
                self._finish(attempt)
        self._unresolved.landed(attempt)

    def _creation_by(self, attempt: Attempt, seen: Seen) -> Creation:
        """The grounds of a POST that landed: those it was sent on, unless it landed late, on the grave of a Lease.

        Then it stands for nothing, but a leader inside its trust brings its ledger back all the same (rule 28).
        """
        if self._creation and self._creation.written == attempt.written:
            return self._creation
        if self._lead:
            return grounds(attempt.written, self.me, attempt.sent_at, self._base, self._lead)
        return Creation.anew(attempt.written, seen.record.transitions)

    def _begin_term(self, attempt: Attempt, seen: Seen, predecessor: Seen | None, now: float) -> None:
        term = Term(seen.record.transitions + 1, seen.record.version)
        ledger = seen.ledger or Ledger(attempt.written)
        if attempt.kind is Kind.GRANT:
            cause = self._creation.cause if self._creation else "recreated"
            acquired = Acquired(term, cause, None, None, ledger, repeats=False, notes=seen.record.notes)
        else:
            released = predecessor is not None and not predecessor.record.holder
            repeats = attempt.inherits not in (None, self._unresolved.told)
            cause, gap_s = "released" if released else "expired", now - self._vigil.changed_at
            acquired = Acquired(term, cause, self._onlooker.leader, gap_s, ledger, repeats, seen.record.notes)
        self._leadership.begin(acquired, attempt)
        self._creation = None
        self._onlooker.is_led_by_us(self.me.name)

    def _rebase(self, seen: Seen, *, restores: bool = False) -> None:
        """Write again over what was read (rule 3b), or over what went back under us, to restore our own (rule 30)."""
        before, self._base = self.base, seen
        self._memory.keep(seen)
        self._vigil.absent_since = None
        self._unresolved.keep_over(seen)
        self._leadership.rebase(seen, before, restores=restores)

    def _find_nothing(self, now: float) -> None:
        """The Lease is gone: a leader inside its trust goes on and brings it back, all others wait (rule 28)."""
        self._unresolved.keep_over(None)
        self._creation = None
        if not self._leadership.is_trusted(now):
            self._leadership.lose("lease_deleted")
        self._vigil.miss(now)

    # ------------------------------------------------------------------ what others do

    def _follow(self, seen: Seen, now: float) -> None:
        self._memory.keep(seen)
        self._vigil.see(now, lives=self._base is None or self._base.heartbeat != seen.heartbeat)
        self._base, self._creation = seen, None
        self._unresolved.keep_over(seen)
        self._unresolved.lose_the_lead()
        if seen.record.holder and not seen.is_held_by(self.me) and not self._is_refused(seen):
            self._onlooker.is_led_by(seen.record)

    def _is_refused(self, seen: Seen) -> bool:
        """Whether the Lease is another program's, or a later version's, and so is left alone even when it expires."""
        foreign = self._memory.shows_another_program(seen.record) and not self.me.adopt
        if foreign or seen.newer_format is not None:
            self._onlooker.is_refused(seen)
            return True
        return False

    def _stub_is_ours(self) -> bool:
        """Whether the POST landed and the PUT that brings the ledger is still to come (rule 27)."""
        ledger = self._base.ledger if self._base else None
        return self._creation is not None and ledger is not None and ledger.is_stub and not self._vigil.finds_nothing

    # ------------------------------------------------------------------ lapsing, losing, leaving

    def _lapse_at(self) -> float:
        """When the trust will run out, if that is still to be noticed; a leader that stops has shut its gate."""
        return FOREVER if self._stopping else self._leadership.lapses_at

    def _notice_lapse(self, now: float) -> None:
        if now >= self._lapse_at() and self._vigil.finds_nothing:
            self._leadership.lose("lease_deleted")
        elif now >= self._lapse_at():
            self._leadership.suspend()

    def _finish(self, attempt: Attempt) -> None:
        if self._reporting and self._lead:
            self._reporter = Reporter(self._lead.term, self.me.timings.retry_period_s, self._random, self._news.append)
        self._leadership.release(attempt)
        self._done = not self._reporting

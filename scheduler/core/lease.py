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
      └──────── another holder, ledger gone, deleted and the trust is over ───────┤
                                                                                  │ RELEASE, the gate shut before
                                                                                  ▼
                                                                                 done

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
from dataclasses import replace
from datetime import datetime

from scheduler.core import writes
from scheduler.core.ledger import Ledger, WriteId
from scheduler.core.moves import (
    SHUT,
    Acquired,
    Attempt,
    Candidate,
    Done,
    Following,
    Gate,
    Kind,
    Landed,
    LedgerLost,
    Lost,
    Move,
    News,
    Read,
    Refused,
    Released,
    Resumed,
    Seen,
    Suspended,
    Term,
    Wait,
    Write,
)
from scheduler.core.ports import LeaseRecord
from scheduler.core.standing import Creation, Lead, Memory, Pace, Unresolved, Vigil

FOREVER = float("inf")
EXCLUSIVE_MARGIN_S = 1.0


class Election:
    """The state machine. Its driver makes one move at a time and reports the outcome before it asks for the next.

    `random` gives numbers in [0, 1), for jitter. News is collected by `take_news`, in the order in which it happened.
    """

    def __init__(self, me: Candidate, random: Callable[[], float]) -> None:
        self.me = me
        self._random = random
        self._news: list[News] = []
        self._memory = Memory()
        self._lead: Lead | None = None
        self._base: Seen | None = None
        self._vigil = Vigil(me, random)
        self._creation: Creation | None = None
        self._unresolved = Unresolved()
        self._must_read = True
        self._reads = Pace(me.timings.retry_period_s)
        self._writes = Pace(me.timings.retry_period_s)
        self._leader: str | None = None
        self._announced: Following | Refused | None = None
        self._stopping = False
        self._done = False

    # ------------------------------------------------------------------ what to do

    def next_move(self, now: float, work_at: float = FOREVER) -> Move:
        """What to do now. `work_at` is when a leader wants to write for its ticks' sake, be it in the past."""
        self._notice_lapse(now)
        if self._done or (self._stopping and self._lead is None and not self._unresolved):
            return Done()
        pace = self._reads if self._must_read else self._writes
        if now < pace.not_before:
            return Wait(min(pace.not_before, self._lapse_at()))
        return Read() if self._must_read else self._write_or_wait(now, work_at)

    def _write_or_wait(self, now: float, work_at: float) -> Move:
        if self._stopping:
            return self._leave(now)
        if self._stub_is_ours():
            return Write(Kind.GRANT)
        if self._vigil.finds_nothing or self._base is None:
            create_at = now if self._lead else self._vigil.create_at(ever_seen=self._memory.lease)
            return self._at(create_at, Kind.CREATE, now)
        if self._lead:
            return self._at(min(self._lead.sent_at + self.me.timings.renew_deadline_s / 2, work_at), Kind.RENEW, now)
        if self._is_refused(self._base):
            return Wait(FOREVER)
        return self._at(self._vigil.take_over_at(self._base), Kind.ACQUIRE, now)

    def _at(self, start_at: float, kind: Kind, now: float) -> Move:
        return Write(kind) if now >= start_at else Wait(min(start_at, self._lapse_at()))

    def _leave(self, now: float) -> Move:
        """Release only what is ours, over the version last seen, and never inside a quiet start."""
        if self._lead is None or self._vigil.finds_nothing or now < self._lead.quiet_end:
            self._done = True
            return Done()
        return Write(Kind.RELEASE)

    def timeout(self, now: float) -> float:
        """Seconds that a request may take: the retry period, clipped to what is left of the trust."""
        left = self.gate.shuts_at - now
        period = float(self.me.timings.retry_period_s)
        return max(0.1, min(period, left)) if left > 0 else period

    @property
    def gate(self) -> Gate:
        """When runs may start, as far as is known now (rule 6)."""
        lead = self._lead
        if lead is None or lead.foreign_seen or self._stopping:
            return SHUT
        return Gate(lead.quiet_end, self._trusted_until(lead))

    @property
    def exclusive_until(self) -> float:
        """The boot second at which exclusive runs must be dead, if no further write is accepted (rule 11)."""
        lead = self._lead
        return lead.sent_at + self.me.timings.lease_duration_s - EXCLUSIVE_MARGIN_S if lead else -FOREVER

    @property
    def term(self) -> Term | None:
        """The term this replica leads, gate open or not; None when it does not lead."""
        return self._lead.term if self._lead else None

    @property
    def ledger(self) -> Ledger | None:
        """The ledger of the version that the next write goes over."""
        return self._base.ledger if self._base else None

    def take_news(self) -> list[News]:
        """The news since the last call."""
        news, self._news = self._news, []
        return news

    def stop(self) -> None:
        """Shut the gate for good, then release the Lease if it is ours (rule 33)."""
        self._stopping = True

    # ------------------------------------------------------------------ writing

    def compose(
        self, kind: Kind, now: float, wall: datetime, ledger: Ledger | None = None, draft: object = None
    ) -> Attempt:
        """Make the write of this kind over the last version seen; a renewal carries `ledger` and the caller's `draft`.

        The attempt counts as sent from here: it stays unresolved until it is answered or the Lease has been read.
        """
        self._memory.number += 1
        written = WriteId(self._memory.number, self.me.nonce)
        match kind:
            case Kind.CREATE:
                self._creation = self._grounds(written, now)
                record = writes.stub(self.me, written, self._creation.transitions, wall)
                attempt = Attempt(kind, written, record, now)
            case Kind.RENEW:
                carried = ledger or replace(self._seen_lease().ledger or Ledger(written), did=())
                carried = carried.written_as(written)
                record = writes.renewal(self.me, self._seen_lease(), carried, wall)
                attempt = Attempt(kind, written, record, now, draft=draft, ledger=carried)
            case Kind.RELEASE:
                attempt = Attempt(kind, written, writes.release(self._seen_lease(), written, wall), now)
            case Kind.GRANT | Kind.ACQUIRE:
                attempt = self._opening(kind, written, now, wall)
        self._unresolved.sent(attempt)
        return attempt

    def _opening(self, kind: Kind, written: WriteId, now: float, wall: datetime) -> Attempt:
        """The write that begins a term: with the ledger as read, with our own, or quietly (rules 8, 28, 29)."""
        base, quiet_until = self._seen_lease(), None
        if kind is Kind.ACQUIRE:
            base = replace(base, record=writes.take_over(self.me, base, wall))
        ledger = self._ledger_to_bring(kind, written, now, wall)
        if ledger is None:
            ledger = writes.quiet_ledger(self.me, written, wall)
            quiet_until = now + self.me.timings.lease_duration_s
        return Attempt(kind, written, writes.renewal(self.me, base, ledger, wall), now, quiet_until)

    def _ledger_to_bring(self, kind: Kind, written: WriteId, now: float, wall: datetime) -> Ledger | None:
        creation, read = self._creation, self._seen_lease().ledger
        if kind is Kind.ACQUIRE:
            usable = read is not None and not read.is_stub and not self._memory.went_back(read)
            return read.written_as(written) if read and usable else None
        if creation is None or now >= creation.valid_until:
            return None
        return creation.ledger.written_as(written) if creation.ledger else writes.fresh_ledger(self.me, written, wall)

    def _grounds(self, written: WriteId, now: float) -> Creation:
        """On what grounds a missing Lease is made, which decides what the PUT after the POST may bring (rule 28)."""
        transitions = self._base.record.transitions + 1 if self._base else 0
        if self._lead and self._base:
            return Creation(written, "recreated", transitions, self._trusted_until(self._lead), self._base.ledger)
        if self._memory.lease:
            return Creation(written, "recreated", transitions, -FOREVER)
        valid_until = -FOREVER if self.me.quiet_start else now + self.me.timings.renew_deadline_s
        return Creation(written, "new", transitions, valid_until)

    def _seen_lease(self) -> Seen:
        if self._base is None:
            raise RuntimeError("a write over a Lease that was never seen")
        return self._base

    # ------------------------------------------------------------------ what came of it

    def accepted(self, attempt: Attempt, record: LeaseRecord, now: float) -> None:
        """Take note that the store answered `attempt` with success; so late a grant is none before a GET (rule 8)."""
        self._writes.succeed()
        opens_term = attempt.kind in (Kind.GRANT, Kind.ACQUIRE)
        if opens_term and now > attempt.sent_at + self.me.timings.lease_duration_s:
            self._must_read = True
        else:
            self._land(attempt, Seen.after(attempt, record), now)

    def failed(self, now: float) -> None:
        """Take note that a write was refused or not answered: only reading tells whether it landed (rule 3)."""
        self._must_read = True
        self._writes.fail(now, 1, self._random())

    def unread(self, now: float) -> None:
        """Take note that the Lease could not be read."""
        self._reads.fail(now, 0, self._random())

    def read(self, record: LeaseRecord | None, now: float) -> None:
        """Take note of what a plain GET returned."""
        self._must_read = False
        self._reads.succeed()
        if record is None:
            self._find_nothing(now)
            return
        seen = Seen.of(record)
        if mine := self._unresolved.that_made(seen):
            self._land(mine, seen, now)
        elif (self._lead or self._creation) and self._is_untouched(seen):
            self._rebase(seen)
        else:
            self._lose(self._loss(seen))
            self._follow(seen, now)

    def sighted(self, record: LeaseRecord | None, now: float) -> None:
        """Take note of what the watch shows, which may be old: a leader only ever believes a GET."""
        if self._lead and record:
            self._glance(self._lead, Seen.of(record))
        elif self._creation or (self._must_read and self._unresolved):
            return
        elif record is None:
            self._must_read = self._must_read or self._base is not None
        else:
            self._see(Seen.of(record), now)

    def _see(self, seen: Seen, now: float) -> None:
        if self._is_older(seen) or self._unresolved.that_made(seen):
            self._must_read = True
        else:
            self._must_read = False
            self._follow(seen, now)

    def _land(self, attempt: Attempt, seen: Seen, now: float) -> None:
        """The attempt was accepted."""
        self._unresolved.landed(attempt)
        self._must_read = False
        self._vigil.absent_since = None
        creation = self._creation_by(attempt, seen)
        predecessor, self._base = self._base, seen
        settled_before = self._memory.settled
        self._memory.keep(seen)
        match attempt.kind:
            case Kind.CREATE:
                self._creation = creation
            case Kind.GRANT | Kind.ACQUIRE:
                if attempt.quiet_until is not None and self._memory.settled:
                    self._lose("lease_deleted")
                    self._news.append(LedgerLost(settled_before, self._memory.settled))
                self._begin_term(attempt, seen, predecessor, now)
            case Kind.RENEW:
                self._go_on(attempt, seen, now)
            case Kind.RELEASE:
                self._finish()

    def _creation_by(self, attempt: Attempt, seen: Seen) -> Creation:
        """The grounds of a POST that landed: those it was sent on, unless it landed late, on the grave of a Lease.

        Then it stands for nothing, but a leader inside its trust brings its ledger back all the same (rule 28).
        """
        if self._creation and self._creation.written == attempt.written:
            return self._creation
        if self._lead:
            return self._grounds(attempt.written, attempt.sent_at)
        return Creation(attempt.written, "recreated", seen.record.transitions, -FOREVER)

    def _begin_term(self, attempt: Attempt, seen: Seen, predecessor: Seen | None, now: float) -> None:
        term = Term(seen.record.transitions + 1, seen.record.version)
        ledger = seen.ledger or Ledger(attempt.written)
        if attempt.kind is Kind.GRANT:
            cause = self._creation.cause if self._creation else "recreated"
            self._news.append(Acquired(term, cause, None, None, ledger, repeats=False))
        else:
            released = predecessor is not None and not predecessor.record.holder
            writer = predecessor.written if predecessor else None
            repeats = writer is not None and writer.nonce != self.me.nonce
            cause = "released" if released else "expired"
            self._news.append(Acquired(term, cause, self._leader, now - self._vigil.changed_at, ledger, repeats))
        quiet_end = self._lead.quiet_end if self._lead else -FOREVER
        self._lead = Lead(term, attempt.sent_at, max(quiet_end, attempt.quiet_until or -FOREVER))
        self._creation = self._announced = None
        self._leader = self.me.name

    def _go_on(self, attempt: Attempt, seen: Seen, now: float) -> None:
        lead = self._lead
        if lead is None or seen.ledger is None:
            raise RuntimeError("a renewal landed without a lead or without a ledger")
        lead.sent_at, lead.foreign_seen = attempt.sent_at, False
        if lead.suspended_at is not None and self.gate.is_open(now):
            self._news.append(Resumed(lead.term, now - lead.suspended_at))
            lead.suspended_at = None
        self._news.append(Landed(attempt, seen.ledger))

    def _is_untouched(self, seen: Seen) -> bool:
        """Whether nothing of ours landed and nobody took the Lease: other metadata was edited, or nothing (rule 3b)."""
        return self._base is not None and seen.written == self._base.written and seen.record.holder == self.me.name

    def _rebase(self, seen: Seen) -> None:
        """Write again over what was read."""
        self._base = seen
        self._unresolved.keep_over(seen)
        if self._lead:
            self._lead.foreign_seen = False

    def _loss(self, seen: Seen) -> str:
        """Why a leader that reads this does not lead any more (rules 3d and 3e)."""
        ours = seen.record.holder == self.me.name and (seen.written is None or seen.written.nonce == self.me.nonce)
        return "ledger_gone" if ours else "other_holder"

    def _find_nothing(self, now: float) -> None:
        """The Lease is gone: a leader inside its trust goes on and brings it back, all others wait (rule 28)."""
        self._unresolved.keep_over(None)
        self._creation = None
        if self._lead and (self._lead.foreign_seen or now >= self._trusted_until(self._lead)):
            self._lose("lease_deleted")
        self._vigil.miss(now)

    # ------------------------------------------------------------------ what others do

    def _follow(self, seen: Seen, now: float) -> None:
        self._memory.keep(seen)
        self._vigil.see(now, lives=self._base is None or self._base.heartbeat != seen.heartbeat)
        self._base, self._creation = seen, None
        self._unresolved.keep_over(seen)
        ours = seen.record.holder == self.me.name and seen.written is not None and seen.written.nonce == self.me.nonce
        if ours or not seen.record.holder or self._is_refused(seen):
            return
        self._announce_leader(seen.record.holder, seen.record.transitions + 1)
        self._leader = seen.record.holder

    def _announce_leader(self, leader: str, term: int) -> None:
        told = self._announced
        if not isinstance(told, Following):
            self._announce(Following(leader, term, None, first=True))
        elif (told.leader, told.term) != (leader, term):
            self._announce(Following(leader, term, told.leader, first=False))

    def _announce(self, news: Following | Refused) -> None:
        if news != self._announced:
            self._announced = news
            self._news.append(news)

    def _is_refused(self, seen: Seen) -> bool:
        """Whether the Lease is another program's, or a later version's, and so is left alone even when it expires."""
        record = seen.record
        foreign = bool(record.holder) and record.ledger is None and not self._memory.ledger and not self.me.adopt
        if foreign or seen.newer_format is not None:
            self._announce(Refused(record.holder, seen.newer_format))
            return True
        return False

    def _glance(self, lead: Lead, seen: Seen) -> None:
        """Shut the gate at the first sight of another holder, before a GET confirms it; ignore what is merely old."""
        if self._base and seen.record.version == self._base.record.version:
            return
        if seen.record.holder == self.me.name and seen.written and seen.written.nonce == self.me.nonce:
            return
        self._must_read = True
        lead.foreign_seen = lead.foreign_seen or not self._is_older(seen)

    def _is_older(self, seen: Seen) -> bool:
        base = self._base
        if base is None or base.written is None or seen.written is None:
            return False
        return seen.record.uid == base.record.uid and seen.written.number < base.written.number

    def _stub_is_ours(self) -> bool:
        """Whether the POST landed and the PUT that brings the ledger is still to come (rule 27)."""
        ledger = self._base.ledger if self._base else None
        return self._creation is not None and ledger is not None and ledger.is_stub and not self._vigil.finds_nothing

    # ------------------------------------------------------------------ lapsing, losing, leaving

    def _trusted_until(self, lead: Lead) -> float:
        return lead.sent_at + self.me.timings.renew_deadline_s

    def _lapse_at(self) -> float:
        """When the trust will run out, if that is still to be noticed; a leader that stops has shut its gate."""
        lead = self._lead
        if lead is None or lead.suspended_at is not None or self._stopping:
            return FOREVER
        return self._trusted_until(lead)

    def _notice_lapse(self, now: float) -> None:
        lead = self._lead
        if lead is None or now < self._lapse_at():
            return
        if self._vigil.finds_nothing:
            self._lose("lease_deleted")
            return
        lead.suspended_at = self._trusted_until(lead)
        self._news.append(Suspended(lead.term))

    def _lose(self, reason: str) -> None:
        if self._lead:
            self._news.append(Lost(self._lead.term, reason))
            self._announced = None
        self._lead = None

    def _finish(self) -> None:
        if self._lead:
            self._news.append(Released(self._lead.term))
        self._lead, self._done = None, True

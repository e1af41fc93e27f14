"""The campaign: drives the election with what the store answers, and hands its news to the log and to the dispatch.

One step at a time, without threads, waiting or I/O of its own: `next_step` says which request to make or how long to
wait, the caller makes it and reports what came of it. `loop.py` is the caller of every day; a simulation is another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from scheduler.core.election.skew import ClaimClock, skew_of
from scheduler.core.errors import Absent, Conflict, StoreError
from scheduler.core.lease import Election
from scheduler.core.moves import (
    SHUT,
    Acquired,
    Attempt,
    Done,
    Edited,
    Following,
    Gate,
    Kind,
    Landed,
    LedgerLost,
    Lost,
    News,
    Read,
    Refused,
    Released,
    Resumed,
    Suspended,
    Wait,
    Write,
)
from scheduler.core.ports import Clock, LeaseRecord, Tell
from scheduler.core.views.outlook import Outlook
from scheduler.core.work import NEVER, Work
from scheduler.leading.readiness import Readiness

Step = Wait | Read | Attempt | Done

FOREIGN_HINT = (
    "choose another lease.name, delete a left-over Lease, or contend for it on purpose: lease.adopt: true; "
    "until then it is left alone, even expired"
)
CLOCK_HINT = "no tick is claimed further ahead than that clock plus {:g} s; check NTP here and there"
NEWER_HINT = "its ledger has format {}, which a newer leasebeat wrote; upgrade this replica"


@dataclass(slots=True)
class _Outage:
    """Requests have failed since `since`; told of once. Of writes, it is not over because reading works."""

    since: float
    attempts: int = 0
    of_writes: bool = False


class Home(Protocol):
    """What the log says of the store, and what its clock says; a `LeaseStore` is one."""

    @property
    def place(self) -> str:
        """The store's name."""

    @property
    def server_time(self) -> datetime | None:
        """The store's wall clock as of its last answer; None where it has none of its own."""

    def log_command(self, holder: str) -> str | None:
        """The command that shows a holder's log, where there is one."""


class Bystander(Protocol):
    """Whoever draws conclusions from what is known of the Lease, without a part in the election."""

    def look(self, outlook: Outlook, now: float) -> None:
        """Take note of the outlook at boot second `now`: in the campaign's thread, at once, raising nothing."""


class Campaign:
    """One replica's contention for one Lease."""

    def __init__(self, election: Election, work: Work, clock: Clock, tell: Tell, home: Home) -> None:
        self._election = election
        self._work = work
        self._clock = clock
        self._tell = tell
        self._home = home
        self.readiness = Readiness()
        self._outage: _Outage | None = None
        self._skew = skew_of(election.me.timings.lease_duration_s)
        self._claim_clock = ClaimClock(self._skew)
        self._view: tuple[Outlook, Gate] = Outlook(), SHUT
        self._bystanders: tuple[Bystander, ...] = ()

    def accompany(self, *bystanders: Bystander) -> None:
        """Have these look on; called before the campaign begins."""
        self._bystanders = bystanders

    def next_step(self) -> Step:
        """Which request to make now, or how long to wait for something to be seen."""
        while True:
            now = self._clock.boot()
            writes = self._election.term is not None or self._election.reports
            move = self._election.next_move(now, self._work.wanted_at(now) if writes else NEVER)
            self._spread()
            if not isinstance(move, Write):
                return move
            if attempt := self._compose(move.kind, now):
                return attempt

    def _compose(self, kind: Kind, now: float) -> Attempt | None:
        """The write to make; None if there is none after all, because something has to be thought over first."""
        wall = self._wall(now)
        match kind:
            case Kind.RENEW:
                return self._renew(now, wall)
            case Kind.REPORT:
                return self._report(now, wall)
            case Kind.RELEASE:
                farewell = self._work.farewell(self._election.base, now, wall)
                return self._election.compose(kind, now, wall, farewell)
            case _:
                return self._election.compose(kind, now, wall)

    def _renew(self, now: float, wall: datetime) -> Attempt | None:
        if not self._work.lives(now):
            self._election.resign(now)
            return None
        draft = self._work.draft(self._election.base, now, wall)
        if draft and draft.vain and not self._election.must_renew(now):
            self._work.spared(draft, now)
            return None
        return self._election.compose(Kind.RENEW, now, wall, draft)

    def _report(self, now: float, wall: datetime) -> Attempt | None:
        draft = self._work.report(self._election.base)
        if draft is None:
            self._election.has_nothing_to_report(now)
            return None
        return self._election.compose(Kind.REPORT, now, wall, draft)

    def _wall(self, now: float) -> datetime:
        """The time to claim by: ours, but not if it is far ahead of the store's (rule 13)."""
        wall, was_ahead = self._clock.wall(), self._claim_clock.is_ahead
        bounded = self._claim_clock.bounded(wall, now)
        if self._claim_clock.is_ahead and not was_ahead:
            error = f"its clock is {self._claim_clock.ahead_s(wall, now)} s behind ours"
            hint = CLOCK_HINT.format(self._skew.total_seconds())
            self._tell("store.degraded", store=self._home.place, error=error, hint=hint)
        return bounded

    def _heard(self) -> None:
        """An answer came. A failed request need not be heard, for one that succeeds comes before the next claim."""
        self._claim_clock.hear(self._home.server_time, self._clock.boot())

    def outlook(self) -> Outlook:
        """What is known of the Lease by now; any thread may ask."""
        outlook, gate = self._view
        return replace(outlook, proven=True) if gate.is_open(self._clock.boot()) else outlook

    def timeout_s(self) -> float:
        """How long the next request may take."""
        return self._election.timeout(self._clock.boot())

    def found(self, record: LeaseRecord | None) -> None:
        """Take note of what a plain read returned."""
        self._heard()
        self._election.read(record, self._clock.boot())
        self._recover_by_reading()
        self.readiness.has_read()
        self._spread()

    def accepted(self, attempt: Attempt, record: LeaseRecord) -> None:
        """Take note that a write was answered with success."""
        self._heard()
        self._recover()
        self._election.accepted(attempt, record, self._clock.boot())
        self._spread()

    def failed(self, step: Read | Attempt, error: StoreError) -> None:
        """Take note that a request failed. Losing a race for the Lease is no outage, everything else is."""
        if isinstance(step, Read):
            self._election.unread(self._clock.boot())
        else:
            self._election.failed(self._clock.boot())
        if not isinstance(error, Conflict | Absent):
            self._note_outage(error, of_write=isinstance(step, Attempt))
        self._spread()

    def sighted(self, record: LeaseRecord | None) -> None:
        """Take note of what the watch shows; a standby, which seldom asks, learns from it that the store is back."""
        if self._election.term is None:
            self._recover_by_reading()
        self._election.sighted(record, self._clock.boot())
        self._spread()

    def stop(self, *, reporting: bool = False) -> None:
        """Shut the gate and release the Lease, if it is ours; with `reporting`, go on for the runs that are left."""
        self._election.stop(reporting=reporting)
        self._spread()

    # ------------------------------------------------------------------ news

    def _spread(self) -> None:
        """The gate first: whatever the news lets start must find it as it is, and whoever is told finds the outlook."""
        news = self._election.take_news()
        self._view = self._election.outlook, self._election.gate
        self._work.trusted(self._election.gate, self._election.exclusive_until)
        for item in news:
            self._spread_one(item)
        for bystander in self._bystanders:
            bystander.look(self._view[0], self._clock.boot())

    def _spread_one(self, news: News) -> None:
        match news:
            case Landed():
                self._work.landed(news.attempt.draft, news.ledger, self._clock.boot())
            case Acquired():
                self.readiness.found_its_place()
                self._acquired(news)
            case Lost():
                self._tell("lead.lost", term=news.term.number, reason=news.reason, running=self._work.running)
                self._work.lost()
            case Suspended():
                facts = {"reason": "renew_deadline", "running": self._work.running}
                self._tell("lead.suspended", term=news.term.number, **facts)
                self._work.suspended()
            case Resumed():
                self._tell("lead.resumed", term=news.term.number, took_ms=round(news.took_s * 1000))
                self._work.resumed(self._wall(self._clock.boot()))
            case Edited():
                self._work.edited(news.base, news.reported)
            case Released():
                self._released(news)
            case _:
                self._tell_of_others(news)

    def _acquired(self, news: Acquired) -> None:
        wall = self._wall(self._clock.boot())
        self._tell(
            "lead.acquired",
            term=news.term.number,
            fence=news.term.fence,
            cause=news.cause,
            previous=news.previous,
            gap_ms=None if news.gap_s is None else round(news.gap_s * 1000),
            missed=self._work.missed(news, wall),
        )
        self._work.acquired(news, wall)

    def _released(self, news: Released) -> None:
        """Told once the work knows of it: what it counts as running from then on is what drains."""
        self._work.released()
        left = {"draining": self._work.running} if self._work.running else {}
        self._tell("lead.released", term=news.term.number, drained=self._work.drained, **left)

    def _tell_of_others(self, news: Following | Refused | LedgerLost) -> None:
        if isinstance(news, Following):
            self.readiness.found_its_place()
        match news:
            case Following(first=True):
                log = self._home.log_command(news.leader)
                self._tell("lead.standby", leader=news.leader, term=news.term, log=log)
            case Following():
                self._tell("lead.observed", leader=news.leader, term=news.term, previous=news.previous)
            case Refused():
                hint = NEWER_HINT.format(news.ledger_format) if news.ledger_format else FOREIGN_HINT
                self.readiness.belongs_to_others(news.holder, hint)
                self._tell("lead.refused", holder=news.holder, hint=hint)
            case LedgerLost():
                self._tell("ledger.lost", **{"from": news.since, "to": news.until})

    # ------------------------------------------------------------------ outages

    def _note_outage(self, error: StoreError, *, of_write: bool) -> None:
        self.readiness.was_refused(error, of_write=of_write)
        now = self._clock.boot()
        if self._outage is None:
            self._outage = _Outage(since=now)
            trust_s = max(0.0, self._election.gate.shuts_at - now)
            trust_ms = round(trust_s * 1000) if self._election.term else None
            facts = {"error": str(error), "trust_ms": trust_ms, "hint": error.hint}
            self._tell("store.unavailable", store=self._home.place, **facts)
        self._outage.attempts += 1
        self._outage.of_writes = self._outage.of_writes or of_write

    def _recover_by_reading(self) -> None:
        """A leader whose writes fail has its outage until one succeeds, or until somebody else's have."""
        if self._outage and not (self._outage.of_writes and self._election.term):
            self._recover()

    def _recover(self) -> None:
        if self._outage:
            took_ms = round((self._clock.boot() - self._outage.since) * 1000)
            self._tell("store.recovered", store=self._home.place, took_ms=took_ms, attempts=self._outage.attempts)
            self._outage = None

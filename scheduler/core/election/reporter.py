"""After the release: what a replica that has left still writes about those of its runs that go on (rule 34).

The Lease is somebody else's by now, or soon. A report changes nothing of theirs: it takes a run that ended out of the
ledger and says what became of it, over whatever was read a moment ago. Whoever leads learns of it by the watch, or
because its own next write is refused, and goes on over it (rule 3b). A report that comes too late is no report: then
the ledger does not list the run any more.
"""

from __future__ import annotations

from collections.abc import Callable

from scheduler.core.election import writes
from scheduler.core.election.standing import Pace
from scheduler.core.ledger import Ledger
from scheduler.core.moves import FOREVER, Attempt, Kind, Landed, Lost, Move, News, Read, Seen, Term, Wait, Write
from scheduler.core.ports import LeaseRecord
from scheduler.core.work import Draft


class Reporter:
    """Reads, reports over what was read, and reads again if that was refused; `random` gives numbers in [0, 1).

    `base` is the Lease as just read, None when it must be read first, as it must be before every report. `shown` is
    the Lease as last heard of, for whoever wants to know who leads now.
    """

    def __init__(
        self, term: Term, retry_period_s: float, random: Callable[[], float], tell: Callable[[News], None]
    ) -> None:
        self.base: Seen | None = None
        self.shown: Seen | None = None
        self._term = term
        self._period_s = retry_period_s
        self._make_sure_at = FOREVER
        self._random = random
        self._tell = tell
        self._pace = Pace(retry_period_s)
        self._unanswered: Attempt | None = None

    def next_move(self, now: float, work_at: float) -> Move:
        """Nothing before a report is wanted, at `work_at`, or the Lease seems to be gone."""
        start_at = max(min(work_at, self._make_sure_at), self._pace.not_before)
        if now < start_at:
            return Wait(start_at)
        if now >= self._make_sure_at:
            return Read()
        return Write(Kind.REPORT) if self.base else Read()

    def compose(self, draft: Draft | None, now: float) -> Attempt:
        """The report over what was read. It has the name of the write it amends, for it has none of its own."""
        if self.base is None or draft is None:
            raise RuntimeError("a report that says nothing, or over a Lease that was not read")
        self._unanswered = writes.report(self.base, draft, now)
        return self._unanswered

    def has_nothing_to_report(self, now: float) -> None:
        """The Lease read lists none of our runs that ended; look again after a while, if a report is wanted still."""
        self.base, self._unanswered = None, None
        self._pace.rest(now)

    def accepted(self, attempt: Attempt) -> None:
        """Take note that the store answered with success."""
        self._pace.succeed()
        self._land(attempt)

    def failed_to_write(self, now: float) -> None:
        """Take note that a report was refused or not answered."""
        self.base = None
        self._pace.fail(now, 1, self._random())

    def failed_to_read(self, now: float) -> None:
        """Take note that the Lease could not be read."""
        self._pace.fail(now, 0, self._random())

    def sighted(self, record: LeaseRecord | None, now: float) -> None:
        """Take note of what the watch shows. A Lease that is gone may be brought back by its leader, so wait a while.

        If it is not, somebody else makes it anew, without a ledger, and would start our exclusive runs beside us.
        """
        self._make_sure_at = FOREVER if record else min(self._make_sure_at, now + self._period_s)
        self.shown = Seen.of(record) if record else self.shown

    def read(self, record: LeaseRecord | None, now: float) -> None:
        """Take note of what a plain GET returned: perhaps the report of which nobody knew whether it landed."""
        if record is None and now >= self._make_sure_at:
            self._tell(Lost(self._term, "lease_deleted"))
        self._make_sure_at = FOREVER
        self.shown = Seen.of(record) if record else self.shown
        seen, sent = (Seen.of(record) if record else None), self._unanswered
        if seen is None or seen.ledger is None:
            self.has_nothing_to_report(now)
        elif sent and seen.record.ledger == sent.record.ledger:
            self._land(sent)
        else:
            self.base, self._unanswered = seen, None

    def _land(self, attempt: Attempt) -> None:
        self.base, self._unanswered = None, None
        self._tell(Landed(attempt, attempt.ledger or Ledger(attempt.written)))

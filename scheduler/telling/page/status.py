"""How things stand, as one replica sees them: who leads, and what each job did, does and will do next.

`Status` puts together what lies in four places: the job table, what is known of the Lease, what the log said lately,
and the clocks. It runs in the health server's thread, in a process that has ticks to start, so asking again is cheap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from scheduler.core.ledger import Ledger
from scheduler.core.notes.commands import PAUSED, Pause, pauses_in
from scheduler.core.notes.tables import MOST_TABLES, other_tables
from scheduler.core.ports import Clock
from scheduler.core.views.lag import Lag
from scheduler.core.views.outlook import Outlook
from scheduler.telling.page.history import History
from scheduler.telling.page.job_statuses import JobStatuses
from scheduler.telling.page.overview import Identity, Leader, OtherTable, Overview
from scheduler.telling.values import instant_of

LONGEST_NAME = 253  # as Kubernetes has it
LONGEST_HASH = 64


class Status:
    """Looks at one replica; for one thread."""

    def __init__(self, me: Identity, outlook: Callable[[], Outlook], history: History, clock: Clock) -> None:
        self.me = me
        self._outlook = outlook
        self._history = history
        self._clock = clock
        self._lag = Lag(me.table)
        self._jobs = JobStatuses(me.table, history)
        self._pauses: tuple[str | None, Mapping[str, Pause]] = (None, {})

    @property
    def zone(self) -> str:
        """The zone of most jobs, which is the one that config.yaml names for all."""
        zones = Counter(job.zone for job in self.me.table.jobs.values()).most_common(1)
        return zones[0][0] if zones else "UTC"

    def overview(self) -> Overview:
        """How things stand now."""
        outlook, now = self._outlook(), self._clock.wall()
        leader = self._leader(outlook)
        leads = outlook.leads and leader is not None
        paused = self._paused(outlook.notes, now)
        return Overview(
            now=now,
            leads=leads,
            proven=leads and self._is_proven(outlook),
            leader=leader,
            last=None if leader else self._last(outlook),
            settled=outlook.ledger.settled if outlook.ledger else None,
            lag=self._lag_of(outlook.ledger, paused, now) if leads else None,
            others=_other_tables(outlook.notes),
            jobs=self._jobs.at(now, outlook.ledger, paused) if leads else (),
            notable=self._history.notable,
        )

    @property
    def leads(self) -> bool:
        """Whether this replica leads and can prove it."""
        outlook = self._outlook()
        return outlook.leads and self._is_proven(outlook)

    @property
    def leader(self) -> Leader | None:
        """Who leads, as far as is known."""
        return self._leader(self._outlook())

    def _leader(self, outlook: Outlook) -> Leader | None:
        """Whoever holds the Lease, unless it has run out: nobody leads then."""
        age_s = self._age_s(outlook)
        if not outlook.leader or (age_s is not None and age_s > self.me.timings[0]):
            return None
        return self._named(outlook.leader, outlook)

    def _last(self, outlook: Outlook) -> Leader | None:
        name = outlook.leader or outlook.last
        return self._named(name, outlook) if name else None

    def _named(self, name: str, outlook: Outlook) -> Leader:
        age_s = self._age_s(outlook)
        age_ms = None if age_s is None else round(age_s * 1000)
        return Leader(name[:LONGEST_NAME], outlook.term, instant_of(outlook.since), age_ms)

    def _age_s(self, outlook: Outlook) -> float | None:
        """How long ago the holder was last seen to live."""
        return None if outlook.alive_at is None else max(0.0, self._clock.boot() - outlook.alive_at)

    def _is_proven(self, outlook: Outlook) -> bool:
        """The gate shuts by the mere passing of time, so what was true when the outlook was made may be no more."""
        age_s = self._age_s(outlook)
        return outlook.proven and (age_s is None or age_s < self.me.timings[1])

    def _paused(self, notes: Mapping[str, str], now: datetime) -> dict[str, Pause]:
        """The pauses that hold at this moment."""
        text = notes.get(PAUSED)
        if text != self._pauses[0]:
            self._pauses = (text, pauses_in(notes))
        return {job: pause for job, pause in self._pauses[1].items() if not pause.is_over(now)}

    def _lag_of(self, ledger: Ledger | None, paused: Mapping[str, Pause], now: datetime) -> timedelta | None:
        return self._lag.at(ledger, paused, now) if ledger and ledger.settled else None


def _other_tables(notes: Mapping[str, str]) -> tuple[OtherTable, ...]:
    """The tables that standbys have instead of the leader's; anybody may write such notes."""
    said = sorted(other_tables(notes).items())[:MOST_TABLES]
    return tuple(OtherTable(name, table.hash[:LONGEST_HASH], table.at) for name, table in said)

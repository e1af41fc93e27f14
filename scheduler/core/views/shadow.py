"""What a standby makes of its leader: one that renews its lead, and leaves due ticks undecided, has stalled.

The ledger tells how far the leader has come, and the table, which is the same, what it should have come to. It is
judged by its own clock, which stamps each renewal, so clocks that differ are no stall. Many ticks may wait for good
reasons, and none of them may raise an alarm: those of a paused job; those behind a run of the same job; all of them
while no worker is free, or while the ledger is too full to claim. A leader whose table is not ours cannot be judged,
nor one that is leaving and may take its time. So what is told here is a defect, of the leader or of this program.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scheduler.core.job import JobTable
from scheduler.core.ledger import Ledger
from scheduler.core.notes.commands import pauses_in
from scheduler.core.notes.tables import CONFIG
from scheduler.core.ports import Tell
from scheduler.core.views.lag import Lag
from scheduler.core.views.outlook import Outlook

LEAST_PATIENCE_S = 10.0
LOOKS_APART_S = 5.0
MANY_OPEN = 500  # runs, of which a ledger may become too full to claim more (rule 31)


class Shadow:
    """Follows the ledger and tells `leader.stalled` once for each stall; for one thread.

    A tick that stays undecided for `patience_s` by the leader's clock is looked at for as long again by ours.
    """

    def __init__(self, table: JobTable, config: str, patience_s: float, tell: Tell) -> None:
        self._table = table
        self._config = config
        self._patience_s = max(patience_s, LEAST_PATIENCE_S)
        self._tell = tell
        self._lag = Lag(table)
        self._looks_at = -LOOKS_APART_S
        self._leader: tuple[str | None, int] = None, 0
        self._late_since: float | None = None
        self._told = False

    def look(self, outlook: Outlook, now: float) -> None:
        """Judge what is known by boot second `now`; often enough is once in a few seconds."""
        if now < self._looks_at:
            return
        self._looks_at = now + LOOKS_APART_S
        lag = self._lag_of(outlook)
        leader = outlook.leader, outlook.term
        if lag is None or lag.total_seconds() <= self._patience_s or leader != self._leader:
            self._leader, self._late_since, self._told = leader, None, False
        if lag is None or lag.total_seconds() <= self._patience_s:
            return
        self._late_since = now if self._late_since is None else self._late_since
        lives = outlook.alive_at is not None and outlook.alive_at > self._late_since
        if now - self._late_since > self._patience_s and lives and not self._told:
            self._told = True
            self._tell("leader.stalled", leader=outlook.leader, lag_ms=round(lag.total_seconds() * 1000))

    def _lag_of(self, outlook: Outlook) -> timedelta | None:
        """How far the leader is behind with what it has no reason to leave; None if that cannot be told."""
        ledger, renewed = outlook.ledger, _instant(outlook.renewed)
        if outlook.leads or not outlook.leader or ledger is None or ledger.settled is None or renewed is None:
            return None
        if outlook.notes.get(CONFIG) != self._config or not self._config or self._table.revision < ledger.rev:
            return None
        if len(ledger.open) >= min(self._table.max_parallel, MANY_OPEN):
            return None
        return self._lag.at(ledger, self._excused(ledger, outlook), renewed)

    def _excused(self, ledger: Ledger, outlook: Outlook) -> set[str]:
        return {entry.job for entry in ledger.open} | pauses_in(outlook.notes).keys()


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

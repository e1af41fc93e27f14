"""A dispatch with nothing of its own to do: it notes what the campaign tells it, and says what it is told to say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from scheduler.core.ledger import Did, Ledger
from scheduler.core.moves import Acquired, Gate, Seen
from scheduler.core.work import Draft, Renewal
from tests.fakes.elections import Sheet

NEVER = float("inf")


@dataclass
class NotingWork:
    """The other side of a campaign. `told` is what it heard, in order, and `walls` the times it was to claim by."""

    running: int = 0
    drained: int = 0
    writes_at: float = NEVER
    is_alive: bool = True
    drafts: Sheet | None = None
    reports: Draft | None = None
    told: list[tuple[object, ...]] = field(default_factory=list)
    walls: list[datetime] = field(default_factory=list)
    gate: Gate | None = None

    def lives(self, _now: float) -> bool:
        return self.is_alive

    def wanted_at(self, _now: float) -> float:
        return self.writes_at

    def draft(self, _base: Seen, _now: float, wall: datetime) -> Renewal | None:
        self.writes_at = NEVER
        self.walls.append(wall)
        return self.drafts

    def farewell(self, base: Seen, _now: float, wall: datetime) -> Draft:
        self.walls.append(wall)
        assert base.ledger
        return self.drafts or Sheet(replace(base.ledger, did=()), base.record.notes)

    def report(self, _base: Seen) -> Draft | None:
        return self.reports

    def landed(self, draft: object, ledger: Ledger, _now: float) -> None:
        self.told.append(("landed", draft, ledger))

    def trusted(self, gate: Gate, _exclusive_until: float) -> None:
        self.gate = gate

    def edited(self, base: Seen, reported: tuple[Did, ...]) -> None:
        self.told.append(("edited", base, reported))

    def missed(self, _news: Acquired, wall: datetime) -> int:
        self.walls.append(wall)
        return 0

    def acquired(self, _news: Acquired, wall: datetime) -> None:
        self.walls.append(wall)
        self.told.append(("acquired",))

    def suspended(self) -> None:
        self.told.append(("suspended",))

    def resumed(self, wall: datetime) -> None:
        self.walls.append(wall)
        self.told.append(("resumed",))

    def released(self) -> None:
        self.told.append(("released",))

    def lost(self) -> None:
        self.told.append(("lost",))

"""Which table rules, and what was lost with a Lease: read off the ledgers that are written, for the judge to know.

A definition rules from the first accepted plan of a table that has it, and is owed nothing any more when the plan of a
newer one has it not. What the promise declares void becomes an excuse here, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from scheduler.core.job import fingerprint
from scheduler.core.ledger import Ledger, LedgerUnreadable, decode
from scheduler.core.ports import LeaseRecord
from tests.fakes.world import EPOCH, L
from tests.weather.history import Declared, Excused
from tests.weather.jobs import Drawn
from tests.weather.sky import Sky

EARLY_S = 6.6  # claims are up to 5 s ahead of the store's clock, which is read to the second, and up to 0.5 s ahead


@dataclass
class Rule:
    """What rules, what did, and what is excused. `tables` are the drawn ones by their revision, the newest last.

    `holds_a_report`: the last to write was one who has left, and perhaps nobody has heard of it yet. `losses` counts
    how often the Lease was taken away.
    """

    sky: Sky
    note: Callable[[str], None]
    tables: dict[int, list[Drawn]] = field(default_factory=dict)
    replaced: list[Declared] = field(default_factory=list)
    excused: list[Excused] = field(default_factory=list)
    holds_a_report: bool = False
    losses: int = 0
    _had: dict[str, Declared] = field(default_factory=dict)  # every definition that anybody ever had
    _ruling: dict[str, Declared] = field(default_factory=dict)
    _revision: int = -1
    _lost_since: float | None = None
    _lost_writer: str | None = None

    @property
    def newest(self) -> int:
        """The newest revision that there is."""
        return max(self.tables)

    @property
    def declared(self) -> list[Declared]:
        return [*self.replaced, *self._ruling.values()]

    @property
    def is_lost(self) -> bool:
        """Whether the Lease was taken away, and nobody leads with a ledger since."""
        return self._lost_since is not None

    def load(self, revision: int) -> None:
        """A replica has this table now; note of each definition when anybody had it first."""
        for drawn in self.tables[revision]:
            self._had.setdefault(fingerprint(drawn.job), replace(drawn.declared, loaded=self.sky.true_time))

    def lose(self) -> None:
        """The Lease is taken away: what is open or undecided, or was told by nobody yet, may go unaccounted for."""
        ledger = ledger_of(self.sky.record) if self.sky.record else None
        self.losses += 1
        if not self.is_lost:
            self._lost_since = _undecided_since(ledger) if ledger and ledger.settled else self.sky.true_time
            self._lost_writer = ledger.written.nonce if ledger else None

    def see_write(self, before: LeaseRecord | None, after: LeaseRecord) -> None:
        """Take note of a change of the Lease."""
        head = (after.ledger or "")[:80]
        if before and before.ledger != after.ledger:
            self.holds_a_report = _names_same_write(before.ledger, after.ledger)
        newer = range(self._revision + 1, self.newest + 1)
        if not self.is_lost and not any(f'"rev":{revision},' in head for revision in newer):
            return
        ledger = ledger_of(after)
        if ledger is None or ledger.settled is None:
            return
        if self.is_lost:
            self._see_it_back(after, ledger)
        elif ledger.rev > self._revision:
            self._change(ledger_of(before) if before else None, ledger)

    def _see_it_back(self, record: LeaseRecord, ledger: Ledger) -> None:
        """Excuse what was lost with the Lease, if it was: a leader inside its trust brings it back as it was."""
        assert self._lost_since is not None
        assert ledger.settled
        is_quiet = ledger.settled > datetime.fromisoformat(record.renewed) + timedelta(seconds=L / 2)
        knows_nothing = ledger.written.nonce != self._lost_writer  # a fresh replica, and nobody else was there to tell
        if is_quiet or knows_nothing:
            until = min(ledger.settled.timestamp(), self.sky.true_time + L + EARLY_S)
            self.excused.append(Excused(self._lost_since - 1, until))
            self._change(None, ledger)
        self._lost_since = None

    def _change(self, before: Ledger | None, after: Ledger) -> None:
        """Another table rules than did `before`, which is None where all was lost."""
        now, self._revision = self.sky.true_time, after.rev
        self.note(f"revision {after.rev} rules")
        table = {fingerprint(one.job): one for one in self.tables[after.rev]}
        for print_ in sorted(self._ruling.keys() - table.keys()):
            row = self._ruling.pop(print_)
            owed_until = before.mark(print_, EPOCH).timestamp() if before else self._lost_since
            self.replaced.append(replace(row, until=now, owed_until=owed_until))
            if before and row.name not in {one.name for one in table.values()}:
                # its runs are kept for seven days, for a table that has it again
                runs = [run for run in before.open if run.job == row.name and not run.tick.startswith("manual")]
                ticks = [run.instant.timestamp() for run in runs]
                self.excused += [Excused(tick - 0.5, tick, row.name) for tick in ticks]
        for print_ in sorted(table.keys() - self._ruling.keys()):
            mark = after.mark(print_, EPOCH).timestamp()
            self._ruling[print_] = replace(self._had[print_], since=mark)


def ledger_of(record: LeaseRecord) -> Ledger | None:
    """The record's ledger, if it has one that can be read."""
    try:
        return decode(record.ledger) if record.ledger else None
    except LedgerUnreadable:
        return None


def writer_of(record: LeaseRecord) -> tuple[str, str | None]:
    """Who holds the Lease, and which process wrote it."""
    ledger = ledger_of(record)
    return record.holder, ledger.written.nonce if ledger else None


def _names_same_write(one: str | None, other: str | None) -> bool:
    """Whether both ledgers have the same `w`: then the later one was amended by somebody who has left."""
    return bool(one and other) and str(one).split(",")[1:2] == str(other).split(",")[1:2]


def _undecided_since(ledger: Ledger) -> float:
    assert ledger.settled
    told = [did.first for did in ledger.did if not did.first.startswith("manual")]  # perhaps by nobody yet
    instants = [ledger.settled, *ledger.behind.values(), *(run.instant for run in ledger.open)]
    return min([*instants, *map(datetime.fromisoformat, told)]).timestamp()

"""Replicas that go by different tables: what a standby writes on the Lease about it, how seldom, and what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.core.errors import Conflict, Unavailable
from scheduler.core.notes.tables import OtherTable, other_tables, table_note
from scheduler.core.ports import LeaseRecord
from scheduler.core.views.outlook import Outlook
from scheduler.leading.table_skew import TRIES, TableNote, TableSkew
from scheduler.stores.memory import MemoryStore
from tests.fakes.elections import HELD, ME
from tests.fakes.hand_clock import HandClock

MINE, OTHER = "9f2c41d0", "1a2b3c4d"
STANDBY = replace(ME, name="web-2", config=MINE)
NOON = datetime(2026, 11, 22, tzinfo=UTC)  # where the hand clock's wall stands


def led(config: str = OTHER, *, alive_at: float = 1000.0, **notes: str) -> Outlook:
    """What a standby sees of a leader with this table."""
    return Outlook(leader="b", term=7, alive_at=alive_at, ledger=object(), notes={"config": config} | notes)  # type: ignore[arg-type]


class Crowded(MemoryStore):
    """A Lease that others write just before we do, so many times."""

    def __init__(self, times: int, *, away: bool = False) -> None:
        super().__init__()
        self.times, self.away, self.tries = times, away, 0

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        self.tries += 1
        if self.away:
            raise Unavailable("away")
        if self.tries <= self.times:
            raise Conflict("changed")
        return super().replace(record, timeout_s)


class Scene:
    """A standby with another table than the leader's, over a Lease that `b` holds."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.clock, self.store = HandClock(), store or MemoryStore()
        self.store.create(replace(HELD, notes={"config": OTHER, "paused": "{}"}), 1.0)
        self.note = TableNote(self.store, STANDBY, self.clock)

    def sees(self, outlook: Outlook, after_s: float = 0.0) -> bool:
        """Whether it is time to say something, so long after it saw this for the first time."""
        self.note.look(outlook, self.clock.now)
        self.clock.now += after_s
        self.note.look(replace(outlook, alive_at=self.clock.now), self.clock.now)
        return self.note.is_due()

    @property
    def tables(self) -> dict[str, OtherTable]:
        record = self.store.read(1.0)
        assert record
        return other_tables(record.notes)


# ------------------------------------------------------------------ when it is said


@pytest.mark.parametrize(
    ("outlook", "after_s", "expected"),
    [
        pytest.param(led(), 30, True, id="for half a minute"),
        pytest.param(led(), 29, False, id="for a moment, as in a roll-out"),
        pytest.param(led(MINE), 600, False, id="the same table"),
        pytest.param(led(""), 600, False, id="a leader that says nothing of its table"),
        pytest.param(replace(led(), leads=True), 600, False, id="the leader itself"),
        pytest.param(replace(led(), leader=None), 600, False, id="nobody leads"),
        pytest.param(replace(led(), ledger=None), 600, False, id="a Lease that is not ours"),
        pytest.param(
            led(**dict(table_note(f"x{number}", OTHER, NOON) for number in range(20))), 600, False, id="too many say so"
        ),
    ],
)
def test_when_a_standby_says_which_table_it_goes_by(outlook: Outlook, after_s: float, *, expected: bool) -> None:
    assert Scene().sees(outlook, after_s) == expected


def test_a_lease_that_nobody_renews_is_left_alone() -> None:
    """A write must not look like a sign of life, nor disturb who takes over."""
    scene = Scene()
    scene.sees(led(), 60)
    scene.clock.now += 15

    assert not scene.note.is_due()


def test_it_is_said_anew_after_five_minutes() -> None:
    scene = Scene()
    scene.sees(led(), 60)
    scene.note.say()

    assert not scene.sees(led(), 299)
    assert scene.sees(led(), 1)


# ------------------------------------------------------------------ what is written


def test_only_the_note_is_written() -> None:
    """No sign of life: a follower's timer goes on, and the holder's next write goes over it (rules 3b, 7)."""
    scene = Scene()
    before = scene.store.read(1.0)
    scene.note.say()
    after = scene.store.read(1.0)

    assert before
    assert after
    assert scene.tables == {"web-2": OtherTable(MINE, NOON)}
    assert replace(after, notes=before.notes, version=before.version) == before
    assert after.notes.keys() == {"config", "paused", "table-web-2"}


@pytest.mark.parametrize(("others", "tries"), [(0, 1), (2, 3), (9, TRIES)])
def test_who_is_faster_is_given_way_a_few_times(others: int, tries: int) -> None:
    store = Crowded(others)
    scene = Scene(store)
    scene.note.say()

    assert store.tries == tries
    assert bool(scene.tables) == (others < TRIES)


def test_a_store_that_is_away_is_asked_once() -> None:
    store = Crowded(0, away=True)
    Scene(store).note.say()

    assert store.tries == 1


@pytest.mark.parametrize(
    "change", [{"holder": ""}, {"holder": "web-2"}, {"ledger": None}], ids=["free", "ours by now", "not leasebeat's"]
)
def test_a_lease_that_has_changed_hands_is_left_alone(change: dict[str, object]) -> None:
    scene = Scene()
    record = scene.store.read(1.0)
    assert record
    scene.store.replace(replace(record, **change), 1.0)  # type: ignore[arg-type]
    scene.note.say()

    assert scene.tables == {}


# ------------------------------------------------------------------ what is told


class Told:
    """A replica with the table MINE, and what its log was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []
        self.skew = TableSkew(STANDBY, lambda event, /, **facts: self.lines.append((event, facts)))

    def sees(self, outlook: Outlook, *seconds: float) -> list[dict[str, object]]:
        for now in seconds:
            self.skew.look(outlook, now)
        return [facts for event, facts in self.lines if event == "config.differs"]


LEADS = Outlook(leader="web-2", leads=True, notes=dict([table_note("b", OTHER, NOON), table_note("c", MINE, NOON)]))


@pytest.mark.parametrize("outlook", [LEADS, led()], ids=["the leader, of a standby", "a standby, of the leader"])
def test_what_lasts_is_told_once(outlook: Outlook) -> None:
    told = Told()

    assert told.sees(outlook, 0, 299.9) == []
    assert told.sees(outlook, 300, 600, 9000) == [{"peer": "b", "hash": MINE, "other": OTHER}]


def test_what_was_over_begins_anew() -> None:
    told = Told()
    told.sees(LEADS, 0, 300)
    told.sees(replace(LEADS, notes={}), 301)

    assert len(told.sees(LEADS, 400, 699)) == 1
    assert len(told.sees(LEADS, 700)) == 2


def test_a_third_table_is_another_difference() -> None:
    told = Told()
    told.sees(LEADS, 0, 300)
    third = replace(LEADS, notes=dict([table_note("b", "ffffffff", NOON + timedelta(minutes=5))]))

    assert [facts["other"] for facts in told.sees(third, 300, 600)] == [OTHER, "ffffffff"]


@pytest.mark.parametrize("outlook", [Outlook(), led(MINE), led(""), replace(LEADS, notes={"table-b": "?"})])
def test_there_is_nothing_to_tell_of(outlook: Outlook) -> None:
    assert Told().sees(outlook, 0, 10_000) == []

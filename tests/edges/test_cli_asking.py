"""Asking the leader: what is written on the Lease, when it is sent again, and when nobody answers (rules 36 and 37).

The clock is the test's, and waiting moves it on; what a leader does, it does at a moment that the test names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from scheduler.cli.asking.notes import FIRST_LOOK_S, MOST_WAITING, PATIENCE_S, Asking, Words, command, run_of
from scheduler.core.errors import Conflict, StoreError, Unavailable
from scheduler.core.ledger import OpenRun, encode
from scheduler.core.notes.commands import Command, Do, commands_in, note_of
from scheduler.core.ports import LeaseRecord
from scheduler.stores.memory import MemoryStore
from tests.fakes.elections import HELD
from tests.fakes.hearing import ends, hears, ledger_of

NOON = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)
PAUSE = command(Do.PAUSE, "meter", NOON, Words("jane", "outage"))
RUN = command(Do.RUN, "meter", NOON, Words("jane"))


@dataclass
class Desk(MemoryStore):
    """A Lease with a leader that does things `at` boot seconds, and a network that fails as it is told."""

    now: float = 0.0
    at: dict[float, Callable[[LeaseRecord], LeaseRecord]] = field(default_factory=dict)
    puts: list[StoreError | None] = field(default_factory=list)
    reads: list[StoreError | None] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        super().create(HELD, 1.0)

    # -- the clock

    def boot(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return NOON

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in sorted(moment for moment in self.at if moment <= self.now):
            happens = self.at.pop(moment)
            super().replace(happens(self.record), 1.0)

    # -- the store

    @property
    def record(self) -> LeaseRecord:
        record = super().read(1.0)
        assert record
        return record

    def read(self, timeout_s: float) -> LeaseRecord | None:
        if self.reads and (error := self.reads.pop(0)):
            raise error
        return super().read(timeout_s)

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """An `Unavailable` that says "lost" is one whose write landed all the same."""
        self.sent += 1
        error = self.puts.pop(0) if self.puts else None
        if error and str(error) != "lost":
            raise error
        stored = super().replace(record, timeout_s)
        if error:
            raise error
        return stored

    # -- the person

    @property
    def asking(self) -> Asking:
        return Asking(self, self, self.sleep)

    @property
    def waiting(self) -> list[Command]:
        return commands_in(self.record.notes)[0]


BEATS = count(1)


def with_ledger(record: LeaseRecord, **changes: Any) -> LeaseRecord:
    return replace(record, ledger=encode(replace(ledger_of(record), **changes)))


def renews(record: LeaseRecord) -> LeaseRecord:
    return replace(record, renewed=f"2026-11-22T12:00:{next(BEATS) % 60:02}.000000Z")


# ------------------------------------------------------------------ what is written


def test_the_run_is_named_after_the_moment_of_asking_to_the_millisecond() -> None:
    assert run_of(RUN) == "meter@manual-2026-11-22T12:00:00.123Z"


def test_two_commands_are_never_alike() -> None:
    assert PAUSE.id != command(Do.PAUSE, "meter", NOON, Words("jane")).id


def test_all_that_is_asked_goes_into_one_write_over_the_lease_as_read() -> None:
    desk = Desk(at={1.0: hears()})
    before = desk.record
    desk.at[0.1] = lambda record: renews(record) if len(commands_in(record.notes)[0]) == 2 else pytest.fail("not both")
    heard = desk.asking.until_heard([PAUSE, RUN])

    assert desk.sent == 1
    assert (heard.refused, heard.waiting) == ({}, ())
    assert desk.record.holder == before.holder
    assert {PAUSE.id, RUN.id} <= set(ledger_of(desk.record).acks)


def test_a_refusal_comes_with_its_reason() -> None:
    desk = Desk(at={1.0: hears(refuses="there is no job meter, or it is disabled")})

    assert desk.asking.until_heard([PAUSE]).refused == {PAUSE.id: "there is no job meter, or it is disabled"}


TWIN = note_of(replace(RUN, id="m-00000001"))
OPEN = OpenRun("meter", f"manual-{RUN.at_text}", 1, "b7", "l")


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(lambda record: replace(record, notes=dict([TWIN])), id="asked for"),
        pytest.param(lambda record: with_ledger(record, acks=(run_of(RUN),)), id="heard"),
        pytest.param(lambda record: with_ledger(record, open=(OPEN,)), id="open"),
    ],
)
def test_two_who_ask_in_one_millisecond_get_a_run_each(there: Callable[[LeaseRecord], LeaseRecord]) -> None:
    """A run is named after the moment of asking; the second would be taken for a copy of the first, and not run."""
    desk = Desk(at={1.0: hears()})
    MemoryStore.replace(desk, there(desk.record), 1.0)
    (sent,) = desk.asking.until_heard([RUN]).commands

    assert sent == replace(RUN, at=RUN.at + timedelta(milliseconds=1))


# ------------------------------------------------------------------ when it is sent again


@pytest.mark.parametrize(
    ("puts", "sent"),
    [
        pytest.param([Unavailable("lost")], 1, id="the reply is lost: it stands there"),
        pytest.param([Unavailable("gone")], 2, id="the request is lost: again, under the same id"),
        pytest.param([Conflict("409")], 2, id="somebody else was faster"),
        pytest.param([Conflict("409")] * 20, 21, id="many others were faster"),
    ],
)
def test_what_became_of_a_write_is_read(puts: list[StoreError], sent: int) -> None:
    desk = Desk(puts=list(puts), at={5.0: hears()})
    desk.asking.until_heard([PAUSE])

    assert desk.sent == sent
    assert ledger_of(desk.record).acks == (PAUSE.id,)


def test_what_was_heard_before_it_was_looked_for_is_not_sent_again() -> None:
    """The reply is lost, and the leader has consumed the note by the time of the next look."""
    desk = Desk(puts=[Unavailable("lost")], at={FIRST_LOOK_S / 2: hears()})
    desk.asking.until_heard([PAUSE])

    assert desk.sent == 1


def test_a_store_that_is_away_for_a_while_is_asked_again() -> None:
    desk = Desk(reads=[Unavailable("away")] * 20, at={8.0: hears()})
    desk.asking.until_heard([PAUSE])

    assert ledger_of(desk.record).acks == (PAUSE.id,)


# ------------------------------------------------------------------ when nobody answers


def test_a_request_that_nobody_hears_is_taken_back() -> None:
    """So that exit code 3 means: and nothing will happen."""
    desk = Desk()
    with pytest.raises(Unavailable, match=r"no answer from the leader b in 30 s; the request was taken back") as raised:
        desk.asking.until_heard([PAUSE])

    assert desk.waiting == []
    assert desk.now == pytest.approx(PATIENCE_S, abs=2)
    assert raised.value.hint == "who leads: leasebeat status"


def test_one_that_is_heard_as_it_is_taken_back_was_heard() -> None:
    desk = Desk()
    desk.puts = [None, Conflict("the leader was faster")]
    take_back = desk.replace

    def replaced(record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        if desk.now >= PATIENCE_S and desk.waiting:
            MemoryStore.replace(desk, hears()(desk.record), 1.0)
        return take_back(record, timeout_s)

    desk.replace = replaced  # type: ignore[method-assign]
    heard = desk.asking.until_heard([PAUSE])

    assert (heard.refused, heard.waiting) == ({}, ())


def test_whoever_stops_waiting_takes_back_what_nobody_has_heard() -> None:
    desk = Desk(at={0.1: lambda _: (_ for _ in ()).throw(KeyboardInterrupt)})
    with pytest.raises(KeyboardInterrupt):
        desk.asking.until_heard([PAUSE])

    assert desk.asking.take_back([PAUSE])
    assert desk.waiting == []


def test_what_was_heard_is_not_taken_back() -> None:
    desk = Desk(at={0.1: hears()})
    desk.asking.until_heard([PAUSE])

    assert not desk.asking.take_back([PAUSE])


def test_a_run_may_wait_under_a_leader_that_lives() -> None:
    desk = Desk(at={float(second): renews for second in range(1, 40, 5)})
    heard = desk.asking.until_heard([RUN], may_wait=True)

    assert heard.waiting == (RUN,)
    assert desk.waiting == [RUN]


def test_but_not_when_nobody_renews() -> None:
    desk = Desk()
    with pytest.raises(Unavailable, match="taken back"):
        desk.asking.until_heard([RUN], may_wait=True)

    assert desk.waiting == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"ledger": None}, "is not leasebeat's: it has no ledger", id="another program's"),
        pytest.param({"ledger": "{"}, "the ledger of the Lease cannot be read", id="damaged"),
        pytest.param({"ledger": '{"v":9}'}, "ledger format 9 is newer than this program's", id="a newer one's"),
        pytest.param(
            {"notes": dict(note_of(replace(RUN, id=f"m-{number:08}")) for number in range(MOST_WAITING))},
            "50 commands wait on Lease memory already",
            id="too many wait",
        ),
    ],
)
def test_what_waiting_cannot_mend_is_told_at_once(change: dict[str, object], told: str) -> None:
    desk = Desk()
    MemoryStore.replace(desk, replace(desk.record, **change), 1.0)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match=told):
        desk.asking.until_heard([PAUSE])

    assert (desk.sent, desk.now) == (0, 0.0)


def test_who_may_not_is_told_at_once() -> None:
    desk = Desk(puts=[Unavailable("403: may not update Lease ops/beat", "grant update")])
    with pytest.raises(Unavailable, match="403") as raised:
        desk.asking.until_heard([PAUSE])

    assert (desk.now, raised.value.hint) == (0.0, "grant update")


def test_a_store_that_stays_away_is_told_of_with_what_may_yet_happen() -> None:
    desk = Desk(reads=[None, *[Unavailable("away")] * 1000])
    with pytest.raises(Unavailable, match=r"^away$") as raised:
        desk.asking.until_heard([PAUSE])

    assert "it will be done" in str(raised.value.hint)


# ------------------------------------------------------------------ the end of a run


@pytest.mark.parametrize("fate", ["succeeded", "timed_out", "leader_lost", None])
def test_the_end_of_a_run_is_waited_for_however_long_it_takes(fate: str | None) -> None:
    desk = Desk(at={1.0: hears(opens=True), 5000.0: ends(run_of(RUN), fate)})
    desk.asking.until_heard([RUN])
    told, record = desk.asking.until_over(run_of(RUN))

    assert (told, desk.now > 4999) == (fate, True)
    assert record.holder == "b"


def test_a_store_that_is_away_meanwhile_is_waited_for_too_but_not_for_ever() -> None:
    desk = Desk(at={1.0: hears(opens=True), 20.0: ends(run_of(RUN), "succeeded")})
    desk.asking.until_heard([RUN])
    desk.reads = [Unavailable("away")] * 60

    assert desk.asking.until_over(run_of(RUN))[0] == "succeeded"
    desk.reads = [Unavailable("away")] * 1000
    with pytest.raises(Unavailable, match="away"):
        desk.asking.until_over(run_of(RUN))


def test_a_run_that_waited_is_taken_some_time() -> None:
    desk = Desk(at={**{float(second): renews for second in range(1, 40, 5)}, 100.0: hears(opens=True)})
    desk.asking.until_heard([RUN], may_wait=True)
    desk.asking.until_taken(RUN)

    assert desk.now >= 100
    assert [entry.run for entry in ledger_of(desk.record).open] == [run_of(RUN)]

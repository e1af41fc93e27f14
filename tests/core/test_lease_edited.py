"""The election alone: what others write into its Lease, and a Lease that goes back (rules 3, 30, 34, 37)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scheduler.core.lease import Election
from scheduler.core.ledger import Did, Ledger, WriteId, decode, encode
from scheduler.core.moves import (
    Acquired,
    Edited,
    Kind,
    Landed,
    Lost,
    Read,
    Seen,
    Suspended,
    Term,
    Wait,
    Write,
)
from scheduler.core.ports import LeaseRecord
from tests.fakes.elections import (
    HELD,
    LEDGER,
    RELEASED,
    WALL,
    D,
    L,
    Sheet,
    Store,
    drive,
    leader,
    news,
    standby,
)

ROW = Did("long", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", 1, "succeeded")
TOLD = Did("told", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", 1, "overlap")
ACKS = ("m-7f3a",)
COMMAND = {"cmd-m-1": '{"do":"run"}'}


# ------------------------------------------------------------------ what a leader looks at


def reported(record: LeaseRecord, *rows: Did) -> LeaseRecord:
    """A leaver reported: `w` is still the leader's own."""
    return replace(record, ledger=encode(replace(decode(record.ledger or ""), did=rows)))


@pytest.mark.parametrize(
    ("shown", "looks"),
    [
        pytest.param(lambda r: replace(r, notes=COMMAND), True, id="a command"),
        pytest.param(lambda r: reported(r, ROW), True, id="a leaver's report"),
        pytest.param(lambda r: replace(r, acquired="later"), True, id="a stranger of its name acquired it"),
        pytest.param(lambda r: replace(r, rest={"labels": 1}), False, id="a label"),
        pytest.param(lambda r: replace(r, ledger='{"v":1,"w":"1.n1"}', notes=COMMAND), False, id="a former write"),
    ],
)
def test_what_a_leader_looks_at(shown: Callable[[LeaseRecord], LeaseRecord], *, looks: bool) -> None:
    """Rules 34, 37: what is written into its annotations it must read; its own former writes, seen late, are free."""
    one, store = leader()
    assert store.record
    one.sighted(replace(shown(store.record), version="200"), 1.0)

    assert one.next_move(1.0) == (Read() if looks else Wait(D / 2))
    assert one.gate.is_open(1.0)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        pytest.param(lambda s: s.edit(notes=COMMAND), [()], id="a command"),
        pytest.param(lambda s: s.edit_ledger(did=(TOLD, ROW)), [(ROW,)], id="a report: the row that it added"),
        pytest.param(lambda s: s.edit_ledger(did=(ROW, TOLD)), [()], id="other rows: none of them is known to be new"),
        pytest.param(lambda s: s.edit(rest={"labels": 1}), [], id="a label: nothing"),
        pytest.param(lambda _: None, [], id="nothing"),
    ],
)
def test_what_is_told_of_an_edit(edit: Callable[[Store], None], told: list[tuple[Did, ...]]) -> None:
    """Rules 3b, 34, 37: the next write goes over it, and whoever says what it shall be hears of it first."""
    one, store = leader()
    drive(one, store, 1.0, 1.0, lambda base: Sheet(replace(base.ledger or Ledger(WriteId(1, "x")), did=(TOLD,))))
    one.take_news()
    edit(store)
    one.failed(2.0)
    one.read(store.record, 2.0)

    assert one.take_news() == [Edited(Seen.of(store.record or HELD), rows) for rows in told]
    assert one.base.record == store.record
    assert one.term


def test_a_write_that_was_not_answered_and_edited_since() -> None:
    """Rules 3a, 34: it landed, and what it holds by now is more than what it said."""
    one, store = leader()
    store.perform(one.compose(Kind.RENEW, 1.0, WALL))
    one.failed(1.0)
    store.edit_ledger(did=(ROW,))
    one.read(store.record, 1.1)

    landed, edited = one.take_news()
    assert isinstance(landed, Landed)
    assert edited == Edited(one.base, (ROW,))


def test_an_edit_costs_one_look_and_no_term() -> None:
    one, store = leader()
    one.sighted(store.edit(notes=COMMAND), 1.0)
    drive(one, store, 1.0)

    assert store.requests == ["GET"]
    assert news(one) == [Edited]
    assert one.next_move(1.0, 1.0) == Write(Kind.RENEW)


# ------------------------------------------------------------------ what is kept of it


def test_the_notes_that_a_write_carries() -> None:
    """Rule 4: those found, unless whoever knows what they mean says otherwise."""
    one, store = leader()
    store.edit(notes=COMMAND)
    drive(one, store, 1.0, 1.0)
    assert store.record
    assert store.record.notes == COMMAND
    drive(one, store, 2.0, 2.0, lambda base: Sheet(base.ledger or Ledger(WriteId(1, "x")), {"paused": "{}"}))

    assert store.record.notes == {"paused": "{}"}


def test_the_notes_are_taken_over_with_the_lease() -> None:
    seen = replace(RELEASED, notes=COMMAND)
    one, store = standby(seen), Store(seen)
    drive(one, store, 1.0)

    assert store.record
    assert (store.record.holder, store.record.notes) == ("me", COMMAND)


@pytest.mark.parametrize(
    ("meanwhile", "notes"),
    [
        pytest.param({}, {"paused": "{}"}, id="they come back"),
        pytest.param(COMMAND, {"paused": "{}"} | COMMAND, id="beside what came meanwhile"),
        pytest.param({"paused": "new"}, {"paused": "new"}, id="which is newer"),
    ],
)
def test_the_notes_of_a_lease_that_is_made_anew(meanwhile: dict[str, str], notes: dict[str, str]) -> None:
    """Rule 28: what was paused stays so, though its Lease was deleted under its leader."""
    one, store = leader()
    store.edit(notes={"paused": "{}"})
    drive(one, store, 1.0, 1.0)
    store.record = None
    one.failed(2.0)
    one.read(None, 2.0)
    post = one.compose(Kind.CREATE, 2.0, WALL)
    assert post.record.notes == {}
    one.accepted(post, store.perform(post), 2.0)
    store.edit(notes=meanwhile)
    drive(one, store, 2.0)

    assert store.record
    assert store.record.notes == notes


def test_what_it_wrote_itself_it_does_not_read_again() -> None:
    """A ledger of some hundred kilobytes would cost each renewal of the leader its time."""
    one, store = leader()
    sheet = Sheet(replace(one.base.ledger or Ledger(WriteId(1, "x")), did=(ROW,)), COMMAND)
    attempt = one.compose(Kind.RENEW, 1.0, WALL, sheet)
    one.accepted(attempt, store.perform(attempt), 1.0)

    assert one.base.ledger is attempt.ledger
    assert one.base.record.notes == COMMAND


# ------------------------------------------------------------------ a ledger that goes back, under its leader


def goes_back(store: Store, to: LeaseRecord) -> LeaseRecord:
    """An older copy of the Lease is restored; what has happened to its labels since stays."""
    return store.edit(ledger=to.ledger, transitions=to.transitions, notes=to.notes, rest={"labels": "now"})


def backed_up() -> tuple[Election, Store, LeaseRecord]:
    """It has written twice since there is a copy, which is of another Lease's ninth term."""
    one, store = leader()
    assert store.record
    backup = replace(store.record, transitions=8)
    for now in (1.0, 2.0):
        drive(one, store, now, now, lambda base: Sheet(replace(base.ledger or Ledger(WriteId(1, "x")), acks=ACKS)))
    one.take_news()
    store.requests.clear()
    return one, store, backup


@pytest.mark.parametrize(
    "older",
    [
        pytest.param(lambda backup: backup, id="of this term"),
        pytest.param(lambda backup: replace(backup, ledger='{"v":1,"w":"1.n1"}'), id="of its making"),
        pytest.param(lambda backup: replace(backup, notes=COMMAND), id="with a command"),
    ],
)
def test_a_leader_whose_ledger_went_back_writes_its_own_over_it(older: Callable[[LeaseRecord], LeaseRecord]) -> None:
    """Rules 3d, 30: inside its trust nobody else knows as much. What is not its own stays as read."""
    one, store, backup = backed_up()
    ledger = store.ledger
    restored = goes_back(store, older(backup))
    drive(one, store, 2.0 + D / 2)

    assert store.requests == ["PUT", "GET", "PUT"]
    assert news(one) == ([Edited, Landed] if restored.notes else [Landed])
    assert store.ledger == replace(ledger, written=store.ledger.written)
    assert store.ledger.written.number > ledger.written.number
    assert store.record
    assert (store.record.holder, store.record.transitions, store.record.notes) == ("me", 0, restored.notes)
    assert store.record.rest == {"labels": "now"}


def test_it_writes_at_once() -> None:
    """Rule 30: whenever it looked, and not when it would have renewed."""
    one, store, backup = backed_up()
    goes_back(store, backup)
    one.failed(2.5)
    one.read(store.record, 2.5)

    assert one.next_move(2.5) == Write(Kind.RENEW)
    drive(one, store, 2.5)
    assert one.next_move(2.5) == Wait(2.5 + D / 2)


def test_it_goes_back_again_and_again() -> None:
    one, store, backup = backed_up()
    ledger = store.ledger
    for now in (3.0, 4.0, 5.0):
        goes_back(store, backup)
        drive(one, store, now, now)

    assert store.ledger == replace(ledger, written=store.ledger.written)
    assert Lost not in news(one)


def test_a_plan_over_what_is_to_be_restored() -> None:
    """Rule 30: the write that restores the ledger may claim at once, over what it restores."""
    one, store, backup = backed_up()
    planned_over: list[Seen] = []
    goes_back(store, backup)
    drive(one, store, 3.0, 3.0, planned_over.append)

    assert [base.ledger.acks for base in planned_over if base.ledger] == [ACKS, ACKS]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param(lambda one, _: one.next_move(2.0 + D), "ledger_gone", id="its trust is over"),
        pytest.param(lambda one, _: one.sighted(replace(HELD, uid="u0"), 3.0), "ledger_gone", id="another led"),
        pytest.param(
            lambda _, s: s.edit(ledger=LEDGER.replace("41.b7", "1.b7")),
            "other_holder",
            id="another process of its name wrote it",
        ),
        pytest.param(
            lambda _, s: s.edit(ledger=LEDGER.replace("41.b7", "99.n1")),
            "ledger_gone",
            id="it shows a write that nobody remembers",
        ),
        pytest.param(lambda _, s: s.edit(holder="b"), "other_holder", id="it names another"),
        pytest.param(
            lambda one, s: s.edit(ledger=one.base.record.ledger, acquired="later"),
            "other_holder",
            id="a stranger of its name acquired it, and left its ledger alone",
        ),
        pytest.param(lambda _, s: s.edit(ledger=None), "ledger_gone", id="there is no ledger at all"),
    ],
)
def test_when_it_is_lost_instead(given: Callable[[Election, Store], object], reason: str) -> None:
    """Rules 3d, 3e, 30: then somebody else may know more, and it waits like everybody else."""
    one, store, backup = backed_up()
    goes_back(store, backup)
    given(one, store)
    now = 2.0 + D if any(isinstance(item, Suspended) for item in one.take_news()) else 3.0
    move = drive(one, store, now, now)

    assert Lost(Term(1, "102"), reason) in one.take_news()
    assert move == Wait(now + L + 0.2)


def test_a_restoring_write_that_lands_after_the_lead_was_lost() -> None:
    """It is a sign of life like any other then, and claims nothing for a replica that has let go of its runs."""
    one, store, backup = backed_up()
    goes_back(store, backup)
    one.failed(3.0)
    one.read(store.record, 3.0)
    late = one.compose(Kind.RENEW, 3.0, WALL)
    one.failed(3.0)
    one.next_move(2.0 + D)
    one.read(store.record, 2.0 + D)
    assert one.term is None
    one.sighted(store.perform(late), 14.0)
    one.take_news()

    assert drive(one, store, 14.0) == Wait(14.0 + L + 0.2)
    assert news(one) == []


def test_a_lease_that_was_gone_and_is_back_is_not_made_anew() -> None:
    one, store = leader()
    one.failed(1.0)
    one.read(None, 1.0)
    assert one.next_move(1.0) == Write(Kind.CREATE)
    one.failed(1.0)
    one.read(store.record, 1.0)

    assert one.next_move(9.0) == Write(Kind.RENEW)


# ------------------------------------------------------------------ and before the eyes of others

NEWEST = replace(HELD, ledger=encode(replace(decode(LEDGER), written=WriteId(60, "b7"), did=(TOLD,))))


@pytest.mark.parametrize("holder", [pytest.param("b", id="held"), pytest.param("", id="released")])
def test_a_standby_that_saw_more_waits_and_brings_what_it_saw(holder: str) -> None:
    """Rule 30: L from the sight of it, whatever it says of a holder, and then the ledger of the greatest number."""
    store = Store(NEWEST)
    one = standby(NEWEST)
    store.edit(ledger=LEDGER, holder=holder)
    one.sighted(store.record, 10.0)
    assert one.next_move(10.0) == Read()
    assert drive(one, store, 10.0) == Wait(10.0 + 30.2)
    drive(one, store, 40.2)

    assert store.ledger == replace(decode(NEWEST.ledger or ""), written=WriteId(61, "n1"))
    acquired = one.take_news()[-1]
    assert isinstance(acquired, Acquired)
    assert acquired.inherited.did == (TOLD,)
    assert acquired.repeats
    assert one.gate.is_open(40.2)


def test_a_leader_that_writes_back_is_followed_again() -> None:
    store = Store(NEWEST)
    one = standby(NEWEST)
    goes_back(store, HELD)
    one.read(store.record, 10.0)
    one.sighted(store.edit(ledger=(NEWEST.ledger or "").replace("60.b7", "61.b7")), 11.0)

    assert one.next_move(11.0) == Wait(11.0 + 30.2)
    drive(one, store, 41.2)
    assert store.ledger.written == WriteId(62, "n1")
    assert store.ledger.did == (TOLD,)


def test_somebody_leads_with_what_was_restored() -> None:
    """Rule 30: from then on its ledger counts, for the greater number knows nothing of what was decided since."""
    store = Store(NEWEST)
    one = standby(NEWEST)
    goes_back(store, HELD)
    one.read(store.record, 10.0)
    one.sighted(store.edit(holder="c", ledger=LEDGER.replace("41.b7", "42.c1")), 20.0)
    assert one.next_move(20.0) == Read()
    drive(one, store, 20.0)
    one.sighted(store.edit(ledger=LEDGER.replace("41.b7", "43.c1")), 21.0)
    assert one.next_move(21.0) == Wait(21.0 + 30.2)
    drive(one, store, 51.2)

    assert store.ledger == replace(decode(LEDGER), written=WriteId(61, "n1"))


def test_it_went_back_twice() -> None:
    store = Store(NEWEST)
    one = standby(NEWEST)
    for number, at in ((41, 10.0), (39, 20.0)):
        store.edit(ledger=LEDGER.replace("41.b7", f"{number}.b7"))
        one.read(store.record, at)
    drive(one, store, 20.0 + 30.2)

    assert store.ledger.did == (TOLD,)


def test_a_restored_lease_of_another_making_is_as_it_is() -> None:
    """Rule 30: the numbers of two Leases say nothing about each other."""
    store = Store(NEWEST)
    one = standby(NEWEST)
    store.edit(ledger=LEDGER, uid="u2", holder="")
    one.read(store.record, 10.0)
    drive(one, store, 10.05)

    assert store.ledger == replace(decode(LEDGER), written=WriteId(61, "n1"))

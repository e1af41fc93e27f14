"""The election alone: how it gives the Lease back, and what it reports after that (rules 33 and 34)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scheduler.core.errors import Conflict
from scheduler.core.lease import Election
from scheduler.core.ledger import Did, OpenRun, WriteId
from scheduler.core.moves import (
    Done,
    Edited,
    Kind,
    Landed,
    Lost,
    Read,
    Released,
    Seen,
    Term,
    Wait,
)
from tests.fakes.elections import (
    HELD,
    LEDGER,
    NEVER,
    WALL,
    P,
    Sheet,
    Store,
    drive,
    election,
    leader,
    news,
    standby,
)

# ------------------------------------------------------------------ giving it back


@pytest.mark.parametrize(
    ("given", "requests", "told"),
    [
        pytest.param(leader, ["PUT"], [Landed, Released], id="ours"),
        pytest.param(lambda: (standby(HELD), Store(HELD)), [], [], id="another's"),
        pytest.param(lambda: (standby(None), Store()), [], [], id="there is none"),
        pytest.param(lambda: (election(), Store(HELD)), [], [], id="nothing was read yet"),
        pytest.param(lambda: leader(quiet_start=True), [], [], id="ours, in a quiet start"),
    ],
)
@pytest.mark.parametrize("reporting", [False, True])
def test_what_it_costs_to_stop(
    given: Callable[[], tuple[Election, Store]], requests: list[str], told: list[type], *, reporting: bool
) -> None:
    """Rules 29, 33; whoever does not lead has nothing to report either."""
    one, store = given()
    one.take_news()
    one.stop(reporting=reporting)

    assert drive(one, store, 1.0) == (Wait(NEVER) if reporting and told else Done())
    assert store.requests == requests
    assert news(one) == told


def test_a_lease_that_somebody_took_is_not_released() -> None:
    one, store = leader()
    store.edit(holder="b", ledger=LEDGER)
    one.stop()

    assert drive(one, store, 1.0) == Done()
    assert store.requests == ["PUT", "GET"]
    assert store.record
    assert store.record.holder == "b"


# ------------------------------------------------------------------ and the runs that go on

TICK = "2026-11-22T12:00:00Z"
DRAINING = OpenRun("long", TICK, 1, "n1", "l", left=20)
THEIRS = OpenRun("other", TICK, 1, "b7", "l")
ENDED = Did("long", TICK, TICK, 1, "succeeded")


def farewell(base: Seen) -> Sheet:
    """One run goes on, and has 20 s to end by itself."""
    assert base.ledger
    return Sheet(replace(base.ledger, open=(DRAINING,), did=()), base.record.notes)


def the_end(base: Seen) -> Sheet | None:
    """That run ended: it is taken out of whatever ledger lists it."""
    assert base.ledger
    left = tuple(entry for entry in base.ledger.open if entry.owner != "n1")
    ledger = replace(base.ledger, written=WriteId(9, "draft"), open=left, did=(*base.ledger.did, ENDED))
    return None if left == base.ledger.open else Sheet(ledger, base.record.notes)


def leaver() -> tuple[Election, Store]:
    """Gave the Lease back at second 1, with a run that goes on; its news has been taken."""
    one, store = leader()
    one.stop(reporting=True)
    drive(one, store, 1.0, write=farewell)
    one.take_news()
    store.requests.clear()
    return one, store


def b_takes_over(store: Store) -> None:
    assert store.record
    store.edit(holder="b", transitions=store.record.transitions + 1)
    store.edit_ledger(written=WriteId(50, "b7"), open=(DRAINING, THEIRS))


def test_what_is_told_of_a_release() -> None:
    """Rule 34: first what it recorded, and then that it is over; the runs have their time from when it was sent."""
    one, store = leader()
    one.stop(reporting=True)
    drive(one, store, 1.0, write=farewell)

    landed, released = one.take_news()
    assert isinstance(landed, Landed)
    assert landed.attempt.draft
    assert landed.ledger.open == store.ledger.open == (DRAINING,)
    assert released == Released(Term(1, "102"))


def test_after_the_release_it_waits_until_a_report_is_wanted() -> None:
    one, _ = leaver()

    assert one.reports
    assert one.term is None
    assert not one.gate.is_open(2.0)
    assert one.next_move(2.0) == Wait(NEVER)
    assert one.next_move(2.0, 7.0) == Wait(7.0)
    assert one.next_move(7.0, 7.0) == Read()


@pytest.mark.parametrize(
    "meanwhile",
    [pytest.param(lambda _: None, id="nobody holds the Lease yet"), pytest.param(b_takes_over, id="another leads")],
)
def test_what_a_report_changes(meanwhile: Callable[[Store], None]) -> None:
    """Rule 34: the entry is gone and a row tells of it; holder, spec, `w` and all else stay as they were read."""
    one, store = leaver()
    meanwhile(store)
    store.edit(notes={"paused": "{}"}, rest={"labels": 1})
    before, ledger = store.record, store.ledger
    drive(one, store, 3.0, 3.0, write=the_end)

    assert store.requests == ["GET", "PUT"]
    assert before
    assert store.record
    assert store.record == replace(before, version=store.record.version, ledger=store.record.ledger)
    assert store.record.rest == before.rest
    others = tuple(entry for entry in ledger.open if entry != DRAINING)
    assert store.ledger == replace(ledger, open=others, did=(ENDED,))


def test_what_is_told_of_a_report() -> None:
    one, store = leaver()
    drive(one, store, 3.0, 3.0, write=the_end)

    (landed,) = one.take_news()
    assert isinstance(landed, Landed)
    assert landed.attempt.kind is Kind.REPORT
    assert landed.ledger.did == (ENDED,)
    assert one.next_move(4.0, 4.0) == Read()


def test_a_report_that_is_refused_is_made_anew_over_what_is_read() -> None:
    """Rule 34: 409, read again."""
    one, store = leaver()
    one.next_move(3.0, 3.0)
    one.read(store.record, 3.0)
    attempt = one.compose(Kind.REPORT, 3.0, WALL, the_end(one.base))
    b_takes_over(store)
    with pytest.raises(Conflict):
        store.perform(attempt)
    one.failed(3.0)
    drive(one, store, 3.0, 3.0, write=the_end)

    assert store.requests == ["GET", "PUT"]
    assert store.record
    assert store.record.holder == "b"
    assert (store.ledger.open, store.ledger.did) == ((THEIRS,), (ENDED,))


def test_a_report_whose_reply_was_lost() -> None:
    """It is told as landed when the Lease shows it, and not sent a second time."""
    one, store = leaver()
    one.next_move(3.0, 3.0)
    one.read(store.record, 3.0)
    store.perform(one.compose(Kind.REPORT, 3.0, WALL, the_end(one.base)))
    one.failed(3.0)
    one.read(store.record, 3.1)

    assert news(one) == [Landed]
    assert one.next_move(3.1) == Wait(NEVER)


def test_a_report_that_was_lost_itself_is_sent_again() -> None:
    one, store = leaver()
    one.next_move(3.0, 3.0)
    one.read(store.record, 3.0)
    one.compose(Kind.REPORT, 3.0, WALL, the_end(one.base))
    one.failed(3.0)
    drive(one, store, 3.0, 3.0, write=the_end)

    assert store.requests == ["GET", "PUT"]
    assert store.ledger.open == ()


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda s: setattr(s, "record", None), id="the Lease is gone"),
        pytest.param(lambda s: s.edit(ledger="{"), id="its ledger cannot be read"),
        pytest.param(lambda s: s.edit(ledger=None), id="it has none"),
        pytest.param(lambda s: s.edit_ledger(open=(THEIRS,)), id="its ledger does not list the run any more"),
    ],
)
def test_a_report_that_comes_too_late(meanwhile: Callable[[Store], None]) -> None:
    """It is dropped: one look each retry period, for as long as its driver wants a report all the same."""
    one, store = leaver()
    meanwhile(store)
    before = store.record

    assert drive(one, store, 3.0, 3.0, write=the_end) == Wait(3.0 + P)
    assert drive(one, store, 3.0 + P, 3.0, write=the_end) == Wait(3.0 + 2 * P)
    assert store.requests == ["GET", "GET"]
    assert store.record is before
    assert news(one) == []


def test_reports_that_fail_are_repeated_later_and_later() -> None:
    one, store = leaver()
    now, waits = 3.0, []
    for _ in range(6):
        assert one.next_move(now, 3.0) == Read()
        one.read(store.record, now)
        one.compose(Kind.REPORT, now, WALL, the_end(one.base))
        one.failed(now)
        move = one.next_move(now, 3.0)
        waits.append(move.until - now if isinstance(move, Wait) else 0.0)
        now += waits[-1]

    assert waits == pytest.approx([0, 0.25, 0.5, 1, 2, 2])


def test_reading_for_a_report_that_fails_is_repeated_later() -> None:
    one, _ = leaver()
    assert one.next_move(3.0, 3.0) == Read()
    one.unread(3.0)

    assert one.next_move(3.0, 3.0) == Wait(3.25)


def test_what_the_watch_shows_a_leaver() -> None:
    """Whoever leads now is none of its business."""
    one, store = leaver()
    b_takes_over(store)
    one.sighted(store.record, 2.0)

    assert news(one) == []
    assert one.next_move(2.0) == Wait(NEVER)


@pytest.mark.parametrize("is_back", [True, False], ids=["and brought back", "and not brought back"])
def test_the_lease_is_deleted_under_a_leaver(*, is_back: bool) -> None:
    """Rules 29, 34: whoever makes it anew knows nothing of the runs that drain, so they must end."""
    one, store = leaver()
    one.sighted(None, 2.0)
    assert one.next_move(2.0) == Wait(4.0)
    assert one.next_move(4.0) == Read()
    one.read(store.record if is_back else None, 4.0)

    assert one.take_news() == ([] if is_back else [Lost(Term(1, "102"), "lease_deleted")])
    assert one.next_move(4.1) == Wait(NEVER)


@pytest.mark.parametrize("wanted_at", [pytest.param(NEVER, id="nothing to report"), pytest.param(0.0, id="a report")])
def test_when_a_leaver_is_done(wanted_at: float) -> None:
    """Whoever tells it to stop for good has waited long enough."""
    one, store = leaver()
    one.stop()

    assert drive(one, store, 3.0, wanted_at, write=the_end) == Done()
    assert store.requests == []
    assert not one.reports


def test_a_leaver_that_is_told_to_stop_before_the_release_landed() -> None:
    one, store = leader()
    one.stop(reporting=True)
    one.stop()

    assert drive(one, store, 1.0, write=farewell) == Done()
    assert news(one) == [Landed, Released]


def test_a_release_whose_reply_was_lost_and_whose_successor_has_written_since() -> None:
    """Rules 3a, 34: the run of ours that has time left can only stand there because the release landed."""
    one, store = leader()
    one.stop(reporting=True)
    one.next_move(1.0)
    store.perform(one.compose(Kind.RELEASE, 1.0, WALL, farewell(one.base)))
    one.failed(1.0)
    b_takes_over(store)
    drive(one, store, 3.0)

    told = one.take_news()
    assert [type(item) for item in told] == [Landed, Released]
    assert told[1] == Released(Term(1, "102"))
    assert one.reports
    drive(one, store, 4.0, 4.0, write=the_end)
    assert store.ledger.open == (THEIRS,)


def test_of_two_releases_of_which_one_landed_the_first_counts() -> None:
    """Rule 34: nobody can say which it was, and the runs must be dead in time in either case."""
    one, store = leader()
    one.stop(reporting=True)
    attempts = []
    for now in (1.0, 2.0):
        attempts.append(one.compose(Kind.RELEASE, now, WALL, farewell(one.base)))
        one.failed(now)
        one.read(store.record, now)
    store.perform(attempts[1])
    b_takes_over(store)
    one.compose(Kind.RELEASE, 3.0, WALL, farewell(one.base))
    one.failed(3.0)
    one.read(store.record, 3.0)

    assert one.take_news()[1] == Released(Term(1, "102"))


@pytest.mark.parametrize(
    "found",
    [
        pytest.param((THEIRS,), id="no run of ours"),
        pytest.param((replace(DRAINING, left=0),), id="one that was given no time, as if the Lease had expired"),
        pytest.param((replace(THEIRS, left=20),), id="one that another leaver gave its time"),
    ],
)
def test_a_release_that_cannot_be_told_any_more(found: tuple[OpenRun, ...]) -> None:
    """Rule 3e: without a run of ours to see it by, the lead counts as lost, which is safe for every run."""
    one, store = leader()
    one.stop(reporting=True)
    store.perform(one.compose(Kind.RELEASE, 1.0, WALL))
    one.failed(1.0)
    b_takes_over(store)
    store.edit_ledger(open=found)

    assert drive(one, store, 3.0) == Done()
    assert one.take_news()[0] == Lost(Term(1, "102"), "other_holder")
    assert not one.reports


def test_a_release_over_what_somebody_wrote_beside_it() -> None:
    """Rules 3b, 33: its farewell is said anew, over what was read."""
    one, store = leader()
    store.edit(notes={"cmd-m-1": "{}"})
    one.stop(reporting=True)
    drive(one, store, 1.0, write=farewell)

    assert store.requests == ["PUT", "GET", "PUT"]
    assert news(one) == [Edited, Landed, Released]
    assert store.record
    assert (store.record.holder, store.record.notes) == ("", {"cmd-m-1": "{}"})

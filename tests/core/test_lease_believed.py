"""The election alone: what it believes of answers, and of what it reads when there was none (rules 3, 8, 28)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.core.errors import Conflict
from scheduler.core.ledger import Did, OpenRun, decode, encode
from scheduler.core.moves import (
    Acquired,
    Following,
    Kind,
    Landed,
    LedgerLost,
    Lost,
    Read,
    Resumed,
    Suspended,
    Term,
    Wait,
    Write,
)
from tests.fakes.elections import (
    HELD,
    LEDGER,
    NEVER,
    RELEASED,
    STUB,
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

# ------------------------------------------------------------------ what is believed


def test_a_grant_that_was_answered_too_late_is_read_first() -> None:
    """Rule 8."""
    one, store = standby(RELEASED), Store(RELEASED)
    attempt = one.compose(Kind.ACQUIRE, 1.0, WALL)
    one.accepted(attempt, store.perform(attempt), 1.0 + L + 0.1)

    assert one.term is None
    assert one.next_move(1.0 + L + 0.1) == Read()
    one.read(store.record, 1.0 + L + 0.2)
    assert one.term
    assert not one.gate.is_open(1.0 + L + 0.2)


@pytest.mark.parametrize("late", [pytest.param(0, id="the last"), pytest.param(1, id="the one before")])
def test_a_write_that_was_not_answered_landed(late: int) -> None:
    """Rule 3a: any of my unresolved writes; trust counts from its own send, and the others are void."""
    one, store = leader()
    attempts = []
    for now in (5.0, 6.0):
        attempts.append(one.compose(Kind.RENEW, now, WALL, Sheet(decode(LEDGER))))
        one.failed(now)
        one.read(store.record, now)
    landed = attempts[1 - late]
    store.perform(landed)
    one.compose(Kind.RENEW, 7.0, WALL)
    one.failed(7.0)
    one.read(store.record, 7.0)

    assert one.gate.shuts_at == landed.sent_at + D
    (item,) = one.take_news()
    assert isinstance(item, Landed)
    assert item.attempt.draft is landed.draft
    assert not one._unresolved


def test_a_take_over_that_landed_late_is_seen_by_the_watch() -> None:
    """Rule 3a: a GET that showed nothing of it did not void it."""
    one, store = standby(RELEASED), Store(RELEASED)
    attempt = one.compose(Kind.ACQUIRE, 1.0, WALL)
    one.failed(1.0)
    one.read(store.record, 1.0)
    one.failed(1.0)
    one.read(store.record, 1.0)
    assert isinstance(one.next_move(1.0), Wait)
    one.sighted(store.perform(attempt), 1.1)

    assert one.next_move(1.1) == Read()
    one.read(store.record, 1.1)
    assert one.term


def test_the_same_settled_is_no_proof() -> None:
    """Rule 3: a Lease that reads as before, but for a label, holds nothing of mine."""
    one, store = leader()
    one.compose(Kind.RENEW, 5.0, WALL, Sheet(replace(decode(LEDGER), did=(Did("a", "x", "x", 1, "succeeded"),))))
    one.failed(5.0)
    store.edit(rest={"labels": 1})
    one.read(store.record, 5.0)

    assert news(one) == []
    assert one.next_move(5.0) == Write(Kind.RENEW)


def test_what_a_new_leader_inherits() -> None:
    """Rules 5, 8: the ledger as read; its lines are to be repeated, unless it is our own."""
    entry = OpenRun("a", "2026-11-22T11:59:00Z", 1, "b7", "l")
    seen = replace(HELD, ledger=encode(replace(decode(LEDGER), open=(entry,))))
    one, store = standby(seen), Store(seen)
    drive(one, store, 31.0)

    acquired = next(item for item in one.take_news() if isinstance(item, Acquired))
    assert (acquired.cause, acquired.previous, acquired.gap_s, acquired.repeats) == ("expired", "b", 31.0, True)
    assert acquired.inherited.open == (entry,)
    assert (acquired.term.number, acquired.term.fence) == (8, "101")


def test_a_stub_that_another_left_is_taken_over_quietly() -> None:
    """Rule 27: nothing is known of the Lease that was there before."""
    one, store = standby(STUB), Store(STUB)
    drive(one, store, 31.0)

    assert [type(item) for item in one.take_news()] == [Following, LedgerLost, Acquired]
    assert one.gate.opens_at == 31.0 + L


@pytest.mark.parametrize(
    ("within", "told", "opens_at"),
    [
        pytest.param(D - 1, [Acquired], -NEVER, id="inside the trust: with the ledger, at once"),
        pytest.param(D + 1, [Lost], None, id="after it: it waits like everybody else"),
    ],
)
def test_a_leader_whose_lease_was_deleted(within: float, told: list[type], opens_at: float | None) -> None:
    one, store = leader()
    store.record = None
    one.sighted(None, within)
    drive(one, store, within)

    assert [item for item in news(one) if item is not Suspended] == told
    if opens_at is not None:
        assert one.gate.opens_at == opens_at
    else:
        assert isinstance(one.next_move(within), Wait)


def test_a_leader_that_cannot_make_the_lease_anew_at_all_waits_like_everybody_else() -> None:
    """Rule 28: from learning of the deletion on, not from the end of its trust."""
    one, store = leader()
    store.record = None
    one.sighted(None, 1.0)
    one.next_move(1.0)
    one.read(None, 1.0)
    for at in (1.0, 2.0):
        one.compose(Kind.CREATE, at, WALL)
        one.failed(at)
        one.read(None, at)

    assert drive(one, store, D) == Wait(1.0 + L + 0.2)
    assert one.take_news() == [Lost(Term(1, "102"), "lease_deleted")]


def test_a_leader_that_cannot_make_the_lease_anew_in_time_starts_quietly() -> None:
    """Rule 28: the PUT must be sent before the old trust is over."""
    one, store = leader()
    store.record = None
    one.sighted(None, 1.0)
    one.next_move(1.0)
    one.read(None, 1.0)
    post = one.compose(Kind.CREATE, 1.0, WALL)
    one.accepted(post, store.perform(post), 1.0)
    drive(one, store, D + 0.5)

    told = one.take_news()
    assert [type(item) for item in told] == [Suspended, Lost, LedgerLost, Acquired]
    assert one.gate.opens_at == D + 0.5 + L


def test_a_post_that_lands_late_is_a_quiet_start() -> None:
    """Rule 27: it may land on the grave of a Lease that it knows nothing of."""
    one, store = standby(None, creates_at_once=True), Store()
    first = one.compose(Kind.CREATE, 0.0, WALL)
    one.failed(0.0)
    one.read(None, 0.0)
    store.perform(first)
    second = one.compose(Kind.CREATE, 1.0, WALL)
    with pytest.raises(Conflict):
        store.perform(second)
    one.failed(1.0)
    drive(one, store, 1.5)

    assert one.term
    assert one.gate.opens_at == 1.5 + L


def test_the_trust_comes_and_goes_within_one_term() -> None:
    one, store = leader()
    one.next_move(D)
    drive(one, store, D + 3)

    told = one.take_news()
    assert [type(item) for item in told] == [Suspended, Resumed, Landed]
    assert told[1] == Resumed(Term(1, "102"), 3.0)


def test_a_renewal_that_is_known_too_late_resumes_nothing() -> None:
    """Its trust counts from its send, and is over too by the time at which it is known to have landed."""
    one, store = leader()
    store.perform(one.compose(Kind.RENEW, 5.0, WALL))
    one.failed(5.0)
    one.next_move(D)
    one.read(store.record, 5.0 + D + 1)

    assert news(one) == [Suspended, Landed]
    assert not one.gate.is_open(5.0 + D + 1)


def test_it_contends_again_after_losing() -> None:
    one, store = leader()
    store.edit(holder="b", ledger=LEDGER)
    drive(one, store, D / 2)

    assert [type(item) for item in one.take_news()] == [Lost, Following]
    assert drive(one, store, D / 2 + L + 0.3) == Wait(D / 2 + L + 0.3 + D / 2)
    assert one.term

"""The election alone: what it does next, given what it has seen. Its scale is in `tests/fakes/elections.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scheduler.core.lease import Election
from scheduler.core.ledger import Did, Ledger, WriteId, decode
from scheduler.core.moves import (
    Acquired,
    Following,
    Kind,
    Lost,
    Read,
    Refused,
    Suspended,
    Term,
    Wait,
    Write,
)
from scheduler.core.ports import LeaseRecord
from tests.fakes.elections import (
    HELD,
    LATER,
    LEDGER,
    ME,
    NEVER,
    RELEASED,
    STUB,
    WALL,
    D,
    L,
    P,
    Sheet,
    Store,
    drive,
    election,
    leader,
    news,
    standby,
)

# ------------------------------------------------------------------ standing by


def test_the_first_thing_is_to_read() -> None:
    assert election().next_move(0.0) == Read()


@pytest.mark.parametrize(
    ("seen", "me", "begins_at", "kind"),
    [
        pytest.param(None, {}, P, Kind.CREATE, id="no Lease, never saw one: after the retry period"),
        pytest.param(None, {"creates_at_once": True}, 0, Kind.CREATE, id="no Lease, all on this machine: at once"),
        pytest.param(RELEASED, {}, 0.05, Kind.ACQUIRE, id="released: after a little jitter"),
        pytest.param(HELD, {}, 30.2, Kind.ACQUIRE, id="held: after the record's own duration, not ours"),
        pytest.param(replace(HELD, duration_s=0), {}, L + 0.2, Kind.ACQUIRE, id="held without duration: ours"),
        pytest.param(STUB, {}, 30.2, Kind.ACQUIRE, id="held, ledger still to come: the same"),
        pytest.param(replace(HELD, ledger="{"), {}, 30.2, Kind.ACQUIRE, id="held, ledger unreadable: the same"),
        pytest.param(replace(HELD, holder="me"), {}, 30.2, Kind.ACQUIRE, id="held by my name, not by me: the same"),
        pytest.param(replace(HELD, ledger=LATER), {"revision": 3}, 30.2, Kind.ACQUIRE, id="of my revision: the same"),
        pytest.param(replace(HELD, ledger=LATER), {}, 30.2 + P, Kind.ACQUIRE, id="of a later: a retry period more"),
        pytest.param(replace(RELEASED, ledger=LATER), {}, 0.05 + P, Kind.ACQUIRE, id="released by a later: that too"),
        pytest.param(replace(HELD, ledger=None), {}, NEVER, None, id="another program's: never"),
        pytest.param(replace(HELD, ledger=None), {"adopt": True}, 30.2, Kind.ACQUIRE, id="unless it is to be adopted"),
        pytest.param(replace(RELEASED, ledger=None), {}, NEVER, None, id="another program's, given back: never"),
        pytest.param(replace(RELEASED, ledger=None), {"adopt": True}, 0.05, Kind.ACQUIRE, id="but to adopt it: then"),
        pytest.param(replace(RELEASED, ledger=None, renewed=""), {}, 0.05, Kind.ACQUIRE, id="never used: taken"),
        pytest.param(replace(HELD, ledger='{"v":2}'), {}, NEVER, None, id="of a later format: never"),
        pytest.param(replace(RELEASED, ledger='{"v":2}'), {"adopt": True}, NEVER, None, id="not even released"),
    ],
)
def test_when_a_standby_contends(
    seen: LeaseRecord | None, me: dict[str, Any], begins_at: float, kind: Kind | None
) -> None:
    one = standby(seen, **me)

    if begins_at:
        assert one.next_move(0.0) == Wait(begins_at)
        assert one.next_move(min(begins_at, 1e9) - 0.001) == Wait(begins_at)
    if kind:
        assert one.next_move(begins_at) == Write(kind)


@pytest.mark.parametrize(
    ("change", "restarts"),
    [
        pytest.param({"renewed": "2026-11-22T12:00:05.000000Z"}, True, id="it was renewed"),
        pytest.param({"holder": "c"}, True, id="another holds it"),
        pytest.param({"duration_s": 60}, True, id="its duration changed"),
        pytest.param({"transitions": 7}, True, id="its transitions changed"),
        pytest.param({"acquired": "2026-11-22T12:00:05.000000Z"}, True, id="it was acquired"),
        pytest.param({"ledger": LEDGER.replace("41.b7", "42.b7")}, True, id="it was written, in the same second"),
        pytest.param({"ledger": "{"}, True, id="its ledger became unreadable"),
        pytest.param({"uid": "u2"}, True, id="it was made anew"),
        pytest.param({"rest": {"metadata": {"labels": {"a": "b"}}}}, False, id="its labels were edited"),
    ],
)
@pytest.mark.parametrize("by", ["read", "sighted"])
def test_what_restarts_the_wait(change: dict[str, Any], *, restarts: bool, by: str) -> None:
    """Rule 7: the spec and `w` are a holder's sign of life, other metadata is not."""
    one = standby(HELD)
    seen = replace(HELD, version="78", **change)
    getattr(one, by)(seen, 10.0)

    assert one.next_move(10.0) == Wait((10.0 if restarts else 0.0) + seen.duration_s + 0.2)


def test_a_sighting_that_is_older_than_what_was_read_is_checked() -> None:
    one = standby(HELD)
    one.sighted(replace(HELD, version="70", ledger=LEDGER.replace("41.b7", "39.b7")), 10.0)

    assert one.next_move(10.0) == Read()


def test_a_deletion_that_was_sighted_is_checked() -> None:
    """Rule 28: who has seen the Lease waits a lease duration from learning of it."""
    one = standby(HELD)
    one.sighted(None, 10.0)
    assert one.next_move(10.0) == Read()
    one.read(None, 10.1)

    assert one.next_move(10.1) == Wait(10.1 + L + 0.2)
    assert one.next_move(10.1 + L + 0.2) == Write(Kind.CREATE)


def test_a_lease_that_comes_back_ends_the_wait_for_its_absence() -> None:
    one = standby(HELD)
    one.read(None, 10.0)
    one.sighted(replace(HELD, uid="u2", version="90"), 12.0)

    assert one.next_move(12.0) == Wait(12.0 + 30.2)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param([HELD], [Following("b", 7, None, first=True)], id="who leads"),
        pytest.param([HELD, replace(HELD, renewed="x")], [Following("b", 7, None, first=True)], id="and not again"),
        pytest.param(
            [HELD, RELEASED, replace(HELD, holder="c", transitions=7)],
            [Following("b", 7, None, first=True), Following("c", 8, "b", first=False)],
            id="who leads next",
        ),
        pytest.param([RELEASED], [], id="nobody leads: nothing"),
        pytest.param([replace(HELD, ledger=None)], [Refused("b")], id="it is another program's"),
        pytest.param([replace(HELD, ledger='{"v":7}')], [Refused("b", 7)], id="it is of a later format"),
        pytest.param(
            [replace(HELD, ledger=None), HELD], [Refused("b"), Following("b", 7, None, first=True)], id="it became ours"
        ),
    ],
)
def test_what_a_standby_tells(seen: list[LeaseRecord], told: list[object]) -> None:
    one = election()
    for number, record in enumerate(seen):
        one.read(replace(record, version=str(number)), float(number))
        one.next_move(float(number))

    assert one.take_news() == told


# ------------------------------------------------------------------ requests


@pytest.mark.parametrize(
    ("record", "now", "requests"),
    [
        pytest.param(None, 0.0, ["GET", "POST", "PUT"], id="missing: look, make, bring the ledger"),
        pytest.param(HELD, 0.0, ["GET"], id="held by another: look"),
        pytest.param(RELEASED, 1.0, ["PUT"], id="released: one write over what was seen"),
        pytest.param(HELD, 31.0, ["PUT"], id="expired: one write over what was seen"),
    ],
)
def test_what_it_costs_to_acquire(record: LeaseRecord | None, now: float, requests: list[str]) -> None:
    one, store = election(creates_at_once=True), Store(record)
    drive(one, store, 0.0)
    if now:
        store.requests.clear()
    drive(one, store, now)

    assert store.requests == requests
    assert (one.term is not None) == ("PUT" in requests)


@pytest.mark.parametrize(
    ("meanwhile", "requests", "leads"),
    [
        pytest.param(lambda _: None, ["PUT"], True, id="nothing happened"),
        pytest.param(lambda s: s.edit(rest={"labels": 1}), ["PUT", "GET", "PUT"], True, id="a label was edited"),
        pytest.param(lambda s: s.edit(holder="b"), ["PUT", "GET"], False, id="another holds it"),
        pytest.param(lambda s: s.edit(holder=""), ["PUT", "GET"], False, id="it was released by hand"),
        pytest.param(lambda s: s.edit(transitions=1), ["PUT", "GET"], False, id="a stranger of its name holds it"),
        pytest.param(lambda s: s.edit(ledger=None), ["PUT", "GET"], False, id="the annotation was removed"),
        pytest.param(lambda s: s.edit(ledger=LEDGER), ["PUT", "GET"], False, id="it was restored from a backup"),
        pytest.param(lambda s: setattr(s, "record", None), ["PUT", "GET", "POST", "PUT"], True, id="it was deleted"),
    ],
)
def test_what_it_costs_to_renew(meanwhile: Callable[[Store], None], requests: list[str], *, leads: bool) -> None:
    one, store = leader()
    meanwhile(store)
    drive(one, store, D / 2)

    assert store.requests == requests
    assert (one.term is not None) == leads


# ------------------------------------------------------------------ what is written


def test_the_lease_that_is_made() -> None:
    """Rule 27: the POST names the holder and carries no ledger; the PUT brings it."""
    one = standby(None, creates_at_once=True, revision=4)
    post = one.compose(Kind.CREATE, 0.0, WALL)
    made = post.record
    one.accepted(post, replace(made, version="1", uid="u"), 0.0)
    granted = one.compose(Kind.GRANT, 0.0, WALL).record

    now = "2026-11-22T12:00:00.000000Z"
    assert made == LeaseRecord("me", L, now, now, 0, '{"v":1,"w":"1.n1"}')
    assert (granted.version, granted.uid) == ("1", "u")
    assert decode(granted.ledger or "") == Ledger(WriteId(2, "n1"), rev=4, settled=WALL, known="Zk3uQ1")


def test_the_lease_that_is_taken_over() -> None:
    """Rules 4, 8: one transition more, our duration, the ledger as read but for `w`, and what else the object held."""
    seen = replace(HELD, rest={"metadata": {"labels": {"a": "b"}}})
    one = standby(seen)
    taken = one.compose(Kind.ACQUIRE, 40.0, WALL).record

    now = "2026-11-22T12:00:00.000000Z"
    written = LEDGER.replace("41.b7", "42.n1")
    assert taken == LeaseRecord("me", L, now, now, 7, written, "77", "u1")
    assert taken.rest == seen.rest


def test_the_lease_that_is_released() -> None:
    """All five fields stay, the ledger too; the transitions are counted by whoever comes next."""
    one, store = leader()
    before = store.record
    one.stop()
    drive(one, store, 1.0)

    assert before
    assert store.record
    assert store.record.holder == ""
    assert (store.record.duration_s, store.record.transitions) == (L, before.transitions)
    assert decode(store.record.ledger or "").known == ME.known


@pytest.mark.parametrize("kind", [Kind.RENEW, Kind.RELEASE])
def test_what_was_told_is_not_written_again(kind: Kind) -> None:
    """Rule 5: the lines of a decision are written before the next write is sent."""
    one, store = leader()
    told = replace(decode(LEDGER), did=(Did("a", "x", "x", 1, "overlap"),))
    attempt = one.compose(Kind.RENEW, 1.0, WALL, Sheet(told))
    one.accepted(attempt, store.perform(attempt), 1.0)
    assert one.base.ledger
    assert one.base.ledger.did
    record = one.compose(kind, 2.0, WALL).record

    assert decode(record.ledger or "").did == ()


def test_every_attempt_to_write_has_a_name_of_its_own() -> None:
    """Also after a greater number was seen, and also when nothing was accepted."""
    one = standby(HELD)
    names = []
    for _ in range(3):
        names.append(str(one.compose(Kind.ACQUIRE, 40.0, WALL).written))
        one.failed(40.0)
        one.read(replace(HELD, ledger=LEDGER.replace("41.b7", f"{50 + len(names)}.b7")), 40.0)

    assert names == ["42.n1", "52.n1", "53.n1"]


# ------------------------------------------------------------------ the gate


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        pytest.param(0.0, True, id="from the grant on"),
        pytest.param(D - 0.001, True, id="until the renew deadline"),
        pytest.param(D, False, id="and not at it"),
    ],
)
def test_the_gate_shuts_by_itself(at: float, *, is_open: bool) -> None:
    one, _ = leader()

    assert one.gate.is_open(at) == is_open
    assert one.exclusive_until == L - 1


@pytest.mark.parametrize(
    "shut",
    [
        pytest.param(lambda one: one.stop(), id="before the release is sent"),
        pytest.param(lambda one: one.sighted(replace(HELD, ledger=LEDGER), 1.0), id="at the sight of another holder"),
        pytest.param(lambda one: one.sighted(replace(HELD, ledger=None), 1.0), id="be it another program's"),
        pytest.param(
            lambda one: one.sighted(replace(HELD, uid="u9", ledger=LEDGER.replace("41.b7", "1.b7")), 1.0),
            id="be it of a Lease whose numbers are smaller",
        ),
    ],
)
def test_what_shuts_the_gate_at_once(shut: Callable[[Election], None]) -> None:
    one, _ = leader()
    shut(one)

    assert not one.gate.is_open(1.0)


def test_the_sight_of_another_holder_is_checked_and_may_be_wrong() -> None:
    """An event of a former Lease that comes late must not end a term, and the gate opens again."""
    one, store = leader()
    one.sighted(replace(HELD, uid="u0"), 1.0)
    drive(one, store, 1.0)

    assert store.requests == ["GET"]
    assert one.gate.is_open(1.0)
    assert news(one) == []


def test_another_holder_was_seen_and_then_no_lease_at_all() -> None:
    """Somebody led in between, be it for a moment: the trust is not worth anything any more."""
    one, store = leader()
    one.sighted(replace(HELD, uid="u0"), 1.0)
    store.record = None
    drive(one, store, 1.0)

    assert one.take_news()[0] == Lost(Term(1, "102"), "lease_deleted")
    assert one.term is None


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param(lambda r: r, id="what it wrote itself"),
        pytest.param(lambda r: replace(r, version="999", rest={"labels": 1}), id="a label's edit"),
        pytest.param(lambda r: replace(r, version="50", ledger='{"v":1,"w":"1.n1"}'), id="its own stub, late"),
    ],
)
def test_what_a_leader_does_not_mind_to_see(harmless: Callable[[LeaseRecord], LeaseRecord]) -> None:
    one, store = leader()
    assert store.record
    one.sighted(harmless(store.record), 1.0)

    assert one.next_move(1.0) == Wait(D / 2)
    assert one.gate.is_open(1.0)


def test_trust_counts_from_before_the_request() -> None:
    one, store = leader()
    attempt = one.compose(Kind.RENEW, 5.0, WALL)
    one.accepted(attempt, store.perform(attempt), 9.0)

    assert one.gate.shuts_at == 5.0 + D
    assert one.exclusive_until == 5.0 + L - 1


@pytest.mark.parametrize(
    ("quiet_start", "opens_at"),
    [pytest.param(False, -NEVER, id="a first start"), pytest.param(True, L, id="a quiet one")],
)
def test_when_the_gate_opens_first(*, quiet_start: bool, opens_at: float) -> None:
    one, _ = leader(quiet_start=quiet_start)

    assert one.gate.opens_at == opens_at
    assert one.gate.is_open(0.0) != quiet_start


def test_a_leader_that_makes_the_lease_anew_keeps_its_quiet() -> None:
    one, store = leader(quiet_start=True)
    store.record = None
    drive(one, store, D / 2)

    assert one.term
    assert one.gate.opens_at == L


# ------------------------------------------------------------------ pace and time


@pytest.mark.parametrize(
    ("work_at", "renews_at"),
    [
        pytest.param(NEVER, D / 2, id="half the trust is gone"),
        pytest.param(3.0, 3.0, id="a tick falls due"),
        pytest.param(-5.0, 0.0, id="a tick fell due"),
        pytest.param(8.0, D / 2, id="later than the renewal: it rides along"),
    ],
)
def test_when_a_leader_writes(work_at: float, renews_at: float) -> None:
    one, _ = leader()

    if renews_at:
        assert one.next_move(0.0, work_at) == Wait(renews_at)
    assert one.next_move(renews_at, work_at) == Write(Kind.RENEW)


@pytest.mark.parametrize(
    ("at", "timeout"),
    [
        pytest.param(0.0, P, id="the retry period"),
        pytest.param(D - 1.5, 1.5, id="what is left of the trust"),
        pytest.param(D - 0.01, 0.1, id="but a tenth of a second"),
        pytest.param(D + 1, P, id="the trust is gone: the retry period again"),
    ],
)
def test_how_long_a_request_of_a_leader_may_take(at: float, timeout: float) -> None:
    assert leader()[0].timeout(at) == timeout


def test_how_long_a_request_of_a_standby_may_take() -> None:
    assert standby(HELD).timeout(3.0) == P


def test_reads_that_fail_are_repeated_later_and_later() -> None:
    one, now, waits = election(), 0.0, []
    for _ in range(6):
        assert one.next_move(now) == Read()
        one.unread(now)
        move = one.next_move(now)
        assert isinstance(move, Wait)
        waits.append(move.until - now)
        now = move.until

    assert waits == pytest.approx([0.25, 0.5, 1, 2, 2, 2])


def test_a_look_that_succeeds_forgets_those_that_failed() -> None:
    one = election()
    for _ in range(3):
        one.unread(0.0)
    one.read(HELD, 5.0)
    one.sighted(None, 6.0)
    one.unread(6.0)

    assert one.next_move(6.0) == Wait(6.25)


def test_a_store_that_is_away_for_hours_is_asked_on() -> None:
    one = election()
    for now in range(5000):
        one.unread(float(now))

    assert one.next_move(4999.0) == Wait(4999.0 + P)


def test_writes_that_fail_are_repeated_later_and_later_but_once_at_once() -> None:
    """Rule 3b: the second claim goes out within one round trip of the first's refusal."""
    one, store = leader()
    now, waits = D / 2, []
    for _ in range(5):
        assert one.next_move(now) == Write(Kind.RENEW)
        one.compose(Kind.RENEW, now, WALL)
        one.failed(now)
        one.read(store.record, now)
        move = one.next_move(now)
        waits.append(move.until - now if isinstance(move, Wait) else 0.0)
        now += waits[-1]
        if waits[-1]:
            assert one.next_move(now) == Read()
            one.read(store.record, now)

    assert waits == pytest.approx([0, 0.25, 0.5, 1, 2])


def test_somebody_edits_a_label_all_the_time() -> None:
    """Rule 4: after a wait it looks again before it writes, else every write would be refused for that label."""
    one, store = leader()
    for _ in range(2):
        one.compose(Kind.RENEW, 5.0, WALL)
        one.failed(5.0)
        store.edit(rest={"labels": 1})
        one.read(store.record, 5.0)
    assert drive(one, store, 5.0) == Wait(5.25)
    store.edit(rest={"labels": 2})
    drive(one, store, 5.25)

    assert store.requests == ["GET", "PUT"]


def test_a_success_forgets_the_failures() -> None:
    one, store = leader()
    for _ in range(3):
        one.compose(Kind.RENEW, 5.0, WALL)
        one.failed(5.0)
        one.read(store.record, 5.0)
    drive(one, store, 7.0)
    one.compose(Kind.RENEW, 12.0, WALL)
    one.failed(12.0)
    one.read(store.record, 12.0)

    assert one.next_move(12.0) == Write(Kind.RENEW)


def test_a_wait_ends_when_the_trust_does() -> None:
    """So that it is noticed and told, however long the pause between two tries."""
    one, _ = leader()
    one.failed(9.0)
    one.unread(9.0)
    for _ in range(3):
        one.unread(9.5)

    assert one.next_move(9.5) == Wait(D)
    assert isinstance(one.next_move(D), Wait)
    assert one.take_news() == [Suspended(Term(1, "102"))]


# ------------------------------------------------------------------ giving up a lead that is of no use


def test_a_leader_that_resigns() -> None:
    """Nothing is written; its own record expires for it as for everybody else, and it may lead again."""
    one, store = leader()
    one.resign(3.0)

    assert one.take_news() == [Lost(Term(1, "102"), "loop_stalled")]
    assert not one.gate.is_open(3.0)
    assert drive(one, store, 3.0) == Wait(3.0 + L + 0.2)
    assert store.requests == []
    drive(one, store, 3.0 + L + 0.2)
    acquired = next(item for item in one.take_news() if isinstance(item, Acquired))
    assert (acquired.term.number, acquired.cause, acquired.repeats) == (2, "expired", False)


def test_a_renewal_that_lands_after_its_leader_resigned() -> None:
    """It is a sign of life like any other, and no lead."""
    one, store = leader()
    late = one.compose(Kind.RENEW, 2.0, WALL)
    one.failed(2.0)
    one.read(store.record, 2.0)
    one.resign(3.0)
    one.take_news()
    one.sighted(store.perform(late), 4.0)

    assert drive(one, store, 4.0) == Wait(4.0 + L + 0.2)
    assert store.requests == []
    assert one.take_news() == []


def test_who_resigned_follows_whoever_leads_next() -> None:
    one, store = leader()
    one.resign(3.0)
    one.take_news()
    one.sighted(store.edit(holder="b", transitions=1, ledger=LEDGER), 4.0)

    assert one.take_news() == [Following("b", 2, None, first=True)]

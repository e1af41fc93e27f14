"""Whether a replica is ready, and why not: driven by what the store answers to a campaign, without threads."""

from __future__ import annotations

import pytest

from scheduler.core.errors import StoreError, Unavailable
from scheduler.core.lease import Election
from scheduler.core.moves import Attempt, Candidate, Done, Kind, Read, Timings, Wait
from scheduler.core.ports import LeaseRecord
from scheduler.leading.campaign import FOREIGN_HINT, NEWER_HINT, Campaign
from scheduler.leading.readiness import NO_LEADER_YET, UNREAD
from scheduler.stores.memory import MemoryLease, MemoryStore
from tests.fakes.hand_clock import HandClock
from tests.fakes.work import NotingWork

HELD = LeaseRecord("b", 15, "", "2026-11-22T19:41:02.000000Z", 0, '{"v":1,"w":"1.b7"}')
FOREIGN = LeaseRecord("external-dns", 15, "", "2026-11-22T19:41:02.000000Z", 0, None)
NEWER = LeaseRecord("b", 15, "", "2026-11-22T19:41:02.000000Z", 0, '{"v":2,"w":"1.b7"}')
FORBIDDEN = Unavailable("403: may not get leases/beat", "grant get on leases/beat in namespace ops to sa")
MAY_NOT_CREATE = Unavailable("403: may not create leases", "grant create on leases in namespace ops to sa")
AWAY = Unavailable("timeout after 2s")


class Replica:
    """A campaign that makes one step after the other; `errors` are raised by requests of their kind."""

    def __init__(self, record: LeaseRecord | None = None) -> None:
        self.clock, lease = HandClock(), MemoryLease()
        if record:
            with lease.changed:
                lease.write(record, "u1")
        self.store = MemoryStore(lease)
        self.errors: dict[str, StoreError] = {}
        election = Election(Candidate("a", "n1", Timings(15, 10, 2)), lambda: 0.5)
        self.campaign = Campaign(election, NotingWork(), self.clock, lambda _event, **_facts: None, self.store)

    @property
    def hindrance(self) -> str | None:
        return self.campaign.readiness.hindrance

    def goes_on(self, seconds: float) -> None:
        """Make every step of this time; each request takes a tenth of a second."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            step = self.campaign.next_step()
            assert not isinstance(step, Done)
            if isinstance(step, Wait):
                self.clock.now = min(step.until, end)
                continue
            self.clock.now += 0.1
            self.asks(step)

    def asks(self, step: Read | Attempt) -> None:
        what = "read" if isinstance(step, Read) else "create" if step.kind is Kind.CREATE else "replace"
        try:
            if error := self.errors.get(what):
                raise error
            if isinstance(step, Read):
                self.campaign.found(self.store.read(1))
            else:
                send = self.store.create if what == "create" else self.store.replace
                self.campaign.accepted(step, send(step.record, 1))
        except StoreError as error:
            self.campaign.failed(step, error)


def test_a_replica_that_has_not_read_the_lease_is_not_ready() -> None:
    assert Replica().hindrance == UNREAD


def test_a_standby_is_ready_as_soon_as_it_has_read_who_leads() -> None:
    replica = Replica(HELD)
    replica.goes_on(0.1)

    assert replica.hindrance is None


def test_a_standby_is_ready_by_what_the_watch_shows() -> None:
    replica = Replica()
    replica.campaign.sighted(HELD)

    assert replica.hindrance is None


def test_the_first_replica_of_all_is_ready_when_it_leads() -> None:
    """Seconds later than its first answer, which was that there is no Lease."""
    replica = Replica()
    replica.goes_on(1)
    assert replica.hindrance == NO_LEADER_YET
    replica.goes_on(3)

    assert replica.campaign._election.term
    assert replica.hindrance is None


@pytest.mark.parametrize("error", [FORBIDDEN, AWAY])
def test_a_replica_that_cannot_read_is_not_ready_and_says_why(error: StoreError) -> None:
    """A rollout must not go on with it."""
    replica = Replica(HELD)
    replica.errors["read"] = error
    replica.goes_on(60)
    assert replica.hindrance == (f"{error}; {error.hint}" if error.hint else str(error))
    replica.errors.clear()
    replica.goes_on(5)

    assert replica.hindrance is None


def test_a_replica_that_may_not_create_the_missing_lease_is_not_ready() -> None:
    """Though it may read that there is none: of a first installation nothing would ever run."""
    replica = Replica()
    replica.errors["create"] = MAY_NOT_CREATE
    replica.goes_on(60)

    assert replica.hindrance == ("403: may not create leases; grant create on leases in namespace ops to sa")


def test_a_replica_that_may_not_update_the_lease_it_created_is_not_ready() -> None:
    replica = Replica()
    replica.errors["replace"] = Unavailable("403: may not update leases/beat")
    replica.goes_on(60)

    assert replica.hindrance == "403: may not update leases/beat"


REFUSED = {
    "another program's": (FOREIGN, f'the Lease is held by "external-dns" and left alone; {FOREIGN_HINT}'),
    "a later version's": (NEWER, f'the Lease is held by "b" and left alone; {NEWER_HINT.format(2)}'),
}


@pytest.mark.parametrize(("record", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_replica_is_not_ready_over_a_lease_that_is(record: LeaseRecord, sentence: str) -> None:
    """Told once in the log, but true all the time."""
    replica = Replica(record)
    replica.goes_on(120)

    assert replica.hindrance == sentence


def test_an_outage_meanwhile_does_not_make_anybody_forget_whose_it_is() -> None:
    replica = Replica(FOREIGN)
    replica.goes_on(60)
    told = replica.hindrance
    replica.errors["read"] = AWAY
    replica.campaign.failed(Read(), AWAY)
    assert replica.hindrance == "timeout after 2s"
    replica.campaign.found(FOREIGN)

    assert replica.hindrance == told


@pytest.mark.parametrize("record", [HELD, None], ids=["a standby", "a leader"])
def test_once_ready_a_store_that_is_away_for_an_hour_changes_nothing(record: LeaseRecord | None) -> None:
    replica = Replica(record)
    replica.goes_on(5)
    assert replica.hindrance is None
    replica.errors = {"read": AWAY, "create": AWAY, "replace": AWAY}
    replica.goes_on(3600)

    assert replica.hindrance is None

"""What a replica knows of the Lease and of who leads, as whoever shows it is told at any moment, from any thread."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.core.lease import Election
from scheduler.core.moves import Kind, Read, Wait, Write
from scheduler.core.ports import LeaseRecord
from scheduler.core.views.outlook import Outlook
from scheduler.leading.campaign import Campaign
from tests.fakes.elections import HELD, ME, RELEASED, WALL, D, L, P, Sheet, Store, election
from tests.fakes.hand_clock import HandClock
from tests.fakes.work import NotingWork

LATER_BEAT = "2026-11-22T12:00:02.000000Z"


class Place:
    place, server_time = "memory", None

    def log_command(self, _holder: str) -> None:
        return None


class Scene:
    """A campaign whose clock stands where the test puts it, and a store without faults."""

    def __init__(self, record: LeaseRecord | None = None) -> None:
        self.clock, self.store, self.work = HandClock(), Store(record), NotingWork()
        self.told: list[tuple[str, Outlook]] = []
        self.election: Election = election(creates_at_once=True)
        self.campaign = Campaign(self.election, self.work, self.clock, self._tell, Place())

    def _tell(self, event: str, /, **_facts: object) -> None:
        self.told.append((event, self.campaign.outlook()))

    def turn(self, now: float = 0.0) -> Outlook:
        """Let it make its moves until it waits, at boot second `now`."""
        self.clock.now = now
        while not isinstance(step := self.campaign.next_step(), Wait):
            if isinstance(step, Read):
                self.campaign.found(self.store.record)
            elif hasattr(step, "record"):
                self.campaign.accepted(step, self.store.perform(step))
            else:
                break
        return self.campaign.outlook()

    def sees(self, record: LeaseRecord | None, now: float) -> Outlook:
        """The watch shows this."""
        self.clock.now = now
        self.campaign.sighted(record)
        return self.campaign.outlook()


def test_nothing_is_known_before_the_first_read() -> None:
    assert Scene().campaign.outlook() == Outlook()


def test_a_standby_knows_the_leader_by_what_it_read() -> None:
    seen = Scene(HELD).turn(5.0)

    assert (seen.leader, seen.leads, seen.proven, seen.term) == ("b", False, False, 7)
    assert (seen.since, seen.alive_at, seen.last) == ("2026-11-22T11:00:00.000000Z", 5.0, "b")
    assert seen.ledger
    assert seen.ledger.settled == WALL


def test_a_standby_follows_the_watch() -> None:
    scene = Scene(HELD)
    scene.turn()
    renewed = replace(HELD, renewed=LATER_BEAT, version="78", notes={"address": "10.0.0.7:8080"})
    seen = scene.sees(renewed, 2.0)

    assert (seen.alive_at, seen.notes) == (2.0, {"address": "10.0.0.7:8080"})


def test_a_label_is_no_sign_of_life() -> None:
    scene = Scene(HELD)
    scene.turn()

    assert scene.sees(replace(HELD, version="78", notes={"cmd-m-1": "{}"}), 3.0).alive_at == 0.0


def test_nobody_leads_a_released_lease_but_who_did_is_known() -> None:
    scene = Scene(HELD)
    scene.turn()
    seen = scene.sees(replace(RELEASED, version="78"), 0.01)

    assert (seen.leader, seen.last, seen.term) == (None, "b", 7)


def test_another_programs_lease_has_no_leader_that_was_ever_ours() -> None:
    seen = Scene(replace(HELD, ledger=None)).turn()

    assert (seen.leads, seen.last, seen.ledger) == (False, None, None)


def test_a_leader_knows_itself() -> None:
    seen = Scene().turn(3.0)

    assert (seen.leader, seen.leads, seen.proven, seen.term) == (ME.name, True, True, 1)
    assert (seen.alive_at, seen.last) == (3.0, ME.name)


def test_its_lead_is_proven_for_as_long_as_its_gate_is_open_though_its_loop_stands_still() -> None:
    scene = Scene()
    scene.turn()
    scene.clock.now = D - 0.1
    assert scene.campaign.outlook().proven
    scene.clock.now = D

    assert not scene.campaign.outlook().proven
    assert scene.campaign.outlook().leads


def test_it_is_not_proven_once_another_holder_was_sighted() -> None:
    scene = Scene()
    scene.turn()
    assert scene.store.record
    seen = scene.sees(replace(scene.store.record, holder="b", version="900"), 1.0)

    assert (seen.leads, seen.proven) == (True, False)


def test_its_ledger_is_that_of_its_last_accepted_write() -> None:
    scene = Scene()
    scene.turn()
    scene.work.drafts = Sheet(replace(scene.store.ledger, acks=("m-1",)), {"paused": "{}"})
    scene.work.writes_at = 1.0
    seen = scene.turn(1.0)

    assert seen.ledger
    assert (seen.ledger.acks, seen.notes, seen.alive_at) == (("m-1",), {"paused": "{}"}, 1.0)


def test_a_write_that_was_only_sent_changes_nothing() -> None:
    scene = Scene()
    before = scene.turn()
    scene.clock.now = D / 2
    scene.campaign.next_step()

    assert scene.campaign.outlook() == before


def test_a_leader_that_gave_up_its_lead_knows_that_the_lease_is_still_in_its_name() -> None:
    scene = Scene()
    scene.turn()
    scene.work.is_alive = False
    seen = scene.turn(D / 2)

    assert (seen.leader, seen.leads, seen.proven, seen.alive_at) == (ME.name, False, False, 0.0)


@pytest.mark.parametrize("reporting", [False, True])
def test_who_has_left_leads_no_more(reporting: bool) -> None:
    scene = Scene()
    scene.turn()
    scene.campaign.stop(reporting=reporting)
    seen = scene.turn(1.0)

    assert (seen.leader, seen.leads, seen.last, seen.alive_at) == (None, False, ME.name, 1.0)


def test_who_still_reports_knows_the_next_leader() -> None:
    scene = Scene()
    scene.turn()
    scene.campaign.stop(reporting=True)
    scene.turn()
    assert scene.store.record
    seen = scene.sees(replace(scene.store.record, holder="b", transitions=1, version="900"), 1.0)

    assert (seen.leader, seen.term) == ("b", 2)


def test_of_a_deleted_lease_only_the_past_is_known() -> None:
    scene = Scene(HELD)
    scene.turn()
    scene.store.record = None
    scene.sees(None, 2.0)

    assert scene.turn(2.0) == Outlook(last="b", alive_at=0.0)


def test_a_leader_inside_its_trust_leads_on_though_its_lease_was_deleted() -> None:
    scene = Scene()
    scene.turn()
    scene.clock.now = 1.0
    scene.campaign.sighted(None)
    assert isinstance(scene.campaign.next_step(), Read)
    scene.campaign.found(None)

    assert (scene.campaign.outlook().leader, scene.campaign.outlook().proven) == (ME.name, True)


def test_whoever_is_told_of_a_lead_finds_it_in_the_outlook() -> None:
    """A page that hears `lead.acquired` and asks must not be told that nobody leads."""
    scene = Scene()
    scene.turn()

    assert [(event, seen.leads, seen.proven) for event, seen in scene.told] == [("lead.acquired", True, True)]


def test_nothing_is_decided_by_the_last_sign_of_life() -> None:
    """Rules 7, 27: after giving up the lead it waits from that moment on, not from its last write."""
    scene = Scene()
    scene.turn()
    scene.work.is_alive = False
    scene.turn(D / 2)
    scene.work.is_alive = True

    assert scene.election.next_move(D / 2 + L) == Wait(D / 2 + L + 0.2)
    assert scene.election.next_move(D / 2 + L + P) == Write(Kind.ACQUIRE)

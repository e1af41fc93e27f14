"""The campaign alone, step by step: what it asks of the work, what it tells it, and what it tells the log.

The clock is the test's: `boot` counts from 0, and the wall clock is later than noon by that and by `ahead_s`. The
store's clock is right and says so to the second, and each answer takes no time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from scheduler.core.errors import StoreError, Unavailable
from scheduler.core.ledger import Did
from scheduler.core.moves import Attempt, Done, Kind, Read, Wait
from scheduler.leading.campaign import Campaign
from tests.fakes.elections import NEVER, WALL, D, L, P, Sheet, Store, election
from tests.fakes.work import NotingWork

ROW = Did("long", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", 1, "succeeded")


class Place:
    """What the campaign knows of its store."""

    place = "kubernetes:ops/beat"

    def __init__(self) -> None:
        self.server_time: datetime | None = None

    def log_command(self, _holder: str) -> str | None:
        return None


class Stage:
    """A campaign with its work, its clock and its store."""

    def __init__(self) -> None:
        self.now, self.ahead_s = 0.0, 0.0
        self.has_clock = True
        self.work, self.home, self.store = NotingWork(), Place(), Store()
        self.lines: list[tuple[str, dict[str, object]]] = []
        self.election = election(creates_at_once=True)
        self.campaign = Campaign(self.election, self.work, self, self._tell, self.home)

    def boot(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return WALL + timedelta(seconds=self.now + self.ahead_s)

    def _tell(self, event: str, /, **facts: object) -> None:
        self.lines.append((event, facts))

    def of(self, event: str) -> list[dict[str, object]]:
        return [facts for name, facts in self.lines if name == event]

    def run(self, until: float | None = None) -> Wait | Done:
        """Make its steps until it waits for later than `until` or is done."""
        while True:
            step = self.campaign.next_step()
            match step:
                case Read() | Attempt():
                    self._answer(step)
                case Wait() if until is not None and step.until <= until:
                    self.now = step.until
                case _:
                    self.now = until or self.now
                    return step

    def _answer(self, step: Read | Attempt) -> None:
        if self.has_clock:
            self.home.server_time = (WALL + timedelta(seconds=self.now)).replace(microsecond=0)
        try:
            if isinstance(step, Read):
                self.campaign.found(self.store.record)
            else:
                self.campaign.accepted(step, self.store.perform(step))
        except StoreError as error:
            self.campaign.failed(step, error)

    def write(self) -> None:
        """Let the work want a write, and make it."""
        self.work.writes_at = self.now
        self.run()


@pytest.fixture
def stage() -> Stage:
    """It leads; what was told of that is forgotten."""
    one = Stage()
    one.run()
    one.work.told.clear()
    one.work.walls.clear()
    one.lines.clear()
    return one


# ------------------------------------------------------------------ what a write says


def test_a_renewal_carries_what_the_work_drafts(stage: Stage) -> None:
    stage.work.drafts = draft = Sheet(replace(stage.store.ledger, acks=("m-1",)), {"paused": "{}"})
    stage.write()

    assert stage.store.ledger.acks == ("m-1",)
    assert stage.store.record
    assert stage.store.record.notes == {"paused": "{}"}
    assert stage.work.told == [("landed", draft, stage.store.ledger)]


def test_the_work_hears_of_an_edit_before_it_is_asked_again(stage: Stage) -> None:
    """Rules 34, 37: what came by a refusal is told first, so that the next draft can heed it."""
    stage.store.edit_ledger(did=(ROW,))
    stage.write()
    stage.write()

    assert [told[0] for told in stage.work.told] == ["edited", "landed"]
    assert stage.work.told[0][2] == (ROW,)


# ------------------------------------------------------------------ the claim clock


def walls_of(happens: Callable[[Stage], None], stage: Stage) -> set[timedelta]:
    """How far beyond the store's clock the work was asked to claim."""
    stage.work.walls.clear()
    happens(stage)
    assert stage.work.walls
    return {wall - WALL - timedelta(seconds=stage.now) for wall in stage.work.walls}


def resume(stage: Stage) -> None:
    stage.now += D + 1
    stage.run()
    assert ("resumed",) in stage.work.told


def lead_again(stage: Stage) -> None:
    stage.store.edit(holder="")
    stage.write()
    stage.run(stage.now + L)
    assert ("acquired",) in stage.work.told


def release(stage: Stage) -> None:
    stage.campaign.stop()
    stage.run()


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(Stage.write, id="a renewal"),
        pytest.param(release, id="a release"),
    ],
)
def test_clock_jumps_to_2036(stage: Stage, happens: Callable[[Stage], None]) -> None:
    """21 (rule 13): nothing is claimed beyond the store's clock, the skew and the second that `Date` does not tell."""
    stage.ahead_s = 3e8

    assert walls_of(happens, stage) == {timedelta(seconds=6)}


@pytest.mark.parametrize("happens", [pytest.param(resume, id="resumed"), pytest.param(lead_again, id="acquired")])
def test_clock_jumps_to_2036_and_the_lead_comes_anew(stage: Stage, happens: Callable[[Stage], None]) -> None:
    """21 (rule 13): what was missed, and from when on nothing is missed, are told by the same clock."""
    stage.ahead_s = 3e8

    assert max(walls_of(happens, stage)) <= timedelta(seconds=6)


def test_after_a_jump_and_back_ticks_are_normal(stage: Stage) -> None:
    """21 (rule 13): the marks have not moved into the future, and the wall clock counts again."""
    stage.ahead_s = 3e8
    stage.write()
    stage.now, stage.ahead_s = 4.0, 0.0

    assert walls_of(Stage.write, stage) == {timedelta(0)}
    assert stage.store.record
    assert stage.store.record.renewed == "2026-11-22T12:00:04.000000Z"


def test_a_store_without_a_clock_leaves_the_wall_clock_alone(stage: Stage) -> None:
    stage.has_clock, stage.home.server_time = False, None
    stage.write()
    stage.ahead_s = 3e8

    assert walls_of(Stage.write, stage) == {timedelta(seconds=3e8)}
    assert stage.of("store.degraded") == []


def test_the_bound_goes_on_while_the_store_is_away(stage: Stage) -> None:
    """A failed request is no answer; what the store's clock said meanwhile may be as old as the watch's connection."""
    stage.has_clock = False
    stage.now, stage.ahead_s = 3.0, 3e8
    stage.work.writes_at = 3.0
    attempt = stage.campaign.next_step()
    assert isinstance(attempt, Attempt)
    stage.home.server_time = WALL - timedelta(seconds=30)
    stage.campaign.failed(attempt, Unavailable("away"))
    stage.home.server_time = WALL
    stage.now = 4.0

    assert walls_of(Stage.write, stage) == {timedelta(seconds=6)}


def test_what_is_told_of_a_clock_that_is_ahead(stage: Stage) -> None:
    """Once each time that it gets there, however many writes are made meanwhile."""
    for ahead_s in (100.0, 100.0, 0.0, 100.0):
        stage.ahead_s = ahead_s
        stage.now += 1
        stage.write()

    told = stage.of("store.degraded")
    assert len(told) == 2
    assert told[0] == {
        "store": "kubernetes:ops/beat",
        "error": "its clock is 100 s behind ours",
        "hint": "no tick is claimed further ahead than that clock plus 5 s; check NTP here and there",
    }


# ------------------------------------------------------------------ a scheduler that stalls


def test_a_leader_whose_alarm_is_dead_does_not_renew(stage: Stage) -> None:
    """It gives up the lead without a word to the store, and stands by for its own expired Lease."""
    stage.work.is_alive = False
    stage.work.running = 2
    before = stage.store.record
    stage.now = D / 2

    assert stage.run() == Wait(D / 2 + L + 0.2)
    assert stage.store.record is before
    assert stage.of("lead.lost") == [{"term": 1, "reason": "loop_stalled", "running": 2}]
    assert stage.work.told == [("lost",)]


def test_it_leads_again_once_it_lives(stage: Stage) -> None:
    stage.work.is_alive = False
    stage.now = D / 2
    stage.run()
    stage.work.is_alive = True
    stage.run(D / 2 + L + 0.2)

    assert [facts["cause"] for facts in stage.of("lead.acquired")] == ["expired"]
    assert stage.election.gate.is_open(stage.now)


def test_a_leader_that_leaves_may_have_no_alarm(stage: Stage) -> None:
    """It is disarmed then, and the Lease is to be given back all the same."""
    stage.work.is_alive = False
    stage.campaign.stop()

    assert stage.run() == Done()
    assert len(stage.of("lead.released")) == 1


# ------------------------------------------------------------------ leaving


def test_what_is_told_of_a_release(stage: Stage) -> None:
    """Rules 33, 34: the ends it recorded, then the time from which the others have theirs, then the line."""
    stage.work.running, stage.work.drained = 2, 3
    stage.now = 1.5
    stage.campaign.stop(reporting=True)
    stage.run()

    assert [told[0] for told in stage.work.told] == ["landed", "released"]
    assert stage.of("lead.released") == [{"term": 1, "drained": 3, "draining": 2}]


def test_a_release_that_leaves_nothing_running(stage: Stage) -> None:
    stage.campaign.stop()

    assert stage.run() == Done()
    assert stage.of("lead.released") == [{"term": 1, "drained": 0}]


def test_a_run_that_ends_after_the_release_is_reported(stage: Stage) -> None:
    """Rule 34."""
    stage.campaign.stop(reporting=True)
    stage.run()
    assert stage.run() == Wait(NEVER)
    stage.work.told.clear()
    stage.store.edit(holder="b")
    stage.work.reports = report = Sheet(replace(stage.store.ledger, did=(ROW,)))
    stage.work.writes_at = stage.now
    step = stage.campaign.next_step()
    assert step == Read()
    stage.campaign.found(stage.store.record)
    attempt = stage.campaign.next_step()
    assert isinstance(attempt, Attempt)
    stage.work.writes_at = NEVER
    stage.campaign.accepted(attempt, stage.store.perform(attempt))

    assert attempt.kind is Kind.REPORT
    assert stage.work.told == [("landed", report, stage.store.ledger)]
    assert stage.store.ledger.did == (ROW,)
    stage.campaign.stop()
    assert stage.run() == Done()


def test_a_report_that_has_nothing_to_say_is_not_sent(stage: Stage) -> None:
    """Rule 34: the ledger does not list the run any more."""
    stage.campaign.stop(reporting=True)
    stage.run()
    stage.work.writes_at = stage.now
    before = stage.store.record

    assert stage.run() == Wait(stage.now + P)
    assert stage.store.record is before

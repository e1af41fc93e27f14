"""The alarm: when the table's trigger fires, and that APScheduler rings when armed, and never otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.clock import SystemClock
from scheduler.core.job import Delivery, Job, JobTable
from scheduler.core.ports import Ring
from scheduler.running.alarm import Alarm, TableTrigger
from tests.fakes.tables import at, every, job, table
from tests.fakes.world import EPOCH

SOON = 5.0  # seconds until a test gives up hope
A_WHILE = 0.12  # in which a ring would be heard


def epoch(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


# ------------------------------------------------------------------ the trigger


def trigger_of(jobs: JobTable, now: float, ahead: float = 0.0) -> TableTrigger:
    return TableTrigger(jobs, epoch(now), lambda _job: timedelta(seconds=ahead))


def asked(trigger: TableTrigger, now: float, *, before: bool = True) -> tuple[float, Ring]:
    """When it fires next, asked at this second, having fired `before`; and what happened since then."""
    fires = trigger.get_next_fire_time(epoch(now) if before else None, epoch(now))
    return (fires - EPOCH).total_seconds(), trigger.take()


def fires_at(trigger: TableTrigger, now: float, *, before: bool = True) -> tuple[float, bool]:
    """The same, where ticks become claimable as they fall due."""
    fires, ring = asked(trigger, now, before=before)
    assert ring.claimable == (ring.due is not None)
    return fires, ring.claimable


@pytest.mark.parametrize(
    ("jobs", "now", "fires"),
    [
        pytest.param([every("a", 5)], 4.2, 5, id="at the next tick"),
        pytest.param([every("a", 5), every("b", 3)], 2.5, 3, id="at the next of any job"),
        pytest.param([every("a", 60)], 4.2, 5.2, id="after a heartbeat at the latest"),
        pytest.param([every("a", 5, enabled=False)], 4.2, 5.2, id="not for a disabled job"),
        pytest.param([at("a", 4.0)], 4.2, 5.2, id="not for a job whose time is over"),
        pytest.param([job("a", None)], 4.2, 5.2, id="not for a job that never ticks"),
        pytest.param([every("a", 5)], 5.0, 6.0, id="not for a tick that is due this moment: the first plan has it"),
    ],
)
def test_when_it_fires(jobs: list[Job], now: float, fires: float) -> None:
    trigger = trigger_of(table(*jobs), now)

    assert fires_at(trigger, now, before=False) == (fires, False)


def test_it_fires_at_once_for_what_fell_due_since_the_first_plan() -> None:
    """The engine asks for the first time a while after the moment as of which it was armed."""
    trigger = trigger_of(table(every("a", 5)), 4.5)

    assert fires_at(trigger, 5.2, before=False) == (5.2, True)
    assert fires_at(trigger, 5.2) == (6.2, False)


@pytest.mark.parametrize(
    ("asked_at", "fires", "fell_due"),
    [
        pytest.param(4.9, 5, False, id="early: the same again"),
        pytest.param(5.0, 6.0, True, id="at the tick"),
        pytest.param(5.7, 6.7, True, id="late"),
        pytest.param(9.5, 10, True, id="late, and the next one is near"),
        pytest.param(3605.5, 3606.5, True, id="an hour later, without walking the ticks in between"),
        pytest.param(-3600, -3599, False, id="the clock was set back: a heartbeat, and no tick"),
    ],
)
def test_it_is_asked_again(asked_at: float, fires: float, *, fell_due: bool) -> None:
    """What it answers depends on what is due by then, not on when it was last asked."""
    trigger = trigger_of(table(every("a", 5)), 4.5)

    assert fires_at(trigger, 4.5) == (5, False)
    assert fires_at(trigger, asked_at) == (fires, fell_due)
    assert trigger.take() == Ring()


def test_a_long_sleep_costs_nothing_per_missed_tick() -> None:
    asked = 0

    class Counting(type(every("a", 1).schedule)):  # type: ignore[misc]
        def after(self, instant: datetime) -> datetime | None:
            nonlocal asked
            asked += 1
            return super().after(instant)  # type: ignore[no-any-return]

    trigger = trigger_of(table(job("a", Counting(1))), 0)
    trigger.get_next_fire_time(None, epoch(7 * 86_400))

    assert asked < 10


def test_it_fires_when_the_jitter_is_over() -> None:
    one = every("a", 60, jitter=timedelta(seconds=30))
    trigger = trigger_of(table(one), 59.5)
    due = (one.due(epoch(60)) - EPOCH).total_seconds()

    assert fires_at(trigger, due - 0.2) == (due, False)
    assert fires_at(trigger, due) == (due + 1, True)


def test_a_tick_whose_jitter_is_running_is_not_forgotten() -> None:
    """Armed between the tick and its due instant, as after a hand-over."""
    one = every("a", 60, jitter=timedelta(seconds=30))
    due = (one.due(epoch(60)) - EPOCH).total_seconds()
    assert due > 61

    assert fires_at(trigger_of(table(one), 60.5), due - 0.1) == (due, False)


def test_a_tick_becomes_claimable_before_it_is_due() -> None:
    """Rule 23: once to claim it and once to start it."""
    trigger = trigger_of(table(every("a", 10)), 8.5, ahead=0.5)

    assert asked(trigger, 8.6) == (9.5, Ring())
    assert asked(trigger, 9.5) == (10, Ring(claimable=True))
    assert asked(trigger, 10) == (11, Ring(due=epoch(10)))


def test_armed_too_late_to_claim_ahead_it_fires_when_the_tick_is_due() -> None:
    """Whoever armed it has just planned, and knows how far ahead."""
    trigger = trigger_of(table(every("a", 10)), 9.7, ahead=0.5)

    assert asked(trigger, 9.7) == (10, Ring())
    assert asked(trigger, 10.1) == (11.1, Ring(due=epoch(10)))


def test_both_moments_may_be_slept_through() -> None:
    trigger = trigger_of(table(every("a", 10)), 8.5, ahead=0.5)

    assert asked(trigger, 12.3) == (13.3, Ring(claimable=True, due=epoch(10)))


def test_jobs_that_are_claimed_at_different_moments_have_different_rhythms() -> None:
    """Else one of them would stand for the other, and its tick would not be claimed when it is due."""
    early, strict = every("early", 10), every("strict", 10, delivery=Delivery.AT_MOST_ONCE)
    trigger = TableTrigger(table(early, strict), epoch(8.5), lambda job: timedelta(seconds=0.5 * (job is early)))

    assert asked(trigger, 9.5) == (10, Ring(claimable=True))
    assert asked(trigger, 10) == (11, Ring(claimable=True, due=epoch(10)))


# ------------------------------------------------------------------ the engine


@dataclass(frozen=True)
class Often:
    """A schedule for impatient tests: ten ticks a second, of which the first is `first`."""

    first: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    text: str = "often"
    PERIOD = timedelta(milliseconds=100)

    def after(self, instant: datetime) -> datetime | None:
        return self.first + ((instant - self.first) // self.PERIOD + 1) * self.PERIOD

    def before(self, instant: datetime) -> datetime | None:
        return self.first - ((self.first - instant) // self.PERIOD + 1) * self.PERIOD

    def count(self, after: datetime, until: datetime) -> int:
        return (until - self.first) // self.PERIOD - (after - self.first) // self.PERIOD


OFTEN = table(job("often", Often()))
SELDOM = table(every("seldom", 86_400))


class Rings:
    """Hears the bell."""

    def __init__(self) -> None:
        self._heard = threading.Condition()
        self.all: list[Ring] = []

    def ring(self, ring: Ring) -> None:
        with self._heard:
            self.all.append(ring)
            self._heard.notify_all()

    def more(self, count: int = 1, within_s: float = SOON) -> bool:
        """Whether so many more rings are heard from now on."""
        with self._heard:
            until = len(self.all) + count
            return self._heard.wait_for(lambda: len(self.all) >= until, within_s)


def not_ahead(_job: Job) -> timedelta:
    return timedelta(0)


@pytest.fixture
def rings() -> Rings:
    return Rings()


@pytest.fixture
def alarm(rings: Rings) -> Iterator[Alarm]:
    alarm = Alarm(rings.ring, not_ahead)
    yield alarm
    alarm.close()


def arm(alarm: Alarm, jobs: JobTable) -> None:
    alarm.arm(jobs, SystemClock().wall())


def test_it_rings_for_every_tick(alarm: Alarm, rings: Rings) -> None:
    arm(alarm, OFTEN)

    assert rings.more(3)
    assert all(ring.claimable and ring.due for ring in rings.all[:3])


def test_it_rings_every_heartbeat(alarm: Alarm, rings: Rings) -> None:
    """And says that nothing fell due; it only lets the clock be looked at."""
    arm(alarm, SELDOM)

    assert rings.more()
    assert rings.all == [Ring()]


def test_a_clock_set_back_silences_it_for_a_heartbeat_at_most(alarm: Alarm, rings: Rings) -> None:
    """Set back by an hour, the engine finds its next wake-up an hour ahead."""
    arm(alarm, SELDOM)
    assert alarm._engine
    alarm._engine.modify_job("sweep", next_run_time=SystemClock().wall() + timedelta(hours=1))

    assert rings.more(2)


def test_nothing_rings_after_it_was_disarmed(alarm: Alarm, rings: Rings) -> None:
    arm(alarm, OFTEN)
    assert rings.more()
    alarm.disarm()

    assert not rings.more(1, 2 * A_WHILE)


def test_armed_again_it_rings_again_for_what_is_to_come_and_for_nothing_else(alarm: Alarm, rings: Rings) -> None:
    arm(alarm, OFTEN)
    assert rings.more()
    alarm.disarm()
    assert not rings.more(1, 2 * A_WHILE)
    arm(alarm, SELDOM)

    assert not rings.more(1, A_WHILE)
    arm(alarm, OFTEN)
    assert rings.more(2)


def test_armed_twice_it_rings_once(alarm: Alarm, rings: Rings) -> None:
    arm(alarm, OFTEN)
    arm(alarm, OFTEN)

    assert rings.more(1)
    assert alarm._engine
    assert len(alarm._engine.get_jobs()) == 1


def test_disarming_waits_for_a_ring_that_is_under_way(rings: Rings) -> None:
    """So that whoever disarmed it may rely on silence."""
    ringing, go_on, disarmed = threading.Event(), threading.Event(), threading.Event()

    def ring(told: Ring) -> None:
        ringing.set()
        go_on.wait(SOON)
        rings.ring(told)

    alarm = Alarm(ring, not_ahead)
    arm(alarm, OFTEN)
    assert ringing.wait(SOON)

    def disarm() -> None:
        alarm.disarm()
        disarmed.set()

    thread = threading.Thread(target=disarm)
    thread.start()

    assert not disarmed.wait(A_WHILE)
    go_on.set()
    assert disarmed.wait(SOON)
    assert len(rings.all) == 1
    thread.join()
    alarm.close()


def test_an_engine_that_hangs_keeps_nobody_from_going_on(rings: Rings) -> None:
    """The replica has to give up the lead then, and to contend again."""
    ringing, go_on = threading.Event(), threading.Event()

    def ring(told: Ring) -> None:
        rings.ring(told)
        if not ringing.is_set():
            ringing.set()
            go_on.wait(SOON)

    alarm = Alarm(ring, not_ahead, patience_s=A_WHILE)
    arm(alarm, OFTEN)
    assert ringing.wait(SOON)
    alarm.disarm()
    heard = len(rings.all)
    arm(alarm, OFTEN)

    assert rings.more(heard + 2)
    alarm.disarm()
    go_on.set()
    assert not rings.more(1, 2 * A_WHILE)
    alarm.close()


def test_an_engine_that_hangs_keeps_nobody_from_leaving() -> None:
    ringing, go_on = threading.Event(), threading.Event()

    def ring(_: Ring) -> None:
        ringing.set()
        go_on.wait(SOON)

    alarm = Alarm(ring, not_ahead, patience_s=A_WHILE)
    arm(alarm, OFTEN)
    assert ringing.wait(SOON)
    alarm.close()

    assert not go_on.is_set()
    go_on.set()


def test_a_ring_that_fails_is_not_the_last(rings: Rings) -> None:
    failures = iter([RuntimeError("a defect of ours")])

    def ring(told: Ring) -> None:
        for failure in failures:
            raise failure
        rings.ring(told)

    alarm = Alarm(ring, not_ahead)
    arm(alarm, OFTEN)

    assert rings.more(2)
    alarm.close()


def test_armed_again_after_its_thread_died_it_rings_again(alarm: Alarm, rings: Rings) -> None:
    """The leader notices the silence, gives up the lead, and may lead again later."""
    arm(alarm, OFTEN)
    assert rings.more()
    assert alarm._engine
    alarm._engine.shutdown()
    arm(alarm, OFTEN)

    assert rings.more(2)


def test_an_alarm_that_was_never_armed_has_no_thread() -> None:
    before = threading.active_count()
    alarm = Alarm(lambda _: None, not_ahead)
    alarm.disarm()
    alarm.close()

    assert threading.active_count() == before

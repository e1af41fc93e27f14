"""When a loop counts as stuck: by its own word, and only by time that this process was awake to see."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.lease import Election
from scheduler.core.moves import Candidate, Timings, Wait
from scheduler.core.ports import LeaseRecord
from scheduler.leading.campaign import Campaign
from scheduler.leading.heartbeat import LONGEST_GAP_S, MARGIN_S, Heartbeat
from scheduler.leading.loop import LONGEST_WAIT_S, CampaignLoop, Inbox
from scheduler.stores.memory import MemoryStore
from tests.fakes.hand_clock import HandClock
from tests.fakes.work import NotingWork

PERIOD_S = 10.0  # between two probes
HOUR_S = 3600.0


def first_late_at(heartbeat: Heartbeat, begin: float, end: float, every_s: float = PERIOD_S) -> float | None:
    """The first of the probes in this time that finds the loop stuck."""
    probes = (begin + number * every_s for number in range(int((end - begin) / every_s) + 1))
    return next((at for at in probes if heartbeat.late_s(at)), None)


def test_before_its_first_turn_and_after_its_last_a_loop_is_not_late() -> None:
    heartbeat = Heartbeat()
    assert first_late_at(heartbeat, 0, HOUR_S) is None
    heartbeat.turns_within(HOUR_S, 5)
    heartbeat.rests()

    assert first_late_at(heartbeat, HOUR_S, 2 * HOUR_S) is None


def test_a_loop_that_turns_is_never_late() -> None:
    heartbeat = Heartbeat()

    for at in range(0, 3600, 5):
        heartbeat.turns_within(at, 5)
        assert heartbeat.late_s(at + 4.9) == 0


@pytest.mark.parametrize("length_s", [0.0, 2.0, LONGEST_WAIT_S])
def test_a_loop_that_does_not_turn_is_late_a_margin_after_its_time_twice_over(length_s: float) -> None:
    heartbeat = Heartbeat()
    heartbeat.turns_within(0, length_s)

    late_at = first_late_at(heartbeat, 0, HOUR_S, every_s=1)

    assert late_at is not None
    assert 2 * length_s + MARGIN_S < late_at <= 2 * length_s + MARGIN_S + 2


def test_it_says_by_how_much() -> None:
    heartbeat = Heartbeat()
    heartbeat.turns_within(100, 10)

    assert [heartbeat.late_s(at) for at in (110, 120, 130, 140, 150, 160)] == [0, 0, 0, 0, 0, 50]


def test_it_is_alive_again_as_soon_as_it_turns() -> None:
    heartbeat = Heartbeat()
    heartbeat.turns_within(0, 1)
    assert first_late_at(heartbeat, 0, HOUR_S)
    heartbeat.turns_within(HOUR_S, 1)

    assert heartbeat.late_s(HOUR_S + 10) == 0


def test_a_process_that_wakes_after_an_hour_gets_time_to_turn() -> None:
    """Frozen, or asleep with its laptop: the probe may be the first thing that it sees."""
    heartbeat = Heartbeat()
    heartbeat.turns_within(0, 5)
    assert heartbeat.late_s(1) == 0

    assert first_late_at(heartbeat, HOUR_S, HOUR_S + 20) is None


@pytest.mark.parametrize("length_s", [2.0, LONGEST_WAIT_S])
def test_a_timer_that_slept_with_the_machine_may_run_on_after_it(length_s: float) -> None:
    """It has its whole length before it, if the machine fell asleep as it was set."""
    heartbeat = Heartbeat()
    heartbeat.turns_within(0, length_s)
    heartbeat.late_s(1)

    assert first_late_at(heartbeat, HOUR_S, HOUR_S + length_s + MARGIN_S - LONGEST_GAP_S) is None


def test_a_process_that_is_frozen_again_and_again_is_judged_by_what_it_saw() -> None:
    """A throttled container: a second of running in each minute. It turns each time that it runs."""
    heartbeat = Heartbeat()

    for minute in range(0, 3600, 60):
        heartbeat.turns_within(minute, 2)
        assert heartbeat.late_s(minute + 0.5) == 0


def test_one_that_wakes_and_is_stuck_is_found_out_all_the_same() -> None:
    heartbeat = Heartbeat()
    heartbeat.turns_within(0, 5)
    heartbeat.late_s(1)

    late_at = first_late_at(heartbeat, HOUR_S, 2 * HOUR_S)

    assert late_at is not None
    assert late_at <= HOUR_S + 5 + MARGIN_S + PERIOD_S


@given(
    promises=st.lists(st.tuples(st.floats(0, 500), st.floats(0, 60)), min_size=1, max_size=8),
    questions=st.lists(st.floats(0, 1000), max_size=40),
)
def test_nobody_can_ask_a_loop_to_death(promises: list[tuple[float, float]], questions: list[float]) -> None:
    """However often it is asked, and whenever, it is never found later than it is."""
    heartbeat, until = Heartbeat(), 0.0
    events = sorted([*((at, length) for at, length in promises), *((at, None) for at in questions)], key=lambda e: e[0])

    for at, length_s in events:
        if length_s is not None:
            heartbeat.turns_within(at, length_s)
            until = at + length_s
        elif late_s := heartbeat.late_s(at):
            assert MARGIN_S < late_s <= at - until + 1e-9


# ------------------------------------------------------------------ the loop's word


class HeldStore(MemoryStore):
    """Holds up each read until it is let go; notes how long it was allowed to take."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.let_go = threading.Event(), threading.Event()
        self.timeouts: list[float] = []

    def read(self, timeout_s: float) -> LeaseRecord | None:
        self.timeouts.append(timeout_s)
        self.reached.set()
        self.let_go.wait(5)
        return super().read(timeout_s)


class HeldInbox(Inbox):
    """Says when the loop waits, and for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.waits: list[float] = []

    def wait(self, timeout_s: float) -> None:
        self.waits.append(timeout_s)
        self.reached.set()
        super().wait(timeout_s)


class Contender:
    def __init__(self, *, creates_at_once: bool = True) -> None:
        self.clock, self.store, self.inbox = HandClock(), HeldStore(), HeldInbox()
        candidate = Candidate("a", "n1", Timings(15, 10, 2), creates_at_once=creates_at_once)
        election = Election(candidate, lambda: 0.5)
        campaign = Campaign(election, NotingWork(), self.clock, lambda _event, **_facts: None, self.store)
        self.loop = CampaignLoop(campaign, self.store, self.clock, self.inbox)

    def stuck_after(self, seconds: float) -> str | None:
        """What a probe each second hears in the end."""
        heard = None
        for _ in range(int(seconds)):
            self.clock.now += 1
            heard = self.loop.stuck()
        return heard

    def end(self) -> None:
        self.store.let_go.set()
        self.loop.stop(5)


@pytest.fixture
def contender() -> Contender:
    return Contender()


def test_a_loop_is_alive_while_it_asks_the_store(contender: Contender) -> None:
    """Its word is the request's timeout; only a request that outlives its timeout by far is a loop that is stuck."""
    contender.loop.start()
    assert contender.store.reached.wait(5)
    assert contender.store.timeouts == [2.0]

    assert contender.stuck_after(2 * 2 + MARGIN_S) is None
    assert contender.stuck_after(2) == f"the campaign's loop is {2 + MARGIN_S + 2:.0f} s late"
    contender.end()


def test_a_loop_is_alive_while_it_waits() -> None:
    contender = Contender(creates_at_once=False)
    contender.store.let_go.set()
    contender.loop.start()
    assert contender.inbox.reached.wait(5)
    assert contender.inbox.waits[0] == 2.0  # for somebody else to create the Lease

    assert contender.stuck_after(2 * 2 + MARGIN_S) is None
    assert contender.stuck_after(2)
    contender.end()


def test_a_loop_that_neither_waits_nor_asks_has_the_margin_for_its_turn(contender: Contender) -> None:
    thinking, thought = threading.Event(), threading.Event()

    def never_ends() -> Wait:
        thinking.set()
        thought.wait(5)
        return Wait(0)

    contender.loop._campaign.next_step = never_ends  # type: ignore[method-assign]
    contender.loop.start()
    assert thinking.wait(5)

    assert contender.stuck_after(MARGIN_S) is None
    assert contender.stuck_after(2)
    contender.loop.give_up()
    thought.set()


def test_a_loop_whose_turns_fail_turns(contender: Contender) -> None:
    """A restart would find the same Lease, and the log says what is wrong."""
    turns = threading.Semaphore(0)

    def fails() -> bool:
        turns.release()
        raise ZeroDivisionError("ours")

    contender.loop._turn = turned(contender.loop._turn, fails)  # type: ignore[method-assign]
    contender.store.let_go.set()
    contender.loop.start()
    for _ in range(2):
        assert turns.acquire(timeout=5)
        contender.clock.now += MARGIN_S

    assert contender.loop.stuck() is None
    contender.loop.give_up()


def turned(turn: Callable[[], bool], then: Callable[[], bool]) -> Callable[[], bool]:
    def both() -> bool:
        turn()
        return then()

    return both


def test_a_loop_that_has_ended_is_not_stuck(contender: Contender) -> None:
    """The process may drain for an hour yet."""
    contender.store.let_go.set()
    contender.loop.start()
    assert contender.store.reached.wait(5)
    assert contender.loop.stop(5)

    assert contender.stuck_after(HOUR_S) is None

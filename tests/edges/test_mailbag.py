"""Which letter goes next, how often it is tried, and which are let go of; without threads, by a clock of the test."""

from __future__ import annotations

import pytest

from scheduler.telling.signals.mailbag import (
    AT_ONCE,
    FAILING_AT_ONCE,
    NEVER,
    TRIES,
    Failure,
    Letter,
    Losses,
    Mail,
    Mailbag,
)
from scheduler.telling.signals.post import THREADS

AWAY = Failure("connection refused")
REFUSED = Failure("status 404 not found", lasting=True)


def letter(target: str = "ops", job: str = "sync", host: str = "") -> Letter:
    return Letter(target, job, lambda: Mail("http://x", b""), host)


def told(losses: list[Losses]) -> list[tuple[str, int, int, str]]:
    return [(lost.target, lost.dropped, lost.failed, lost.error) for lost in losses]


def sent(bag: Mailbag, now: float, failure: Failure | None = None) -> Letter:
    """The next letter, sent and settled."""
    taken = bag.take(now)
    assert taken
    bag.settle(taken, failure, now)
    return taken


def test_letters_of_a_lane_go_one_at_a_time_and_in_their_order() -> None:
    bag, start, end = Mailbag(), letter(), letter()
    bag.put(start)
    bag.put(end)

    assert bag.take(0) is start
    assert bag.take(0) is None
    bag.settle(start, None, 0)
    assert bag.take(0) is end


def test_a_letter_that_failed_goes_again_before_those_behind_it() -> None:
    bag, start, end = Mailbag(), letter(), letter()
    bag.put(start)
    bag.put(end)
    sent(bag, 0, AWAY)

    assert bag.take(0.9) is None
    assert bag.next_at(0.9) == 1.0
    assert sent(bag, 1.0, AWAY) is start
    assert bag.next_at(1.0) == 6.0
    assert sent(bag, 6.0) is start
    assert sent(bag, 6.0) is end
    assert bag.is_done


def test_the_third_failure_is_the_last_and_is_told() -> None:
    bag = Mailbag()
    bag.put(letter())
    for now in (0, 1, 6):
        assert bag.losses(now) == []
        sent(bag, now, AWAY)

    assert told(bag.losses(6)) == [("ops", 0, 1, "connection refused")]
    assert bag.is_done


def test_what_the_target_refuses_is_not_repeated() -> None:
    bag = Mailbag()
    bag.put(letter())
    sent(bag, 0, REFUSED)

    assert told(bag.losses(0)) == [("ops", 0, 1, "status 404 not found")]
    assert bag.is_done


@pytest.mark.parametrize(("asked_s", "waits_s"), [(0, 1), (7, 7), (86_400, 60)])
def test_a_target_that_asks_to_wait_is_obeyed_within_reason(asked_s: float, waits_s: float) -> None:
    bag = Mailbag()
    bag.put(letter())
    sent(bag, 0, Failure("status 429 too many requests", after_s=asked_s))

    assert bag.next_at(0) == waits_s


def test_a_target_that_answers_gets_a_few_at_once_and_one_that_does_not_only_one() -> None:
    bag = Mailbag()
    for number in range(10):
        bag.put(letter(job=f"job-{number}"))
    taken = [one for _ in range(10) if (one := bag.take(0))]
    for one in taken:
        bag.settle(one, AWAY, 0)

    assert len(taken) == AT_ONCE
    assert bag.take(1)
    assert bag.take(1) is None


def test_targets_that_do_not_answer_leave_the_others_free() -> None:
    bag = Mailbag()
    for target in ("hangs", "hangs-too"):
        for number in range(100):
            bag.put(letter(target, f"job-{number}"))
        sent(bag, 0, AWAY)
    bag.put(letter("ops"))
    sent_now = [one.target for _ in range(10) if (one := bag.take(2))]

    assert sorted(sent_now) == ["hangs", "hangs-too", "ops"]


def test_however_many_targets_do_not_answer_half_of_those_who_send_are_free_for_the_others() -> None:
    bag, away = Mailbag(), [letter(f"away-{number}") for number in range(FAILING_AT_ONCE + 2)]
    for one in away:
        bag.put(one)
        sent(bag, 0, AWAY)
    answers = letter("answers")
    bag.put(answers)
    taken = [bag.take(1) for _ in range(FAILING_AT_ONCE + 1)]

    assert taken == [*away[:FAILING_AT_ONCE], answers]
    assert bag.take(1) is None
    bag.settle(away[0], None, 2)
    assert bag.take(2) is away[FAILING_AT_ONCE]
    assert THREADS >= 2 * FAILING_AT_ONCE


def test_pings_of_one_host_fail_together_and_of_another_do_not() -> None:
    bag = Mailbag()
    bag.put(letter("ping", "a", host="down"))
    sent(bag, 0, AWAY)
    bag.put(letter("ping", "b", host="down"))
    bag.put(letter("ping", "c", host="up"))
    taken = bag.take(0.5)

    assert taken
    assert taken.job == "c"
    assert bag.take(0.5) is None


def test_everybodys_turn_comes() -> None:
    bag = Mailbag()
    for _ in range(3):
        for job in ("a", "b"):
            bag.put(letter(job=job))

    assert [sent(bag, 0).job for _ in range(6)] == ["a", "b", "a", "b", "a", "b"]


def test_a_full_bag_lets_go_of_the_oldest_letter_of_whoever_has_most() -> None:
    bag = Mailbag(capacity=4)
    first, *rest = [letter("dead", "a") for _ in range(3)]
    for one in (first, letter("ops"), *rest):
        bag.put(one)
    newcomer = letter("ops")
    bag.put(newcomer)
    left = [sent(bag, 0) for _ in range(4)]

    assert told(bag.losses(0)) == [("dead", 1, 0, "")]
    assert first not in left
    assert newcomer in left


def test_losses_are_told_once_a_minute_at_most_and_none_is_forgotten() -> None:
    bag = Mailbag()
    tellings = []
    for now in range(0, 130, 10):
        bag.put(letter())
        sent(bag, now, REFUSED)
        tellings += [(now, lost.failed) for lost in bag.losses(now)]

    assert tellings == [(0, 1), (60, 6), (120, 6)]


def test_what_is_left_to_tell_is_waited_for() -> None:
    bag = Mailbag()
    for now in (0, 1):
        bag.put(letter())
        sent(bag, now, REFUSED)
        bag.losses(now)

    assert bag.next_at(1) == 60
    assert told(bag.losses(60)) == [("ops", 0, 1, "status 404 not found")]
    assert bag.next_at(60) == NEVER


def test_at_the_end_what_waits_is_counted_as_dropped() -> None:
    bag = Mailbag()
    for _ in range(3):
        bag.put(letter())
    under_way = bag.take(0)
    bag.drop_all()

    assert told(bag.losses(NEVER)) == [("ops", 2, 0, "")]
    assert under_way
    bag.settle(under_way, None, 0)
    assert bag.is_done


def test_nothing_is_remembered_of_targets_that_are_done() -> None:
    bag = Mailbag()
    for number in range(TRIES * 2):
        bag.put(letter(host=f"host-{number}"))
        sent(bag, 0)

    assert bag._places == {}
    assert bag._lanes == {}
    assert len(bag) == 0

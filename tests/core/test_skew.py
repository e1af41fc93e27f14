"""Rule 13: how far a wall clock is believed, beside the store's. The store's says 12:00:00 at boot second 100."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.core.election.skew import ClaimClock, skew_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SKEW = timedelta(seconds=5)
HEARD_AT = 100.0


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def clock() -> ClaimClock:
    one = ClaimClock(SKEW)
    one.hear(NOON, HEARD_AT)
    return one


@pytest.mark.parametrize(
    ("lease_duration_s", "skew_s"),
    [
        pytest.param(15, 5, id="the default: a third of the lease"),
        pytest.param(6, 2, id="a short lease: a third of it"),
        pytest.param(60, 5, id="a long one: 5 s"),
    ],
)
def test_the_skew(lease_duration_s: float, skew_s: float) -> None:
    assert skew_of(lease_duration_s) == timedelta(seconds=skew_s)


@pytest.mark.parametrize(
    ("wall_s", "passed_s", "claims_s"),
    [
        pytest.param(0, 0, 0, id="as the store's"),
        pytest.param(-3600, 0, -3600, id="behind it: as it is, for it only claims late"),
        pytest.param(5.9, 0, 5.9, id="ahead by less than the skew and the second that Date does not tell"),
        pytest.param(6.1, 0, 6, id="by more: no further"),
        pytest.param(3e8, 0, 6, id="far in the future: no further"),
        pytest.param(3e8, 7.5, 13.5, id="and so on as time passes"),
    ],
)
def test_the_time_to_claim_by(clock: ClaimClock, wall_s: float, passed_s: float, claims_s: float) -> None:
    assert clock.bounded(at(wall_s), HEARD_AT + passed_s) == at(claims_s)


def test_a_store_without_a_clock_bounds_nothing() -> None:
    clock = ClaimClock(SKEW)
    clock.hear(None, HEARD_AT)

    assert clock.bounded(at(3e8), HEARD_AT) == at(3e8)
    assert not clock.is_ahead


def test_the_same_date_again_is_no_news(clock: ClaimClock) -> None:
    """An answer without a `Date` leaves the last one standing, which is as old as it is."""
    clock.hear(NOON, HEARD_AT + 60)

    assert clock.bounded(at(3600), HEARD_AT + 60) == at(66)


def test_a_later_date_counts_from_its_own_answer(clock: ClaimClock) -> None:
    clock.hear(at(61), HEARD_AT + 60)

    assert clock.bounded(at(3600), HEARD_AT + 60) == at(67)


def test_a_server_whose_clock_is_set_back_is_believed(clock: ClaimClock) -> None:
    clock.hear(at(-30), HEARD_AT + 1)

    assert clock.bounded(at(1), HEARD_AT + 1) == at(-24)


def test_when_it_is_ahead_and_by_how_much(clock: ClaimClock) -> None:
    clock.bounded(at(100.4), HEARD_AT)

    assert clock.is_ahead
    assert clock.ahead_s(at(100.4), HEARD_AT) == 100


@pytest.mark.parametrize(
    ("offset_s", "is_ahead"),
    [
        pytest.param(5.5, True, id="near the bound, where Date's missing fraction decides"),
        pytest.param(4.9, False, id="within the skew"),
    ],
)
def test_it_does_not_come_and_go(clock: ClaimClock, offset_s: float, *, is_ahead: bool) -> None:
    """A clock of one and the same offset is told of once: it is back only when no fraction can make it ahead again."""
    clock.bounded(at(7), HEARD_AT)
    assert clock.is_ahead
    clock.bounded(at(offset_s), HEARD_AT)

    assert clock.is_ahead == is_ahead

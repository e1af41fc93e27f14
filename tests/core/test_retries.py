"""How long a failed run rests: doubled, bounded, spread, and the same on every replica."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.claims.retries import LONGEST_RETRY_DELAY, SPREAD, rests, retry_delay
from scheduler.core.job import Policy
from scheduler.core.ledger import OpenRun


def failed(failures: int, attempt: int | None = None, tick: str = "2026-11-22T12:00:05Z") -> OpenRun:
    return OpenRun("a", tick, attempt or failures, "n1", "l", failures=failures)


@pytest.mark.parametrize(("failures", "at_most_s"), [(1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (10, 300)])
def test_it_doubles_up_to_five_minutes(failures: int, at_most_s: float) -> None:
    delay_s = retry_delay(Policy(), failed(failures)).total_seconds()

    assert at_most_s * (1 - SPREAD) <= delay_s <= at_most_s


def test_an_interruption_in_between_does_not_double_it() -> None:
    assert retry_delay(Policy(), failed(1, attempt=3)) <= timedelta(seconds=10)


def test_runs_that_failed_together_part() -> None:
    delays = {retry_delay(Policy(), failed(1, tick=f"2026-11-22T12:00:{second:02}Z")) for second in range(60)}

    assert len(delays) > 50


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=1)), st.integers(1, 10))
def test_laws_of_the_delay(first: timedelta, failures: int) -> None:
    policy = Policy(retry_delay=first)
    delay = retry_delay(policy, failed(failures))

    assert delay == retry_delay(policy, failed(failures))
    assert timedelta(0) < delay <= LONGEST_RETRY_DELAY
    assert delay % timedelta(milliseconds=1) == timedelta(0)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(failed(2), True, id="all its attempts failed"),
        pytest.param(failed(1, attempt=2), False, id="its second attempt was under way"),
        pytest.param(OpenRun("a", "2026-11-22T12:00:05Z", 1, "n1", "l"), False, id="it never failed"),
    ],
)
def test_who_rests(entry: OpenRun, *, expected: bool) -> None:
    assert rests(entry) == expected

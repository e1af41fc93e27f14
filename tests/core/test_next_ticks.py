"""The next ticks, remembered until one of them has passed."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.job import Job
from scheduler.core.schedule import CronSchedule
from scheduler.core.views.next_ticks import NextTicks
from tests.fakes.tables import at, every, job
from tests.fakes.world import EPOCH


def ticks(one: Job, second: float, count: int = 3) -> list[float]:
    found = NextTicks(count).after(one, EPOCH + timedelta(seconds=second))
    return [(tick - EPOCH).total_seconds() for tick in found]


def test_they_are_the_ticks_after_an_instant() -> None:
    assert ticks(every("a", 10), 20) == [30, 40, 50]
    assert ticks(every("a", 10), 19.9) == [20, 30, 40]


def test_there_may_be_fewer_or_none() -> None:
    assert ticks(at("a", 20), 0) == [20]
    assert ticks(at("a", 20), 20) == []
    assert ticks(job("a", None), 0) == []


def test_they_are_the_same_object_while_they_are_the_same() -> None:
    following, one = NextTicks(3), every("a", 10)
    known = following.after(one, EPOCH + timedelta(seconds=20))

    assert following.after(one, EPOCH + timedelta(seconds=29.9)) is known
    assert following.after(every("b", 10), EPOCH + timedelta(seconds=29.9)) is known
    assert following.after(one, EPOCH + timedelta(seconds=30)) is not known


@given(st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_what_it_remembers_changes_nothing(seconds: list[int]) -> None:
    """Even if the clock is set back; and jobs whose schedule has a value of their own keep it to themselves."""
    jobs = [every("a", 7), every("b", 7), at("c", 100), at("d", 200)]
    jobs += [job(name, CronSchedule("H * * * * *", "UTC", name)) for name in ("e", "f", "g")]
    remembering = NextTicks(2)

    for second in seconds:
        for one in jobs:
            now = EPOCH + timedelta(seconds=second)
            assert remembering.after(one, now) == NextTicks(2).after(one, now)

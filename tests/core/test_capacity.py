"""Where more is due than there are places: what waits is told, and no job waits for ever because of another.

Over the pretended world: A leads from the beginning on, seconds count from there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.job import Job, Overlap
from scheduler.running.capacity import STARVES_AFTER_S
from tests.fakes.stories import led_by_a
from tests.fakes.tables import every, table
from tests.fakes.world import START, World, run

ALLOW: dict[str, Any] = {"overlap": Overlap.ALLOW, "catch_up_window": timedelta(days=1)}
REPLACE: dict[str, Any] = {"overlap": Overlap.REPLACE}


def busy(*jobs: Job, places: int, lasting: dict[str, float]) -> World:
    """A world in which the runs of each job last so many seconds."""
    world, a, _ = led_by_a(table(*jobs), max_parallel=places)
    a.runner.duration_s.update(lasting)
    return world


def begun(world: World, job: str) -> list[float]:
    return [start.at - START for start in world.starts if start.job == job]


def test_a_job_that_never_gets_done_does_not_keep_others_behind_its_backlog() -> None:
    world = busy(every("flood", 1, **ALLOW), every("rare", 300, offset=50), places=2, lasting={"flood": 10.0})
    world.run_to(50 + STARVES_AFTER_S + 12)

    assert world.started("rare") == [(run("rare", 50), 1)]


def test_the_oldest_goes_first_as_long_as_nobody_waits_for_long() -> None:
    jobs = (every("a", 60, offset=1), every("b", 60, offset=3), every("c", 60, offset=2))
    world = busy(*jobs, places=1, lasting={"a": 5.0})
    world.run_to(20)

    assert [start.job for start in world.starts] == ["a", "c", "b"]


def test_runs_that_replace_one_another_do_not_keep_their_place_from_others() -> None:
    jobs = (every("restless", 2, **REPLACE), every("rare", 60, offset=5))
    world = busy(*jobs, places=1, lasting={"restless": 10.0})
    world.run_to(20)

    assert begun(world, "rare") == [pytest.approx(14, abs=0.2)]  # the run of second 4 ends by itself


def test_runs_that_replace_one_another_do_so_when_nobody_waits() -> None:
    world = busy(every("restless", 2, **REPLACE), places=1, lasting={"restless": 10.0})
    world.run_to(9)

    assert begun(world, "restless") == pytest.approx([2, 4, 6, 8], abs=0.2)


def test_what_waits_for_a_place_is_told_once_a_minute() -> None:
    world = busy(every("long", 300, offset=1), every("a", 300, offset=3), places=1, lasting={"long": 200.0})
    world.run_to(8)
    assert world.events("runs.waiting") == []
    world.run_to(199)

    lines = world.events("runs.waiting")
    assert [line.facts["waiting"] for line in lines] == [1, 1, 1, 1][: len(lines)]
    assert 3 <= len(lines) <= 4
    assert lines[0].facts["max_parallel"] == 1
    assert 5_000 <= lines[0].facts["oldest_ms"] < 11_000  # type: ignore[operator]


def test_a_free_place_is_nothing_to_tell_of() -> None:
    world = busy(every("long", 300, offset=1), every("a", 10), places=2, lasting={"long": 100.0, "a": 9.0})
    world.run_to(60)

    assert world.events("runs.waiting") == []


DEMANDING = st.tuples(
    st.integers(1, 8), st.sampled_from([Overlap.ALLOW, Overlap.SKIP, Overlap.REPLACE, Overlap.QUEUE]), st.integers(1, 6)
)


@settings(max_examples=6, deadline=None)
@given(st.lists(DEMANDING, min_size=2, max_size=4), st.integers(1, 2))
def test_no_job_is_starved_by_others(demands: list[tuple[int, Overlap, int]], places: int) -> None:
    """Whatever they demand, each is served again after a minute and one run of each that has waited longer."""
    jobs = [every(f"j{number}", period, overlap=overlap) for number, (period, overlap, _) in enumerate(demands)]
    wide = [replace(one, policy=replace(one.policy, catch_up_window=timedelta(days=1))) for one in jobs]
    lasting = {f"j{number}": float(lasts) for number, (_, _, lasts) in enumerate(demands)}
    world, end = busy(*wide, places=places, lasting=lasting), 240.0
    world.run_to(end)
    patience = STARVES_AFTER_S + 8 + sum(lasting.values()) + 2

    for job in wide:
        times = [0.0, *begun(world, job.name), end]
        assert max(after - before for before, after in pairwise(times)) <= patience, job.name

"""A standby that follows the ledger: it tells of a leader that renews and leaves due ticks undecided, and of no other.

A and B are real replicas of the pretended world: lease 15 s (L), trust 10 s (D), retry period 2 s. A leads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.job import CatchUp, JobTable, Overlap
from scheduler.core.moves import Seen
from scheduler.core.notes.commands import Pause, with_pauses
from scheduler.core.views.shadow import LOOKS_APART_S, Shadow
from scheduler.running.dispatch import Dispatch
from scheduler.running.wanted import Planned
from tests.fakes.stories import one_gate_at_most
from tests.fakes.tables import ALL, at, every, table
from tests.fakes.world import EPOCH, L, Replica, World

TABLE = table(every("tick", 5), every("tock", 60))
HASH = "9f2c41d0"
TOLD_WITHIN_S = 2 * L + 2 * LOOKS_APART_S + 5


class Stalls(Dispatch):
    """After a while it leaves every tick undecided, and only renews: the defect that a shadow is there for."""

    stalls_at = float("inf")

    def draft(self, base: Seen, now: float, wall: datetime) -> Planned | None:
        return None if now >= self.stalls_at else super().draft(base, now, wall)

    def wanted_at(self, now: float) -> float:
        return float("inf") if now >= self.stalls_at else super().wanted_at(now)


def followed(
    jobs: JobTable = TABLE, *, theirs: str = HASH, patience_s: float = L, **options: Any
) -> tuple[World, Replica]:
    """A leads, B follows with a shadow; `theirs` is the hash of A's table."""
    world = one_gate_at_most(World())
    a = world.replica("A", jobs, creates_at_once=True, config=theirs, **options)
    world.run_for(0)
    b = world.replica("B", jobs, config=HASH)
    b.campaign.accompany(Shadow(jobs, HASH, patience_s, b._tell))  # what the replica itself would do
    world.run_for(0.5)
    return world, a


def stalled(world: World) -> list[dict[str, object]]:
    return [dict(line.facts) for line in world.events("leader.stalled")]


# ------------------------------------------------------------------ a leader that has stalled


def test_a_leader_that_renews_and_decides_nothing_is_told_of_once() -> None:
    world, a = followed(dispatch=Stalls)
    world.run_to(21)
    a.dispatch.stalls_at = world.now  # type: ignore[attr-defined]
    world.run_to(21 + TOLD_WITHIN_S)
    told = stalled(world)
    world.run_to(200)

    assert [facts["leader"] for facts in told] == ["A"]
    assert L * 1000 < float(str(told[0]["lag_ms"])) < (2 * TOLD_WITHIN_S) * 1000
    assert stalled(world) == told
    assert a.election.term


def test_it_is_told_again_only_after_it_was_over() -> None:
    world, a = followed(dispatch=Stalls)
    for begins in (20, 150):
        world.run_to(begins)
        a.dispatch.stalls_at = world.now  # type: ignore[attr-defined]
        world.run_to(begins + 80)
        a.dispatch.stalls_at = float("inf")  # type: ignore[attr-defined]
        a.wake()

    assert len(stalled(world)) == 2


def test_its_standbys_clock_does_not_matter() -> None:
    """Both clocks of the world may be off by hours: a leader is judged by its own."""
    world, _ = followed()
    world.replicas[1].skew_s = 7200.0
    world.run_to(120)

    assert stalled(world) == []


# ------------------------------------------------------------------ leaders that have not


def busy_pool(world: World, a: Replica) -> None:
    a.runner.duration_s = {"long": 500.0}
    world.run_to(300)


def paused(world: World, _: Replica) -> None:
    assert world.record
    world.edit(notes=with_pauses(world.record.notes, {"tick": Pause(EPOCH), "tock": Pause(EPOCH)}))
    world.run_to(300)


def away(world: World, _: Replica) -> None:
    """The store is away from all, for longer than a trust; then the same term goes on."""
    world.run_to(20)
    for replica in world.replicas:
        replica.away = True
    world.run_to(28)
    for replica in world.replicas:
        replica.away = False
    world.run_to(120)


def writes_fail(world: World, a: Replica) -> None:
    world.run_to(20)
    a.writes_fail = True
    world.run_to(34)
    a.writes_fail = False
    world.run_to(120)


def waits_for_itself(world: World, a: Replica) -> None:
    a.runner.duration_s = {"queued": 200.0, "backlog": 40.0, "tick": 40.0}
    world.run_to(400)


def killed(world: World, a: Replica) -> None:
    world.run_to(20)
    a.kill()
    world.run_to(120)


def slow(world: World, a: Replica) -> None:
    a.latency_s = 1.9
    world.run_to(200)


@pytest.mark.parametrize(
    ("jobs", "happens"),
    [
        pytest.param(
            replace(table(at("long", 5), every("tick", 5)), max_parallel=1), busy_pool, id="no worker is free"
        ),
        pytest.param(TABLE, paused, id="all is paused"),
        pytest.param(TABLE, away, id="the store was away"),
        pytest.param(TABLE, writes_fail, id="its writes fail for a while"),
        pytest.param(TABLE, killed, id="it died, and whoever follows it catches up"),
        pytest.param(TABLE, slow, id="its store is slow"),
        pytest.param(
            table(every("queued", 20, overlap=Overlap.QUEUE), every("backlog", 5, **ALL), every("tick", 5)),
            waits_for_itself,
            id="ticks wait behind runs of their own job",
        ),
    ],
)
def test_a_leader_with_a_reason_is_not_told_of(jobs: JobTable, happens: Callable[[World, Replica], None]) -> None:
    world, a = followed(jobs)
    happens(world, a)

    assert stalled(world) == []


@pytest.mark.parametrize(
    ("theirs", "rev"), [pytest.param("", 0, id="says nothing of its table"), pytest.param("1a2b3c4d", 0, id="another")]
)
def test_a_leader_of_another_table_cannot_be_judged(theirs: str, rev: int) -> None:
    world, a = followed(theirs=theirs, dispatch=Stalls)
    a.dispatch.stalls_at = world.now + rev  # type: ignore[attr-defined]
    world.run_to(200)

    assert stalled(world) == []


def test_a_leader_that_drains_before_its_release_gets_the_time_for_it() -> None:
    world, a = followed(table(every("tick", 5), at("long", 5)), patience_s=L + 60)
    a.runner.duration_s = {"long": 100.0}
    world.run_to(10)
    a.terminate(drain_s=60)
    world.run_to(120)

    assert stalled(world) == []


def test_missed_ticks_behind_a_run_that_is_repeated_are_no_stall() -> None:
    """They wait for its end under the new leader, whatever the job's policy."""
    jobs = table(every("long", 100, offset=5), every("tick", 5))
    world, a = followed(jobs)
    c = world.replica("C", jobs, config=HASH)
    c.campaign.accompany(Shadow(jobs, HASH, L, c._tell))  # as above
    for replica in world.replicas:
        replica.runner.duration_s = {"long": 200.0}
    world.run_to(95)
    a.kill()
    world.run_to(200)

    assert [start.attempt for start in world.starts if start.job == "long"] == [1, 2]
    assert stalled(world) == []


PERIODS = st.sampled_from([1, 5, 30, 60, 300])
POLICIES = st.fixed_dictionaries({"overlap": st.sampled_from(Overlap), "catch_up": st.sampled_from(CatchUp)})
JOBS = st.lists(st.tuples(PERIODS, st.sampled_from([0.02, 3.0, 20.0, 90.0]), POLICIES), min_size=1, max_size=5)


@settings(max_examples=6, deadline=None)
@given(JOBS, st.sampled_from([1, 2, 16]), st.sampled_from([None, 40.0]))
def test_no_leader_in_good_health_is_told_of(jobs: list[Any], parallel: int, dies_at: float | None) -> None:
    """Whatever it runs, however few its workers, and whether it had to catch up for another."""
    made = [every(f"j{number}", period, **policy) for number, (period, _, policy) in enumerate(jobs)]
    world, a = followed(replace(table(*made), max_parallel=parallel))
    for replica in world.replicas:
        replica.runner.duration_s = {f"j{number}": lasts for number, (_, lasts, _) in enumerate(jobs)}
    if dies_at:
        world.in_s(dies_at, a.kill)
        c = world.replica("C", a.table, config=HASH)
        c.runner.duration_s = a.runner.duration_s
        c.campaign.accompany(Shadow(a.table, HASH, L, c._tell))  # as above
    world.run_to(240)

    assert stalled(world) == []

"""How most stories of the pretended world begin, and what they look at."""

from __future__ import annotations

from scheduler.core.job import JobTable
from scheduler.core.ledger import Ledger, decode
from tests.fakes.world import START, L, Replica, World

FAIL_OVER = L + 0.6


def one_gate_at_most(world: World) -> World:
    """P8, asked at every instant."""

    def look() -> None:
        assert len(world.open_gates()) <= 1, f"two open gates at {world.now - START}: {world.open_gates()}"

    world.observers.append(look)
    return world


def led_by_a(jobs: JobTable, **options: object) -> tuple[World, Replica, Replica]:
    """A leads from the beginning on, B has seen it."""
    world = one_gate_at_most(World())
    a = world.replica("A", jobs, creates_at_once=True, **options)
    world.run_for(0)
    b = world.replica("B", jobs)
    world.run_for(0.5)
    return world, a, b


def ledger(world: World) -> Ledger:
    assert world.record
    assert world.record.ledger
    return decode(world.record.ledger)


def seconds(world: World, name: str) -> list[float]:
    """When runs started on this replica."""
    return [round(start.at - START, 3) for start in world.starts if start.replica == name]

"""A leader that is wedged is replaced: whichever of its threads stands still, it stops renewing, and others take over.

The campaign's own loop cannot renew when it stands still. When it turns and the alarm does not, it gives up the lead.
"""

from __future__ import annotations

from dataclasses import replace

from scheduler.core.notes.tables import ADDRESS, CONFIG
from tests.fakes.stories import FAIL_OVER, led_by_a
from tests.fakes.tables import ALL, every, table
from tests.fakes.world import D, Replica, World, run

TICKING = table(every("tick", 5, **ALL))


def test_a_leader_whose_loop_stands_still_is_replaced() -> None:
    """Its process lives, its runs and its alarm go on; only nobody renews."""
    world, a, b = led_by_a(TICKING)
    world.run_to(21)
    a.is_up = False
    world.run_to(21 + D / 2 + FAIL_OVER)

    assert b.election.term
    assert not a.election.gate.is_open(world.now)


def test_a_leader_whose_alarm_is_dead_gives_up_and_is_replaced_and_no_tick_is_lost() -> None:
    """It would renew for ever, and nobody would notice a due tick."""
    world, a, b = led_by_a(TICKING)
    world.run_to(21)
    a.bell.disarm()  # without a word to the dispatch, as an engine that hangs
    world.run_to(21 + 2 * D + FAIL_OVER + 1)

    assert [line.facts["reason"] for line in world.events("lead.lost")] == ["loop_stalled"]
    assert b.election.term
    world.run_to(121)
    assert [start for start, _ in world.started("tick")] == [run("tick", at) for at in range(5, 125, 5)]


# ------------------------------------------------------------------ what a holder says of itself


def held_by(world: World) -> tuple[str | None, str | None]:
    assert world.record
    return world.record.notes.get(ADDRESS), world.record.notes.get(CONFIG)


def two(**theirs: str) -> tuple[World, Replica, Replica]:
    """A leads, with an address and a table; B stands by with its own."""
    world = World()
    a = world.replica("A", TICKING, creates_at_once=True, address="10.0.0.1:8080", config="9f2c41d0")
    world.run_for(0)
    b = world.replica("B", TICKING, **theirs)
    world.run_for(0.5)
    return world, a, b


def test_a_leader_says_where_it_can_be_asked_from_its_first_write_on() -> None:
    world, _, _ = two()

    assert held_by(world) == ("10.0.0.1:8080", "9f2c41d0")


def test_whoever_follows_says_its_own_with_the_write_that_takes_the_lease() -> None:
    """Else a page would be asked for at an address that is somebody else's by now."""
    world, a, b = two(address="10.0.0.2:8080", config="1a2b3c4d")
    seen: list[tuple[str, str | None]] = []
    world.observers.append(lambda: seen.append((world.record.holder, held_by(world)[0])) if world.record else None)
    a.kill()
    world.run_to(40)

    assert b.election.term
    assert set(seen) == {("A", "10.0.0.1:8080"), ("B", "10.0.0.2:8080")}


def test_whoever_cannot_be_asked_leaves_no_address_behind() -> None:
    world, a, _ = two(config="9f2c41d0")
    a.kill()
    world.run_to(40)

    assert held_by(world) == (None, "9f2c41d0")


def test_a_lease_that_was_given_back_names_nobody() -> None:
    world, a, b = two()
    b.kill()
    a.terminate()
    world.run_for(5)

    assert world.record
    assert (world.record.holder, held_by(world)) == ("", (None, None))


def test_what_somebody_changed_is_put_right_by_the_next_renewal() -> None:
    world, _, _ = two()
    assert world.record
    world.edit(notes={**world.record.notes, ADDRESS: "6.6.6.6:80"})
    world.run_for(D / 2 + 1)

    assert held_by(world) == ("10.0.0.1:8080", "9f2c41d0")


def test_a_lease_made_anew_after_it_was_deleted_says_it_too() -> None:
    world, _, _ = two()
    world.run_to(7)
    world.delete()
    world.run_for(2)

    assert held_by(world) == ("10.0.0.1:8080", "9f2c41d0")


def test_notes_cost_no_write_of_their_own() -> None:
    writes = []
    for address in ("", "10.0.0.1:8080"):
        world = World()
        world.replica("A", replace(TICKING), creates_at_once=True, address=address)
        world.run_to(60)
        writes.append(world.writes)

    assert writes[0] == writes[1]

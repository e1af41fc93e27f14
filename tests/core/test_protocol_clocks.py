"""The protocol's cases about clocks and about claims that are made ahead of their time, over the pretended world."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.stories import led_by_a, ledger, seconds
from tests.fakes.tables import ALL, AT_MOST_ONCE, every, table
from tests.fakes.world import START, run

FAR_FUTURE_S = 10 * 365 * 86_400.0
SKEW_S = 5.0
KNOWN_TO_S = 1.0


class TestClocks:
    def test_successor_clock_behind(self) -> None:
        """20 (rules 13, 19): released at T + 0.1 by a clock that is 1 s ahead; T is not started a second time."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        a.skew_s = 1.0
        world.run_to(9.1)  # 10.1 by the clock of A
        a.terminate()
        world.run_to(21)

        assert b.election.term
        assert world.started() == [(run("a", at), 1) for at in (5, 10, 15, 20)]
        assert [seconds(world, name) for name in "AB"] == [[4, 9], [15, 20]]

    def test_clock_jumps_to_2036(self) -> None:
        """21 (rule 13): nothing is claimed beyond the server's time + 5 s, and once it is mended all is as before."""
        world, a, _ = led_by_a(table(every("a", 5, **ALL)), tells_time=True)
        world.run_to(7)
        a.skew_s = FAR_FUTURE_S
        world.run_to(31)
        a.skew_s = 0.0
        world.run_to(46)
        beyond = [start.at - START - due(start.run) for start in world.starts]

        assert min(beyond) >= -SKEW_S - KNOWN_TO_S
        assert world.started() == [(run("a", at), 1) for at in range(5, 50, 5)]
        assert len(world.events("store.degraded")) == 1

    def test_a_clock_that_is_ahead_settles_nothing_for_years(self) -> None:
        """13: also a term that begins under such a clock, whose first plan settles all up to now."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        b.tells_time = True
        b.skew_s = FAR_FUTURE_S
        world.run_to(7)
        a.kill()
        world.run_to(40)
        settled = ledger(world).settled

        assert b.election.term
        assert settled is not None
        assert settled <= world.wall() + timedelta(seconds=SKEW_S + KNOWN_TO_S)


def due(name: str) -> float:
    """Seconds from the world's beginning to the tick of this run."""
    return next(second for second in range(10_000) if run("a", second) == name)


class TestAhead:
    @pytest.mark.parametrize(
        ("policy", "attempts"),
        [
            pytest.param({}, [("B", 2)], id="at_least_once: the successor starts it"),
            pytest.param({**AT_MOST_ONCE, "claim_ahead": timedelta(seconds=1)}, [], id="at_most_once: interrupted"),
            pytest.param(AT_MOST_ONCE, [("B", 1)], id="at_most_once as it is by default: was not claimed yet"),
        ],
    )
    def test_claim_ahead_crash(self, policy: dict[str, Any], attempts: list[tuple[str, int]]) -> None:
        """27 (rule 23): claimed half a second ahead, and killed before its time."""
        world, a, _ = led_by_a(table(every("a", 300, offset=20, **policy)))
        a.latency_s = 0.3  # a slow store: claims are made as early as they may
        world.run_to(19.9)
        a.kill()
        world.run_to(60)

        assert [(start.replica, start.attempt) for start in world.starts] == attempts
        assert world.fates("a") == [("succeeded" if attempts else "interrupted", run("a", 20))]

    def test_a_claim_made_in_time_starts_on_time(self) -> None:
        """23: whatever the store needs, within half a second, once it is known."""
        world, a, _ = led_by_a(table(every("a", 5), every("beside", 10)))
        a.latency_s = 0.2
        world.run_to(31)

        assert seconds(world, "A")[1:] == sorted([10, 15, 20, 25, 30, 10, 20, 30])

    def test_claims_are_made_as_late_as_the_store_allows(self) -> None:
        """23: what is claimed and lost is repeated, so it is not claimed earlier than need be."""
        world, a, _ = led_by_a(table(every("a", 5)))
        a.latency_s = 0.01
        world.run_to(94.9)
        writes = world.writes
        world.run_to(94.95)
        unclaimed = world.writes
        world.run_to(94.99)

        assert unclaimed == writes
        assert world.writes == writes + 1
        assert ledger(world).open[-1].run == run("a", 95)

    def test_a_run_does_not_start_before_its_time(self) -> None:
        """21: the clock is set back after the claim; the run waits, and starts once."""
        world, a, _ = led_by_a(table(every("a", 60)))
        a.latency_s = 0.1
        world.run_to(59.95)
        assert [entry.run for entry in ledger(world).open] == [run("a", 60)]
        a.skew_s = -3.0
        world.run_to(70)

        assert world.started() == [(run("a", 60), 1)]
        assert seconds(world, "A") == [63]

    def test_a_leader_that_goes_starts_what_it_has_claimed(self) -> None:
        """32: told to stop between the claim and its time."""
        world, a, _ = led_by_a(table(every("a", 60)))
        a.latency_s = 0.1
        world.run_to(59.9)
        a.terminate(at_once=True)
        world.run_to(62)

        assert seconds(world, "A") == [60]
        assert world.fates("a") == [("succeeded", run("a", 60))]
        assert a.is_dead

    def test_claims_and_ends_of_every_second_share_their_writes(self) -> None:
        """24: at most two writes a second however many jobs, renewals included."""
        world, a, _ = led_by_a(table(*(every(f"a{number}", 1) for number in range(30))), max_parallel=30)
        a.latency_s = 0.01
        world.run_to(10)
        writes = world.writes
        world.run_to(30)

        assert world.writes - writes <= 2 * 20
        assert len(world.starts) == 30 * 30

    def test_claims_ahead_and_claims_on_time_leave_ends_to_the_next(self) -> None:
        """24: the same of a table in which some jobs may be claimed early and others not."""
        jobs = [every(f"early{number}", 1) for number in range(5)]
        jobs += [every(f"late{number}", 1, **AT_MOST_ONCE) for number in range(5)]
        world, a, _ = led_by_a(table(*jobs))
        a.latency_s = 0.01
        world.run_to(10)
        writes = world.writes
        world.run_to(30.5)

        assert world.writes - writes <= 2 * 20.5
        assert len(world.starts) == 10 * 30

    def test_a_tick_that_must_wait_for_the_run_before_costs_no_write(self) -> None:
        """23: it is looked at early, found blocked, and decided when it is due."""
        world, a, _ = led_by_a(table(every("a", 12)))
        a.latency_s, a.runner.duration_s["a"] = 0.1, 25
        world.run_to(23)  # renewals fall on 16.78, 21.78 and 26.78
        writes = world.writes
        world.run_to(25)

        assert world.writes == writes + 1
        assert [line.facts["reason"] for line in world.events("run.skipped")] == ["overlap"]

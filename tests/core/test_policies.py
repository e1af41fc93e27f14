"""What the policies of a job make of its ticks, across runs, stalls and hand-overs.

Over the pretended world: A leads from the beginning on, B stands by, seconds count from there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from scheduler.core.job import CatchUp, Job, Overlap
from scheduler.core.ledger import Did, OpenRun, encode
from scheduler.core.ports import Ring, RunOrder
from tests.fakes.stories import FAIL_OVER, led_by_a, ledger, one_gate_at_most, seconds
from tests.fakes.tables import ALL, AT_MOST_ONCE, THREAD, at, every, table
from tests.fakes.world import EPOCH, START, World, run, tick

NONE: dict[str, Any] = {"catch_up": CatchUp.NONE}
LATEST: dict[str, Any] = {"catch_up": CatchUp.LATEST}
ALLOW: dict[str, Any] = {"overlap": Overlap.ALLOW}
TWICE: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=10)}
SHORT = timedelta(seconds=3)


def runs(job: str, *ticks: float) -> list[tuple[str, int]]:
    return [(run(job, tick), 1) for tick in ticks]


class TestCatchUp:
    @pytest.mark.parametrize(
        ("policy", "ran", "reason"),
        [
            pytest.param(NONE, [5, 25, 30], "catch_up_none", id="none: nothing of what was missed"),
            pytest.param(LATEST, [5, 20, 25, 30], "superseded", id="latest: the newest of it"),
            pytest.param(ALL, [5, 10, 15, 20, 25, 30], None, id="all: each, oldest first"),
            pytest.param({**ALL, "max_catch_up": 2}, [5, 15, 20, 25, 30], "max_catch_up", id="all, but at most two"),
        ],
    )
    def test_after_a_leader_was_killed(self, policy: dict[str, Any], ran: list[float], reason: str | None) -> None:
        """The leader dies at 6, its successor leads from 20.5 on; ticks at 10, 15 and 20 were missed."""
        world, a, _ = led_by_a(table(every("a", 5, **policy)))
        world.run_to(6)
        a.kill()
        world.run_to(33)

        assert world.started() == runs("a", *ran)
        assert {line.facts["reason"] for line in world.events("run.dropped")} == ({reason} if reason else set())
        assert sorted(name for _, name in world.fates("a")) == [run("a", at) for at in range(5, 31, 5)]

    @pytest.mark.parametrize(
        ("policy", "ran"),
        [
            pytest.param(NONE, [5, 20], id="none"),
            pytest.param(LATEST, [5, 15, 20], id="latest"),
            pytest.param(ALL, [5, 10, 15, 20], id="all"),
        ],
    )
    def test_after_the_trust_ran_out_for_a_while(self, policy: dict[str, Any], ran: list[float]) -> None:
        """The store is away from 6 to 17 and nobody took over: what fell due meanwhile was missed."""
        world, a, b = led_by_a(table(every("a", 5, **policy)))
        b.kill()
        world.run_to(6)
        a.away = True
        world.run_to(17)
        a.away = False
        world.run_to(23)

        assert world.started() == runs("a", *ran)

    @pytest.mark.parametrize(
        ("policy", "ran"),
        [
            pytest.param(NONE, [3, 9, 12], id="none"),
            pytest.param(LATEST, [3, 9, 12], id="latest"),
            pytest.param(ALL, [3, 6, 9, 12], id="all"),
        ],
    )
    @pytest.mark.parametrize("how", ["frozen", "away"])
    def test_after_a_stall_within_the_trust(self, policy: dict[str, Any], ran: list[float], how: str) -> None:
        """The leader stalls from 4 to 10, and its gate is open all the time; 6 and 9 are found due together."""
        world, a, b = led_by_a(table(every("a", 3, **policy)))
        b.kill()
        world.run_to(4)
        if how == "frozen":
            a.freeze()
        else:
            a.away = True
        world.run_to(10)
        a.thaw()
        a.away = False
        world.run_to(13.5)

        assert world.started() == runs("a", *ran)
        assert world.events("lead.suspended") == []
        assert world.events("run.skipped") == []

    @pytest.mark.parametrize("policy", [NONE, LATEST], ids=["none", "latest"])
    def test_a_tick_that_waits_for_a_slow_store_is_not_missed(self, policy: dict[str, Any]) -> None:
        """Rule 24: what falls due while a write is in flight rides in the next, and with `allow` none is in its way."""
        world, a, b = led_by_a(table(every("a", 1, **policy, **ALLOW)))
        b.kill()
        world.run_to(4.5)
        a.freeze()
        world.run_to(8.5)
        a.thaw()
        world.run_to(9.5)

        assert world.started() == runs("a", *range(1, 10))
        assert world.events("run.dropped") == []

    def test_a_tick_that_waits_for_a_worker_is_not_missed(self) -> None:
        world, a, b = led_by_a(table(at("long", 1), every("a", 10, **NONE)), max_parallel=1)
        b.kill()
        a.runner.duration_s["long"] = 12
        world.run_to(15)

        assert world.started("a") == runs("a", 10)

    def test_ticks_older_than_the_window_are_dropped(self) -> None:
        window = timedelta(seconds=18)
        world, a, b = led_by_a(table(every("a", 5, **ALL, catch_up_window=window)))
        b.kill()
        world.run_to(6)
        a.kill()
        world.run_to(51)
        world.replica("C", a.table)
        world.run_to(70)

        assert world.started() == runs("a", 5, 50, 55, 60, 65, 70)  # C leads from 66.25 on
        assert len(world.events("run.dropped", reason="too_old")) == 8

    def test_many_dropped_ticks_share_a_line(self) -> None:
        world, a, b = led_by_a(table(every("a", 1)))
        b.kill()
        world.run_to(2)
        a.kill()
        world.run_to(30)
        world.replica("C", a.table)
        world.run_to(46)

        (line,) = world.events("run.dropped")
        assert (line.facts["run"], line.facts["to"], line.facts["ticks"]) == (run("a", 3), run("a", 44)[2:], 42)

    def test_ticks_caught_up_run_one_after_another(self) -> None:
        """Rule 25: also when each takes longer than a period, and none of them is skipped for the other's sake."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        b.runner.duration_s["a"] = 2
        world.run_to(6)
        a.kill()
        world.run_to(45)

        assert world.started() == runs("a", 5, 10, 15, 20, 25, 30, 35, 40, 45)
        assert world.events("run.skipped") == []


class TestOverlap:
    @pytest.mark.parametrize(
        ("policy", "started", "skipped"),
        [
            pytest.param({}, [5, 20], 2, id="skip: what falls due while it runs is not run"),
            pytest.param(ALLOW, [5, 10, 15, 20], 0, id="allow: runs beside one another"),
        ],
    )
    def test_a_run_takes_longer_than_its_period(
        self, policy: dict[str, Any], started: list[float], skipped: int
    ) -> None:
        world, a, _ = led_by_a(table(every("a", 5, **policy)))
        a.runner.duration_s["a"] = 12
        world.run_to(21)

        assert world.started() == runs("a", *started)
        assert len(world.events("run.skipped", reason="overlap", blocker=run("a", 5))) == skipped

    def test_allowed_runs_are_interrupted_one_by_one(self) -> None:
        world, a, b = led_by_a(table(every("a", 5, **ALLOW, **ALL)))
        a.runner.duration_s["a"] = 12
        world.run_to(11)
        a.kill()
        world.run_to(29)

        assert b.election.term
        assert sorted(world.started()) == sorted(
            [*runs("a", 5, 10), (run("a", 5), 2), (run("a", 10), 2), *runs("a", 15, 20, 25)]
        )

    def test_two_open_runs_of_a_job_that_became_exclusive_run_one_after_another(self) -> None:
        """P3: the edit from allow to skip must not start both attempts 2 beside each other."""
        world = one_gate_at_most(World())
        a = world.replica("A", table(every("a", 5, **ALLOW)), creates_at_once=True)
        a.runner.duration_s["a"] = 12
        world.run_to(1)
        b = world.replica("B", table(every("a", 5)))
        b.runner.duration_s["a"] = 7
        world.run_to(11)
        a.kill()
        world.run_to(60)

        spans = [(start.at, start.at + 7) for start in world.starts if start.replica == "B"]
        assert [(start.run, start.attempt) for start in world.starts if start.replica == "B"][:2] == [
            (run("a", 5), 2),
            (run("a", 10), 2),
        ]
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


class TestRetries:
    def test_a_failed_run_is_tried_again_later_and_later(self) -> None:
        world, a, _ = led_by_a(table(every("a", 300, offset=5, **TWICE)))
        a.runner.fails.add("a")
        world.run_to(60)

        assert world.started() == [(run("a", 5), attempt) for attempt in (1, 2, 3)]
        first, second, third = seconds(world, "A")
        assert 9 <= second - first <= 10.2
        assert 18 <= third - second <= 20.2
        announced = [line.facts["in_ms"] / 1000 for line in world.events("run.retrying")]
        assert [second - first, third - second] == pytest.approx(announced, abs=0.2)
        assert world.fates("a") == [("failed", run("a", 5))]
        assert [line.facts["next_attempt"] for line in world.events("run.retrying")] == [2, 3]
        assert world.events("run.failed", attempt=3)

    def test_it_is_told_why_the_attempt_before_failed_and_what_it_took(self) -> None:
        jobs = [every("fails", 300, offset=5, **TWICE), every("hangs", 300, offset=5, timeout=SHORT, **TWICE)]
        world, a, _ = led_by_a(table(*jobs))
        a.runner.fails.add("fails")
        a.runner.duration_s["hangs"] = 30
        world.run_to(12)

        told = {line.facts["job"]: line.facts for line in world.events("run.retrying")}
        assert (told["hangs"]["reason"], told["hangs"]["took_ms"]) == ("timeout", 3000)
        assert (told["fails"]["reason"], told["fails"]["took_ms"]) == ("exit", 20)

    def test_success_ends_it(self) -> None:
        world, a, _ = led_by_a(table(every("a", 300, offset=5, **TWICE)))
        a.runner.fails.add("a")
        world.run_to(6)
        a.runner.fails.clear()
        world.run_to(60)

        assert world.started() == [(run("a", 5), 1), (run("a", 5), 2)]
        assert world.fates("a") == [("succeeded", run("a", 5))]
        assert ledger(world).open == ()

    def test_ticks_that_fall_due_while_it_waits_are_skipped(self) -> None:
        world, a, _ = led_by_a(table(every("a", 8, retries=1, retry_delay=timedelta(seconds=10))))
        a.runner.fails.add("a")
        world.run_to(23)

        assert world.started() == [(run("a", 8), 1), (run("a", 8), 2)]
        assert world.fates("a") == [("skipped", run("a", 16)), ("failed", run("a", 8))]

    @pytest.mark.parametrize(
        ("killed_at", "attempts"),
        [
            pytest.param(10, [1, 2, 3], id="while it waits for attempt 2"),
            pytest.param(16, [1, 2, 3, 4], id="during attempt 2, which is repeated and is no failure"),
        ],
    )
    def test_failures_are_counted_across_a_hand_over(self, killed_at: float, attempts: list[int]) -> None:
        """Rule 26: failures and interruptions are counted apart; two retries are two, whoever leads."""
        world, a, b = led_by_a(table(every("a", 300, offset=5, **TWICE)))
        for replica in (a, b):
            replica.runner.fails.add("a")
        world.run_to(10)
        a.runner.duration_s["a"] = 30
        world.run_to(killed_at)
        a.kill()
        world.run_to(120)

        assert world.started() == [(run("a", 5), attempt) for attempt in attempts]
        assert world.fates("a") == [("failed", run("a", 5))]

    def test_a_retry_handed_over_is_not_told_as_a_crash(self) -> None:
        """The run was not cut off: its attempt had failed, and the next had been announced."""
        world, a, b = led_by_a(table(at("a", 2, **TWICE)))
        a.runner.fails.add("a")
        world.run_to(3)
        a.terminate()
        world.run_to(14)

        assert [(start.replica, start.attempt) for start in world.starts] == [("A", 1), ("B", 2)]
        assert world.events("run.retrying", reason="leader_lost") == []
        assert [line.facts["cause"] for line in world.events("run.succeeded")] == ["schedule"]
        assert b.is_up

    @pytest.mark.parametrize("handed_over", ["released", "killed"])
    def test_a_successor_keeps_the_delay(self, handed_over: str) -> None:
        """Nothing in the ledger says when it began, so it is counted from the successor's first sight."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5, **TWICE)))
        a.runner.fails.add("a")
        world.run_to(7)
        (a.terminate if handed_over == "released" else a.kill)()
        world.run_to(60)
        led = world.events("lead.acquired")[-1].at - START
        _, second = (start.at - START for start in world.starts)

        assert world.started() == [(run("a", 5), 1), (run("a", 5), 2)]
        assert led + 9 <= second <= led + 10.2

    def test_others_do_not_wait_for_a_retry_that_was_handed_over(self) -> None:
        world, a, _ = led_by_a(table(at("a", 2, **TWICE), every("b", 5)), max_parallel=1)
        a.runner.fails.add("a")
        world.run_to(3)
        a.terminate()
        world.run_to(11)

        assert world.started("b") == runs("b", 5, 10)
        assert world.started("a") == [(run("a", 2), 1)]

    def test_a_stop_does_not_wait_for_a_retry(self) -> None:
        """The failure is recorded, so the successor goes on with attempt 2."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5, retries=1, retry_delay=timedelta(minutes=4))))
        a.runner.fails.add("a")
        world.run_to(7)
        a.terminate()
        world.run_to(8)
        assert a.is_dead
        world.run_to(250)

        assert [(start.replica, start.attempt) for start in world.starts] == [("A", 1), ("B", 2)]

    def test_a_retry_that_is_due_waits_for_a_slot(self) -> None:
        """The world objects to a leader that writes again and again in the hope for one."""
        jobs = [every("fails", 300, offset=1, **TWICE), every("long", 300, offset=8)]
        world, a, _ = led_by_a(table(*jobs), max_parallel=1)
        a.runner.fails.add("fails")
        a.runner.duration_s["long"] = 12
        world.run_to(60)

        *earlier, last = (start.at - START for start in world.starts)
        assert earlier == pytest.approx([1, 8, 20], abs=0.2)
        assert 38 <= last <= 40.2

    def test_a_retry_that_is_due_does_not_start_any_more_when_leaving(self) -> None:
        jobs = [every("fails", 300, offset=1, **TWICE), every("long", 300, offset=8)]
        world, a, _ = led_by_a(table(*jobs))
        a.runner.fails.add("fails")
        a.runner.duration_s["long"] = 12
        world.run_to(9)
        a.terminate()
        world.run_to(32)

        assert [(start.replica, start.run, start.attempt) for start in world.starts] == [
            ("A", run("fails", 1), 1),
            ("A", run("long", 8), 1),
            ("B", run("fails", 1), 2),
        ]

    def test_a_killed_run_and_a_due_retry_share_one_slot(self) -> None:
        """The leader stalled until its exclusive run was killed; whichever is repeated first, the other waits."""
        world, a, b = led_by_a(
            table(
                every("fails", 300, offset=1, retries=1, retry_delay=timedelta(seconds=4)),
                every("long", 300, offset=3),
            ),
            max_parallel=1,
        )
        b.kill()
        a.runner.fails.add("fails")
        a.runner.duration_s["long"] = 20
        world.run_to(4)
        a.freeze()
        a.runner.duration_s["fails"] = 9
        world.run_to(25)
        assert [end.outcome for end in world.ends] == ["failed", "killed"]
        a.thaw()
        world.run_to(60)

        assert world.started("fails") == [(run("fails", 1), 1), (run("fails", 1), 2)]
        assert world.started("long") == [(run("long", 3), 1), (run("long", 3), 2)]
        assert world.fates("long") == [("succeeded", run("long", 3))]


class TestDelivery:
    @pytest.mark.parametrize("delay", [0.0, 0.5], ids=["after the claim", "while the claim is under way"])
    def test_at_most_once_is_at_most_once(self, delay: float) -> None:
        """P1: the leader dies around the claim; the tick is either run once or told as interrupted."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5, **AT_MOST_ONCE)))
        a.runner.duration_s["a"] = 5
        world.run_to(4.9)
        if delay:
            a.delay_reply(delay)
        world.run_to(5.2)
        a.kill()
        world.run_to(60)

        assert len(world.started()) == (0 if delay else 1)
        assert world.fates("a") == [("interrupted", run("a", 5))]

    def test_a_run_killed_for_lack_of_trust_starts_again_in_the_same_term(self) -> None:
        """Rules 11, 15: its own supervisor killed it at the deadline, and then the lead was proven again."""
        world, a, b = led_by_a(table(every("a", 300, offset=5)))
        b.kill()
        a.runner.duration_s["a"] = 30
        world.run_to(6)
        a.away = True
        world.run_to(25)
        a.away = False
        world.run_to(60)

        assert world.started() == [(run("a", 5), 1), (run("a", 5), 2)]
        assert [end.outcome for end in world.ends] == ["killed", "succeeded"]
        assert world.fates("a") == [("succeeded", run("a", 5))]

    def test_a_killed_run_starts_again_at_once(self) -> None:
        """Not with the next renewal: its right to run was gone for a moment only."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5)))
        a.runner.duration_s["a"] = 3
        world.run_to(7)
        a.runner.kill(f"{run('a', 5)}#1")
        world.run_for(0.1)

        assert seconds(world, "A") == [5, 7]


class TestWrites:
    def test_ends_share_a_write_and_there_is_one_a_second(self) -> None:
        """Rule 22: one write for the claims, one for the first end, and one for the others a second later."""
        jobs = [every(f"j{number}", 300, offset=7) for number in range(5)]
        world, a, _ = led_by_a(table(*jobs))
        for number, job in enumerate(jobs):
            a.runner.duration_s[job.name] = 0.2 + 0.1 * number
        world.run_to(6.9)
        before = world.writes
        world.run_to(9)

        assert world.writes - before == 3
        assert len(world.events("run.succeeded")) == 5

    def test_ends_are_hurried_while_ticks_wait_for_a_slot(self) -> None:
        """Although an end was written less than a second ago."""
        jobs = [every("a", 300, offset=5), every("b", 300, offset=6), every("c", 300, offset=6)]
        world, a, _ = led_by_a(table(*jobs), max_parallel=1)
        a.runner.duration_s["a"] = 0.8
        world.run_to(6.2)

        assert seconds(world, "A") == [5, 6, 6.03]


class TestCrowds:
    def test_what_was_only_counted_is_repeated_with_its_count(self) -> None:
        """Rules 5, 31: however few they were, for a line that names one tick would claim to be about that one."""
        world, a, _ = led_by_a(table(every("a", 60)))
        world.run_to(5)
        crowd = replace(ledger(world), did=(Did("*", tick(1), tick(4), 3, "superseded"),))
        a.kill()
        world.edit(ledger=encode(crowd))
        world.run_to(30)

        (line,) = world.events("run.dropped", repeated=True)
        assert (line.facts["job"], line.facts["to"], line.facts["ticks"]) == ("*", tick(4), 3)


class TestDrainingRuns:
    def test_a_foreign_run_gets_the_time_it_was_given_and_no_more(self) -> None:
        """Rule 16: counted by our own clock, from our first sight of it."""
        world, a, b = led_by_a(table(every("a", 10)))
        b.kill()
        world.run_to(1)
        draining = OpenRun("a", tick(0), 1, "gone", "l", left=15)
        world.edit(ledger=encode(replace(ledger(world), open=(draining,))))
        world.run_to(31)

        assert world.started() == [(run("a", 0), 2), (run("a", 30), 1)]
        assert [line.facts["tick"] for line in world.events("run.skipped", reason="overlap")] == [tick(10), tick(20)]
        assert a.is_up


class TestRunners:
    def test_a_run_that_cannot_be_started_fails_and_harms_no_other(self) -> None:
        world, a, _ = led_by_a(table(every("a", 5), every("b", 5)))
        start = a.runner.start

        def refuse_once(_order: RunOrder) -> None:
            a.runner.start = start  # type: ignore[method-assign]
            raise OSError(24, "Too many open files")

        a.runner.start = refuse_once  # type: ignore[method-assign]
        world.run_to(11)

        assert world.started() == [*runs("b", 5), *runs("a", 10), *runs("b", 10)]
        (failed,) = world.events("run.failed")
        assert (failed.facts["reason"], failed.facts["error"]) == ("crashed", "OSError: [Errno 24] Too many open files")


class TestSlots:
    def test_the_oldest_tick_gets_the_free_slot(self) -> None:
        """Over all jobs, so that a job with a short period does not starve the others."""
        jobs = [every("often", 1), every("seldom", 20, offset=4), every("long", 300, offset=3)]
        world, a, _ = led_by_a(table(*jobs), max_parallel=1)
        a.runner.duration_s["long"] = 4.5
        world.run_to(9)

        assert [name for name, _ in world.started() if world.starts[0].at >= START + 3 or name] == [
            run("often", 1),
            run("often", 2),
            run("long", 3),
            run("seldom", 4),
            run("often", 7),
            run("often", 8),
            run("often", 9),
        ]

    def test_no_more_runs_than_slots(self) -> None:
        jobs = [every(f"j{number}", 5) for number in range(9)]
        world, a, _ = led_by_a(table(*jobs), max_parallel=4)
        for job in jobs:
            a.runner.duration_s[job.name] = 1
        crowd = 0

        def look() -> None:
            nonlocal crowd
            crowd = max(crowd, len(a.runner.alive))

        world.observers.append(look)
        world.run_to(9.9)

        assert crowd == 4
        assert sorted(world.started()) == sorted(runs(job.name, 5)[0] for job in jobs)

    def test_an_at_most_once_tick_is_not_claimed_into_a_queue(self) -> None:
        """Rule 18: it waits unclaimed, so a crash does not cost it."""
        jobs = [every("long", 300, offset=3), every("money", 300, offset=4, **AT_MOST_ONCE)]
        world, a, _ = led_by_a(table(*jobs), max_parallel=1)
        a.runner.duration_s["long"] = 100
        world.run_to(6)
        a.kill()
        world.run_to(30)

        assert world.started("money") == runs("money", 4)
        assert world.fates("money") == [("succeeded", run("money", 4))]


class TestJitter:
    JOB = every("a", 60, jitter=timedelta(seconds=30))

    def test_it_starts_late_by_the_hash_and_keeps_its_name(self) -> None:
        world, _, _ = led_by_a(table(self.JOB))
        world.run_to(200)

        assert world.started() == runs("a", 60, 120)[: len(world.starts)] + runs("a", 180)[: len(world.starts) - 2]
        for start in world.starts:
            tick = (start.at - START) // 60 * 60
            due = self.JOB.due(EPOCH + timedelta(seconds=tick))
            assert start.at - START == pytest.approx((due - EPOCH).total_seconds(), abs=0.001)
        assert all(line.facts["late_ms"] == 0 for line in world.events("run.succeeded"))

    def test_a_tick_whose_jitter_is_not_over_outlives_a_hand_over(self) -> None:
        """Rule 19: the new leader's first plan moves `settled` past the tick, but not the tick's own mark."""
        due = (self.JOB.due(EPOCH + timedelta(seconds=60)) - EPOCH).total_seconds()
        assert due > 62
        world, a, _ = led_by_a(table(self.JOB, every("b", 61)))
        world.run_to(61.3)
        a.terminate()
        world.run_to(due + 0.1)

        assert [(start.replica, start.run) for start in world.starts if start.job == "a"] == [("B", run("a", 60))]


class TestTheTable:
    def test_a_disabled_job_has_no_ticks_and_enabling_it_no_past(self) -> None:
        world = one_gate_at_most(World())
        a = world.replica("A", table(every("a", 5, enabled=False), every("b", 5)), creates_at_once=True)
        world.run_to(21)
        world.replica("B", table(every("a", 5), every("b", 5), loaded=21))
        world.run_to(22)
        a.terminate()
        world.run_to(31)

        assert world.started("a") == runs("a", 25, 30)

    def test_a_job_that_was_removed_while_it_ran_keeps_its_entry_and_hinders_nobody(self) -> None:
        """Rule 17: whoever serves the job again may repeat the run; after 7 days it is dropped."""
        world = one_gate_at_most(World())
        a = world.replica("A", table(every("gone", 300, offset=5), every("a", 5)), creates_at_once=True)
        a.runner.duration_s["gone"] = 100
        world.run_to(1)
        world.replica("B", table(every("a", 5)))
        world.run_to(6)
        a.kill()
        world.run_to(40)

        assert run("gone", 5) in [entry.run for entry in ledger(world).open]
        assert world.fates("gone") == []
        assert world.started("a")[-1] == runs("a", 40)[0]

    def test_the_entry_of_a_job_long_gone_is_dropped(self) -> None:
        world, a, _ = led_by_a(table(every("a", 5)))
        world.run_to(6)
        old = OpenRun("gone", "2026-11-15T11:59:00Z", 1, "nobody", "l")
        entries = (*ledger(world).open, old)
        a.kill()
        world.edit(ledger=encode(replace(ledger(world), open=entries)))
        world.run_to(6 + FAIL_OVER + 1)

        assert world.fates("gone") == [("dropped", old.run)]
        assert world.events("run.dropped", reason="not_in_table")

    @pytest.mark.parametrize(
        ("led_again_after", "fates"),
        [
            pytest.param(30, [("succeeded", run("once", 10))], id="within the window: caught up"),
            pytest.param(90, [("dropped", run("once", 10))], id="beyond it: dropped, and told"),
        ],
    )
    def test_an_at_job_that_was_missed(self, led_again_after: float, fates: list[tuple[str, str]]) -> None:
        world, a, b = led_by_a(table(at("once", 10, catch_up_window=timedelta(minutes=1))))
        b.kill()
        world.run_to(6)
        a.kill()
        world.run_to(led_again_after)
        world.replica("C", a.table)
        world.run_to(200)

        assert world.fates("once") == fates

    def test_an_at_job_runs_at_its_time_and_never_again(self) -> None:
        world, a, _ = led_by_a(table(at("once", 10)))
        world.run_to(12)
        a.terminate()
        world.run_to(60)

        assert world.started() == runs("once", 10)

    def test_a_manual_job_never_ticks(self) -> None:
        world, _, _ = led_by_a(table(Job("by-hand", None, "UTC", THREAD), every("a", 60)))
        world.run_to(61)

        assert world.started() == runs("a", 60)


class TestTheWallClock:
    @pytest.mark.parametrize("step", [pytest.param(-3600, id="back an hour"), pytest.param(-2, id="back 2 s")])
    def test_a_step_back_repeats_nothing_and_asks_nothing_in_vain(self, step: float) -> None:
        """The world objects to a leader that writes without end; ticks go on once their time comes again."""
        world, a, _ = led_by_a(table(every("a", 5)))
        world.run_to(4.9)
        a.latency_s = 0.2
        world.run_to(5.1)
        a.dispatch.ring(Ring(claimable=True))
        a.skew_s = step
        writes = world.writes
        world.run_to(20)

        assert world.writes - writes < 20
        assert len(world.started()) == len(set(world.started()))
        assert [line.facts["step_ms"] for line in world.events("clock.stepped")] == [step * 1000]

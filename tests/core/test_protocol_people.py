"""The protocol's cases about stopping, queueing, restoring and what people ask for, over the pretended world."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from scheduler.core.job import Overlap
from scheduler.core.ledger import encode
from scheduler.core.notes.commands import Command, Do, note_of, pauses_in
from scheduler.core.notes.replies import answers_in
from tests.fakes.pretend import PretendRunner
from tests.fakes.stories import led_by_a, ledger, seconds
from tests.fakes.tables import ALL, AT_MOST_ONCE, THREAD, every, table
from tests.fakes.world import EPOCH, START, Delivery, L, Replica, World, run

JITTER = 0.11


class StubbornRunner(PretendRunner):
    """Its runs of `r` do not die at once when they are told to."""

    def kill(self, key: str) -> None:
        if not key.startswith("r@"):
            super().kill(key)


class TidyRunner(PretendRunner):
    """Its runs take a few seconds to end once they are asked to."""

    tidies_up_s = 3.0

    def stop(self, key: str) -> None:
        self._replica.world.in_s(self.tidies_up_s, lambda: self.kill(key))


class SlowlyTidyRunner(TidyRunner):
    """Its runs take longer than the next tick is away."""

    tidies_up_s = 13.0


def ledger_is_missing(world: World) -> bool:
    return world.record is None or world.record.ledger is None


def one_long_run(**policy: Any) -> tuple[World, Replica, Replica]:
    """A leads, runs `long` from second 5 to 23 beside the ticks of `a`, and is told to stop at second 6."""
    world, a, b = led_by_a(table(every("a", 5, **ALL), every("long", 10, offset=5, **policy)))
    a.runner.duration_s["long"] = 18
    world.run_to(6)
    a.terminate(at_once=True)
    return world, a, b


class TestZeroGap:
    def test_zero_gap(self) -> None:
        """29 (rules 16, 34): stopped during an exclusive run of 18 s, others tick on, that job waits for the report."""
        world, a, b = one_long_run()
        world.run_to(6 + JITTER)
        assert b.election.term
        (released,) = world.events("lead.released")
        world.run_to(40)

        assert (released.at, released.facts["draining"]) == (START + 6, 1)
        assert world.started("a") == [(run("a", at), 1) for at in range(5, 45, 5)]
        assert ("succeeded", run("long", 5)) in world.fates("long")
        assert [(start.replica, start.at - START) for start in world.starts if start.job == "long"] == [
            ("A", 5),
            ("B", 25),
            ("B", 35),
        ]
        assert world.events("run.skipped", run=run("long", 15), reason="overlap")
        assert a.is_dead

    def test_the_report_is_told_by_the_new_leader_too(self) -> None:
        """34: should its writer die before it can."""
        world, a, _ = one_long_run()
        world.run_to(22.9)
        a.deliveries.append(Delivery())  # the read before it
        a.delay_reply(3)
        world.run_to(25)
        a.kill()
        world.run_to(40)

        assert ("succeeded", run("long", 5)) not in world.fates("long")
        assert world.events("run.succeeded", run=run("long", 5), repeated=True)

    def test_a_run_that_outlives_its_time_is_killed_and_repeated(self) -> None:
        """34: its entry stays open with no time left, and the successor starts attempt 2."""
        world, a, _ = led_by_a(table(every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 100
        world.run_to(6)
        a.terminate(drain_s=10, at_once=True)
        world.run_to(20)

        assert [(end.outcome, end.at - START) for end in world.ends if end.replica == "A"] == [("killed", 16)]
        assert world.started("long") == [(run("long", 5), 1), (run("long", 5), 2)]
        assert 16 <= world.starts[1].at - START <= 16.1

    def test_a_leaver_that_dies_is_waited_for_as_long_as_it_was_given(self) -> None:
        """16: nobody can tell whether its run is dead, so `left` counts, from the successor's first sight."""
        world, a, _ = led_by_a(table(every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 100
        world.run_to(6)
        a.terminate(drain_s=10, at_once=True)
        world.run_to(8)
        a.kill()
        world.run_to(40)

        assert world.started("long") == [(run("long", 5), 1), (run("long", 5), 2)]
        assert 16 <= world.starts[1].at - START <= 16 + 6  # the renewal after it

    def test_an_exclusive_run_dies_in_time_though_its_leader_is_frozen(self) -> None:
        """11, 34: the supervisor holds the deadline."""
        world, a, _ = led_by_a(table(every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 100
        world.run_to(6)
        a.terminate(drain_s=10, at_once=True)
        world.run_to(7)
        a.freeze()
        world.run_to(60)

        (end,) = [end for end in world.ends if end.replica == "A"]
        assert end.at <= world.starts[1].at
        assert end.at - START == pytest.approx(16, abs=0.1)

    def test_the_successor_dies_before_the_report(self) -> None:
        """34: a successor's successor counts `left` anew, and takes the report as well."""
        world, a, b = one_long_run()
        c = world.replica("C", b.table)
        world.run_to(8)
        b.kill()
        world.run_to(60)

        assert c.election.term
        assert ("succeeded", run("long", 5)) in world.fates("long")
        assert [start.attempt for start in world.starts if start.run == run("long", 5)] == [1]
        assert a.is_dead

    def test_a_report_over_an_edited_lease_is_made_again(self) -> None:
        world, a, _ = one_long_run()
        world.run_to(22.99)
        a.latency_s = 0.1
        world.run_to(23.15)
        world.edit_label()
        world.run_to(27)

        assert ("succeeded", run("long", 5)) in world.fates("long")
        assert not [entry for entry in ledger(world).open if entry.owner == a.nonce]

    def test_an_end_that_no_successor_hears_of_is_told_as_not_recorded(self) -> None:
        """34: the store is away until the leaver must go; its run is repeated by whoever leads."""
        world, a, _ = led_by_a(table(every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 8
        world.run_to(6)
        a.terminate(drain_s=10, at_once=True)
        world.run_to(7)
        a.away = True
        world.run_to(60)

        assert [line.replica for line in world.events("run.succeeded", recorded=False)] == ["A"]
        assert world.started("long") == [(run("long", 5), 1), (run("long", 5), 2)]

    def test_an_end_that_the_lease_does_not_ask_for_any_more_is_not_told_as_recorded(self) -> None:
        """15, 34: of two runs that end together, somebody has struck out one."""
        world, a, _ = led_by_a(table(every("x", 300, offset=5), every("y", 300, offset=5)))
        a.runner.duration_s |= {"x": 8, "y": 8}
        world.run_to(6)
        a.terminate(at_once=True)
        world.run_to(8)
        a.latency_s = 0.1  # so that one report is about both
        without_x = replace(ledger(world), open=tuple(one for one in ledger(world).open if one.job == "y"))
        world.edit(ledger=encode(without_x))
        world.run_to(20)

        assert [line.facts.get("recorded") for line in world.events("run.succeeded", job="x")] == [False]
        assert [line.facts.get("recorded") for line in world.events("run.succeeded", job="y", repeated=None)] == [None]

    def test_a_claim_of_the_first_plan_starts_though_its_leader_leaves(self) -> None:
        """23, 32: told to stop while its first plan, which claims ahead, is under way."""
        world = World()
        a = world.replica("A", table(every("a", 60)), creates_at_once=True)
        a.away = True
        world.run_to(59.7)
        a.latency_s, a.away = 0.05, False
        world.run_to(59.92)
        assert a.is_waiting
        a.terminate(at_once=True)
        world.run_to(61)

        assert [start.at - START for start in world.starts] == [pytest.approx(60)]

    def test_a_failed_attempt_is_reported_for_its_retry(self) -> None:
        """26, 34: counted as a failure, and tried again by the successor."""
        world, a, b = led_by_a(table(every("long", 300, offset=5, retries=1)))
        a.runner.duration_s["long"] = 10
        a.runner.fails.add("long")
        world.run_to(6)
        a.terminate(at_once=True)
        world.run_to(40)

        assert b.election.term
        assert world.started("long") == [(run("long", 5), 1), (run("long", 5), 2)]
        assert world.fates("long") == [("succeeded", run("long", 5))]

    def test_an_exclusive_run_ends_if_the_lease_is_deleted_and_not_brought_back(self) -> None:
        """29, 34: whoever makes it anew knows nothing of the run."""
        world, a, b = led_by_a(table(every("x", 10, offset=5)))
        a.runner.duration_s["x"] = 58
        world.run_to(6)
        a.terminate(drain_s=60, at_once=True)
        world.run_to(6.02)
        world.delete()
        world.run_to(75)

        assert b.election.term
        (end,) = [end for end in world.ends if end.replica == "A"]
        assert end.at - START < 6 + L
        assert [line.facts["reason"] for line in world.events("lead.lost")] == ["lease_deleted"]

    def test_a_leader_told_to_stop_as_it_makes_its_lease_anew_gives_it_back_whole(self) -> None:
        """27, 32: the stub that it has made says nothing of its open runs."""
        world, a, b = led_by_a(table(every("x", 30, offset=5), every("t", 5, **ALL)))
        a.runner.duration_s["x"] = 58
        a.latency_s = 0.1
        world.run_to(6.3)
        world.delete()
        while ledger_is_missing(world) or not ledger(world).is_stub:
            world.run_for(0.01)
        a.terminate(drain_s=60, at_once=True)
        world.run_to(50)

        assert b.election.term
        assert not world.events("ledger.lost")
        assert world.started("x") == [(run("x", 5), 1)]
        assert world.started("t") == [(run("t", at), 1) for at in range(5, 55, 5)]

    def test_a_leader_whose_lease_is_gone_does_not_wait_for_it_to_stop(self) -> None:
        """32: there is nothing to release, and nowhere to record an end."""
        world, a, b = led_by_a(table(every("x", 300, offset=5, overlap=Overlap.ALLOW)))
        b.kill()
        a.runner.duration_s["x"] = 3
        world.run_to(6)
        a.requests_fail = True
        world.delete()
        world.run_to(6.5)
        a.terminate(drain_s=12, at_once=True)
        a.requests_fail = False
        world.record = None
        world.run_to(9)

        assert a.is_dead

    def test_a_thread_that_still_runs_goes_with_its_process(self) -> None:
        """34, 35: it cannot be ended otherwise; the Lease has long been another's."""
        world, a, b = led_by_a(table(every("long", 300, offset=5, action=THREAD)))
        a.runner.duration_s["long"] = 100
        world.run_to(6)
        a.terminate(drain_s=10, at_once=True)
        world.run_to(60)

        assert b.election.term
        assert a.is_dead
        died = next(end for end in world.ends if end.replica == "A")
        assert died.at <= world.starts[1].at

    @pytest.mark.parametrize("policy", [{}, AT_MOST_ONCE], ids=["at_least_once", "at_most_once"])
    def test_the_release_is_committed_and_its_reply_lost(self, policy: dict[str, Any]) -> None:
        """33: the gate is shut before it is sent; the run that drains is neither repeated nor killed early."""
        world, a, b = led_by_a(table(every("long", 300, offset=5, **policy)))
        a.runner.duration_s["long"] = 8
        world.run_to(6)
        a.lose_reply()
        a.terminate(at_once=True)
        world.run_to(40)

        assert b.election.term
        assert [start.attempt for start in world.starts] == [1]
        assert ("succeeded", run("long", 5)) in world.fates("long")


@pytest.mark.parametrize("policy", [{}, AT_MOST_ONCE], ids=["at least once", "at most once"])
class TestWhatIsClaimedIsStarted:
    """32: a run that was handed to its runner has not begun yet."""

    def test_the_release_waits_for_it(self, policy: dict[str, Any]) -> None:
        """Else the gate would shut before its first statement."""
        world, a, _ = led_by_a(table(every("x", 300, offset=5, **policy)))
        a.runner.spawn_s = 0.2
        world.run_to(5.01)
        a.latency_s = 0.3
        a.terminate(at_once=True)
        world.run_to(30)
        (released,) = world.events("lead.released")

        assert [(one.replica, one.attempt, round(one.at - START, 1)) for one in world.starts] == [("A", 1, 5.2)]
        assert world.fates("x") == [("succeeded", run("x", 5))]
        assert released.at >= world.starts[0].at

    def test_but_not_for_ever_and_then_the_successor_need_not_wait(self, policy: dict[str, Any]) -> None:
        """34: it is reported as soon as it is known never to begin, and not when its time to drain is over."""
        world, a, _ = led_by_a(table(every("x", 300, offset=5, **policy)))
        a.runner.spawn_s = 12
        world.run_to(5.01)
        a.terminate(at_once=True)
        world.run_to(30)
        (released,) = world.events("lead.released")

        assert 10 <= released.at - START <= 15
        assert [(one.attempt, round(one.at - START)) for one in world.starts] == ([] if policy else [(2, 17)])
        assert world.fates("x") == [("interrupted" if policy else "succeeded", run("x", 5))]


class TestQueueAndReplace:
    @pytest.mark.parametrize("at_once", [True, False], ids=["at once", "drained"])
    def test_a_leaver_whose_time_is_over_releases_though_one_waits_for_its_place(self, *, at_once: bool) -> None:
        """35: the old run is killed and seen dead, and the new one is the successor's."""
        world, a, _ = led_by_a(table(every("r", 10, overlap=Overlap.REPLACE)), runner=SlowlyTidyRunner)
        a.runner.duration_s["r"] = 60
        world.run_to(21)
        a.terminate(drain_s=5, at_once=at_once)
        world.run_to(29)

        assert [round(line.at - START) for line in world.events("lead.released")] == [26]
        assert [(one.replica, one.run, one.attempt) for one in world.starts] == [
            ("A", run("r", 10), 1),
            ("B", run("r", 20), 2),
        ]
        assert world.fates("r") == [("interrupted", run("r", 10)), ("succeeded", run("r", 20))]

    def test_which_run_is_the_newest_survives_a_leader_without_the_job(self) -> None:
        """25: the one claimed last, whatever its tick: asked for after the tick was claimed ahead of its time."""
        ahead = every("r", 60, offset=10, overlap=Overlap.REPLACE, claim_ahead=timedelta(seconds=1))
        world, a, b = led_by_a(table(ahead))
        a.runner.duration_s["r"] = 60
        world.run_to(9.3)
        assert world.record
        world.edit(notes={**world.record.notes, **dict([note_of(Command("m-00000001", Do.RUN, "r", world.wall()))])})
        world.run_to(9.8)
        claimed = [one.run for one in ledger(world).open]
        a.kill()
        b.away = True
        world.replica("C", table(every("other", 300)))
        world.run_to(40)

        assert claimed == [run("r", 10), "r@manual-2026-11-22T12:00:09.300Z"]
        assert [one.run for one in ledger(world).open] == claimed

    def test_queue_and_replace_cross(self) -> None:
        """30 (rule 25): a crash with one tick waiting and with two runs open: it runs once, and only the newer again.

        The old run of `r` would not die: it is open beside the one that replaces it.
        """
        queued, replaced = every("q", 100, offset=10, overlap=Overlap.QUEUE), every("r", 10, overlap=Overlap.REPLACE)
        world, a, b = led_by_a(table(queued, every("tick", 10), replaced), runner=StubbornRunner)
        for replica in (a, b):
            replica.runner.duration_s |= {"q": 150, "r": 3}
        world.run_to(99)
        a.runner.duration_s["r"] = 60
        world.run_to(111)
        crashed = ledger(world)
        a.kill()
        world.run_to(300)

        assert [one.run for one in crashed.open if one.job != "tick"] == [run("q", 10), run("r", 100), run("r", 110)]
        assert ("interrupted", run("r", 100)) in world.fates("r")
        assert [(one.run, one.attempt) for one in world.starts if one.replica == "B"][:2] == [
            (run("q", 10), 2),
            (run("r", 110), 2),
        ]
        assert world.started("q") == [(run("q", 10), 1), (run("q", 10), 2), (run("q", 210), 1)]
        assert ("dropped", run("q", 110)) in world.fates("q")

    def test_what_is_replaced_may_tidy_up(self) -> None:
        """25: it is asked to end, as at its timeout, and the new run starts when it is seen dead."""
        world, a, _ = led_by_a(table(every("r", 10, overlap=Overlap.REPLACE)), runner=TidyRunner)
        a.runner.duration_s["r"] = 60
        world.run_to(25)

        assert [round(at) for at in seconds(world, "A")] == [10, 23]
        assert ("interrupted", run("r", 10)) in world.fates("r")

    def test_the_last_leader_tells_what_it_replaced(self) -> None:
        """32: it is asked to stop while the old run ends; nobody comes after it who could tell."""
        world, a, b = led_by_a(table(every("r", 10, overlap=Overlap.REPLACE)), runner=TidyRunner)
        b.kill()
        a.runner.duration_s["r"] = 60
        world.run_to(21)
        a.runner.duration_s["r"] = 4
        a.terminate(at_once=True)
        world.run_to(30)

        assert a.is_dead
        assert world.fates("r") == [("interrupted", run("r", 10)), ("succeeded", run("r", 20))]

    def test_a_leaver_does_not_wait_for_what_gave_way_before_it_began(self) -> None:
        """32: of three runs the second is not started any more, so the first and the third end it."""
        world, a, b = led_by_a(table(every("r", 10, overlap=Overlap.REPLACE)), runner=SlowlyTidyRunner)
        b.kill()
        a.runner.duration_s["r"] = 60
        world.run_to(30.5)
        a.runner.duration_s["r"] = 4
        a.terminate(at_once=True)
        world.run_to(45)

        assert a.is_dead
        assert world.started() == [(run("r", 10), 1), (run("r", 30), 1)]
        assert sorted(world.fates("r")) == [
            ("interrupted", run("r", 10)),
            ("interrupted", run("r", 20)),
            ("succeeded", run("r", 30)),
        ]

    def test_a_replaced_run_is_not_said_to_be_a_lost_leaders(self) -> None:
        world, a, _ = led_by_a(table(every("r", 10, overlap=Overlap.REPLACE), every("m", 10, offset=5, **AT_MOST_ONCE)))
        a.runner.duration_s |= {"r": 60, "m": 60}
        world.run_to(24)
        a.kill()
        world.run_to(60)
        told = {line.facts["job"]: line.facts for line in world.events("run.interrupted")}

        assert (told["r"]["reason"], told["r"].get("hint"), told["r"].get("previous")) == ("replaced", None, None)
        assert (told["m"]["reason"], told["m"]["previous"]) == ("leader_lost", "A")
        assert told["m"]["hint"] == "at_most_once: not run again"

    def test_a_waiting_tick_runs_when_its_turn_comes(self) -> None:
        world, a, _ = led_by_a(table(every("q", 10, overlap=Overlap.QUEUE)))
        a.runner.duration_s["q"] = 25
        world.run_to(65)

        assert [round(at) for at in seconds(world, "A")] == [10, 35, 60]
        assert world.started()[:2] == [(run("q", 10), 1), (run("q", 30), 1)]
        assert world.fates("q")[:1] == [("dropped", run("q", 20))]

    def test_the_old_run_is_dead_before_the_new_one_starts(self) -> None:
        """25, P3."""
        world, a, _ = led_by_a(table(every("r", 10, overlap=Overlap.REPLACE)))
        a.runner.duration_s["r"] = 25
        world.run_to(45)

        spans = [(start.at, end.at) for start, end in zip(world.starts, world.ends, strict=False)]
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert world.fates("r") == [("interrupted", run("r", at)) for at in (10, 20, 30)]
        assert {line.facts["reason"] for line in world.events("run.interrupted")} == {"replaced"}
        assert [round(at) for at in seconds(world, "A")] == [10, 20, 30, 40]


class TestRestored:
    def test_what_a_leaver_reports_into_a_restored_lease_is_over(self) -> None:
        """30, 34: the Lease goes back to before the hand-over; the leader waits, and goes on with its own ledger."""
        world, a, b = led_by_a(table(every("x", 300, offset=5), every("y", 5)))
        a.runner.duration_s["x"] = 30
        world.run_to(7)
        before = world.record
        a.terminate(60, at_once=True)
        world.run_to(30)
        assert before
        world.restore(before)
        world.run_to(150)

        assert world.started("x") == [(run("x", 5), 1)]
        assert world.fates("x") == [("succeeded", run("x", 5))]
        assert b.election.term

    def test_restored_under_a_leader(self) -> None:
        """35 (rules 3d, 30): etcd is put back a minute; the leader writes its ledger back, and no tick runs twice."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        world.run_to(6)
        before = world.record
        assert before
        world.run_to(66)
        known = ledger(world)
        world.edit(ledger=before.ledger, transitions=before.transitions, renewed=before.renewed)
        world.run_to(75.5)

        assert ledger(world).settled == EPOCH + timedelta(seconds=75)
        assert ledger(world).written.number > known.written.number
        assert world.started() == [(run("a", at), 1) for at in range(5, 80, 5)]
        assert a.election.term
        assert not b.election.term

    def test_restored_and_the_leader_dies(self) -> None:
        """30: who has seen a greater number waits L from that sight, and brings the newest ledger that it saw."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        world.run_to(6)
        before = world.record
        assert before
        world.run_to(66)
        a.kill()
        world.edit(ledger=before.ledger)
        world.run_to(66 + L - 0.1)
        assert not b.election.term
        world.run_to(95)

        assert b.election.term
        assert world.started() == [(run("a", at), 1) for at in range(5, 100, 5)]
        assert not world.events("ledger.lost")


# ------------------------------------------------------------------ what people ask for


def ask(world: World, do: Do, job: str | None, id_: str = "m-00000001", **more: Any) -> None:
    """As a command line writes it: over the Lease as it is."""
    assert world.record
    key, text = note_of(Command(id_, do, job, world.wall(), **more))
    world.edit(notes={**world.record.notes, key: text})


class TestCommands:
    def test_pause_races_claim(self) -> None:
        """36 (rules 36, 37): a pause is written while a claim is under way; the claim is refused, the tick dropped."""
        world, a, _ = led_by_a(table(every("a", 5, **ALL)))
        a.latency_s = 0.1
        world.run_to(4.8)
        ask(world, Do.PAUSE, "a")
        world.run_to(11)
        assert world.started() == []
        ask(world, Do.RESUME, "a", "m-00000002")
        world.run_to(16)

        assert world.fates("a")[:2] == [("skipped", run("a", 5)), ("skipped", run("a", 10))]
        assert {line.facts["reason"] for line in world.events("run.skipped")} == {"paused"}
        assert world.started() == [(run("a", 15), 1)]

    def test_a_pause_that_comes_as_the_claim_is_sent(self) -> None:
        """37: the leader's write over the older version is refused, be its tick due or not."""
        world, a, _ = led_by_a(table(every("a", 60, **ALL)))
        a.latency_s = 0.4
        world.run_to(59.55)
        assert a.is_waiting
        ask(world, Do.PAUSE, "a")
        world.run_to(70)
        ask(world, Do.RESUME, "a", "m-00000002")
        world.run_to(75)

        assert world.started() == []
        assert world.fates("a") == [("skipped", run("a", 60))]

    def test_a_trigger_runs_once(self) -> None:
        """36, 37: asked for twice under one id, because its sender could not know, and across a hand-over."""
        world, a, _ = led_by_a(table(every("a", 300)))
        world.run_to(10)
        ask(world, Do.RUN, "a")
        assert world.record
        notes = world.record.notes
        world.run_to(11.5)  # its end is recorded as well
        assert "m-00000001" in ledger(world).acks
        world.edit(notes=notes)
        a.kill()
        world.run_to(40)

        assert world.started() == [("a@manual-2026-11-22T12:00:10.000Z", 1)]
        assert [line.facts["cause"] for line in world.events("run.succeeded", repeated=None)] == ["manual"]

    def test_a_run_that_is_asked_for_starts_at_once(self) -> None:
        """37: the leader watches the Lease."""
        world, _, _ = led_by_a(table(every("a", 300)))
        world.run_to(10)
        ask(world, Do.RUN, "a")
        world.run_to(10.2)

        assert [start.at - START for start in world.starts] == [10]

    def test_a_run_that_is_asked_for_waits_for_its_job(self) -> None:
        world, a, _ = led_by_a(table(every("a", 300, offset=5)))
        a.runner.duration_s["a"] = 20
        world.run_to(10)
        ask(world, Do.RUN, "a")
        world.run_to(60)

        assert [round(start.at - START) for start in world.starts] == [5, 25]

    def test_a_run_asked_for_by_a_clock_that_is_ahead_starts_at_once(self) -> None:
        world, _, _ = led_by_a(table(every("a", 300)))
        world.run_to(10)
        key, text = note_of(Command("m-00000001", Do.RUN, "a", world.wall() + timedelta(seconds=60)))
        world.edit(notes={key: text})
        world.run_to(10.2)

        assert [start.at - START for start in world.starts] == [10]

    def test_a_pause_outlives_the_leader(self) -> None:
        """37."""
        world, a, b = led_by_a(table(every("a", 5)))
        world.run_to(6)
        ask(world, Do.PAUSE, "a", reason="vendor outage")
        world.run_to(7)
        a.kill()
        world.run_to(60)

        assert b.election.term
        assert world.record
        assert pauses_in(world.record.notes)["a"].reason == "vendor outage"
        assert world.started() == [(run("a", 5), 1)]
        assert [line.facts["job"] for line in world.events("job.paused")] == ["a"]

    def test_what_is_no_command_is_refused_and_removed(self) -> None:
        world, _, _ = led_by_a(table(every("a", 5)))
        world.run_to(6)
        assert world.record
        world.edit(notes={"cmd-m-00000001": "please"})
        world.run_to(6.5)

        assert len(world.events("command.refused", command="m-00000001")) == 1
        assert answers_in(world.record.notes) == {"m-00000001": "expected JSON, got 'please'"}
        assert world.record.notes.keys() == {"answers"}

    def test_a_command_costs_one_write_and_none_while_it_waits(self) -> None:
        world, a, _ = led_by_a(table(every("a", 300, offset=5)))
        a.runner.duration_s["a"] = 30
        world.run_to(6)
        writes = world.writes
        ask(world, Do.RUN, "a")
        world.run_to(9.9)

        assert world.writes <= writes + 2


def test_a_restore_is_one() -> None:
    """Else the cases above would prove nothing: the ledger put back is older than the one it replaces."""
    world, _, _ = led_by_a(table(every("a", 5)))
    world.run_to(6)
    older = replace(ledger(world))
    world.run_to(30)

    assert older.written.number < ledger(world).written.number
    assert encode(older) != encode(ledger(world))

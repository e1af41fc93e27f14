"""The protocol's own test cases, by their numbers and names, over the pretended world.

`A` leads unless a case says otherwise, `B` and `C` stand by. Seconds count from the world's beginning, where no tick is
due yet; the lease lasts 15 s (L), the trust 10 s (D), the retry period is 2 s.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from scheduler.core.job import CatchUp, Delivery, JobTable
from scheduler.core.ledger import OpenRun, encode
from tests.fakes.stories import FAIL_OVER, led_by_a, ledger, one_gate_at_most, seconds
from tests.fakes.tables import ALL, AT_MOST_ONCE, THREAD, WHEN_DUE, at, every, table
from tests.fakes.world import START, D, L, World, run


class TestWriting:
    def test_cas_refuses_the_deposed_by_a_claim_that_the_network_held(self) -> None:
        """1 (rules 1, 3e): B took over while A's claim was under way; the claim is refused, nothing starts on A."""
        world, a, b = led_by_a(table(every("a", 5)))
        world.run_to(4.9)
        a.hold_request(30)
        a.away = True
        world.run_to(5)
        a.freeze()
        world.run_to(30)
        a.away = False
        a.thaw()
        world.run_to(60)

        assert b.election.term
        assert seconds(world, "A") == []
        assert run("a", 5) not in [name for name, _ in world.started()]  # superseded by 20, the newest that B found
        assert world.events("run.dropped", run=run("a", 5), reason="superseded")

    def test_cas_refuses_the_deposed_that_does_not_know_it(self) -> None:
        """1 (rules 1, 6): a leader that was stopped, whose watch shows nothing, starts nothing once it goes on."""
        world, a, b = led_by_a(table(every("a", 5)))
        a.watches = False
        world.run_to(6)
        a.freeze()
        world.run_to(24.9)
        a.thaw()
        world.run_to(60)

        assert b.election.term
        assert seconds(world, "A") == [5]
        assert [line.facts["reason"] for line in world.events("lead.lost")] == ["other_holder"]

    def test_trust_counts_from_send(self) -> None:
        """2 (rule 2): the reply takes 4 s, so the gate shuts at send + D all the same."""
        world, a, _ = led_by_a(table(every("a", 60)))
        world.run_to(4.9)
        a.delay_reply(4)
        world.run_to(9.5)
        a.away = True

        assert a.election.gate.shuts_at == START + 5 + D
        world.run_to(5 + D - 0.01)
        assert world.open_gates() == ["A"]
        world.run_to(5 + D)
        assert world.open_gates() == []

    def test_reply_lost_claim_landed(self) -> None:
        """3 (rule 3a): the claim was committed, its reply lost; a GET shows my write; it starts once."""
        world, a, _ = led_by_a(table(every("a", 5, **WHEN_DUE)))
        world.run_to(4.9)
        a.lose_reply()
        world.run_to(5.01)

        assert world.started() == [(run("a", 5), 1)]
        assert a.election.gate.shuts_at == START + 5 + D

    def test_reply_lost_end_not_landed(self) -> None:
        """4 (rule 3): only an end was written and the request lost; the same `settled` is not taken for success."""
        world, a, _ = led_by_a(table(every("a", 5)))
        world.run_to(5.01)
        settled = ledger(world).settled
        a.lose_request()
        a.lose_request()
        world.run_to(5.1)

        assert ledger(world).settled == settled
        assert [entry.run for entry in ledger(world).open] == [run("a", 5)]
        assert world.fates("a") == []
        world.run_to(8)
        assert ledger(world).open == ()
        assert world.fates("a") == [("succeeded", run("a", 5))]

    def test_label_edit_during_claim(self) -> None:
        """5 (rules 3b, 4): 409, re-read, second claim within one round trip; the label is kept."""
        world, a, _ = led_by_a(table(every("a", 5, **WHEN_DUE)))
        world.run_to(4.9)
        a.latency_s = 0.01
        world.edit_label()
        world.run_to(5.1)

        assert seconds(world, "A") == [5.03]
        assert world.record
        assert world.record.rest["metadata"]

    def test_delayed_first_second_sent_and_second_lands(self) -> None:
        """6 (rule 3): the first PUT is held for 3 s, a second is sent; it lands, and its own send counts."""
        world, a, _ = led_by_a(table(every("a", 5, **WHEN_DUE)))
        a.latency_s = 0.01
        world.run_to(4.9)
        a.hold_request(3)
        world.run_to(5.05)

        assert world.started() == [(run("a", 5), 1)]
        assert a.election.gate.shuts_at == pytest.approx(START + 5.01 + D, abs=1e-6)
        world.run_to(9.9)
        assert world.started() == [(run("a", 5), 1)]
        assert world.fates("a") == [("succeeded", run("a", 5))]

    def test_delayed_first_second_sent_and_first_lands(self) -> None:
        """6 (rule 3a): the second is lost and the first lands late; it is the first's send that counts."""
        world, a, _ = led_by_a(table(every("a", 5, **WHEN_DUE)))
        world.run_to(4.9)
        a.hold_request(3)
        world.run_to(5)
        a.away = True
        world.run_to(8.1)
        a.away = False
        while not world.starts:
            world.run_for(0.1)

        assert world.started() == [(run("a", 5), 1)]
        assert a.election.gate.shuts_at == START + 5 + D


class TestLeading:
    def test_gate_lapses_and_returns(self) -> None:
        """7 (rule 6): the store is away for D + 1 s and nobody took over; late claims start once, in the same term."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        b.kill()
        world.run_to(5.5)
        a.away = True
        world.run_to(5.5 + D + 1)
        a.away = False
        world.run_to(23)

        assert world.started("a") == [(run("a", at), 1) for at in (5, 10, 15, 20)]
        assert [line.event for line in world.lines if line.event.startswith("lead.")][2:] == [
            "lead.suspended",
            "lead.resumed",
        ]
        assert a.election.term
        assert a.election.term.number == 1

    def test_annotator_does_not_block(self) -> None:
        """8 (rule 7): a label changes each second; the dead leader's successor comes after L all the same."""
        world, a, _ = led_by_a(table(every("a", 5)))
        world.run_to(6)
        a.kill()
        for second in range(7, 22):
            world.run_to(second)
            world.edit_label()
        world.run_to(6 + FAIL_OVER)

        assert [line.replica for line in world.events("lead.acquired")] == ["A", "B"]

    def test_late_grant_is_read_first(self) -> None:
        """9 (rule 8): the reply to the take-over comes after L; it is no grant before a GET, nothing runs before."""
        world, a, b = led_by_a(table(every("a", 5)))
        world.run_to(1)
        a.kill()
        b.delay_reply(L + 1)
        while world.record is None or world.record.holder != "B":
            world.run_for(0.05)
        taken_over_at = world.now
        reads = len(b.reads)
        world.run_to(60)

        acquired = world.events("lead.acquired")[-1]
        assert acquired.at > taken_over_at + L - 0.1
        assert len(b.reads) > reads
        assert min(start.at for start in world.starts if start.replica == "B") >= acquired.at

    def test_late_grant_that_was_taken_meanwhile(self) -> None:
        """9 (rule 8): while the reply was under way, a third replica took over; the late one stands by."""
        world, a, b = led_by_a(table(every("a", 5)))
        c = world.replica("C", a.table)
        world.run_to(1)
        a.kill()
        b.delay_reply(2 * L)
        world.run_to(60)

        assert [line.replica for line in world.events("lead.acquired")] == ["A", "C"]
        assert c.election.term
        assert seconds(world, "B") == []

    def test_same_name_other_nonce(self) -> None:
        """10 (rule 9): the record holds my pod's name and a foreign nonce; a restarted pod stands by."""
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        world.run_to(6)
        a.kill()
        restarted = world.replica("A", a.table)
        world.run_to(20.9)

        assert restarted.election.term is None
        assert seconds(world, "A") == [5]
        world.run_to(6 + FAIL_OVER)
        assert restarted.election.term

    def test_stopped_parent_child_dies(self) -> None:
        """11 (rule 11): the leader is stopped, an exclusive child runs; it is dead before the successor's attempt 2."""
        world, a, b = led_by_a(table(every("a", 60, offset=5)))
        for replica in (a, b):
            replica.runner.duration_s["a"] = 50
        world.run_to(6)
        a.freeze()
        world.run_to(30)

        killed = next(end for end in world.ends if end.replica == "A")
        again = next(start for start in world.starts if start.replica == "B")
        assert (killed.run, killed.outcome) == (run("a", 5), "killed")
        assert (again.run, again.attempt) == (run("a", 5), 2)
        assert again.at - killed.at >= 1

    def test_killed_parent_no_orphan(self) -> None:
        """12 (rule 11): the leader alone is killed; its child is dead at once."""
        world, a, _ = led_by_a(table(every("a", 60, offset=5)))
        a.runner.duration_s["a"] = 50
        world.run_to(6)
        a.kill()

        assert [(end.run, end.at - START) for end in world.ends] == [(run("a", 5), 6)]


class TestOpenRuns:
    @pytest.mark.parametrize(
        ("successor_serves_it", "attempts"),
        [
            pytest.param(True, [("B", 2)], id="the successor ran it: never by me"),
            pytest.param(False, [("A", 1)], id="still listed as mine: start it"),
        ],
    )
    def test_resume_never_replays(self, *, successor_serves_it: bool, attempts: list[tuple[str, int]]) -> None:
        """13 (rules 12, 15, 21): claimed, stopped, deposed, resumed, elected again."""
        serving = table(every("a", 300, offset=5))
        world = one_gate_at_most(World())
        a = world.replica("A", serving, creates_at_once=True)
        world.run_for(0)
        b = world.replica("B", serving if successor_serves_it else table(every("other", 300)))
        world.run_to(4.9)
        a.delay_reply(0.5)
        world.run_to(5.1)
        a.freeze()
        world.run_to(30)
        a.thaw()
        world.run_to(35)
        b.kill()
        world.run_to(35 + FAIL_OVER + 1)

        assert a.election.term
        assert [(start.replica, start.attempt) for start in world.starts if start.job == "a"] == attempts

    def test_re_elected_adopts(self) -> None:
        """14 (rule 15): it loses and regains the lead while a thread's run is alive; no attempt 2, one final line."""
        world, a, b = led_by_a(table(every("a", 300, offset=5, action=THREAD)))
        b.kill()
        a.runner.duration_s["a"] = 30
        world.run_to(6)
        world.edit(holder="somebody")
        world.run_to(60)

        assert [line.replica for line in world.events("lead.acquired")] == ["A", "A"]
        assert world.started() == [(run("a", 5), 1)]
        assert world.fates("a") == [("succeeded", run("a", 5))]

    def test_interrupted_rerun(self) -> None:
        """15 (rule 17): the leader is killed in a run of an at_least_once job: attempt 2 under the same run id."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5)))
        a.runner.duration_s["a"] = 50
        world.run_to(6)
        a.kill()
        world.run_to(30)

        assert world.started() == [(run("a", 5), 1), (run("a", 5), 2)]
        (retrying,) = world.events("run.retrying")
        assert (retrying.facts["attempt"], retrying.facts["next_attempt"]) == (1, 2)
        assert retrying.facts["reason"] == "leader_lost"
        assert world.events("run.succeeded", attempt=2, cause="rerun")

    def test_interrupted_not_rerun(self) -> None:
        """16 (rule 17, P1): the same with at_most_once: one line says that it was interrupted."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5, **AT_MOST_ONCE)))
        a.runner.duration_s["a"] = 50
        world.run_to(6)
        a.kill()
        world.run_to(30)

        assert world.started() == [(run("a", 5), 1)]
        assert world.fates("a") == [("interrupted", run("a", 5))]
        (line,) = world.events("run.interrupted")
        assert (line.facts["reason"], line.facts["previous"]) == ("leader_lost", "A")

    @pytest.mark.parametrize(
        ("at_claim", "at_take_over"),
        [
            pytest.param(Delivery.AT_MOST_ONCE, Delivery.AT_LEAST_ONCE, id="loosened by the edit"),
            pytest.param(Delivery.AT_LEAST_ONCE, Delivery.AT_MOST_ONCE, id="tightened by the edit"),
        ],
    )
    def test_edited_delivery(self, at_claim: Delivery, at_take_over: Delivery) -> None:
        """17 (rule 17): the stricter of the claim's delivery and the successor's table holds: not run again."""
        world = one_gate_at_most(World())
        a = world.replica("A", table(every("a", 300, offset=5, delivery=at_claim)), creates_at_once=True)
        a.runner.duration_s["a"] = 50
        world.run_to(1)
        world.replica("B", table(every("a", 300, offset=5, delivery=at_take_over)))
        world.run_to(6)
        a.kill()
        world.run_to(60)

        assert world.started() == [(run("a", 5), 1)]
        assert world.fates("a") == [("interrupted", run("a", 5))]

    def test_poison_job_stops_after_three(self) -> None:
        """17 (rule 17): a job that kills its leader kills three of them and no fourth."""
        world = one_gate_at_most(World())
        jobs = table(every("poison", 900, offset=5))
        for name in "ABCDE":
            world.replica(name, jobs, creates_at_once=True).runner.duration_s["poison"] = 50
            world.run_for(0.1)
        for _ in range(5):
            started = len(world.starts)
            while len(world.starts) == started and world.now < START + 200:
                world.run_for(1)
            leader = next(replica for replica in world.replicas if replica.election.term and not replica.is_dead)
            if len(world.starts) > started:
                leader.kill()

        assert world.started() == [(run("poison", 5), attempt) for attempt in (1, 2, 3)]
        assert world.fates("poison") == [("dropped", run("poison", 5))]
        assert world.events("run.dropped", reason="max_interruptions")


class TestClaiming:
    def test_busy_pool(self) -> None:
        """18 (rule 18): one worker, two jobs due, a crash; the unclaimed tick is run by the successor."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5), every("b", 300, offset=5)), max_parallel=1)
        a.runner.duration_s["a"] = 50
        world.run_to(6)
        assert world.started() == [(run("a", 5), 1)]
        a.kill()
        world.run_to(30)

        assert world.started("a") == [(run("a", 5), 1), (run("a", 5), 2)]
        assert world.started("b") == [(run("b", 5), 1)]

    def test_renewal_moves_no_mark(self) -> None:
        """19 (rule 19): the renewal falls 1 ms after a due instant of which no alarm told; the tick is claimed."""
        world = World()
        world.run_to(0.001)
        a = world.replica("A", table(every("a", 5)), creates_at_once=True)
        world.run_for(0)
        a.bell.disarm()
        world.run_to(5.1)

        assert world.started() == [(run("a", 5), 1)]
        assert seconds(world, "A") == [5.001]

    def test_renewal_behind_a_shut_gate_moves_no_mark(self) -> None:
        """19 (rule 19): a renewal that may not plan, since the gate is shut, leaves the marks where they are."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        b.kill()
        world.run_to(6)
        settled = ledger(world).settled
        a.away = True
        world.run_to(21)
        a.away = False
        a.latency_s = 0.1
        writes = world.writes
        while world.writes == writes:
            world.run_for(0.01)

        assert ledger(world).settled == settled
        world.run_to(24)
        assert world.started() == [(run("a", at), 1) for at in (5, 10, 15, 20)]


class TestRevisions:
    def test_added_job_no_past(self) -> None:
        """22 (rule 20, P5): a tick 1 s before the added job was loaded is not run; the first after it is caught up."""
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        world.run_to(61)
        world.replica("C", table(every("a", 5), every("added", 10, **ALL), loaded=61))
        world.run_to(62)
        a.kill()
        world.run_to(95)

        assert world.started("added") == [(run("added", at), 1) for at in (70, 80, 90)]

    def test_flapping_keeps_added(self) -> None:
        """23 (rule 20): new leads, old leads at T, new leads: T of the added job is caught up."""
        old = table(every("a", 5), revision=1)
        new = table(every("a", 5), every("added", 30, **ALL), revision=2)
        world = flap(new, old)

        assert world.started("added") == [(run("added", at), 1) for at in (30, 60)]
        assert_started_once(world)

    def test_flapping_changed(self) -> None:
        """24 (rule 20, P7): the old schedule never runs again, no tick runs twice, the new one's T is caught up."""
        old = table(every("a", 5), every("edited", 7), revision=1)
        new = table(every("a", 5), every("edited", 30, **ALL), revision=2)
        world = flap(new, old)

        assert world.started("edited") == [(run("edited", at), 1) for at in (30, 60)]
        assert_started_once(world)

    def test_an_old_table_does_not_rerun_what_the_new_one_removed(self) -> None:
        """P7 (rules 17, 20): the run stays open for whoever leads with the newer table."""
        world, a, b = led_by_a(table(every("a", 5), revision=2))
        b.kill()
        world.run_to(1)
        removed = OpenRun("old", "2026-11-22T12:00:00Z", 1, "gone", "l")
        world.edit(ledger=encode(replace(ledger(world), open=(removed,))))
        a.kill()
        world.replica("C", table(every("a", 5), every("old", 60), revision=1))
        world.run_to(40)

        assert world.started("old") == []
        assert removed in ledger(world).open

    def test_an_old_table_does_not_retry_what_a_newer_one_removed_meanwhile(self) -> None:
        """P7 (rule 20): its own run waits for its next attempt while it is cut off; leading again, it is at rest."""
        old, kept = every("old", 300, offset=5, retries=5, retry_delay=timedelta(seconds=60)), every("a", 5)
        world, a, b = led_by_a(table(old, kept, revision=1))
        b.kill()
        a.runner.fails.add("old")
        world.run_to(7)
        a.away = True
        newer = world.replica("C", table(kept, loaded=8, revision=2))
        world.run_to(40)
        a.away = False
        newer.kill()
        world.run_to(202)

        assert a.election.term
        assert world.started("old") == [(run("old", 5), 1)]
        assert [one.run for one in ledger(world).open] == [run("old", 5)]
        assert a.dispatch.wanted_at(world.now) > world.now

    @pytest.mark.parametrize("stops", [pytest.param(8, id="before T"), pytest.param(10.5, id="after it ran T")])
    def test_edit_at_the_minute(self, stops: float) -> None:
        """25 (rules 19, 20): both schedules have T = 10; the new one is loaded before and leads after T."""
        world, a, b = led_by_a(table(every("a", 10), revision=1))
        b.kill()
        world.run_to(8)
        world.replica("C", table(every("a", 5, **ALL), loaded=8, revision=2))
        world.run_to(stops)
        a.kill()
        world.run_to(33)

        assert world.started("a") == [(run("a", at), 1) for at in (10, 15, 20, 25, 30)]


def flap(new: JobTable, old: JobTable) -> World:
    """`new` leads from 0 to 15, `old` from then, at T = 30 included, to 45, and then `new` again."""
    world = one_gate_at_most(World())
    first = world.replica("new-1", new, creates_at_once=True)
    world.run_to(15)
    second = world.replica("old", old)
    first.terminate()
    world.run_to(40)
    assert second.election.term
    world.replica("new-2", new)
    world.run_to(45)
    second.terminate()
    world.run_to(62)
    return world


def assert_started_once(world: World) -> None:
    runs = [name for name, _ in world.started()]

    assert sorted(runs) == sorted(set(runs))


class TestEnds:
    def test_end_written_promptly(self) -> None:
        """26 (rule 22): a run ends and its leader is killed 1.5 s later; it is not run again."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5)))
        world.run_to(5.02 + 1.5)
        a.kill()
        world.run_to(40)

        assert world.started() == [(run("a", 5), 1)]
        assert world.fates("a") == [("succeeded", run("a", 5))]

    def test_at_once_for_ever(self) -> None:
        """28 (rule 26): an `at:` job ran, was removed, is added again a year on, and the Lease is deleted: once."""
        with_it, without = [at("once", 5, catch_up_window=timedelta(days=1000)), every("a", 60)], [every("a", 60)]
        world, a, b = led_by_a(table(*with_it))
        b.kill()
        world.run_to(10)
        c = world.replica("C", table(*without, loaded=10))
        world.run_to(11)
        a.terminate()
        world.run_to(70)
        again = world.replica("D", table(*with_it, loaded=70))
        c.terminate()
        world.run_to(100)
        world.delete()
        again.kill()
        world.replica("E", table(*with_it, loaded=100))
        world.run_to(200)

        assert world.started("once") == [(run("once", 5), 1)]


class TestDeleted:
    def test_deleted_leader_recreates(self) -> None:
        """31 (rule 28): the Lease is deleted under its leader: new uid, same ledger, no tick lost or doubled."""
        world, a, _ = led_by_a(table(every("a", 5, **ALL), every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 20
        world.run_to(6)
        assert world.record
        before, uid, transitions = ledger(world), world.record.uid, world.record.transitions
        world.delete()
        world.run_to(6.1)

        assert world.record.uid != uid
        assert world.record.transitions == transitions + 1
        assert ledger(world).open == before.open
        world.run_to(32)
        assert world.started("a") == [(run("a", at), 1) for at in (5, 10, 15, 20, 25, 30)]
        assert world.started("long") == [(run("long", 5), 1)]
        assert {line.replica for line in world.events("lead.acquired")} == {"A"}

    def test_deleted_as_a_tick_falls_due(self) -> None:
        """31 (rule 28): the gate stays open while the leader re-creates the Lease, so the tick was not missed."""
        world, a, _ = led_by_a(table(every("a", 5, catch_up=CatchUp.NONE)))
        a.latency_s = 0.05
        world.run_to(9.98)
        world.delete()
        world.run_to(16)

        assert world.fates("a") == [("succeeded", run("a", at)) for at in (5, 10, 15)]

    def test_deleted_and_leader_dead(self) -> None:
        """32 (rules 27-29): deleted twice; a POST of the first time lands after the second: a quiet start."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        world.run_to(6)
        a.kill()
        world.delete()
        world.run_to(6 + L)
        b.hold_request(3)
        world.run_to(6 + L + 2)
        assert b.election.term
        world.delete()
        b.away = True
        world.run_to(6 + L + 5)
        b.away = False
        acquired_at = world.now
        world.run_to(80)

        assert world.events("ledger.lost")
        assert_started_once(world)
        later = [start.at for start in world.starts if start.replica == "B"]
        assert min(later) > acquired_at + L - 5
        assert world.started("a")[-1] == (run("a", 75), 1) or world.started("a")[-1] == (run("a", 80), 1)

    def test_deleted_and_fresh_replica_beside_a_reachable_leader(self) -> None:
        """34 (rule 28): a new pod starts as the Lease is deleted; the leader re-creates it first, the pod stands by."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        b.kill()
        world.run_to(6)
        world.delete()
        fresh = world.replica("C", a.table, skew_s=1.0)
        world.run_to(30)

        assert fresh.election.term is None
        assert world.started("a") == [(run("a", at), 1) for at in (5, 10, 15, 20, 25, 30)]

    def test_deleted_and_fresh_replica_that_starts_quietly(self) -> None:
        """34 (rules 28, 29): `quiet_start`: nothing starts for L, not even after it is deleted and made once more."""
        world = one_gate_at_most(World())
        fresh = world.replica("C", table(every("a", 5)), quiet_start=True)
        world.run_to(3)
        assert fresh.election.term
        granted_at = world.events("lead.acquired")[0].at
        world.run_to(8)
        world.delete()
        world.run_to(40)

        assert len(world.events("lead.acquired")) == 2
        assert world.starts[0].at >= granted_at + L
        assert world.starts[0].run == run("a", 20)


class TestReleasing:
    def test_release_reply_lost(self) -> None:
        """33 (rules 5, 33): the release is committed, its reply lost, and B leads: nothing starts on A any more."""
        world, a, b = led_by_a(table(every("a", 5, **ALL, **WHEN_DUE)))
        world.run_to(4.99)
        a.terminate()
        a.deliveries.clear()
        a.lose_reply()
        world.run_to(22)

        assert b.election.term
        assert seconds(world, "A") == []
        assert world.started() == [(run("a", at), 1) for at in (5, 10, 15, 20)]
        assert a.is_dead

    def test_what_a_dead_leader_decided_is_repeated_once(self) -> None:
        """33 (rule 5): the last decision was written and its writer killed before it could say so."""
        world, a, _ = led_by_a(table(every("a", 5, **ALL)))
        world.run_to(5.01)
        a.delay_reply(1)
        world.run_to(5.5)
        a.kill()
        world.run_to(40)

        assert world.events("run.succeeded", run=run("a", 5), repeated=True)
        assert len(world.events("run.succeeded", run=run("a", 5))) == 1
        assert world.started("a")[0] == (run("a", 5), 1)
        assert_started_once(world)

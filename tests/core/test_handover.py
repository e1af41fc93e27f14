"""Who leads, and what becomes of the ticks when that changes: starting, stopping, and Leases that others have touched.

The cases beside those of the protocol's own list (`test_protocol.py`), over the same pretended world: A leads from the
beginning on, B stands by, seconds count from there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from scheduler.core.job import Overlap
from scheduler.core.ledger import WriteId, encode, first_ledger
from scheduler.core.moves import Timings, micro_time
from scheduler.core.ports import LeaseRecord
from tests.fakes.pretend import PretendRunner
from tests.fakes.stories import FAIL_OVER, led_by_a, ledger, one_gate_at_most, seconds
from tests.fakes.tables import ALL, AT_MOST_ONCE, THREAD, every, table
from tests.fakes.world import EPOCH, START, D, Delivery, L, Replica, World, run

JITTER = 0.1


def put_lease(world: World, holder: str, ledger: str | None, duration_s: int = L) -> LeaseRecord:
    """Somebody else makes the Lease."""
    now = micro_time(world.wall())
    return world.create(LeaseRecord(holder, duration_s, now, now, 4, ledger))


def foreign_ledger(world: World, known: str = "") -> str:
    """A ledger that another replica wrote, ahead of everything written so far."""
    return encode(first_ledger(WriteId(900, "other"), 0, known, world.wall()))


class TestFirstStart:
    def test_the_first_install_ticks_at_once(self) -> None:
        """Rule 28: one retry period, so that a living leader would be first, and then the very next tick."""
        world = World()
        world.replica("A", table(every("a", 5)))
        world.run_to(6)

        assert [line.at - START for line in world.events("lead.acquired", cause="new")] == [2]
        assert world.started() == [(run("a", 5), 1)]

    def test_two_start_at_once_and_one_post_is_refused(self) -> None:
        """Rule 27: the POST that comes second finds a Lease, reads it and stands by."""
        world = one_gate_at_most(World())
        for name in ("A", "B"):
            world.replica(name, table(every("a", 5)), creates_at_once=True).latency_s = 0.01
        world.run_to(11)

        assert [line.replica for line in world.events("lead.acquired")] == ["A"]
        assert [line.replica for line in world.events("lead.standby")] == ["B"]
        assert world.started() == [(run("a", 5), 1), (run("a", 10), 1)]

    def test_the_store_is_away_when_everything_starts(self) -> None:
        """One line says so; the first lead begins when it is back, with the next tick and nothing of the past."""
        world = one_gate_at_most(World())
        for name in ("A", "B"):
            world.replica(name, table(every("a", 5, **ALL)), creates_at_once=True).away = True
        world.run_to(60.5)
        for replica in world.replicas:
            replica.away = False
        world.run_to(70)

        assert [line.replica for line in world.events("store.unavailable")] == ["A", "B"]
        assert [line.replica for line in world.events("store.recovered")] == ["A", "B"]
        assert world.started() == [(run("a", 65), 1), (run("a", 70), 1)]
        assert world.events("ledger.lost") == []

    def test_the_store_goes_away_between_the_two_writes_of_the_first_start(self) -> None:
        """Rules 27 to 29: our POST is that old that others may have come and gone, so the start is a quiet one."""
        world = one_gate_at_most(World())
        a = world.replica("A", table(every("a", 5)), creates_at_once=True)
        a.latency_s = 0.1
        world.run_to(0.05)
        a.lose_reply()
        world.run_to(0.15)
        a.away = True
        world.run_to(60)
        a.away = False
        world.run_to(100)

        assert world.events("lead.acquired")[0].at >= START + 60
        assert world.starts[0].at >= START + 60 + L
        assert len(world.events("ledger.lost")) == 1

    def test_a_quiet_start_ends_on_time(self) -> None:
        """Rule 29: the first plan is made as the gate opens, not at the next renewal."""
        world = World()
        timings = Timings(16, 10, 2)
        world.replica("A", table(every("a", 1)), creates_at_once=True, quiet_start=True, timings=timings)
        world.run_to(18)

        assert world.started() == [(run("a", 17), 1), (run("a", 18), 1)]

    def test_a_quiet_first_start_is_new(self) -> None:
        """Rule 28: `quiet_start` delays the first tick; the Lease is no less new for that."""
        world = World()
        world.replica("A", table(every("a", 5)), creates_at_once=True, quiet_start=True)
        world.run_to(21)

        assert [line.facts["cause"] for line in world.events("lead.acquired")] == ["new"]
        assert world.started() == [(run("a", 20), 1)]


class TestStopping:
    def test_drain_and_release(self) -> None:
        """Rule 32: nothing new is claimed, the run ends and is recorded, the Lease is released, B goes on."""
        world, a, b = led_by_a(table(every("a", 5, **ALL), every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 3
        world.run_to(6)
        a.terminate()
        world.run_to(30)

        (released,) = world.events("lead.released")
        assert released.facts["drained"] == 1
        assert released.at - START == pytest.approx(8.01)
        assert a.is_dead
        assert world.fates("long") == [("succeeded", run("long", 5))]
        assert world.started("a") == [(run("a", at), 1) for at in (5, 10, 15, 20, 25, 30)]
        assert seconds(world, "B")[0] == 10
        assert b.election.term

    def test_the_second_leader_comes_within_the_jitter(self) -> None:
        world, a, _ = led_by_a(table(every("a", 5)))
        world.run_to(7)
        a.terminate()
        world.run_to(7 + JITTER)

        assert [line.facts["cause"] for line in world.events("lead.acquired")] == ["new", "released"]

    def test_what_falls_due_while_draining_is_left_to_the_successor(self) -> None:
        world, a, _ = led_by_a(table(every("a", 5, **ALL), every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 12
        world.run_to(6)
        a.terminate()
        world.run_to(22)

        assert [(start.replica, start.run) for start in world.starts if start.job == "a"] == [
            ("A", run("a", 5)),
            ("B", run("a", 10)),
            ("B", run("a", 15)),
            ("B", run("a", 20)),
        ]
        assert world.events("run.succeeded", run=run("a", 15), cause="catch_up")

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(lambda a: a.delay_reply(0.3), id="its reply is under way"),
            pytest.param(lambda a: a.lose_reply(), id="its reply is lost"),
            pytest.param(lambda a: a.hold_request(0.3), id="it arrives late"),
        ],
    )
    def test_a_claim_that_is_under_way_is_started_and_drained(self, fault: Callable[[Replica], None]) -> None:
        """Rule 32: told to stop between the claim and its reply, it must not release beside its own run."""
        world, a, _ = led_by_a(table(every("a", 300, offset=5)))
        for replica in world.replicas:
            replica.runner.duration_s["a"] = 2
        world.run_to(4.9)
        fault(a)
        a.latency_s = 0.2
        world.run_to(5.1)
        a.terminate()
        world.run_to(12)

        assert world.started() == [(run("a", 5), 1)]
        assert world.fates("a") == [("succeeded", run("a", 5))]
        assert a.is_dead
        assert len(world.events("lead.released")) == 1

    def test_a_run_that_drains_for_too_long_is_killed_and_run_again(self) -> None:
        """Rule 35: kill it, see it dead, release; the entry stays open and the successor starts attempt 2."""
        world, a, b = led_by_a(table(every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 200
        world.run_to(6)
        a.terminate(drain_s=10)
        world.run_to(17)

        assert [end.outcome for end in world.ends if end.replica == "A"] == ["killed"]
        assert [start.replica for start in world.starts] == ["A", "B"]
        assert world.started() == [(run("long", 5), 1), (run("long", 5), 2)]
        assert b.election.term

    def test_a_thread_that_drains_for_too_long_keeps_the_lease(self) -> None:
        """Rule 35: it cannot be killed, so the Lease is not released and the successor waits for it to expire."""
        world, a, _ = led_by_a(table(every("long", 300, offset=5, action=THREAD)))
        a.runner.duration_s["long"] = 200
        world.run_to(6)
        a.terminate(drain_s=10)
        world.run_to(60)

        assert world.events("lead.released") == []
        died = next(end for end in world.ends if end.replica == "A")
        again = next(start for start in world.starts if start.replica == "B")
        assert died.at <= again.at

    def test_release_inside_a_quiet_start_is_left_out(self) -> None:
        """Rule 29: it would let a successor start ticks that a former leader may be starting still."""
        world = one_gate_at_most(World())
        a = world.replica("A", table(every("a", 5)), creates_at_once=True, quiet_start=True)
        world.run_to(3)
        world.replica("B", a.table)
        world.run_to(4)
        a.terminate()
        world.run_to(40)

        assert a.is_dead
        assert world.events("lead.released") == []
        assert world.starts[0].at - START >= L

    def test_a_standby_ends_at_once(self) -> None:
        world, _, b = led_by_a(table(every("a", 5)))
        b.terminate()
        world.run_for(0)

        assert b.is_dead
        assert world.events("lead.released") == []

    def test_a_standby_ends_at_once_even_when_the_store_is_away(self) -> None:
        world, _, b = led_by_a(table(every("a", 5)))
        b.requests_fail = True
        world.delete()
        world.run_for(0.01)
        b.terminate()
        world.run_for(0.01)

        assert b.is_dead

    def test_a_claim_that_was_never_started_does_not_hold_up_a_deposed_leader(self) -> None:
        """Rules 12, 32: once the lead is lost there is nothing to drain."""
        world, a, b = led_by_a(table(every("a", 5)))
        world.run_to(4.9)
        a.delay_reply(D + 1)
        world.run_to(15.9)
        a.away = True
        world.run_to(17)
        assert a.dispatch.running == 1
        a.terminate()
        world.run_to(30)
        a.away = False
        world.run_to(33)

        assert b.election.term
        assert a.is_dead

    def test_a_leader_whose_trust_ran_out_releases_once_the_store_is_back(self) -> None:
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        world.run_to(6)
        a.away = True
        world.run_to(5 + D + 1)
        a.terminate()
        world.run_to(20)
        a.away = False
        world.run_to(23)

        assert a.is_dead
        assert len(world.events("lead.released")) == 1
        assert world.record
        assert world.record.holder == ""

    def test_a_stop_waits_for_the_store_without_spinning(self) -> None:
        """Its trust runs out while it tries to release; the world objects to a wait that is already over."""
        world, a, b = led_by_a(table(every("a", 60)))
        b.kill()
        world.run_to(9)
        a.away = True
        a.terminate()
        world.run_to(20)
        a.away = False
        world.run_to(23)

        assert len(world.events("lead.released")) == 1

    def test_release_over_a_label_edit(self) -> None:
        """Rule 33: a release that was refused for a label's sake is repeated."""
        world, a, _ = led_by_a(table(every("a", 5)))
        world.run_to(6)
        a.watches = False
        world.edit_label()
        a.terminate()
        world.run_to(6 + JITTER)

        assert [line.facts["cause"] for line in world.events("lead.acquired")] == ["new", "released"]

    def test_the_lease_is_deleted_while_draining(self) -> None:
        world, a, b = led_by_a(table(every("a", 5), every("long", 300, offset=5)))
        a.runner.duration_s["long"] = 8
        world.run_to(6)
        a.terminate()
        world.delete()
        world.run_to(40)

        assert a.is_dead
        assert b.election.term
        assert world.started("long") == [(run("long", 5), 1)]


class TestAnotherLeads:
    def test_a_foreign_holder_shuts_the_gate_on_sight(self) -> None:
        """Rule 6: "seen" is a watch event too, and it counts while an own write is unresolved and no GET succeeds."""
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        world.run_to(6)
        a.requests_fail = True
        world.run_to(11)
        assert world.open_gates() == ["A"]
        world.delete()
        put_lease(world, "fresh", foreign_ledger(world))
        world.run_for(0.01)

        assert world.open_gates() == []

    def test_a_run_on_its_way_to_its_first_statement_does_not_start_at_that_sight(self) -> None:
        """Rule 21: the runner asks the gate, and is told of it before a GET confirms anything."""
        world, a, b = led_by_a(table(every("a", 300, offset=5, overlap=Overlap.ALLOW)))
        b.kill()
        a.runner.spawn_s = 1.0
        world.run_to(5.5)
        a.requests_fail = True
        world.delete()
        put_lease(world, "fresh", foreign_ledger(world))
        world.run_to(7)

        assert world.starts == []

    def test_a_runner_is_not_even_asked_behind_a_shut_gate(self) -> None:
        """Rule 21: the gate is asked twice, and the first time by the dispatch itself."""

        class Trusting(PretendRunner):
            def trust(self, _: float, exclusive_until: float) -> None:
                super().trust(float("inf"), exclusive_until)

        world, a, b = led_by_a(table(every("a", 300, offset=5)), runner=Trusting)
        b.kill()
        world.run_to(4.9)
        a.delay_reply(D + 1)
        world.run_to(15.9)
        a.requests_fail = True
        world.run_to(17)

        assert a.dispatch.running == 1
        assert world.starts == []

    def test_exclusive_runs_die_with_the_lead(self) -> None:
        """Rule 12."""
        world, a, b = led_by_a(table(every("long", 300, offset=5), every("beside", 300, offset=5, action=THREAD)))
        b.kill()
        for name in ("long", "beside"):
            a.runner.duration_s[name] = 10
        world.run_to(6)
        world.edit(holder="somebody")
        world.run_to(6.1)

        assert [(end.run, end.outcome) for end in world.ends] == [(run("long", 5), "killed")]
        assert [line.facts["reason"] for line in world.events("lead.lost")] == ["other_holder"]

    def test_a_thread_run_that_ends_without_the_lead_is_told_as_not_recorded(self) -> None:
        world, a, b = led_by_a(table(every("a", 300, offset=5, action=THREAD)))
        b.kill()
        a.runner.duration_s["a"] = 3
        world.run_to(6)
        world.edit(holder="somebody")
        world.run_to(10)

        assert [line.facts.get("recorded") for line in world.events("run.succeeded")] == [False]
        world.run_to(40)
        assert a.election.term
        assert ledger(world).open == ()
        assert world.fates("a") == [("succeeded", run("a", 5))]

    def test_a_run_that_another_leader_took_over_meanwhile_ends(self) -> None:
        """Its end can no longer be recorded; it is told once, and nobody is asked again and again to record it."""
        jobs = table(every("a", 300, offset=5, action=THREAD, **AT_MOST_ONCE))
        world, a, b = led_by_a(jobs)
        a.runner.duration_s["a"] = 100
        world.run_to(6)
        a.freeze()
        world.run_to(30)
        assert world.fates("a") == [("interrupted", run("a", 5))]
        a.thaw()
        world.run_to(31)
        b.kill()
        world.run_to(31 + FAIL_OVER)
        assert a.election.term
        writes = world.writes
        world.run_to(130)

        assert world.fates("a") == [("interrupted", run("a", 5)), ("succeeded", run("a", 5))]
        assert [line.facts.get("recorded") for line in world.events("run.succeeded")] == [False]
        assert world.writes - writes < 30
        assert a.dispatch.running == 0

    def test_the_gate_shut_before_the_first_statement_and_the_lead_was_lost(self) -> None:
        """Rule 21: it starts late, or, if the term is lost, never by me; either way its slot is free again."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)), max_parallel=1)
        a.runner.spawn_s = 1.0
        world.run_to(5.5)
        world.edit(holder="B", ledger=foreign_ledger(world, a.table.known))
        world.run_to(7)
        assert world.starts == []
        b.kill()
        world.run_to(38)

        assert a.election.term
        assert a.dispatch.running == 0
        assert seconds(world, "A")[-1] == 36

    def test_a_take_over_that_lands_after_it_was_looked_for(self) -> None:
        """Rule 3: a GET that shows nothing of it does not void it; when it lands after all, B knows that it leads."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        world.run_to(1)
        a.kill()
        b.hold_request(0.5)
        b.deliveries.append(Delivery())
        b.requests_fail = True
        world.run_to(16)
        b.requests_fail = False
        world.run_to(19)

        assert [line.replica for line in world.events("lead.acquired")] == ["A", "B"]
        assert seconds(world, "B")[0] < 19

    def test_a_write_that_landed_before_somebody_edited_the_holder(self) -> None:
        """Rules 3a, 3e: the write is ours, the Lease is not: stand by, and never write over it as its leader."""
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        a.watches = False
        world.run_to(4.9)
        a.lose_reply()
        a.requests_fail = True
        world.run_to(5.1)
        world.edit(holder="somebody")
        a.requests_fail = False
        world.run_to(12)

        assert a.election.term is None
        assert world.record
        assert world.record.holder == "somebody"
        assert world.started() == []


class TestTheLog:
    def test_a_standby_tells_of_each_outage(self) -> None:
        """It hears of the store's return from the watch, without a request of its own."""
        world, a, b = led_by_a(table(every("a", 5)))
        for _ in range(2):
            world.run_for(1)
            b.away = True
            world.run_for(FAIL_OVER + 1)
            b.away = False
            world.run_for(30)

        assert a.election.term
        told = [line.event for line in world.lines if line.replica == "B" and line.event.startswith("store.")]
        assert told == ["store.unavailable", "store.recovered"] * 2


class TestOthersLeases:
    def test_a_foreign_lease_is_left_alone_even_expired(self) -> None:
        """One with a holder and without a ledger is another program's."""
        world = World()
        foreign = put_lease(world, "external-dns", None)
        a = world.replica("A", table(every("a", 5)))
        world.run_to(300)

        assert world.record is foreign
        assert a.election.term is None
        assert [line.facts["holder"] for line in world.events("lead.refused")] == ["external-dns"]

    def test_a_foreign_lease_is_adopted_when_asked_for(self) -> None:
        """Its own duration passes first, and the start is quiet, for nothing is known of what its holder ran."""
        world = World()
        put_lease(world, "celery-beat", None, duration_s=30)
        world.replica("A", table(every("a", 5)), adopt=True)
        world.run_to(60)

        (acquired,) = world.events("lead.acquired")
        assert acquired.at - START == pytest.approx(30.2)
        assert world.starts[0].at - START >= 30.2 + L
        assert len(world.events("ledger.lost")) == 1

    def test_a_foreign_lease_without_a_duration_gets_ours(self) -> None:
        """Rule 7: a record that names no duration must not read as one that has expired."""
        world = World()
        put_lease(world, "celery-beat", None, duration_s=0)
        world.replica("A", table(every("a", 5)), adopt=True)
        world.run_to(14.9)

        assert world.events("lead.acquired") == []

    def test_a_lease_that_nobody_ever_used_is_taken(self) -> None:
        world = World()
        put_lease(world, "", None)
        world.edit(renewed="")
        world.replica("A", table(every("a", 5)))
        world.run_to(1)

        assert [line.facts["cause"] for line in world.events("lead.acquired")] == ["released"]

    @pytest.mark.parametrize("holder", [pytest.param("newer", id="held"), pytest.param("", id="released")])
    def test_a_later_ledger_format_is_refused(self, holder: str) -> None:
        """Rule 29: never contended over nor overwritten; one line names the format."""
        world = World()
        foreign = put_lease(world, holder, '{"v":2,"w":"9.zz","everything":"else"}')
        a = world.replica("A", table(every("a", 5)))
        world.run_to(100)

        assert world.record is foreign
        assert a.election.term is None
        (refused,) = world.events("lead.refused")
        assert "format 2" in str(refused.facts["hint"])

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="empty"),
            pytest.param("{", id="cut off"),
            pytest.param('{"v":1}', id="without a write id"),
            pytest.param('{"v":1,"w":"1.x","settled":"yesterday"}', id="with a time that is none"),
            pytest.param('{"v":1e999,"w":"1.x"}', id="of infinite format"),
        ],
    )
    def test_an_unreadable_ledger_means_a_quiet_start(self, text: str) -> None:
        """Rule 29: its holder gets its duration, and then nothing starts for L."""
        world, a, _ = led_by_a(table(every("a", 5)))
        world.run_to(6)
        a.kill()
        world.edit(ledger=text)
        world.run_to(60)

        (lost,) = world.events("ledger.lost")
        acquired = world.events("lead.acquired")[-1]
        assert acquired.replica == "B"
        assert acquired.at - START == pytest.approx(6 + L + 0.2)
        assert min(start.at for start in world.starts if start.replica == "B") >= acquired.at + L
        assert lost.facts["from"] == EPOCH + timedelta(seconds=5)

    def test_a_quiet_start_whose_reply_was_lost_says_what_is_lost(self) -> None:
        """Rule 29: from the last tick known to be settled, although the Lease already shows the new ledger."""
        world, a, b = led_by_a(table(every("a", 5)))
        world.run_to(6)
        a.kill()
        world.edit(ledger="{")
        b.lose_reply()
        world.run_to(30)

        (lost,) = world.events("ledger.lost")
        assert lost.facts["from"] == EPOCH + timedelta(seconds=5)
        assert lost.facts["to"] == EPOCH + timedelta(seconds=6 + 2 * L)

    def test_the_ledger_is_gone_under_its_leader(self) -> None:
        """Rule 3e, as this version has it: it stands by, waits as everybody does, and starts quietly."""
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        world.run_to(6)
        world.edit(ledger=None)
        world.run_to(60)

        assert [line.facts["reason"] for line in world.events("lead.lost")] == ["ledger_gone"]
        assert a.election.term
        assert len(world.events("ledger.lost")) == 1
        assert [second for second in seconds(world, "A") if 5 < second < 5 + 2 * L] == []

    def test_labels_are_edited_all_the_time(self) -> None:
        """Rules 3b, 4: no tick is late by more than the round trips, and no leader changes."""
        world, a, _ = led_by_a(table(every("a", 5, **ALL)))
        a.latency_s = 0.01
        for tenth in range(10, 400):
            world.run_to(tenth / 10)
            world.edit_label()

        assert len(world.events("lead.acquired")) == 1
        assert world.started() == [(run("a", at), 1) for at in range(5, 40, 5)]
        assert max(start.at for start in world.starts) < START + 35.2


def test_the_ledger_outlives_its_leader() -> None:
    world, a, _ = led_by_a(table(every("a", 5)))
    world.run_to(6)
    before = ledger(world)
    a.kill()
    world.run_to(FAIL_OVER)

    assert ledger(world).settled == before.settled


class TestRestores:
    def test_an_older_copy_of_the_lease_under_its_leader(self) -> None:
        """Rules 3d, 30: it writes its own ledger back as soon as it sees it, and nothing happens twice or is lost."""
        world, a, _ = led_by_a(table(every("a", 5, **ALL)))
        world.run_to(6)
        older = ledger(world)
        world.run_to(21)
        world.edit(ledger=encode(older))
        world.run_to(42)

        assert a.election.term
        assert world.started() == [(run("a", at), 1) for at in range(5, 45, 5)]
        assert world.events("lead.lost") == world.events("ledger.lost") == []

    @pytest.mark.parametrize("holder", [pytest.param("A", id="held"), pytest.param("", id="released")])
    def test_an_older_copy_of_the_lease_whose_leader_is_gone(self, holder: str) -> None:
        """Rule 30: who has seen more waits L from the sight of it, and goes on from what it has seen."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        world.run_to(6)
        older = ledger(world)
        world.run_to(21)
        a.kill()
        world.edit(ledger=encode(older), holder=holder)
        world.run_to(21 + L)
        assert b.election.term is None
        world.run_to(62)

        assert b.election.term
        assert world.started() == [(run("a", at), 1) for at in range(5, 65, 5)]
        assert world.events("ledger.lost") == []

    def test_an_older_copy_of_the_lease_under_a_leader_that_is_cut_off(self) -> None:
        """Rule 30: out of its trust it knows no more than others, so it waits as they do; no tick runs twice."""
        world, a, b = led_by_a(table(every("a", 5, **ALL)))
        b.kill()
        world.run_to(6)
        older = ledger(world)
        world.run_to(21)
        a.away = True
        world.edit(ledger=encode(older))
        world.run_to(21 + D)
        a.away = False
        world.run_to(80)

        assert [line.facts["reason"] for line in world.events("lead.lost")] == ["ledger_gone"]
        assert a.election.term
        assert world.started() == [(run("a", at), 1) for at in range(5, 85, 5)]


class TestOutages:
    def test_an_outage_of_writes_is_told_once_though_reading_works(self) -> None:
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        world.run_to(6)
        a.writes_fail = True
        world.run_to(40)
        assert len(world.events("store.unavailable")) == 1
        assert world.events("store.recovered") == []
        a.writes_fail = False
        world.run_to(46)

        assert len(world.events("store.recovered")) == 1

    def test_a_stop_amid_an_outage_drains_nothing_that_cannot_start(self) -> None:
        """A claim that was sent and cannot be known to have landed is the successor's once the gate is shut."""
        world, a, b = led_by_a(table(every("a", 5)))
        b.kill()
        world.run_to(4)
        a.away = True
        world.run_to(16)
        a.terminate()
        world.run_to(17)

        assert a.dispatch.leaving.wait_until_idle(0)

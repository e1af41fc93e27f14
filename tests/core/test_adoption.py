"""Runs that outlive their leader, such as Kubernetes Jobs: begun once, let go of, and taken up by whoever leads next.

Over the pretended world with a pretended cluster beside it: A leads from the beginning on, B stands by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.job import Job, JobTable, Overlap
from tests.fakes.outliving import PretendCluster
from tests.fakes.stories import FAIL_OVER, ledger, one_gate_at_most
from tests.fakes.tables import ALL, AT_MOST_ONCE, every, table
from tests.fakes.world import START, D, L, Replica, World, run

IMAGE = KubernetesJobAction("acme/indexer:4")
HOUR_S = 3600
REPORT = run("report", 5)


@dataclass
class Scene:
    """A leads, B has seen it, and both have the use of one cluster."""

    world: World
    cluster: PretendCluster
    a: Replica
    b: Replica

    def retrying(self) -> list[tuple[str, str]]:
        return [(line.replica, str(line.facts["reason"])) for line in self.world.events("run.retrying")]


def scene(*jobs: Job, **options: object) -> Scene:
    world = one_gate_at_most(World())
    cluster = PretendCluster(world)
    both = table(*jobs)
    a = world.replica("A", both, creates_at_once=True, runner=cluster.runner, **options)
    world.run_for(0)
    b = world.replica("B", both, runner=cluster.runner, **options)
    world.run_for(0.5)
    return Scene(world, cluster, a, b)


def report(**policy: object) -> Job:
    """Due at 5 s, and an hour later."""
    return every("report", HOUR_S, offset=5, action=IMAGE, **policy)


class TestItsLeaderIsLost:
    @pytest.mark.parametrize("delivery", [{}, AT_MOST_ONCE], ids=["at_least_once", "at_most_once"])
    def test_killed_while_it_runs(self, delivery: dict[str, object]) -> None:
        """Its Job goes on, is found by its name, and its end is recorded once."""
        it = scene(report(**delivery))
        it.cluster.duration_s["report"] = 60
        it.world.run_to(8)
        it.a.kill()
        it.world.run_to(80)

        assert it.cluster.created == [(REPORT, 1)]
        assert it.retrying() == [("B", "leader_lost")]
        assert it.world.fates("report") == [("succeeded", REPORT)]
        assert it.cluster.deleted == []

    def test_killed_after_it_ended_and_before_that_was_recorded(self) -> None:
        """Its end is still to be seen in the cluster, so even then nothing is done twice."""
        it = scene(report())
        it.cluster.duration_s["report"] = 3
        it.world.run_to(7.9)
        it.a.kill()
        it.world.run_to(40)

        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_killed_after_its_request_was_sent_and_before_it_arrived(self) -> None:
        it = scene(report())
        it.cluster.accepts_in_s = 0.5
        it.cluster.duration_s["report"] = 60
        it.world.run_to(5.2)
        it.a.kill()
        it.world.run_to(80)

        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_killed_before_it_was_created(self) -> None:
        """At least once: then the successor creates it."""
        it = scene(report())
        it.cluster.accepts_in_s = 600
        it.world.run_to(5.2)
        it.a.kill()
        it.cluster.accepts_in_s = 0
        it.world.run_to(40)

        assert it.cluster.created == [(REPORT, 2)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_at_most_once_and_killed_before_it_was_created(self) -> None:
        """Nothing is there to be taken up, so nothing is started, and it was interrupted."""
        it = scene(report(**AT_MOST_ONCE))
        it.cluster.accepts_in_s = 600
        it.world.run_to(5.2)
        it.a.kill()
        it.cluster.accepts_in_s = 0
        it.world.run_to(40)
        (line,) = it.world.events("run.interrupted")

        assert it.cluster.created == []
        assert (line.facts["run"], line.facts["reason"], line.facts["attempt"]) == (REPORT, "leader_lost", 2)
        assert it.world.fates("report") == [("interrupted", REPORT)]
        assert ledger(it.world).open == ()
        assert line.at - it.world.events("lead.acquired")[-1].at < 0.2

    def test_cut_off_it_lets_go_and_deletes_nothing(self) -> None:
        """Rule 12 ends exclusive runs; one that is adoptable is handed on."""
        it = scene(report())
        it.cluster.duration_s["report"] = 60
        it.world.run_to(8)
        it.a.away = True
        it.world.run_to(50)
        it.a.away = False
        it.world.run_to(80)

        assert it.cluster.created == [(REPORT, 1)]
        assert it.cluster.deleted == []
        assert [line.replica for line in it.world.events("lead.lost")] == ["A"]
        assert it.world.fates("report") == [("succeeded", REPORT)]
        assert [line.replica for line in it.world.events("run.succeeded")] == ["B"]
        assert it.a.dispatch.running == 0

    def test_while_the_lead_is_merely_suspended_it_is_followed(self) -> None:
        it = scene(report())
        it.b.kill()
        it.cluster.duration_s["report"] = D + 5
        it.world.run_to(8)
        it.a.away = True
        it.world.run_to(8 + D + 10)
        it.a.away = False
        it.world.run_to(60)

        assert len(it.world.events("lead.suspended")) == 1
        assert it.retrying() == []
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_an_end_that_was_seen_and_not_recorded_is_left_to_the_successor(self) -> None:
        """It finds the Job as it ended; to tell it as `recorded=no` as well would be to tell it twice."""
        it = scene(report())
        it.cluster.duration_s["report"] = 6
        it.world.run_to(8)
        it.a.away = True
        it.world.run_to(50)
        it.a.away = False
        it.world.run_to(60)

        assert [line.replica for line in it.world.events("lead.lost")] == ["A"]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_whoever_lost_it_and_leads_again_takes_it_up_itself(self) -> None:
        it = scene(report())
        it.cluster.duration_s["report"] = 120
        it.world.run_to(8)
        it.b.kill()
        it.world.edit(holder="human")
        it.world.run_to(140)

        assert [line.replica for line in it.world.events("lead.lost")] == ["A"]
        assert it.retrying() == [("A", "leader_lost")]
        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_a_retry_that_was_to_come_is_begun_under_its_own_name(self) -> None:
        it = scene(report(retries=1, retry_delay=timedelta(seconds=10)))
        it.cluster.fails.add("report")
        it.world.run_to(8)
        it.a.kill()
        it.world.run_to(60)

        assert it.cluster.created == [(REPORT, 1), (REPORT, 2)]
        assert sorted(it.cluster.jobs) == [(REPORT, 0), (REPORT, 1)]
        assert it.world.fates("report") == [("failed", REPORT)]


class TestNothingDropsWhatGoesOn:
    def test_however_often_its_leader_is_lost(self) -> None:
        """`max_interruptions` speaks of runs that are started anew."""
        it = scene(report(max_interruptions=1))
        it.cluster.duration_s["report"] = 200
        leaders = [it.a, it.b]
        it.world.run_to(8)
        for number in range(3):
            leaders[number].kill()
            leaders.append(it.world.replica(f"C{number}", it.a.table, runner=it.cluster.runner))
            it.world.run_for(FAIL_OVER + 5)
        it.world.run_to(240)

        assert it.retrying() == [("B", "leader_lost"), ("C0", "leader_lost"), ("C1", "leader_lost")]
        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_however_long_nobody_led(self) -> None:
        """`catch_up_window` speaks of starts that come too late."""
        it = scene(report(catch_up_window=timedelta(seconds=30)))
        it.cluster.duration_s["report"] = 300
        it.world.run_to(8)
        it.a.kill()
        it.b.kill()
        it.world.run_to(200)
        it.world.replica("C", it.a.table, runner=it.cluster.runner)
        it.world.run_to(320)

        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    @pytest.mark.parametrize(
        ("policy", "reason"),
        [
            ({"catch_up_window": timedelta(seconds=30)}, "too_old"),
            ({"max_interruptions": 0}, "max_interruptions"),
        ],
    )
    def test_but_what_was_never_begun_is_dropped_for_its_reason(self, policy: dict[str, object], reason: str) -> None:
        it = scene(report(**policy))
        it.cluster.accepts_in_s = 6000
        it.world.run_to(5.2)
        it.a.kill()
        it.b.kill()
        it.world.run_to(60)
        it.world.replica("C", it.a.table, runner=it.cluster.runner)
        it.world.run_to(100)

        assert it.cluster.created == []
        assert it.world.fates("report") == [("dropped", REPORT)]
        assert [line.facts["reason"] for line in it.world.events("run.dropped")] == [reason]

    def test_and_a_retry_that_comes_too_late_is_not_even_looked_for(self) -> None:
        """The attempt before it has ended, so nothing of it can go on."""
        it = scene(report(retries=1, catch_up_window=timedelta(seconds=30)))
        it.cluster.fails.add("report")
        it.world.run_to(8)
        it.a.kill()
        it.b.kill()
        it.world.run_to(60)
        it.world.replica("C", it.a.table, runner=it.cluster.runner)
        it.world.run_to(100)
        (line,) = it.world.events("run.dropped")

        assert (line.facts["reason"], line.facts["attempt"]) == ("too_old", 1)
        assert it.cluster.created == [(REPORT, 1)]

    def test_it_blocks_its_job_for_as_long_as_it_goes_on(self) -> None:
        it = scene(every("often", 20, offset=5, action=IMAGE))
        it.cluster.duration_s["often"] = 50
        it.world.run_to(8)
        it.a.kill()
        it.world.run_to(54)

        assert it.cluster.created == [(run("often", 5), 1)]
        assert ("skipped", run("often", 45)) in it.world.fates("often")


class TestItsLeaderStops:
    @pytest.mark.parametrize("at_once", [True, False], ids=["release at_once", "release drained"])
    def test_it_delays_nothing_and_is_taken_up_at_once(self, at_once: bool) -> None:
        it = scene(report(), every("a", 5, **ALL))
        it.cluster.duration_s["report"] = 60
        it.world.run_to(8)
        it.a.terminate(at_once=at_once)
        it.world.run_to(9)

        (released,) = it.world.events("lead.released")
        assert it.a.is_dead
        assert released.at - START < 8.2
        assert "draining" not in released.facts
        assert it.retrying() == [("B", "leader_lost")]
        it.world.run_to(80)
        assert it.cluster.created == [(REPORT, 1)]
        assert it.cluster.deleted == []
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_others_drain_as_ever(self) -> None:
        it = scene(report(), every("long", 300, offset=5))
        it.cluster.duration_s["report"] = 60
        it.a.runner.duration_s["long"] = 10
        it.world.run_to(8)
        it.a.terminate(at_once=True)
        it.world.run_to(9)

        (released,) = it.world.events("lead.released")
        assert released.facts["draining"] == 1
        assert [(entry.job, entry.left > 0) for entry in ledger(it.world).open] == [("long", True), ("report", False)]
        it.world.run_to(80)
        assert it.world.fates("long") == [("succeeded", run("long", 5))]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    @pytest.mark.parametrize("at_once", [True, False], ids=["release at_once", "release drained"])
    @pytest.mark.parametrize("policy", [AT_MOST_ONCE, {"max_interruptions": 1}], ids=["at_most_once", "limited"])
    def test_what_was_asked_for_is_created_before_the_lead_is_given_up(
        self, at_once: bool, policy: dict[str, object]
    ) -> None:
        """Else the successor might find nothing, give it up, and the request arrive after that."""
        it = scene(report(**policy))
        it.cluster.accepts_in_s = 2
        it.cluster.duration_s["report"] = 60
        it.world.run_to(5.5)
        it.a.terminate(at_once=at_once)
        it.world.run_to(80)

        (released,) = it.world.events("lead.released")
        assert released.at - START == pytest.approx(7, abs=0.2)
        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_what_cannot_be_created_holds_it_up_no_longer_than_a_run_that_drains(self) -> None:
        it = scene(report())
        it.cluster.accepts_in_s = 600
        it.world.run_to(5.5)
        it.a.terminate(drain_s=10)
        it.cluster.accepts_in_s = 0
        it.world.run_to(40)

        (released,) = it.world.events("lead.released")
        assert released.at - START == pytest.approx(15.5, abs=0.2)
        assert it.cluster.created == [(REPORT, 2)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_what_drains_for_too_long_is_killed_beside_it(self) -> None:
        it = scene(report(), every("long", 300, offset=5))
        it.cluster.duration_s["report"] = 60
        it.a.runner.duration_s["long"] = 200
        it.world.run_to(8)
        it.a.terminate(drain_s=5)
        it.world.run_to(80)

        assert it.cluster.deleted == []
        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]

    def test_its_end_in_that_very_moment_is_told_once(self) -> None:
        """It ends between the farewell's draft and its acceptance: whoever comes to know it first records it."""
        it = scene(report())
        it.cluster.duration_s["report"] = 3.05
        it.a.latency_s = 0.2
        it.world.run_to(8)
        it.a.terminate(at_once=True)
        it.world.run_to(40)

        assert it.cluster.created == [(REPORT, 1)]
        assert it.world.fates("report") == [("succeeded", REPORT)]


class TestItIsReplaced:
    def test_the_older_is_deleted_and_seen_gone_before_the_newer_begins(self) -> None:
        it = scene(every("often", 10, offset=5, action=IMAGE, overlap=Overlap.REPLACE))
        it.cluster.duration_s["often"] = 60
        it.world.run_to(18)

        assert it.cluster.created == [(run("often", 5), 1), (run("often", 15), 1)]
        assert it.cluster.deleted == [run("often", 5)]
        assert it.world.fates("often") == [("interrupted", run("often", 5))]

    def test_a_successor_replaces_what_it_has_taken_up(self) -> None:
        it = scene(every("often", 30, offset=5, action=IMAGE, overlap=Overlap.REPLACE))
        it.cluster.duration_s["often"] = 600
        it.world.run_to(8)
        it.a.kill()
        it.world.run_to(40)

        assert it.cluster.created == [(run("often", 5), 1), (run("often", 35), 1)]
        assert it.cluster.deleted == [run("often", 5)]

    def test_the_order_says_that_nothing_of_the_job_may_be_beside_it(self) -> None:
        """Whatever a lost leader had not got round to deleting is then for the runner to find."""
        it = scene(every("often", 10, offset=5, action=IMAGE, overlap=Overlap.REPLACE), report())
        it.cluster.duration_s |= {"often": 60, "report": 60}
        it.world.run_to(6)
        orders = {order.job: order for order in it.a.runner.followed.values()}  # type: ignore[attr-defined]

        assert (orders["often"].replaces, orders["report"].replaces) == (True, False)


def test_a_full_house_is_taken_up_before_anything_new_begins() -> None:
    """The slots of the successor go first to what is under way."""
    jobs = [every(f"j{number}", HOUR_S, offset=5, action=IMAGE) for number in range(4)]
    it = scene(*jobs, every("a", 20, offset=19, **ALL), max_parallel=4)
    it.cluster.duration_s = {job.name: 60.0 for job in jobs}
    it.world.run_to(8)
    it.a.kill()
    it.world.run_to(8 + L + 5)

    assert {order.run for order in it.b.runner.followed.values()} == {run(job.name, 5) for job in jobs}  # type: ignore[attr-defined]
    assert it.world.started("a") == []
    it.world.run_to(90)
    assert len(it.cluster.created) == 4


def test_a_table_without_the_job_leaves_it_open() -> None:
    """An older replica does not know that it is adoptable; it keeps the entry for those who do."""
    it = scene(report(), every("a", 5))
    it.cluster.duration_s["report"] = 60
    it.b.kill()
    it.world.replica("old", JobTable({}, it.a.table.loaded_at), runner=it.cluster.runner)
    it.world.run_to(8)
    it.a.kill()
    it.world.run_to(40)

    assert [entry.run for entry in ledger(it.world).open] == [REPORT]

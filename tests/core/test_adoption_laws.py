"""What holds of runs that outlive their leaders whatever befalls these: stories of some minutes, told from a seed.

Three replicas and a cluster. Leaders are killed, told to stop, frozen, cut off and started anew; then it calms down.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.job import Job, Overlap
from tests.fakes.outliving import PretendCluster
from tests.fakes.stories import one_gate_at_most
from tests.fakes.tables import ALL, AT_MOST_ONCE, every, table
from tests.fakes.world import START, Replica, World

IMAGE = KubernetesJobAction("acme/indexer:4")
STORMY_S, CALM_S = 240.0, 150.0
JOBS = [
    every("skips", 20, action=IMAGE),
    every("queues", 15, offset=3, action=IMAGE, overlap=Overlap.QUEUE),
    every("replaces", 25, offset=7, action=IMAGE, overlap=Overlap.REPLACE),
    every("money", 20, offset=11, action=IMAGE, **AT_MOST_ONCE, **ALL),
    every("retried", 30, offset=13, action=IMAGE, retries=2),
    every("all", 30, offset=17, action=IMAGE, max_interruptions=1, **ALL),
    every("local", 10, offset=1),
]
LASTS_S = {"skips": 50.0, "queues": 20.0, "replaces": 40.0, "money": 9.0, "retried": 4.0, "all": 28.0}


class Story:
    """One, from its seed to its end."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # a story must be repeatable, not secret
        self.world = one_gate_at_most(World())
        self.cluster = PretendCluster(self.world, dict(LASTS_S), {"retried"}, accepts_in_s=0.3)
        self.overlaps: list[str] = []
        self.table = table(*JOBS)
        self.world.observers.append(self._look)
        self.started = 0
        for _ in range(3):
            self.start()

    def start(self) -> Replica:
        self.started += 1
        return self.world.replica(f"r{self.started}", self.table, runner=self.cluster.runner, creates_at_once=True)

    def _look(self) -> None:
        jobs = Counter(run.partition("@")[0] for run in self.cluster.alive)
        self.overlaps += [f"{job} at {self.world.now - START:.2f}" for job, count in jobs.items() if count > 1]

    def tell(self) -> Story:
        while self.world.now < START + STORMY_S:
            self.world.run_for(self.chance.uniform(1, 18))
            living = [replica for replica in self.world.replicas if not replica.is_dead]
            leading = [replica for replica in living if replica.election.term] or living
            self.chance.choice(self.blows)(self.chance.choice(leading))
            while sum(not replica.is_dead for replica in self.world.replicas) < 3:
                self.start()
        for replica in self.world.replicas:
            replica.away = False
            if not replica.is_dead:
                replica.thaw()
        self.world.run_for(CALM_S)
        return self

    @property
    def blows(self) -> list[Callable[[Replica], None]]:
        return [
            Replica.kill,
            lambda one: one.terminate(20.0, at_once=True),
            lambda one: one.terminate(20.0),
            self._freeze,
            self._cut_off,
        ]

    def _freeze(self, replica: Replica) -> None:
        replica.freeze()
        self.world.in_s(self.chance.choice((3.0, 12.0, 30.0)), replica.thaw)

    def _cut_off(self, replica: Replica) -> None:
        replica.away = True
        self.world.in_s(self.chance.choice((5.0, 14.0, 30.0)), lambda: setattr(replica, "away", False))

    def finals(self, job: Job) -> Counter[str]:
        return Counter(run for _, run in self.world.fates(job.name))


@pytest.mark.parametrize("seed", range(5))
def test_whatever_befalls_leaders(seed: int) -> None:
    """No Job is beside another of its job, none is made twice or deleted for nothing, and each run has one fate."""
    story = Story(seed).tell()
    created = Counter(run for run, _ in story.cluster.created)

    assert story.overlaps == []
    assert {run.partition("@")[0] for run in story.cluster.deleted} <= {"replaces"}
    assert [run for run, count in created.items() if count > (3 if run.startswith("retried@") else 1)] == []
    for job in JOBS[:-1]:
        finals, of_job = story.finals(job), [run for run in created if run.startswith(f"{job.name}@")]
        assert [run for run, count in finals.items() if count > 1] == []
        assert [run for run in of_job[:-1] if run not in finals] == []  # the last one may be under way
    for line in story.world.events("run.interrupted", reason="leader_lost"):
        assert line.facts["run"] not in created, "told as interrupted, and it was made"
    assert story.world.events("run.retrying", reason="leader_lost")

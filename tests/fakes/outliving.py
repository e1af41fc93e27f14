"""A pretended cluster beside the pretended world: what runs there is named by its run, and outlives whoever began it.

cluster = PretendCluster(world)
world.replica("A", jobs, runner=cluster.runner)
cluster.created == [(run("report", 60), 1)]     # the run, and the attempt that made it
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from scheduler.core.ports import RunEnded, RunOrder, RunStarted
from tests.fakes.pretend import PretendRunner
from tests.fakes.world import Replica, World


@dataclass
class _ClusterJob:
    """One that was made, until it is deleted; `over_at` is when it ends by itself."""

    job: str
    over_at: float


@dataclass
class PretendCluster:
    """The Jobs there are, by run and failures; `created` and `deleted` are what was ever done to them.

    Making one takes `accepts_in_s`, in which its maker may be lost.
    """

    world: World
    duration_s: dict[str, float] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    accepts_in_s: float = 0.0
    created: list[tuple[str, int]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    jobs: dict[tuple[str, int], _ClusterJob] = field(default_factory=dict)

    def runner(self, replica: Replica) -> OutlivingRunner:
        """The runner of a replica that has the use of this cluster."""
        return OutlivingRunner(replica, self)

    @property
    def alive(self) -> list[str]:
        """The runs whose Jobs are there and go on."""
        return [run for (run, _), one in self.jobs.items() if one.over_at > self.world.now]

    def create(self, order: RunOrder) -> None:
        """Make it, unless it is there; what arrives late does as much."""
        if (order.run, order.failures) in self.jobs:
            return
        beside = [run for run in self.alive if run.startswith(f"{order.job}@")]
        assert not (order.replaces and beside), "it was to replace, not to join"
        lasts_s = self.duration_s.get(order.job, 0.02)
        self.jobs[order.run, order.failures] = _ClusterJob(order.job, self.world.now + lasts_s)
        self.created.append((order.run, order.attempt))

    def make_room(self, order: RunOrder) -> None:
        """Take away what a lost leader left of the job that this run is to replace."""
        for run, failures in [key for key, one in self.jobs.items() if one.job == order.job and key[0] != order.run]:
            if self.jobs[run, failures].over_at > self.world.now:
                del self.jobs[run, failures]
                self.deleted.append(run)

    def delete(self, order: RunOrder) -> None:
        """Take it away, with all that is left of it."""
        if self.jobs.pop((order.run, order.failures), None):
            self.deleted.append(order.run)


class OutlivingRunner(PretendRunner):
    """As the usual one for all that is not adoptable; the rest is created in the cluster, found there, and followed."""

    def __init__(self, replica: Replica, cluster: PretendCluster) -> None:
        super().__init__(replica)
        self._cluster = cluster
        self.followed: dict[str, RunOrder] = {}
        self._unanswered: set[str] = set()
        self._doomed: set[str] = set()

    def start(self, order: RunOrder) -> None:
        if not order.action.adoptable:
            super().start(order)
            return
        self.followed[order.key] = order
        if self._replica.world.now >= self._gate_until:
            self._over(order, "gate_shut")
            return
        if order.replaces:
            self._cluster.make_room(order)
        if (order.run, order.failures) in self._cluster.jobs:
            self._follow(order)
        elif order.adopts:
            self._over(order, "absent")
        else:
            self._unanswered.add(order.key)
            self._later(self._cluster.accepts_in_s, partial(self._create, order))

    def _create(self, order: RunOrder) -> None:
        """The request arrives, whatever has become of its sender."""
        self._cluster.create(order)
        self._unanswered.discard(order.key)
        if self.followed.get(order.key) is order and not self._replica.is_dead:
            self._follow(order)
            if order.key in self._doomed:
                self.kill(order.key)

    def _follow(self, order: RunOrder) -> None:
        self._report(RunStarted(order.key, self._replica.wall()))
        one = self._cluster.jobs[order.run, order.failures]
        self._later(max(0.0, one.over_at - self._replica.world.now), partial(self._see_end, order))

    def _see_end(self, order: RunOrder) -> None:
        if (order.run, order.failures) in self._cluster.jobs:
            self._over(order, "failed" if order.job in self._cluster.fails else "succeeded")

    def _over(self, order: RunOrder, outcome: str) -> None:
        if self.followed.get(order.key) is order:
            del self.followed[order.key]
            self._report(RunEnded(order.key, outcome, 0, "job_failed" if outcome == "failed" else None))

    def _later(self, seconds: float, event: partial[None]) -> None:
        if seconds:
            self._replica.world.in_s(seconds, event)
        else:
            event()

    def kill(self, key: str) -> None:
        if key in self._unanswered:
            self._doomed.add(key)  # it is deleted once the request is answered
        elif order := self.followed.get(key):
            self._cluster.delete(order)
            self._over(order, "killed")
        else:
            super().kill(key)

    def let_go(self, key: str) -> None:
        self.followed.pop(key, None)

    def die(self) -> None:
        super().die()
        self.followed.clear()

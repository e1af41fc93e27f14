"""A pretended cluster beside the pretended world: what runs there is named by its run, and outlives whoever began it.

cluster = PretendCluster(world)
world.replica("A", jobs, runner=cluster.runner)
cluster.created == [(run("report", 60), 1)]     # the run, and the attempt that made it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from scheduler.core.ports import RunOrder
from scheduler.simulation.cluster import VirtualCluster, VirtualJob
from scheduler.simulation.followers import LOOKS_AGAIN_IN_S, Following, JobFollower
from tests.fakes.pretend import RUN_S, PretendRunner
from tests.fakes.world import Delivery, Replica, World

Answer = TypeVar("Answer")


class PretendCluster(VirtualCluster):
    """`created` and `deleted` are what was ever done to its Jobs, by run.

    Making one takes `accepts_in_s`, in which its maker may be lost.
    """

    world: World

    def __init__(
        self,
        world: World,
        duration_s: dict[str, float] | None = None,
        fails: set[str] | None = None,
        accepts_in_s: float = 0.0,
    ) -> None:
        super().__init__(world)
        world.cluster = self
        self.duration_s = duration_s or {}
        self.fails = fails or set()
        self.accepts_in_s = accepts_in_s
        self.created: list[tuple[str, int]] = []
        self.deleted: list[str] = []

    def runner(self, replica: Replica) -> OutlivingRunner:
        """The runner of a replica that has the use of this cluster."""
        return OutlivingRunner(replica, self)

    @property
    def alive(self) -> list[str]:
        """The runs whose Jobs are there and go on."""
        return [job.order.run for job in self.jobs.values() if job.outcome is None]

    def begins(self, job: VirtualJob) -> None:
        assert not (job.order.replaces and self.others(job.order)), "it was to replace, not to join"
        self.created.append((job.order.run, job.order.attempt))

    def is_over(self, job: VirtualJob) -> None:
        if job.outcome == "deleted":
            self.deleted.append(job.order.run)


class FarFollower(JobFollower):
    """Its requests travel, and may be lost. One that is on its way arrives, whatever has become of its sender."""

    def delivery(self, run: Following) -> Delivery:
        """What the network does with the next request."""
        cluster, is_made = self._body.world.cluster, not run.sent or run.job or run.ends
        assert isinstance(cluster, PretendCluster)
        return Delivery() if is_made else Delivery(cluster.accepts_in_s, cluster.accepts_in_s)

    def _ask(
        self,
        run: Following,
        request: Callable[[], Answer],
        answered: Callable[[Answer], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        if not self._is_followed(run):
            return
        delivery, answers = self.delivery(run), list[Answer]()
        again = lambda: self._soon(run, LOOKS_AGAIN_IN_S, lambda: self._ask(run, request, answered, failed))  # noqa: E731

        def hear() -> None:
            run.asks = False
            if not self._is_followed(run):
                return
            if run.cut and not run.ends:
                self._end(run)
            elif delivery.answered_in_s is None:
                (failed or again)()
            else:
                answered(answers[0])

        run.asks = True
        if delivery.arrives_in_s is not None:
            self._later(delivery.arrives_in_s, lambda: answers.append(request()))
        heard_in_s = delivery.given_up_in_s if delivery.answered_in_s is None else delivery.answered_in_s
        self._later(heard_in_s, lambda: self._body.does(hear))

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        if seconds:
            self._body.world.in_s(seconds, event)
        else:
            event()


class OutlivingRunner(PretendRunner):
    """As the usual one, with Jobs that last and fail as their cluster says."""

    follower = FarFollower

    def __init__(self, replica: Replica, cluster: PretendCluster) -> None:
        super().__init__(replica)
        self._cluster = cluster

    @property
    def followed(self) -> dict[str, RunOrder]:
        """What it has in hand, by the keys of the attempts."""
        return {key: run.order for key, run in self._jobs._runs.items()}

    def _draw_job(self, order: RunOrder) -> tuple[float, str]:
        lasts_s = self._cluster.duration_s.get(order.job, RUN_S)
        return lasts_s, "failed" if order.job in self._cluster.fails else "succeeded"

"""The Kubernetes Jobs of a virtual world. They live in it, like the Lease, and not in the replica that made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from scheduler.core.ports import RunOrder

Name = tuple[str, int]  # as a Job's real name does, it follows from the run and its recorded failures


class Timeline(Protocol):
    """The world's time: boot second `now`, and what is to happen at a later one."""

    now: float

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Have this happen at a boot second."""


@dataclass(eq=False, slots=True)
class VirtualJob:
    """One Job, which `maker` made for `order`.

    `outcome` says how it ended: `succeeded` or `failed` by itself, `deleted` once nothing of it is left; None while it
    goes on. `watchers` are called when that changes.
    """

    order: RunOrder
    maker: str
    created_at: float
    outcome: str | None = None
    is_being_deleted: bool = False
    watchers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def name(self) -> Name:
        """What it is found by."""
        return named(self.order)


class VirtualCluster:
    """All Jobs that there are, by their names. Deleting one takes `deleting_s`: its pods go before it."""

    deleting_s = 0.0

    def __init__(self, world: Timeline) -> None:
        self.world = world
        self.jobs: dict[Name, VirtualJob] = {}

    def begins(self, job: VirtualJob) -> None:
        """Take note of a Job that was made."""

    def is_over(self, job: VirtualJob) -> None:
        """Take note of a Job of which nothing goes on."""

    def find(self, order: RunOrder) -> VirtualJob | None:
        """The Job of this run, if it is there."""
        return self.jobs.get(named(order))

    def others(self, order: RunOrder) -> list[VirtualJob]:
        """The Jobs of the same job that go on, but for the one of this run."""
        found = [job for job in self.jobs.values() if job.order.job == order.job and job.name != named(order)]
        return [job for job in found if job.outcome is None]

    def create(self, order: RunOrder, maker: str, lasts_s: float, outcome: str) -> VirtualJob | None:
        """Make the Job; None when one of its name is there already."""
        if named(order) in self.jobs:
            return None
        job = self.jobs[named(order)] = VirtualJob(order, maker, self.world.now)
        self.begins(job)
        if lasts_s:
            self.world.at(self.world.now + lasts_s, lambda: self._end(job, outcome))
        else:
            self._end(job, outcome)
        return job

    def delete(self, job: VirtualJob) -> bool:
        """Have it deleted, if it goes on; returns whether nothing of it does any more."""
        if job.outcome is None and not job.is_being_deleted:
            job.is_being_deleted = True
            if self.deleting_s:
                self.world.at(self.world.now + self.deleting_s, lambda: self._vanish(job))
            else:
                self._vanish(job)
        return job.outcome is not None

    def _vanish(self, job: VirtualJob) -> None:
        if self.jobs.get(job.name) is job:
            del self.jobs[job.name]
        self._end(job, "deleted")

    def _end(self, job: VirtualJob, outcome: str) -> None:
        if job.outcome is None:
            job.outcome = outcome
            self.is_over(job)
            watchers, job.watchers = job.watchers, []
            for watch in watchers:
                watch()


def named(order: RunOrder) -> Name:
    """The name of this run's Job."""
    return order.run, order.failures

"""The pretended world as a judge needs it: whatever happens in it becomes a history of plain data.

It keeps what the judge has to know and nothing else: a story has some ten thousand ticks.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from scheduler.core.ports import LeaseRecord, RunOrder
from scheduler.simulation.cluster import VirtualCluster, VirtualJob
from scheduler.simulation.followers import Following
from tests.fakes import world
from tests.fakes.outliving import FarFollower
from tests.fakes.pretend import PretendRunner
from tests.fakes.world import Delivery
from tests.weather.history import Attempt, Gate, Line
from tests.weather.jobs import Drawn

TRUE_TIME = world.EPOCH.timestamp() - world.START  # seconds since 1970 at the world's second 0
LOST = 0.1
NO_ANSWER_IN_S = 2.0
CHATTER = ("run.started", "run.output", "schedule.job")


class SkyFollower(FarFollower):
    """Its requests are as slow as the replica's others, and one in ten is lost on its way or on its way back."""

    sees_in_s = 0.2
    _body: world.Replica
    _sent = 0

    def delivery(self, run: Following) -> Delivery:
        self._sent += 1
        share = _share(run.order, f"request {self._sent}")
        if self._body.away or share < LOST / 2:
            return Delivery(None, None, NO_ANSWER_IN_S)
        takes_s = self._body.latency_s
        if share < LOST:
            return Delivery(takes_s / 2, None, NO_ANSWER_IN_S)
        return Delivery(takes_s / 2, takes_s)


class SkyCluster(VirtualCluster):
    """Its Jobs are attempts for the judge, each from its creation on until nothing of it is left."""

    deleting_s = 0.5

    def __init__(self, sky: Sky) -> None:
        super().__init__(sky)
        self._sky = sky

    def begins(self, job: VirtualJob) -> None:
        self._sky.begins(job.maker, job.order)

    def is_over(self, job: VirtualJob) -> None:
        self._sky.is_over(job.maker, job.order, job.outcome or "")


class SkyRunner(PretendRunner):
    """A run takes as long, and fails as often, as its job was drawn to: by a hash of the attempt, equal everywhere."""

    drawn: Mapping[str, Drawn]
    follower = SkyFollower

    def _duration_s(self, order: RunOrder) -> float:
        since, until = self.drawn[order.job].takes_s
        return since + (until - since) * _share(order, "takes") ** 2

    def _outcome(self, order: RunOrder) -> str:
        fails = self.drawn[order.job].fails
        return "failed" if fails and _share(order, "fails") < fails else super()._outcome(order)


def _share(order: RunOrder, what: str) -> float:
    digest = hashlib.blake2b(f"{order.key} {what}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32


@dataclass
class Sky(world.World):
    """A world that writes its history down. `on_store` is told of the Lease before and after each change."""

    attempts: list[Attempt] = field(default_factory=list)
    told: list[Line] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    on_store: Callable[[LeaseRecord | None, LeaseRecord], None] | None = None
    _alive: dict[tuple[str, str, int], int] = field(default_factory=dict)
    _open: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cluster = SkyCluster(self)
        self.observers.append(self._look_at_gates)

    @property
    def true_time(self) -> float:
        """Now, in seconds since 1970."""
        return TRUE_TIME + self.now

    def begins(self, replica: str, order: RunOrder) -> None:
        self._alive[replica, order.run, order.attempt] = len(self.attempts)
        self.attempts.append(Attempt(replica, order.run, order.attempt, self.true_time))

    def is_over(self, replica: str, order: RunOrder, outcome: str, since: float | None = None) -> None:
        place = self._alive.pop((replica, order.run, order.attempt), None)
        if place is not None:  # else it was ended before its first statement
            ended = self.true_time if since is None else TRUE_TIME + since
            self.attempts[place] = replace(self.attempts[place], ended=ended, outcome=outcome)

    def tells(self, line: world.Line) -> None:
        self.events[line.event] += 1
        if line.event not in CHATTER:
            self.told.append(Line(TRUE_TIME + line.at, line.replica, line.event, line.facts))

    def close_gates(self) -> list[Gate]:
        """The gates of the whole story."""
        still_open = [Gate(name, since, min(until, self.true_time)) for name, (since, until) in self._open.items()]
        return self.gates + still_open

    def _store(self, record: LeaseRecord) -> LeaseRecord:
        before = self.record
        after = super()._store(record)
        if self.on_store:
            self.on_store(before, after)
        return after

    def _look_at_gates(self) -> None:
        """Whose gate stands open at this instant; asked at every one at which anything happens."""
        now = self.now
        is_open = {}
        for replica in self.replicas:
            gate = replica.election.gate
            if not replica.is_dead and gate.opens_at <= now < gate.shuts_at:
                is_open[replica.name] = gate.shuts_at
        for name, (since, until) in list(self._open.items()):
            if name not in is_open or until < self.true_time:  # it lapsed meanwhile, and may have opened again
                self.gates.append(Gate(name, since, min(until, self.true_time)))
                del self._open[name]
        for name, shuts_at in is_open.items():
            since, _ = self._open.get(name, (self.true_time, 0.0))
            self._open[name] = (since, TRUE_TIME + shuts_at)

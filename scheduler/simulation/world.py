"""The virtual world: one clock for all, one Lease, the Jobs of one cluster, and replicas that act on them.

Time moves from event to event. At each instant every replica that is up acts until it wants to wait, and then the
world's observers look. Requests to the Lease take no time and succeed, unless a replica of another make decides so.

The two kinds of time are as apart here as they are on a machine (core/ports.py). Boot seconds are `now`. The wall clock
goes with them, but may `leap`: all goes on as if the time between had been lived through, for whoever makes it leap
knows that nothing but renewals would have happened in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

from scheduler.core.errors import Absent, Conflict
from scheduler.core.ports import LeaseRecord
from scheduler.simulation.cluster import VirtualCluster

START = 1000.0  # the boot second at which a world begins


@dataclass(frozen=True, slots=True)
class Line:
    """One log line: who told which event, with what facts, at which boot second."""

    replica: str
    event: str
    facts: dict[str, object]
    at: float


class Inhabitant(Protocol):
    """A replica, as the world sees it; it acts at boot second `acts_at` if it `is_up` then."""

    is_up: bool
    acts_at: float

    def act(self) -> None:
        """Do whatever there is to do now."""

    def sees(self, record: LeaseRecord | None) -> None:
        """The Lease changed, and this is it now."""


@dataclass
class World:
    """Virtual time from wall time `began` on, one Lease and one cluster. `writes` counts those of the Lease."""

    began: datetime
    now: float = START
    record: LeaseRecord | None = None
    replicas: list[Inhabitant] = field(default_factory=list)
    observers: list[Callable[[], None]] = field(default_factory=list)
    writes: int = 0
    cluster: VirtualCluster = field(init=False)
    _leapt_s: float = 0.0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _versions: count[int] = field(default_factory=lambda: count(1))
    _wall: tuple[float, datetime] | None = None

    def __post_init__(self) -> None:
        self.cluster = VirtualCluster(self)

    def tells(self, line: Line) -> None:
        """Take note of what a replica logs."""

    # -- time

    def boot(self) -> float:
        """Seconds since boot, of every replica."""
        return self.now

    def wall(self) -> datetime:
        """The true time."""
        passed_s = self.now - START + self._leapt_s
        if self._wall is None or self._wall[0] != passed_s:  # it is asked many times an instant
            self._wall = (passed_s, self.began + timedelta(seconds=passed_s))
        return self._wall[1]

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Have this happen at a boot second."""
        heapq.heappush(self._events, (when, next(self._order), event))

    def in_s(self, seconds: float, event: Callable[[], None]) -> None:
        """Have this happen so many seconds from now."""
        self.at(self.now + seconds, event)

    def run_for(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.run_until(self.now + seconds)

    def run_until(self, until: float) -> None:
        """Let time pass up to boot second `until`, whose own events still happen."""
        while True:
            for replica in self.replicas:
                replica.act()
            for observe in self.observers:
                observe()
            if self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
                continue
            waits = [replica.acts_at for replica in self.replicas if replica.is_up]
            upcoming = min([*waits, self._events[0][0] if self._events else until], default=until)
            if upcoming > until or self.now >= until:
                break
            self.now = upcoming
        self.now = until

    def leap(self, seconds: float, writes: int) -> None:
        """Set the wall clock ahead, and the Lease's version as if it had been written so many times meanwhile."""
        self._leapt_s += seconds
        self._versions = count(next(self._versions) + writes)

    # -- the Lease

    def read(self) -> LeaseRecord | None:
        """The Lease as it is."""
        return self.record

    def create(self, record: LeaseRecord) -> LeaseRecord:
        """Make the Lease; `Conflict` when there is one."""
        if self.record:
            raise Conflict("exists")
        return self._store(replace(record, uid=f"uid-{next(self._versions)}"))

    def replace(self, record: LeaseRecord) -> LeaseRecord:
        """Write over the version and uid that `record` quotes; `Conflict` or `Absent` when something else is there."""
        if self.record is None:
            raise Absent("gone")
        if (record.uid, record.version) != (self.record.uid, self.record.version):
            raise Conflict("another version")
        return self._store(record)

    def _store(self, record: LeaseRecord) -> LeaseRecord:
        self.writes += 1
        self.record = replace(record, version=str(next(self._versions)))
        self._show()
        return self.record

    def _show(self) -> None:
        for replica in self.replicas:
            replica.sees(self.record)

"""A small world for the protocol's cases: virtual clocks, one Lease, and replicas made of the real core, campaign and
dispatch. Requests take no time unless a case says so; what a case breaks, it breaks by name."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from scheduler.core.errors import Absent, Conflict, StoreError, Unavailable
from scheduler.core.job import JobTable, instant_text
from scheduler.core.lease import Election
from scheduler.core.moves import Attempt, Candidate, Done, Kind, Read, Timings, Wait
from scheduler.core.ports import LeaseRecord, RunEnded, RunOrder, RunStarted
from scheduler.leading.campaign import Campaign
from scheduler.running.dispatch import Crew, Dispatch

EPOCH = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
START = 1000.0
TIMINGS = Timings(15, 10, 2)
RUN_S = 0.02


@dataclass(frozen=True)
class Start:
    """The first statement of a run, as its side effect shows it."""

    replica: str
    run: str
    attempt: int
    at: float


@dataclass(frozen=True)
class Line:
    replica: str
    event: str
    facts: dict[str, object]


@dataclass
class World:
    now: float = START
    record: LeaseRecord | None = None
    replicas: list[Replica] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    ends: list[tuple[str, str, float]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    writes: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _versions: count[int] = field(default_factory=lambda: count(1))

    # -- time

    def wall(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now - START)

    def at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), event))

    def run_for(self, seconds: float) -> None:
        self.run_until(self.now + seconds)

    def run_until(self, until: float) -> None:
        while True:
            waits = [replica.act() for replica in self.replicas if replica.is_up]
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
                waits.append(self.now)
            upcoming = min([*waits, self._events[0][0] if self._events else until], default=until)
            if upcoming > until or (upcoming == until == self.now):
                break
            if upcoming <= self.now:
                continue
            self.now = upcoming
        self.now = until

    # -- the Lease

    def read(self) -> LeaseRecord | None:
        return self.record

    def create(self, record: LeaseRecord) -> LeaseRecord:
        if self.record:
            raise Conflict("exists")
        return self._store(replace(record, uid=f"uid-{next(self._versions)}"))

    def replace(self, record: LeaseRecord) -> LeaseRecord:
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

    def edit(self, **changes: object) -> None:
        assert self.record
        self._store(replace(self.record, **changes))

    def edit_label(self) -> None:
        assert self.record
        self._store(replace(self.record, rest={"metadata": {"labels": {"edited": "yes"}}}))

    def delete(self) -> None:
        self.record = None
        self._show()

    def _show(self) -> None:
        for replica in self.replicas:
            if replica.watches:
                replica.sightings.append(self.record)

    # -- what happened

    def replica(self, name: str, table: JobTable, **options: object) -> Replica:
        replica = Replica(self, name, table, options)
        self.replicas.append(replica)
        return replica

    def events(self, event: str, **facts: object) -> list[Line]:
        return [
            line
            for line in self.lines
            if line.event == event and all(line.facts.get(key) == value for key, value in facts.items())
        ]

    def started(self, job: str | None = None) -> list[tuple[str, int]]:
        return [(start.run, start.attempt) for start in self.starts if job is None or start.run.startswith(job + "@")]

    def open_gates(self) -> list[str]:
        return [replica.name for replica in self.replicas if replica.election.gate.is_open(self.now)]


class Replica:
    """A process: the real campaign and dispatch over the world's clock and Lease, with a runner that pretends."""

    _nonces = count(1)

    def __init__(self, world: World, name: str, table: JobTable, options: dict[str, object]) -> None:
        self.world, self.name, self.table = world, name, table
        self.is_up = True
        self.watches = True
        self.sightings: list[LeaseRecord | None] = []
        self.faults: list[Callable[[Read | Attempt], LeaseRecord | None]] = []
        self.away = False
        self.duration_s: dict[str, float] = {}
        self.fails: set[str] = set()
        self.skew_s = float(options.pop("skew_s", 0.0))  # type: ignore[arg-type]
        self.nonce = str(options.pop("nonce", f"n{next(self._nonces)}"))
        max_parallel = int(options.pop("max_parallel", 16))  # type: ignore[call-overload]
        timings = options.pop("timings", TIMINGS)
        me = Candidate(name, self.nonce, timings, table.known, table.revision, **options)  # type: ignore[arg-type]
        self.election = Election(me, lambda: 0.5)
        self.dispatch = Dispatch(table, self.nonce, max_parallel, self, self._tell)
        self.runner = PretendRunner(self)
        self.bell = PretendBell(self)
        self.dispatch.employ(Crew(self.runner, self.bell, lambda: None, lambda _: None))
        self.campaign = Campaign(self.election, self.dispatch, self, self._tell, "memory:test")

    # -- the Clock port

    def boot(self) -> float:
        return self.world.now

    def wall(self) -> datetime:
        return self.world.wall() + timedelta(seconds=self.skew_s)

    def _tell(self, event: str, /, **facts: object) -> None:
        self.world.lines.append(Line(self.name, event, facts))

    # -- what happens to it

    def kill(self) -> None:
        self.is_up = False
        self.runner.die()

    def freeze(self) -> None:
        self.is_up = False

    def thaw(self) -> None:
        self.is_up = True

    def terminate(self) -> None:
        self.dispatch.leave()

    def lose_reply(self) -> None:
        """The next request is carried out, and its answer lost."""

        def lose(step: Read | Attempt) -> LeaseRecord | None:
            self._perform(step)
            raise Unavailable("reply lost")

        self.faults.append(lose)

    def lose_request(self) -> None:
        """The next request never arrives."""

        def lose(_step: Read | Attempt) -> LeaseRecord | None:
            raise Unavailable("request lost")

        self.faults.append(lose)

    def delay_reply(self, seconds: float) -> None:
        """The next request is carried out at once and answered late."""

        def delay(step: Read | Attempt) -> LeaseRecord | None:
            record = self._perform(step)
            self.world.now += seconds
            return record

        self.faults.append(delay)

    def hold_request(self, seconds: float) -> None:
        """The next request is given up by its sender and arrives later all the same."""

        def hold(step: Read | Attempt) -> LeaseRecord | None:
            self.world.at(self.world.now + seconds, lambda: self._arrive(step))
            raise Unavailable("timeout")

        self.faults.append(hold)

    def _arrive(self, step: Read | Attempt) -> None:
        try:
            self._perform(step)
        except StoreError:
            return

    # -- what it does

    def act(self) -> float:
        """Make requests until it wants to wait; returns until when."""
        while True:
            sightings, self.sightings = self.sightings, []
            for record in sightings:
                self.campaign.sighted(record)
            if self.dispatch.wait_until_idle(0):
                self.campaign.stop()
            step = self.campaign.next_step()
            if isinstance(step, Wait):
                return step.until
            if isinstance(step, Done):
                self.is_up = False
                return float("inf")
            self._request(step)

    def _request(self, step: Read | Attempt) -> None:
        try:
            if self.away:
                raise Unavailable("store away")
            record = self.faults.pop(0)(step) if self.faults else self._perform(step)
        except StoreError as error:
            self.campaign.failed(step, error)
        else:
            if isinstance(step, Read):
                self.campaign.found(record)
            else:
                assert record
                self.campaign.accepted(step, record)

    def _perform(self, step: Read | Attempt) -> LeaseRecord | None:
        if isinstance(step, Read):
            return self.world.read()
        return (self.world.create if step.kind is Kind.CREATE else self.world.replace)(step.record)


class PretendBell:
    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._armed = 0

    def arm(self, table: JobTable, now: datetime) -> None:
        self._armed += 1
        self._set(self._armed, table, now)

    def disarm(self) -> None:
        self._armed += 1

    def _set(self, armed: int, table: JobTable, now: datetime) -> None:
        upcoming = [
            job.due(tick)
            for job in table.ticking.values()
            if job.schedule and (tick := job.schedule.after(now - job.policy.jitter))
        ]
        later = [due for due in upcoming if due > now]
        if later:
            world = self._replica.world
            in_s = (min(later) - now).total_seconds()
            world.at(world.now + in_s, lambda: self._ring(armed, table, min(later)))

    def _ring(self, armed: int, table: JobTable, due: datetime) -> None:
        if armed != self._armed or not self._replica.is_up:
            if armed == self._armed:
                self._replica.world.at(self._replica.world.now + 1, lambda: self._ring(armed, table, due))
            return
        self._replica.dispatch.ring(fell_due=True)
        self._set(armed, table, max(due, self._replica.wall()))


class PretendRunner:
    """Starts nothing but a line in the world's history; its gate and deadlines are the supervisor's, so they outlive a
    frozen replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._gate_until = 0.0
        self._exclusive_until = 0.0
        self.alive: dict[str, RunOrder] = {}

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        self._gate_until, self._exclusive_until = gate_until, exclusive_until
        self._replica.world.at(exclusive_until, lambda: self._deadline(exclusive_until))

    def start(self, order: RunOrder) -> None:
        world, name = self._replica.world, self._replica.name
        if world.now >= self._gate_until:
            world.at(world.now, lambda: self._report(RunEnded(order.key, "gate_shut", 0)))
            return
        world.starts.append(Start(name, order.run, order.attempt, world.now))
        self.alive[order.key] = order
        self._replica.dispatch.heard(RunStarted(order.key, self._replica.wall()))
        world.at(world.now + self._replica.duration_s.get(order.job, RUN_S), lambda: self._finish(order))

    def kill(self, key: str) -> None:
        order = self.alive.pop(key, None)
        if order:
            self._ended(order, "killed")

    def kill_exclusive(self) -> None:
        for key, order in list(self.alive.items()):
            if order.exclusive and order.action.killable:
                self.kill(key)

    def close(self) -> None:
        self.die()

    def die(self) -> None:
        for order in self.alive.values():
            self._replica.world.ends.append((order.run, "died", self._replica.world.now))
        self.alive.clear()

    def _deadline(self, exclusive_until: float) -> None:
        if exclusive_until == self._exclusive_until:
            self.kill_exclusive()

    def _finish(self, order: RunOrder) -> None:
        if self.alive.pop(order.key, None):
            self._ended(order, "failed" if order.job in self._replica.fails else "succeeded")

    def _ended(self, order: RunOrder, outcome: str) -> None:
        self._replica.world.ends.append((order.run, outcome, self._replica.world.now))
        took_ms = round(self._replica.duration_s.get(order.job, RUN_S) * 1000)
        self._report(RunEnded(order.key, outcome, took_ms, reason="exit" if outcome == "failed" else None))

    def _report(self, ended: RunEnded) -> None:
        if self._replica.is_up:
            self._replica.dispatch.heard(ended)
        else:
            self._replica.world.at(self._replica.world.now + 0.5, lambda: self._report_if_thawed(ended))

    def _report_if_thawed(self, ended: RunEnded) -> None:
        if self._replica.is_up:
            self._replica.dispatch.heard(ended)


def tick(seconds: float) -> str:
    """The text of the tick so many seconds after the world's beginning."""
    return instant_text(EPOCH + timedelta(seconds=seconds))

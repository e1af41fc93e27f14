"""A small world for the protocol's cases: virtual clocks, one Lease, and replicas made of the real election, campaign
and dispatch (`scheduler/simulation`). Requests take no time and succeed unless a case says otherwise; what a case
breaks, it breaks by name.

Time moves from event to event. At each instant every replica that is up acts until it wants to wait, and then the
world's observers look; an observer that objects to what it sees raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from scheduler.core.errors import StoreError, Unavailable
from scheduler.core.job import JobTable, instant_text
from scheduler.core.moves import Attempt, Candidate, Read, Timings
from scheduler.core.ports import LeaseRecord, RunOrder
from scheduler.simulation import replica as simulated
from scheduler.simulation import world as simulation
from scheduler.simulation.world import START, Line
from tests.fakes.pretend import PretendRunner

EPOCH = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
TIMINGS = Timings(15, 10, 2)
L, D = TIMINGS.lease_duration_s, TIMINGS.renew_deadline_s
KILLING_TAKES_AT_MOST_S = 5.0


@dataclass(frozen=True)
class _Answered:
    """What the store said, and its `Date`."""

    what: LeaseRecord | StoreError | None
    date: datetime | None


@dataclass(frozen=True)
class Start:
    """The first statement of a run, as its side effect shows it."""

    replica: str
    run: str
    attempt: int
    at: float

    @property
    def job(self) -> str:
        return self.run.partition("@")[0]


@dataclass(frozen=True)
class End:
    """The moment from which nothing of a run is alive; `died` with its replica, or what the runner reports."""

    replica: str
    run: str
    attempt: int
    outcome: str
    at: float


@dataclass(frozen=True)
class Delivery:
    """What the network does with one request: None where it never arrives, or where the sender gives up waiting."""

    arrives_in_s: float | None = 0.0
    answered_in_s: float | None = 0.0
    given_up_in_s: float = 0.0


@dataclass
class World(simulation.World):
    """The simulated world, and what happened in it. Its Lease may be edited, deleted and restored."""

    began: datetime = EPOCH
    replicas: list[Replica] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    on_the_way: int = 0  # requests that were sent and have not arrived
    _nonces: count[int] = field(default_factory=lambda: count(1))

    def run_to(self, seconds: float) -> None:
        """Go on until so many seconds after the world's beginning, where `tick(seconds)` is due."""
        self.run_until(START + seconds)

    # -- the Lease

    def edit(self, **changes: Any) -> None:
        assert self.record
        self._store(replace(self.record, **changes))

    def edit_label(self) -> None:
        self.edit(rest={"metadata": {"labels": {"edited": f"{self.writes}"}}})

    def restore(self, snapshot: LeaseRecord, *, rewind: bool = False) -> None:
        """Put an older Lease back, as a human does; or `rewind` the whole store, whose versions then come again."""
        if rewind:
            self._versions = count(int(snapshot.version))
        self._store(snapshot)

    def delete(self) -> None:
        self.record = None
        self._show()

    # -- what happened

    def begins(self, replica: str, order: RunOrder) -> None:
        self.starts.append(Start(replica, order.run, order.attempt, self.now))

    def is_over(self, replica: str, order: RunOrder, outcome: str, since: float | None = None) -> None:
        self.ends.append(End(replica, order.run, order.attempt, outcome, self.now if since is None else since))

    def tells(self, line: Line) -> None:
        self.lines.append(line)

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
        return [(start.run, start.attempt) for start in self.starts if job in (None, start.job)]

    def fates(self, job: str) -> list[tuple[str, str]]:
        """The final lines of a job in order: what of a run id; a line repeated for a predecessor does not count."""
        finals = ("succeeded", "failed", "timed_out", "skipped", "dropped", "interrupted")
        return [
            (line.event.removeprefix("run."), str(line.facts["run"]))
            for line in self.lines
            if line.event.removeprefix("run.") in finals
            and str(line.facts["run"]).startswith(f"{job}@")
            and not line.facts.get("repeated")
        ]

    def open_gates(self) -> list[str]:
        alive = (replica for replica in self.replicas if not replica.is_dead)
        return [replica.name for replica in alive if replica.election.gate.is_open(self.now)]


class Replica(simulated.Replica):
    """A simulated replica with everything that may happen to one, and a runner that pretends.

    `is_up` is False while it is frozen, and for ever once it `is_dead`.
    """

    world: World
    runner: PretendRunner

    def __init__(self, world: World, name: str, table: JobTable, options: dict[str, object]) -> None:
        self.watches = True
        self.requests_fail = False
        self.writes_fail = False
        self.latency_s = 0.0
        self.watch_lag_s = 0.0
        self._sees_at = world.now
        self._away = False
        self.has_seen_lease = False
        self.deliveries: list[Delivery] = []
        self.reads: list[float] = []
        self._asked = False
        self._releases_at_once = False
        self.skew_s = float(options.pop("skew_s", 0.0))  # type: ignore[arg-type]
        self.keeps_timeouts = bool(options.pop("keeps_timeouts", False))
        self.tells_time = bool(options.pop("tells_time", False))
        nonce = str(options.pop("nonce", f"n{next(world._nonces)}"))
        if "max_parallel" in options:
            table = replace(table, max_parallel=int(options.pop("max_parallel")))  # type: ignore[call-overload]
        parts = {name: options.pop(name) for name in ("election", "dispatch") if name in options}
        make = simulated.Make(runner=options.pop("runner", PretendRunner), **parts)  # type: ignore[arg-type]
        timings: Timings = options.pop("timings", TIMINGS)  # type: ignore[assignment]
        me = Candidate(name, nonce, timings, table.known, table.revision, **options)  # type: ignore[arg-type]
        super().__init__(world, me, table, make)

    def wall(self) -> datetime:
        return self.world.wall() + timedelta(seconds=self.skew_s)

    # -- what happens to it

    @property
    def away(self) -> bool:
        """Whether it is cut off from the store, watch included; a watch that comes back shows the Lease as it is."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        self.sees(self.world.record)

    def sees(self, record: LeaseRecord | None) -> None:
        if not self.watches or self.away:
            return
        self._sees_at = max(self._sees_at, self.world.now + self.watch_lag_s)
        if self._sees_at > self.world.now:
            self.world.at(self._sees_at, lambda: self._sight(record))
        else:
            self._sight(record)

    def _sight(self, record: LeaseRecord | None) -> None:
        if not self.away:
            self.sightings.append(record)
            self.wake()

    def freeze(self, *, whole: bool = False) -> None:
        """SIGSTOP of the replica's process; the supervisor and the runs in it go on, unless the `whole` pod stops."""
        self.is_up = False
        if whole:
            self.runner.freeze()

    def thaw(self) -> None:
        self.runner.thaw()
        self.is_up = not self.is_dead
        self.wake()

    def terminate(self, drain_s: float = 60.0, *, at_once: bool = False) -> None:
        """SIGTERM, as app.py answers it: release and drain, or drain and release; kill what is late, end."""
        self._releases_at_once = at_once
        self.dispatch.leave(drain_s)
        self.world.in_s(drain_s, lambda: self.gets(self._drain_is_over))

    def _drain_is_over(self) -> None:
        if not self.dispatch.leaving.wait_until_idle(0):
            self.dispatch.kill_all()
            self.world.in_s(KILLING_TAKES_AT_MOST_S, lambda: self.gets(self._exit))

    def _exit(self) -> None:
        if not self.is_dead:
            self.dispatch.tell_unrecorded()
            self.kill()

    def lose_reply(self, given_up_in_s: float = 0.0) -> None:
        """The next request is carried out, and its answer lost."""
        self.deliveries.append(Delivery(answered_in_s=None, given_up_in_s=given_up_in_s))

    def lose_request(self, given_up_in_s: float = 0.0) -> None:
        """The next request never arrives."""
        self.deliveries.append(Delivery(arrives_in_s=None, answered_in_s=None, given_up_in_s=given_up_in_s))

    def delay_reply(self, seconds: float) -> None:
        """The next request is carried out at once and answered late; until then the campaign waits for it."""
        self.deliveries.append(Delivery(answered_in_s=seconds))

    def hold_request(self, seconds: float) -> None:
        """The next request is given up by its sender and arrives later all the same."""
        self.deliveries.append(Delivery(arrives_in_s=seconds, answered_in_s=None))

    # -- what it does

    @property
    def is_waiting(self) -> bool:
        """Whether a request is under way, as is everything else of the campaign until it is answered."""
        return self._asked

    def _turn(self) -> float:
        if self._asked:
            return float("inf")
        self._look()
        if self._releases_at_once and self.dispatch.leaving.wait_until_all_started(0):
            self.campaign.stop(reporting=True)
        if self.dispatch.leaving.wait_until_idle(0):
            self.campaign.stop()
        return super()._turn()

    def _look(self) -> None:
        self.has_seen_lease = self.has_seen_lease or any(record is not None for record in self.sightings)
        super()._look()

    def _ask(self, step: Read | Attempt) -> None:
        if isinstance(step, Read):
            self.reads.append(self.world.now)
        delivery = self._delivery_of(step)
        answers: list[_Answered] = []
        if delivery.arrives_in_s is not None:
            self.world.on_the_way += 1
            self._later(delivery.arrives_in_s, lambda: answers.append(self._arrive(step)))
        if delivery.answered_in_s is None:
            self._hear_in_s(delivery.given_up_in_s, step, lambda: _Answered(Unavailable("no answer"), None))
        else:
            self._hear_in_s(delivery.answered_in_s, step, lambda: answers[0])

    def _delivery_of(self, step: Read | Attempt) -> Delivery:
        delivery = self._next_delivery(step)
        longest_s = self.campaign.timeout_s() if self.keeps_timeouts else float("inf")
        if delivery.answered_in_s is None:
            return replace(delivery, given_up_in_s=min(delivery.given_up_in_s, longest_s))
        return (
            delivery
            if delivery.answered_in_s <= longest_s
            else replace(delivery, answered_in_s=None, given_up_in_s=longest_s)
        )

    def _next_delivery(self, step: Read | Attempt) -> Delivery:
        if self.deliveries:
            return self.deliveries.pop(0)
        cut_off = self.away or self.requests_fail or (self.writes_fail and isinstance(step, Attempt))
        return Delivery(None, None) if cut_off else Delivery(self.latency_s / 2, self.latency_s)

    def _hear_in_s(self, seconds: float, step: Read | Attempt, answered: Callable[[], _Answered]) -> None:
        if not seconds:
            self._learn(step, answered())
            return
        self._asked = True
        self.world.in_s(seconds, lambda: self.gets(lambda: self._learn(step, answered())))

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        if seconds:
            self.world.in_s(seconds, event)
        else:
            event()

    def _arrive(self, step: Read | Attempt) -> _Answered:
        self.world.on_the_way -= 1
        return _Answered(self._perform(step), self.world.wall().replace(microsecond=0))

    def _learn(self, step: Read | Attempt, answered: _Answered) -> None:
        self._asked = False
        if self.tells_time and answered.date:
            self.server_time = answered.date
        if isinstance(step, Read) and isinstance(answered.what, LeaseRecord):
            self.has_seen_lease = True
        self._hear(step, answered.what)


def tick(seconds: float) -> str:
    """The text of the tick so many seconds after the world's beginning."""
    return instant_text(EPOCH + timedelta(seconds=seconds))


def run(job: str, seconds: float) -> str:
    """The run id of that tick."""
    return f"{job}@{tick(seconds)}"

"""A small world for the protocol's cases: virtual clocks, one Lease, and replicas made of the real election, campaign
and dispatch. Requests take no time and succeed unless a case says otherwise; what a case breaks, it breaks by name.

Time moves from event to event. At each instant every replica that is up acts until it wants to wait, and then the
world's observers look; an observer that objects to what it sees raises.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from scheduler.core.errors import Absent, Conflict, StoreError, Unavailable
from scheduler.core.job import JobTable, instant_text
from scheduler.core.lease import Election
from scheduler.core.moves import Attempt, Candidate, Done, Kind, Read, Timings, Wait
from scheduler.core.ports import LeaseRecord, RunOrder
from scheduler.leading.campaign import Campaign
from scheduler.running.dispatch import Crew, Dispatch
from scheduler.stores.memory import MemoryStore
from tests.fakes.pretend import PretendBell, PretendRunner

EPOCH = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
START = 1000.0
TIMINGS = Timings(15, 10, 2)
L, D = TIMINGS.lease_duration_s, TIMINGS.renew_deadline_s
SPINNING = 200  # requests of one replica at one instant: a loop that does not wait
KILLING_TAKES_AT_MOST_S = 5.0

Answer = LeaseRecord | StoreError | None


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
class Line:
    replica: str
    event: str
    facts: dict[str, object]
    at: float


@dataclass(frozen=True)
class Delivery:
    """What the network does with one request: None where it never arrives, or where the sender gives up waiting."""

    arrives_in_s: float | None = 0.0
    answered_in_s: float | None = 0.0


@dataclass
class World:
    now: float = START
    record: LeaseRecord | None = None
    replicas: list[Replica] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    observers: list[Callable[[], None]] = field(default_factory=list)
    writes: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _versions: count[int] = field(default_factory=lambda: count(1))
    _nonces: count[int] = field(default_factory=lambda: count(1))

    # -- time

    def wall(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now - START)

    def at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), event))

    def in_s(self, seconds: float, event: Callable[[], None]) -> None:
        self.at(self.now + seconds, event)

    def run_for(self, seconds: float) -> None:
        self.run_until(self.now + seconds)

    def run_to(self, seconds: float) -> None:
        """Go on until so many seconds after the world's beginning, where `tick(seconds)` is due."""
        self.run_until(START + seconds)

    def run_until(self, until: float) -> None:
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

    def edit(self, **changes: Any) -> None:
        assert self.record
        self._store(replace(self.record, **changes))

    def edit_label(self) -> None:
        self.edit(rest={"metadata": {"labels": {"edited": f"{self.writes}"}}})

    def delete(self) -> None:
        self.record = None
        self._show()

    def _show(self) -> None:
        for replica in self.replicas:
            replica.sees(self.record)

    # -- what happened

    def begins(self, replica: str, order: RunOrder) -> None:
        self.starts.append(Start(replica, order.run, order.attempt, self.now))

    def is_over(self, replica: str, order: RunOrder, outcome: str) -> None:
        self.ends.append(End(replica, order.run, order.attempt, outcome, self.now))

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


class Replica:
    """A process: the real election, campaign and dispatch over the world's clock and Lease, and a runner that pretends.

    `is_up` is False while it is frozen, and for ever once it `is_dead`.
    """

    def __init__(self, world: World, name: str, table: JobTable, options: dict[str, object]) -> None:
        self.world, self.name, self.table = world, name, table
        self.is_up, self.is_dead = True, False
        self.watches = True
        self.requests_fail = False
        self.writes_fail = False
        self.latency_s = 0.0
        self._away = False
        self.acts_at = world.now
        self.sightings: list[LeaseRecord | None] = []
        self.mail: list[Callable[[], None]] = []
        self.deliveries: list[Delivery] = []
        self.reads: list[float] = []
        self._asked = False
        self._requests_at = (world.now, 0)
        self.skew_s = float(options.pop("skew_s", 0.0))  # type: ignore[arg-type]
        self.nonce = str(options.pop("nonce", f"n{next(world._nonces)}"))
        max_parallel = int(options.pop("max_parallel", 16))  # type: ignore[call-overload]
        election: type[Election] = options.pop("election", Election)  # type: ignore[assignment]
        runner: type[PretendRunner] = options.pop("runner", PretendRunner)  # type: ignore[assignment]
        timings = options.pop("timings", TIMINGS)
        me = Candidate(name, self.nonce, timings, table.known, table.revision, **options)  # type: ignore[arg-type]
        self.election = election(me, lambda: 0.5)
        self.dispatch = Dispatch(table, self.nonce, max_parallel, self, self._tell)
        self.runner = runner(self)
        self.bell = PretendBell(self)
        self.dispatch.employ(Crew(self.runner, self.bell, self.wake, lambda _: None))
        self.campaign = Campaign(self.election, self.dispatch, self, self._tell, MemoryStore())

    # -- the Clock port

    def boot(self) -> float:
        return self.world.now

    def wall(self) -> datetime:
        return self.world.wall() + timedelta(seconds=self.skew_s)

    def _tell(self, event: str, /, **facts: object) -> None:
        self.world.lines.append(Line(self.name, event, facts, self.world.now))

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
        if self.watches and not self.away:
            self.sightings.append(record)
            self.wake()

    def gets(self, mail: Callable[[], None]) -> None:
        """Something for its other threads to do, once it is up."""
        self.mail.append(mail)
        self.wake()

    def wake(self) -> None:
        self.acts_at = self.world.now

    def kill(self) -> None:
        """SIGKILL: nothing of it is left, its runs included."""
        self.is_up, self.is_dead = False, True
        self.runner.die()

    def freeze(self) -> None:
        """SIGSTOP of the replica's process; the supervisor and the runs in it go on."""
        self.is_up = False

    def thaw(self) -> None:
        self.is_up = not self.is_dead
        self.wake()

    def terminate(self, drain_s: float = 60.0) -> None:
        """SIGTERM, as app.py answers it: drain, kill what is late, release, end."""
        self.dispatch.leave()
        self.world.in_s(drain_s, lambda: self.gets(self._drain_is_over))

    def _drain_is_over(self) -> None:
        if not self.dispatch.wait_until_idle(0):
            self.dispatch.kill_all()
            self.world.in_s(KILLING_TAKES_AT_MOST_S, lambda: self.gets(self._exit))

    def _exit(self) -> None:
        if not self.is_dead:
            self.dispatch.tell_unrecorded()
            self.kill()

    def lose_reply(self) -> None:
        """The next request is carried out, and its answer lost."""
        self.deliveries.append(Delivery(answered_in_s=None))

    def lose_request(self) -> None:
        """The next request never arrives."""
        self.deliveries.append(Delivery(arrives_in_s=None, answered_in_s=None))

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

    def act(self) -> None:
        """Take note of what came in, and make requests until it has to wait."""
        while self.is_up and self.acts_at <= self.world.now:
            self._open_mail()
            self.acts_at = float("inf") if self._asked else self._turn()

    def _open_mail(self) -> None:
        while self.mail:
            self.mail.pop(0)()

    def _turn(self) -> float:
        """One turn of the campaign's loop; returns until when to wait."""
        for record in self._take_sightings():
            self.campaign.sighted(record)
        if self.dispatch.wait_until_idle(0):
            self.campaign.stop()
        step = self.campaign.next_step()
        match step:
            case Wait():
                assert step.until > self.world.now, "a wait that is already over"
                return step.until
            case Done():
                self._exit()
                return float("inf")
            case _:
                self._ask(step)
                return self.world.now

    def _take_sightings(self) -> list[LeaseRecord | None]:
        sightings, self.sightings = self.sightings, []
        return sightings

    def _ask(self, step: Read | Attempt) -> None:
        self._note_request(step)
        cut_off = self.away or self.requests_fail or (self.writes_fail and isinstance(step, Attempt))
        usual = Delivery(None, None) if cut_off else Delivery(self.latency_s / 2, self.latency_s)
        delivery = self.deliveries.pop(0) if self.deliveries else usual
        answers: list[Answer] = []
        if delivery.arrives_in_s is not None:
            self._later(delivery.arrives_in_s, lambda: answers.append(self._perform(step)))
        if delivery.answered_in_s is None:
            self._hear(step, Unavailable("no answer"))
        elif not delivery.answered_in_s:
            self._hear(step, answers[0])
        else:
            self._asked = True
            self.world.in_s(delivery.answered_in_s, lambda: self.gets(lambda: self._hear(step, answers[0])))

    def _note_request(self, step: Read | Attempt) -> None:
        at, asked = self._requests_at
        self._requests_at = (self.world.now, asked + 1 if at == self.world.now else 1)
        assert self._requests_at[1] < SPINNING, f"{self.name} asks without end: {step}"
        if isinstance(step, Read):
            self.reads.append(self.world.now)

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        if seconds:
            self.world.in_s(seconds, event)
        else:
            event()

    def _perform(self, step: Read | Attempt) -> Answer:
        try:
            if isinstance(step, Read):
                return self.world.read()
            return (self.world.create if step.kind is Kind.CREATE else self.world.replace)(step.record)
        except StoreError as error:
            return error

    def _hear(self, step: Read | Attempt, answer: Answer) -> None:
        self._asked = False
        if isinstance(answer, StoreError):
            self.campaign.failed(step, answer)
        elif isinstance(step, Read):
            self.campaign.found(answer)
        else:
            assert answer
            self.campaign.accepted(step, answer)


def tick(seconds: float) -> str:
    """The text of the tick so many seconds after the world's beginning."""
    return instant_text(EPOCH + timedelta(seconds=seconds))


def run(job: str, seconds: float) -> str:
    """The run id of that tick."""
    return f"{job}@{tick(seconds)}"

"""A seeded storm over the pretended world, and a judge who has only seen what a user could see.

A storm breaks whatever may break: replicas are killed, frozen, thawed, stopped and started anew, replies and requests
are lost, late or held, the store is away, labels are edited, the Lease is deleted. Then it calms down, and the judge
looks at when runs started and ended and at the log. That the judge can object is shown by breaking the program.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from scheduler.core.job import CatchUp, Delivery, Job, JobTable, Overlap, instant_text, run_id
from scheduler.core.ports import Ring
from tests.fakes.broken import TrustsTheReply, TrustsTooLong
from tests.fakes.tables import ALL, AT_MOST_ONCE, THREAD, every, table
from tests.fakes.world import EPOCH, START, End, L, Line, Replica, Start, World, run

if TYPE_CHECKING:
    from scheduler.core.ports import LeaseRecord

SEEDS = 200
BATCH = 50
STORM_S = 45.0
CALM_S = 46.0
LATE_ENOUGH_S = 44.0  # before the end, so that every tick judged has had the time to be over
FATES = ("run.succeeded", "run.failed", "run.skipped", "run.dropped", "run.interrupted")

JOBS = (
    every("all", 5, **ALL),
    every("latest", 7),
    every("money", 6, **AT_MOST_ONCE),
    every("none", 11, catch_up=CatchUp.NONE),
    every("beside", 8, overlap=Overlap.ALLOW),
    every("thread", 9, action=THREAD),
    every("fails", 13, retries=1, retry_delay=timedelta(seconds=1)),
    every("long", 20),
)
LONGEST_S = {"all": 1.0, "long": 18.0}  # `all` would never be done catching up; `long` outlives a lease


# How often each blow falls, beside the others.
WEIGHTS = {"kill": 4, "freeze": 8, "stop": 4, "cut_off": 8, "lose": 8, "delay": 8, "hold": 4, "edit": 3, "delete": 1}
CONGESTION = {"delay": 1}


class Objection(AssertionError):
    """What the judge has to say."""


# ------------------------------------------------------------------ the storm


@dataclass
class Storm:
    """Breaks things at random moments; all that happens follows from the seed."""

    world: World
    seed: int
    options: dict[str, object] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=WEIGHTS.copy)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311  # a storm must be repeatable, not secret
        self.table = table(*JOBS)
        self.quiet_until = START
        for name in ("A", "B", "C")[: self.chance.choice((2, 2, 3))]:
            self.start(name)

    def start(self, name: str) -> None:
        jobs = JobTable(self.table.jobs, self.world.wall(), max_parallel=self.chance.choice((2, 16)))
        replica = self.world.replica(name, jobs, max_parallel=jobs.max_parallel, **self.options)
        replica.latency_s = self.chance.choice((0.0, 0.004, 0.03))
        replica.runner.spawn_s = self.chance.choice((0.0, 0.02))
        replica.runner.fails.add("fails")
        for job in JOBS:
            replica.runner.duration_s[job.name] = self.chance.choice((0.02, 1.0, LONGEST_S.get(job.name, 6.0)))

    def rage(self) -> None:
        self.world.run_for(self.chance.uniform(3, 9))
        while self.world.now < START + STORM_S:
            if self.world.now >= self.quiet_until:
                self._break_something()
            self.world.run_for(self.chance.expovariate(1 / 2))
        self._calm()
        self.world.run_for(CALM_S)

    def _break_something(self) -> None:
        alive = [replica for replica in self.world.replicas if not replica.is_dead]
        leading = [replica for replica in alive if replica.election.term]
        victims = leading if leading and self.chance.random() < 0.6 else alive  # mostly a leader
        if victims:
            (blow,) = self.chance.choices(list(self.weights), list(self.weights.values()))
            getattr(self, f"_{blow}")(self.chance.choice(victims))

    def _kill(self, replica: Replica) -> None:
        replica.kill()
        self.world.in_s(self.chance.uniform(0, 12), lambda: self.start(replica.name))

    def _stop(self, replica: Replica) -> None:
        replica.terminate(drain_s=self.chance.choice((2.0, 10.0)))
        self.world.in_s(20, replica.kill)
        self.world.in_s(self.chance.uniform(0, 12), lambda: self.start(replica.name))

    def _freeze(self, replica: Replica) -> None:
        replica.freeze()
        self.world.in_s(self.chance.choice((1.0, 8.0, 14.0, 25.0)), replica.thaw)

    def _cut_off(self, replica: Replica) -> None:
        replica.away = True
        self.world.in_s(self.chance.choice((1.0, 7.0, 13.0, 22.0)), lambda: setattr(replica, "away", False))

    def _lose(self, replica: Replica) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self.chance.choice((replica.lose_reply, replica.lose_request))()

    def _delay(self, replica: Replica) -> None:
        """As when the network is congested for a while before it breaks down."""
        seconds = self.chance.choice((0.5, 4.0, 9.0, 16.0))
        replica.delay_reply(seconds)
        replica.dispatch.ring(Ring(claimable=True))  # so that a leader writes now
        if self.chance.random() < 0.5:  # every other time
            self.world.in_s(seconds, lambda: self._cut_off(replica))

    def _hold(self, replica: Replica) -> None:
        replica.hold_request(self.chance.choice((0.5, 3.0, 17.0)))

    def _edit(self, _: Replica) -> None:
        if self.world.record:
            self.world.edit_label()

    def _delete(self, _: Replica) -> None:
        """Only under a leader that can bring it back, and then nothing else happens: else the promise is void."""
        leaders = [replica for replica in self.world.replicas if replica.name in self.world.open_gates()]
        if leaders and all(self._is_well(replica) for replica in leaders):
            self._calm()
            self.world.delete()
            self.quiet_until = self.world.now + 2 * L

    def _is_well(self, replica: Replica) -> bool:
        busy = replica.deliveries or replica.is_waiting or replica.campaign._outage
        return replica.is_up and not replica.away and not busy

    def _calm(self) -> None:
        for replica in self.world.replicas:
            replica.deliveries.clear()
            replica.thaw()
            replica.away = False


# ------------------------------------------------------------------ the judge


class Judge:
    """Objects to whatever breaks a promise, from the starts, the ends and the log alone."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.observers.append(self.look)

    def look(self) -> None:
        """P8, at every instant."""
        if len(self.world.open_gates()) > 1:
            raise Objection(f"two open gates at {self.world.now - START:.3f}: {self.world.open_gates()}")

    def rule(self) -> None:
        self._no_attempt_starts_twice()
        self._nothing_starts_after_its_final_line()
        for job in JOBS:
            if job.policy.delivery is Delivery.AT_MOST_ONCE:
                self._starts_at_most_once(job)
            if job.exclusive and job.action.killable:
                self._never_runs_beside_itself(job)
            self._every_tick_has_one_fate(job)

    def _no_attempt_starts_twice(self) -> None:
        attempts = Counter((start.run, start.attempt) for start in self.world.starts)
        if twice := [attempt for attempt, times in attempts.items() if times > 1]:
            raise Objection(f"started twice: {twice}")

    def _nothing_starts_after_its_final_line(self) -> None:
        over: dict[object, float] = {}
        for line in self.world.lines:
            if line.event in FATES and line.facts.get("recorded") is not False:
                over.setdefault(line.facts["run"], line.at)
        if late := [start for start in self.world.starts if start.at > over.get(start.run, START + 1e9)]:
            raise Objection(f"started after it was over: {late}")

    def _starts_at_most_once(self, job: Job) -> None:
        runs = Counter(start.run for start in self.world.starts if start.job == job.name)
        if twice := [run for run, times in runs.items() if times > 1]:
            raise Objection(f"at_most_once, and started again: {twice}")

    def _never_runs_beside_itself(self, job: Job) -> None:
        ends = {(end.replica, end.run, end.attempt): end.at for end in self.world.ends}
        spans = sorted(
            (start.at, ends.get((start.replica, start.run, start.attempt), self.world.now), start)
            for start in self.world.starts
            if start.job == job.name
        )
        for (_, end, first), (start, _, second) in pairwise(spans):
            if start < end:
                raise Objection(f"exclusive, and beside itself until {end - START:.3f}: {first}, {second}")

    def _every_tick_has_one_fate(self, job: Job) -> None:
        plain, otherwise = self._fates(job)
        excused = self._unaccounted_for()
        for tick in self._ticks(job):
            run = run_id(job.name, instant_text(tick))
            if plain[run] > 1:
                raise Objection(f"{plain[run]} final lines: {run}")
            if not plain[run] and not otherwise[run] and not any(since < tick <= until for since, until in excused):
                raise Objection(f"no final line: {run}")

    def _fates(self, job: Job) -> tuple[Counter[str], Counter[str]]:
        """How many final lines each run has, and how many that were repeated for a predecessor or not recorded."""
        plain, otherwise = Counter[str](), Counter[str]()
        for line in self.world.lines:
            if line.event in FATES and line.facts["job"] == job.name:
                is_plain = not line.facts.get("repeated") and line.facts.get("recorded") is not False
                (plain if is_plain else otherwise).update(self._runs_of(job, line.facts))
        return plain, otherwise

    def _runs_of(self, job: Job, facts: dict[str, object]) -> list[str]:
        """The runs of one line; many ticks of one fate share one."""
        if "to" not in facts:
            return [str(facts["run"])]
        first, last = (datetime.fromisoformat(str(facts[key])) for key in ("tick", "to"))
        return [run_id(job.name, instant_text(tick)) for tick in self._between(job, first - timedelta(seconds=1), last)]

    def _ticks(self, job: Job) -> list[datetime]:
        first = next(line.at for line in self.world.lines if line.event == "lead.acquired")
        return self._between(job, self._wall(first), self._wall(self.world.now - LATE_ENOUGH_S))

    def _between(self, job: Job, after: datetime, until: datetime) -> list[datetime]:
        assert job.schedule
        ticks, tick = [], job.schedule.after(after)
        while tick and tick <= until:
            ticks.append(tick)
            tick = job.schedule.after(tick)
        return ticks

    def _unaccounted_for(self) -> list[tuple[datetime, datetime]]:
        """What the log itself says is lost; runs that were open before it began are lost with it."""
        longest = timedelta(seconds=2 * L + max(LONGEST_S.values()))
        return [
            (line.facts["from"] - longest, line.facts["to"])  # type: ignore[operator, misc]
            for line in self.world.lines
            if line.event == "ledger.lost" and line.facts["from"]
        ]

    def _wall(self, at: float) -> datetime:
        return EPOCH + timedelta(seconds=at - START)


def weather(seed: int, make_world: type[World] = World, weights: dict[str, int] = WEIGHTS, **options: object) -> World:
    world = make_world()
    judge = Judge(world)
    Storm(world, seed, options, weights).rage()
    judge.rule()
    return world


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_no_storm_breaks_a_promise(first: int) -> None:
    """Nor is it idle: the judge would have nothing to say to a world in which nobody leads and nothing runs."""
    events = Counter[str]()
    for seed in range(first, first + BATCH):
        try:
            world = weather(seed)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        assert world.open_gates()
        events.update(line.event for line in world.lines)

    for event in ("lead.acquired", "lead.lost", "lead.released", "lead.suspended", "lead.resumed", *FATES):
        assert events[event] > 1, event


# ------------------------------------------------------------------ the proof


def told(fate: str = "succeeded", **facts: object) -> Line:
    """A final line of the tick at second 5."""
    return Line("A", f"run.{fate}", {"job": "all", "run": run("all", 5), **facts}, START + 6)


def ran(job: str, tick: float, attempt: int, since: float, until: float) -> tuple[Start, End]:
    name = run(job, tick)
    return Start("A", name, attempt, START + since), End("A", name, attempt, "", START + until)


@pytest.mark.parametrize(
    ("lines", "runs", "objection"),
    [
        pytest.param([told()], [ran("all", 5, 1, 5, 5.1)], None, id="all is well"),
        pytest.param([told(repeated=True)], [], None, id="its line was repeated by a successor"),
        pytest.param([told(recorded=False)], [], None, id="its end could not be recorded"),
        pytest.param([told(recorded=False), told()], [], None, id="and then it was run again"),
        pytest.param([], [ran("all", 5, 1, 5, 5.1)], "no final line", id="it was lost"),
        pytest.param([told(), told("skipped")], [], "2 final lines", id="it has two fates"),
        pytest.param([told()], [ran("all", 5, 1, 5, 5.1)] * 2, "started twice", id="an attempt is repeated"),
        pytest.param([told()], [ran("all", 5, 2, 7, 7.1)], "after it was over", id="it starts after its final line"),
        pytest.param(
            [told()],
            [ran("money", 6, 1, 6, 6.1), ran("money", 6, 2, 7, 7.1)],
            "at_most_once",
            id="at_most_once is run again",
        ),
        pytest.param(
            [told()], [ran("long", 20, 1, 20, 38), ran("long", 20, 2, 37.9, 39)], "beside itself", id="runs overlap"
        ),
        pytest.param(
            [told()], [ran("long", 20, 1, 20, 38), ran("long", 20, 2, 38, 39)], None, id="one ends as the next begins"
        ),
        pytest.param(
            [told()], [ran("beside", 8, 1, 8, 38), ran("beside", 16, 1, 16, 39)], None, id="runs that may overlap do"
        ),
    ],
)
def test_what_the_judge_objects_to(lines: list[Line], runs: list[tuple[Start, End]], objection: str | None) -> None:
    """Of a history in which `all` was due at second 5, and nothing else that is judged yet."""
    world = World(now=START + 5.5 + LATE_ENOUGH_S)
    world.lines = [Line("A", "lead.acquired", {}, START + 4.5), *lines]
    world.starts, world.ends = [start for start, _ in runs], [end for _, end in runs]
    judge = Judge(world)

    if objection is None:
        judge.rule()
    else:
        with pytest.raises(Objection, match=objection):
            judge.rule()


class WithoutCompareAndSwap(World):
    """A store that takes any write, as a file that is merely written over would."""

    def replace(self, record: LeaseRecord) -> LeaseRecord:
        return self._store(record)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"make_world": WithoutCompareAndSwap}, id="a store without compare-and-swap"),
        pytest.param({"election": TrustsTheReply, "weights": CONGESTION}, id="trust counted from the reply"),
        pytest.param({"election": TrustsTooLong}, id="trust that outlives the lease"),
    ],
)
def test_the_judge_objects_to_a_broken_program(broken: dict[str, Any]) -> None:
    def many() -> None:
        for seed in range(100):
            weather(seed, **broken)

    with pytest.raises(Objection):
        many()

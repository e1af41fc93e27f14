"""The proof that the weather is bad enough, and the judge not blind: a program broken on purpose does not get through.

Each of these programs has one fault that schedulers of this kind are known for. Within a few stories the judge must
have something to say, and it must be about what the fault breaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduler.core.claims.planning import State
from scheduler.core.ledger import Ledger
from scheduler.core.moves import Seen
from scheduler.core.ports import LeaseRecord, RunOrder
from scheduler.running.dispatch import Dispatch
from scheduler.running.held import HeldRun
from scheduler.running.wanted import Planned
from tests.fakes.broken import TrustsTheReply, TrustsTooLong
from tests.weather.sky import Sky, SkyFollower, SkyRunner
from tests.weather.story import tell
from tests.weather.weather import WEIGHTS, Climate

STORIES = 25
MINUTES = 4.0
LATE_NEWS = {"catch": 4, "blind": 2, "cut_off": 2}  # of the answer, and of what others do
DEATHS = {"kill": 3, "stop": 1}
RUNS_TWICE = {"an attempt started twice", "started after it was over", "exclusive, and beside itself", "two fates"}


class WithoutCompareAndSwap(Sky):
    """A store that takes any write, as a file that is merely written over would."""

    def replace(self, record: LeaseRecord) -> LeaseRecord:
        return self._store(record)


class ResumesStale(Dispatch):
    """Keeps what it was about to start through the loss of the lead, and starts it as soon as it leads again."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._stale: dict[str, HeldRun] = {}

    def lost(self) -> None:
        self._stale |= {run.entry.key: run for run in self._runs if run.state is State.UNSTARTED}
        super().lost()

    def landed(self, draft: object, ledger: Ledger, now: float) -> None:
        super().landed(draft, ledger, now)
        if self._term and self._gate.is_open(now):
            stale, self._stale = self._stale, {}
            for run in stale.values():
                self._crew.runner.start(run.order(self._term))


class CatchesUpBlindly(Dispatch):
    """Runs on taking over whatever was due of late, whether the one before has run it or not."""

    def draft(self, base: Seen, now: float, wall: datetime) -> Planned | None:
        if self._wanted.opens_term and base.ledger and base.ledger.settled:
            late = base.ledger.settled - timedelta(seconds=30)
            base = replace(base, ledger=replace(base.ledger, settled=late, behind={}))
        return super().draft(base, now, wall)


class ClaimsTooLate(Dispatch):
    """Starts a run and writes its claim at the same time, instead of waiting for the claim to be accepted."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._early: set[str] = set()

    def draft(self, base: Seen, now: float, wall: datetime) -> Planned | None:
        made = super().draft(base, now, wall)
        for claim in made.plan.claims if made and self._term else ():
            run = HeldRun(claim.entry, self._table.jobs[claim.entry.job], claim.cause)
            if run.due <= wall and claim.entry.key not in self._early and self._term:
                self._early.add(claim.entry.key)
                self._crew.runner.start(run.order(self._term))
        return made

    def _start(self, order: RunOrder) -> None:
        if order.key not in self._early:
            super()._start(order)


class MakesAnother(SkyFollower):
    """Names what outlives a leader by the attempt and not by the run, so that nobody finds it."""

    def start(self, order: RunOrder) -> None:
        super().start(replace(order, failures=order.attempt - 1, adopts=False))


class NeverLooks(SkyFollower):
    """Takes what it is to take up for gone."""

    def start(self, order: RunOrder) -> None:
        super().start(order)
        if order.adopts:
            self._over(self._runs[order.key], "absent")


def with_follower(kind: type[SkyFollower]) -> dict[str, Any]:
    return {"runner": type("Runner", (SkyRunner,), {"follower": kind})}


@dataclass(frozen=True)
class Broken:
    """A broken program, and what it breaks; `weights` where the fault needs weather of its own."""

    breaks: set[str]
    options: dict[str, Any] = field(default_factory=dict)
    sky: type[Sky] = Sky
    weights: dict[str, int] = field(default_factory=WEIGHTS.copy)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(Broken(RUNS_TWICE | {"two open gates"}, sky=WithoutCompareAndSwap), id="no compare-and-swap"),
        pytest.param(
            Broken({"two open gates"}, {"election": TrustsTheReply}, weights=LATE_NEWS), id="trust from the reply"
        ),
        pytest.param(Broken({"two open gates"}, {"election": TrustsTooLong}), id="trust that outlives the lease"),
        pytest.param(Broken(RUNS_TWICE, {"dispatch": ResumesStale}, weights=LATE_NEWS), id="resumed onto stale times"),
        pytest.param(Broken(RUNS_TWICE, {"dispatch": CatchesUpBlindly}), id="blind catch-up"),
        pytest.param(Broken(RUNS_TWICE, {"dispatch": ClaimsTooLate}), id="claimed after the start"),
        pytest.param(
            Broken({"goes on, and begun again"}, with_follower(MakesAnother), weights=DEATHS),
            id="made under another name",
        ),
        pytest.param(
            Broken({"told as over, and it goes on or is done"}, with_follower(NeverLooks), weights=DEATHS),
            id="never looked for",
        ),
    ],
)
def test_the_judge_objects_to_a_broken_program(broken: Broken) -> None:
    climate = Climate(minutes=MINUTES, sizes=(12,), weights=broken.weights, make_sky=broken.sky, options=broken.options)
    found: set[str] = set()
    for seed in range(1, 1 + STORIES):
        found |= {objection.promise for objection in tell(seed, climate).objections}
        if found & broken.breaks:
            return

    pytest.fail(f"nothing of {broken.breaks} in {STORIES} stories, but {found or 'nothing'}")

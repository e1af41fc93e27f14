"""One replica, `me`, whose requests are counted, and rows that say how many it may make.

The replica is the real one over the pretended world: lease 15 s (L), trust 10 s (D), retry period 2 s (P), no tick due.
`bing` is the other holder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import pytest

from scheduler.core.lease import Election
from scheduler.core.ledger import WriteId, decode, encode, first_ledger
from scheduler.core.moves import Kind
from scheduler.core.ports import LeaseRecord
from tests.fakes.stories import one_gate_at_most
from tests.fakes.tables import every, table
from tests.fakes.world import EPOCH, TIMINGS, L, Replica, World

P = TIMINGS.retry_period_s
IDLE = table(every("far", 3600, offset=1800))
LEDGER = encode(first_ledger(WriteId(7, "b7"), 0, IDLE.known, EPOCH))
NEWER_TABLE = LEDGER.replace('"rev":0', '"rev":3')
LONG_AGO, FAR_AHEAD = "2026-10-11T20:00:00.000000Z", "2027-01-03T04:00:00.000000Z"
BING = LeaseRecord("bing", L, "2026-11-22T11:00:00.000000Z", "2026-11-22T12:00:00.000000Z", 0, LEDGER)
FREE = replace(BING, holder="")
FOREIGN = replace(BING, ledger=None)
LABELS = {"metadata": {"labels": {"team": "ops"}, "annotations": {"note": "ours"}}}

PLAN = "the term's first plan is a write of its own"
POLLS = "one each 2 to 4.4 s"


class Counted(Election):
    """The real election, with a list of the requests that were made for it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.requests: list[str] = []

    def compose(self, kind: Kind, *args: Any, **options: Any) -> Any:
        self.requests.append("POST" if kind is Kind.CREATE else "PUT")
        return super().compose(kind, *args, **options)

    def read(self, *args: Any) -> None:
        self.requests.append("GET")
        super().read(*args)

    def unread(self, *args: Any) -> None:
        self.requests.append("GET")
        super().unread(*args)


@dataclass
class Scene:
    """One replica, `me`, and a server."""

    world: World
    me: Replica

    @property
    def requests(self) -> str:
        """All so far, as `GET 2 PUT`."""
        runs = [(verb, len(list(run))) for verb, run in groupby(self.me.election.requests)]  # type: ignore[attr-defined]
        return " ".join(verb if count == 1 else f"{count} {verb}" for verb, count in runs)

    @property
    def ends(self) -> str:
        """How `me` stands."""
        if self.me.is_dead:
            return "has left"
        if self.me.election.term:
            return "leads" if self.me.election.gate.is_open(self.world.now) else "leads, starts nothing"
        told = [line for line in self.world.lines if line.replica == "me" and line.event.startswith("lead.")]
        last = told[-1] if told else None
        match last.event.removeprefix("lead.") if last else "":
            case "standby" | "observed":
                return f"follows {last.facts['leader']}"  # type: ignore[union-attr]
            case "refused":
                return f"leaves it to {last.facts['holder']}"  # type: ignore[union-attr]
            case _:
                return "waits"

    @property
    def lease(self) -> tuple[str, int] | None:
        """Holder and transitions on the server."""
        record = self.world.record
        return (record.holder, record.transitions) if record else None

    def forget_requests(self) -> Scene:
        self.me.election.requests.clear()  # type: ignore[attr-defined]
        return self


Happens = Callable[[Scene], None]


@dataclass(frozen=True)
class Case:
    """One row: `theirs` is what client-go asks of the API server, `ours` what we do, `why` how and why it differs."""

    name: str
    given: Callable[[], Scene]
    happens: Happens
    ends: str
    lease: tuple[str, int] | None
    theirs: str
    ours: str
    why: str = ""


def rows(*cases: Case) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])


def holds(case: Case) -> None:
    """Play the row, and compare."""
    scene = case.given()
    case.happens(scene)

    assert (scene.ends, scene.lease, scene.requests) == (case.ends, case.lease, case.ours)
    assert case.why or case.theirs == case.ours, "a difference wants a reason"


# ------------------------------------------------------------------ given


def contends(record: LeaseRecord | None, **options: object) -> Callable[[], Scene]:
    """`me` starts, and this is on the server."""

    def scene() -> Scene:
        world = one_gate_at_most(World())
        if record:
            world.create(record)
        me = world.replica("me", IDLE, election=Counted, **options)
        world.run_for(0)
        return Scene(world, me)

    return scene


def stands_by(record: LeaseRecord = BING) -> Callable[[], Scene]:
    """`me` has read this a moment ago; from here on its requests count."""
    return lambda: contends(record)().forget_requests()


def leads(**options: object) -> Callable[[], Scene]:
    """`me` made the Lease and has settled in; from here on its requests count."""
    return lambda: contends(None, creates_at_once=True, **options)().forget_requests()


# ------------------------------------------------------------------ happens


def wait(seconds: float) -> Happens:
    return lambda scene: scene.world.run_for(seconds)


def renewed_every(seconds: float, times: int) -> Happens:
    def happens(scene: Scene) -> None:
        for beat in range(times):
            scene.world.run_for(seconds)
            scene.world.edit(renewed=f"2026-11-22T12:00:{beat % 60:02}.000000Z")

    return happens


def forget(scene: Scene) -> None:
    """From here on its requests count."""
    scene.forget_requests()


def unseen(happens: Happens) -> Happens:
    """The watch is blind meanwhile, and stays so."""

    def blind(scene: Scene) -> None:
        scene.me.watches = False
        happens(scene)

    return blind


def edit(**changes: Any) -> Happens:
    return lambda scene: scene.world.edit(**changes)


def taken_by_bing(scene: Scene) -> None:
    written = encode(replace(decode((scene.world.record or BING).ledger or LEDGER), written=WriteId(99, "b7")))
    transitions = scene.world.record.transitions + 1 if scene.world.record else 0
    scene.world.edit(holder="bing", transitions=transitions, ledger=written)


def deleted(scene: Scene) -> None:
    scene.world.delete()


def created_by_bing(scene: Scene) -> None:
    scene.world.create(BING)


def stop(scene: Scene) -> None:
    scene.me.terminate()
    scene.world.run_for(0)


def then(*parts: Happens) -> Happens:
    def happens(scene: Scene) -> None:
        for part in parts:
            part(scene)

    return happens

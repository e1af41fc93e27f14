"""The three moments of an election at which hooks are called, and what a hook is told of its moment.

    started      lead.acquired
    stopped      lead.released, lead.lost
    new_leader   lead.acquired, lead.observed, lead.standby, whenever another replica or a new term is first heard of

client-go has them as OnStartedLeading, OnStoppedLeading and OnNewLeader. A lead that is merely suspended has not
stopped: it is the same term when it goes on. A leader that made a deleted Lease anew has started again, because its
fencing token is another one now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from scheduler.core.actions import HookAction, HttpAction
from scheduler.core.job import instant_text, run_id
from scheduler.core.ports import RunOrder

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When which hook is called on this `replica`, and what it is told.

    `holder` leads, or led, the term; `fence` is "" if not known.
    """

    replica: str
    hook: str
    term: int
    fence: str
    holder: str
    at: datetime


class Moments:
    """Which moments of the election an event is; `me` is our own name."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._fence = ""
        self._leader: tuple[str, int] | None = None

    def of(self, event: str, facts: Mapping[str, object], at: datetime) -> list[Moment]:
        """The hooks to call for this event, in their order."""
        term = facts.get("term")
        if not isinstance(term, int):
            return []
        match event:
            case "lead.acquired":
                self._fence = str(facts.get("fence") or "")
                started = Moment(self._me, "started", term, self._fence, self._me, at)
                return [started, *self._new_leader(self._me, term, at)]
            case "lead.released" | "lead.lost":
                return [Moment(self._me, "stopped", term, self._fence, self._me, at)]
            case "lead.observed" | "lead.standby":
                return self._new_leader(str(facts.get("leader") or ""), term, at)
        return []

    def _new_leader(self, leader: str, term: int, at: datetime) -> list[Moment]:
        if (leader, term) == self._leader:
            return []
        self._leader = leader, term
        return [Moment(self._me, "new_leader", term, self._fence if leader == self._me else "", leader, at)]


def order_of(moment: Moment, action: HookAction, number: int) -> RunOrder:
    """The order to call a hook: a run of its own kind, which no other replica has, told the moment besides."""
    tick, name = instant_text(moment.at), f"hook-{moment.hook.replace('_', '-')}"
    return RunOrder(
        key=f"{moment.hook}#{number}",
        job=name,
        run=run_id(name, f"{tick}-{moment.replica}"),
        tick=tick,
        attempt=1,
        term=moment.term,
        fence=moment.fence,
        action=_told(action, {"Hook": moment.hook, "Holder": moment.holder}),
        timeout_s=TIMEOUT_S,
        exclusive=False,
    )


def _told(action: HookAction, facts: Mapping[str, str]) -> HookAction:
    if isinstance(action, HttpAction):
        return replace(
            action, headers={**action.headers, **{f"Leasebeat-{name}": fact for name, fact in facts.items()}}
        )
    return replace(action, env={**action.env, **{f"LEASEBEAT_{name.upper()}": fact for name, fact in facts.items()}})

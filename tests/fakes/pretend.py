"""The alarm and the runners of the pretended world: they keep the real ones' promises and do nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from scheduler.core.job import JobTable
from scheduler.core.ports import RunEnded, RunNews, RunOrder, RunStarted
from scheduler.running.alarm import TableTrigger

if TYPE_CHECKING:
    from fakes.world import Replica

RUN_S = 0.02


class PretendBell:
    """APScheduler's part: asks the real trigger when to wake next, and rings once for all that it slept through."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._trigger: TableTrigger | None = None

    def arm(self, table: JobTable, now: datetime) -> None:
        self._trigger = TableTrigger(table, now, self._replica.dispatch.ahead_of)
        self._sleep(self._trigger, None)

    def disarm(self) -> None:
        self._trigger = None

    def _sleep(self, trigger: TableTrigger, previous: datetime | None) -> None:
        now = self._replica.wall()
        fires = trigger.get_next_fire_time(previous, now)
        in_s = (fires - now).total_seconds()
        self._replica.world.in_s(in_s, lambda: self._replica.gets(lambda: self._wake(trigger, fires)))

    def _wake(self, trigger: TableTrigger, fired: datetime) -> None:
        if trigger is self._trigger:
            self._sleep(trigger, fired)
            self._replica.dispatch.ring(trigger.take())


class PretendRunner:
    """Starts nothing but a line in the world's history. Its gate and deadlines are the supervisor's, so they outlive a
    frozen replica, which hears of what happened when it is thawed.

    A run takes `spawn_s` to reach its first statement and then the job's `duration_s`; a job in `fails` fails. Frozen
    with its replica, as a container is as a whole, nothing of it moves, and its deadlines are kept as it is thawed.
    """

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._gate_until = 0.0
        self._exclusive_until = 0.0
        self._ends_at: dict[str, float] = {}
        self._frozen_at: float | None = None
        self._on_thaw: list[Callable[[], None]] = []
        self.alive: dict[str, RunOrder] = {}
        self.spawn_s = 0.0
        self.duration_s: dict[str, float] = {}
        self.fails: set[str] = set()

    # -- the Runner port

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        self._gate_until, self._exclusive_until = gate_until, exclusive_until
        self._replica.world.at(exclusive_until, lambda: self._once_thawed(lambda: self._deadline(exclusive_until)))

    def start(self, order: RunOrder) -> None:
        self.alive[order.key] = order
        if self.spawn_s:
            self._in_s(self.spawn_s, lambda: self._begin(order))
        else:
            self._begin(order)

    def kill(self, key: str) -> None:
        order = self.alive.get(key)
        if order and order.action.killable:
            self._end(order, "killed")

    def kill_exclusive(self) -> None:
        self._gate_until = 0.0
        for key, order in list(self.alive.items()):
            if order.exclusive:
                self.kill(key)

    def close(self) -> None:
        self.die()

    # -- what happens in its own processes

    def die(self) -> None:
        for order in list(self.alive.values()):
            self._end(order, "died")

    def freeze(self) -> None:
        """Everything of it stands still, not only the replica's own process."""
        if self._frozen_at is None:
            self._frozen_at = self._replica.world.now

    def thaw(self) -> None:
        """Go on: the supervisor first, which finds its deadlines passed, and then what is left of the runs."""
        if self._frozen_at is None:
            return
        if self._replica.world.now >= self._exclusive_until:
            self.kill_exclusive()
        stood_still_s, self._frozen_at = self._replica.world.now - self._frozen_at, None
        for key, ends_at in self._ends_at.items():
            if key in self.alive:
                self._end_at(self.alive[key], ends_at + stood_still_s)
        missed, self._on_thaw = self._on_thaw, []
        for event in missed:
            event()

    def _once_thawed(self, event: Callable[[], None]) -> None:
        if self._frozen_at is None:
            event()
        else:
            self._on_thaw.append(event)

    def _in_s(self, seconds: float, event: Callable[[], None]) -> None:
        self._replica.world.in_s(seconds, lambda: self._once_thawed(event))

    def _deadline(self, exclusive_until: float) -> None:
        if exclusive_until == self._exclusive_until:
            self.kill_exclusive()

    def _begin(self, order: RunOrder) -> None:
        if self.alive.get(order.key) is not order:
            return
        if self._replica.world.now >= self._gate_until:
            del self.alive[order.key]
            self._report(RunEnded(order.key, "gate_shut", 0))
            return
        self._replica.world.begins(self._replica.name, order)
        self._report(RunStarted(order.key, self._replica.wall()))
        self._end_at(order, self._replica.world.now + self._takes_s(order))

    def _end_at(self, order: RunOrder, ends_at: float) -> None:
        self._ends_at[order.key] = ends_at
        self._replica.world.at(ends_at, lambda: self._finish(order, ends_at))

    def _finish(self, order: RunOrder, ends_at: float) -> None:
        is_now = self._ends_at.get(order.key) == ends_at and self._frozen_at is None
        if is_now and self.alive.get(order.key) is order:
            self._end(order, self._outcome(order))

    def _end(self, order: RunOrder, outcome: str) -> None:
        del self.alive[order.key]
        self._ends_at.pop(order.key, None)
        stood_still_at = self._frozen_at if outcome in ("killed", "died") else None
        self._replica.world.is_over(self._replica.name, order, outcome, stood_still_at)
        reason = "exit" if outcome == "failed" else None
        self._report(RunEnded(order.key, outcome, round(self._takes_s(order) * 1000), reason))

    def _takes_s(self, order: RunOrder) -> float:
        return min(self._duration_s(order), order.timeout_s or float("inf"))

    def _duration_s(self, order: RunOrder) -> float:
        return self.duration_s.get(order.job, RUN_S)

    def _outcome(self, order: RunOrder) -> str:
        if order.timeout_s is not None and self._duration_s(order) > order.timeout_s:
            return "timed_out"
        return "failed" if order.job in self.fails else "succeeded"

    def _report(self, news: RunNews) -> None:
        self._replica.gets(lambda: self._replica.dispatch.heard(news))

"""The runner of the pretended world: the simulation's, with runs of many kinds, and what freezing does to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scheduler.core.ports import RunOrder
from scheduler.simulation.crew import VirtualRunner

if TYPE_CHECKING:
    from tests.fakes.world import Replica

RUN_S = 0.02


class PretendRunner(VirtualRunner):
    """Starts nothing but a line in the world's history. Its gate and deadlines are the supervisor's, so they outlive a
    frozen replica, which hears of what happened when it is thawed.

    A run takes `spawn_s` to reach its first statement and then the job's `duration_s`; a job in `fails` fails. Frozen
    with its replica, as a container is as a whole, nothing of it moves, and its deadlines are kept as it is thawed.
    """

    _replica: Replica
    takes_s = RUN_S

    def __init__(self, replica: Replica) -> None:
        super().__init__(replica)
        self._frozen_at: float | None = None
        self._on_thaw: list[Callable[[], None]] = []
        self.spawn_s = 0.0
        self.duration_s: dict[str, float] = {}
        self.fails: set[str] = set()

    def _spawn(self, order: RunOrder) -> None:
        if self.spawn_s:
            self._replica.world.in_s(self.spawn_s, lambda: self._once_thawed(lambda: self._begin(order)))
        else:
            self._begin(order)

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

    def _deadline(self, exclusive_until: float) -> None:
        self._once_thawed(lambda: super(PretendRunner, self)._deadline(exclusive_until))

    def _run(self, order: RunOrder) -> None:
        self._replica.world.begins(self._replica.name, order)
        super()._run(order)

    def _finish(self, order: RunOrder, ends_at: float) -> None:
        if self._frozen_at is None:
            super()._finish(order, ends_at)

    def _end(self, order: RunOrder, outcome: str) -> None:
        stood_still_at = self._frozen_at if outcome in ("killed", "died") else None
        self._replica.world.is_over(self._replica.name, order, outcome, stood_still_at)
        super()._end(order, outcome)

    def _duration_s(self, order: RunOrder) -> float:
        return self.duration_s.get(order.job, self.takes_s)

    def _outcome(self, order: RunOrder) -> str:
        outcome = super()._outcome(order)
        return "failed" if outcome == "succeeded" and order.job in self.fails else outcome

"""An answer that takes some milliseconds to make, kept for a while, and made when nothing else is due.

The page of a thousand jobs holds Python's lock for as long as it takes to start a dozen runs. But ticks fall on whole
seconds, so it is made in between; only somebody who asks for the first time, or after a while, is not kept waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from scheduler.core.ports import Clock

KEPT_S = 1.0
LONGER_AT_A_TICK_S = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """When something may be made anew.

    `quiet` are the microseconds of a second by which runs have started and the next ones have not yet. It is kept for
    a second, or for `costs` times as long as it took to make, and close to a tick for a second more.
    """

    quiet: range
    costs: int = 0


class Kept(Generic[T]):
    """Something made at a certain pace, unless what `state` says has changed; for one thread."""

    def __init__(self, make: Callable[[], T], clock: Clock, state: Callable[[], object], pace: Pace) -> None:
        self._make = make
        self._clock = clock
        self._state = state
        self._pace = pace
        self._kept: tuple[float, object, T] | None = None

    def __call__(self) -> T:
        """It, as old as the pace allows at most."""
        began, state = self._clock.boot(), self._state()
        if self._kept and self._kept[1] == state and began < self._kept[0] + self._longer_s():
            return self._kept[2]
        made = self._make()
        until = began + max(KEPT_S, self._pace.costs * (self._clock.boot() - began))
        self._kept = (until, state, made)
        return made

    def _longer_s(self) -> float:
        """How many seconds more than usual it will do at this moment."""
        return 0.0 if self._clock.wall().microsecond in self._pace.quiet else LONGER_AT_A_TICK_S

"""An answer that takes some milliseconds to make, kept for a while, and made when nothing else is due.

The page of a thousand jobs holds Python's lock for as long as it takes to start a dozen runs. But ticks fall on whole
seconds, so it is made in between; only somebody who asks for the first time, or after a while, is not kept waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from scheduler.core.ports import Clock

KEPT_S = 1.0
AT_MOST_S = 2.0
QUIET = range(200_000, 900_000)  # microseconds of a second: runs have started by then, and the next ones have not yet

T = TypeVar("T")


class Kept(Generic[T]):
    """Something made at most once a second, unless what `state` says has changed; for one thread."""

    def __init__(self, make: Callable[[], T], clock: Clock, state: Callable[[], object] = lambda: None) -> None:
        self._make = make
        self._clock = clock
        self._state = state
        self._kept: tuple[float, object, T] | None = None

    def __call__(self) -> T:
        """It, at most two seconds old."""
        now, state = self._clock.boot(), self._state()
        if self._kept and self._kept[1] == state and self._is_good(now - self._kept[0]):
            return self._kept[2]
        made = self._make()
        self._kept = (now, state, made)
        return made

    def _is_good(self, age_s: float) -> bool:
        return age_s < KEPT_S or (age_s < AT_MOST_S and self._clock.wall().microsecond not in QUIET)

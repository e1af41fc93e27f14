"""What the leader measures of itself: does its alarm live, was its clock set, how far ahead of a tick must it claim."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from scheduler.core.claims.planning import LONGEST_AUTO_AHEAD

CLOCK_STEP_S = 1.0
REMEMBERED_WRITES = 16
SLOWER_THAN_MEASURED = 2  # times as long as the slowest write of late
MARGIN = timedelta(milliseconds=20)


class Pulse:
    """Whether the alarm, which rings every second, has rung within `patience_s` while somebody was there to hear it.

    A process that was stopped has not watched: the time between two questions counts for no more than `patience_s / 2`,
    the longest that a leader waits from one renewal to the next.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._armed = False
        self._asked_at = 0.0
        self._silent_s = 0.0
        self._wall_ahead_s: float | None = None

    def beat(self, *, armed: bool = True) -> None:
        """The alarm rang, or was armed or disarmed just now."""
        self._armed, self._silent_s = armed, 0.0

    def lives(self, now: float) -> bool:
        """Ask whether it does."""
        self._silent_s += max(0.0, min(now - self._asked_at, self._patience_s / 2))
        self._asked_at = now
        return not self._armed or self._silent_s <= self._patience_s

    def clock_step_ms(self, now: float, wall: datetime) -> int:
        """By how much the wall clock was set since the last call; 0 for what is no more than drift."""
        ahead_s = wall.timestamp() - now
        step_s = 0.0 if self._wall_ahead_s is None else ahead_s - self._wall_ahead_s
        self._wall_ahead_s = ahead_s
        return round(step_s * 1000) if abs(step_s) > CLOCK_STEP_S else 0


class ClaimTime:
    """How long claims take of late, from the plan to the store's answer, and so how far ahead they are best made."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = min(longest, LONGEST_AUTO_AHEAD)
        self._took: deque[timedelta] = deque(maxlen=REMEMBERED_WRITES)

    def note(self, took_s: float) -> None:
        """A plan was accepted after so many seconds."""
        self._took.append(timedelta(seconds=took_s))

    @property
    def ahead(self) -> timedelta:
        """How long before its tick a claim should be made; the longest allowed while nothing is known."""
        if not self._took:
            return self._longest
        return min(self._longest, SLOWER_THAN_MEASURED * max(self._took) + MARGIN)

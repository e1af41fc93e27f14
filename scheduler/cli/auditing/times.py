"""When logs have lines at all: what is missing in the midst of nothing may be missing because the log is."""

from __future__ import annotations

import math
from bisect import bisect_left

_MINUTE = 60


class LineTimes:
    """The first and the last line of each minute that has any; times are Unix seconds."""

    def __init__(self) -> None:
        self._minutes: dict[int, list[float]] = {}
        self._begin = self._end = math.inf
        self._now: list[float] = []

    def note(self, at: float) -> None:
        """There is a line of this time."""
        if not self._begin <= at < self._end:
            minute = int(at // _MINUTE)
            self._begin, self._end = minute * _MINUTE, (minute + 1) * _MINUTE
            self._now = self._minutes.setdefault(minute, [at, at])
        if at > self._now[1]:
            self._now[1] = at
        elif at < self._now[0]:
            self._now[0] = at

    @property
    def first(self) -> float:
        """The time of the first line; infinity without any."""
        return self._minutes[min(self._minutes)][0] if self._minutes else math.inf

    @property
    def last(self) -> float:
        """The time of the last line; minus infinity without any."""
        return self._minutes[max(self._minutes)][1] if self._minutes else -math.inf

    def silence_around(self, since: float, until: float) -> tuple[float, float] | None:
        """The last line before and the first one after a time from `since` to `until` without any line at all.

        None if there is a line in it, or none on either side, or if that is no more than a minute: of what is between
        the first and the last line of one minute, nothing is known.
        """
        lines = sorted(at for span in self._minutes.values() for at in span)
        before, after = bisect_left(lines, since), bisect_left(lines, until)
        if before != after or not 0 < before < len(lines):
            return None
        last, first = lines[before - 1], lines[before]
        return (last, first) if first - last > _MINUTE else None

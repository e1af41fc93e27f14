"""Which jobs are paused where logs end: their ticks are settled once an hour, and have no line until then.

A pause is known by the line of the command, by a new leader's line about the job's schedule, or, where the logs begin
later, by the lines of the ticks that it skipped. Times are Unix seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Steer(NamedTuple):
    """At this time a pause began, to last `until` then or for ever; or, where that is None, a pause ended."""

    at: float
    until: float | None


@dataclass(slots=True)
class Pauses:
    """The last that was heard of each job, of all jobs together under None, and the last tick that a pause skipped."""

    steered: dict[str | None, Steer] = field(default_factory=dict)
    skipped: dict[str, float] = field(default_factory=dict)

    def hear(self, job: str | None, steer: Steer) -> None:
        """Note a pause or its end, in whatever order the logs are read."""
        if job not in self.steered or steer.at >= self.steered[job].at:
            self.steered[job] = steer

    def skip(self, job: str, tick: float) -> None:
        """Note that a pause skipped this tick."""
        self.skipped[job] = max(tick, self.skipped.get(job, tick))

    def until(self, job: str) -> float | None:
        """Before when the job's ticks are those of a pause that nothing in the logs has ended; None without one."""
        last = max(self._heard(job), default=None, key=lambda steer: steer.at)
        if last and last.until is not None:
            return last.until
        skipped = self.skipped.get(job)
        return math.inf if skipped is not None and (last is None or skipped > last.at) else None

    def _heard(self, job: str) -> Iterable[Steer]:
        return (self.steered[name] for name in (job, None) if name in self.steered)

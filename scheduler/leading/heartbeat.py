"""Whether the campaign's loop still turns, by its own word: before it waits or asks, it says how long that may take.

A liveness probe is told, and the kubelet kills a replica that fails it, running jobs and all. So this is slow to judge:
nothing about the election depends on it, for a leader that is stuck loses its lead after a lease duration whether
anybody kills it or not. It is only there to bring a replica back that would never come back by itself.

- It never looks at the store. A request ends at its own deadline, answered or not, and then the loop turns again: an
  API server that is away for an hour leaves every replica alive.
- A process that was frozen, or whose machine slept, gets time to turn after it has woken. The time between two
  questions counts for no more than `LONGEST_GAP_S`, because nobody knows whether this process ran meanwhile. And what
  was under way may take its whole length once more: CLOCK_MONOTONIC, which timers go by, stands still during sleep.
- A turn that fails is a turn. What makes it fail is in the log, and most likely in the Lease, where the same process
  would find it again after a restart.

Other threads are not asked. Without its watch a standby is as slow as one that may not watch, and a leader misses
nothing. The alarm has a pulse of its own, and a leader that does not hear it gives up the lead (`running/pulse.py`).
The health server's own thread is judged by the probe's timeout.
"""

from __future__ import annotations

MARGIN_S = 30.0  # longer than any turn takes, the start of a supervisor and a plan for a full table included
LONGEST_GAP_S = 10.0  # the kubelet's default period between two probes


class Heartbeat:
    """Kept by the loop with `turns_within`, read by one other thread with `late_s` and `is_lost`; boot seconds."""

    def __init__(self) -> None:
        self._promise: tuple[float, float] | None = None  # when the loop turns at the latest, and what it may be late
        self._judged: tuple[float, float] | None = None
        self._late_s = 0.0
        self._asked_at = float("-inf")

    def turns_within(self, now: float, length_s: float) -> None:
        """The loop begins something that may take this long, and turns again then."""
        self._promise = (now + length_s, length_s + MARGIN_S)

    def rests(self) -> None:
        """The loop has ended as it should, and will not turn again."""
        self._promise = None

    def late_s(self, now: float) -> float:
        """How long the loop is overdue, as far as this process was awake to see it; 0 if it is not too late."""
        promise, gap_s = self._promise, min(now - self._asked_at, LONGEST_GAP_S)
        self._asked_at = now
        if promise is not self._judged:
            self._judged, self._late_s = promise, 0.0
        if promise is None:
            return 0.0
        due, patience_s = promise
        self._late_s += max(0.0, min(gap_s, now - due))
        return self._late_s if self._late_s > patience_s else 0.0

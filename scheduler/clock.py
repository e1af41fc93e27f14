"""The two clocks of this machine, and the only place that reads them.

Everything else is handed times, so that tests decide what time it is and no rule can mix up the two kinds (see the head
of core/ports.py). *Boot* seconds must go on while the machine sleeps: a laptop that wakes after an hour has to find its
trust in the lead long run out. Linux counts that way with CLOCK_BOOTTIME and macOS with CLOCK_MONOTONIC; elsewhere
no such clock is known to us, and a clock that stops while the machine sleeps would let two replicas lead.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

from scheduler.core.errors import LeasebeatError


class SystemClock:
    """The real clocks, as the `Clock` port asks for them. Raises `LeasebeatError` where no boot clock is known."""

    def __init__(self) -> None:
        self._boot = boot_clock(sys.platform)

    def boot(self) -> float:
        """Seconds since boot, the time asleep included."""
        return time.clock_gettime(self._boot)

    def wall(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this file is the one that may


def boot_clock(platform: str) -> int:
    """The number of the clock that counts sleep on `platform` (a `sys.platform`).

    Raises `LeasebeatError` for a platform on which we know none.
    """
    if platform == "linux":
        return time.CLOCK_BOOTTIME
    if platform == "darwin":
        return time.CLOCK_MONOTONIC
    message = f"leasebeat runs on Linux and macOS, not on {platform}: no clock is known there that counts sleep"
    raise LeasebeatError(message)

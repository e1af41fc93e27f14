"""The two clocks, as the supervisor and its children read them.

The rest of the program asks the Clock port. These processes cannot be handed one: the deadline must be kept while the
leader is frozen, and the gate is only worth something if it is asked in the very process that would do the work.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

# Boot seconds cross from the leader to these processes, so this must be the clock of `scheduler/clock.py`.
_BOOT_CLOCK = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC


def boot_now() -> float:
    """Seconds since boot, sleep included."""
    return time.clock_gettime(_BOOT_CLOCK)


def wall_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - read in the run's own process, see above

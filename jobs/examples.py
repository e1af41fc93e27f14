"""The functions of the example table. They know nothing of leasebeat: a job is an ordinary function."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)


def meter(run: Any) -> None:
    """Take a reading; what the run is about is told to any function that has a parameter named `run`.

    `run.tick` is the time that the run is for, however late it is and however often it is tried. So a reading that was
    missed in a hand-over is entered for its own time, and one that comes twice can be seen to be the same.
    """
    log.debug("reading of %s, attempt %d", run.tick.isoformat(), run.attempt)


def report(region: str) -> None:
    """Write the report of a region; what a job prints becomes a line of the log."""
    print(f"the report of region {region} is written")

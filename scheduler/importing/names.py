"""Job names made from the names of other schedulers: valid, each once, and the same at every import."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 52  # characters of a job's name, as for a CronJob


def job_name(wished: str) -> str:
    """The nearest valid name: a-z, 0-9 and -, at most 52 characters, never empty."""
    fitting = re.sub("[^a-z0-9]+", "-", wished.lower()).strip("-")[:LONGEST].rstrip("-")
    return fitting or "job"


def unique(wished: Iterable[str]) -> list[str]:
    """Valid names, in order; whoever comes later gets a number, so that more entries at the end rename nobody."""
    taken: set[str] = set()
    names = []
    for name in map(job_name, wished):
        free, number = name, 2
        while free in taken:
            tail = f"-{number}"
            free, number = name[: LONGEST - len(tail)].rstrip("-") + tail, number + 1
        taken.add(free)
        names.append(free)
    return names

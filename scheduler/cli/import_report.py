"""What `leasebeat import` says about what it wrote: how much, what it left out and what differs."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.importing.found import Found
from scheduler.importing.writing import job_names

MOST_NAMED = 3  # jobs with one and the same difference


def summary(found: Found, file: str | None) -> Iterator[str]:
    """The lines, the count first."""
    where = f" to {file}" if file else ""
    entries = "entry" if found.total == 1 else "entries"
    left_out = [f"{entry.entry} ({entry.reason})" for entry in found.left_out]
    tail = f"; left out: {left_out[0]}" if len(left_out) == 1 else f"; {len(left_out)} left out" if left_out else ""
    yield f"{len(found.jobs)} of {found.total} {entries} written{where}{tail}"
    if len(left_out) > 1:
        yield from (f"left out: {entry}" for entry in left_out)
    yield from (f"differs: {difference}" for difference in found.differs)
    yield from (f"differs: {_named(names)}: {difference}" for difference, names in _differences(found).items())


def _differences(found: Found) -> dict[str, list[str]]:
    """Each difference with the jobs that have it, in the file's order."""
    jobs_of: dict[str, list[str]] = {}
    for name, job in zip(job_names(found), found.jobs, strict=True):
        for difference in job.differs:
            jobs_of.setdefault(difference, []).append(name)
    return jobs_of


def _named(names: list[str]) -> str:
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_NAMED - 1])} and {len(names) - MOST_NAMED + 1} more"

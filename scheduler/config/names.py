"""The names of the jobs in a file that may be wrong in every other way: for a shell that completes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import yaml

from scheduler.config.text.files import read_source
from scheduler.core.errors import ConfigError
from scheduler.core.job import LIKE_A_JOB


def job_names(path: Path) -> list[str]:
    """What stands below `jobs:` and could be a job's name, up to where the file cannot be read; raises nothing."""
    names: list[str] = []
    # RuntimeError is what becomes of a StopIteration in a generator: the file ends too early.
    with suppress(ConfigError, yaml.YAMLError, RuntimeError):
        events = iter(yaml.parse(read_source(path).text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        for name in _below_jobs(events):
            if LIKE_A_JOB.fullmatch(name):
                names.append(name)  # noqa: PERF401 - those before the mistake are kept
    return names


def _below_jobs(events: Iterator[yaml.Event]) -> Iterator[str]:
    root = next(event for event in events if isinstance(event, yaml.NodeEvent))
    if not isinstance(root, yaml.MappingStartEvent):
        return
    for key, value in _pairs(events):
        if key == "jobs" and isinstance(value, yaml.MappingStartEvent):
            for name, job in _pairs(events):
                yield name
                _skip(events, job)
            return
        _skip(events, value)


def _pairs(events: Iterator[yaml.Event]) -> Iterator[tuple[str, yaml.Event]]:
    """Each key of the map that has begun, and the first event of its value, which is for the caller to take."""
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        _skip(events, key)
        yield key.value if isinstance(key, yaml.ScalarEvent) else "", next(events)


def _skip(events: Iterator[yaml.Event], first: yaml.Event) -> None:
    depth = int(isinstance(first, yaml.CollectionStartEvent))
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)

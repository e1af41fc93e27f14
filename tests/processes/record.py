"""Reads what the jobs of `recorded_jobs.py`, and shell commands that write the same lines, told of themselves.

All times are float seconds since 1970, by the clock of this machine.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scheduler.clock import SystemClock
from tests.processes import recorded_jobs

SHELL = (
    'me="$LEASEBEAT_RUN $LEASEBEAT_ATTEMPT $REPLICA $$"; echo "start $me $(date +%s.%N) -" >> {folder}/record; '
    'echo "succeeded $me $(date +%s.%N) -" >> {folder}/record'
)
"""A command that keeps the record too; to be formatted with the `folder`."""


def now() -> float:
    """This instant, by the clock of this machine."""
    return SystemClock().wall().timestamp()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which an attempt was seen to do something at least every 50 ms."""

    since: float
    until: float


@dataclass(slots=True)
class Lived:
    """One attempt of a run in one process, by its own word.

    `outcome` is `succeeded`, `failed`, or None: then it was cut off, and its last stretch ends with the last thing that
    it did.
    """

    replica: str
    run: str
    attempt: int
    pid: int
    stretches: list[Stretch]
    outcome: str | None = None

    @property
    def started(self) -> float:
        return self.stretches[0].since

    @property
    def ended(self) -> float:
        return self.stretches[-1].until


@dataclass(frozen=True)
class Record:
    """The record in `folder`. Whoever wrote it may still be at it."""

    folder: Path

    def prepare(self) -> None:
        """Put the jobs where a config.yaml of this folder finds them, as the module `recorded_jobs`."""
        self.folder.mkdir(exist_ok=True)
        shutil.copy(recorded_jobs.__file__, self.folder)

    def lived(self) -> list[Lived]:
        """All attempts so far, in the order in which they started."""
        found: list[Lived] = []
        last: dict[tuple[str, ...], Lived] = {}
        for what, run, attempt, replica, pid, at, pulse in self._rows():
            key = (run, attempt, replica, pid)
            if what == "start":
                last[key] = Lived(replica, run, int(attempt), int(pid), self._stretches(float(at), pulse))
                found.append(last[key])
            else:
                one = last[key]
                one.outcome = what
                one.stretches[-1] = Stretch(one.stretches[-1].since, max(one.ended, float(at)))
        return sorted(found, key=lambda one: one.started)

    def _rows(self) -> Iterator[list[str]]:
        path = self.folder / "record"
        text = path.read_text() if path.exists() else ""
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):
                yield line.split()

    def _stretches(self, started: float, pulse: str) -> list[Stretch]:
        path = self.folder / pulse
        numbers = struct.iter_unpack("d", path.read_bytes()) if pulse != "-" and path.exists() else iter(())
        doubles = [number for (number,) in numbers]
        pairs = zip(doubles[1::2], doubles[2::2], strict=False)
        beats = [Stretch(doubles[0] + since, doubles[0] + max(since, until)) for since, until in pairs if since]
        if not beats:
            return [Stretch(started, started)]
        return [Stretch(min(started, beats[0].since), beats[0].until), *beats[1:]]

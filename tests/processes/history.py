"""What jobs did, by their own word: each run appends a line to a file that all replicas share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.processes.replica import ReplicaProcess

JOBS = """
import os, time

def append(run, path, seconds=0.0):
    with open(path, "a") as history:
        history.write(f"start {run.job}@{run.tick:%Y-%m-%dT%H:%M:%SZ} {run.attempt} {run.term} {time.time()}\\n")
        history.flush()
        if seconds:
            time.sleep(seconds)
        history.write(f"end {run.job}@{run.tick:%Y-%m-%dT%H:%M:%SZ} {run.attempt} {run.term} {time.time()}\\n")
"""


@dataclass(frozen=True)
class Deed:
    """One line of the history: a run's first or last statement, at its own clock."""

    what: str
    run: str
    attempt: int
    term: int
    at: float


@dataclass(frozen=True)
class History:
    path: Path

    def deeds(self) -> list[Deed]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        rows = (line.split() for line in lines)
        return [Deed(what, run, int(attempt), int(term), float(at)) for what, run, attempt, term, at in rows]

    def starts(self, job: str) -> list[Deed]:
        return [deed for deed in self.deeds() if deed.what == "start" and deed.run.startswith(job + "@")]

    def doubled(self, job: str) -> list[str]:
        """Attempts that were started more than once."""
        counts = Counter((deed.run, deed.attempt) for deed in self.starts(job))
        return [f"{run}#{attempt}" for (run, attempt), count in counts.items() if count > 1]

    def missing(self, job: str, period_s: int, replicas: Iterable[ReplicaProcess] = ()) -> list[str]:
        """Ticks of an `every` job between its first and its last start that never started.

        But for those that one of `replicas` told it has skipped, because on a busy machine the run before still ran.
        """
        skipped = {str(line["run"]) for replica in replicas for line in replica.said("run.skipped", reason="overlap")}
        ticks = sorted({_tick(deed.run) for deed in self.starts(job)})
        expected, tick = [], ticks[0]
        while tick < ticks[-1]:
            expected.append(tick)
            tick += timedelta(seconds=period_s)
        told = {*ticks, *map(_tick, skipped)}
        return [tick.isoformat() for tick in expected if tick not in told]


def _tick(run: str) -> datetime:
    return datetime.fromisoformat(run.rpartition("@")[2]).astimezone(UTC)

"""What a run costs: a thousand runs of a no-op, one after another and sixteen at a time, in the real supervisor.

    python bench/runs.py [--runs 1000]

`overhead` is from handing the claimed run over to its first statement in its own process, `whole` until its end is
known here. Then the memory of this process and of the supervisor with its workers, and what is left of the runs.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from scheduler.core.actions import Action, PythonAction, ShellAction
from scheduler.core.ports import RunEnded, RunNews, RunOrder, RunStarted
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.running.supervisor.times import boot_now, wall_now

FOR_EVER_S = 3600.0
WARM = 20
ACTIONS: dict[str, Action] = {"python": PythonAction("no_op", "run"), "shell": ShellAction(("true",))}


class Runs:
    """Orders runs, and hears when they began and ended."""

    def __init__(self, folder: Path) -> None:
        (folder / "no_op.py").write_text("def run():\n    pass\n")
        self.begun: dict[str, datetime] = {}
        self.ended: dict[str, float] = {}
        self._over = threading.Condition()
        self.runner = SupervisorRunner(self._hear, str(folder))
        self.runner.open(["no_op"])
        self.runner.trust(boot_now() + FOR_EVER_S, boot_now() + FOR_EVER_S)

    def _hear(self, news: RunNews) -> None:
        if isinstance(news, RunStarted):
            self.begun[news.key] = news.at
        elif isinstance(news, RunEnded):
            assert news.outcome == "succeeded", news
            with self._over:
                self.ended[news.key] = boot_now()
                self._over.notify_all()

    def perform(self, action: Action, count: int, at_once: int) -> tuple[list[float], list[float]]:
        """Milliseconds of overhead and as a whole, of each run."""
        overheads, wholes = [], []
        for first in range(0, count, at_once):
            keys = [f"bench@{datetime.now(UTC).isoformat()}#{first + number}" for number in range(at_once)]
            given: dict[str, tuple[datetime, float]] = {}
            for key in keys:
                given[key] = wall_now(), boot_now()
                self.runner.start(order(key, action))
            with self._over:
                self._over.wait_for(lambda keys=keys: all(key in self.ended for key in keys))
            overheads += [(self.begun[key] - given[key][0]).total_seconds() * 1000 for key in keys]
            wholes += [(self.ended[key] - given[key][1]) * 1000 for key in keys]
        self.begun.clear()
        self.ended.clear()
        return overheads, wholes


def order(key: str, action: Action) -> RunOrder:
    """An order for one run."""
    return RunOrder(key, "bench", key, "2026-11-22T02:15:00Z", 1, 1, "1", action, timeout_s=60.0, exclusive=True)


def below(pid: int) -> list[int]:
    """All processes below this one, by whichever of its threads they were started."""
    lists = (task.joinpath("children").read_text() for task in Path(f"/proc/{pid}/task").iterdir())
    children = [int(child) for children in lists for child in children.split()]
    return [*children, *(each for child in children for each in below(child))]


def resident_mb(pids: list[int]) -> float:
    """What they take together, what they share counted once."""
    found = [re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE) for pid in pids]
    return sum(int(kb) for (kb,) in found) / 1024


def zombies(pids: list[int]) -> int:
    """How many of them are dead and not reaped."""
    return sum(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z" for pid in pids)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    count = parser.parse_args().runs
    print(f"{count} runs each; load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    row = "{:<14} {:>26} {:>26} {:>14} {:>20} {:>8}".format
    print(
        row("", "overhead ms, med/p95/max", "whole ms, med/p95/max", "this process", "supervisor and below", "zombies")
    )
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        for name, action in ACTIONS.items():
            for at_once in (1, 16):
                runs.perform(action, WARM * at_once, at_once)
                before = resident_mb([os.getpid()]), resident_mb(below(os.getpid()))
                overheads, wholes = runs.perform(action, count, at_once)
                everybody = below(os.getpid())
                after = resident_mb([os.getpid()]), resident_mb(everybody)
                grown = [f"{late:.1f} MB ({late - soon:+.1f})" for soon, late in zip(before, after, strict=True)]
                print(row(f"{name} x{at_once}", spread(overheads), spread(wholes), *grown, zombies(everybody)))
        runs.runner.close()


def spread(found: list[float]) -> str:
    """Median, 95th percentile and the most."""
    ordered = sorted(found)
    return f"{statistics.median(ordered):.2f} / {ordered[int(len(ordered) * 0.95)]:.2f} / {ordered[-1]:.2f}"


if __name__ == "__main__":
    main()

"""What `leasebeat check` costs: the example, 10,000 jobs of several kinds, and a file in which nothing is right.

    python bench/check.py

Each row is the best of three runs of the command, from its start to its end: the time on the wall, the processor time
of it and of the process that imports the functions, and the most memory that either had. On a machine that does other
things the wall says little; `busy` is the load per processor while it was measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS = 3
JOBS = 10_000


@dataclass(frozen=True)
class Cost:
    """Of one run of the command: seconds and MiB."""

    wall: float
    processor: float
    memory: float


def mixed() -> Iterator[str]:
    """Every kind of schedule and action, as a table of that size might have them."""
    kinds = (
        "every: 5m, shell: ./sync {}",
        'cron: "H 3 * * *", shell: ./report {}',
        'cron: "{minute} {hour} * * MON-FRI", shell: ./mail {}, timeout: 20m, retries: 2',
        'every: 1h, python: {{call: "jobs.examples:report", kwargs: {{region: eu}}}}',
    )
    for number in range(JOBS):
        yield kinds[number % 4].format(number, minute=number % 60, hour=number % 24)


def crons() -> Iterator[str]:
    """No expression twice, and all of them in local time."""
    for number in range(JOBS):
        yield f'cron: "{number % 60} {number // 60 % 24} {number % 28 + 1} * *", shell: ./report {number}, timeout: 1h'


def wrong() -> Iterator[str]:
    """Three mistakes in each job."""
    for _ in range(JOBS):
        yield "evry: 300, shel: ls, timeout: 300"


def write(folder: Path, jobs: Callable[[], Iterator[str]]) -> Path:
    """The table in a file of its own, beside the example's functions."""
    file = folder / f"{jobs.__name__}.yaml"
    lines = (f"  job-{number}: {{{keys}}}\n" for number, keys in enumerate(jobs()))
    file.write_text("timezone: Europe/Berlin\njobs:\n" + "".join(lines))
    return file


def cost(file: Path) -> Cost:
    """One run of `leasebeat check`, which may find the file wrong."""
    command = [sys.executable, "-m", "scheduler", "check", "-q", "-c", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    _, _, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = 0  # it has been waited for
    divisor = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / divisor)


def main() -> None:
    """Print the table."""
    print(f"{'':32}{'wall':>8}{'cpu':>8}{'memory':>10}{'busy':>7}")
    with tempfile.TemporaryDirectory() as name:
        files = {"the example, 3 jobs": ROOT / "config.yaml"}
        for what, jobs in {"mixed": mixed, "different crons": crons, "all of them wrong": wrong}.items():
            files[f"{JOBS:,} jobs, {what}"] = write(Path(name), jobs)
        for what, file in files.items():
            best = min((cost(file) for _ in range(ROUNDS)), key=lambda each: each.wall)
            busy = os.getloadavg()[0] / (os.cpu_count() or 1)
            print(f"{what:32}{best.wall:>6.2f} s{best.processor:>6.2f} s{best.memory:>6.0f} MiB{busy:>7.1f}")


if __name__ == "__main__":
    main()

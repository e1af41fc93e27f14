"""What `leasebeat simulate` costs, from the command to its last line: a day of 100 jobs, also with a leader killed.

    python bench/simulate.py

The table is a mix as many have it: 3 jobs every minute, 7 every 5 minutes, 10 every 15 minutes, 50 hourly and 30 daily
ones, the latter two spread by `H`. That is 8,526 ticks, with some at each minute of the day. All of it counts, from the
start of the interpreter on; each row is the best of five, in wall time and in seconds of CPU.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CRONS = {"* * * * *": 3, "*/5 * * * *": 7, "*/15 * * * *": 10, "H * * * *": 50, "H H * * *": 30}
DAY = ("--from", "2027-03-28T00:00:00Z", "--for", "1d")  # on which the clocks go forward
KILL = ("--kill-leader-at", "2027-03-28T01:00:00Z")
TIMES = 5


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(_table())
        print(f"{'':<44}{'wall s':>8}{'CPU s':>8}{'lines':>10}")
        rows = {
            "a day of 100 jobs": DAY,
            "the same as JSON": (*DAY, "--json"),
            "the same, and the leader is killed": (*DAY, *KILL),
            "a day of one daily job": (*DAY, "--job", "job-99"),
        }
        for name, arguments in rows.items():
            measured = [_measure(config, arguments) for _ in range(TIMES)]
            took_s, cpu_s = (min(row[column] for row in measured) for column in (0, 1))
            print(f"{name:<44}{took_s:>8.2f}{cpu_s:>8.2f}{measured[0][2]:>10,}")


def _table() -> str:
    crons = [cron for cron, times in CRONS.items() for _ in range(times)]
    jobs = (f'  job-{number}: {{cron: "{cron}", shell: echo}}\n' for number, cron in enumerate(crons))
    return f"timezone: Europe/Berlin\njobs:\n{''.join(jobs)}"


def _measure(config: Path, arguments: tuple[str, ...]) -> tuple[float, float, int]:
    command = [sys.executable, "-m", "scheduler", "simulate", "-c", str(config), *arguments]
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603  # our own
    took_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took_s, cpu_s, output.count(b"\n")


if __name__ == "__main__":
    main()

"""What `leasebeat next -N 10` costs with ten thousand jobs: the whole command, and its parts.

    python bench/next.py

The command is a process of its own, the parts are timed in this one; each is the best of three. It is the processor's
time, which does not depend on what else the machine does. `load` reads and checks the file, `ticks` finds the first ten
instants, `table` writes them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from scheduler.cli.next_table import Coming, table_lines
from scheduler.config.loading import load
from scheduler.core.views.upcoming import upcoming

JOBS = 10_000
INSTANTS = 10
TRIES = 3


@dataclass(frozen=True)
class Case:
    """A kind of table: how the schedule of its n-th job is written."""

    name: str
    schedule: Callable[[Random], str]


def _mixed(dice: Random) -> str:
    daily = f'cron: "{dice.randrange(60)} {dice.randrange(24)} * * *"'
    often = f'cron: "*/{dice.choice([5, 10, 15, 30])} * * * 1-5"'
    return dice.choice([daily, daily, 'cron: "H H * * *"', often, f"every: {dice.choice([1, 5, 15, 60])}m"])


CASES = (
    Case("daily, hourly, every few minutes", _mixed),
    Case("all of them every 5 s", lambda _: "every: 5s"),
    Case("all of them on 29 February", lambda dice: f'cron: "{dice.randrange(60)} 3 29 2 *"'),
)


def _busy() -> float:
    """The processor's time of this process and of those that it has waited for, in seconds."""
    return sum(os.times()[:4])


def _best(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(TRIES):
        began = _busy()
        work()
        spent.append(_busy() - began)
    return min(spent)


def _measured(file: Path) -> tuple[float, float, float, float]:
    """The whole command, load, ticks and table, in seconds."""
    now = datetime.now(UTC)
    command = [sys.executable, "-m", "scheduler", "-c", str(file), "next", "-N", str(INSTANTS)]
    whole = _best(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))  # noqa: S603 - this program
    loading = _best(lambda: load(file, now))
    tables = [load(file, now).table for _ in range(TRIES)]  # schedules remember their last answer: each try has its own

    def ticks() -> None:
        found.append(list(islice(upcoming(tables.pop().jobs.values(), now), INSTANTS)))

    found: list[list[tuple[datetime, list[object]]]] = []
    walking = _best(ticks)
    return whole, loading, walking, _best(lambda: list(table_lines(Coming(found[0], now, now), None)))


def main() -> None:
    """Measure and print the table."""
    print(
        f"{f'{JOBS:,} jobs, {INSTANTS} instants':<34} {'command s':>10} {'load s':>8} {'ticks ms':>9} {'table ms':>9}"
    )
    with TemporaryDirectory() as folder:
        for case in CASES:
            dice, file = Random(1), Path(folder) / "config.yaml"  # noqa: S311 - schedules, not secrets
            jobs = "".join(f"  job-{n}: {{{case.schedule(dice)}, shell: 'true'}}\n" for n in range(JOBS))
            file.write_text(f"timezone: Europe/Berlin\njobs:\n{jobs}")
            whole, loading, walking, table = _measured(file)
            print(f"{case.name:<34} {whole:>10.2f} {loading:>8.2f} {walking * 1e3:>9.0f} {table * 1e3:>9.0f}")


if __name__ == "__main__":
    main()

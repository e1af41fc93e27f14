"""How fast the simulation is that `make weather` and the tests are made of: simulated time and ticks per second of CPU.

Three lines: a quiet day of a hundred jobs, a quiet hour of a hundred busy ones, and an hour of bad weather over sixty.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.fakes.tables import every, table
from tests.fakes.world import World
from tests.weather.story import tell
from tests.weather.weather import Climate

MINUTES = (5, 10, 15, 30, 60)
SECONDS = (5, 10, 15, 30, 60)


def quiet(hours: float, periods_s: tuple[int, ...]) -> Callable[[], int]:
    """A leader and two standbys over 100 jobs, and nothing happens to them."""

    def run() -> int:
        world = World()
        jobs = [every(f"job-{number}", periods_s[number % len(periods_s)]) for number in range(100)]
        for name in ("a", "b", "c"):
            world.replica(name, table(*jobs), max_parallel=100)
        world.run_for(hours * 3600)
        return len(world.starts)

    return run


def stormy(hours: float) -> Callable[[], int]:
    """Stories of bad weather, judged."""

    def run() -> int:
        climate = Climate(minutes=15.0, sizes=(60,))
        return sum(tell(seed, climate).ticks for seed in range(1, 1 + round(hours * 4)))

    return run


def main() -> None:
    """Measure and print."""
    print(f"{'':<44}{'CPU s':>8}{'ticks':>10}{'ticks/s':>10}{'times real time':>18}")
    rows = [
        ("a quiet day of 100 jobs, 5 to 60 min apart", 24.0, quiet(24.0, tuple(60 * period for period in MINUTES))),
        ("a quiet hour of 100 jobs, 5 to 60 s apart", 1.0, quiet(1.0, SECONDS)),
        ("an hour of bad weather over 60 jobs, judged", 1.0, stormy(1.0)),
    ]
    for name, hours, run in rows:
        began = time.process_time()
        ticks = run()
        took_s = time.process_time() - began
        print(f"{name:<44}{took_s:>8.1f}{ticks:>10,}{ticks / took_s:>10,.0f}{hours * 3600 / took_s:>18,.0f}")


if __name__ == "__main__":
    main()

"""`make weather`: bad weather over a million ticks, or as many simulated hours as are asked for, and what a judge says.

    python -m tests.weather                        a million ticks from a seed that nobody knows yet
    python -m tests.weather --seed 7 --hours 100   the stories 7, 8, 9, ... of a quarter of an hour each
    python -m tests.weather --seed 7 --hours 0.25  that one story again

Each story follows from its own seed, so whatever the judge objects to can be told again by itself.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count

from tests.weather.story import USUAL, Verdict, tell

MILLION = 1_000_000


def main() -> int:
    """Tell stories until there were enough ticks or hours; 1 when the judge objects to any."""
    options = _options()
    began = time.perf_counter()
    ticks, blows, events = 0, Counter[str](), Counter[str]()
    stories = objections = 0
    _say(f"weather: from seed {options.seed} on, {USUAL.minutes:g} minutes a story")
    for verdict in _verdicts(options.seed, options.jobs):
        stories, ticks = stories + 1, ticks + verdict.ticks
        blows, events = blows + verdict.blows, events + verdict.events
        objections += len(verdict.objections)
        if verdict.objections:
            _say(f"\n{verdict.text}\n\ntell it again: make weather SEED={verdict.seed} HOURS={verdict.minutes / 60:g}")
        hours = stories * USUAL.minutes / 60
        if (hours >= options.hours) if options.hours else ticks >= MILLION:
            break
        _show_progress(f"{ticks:,} ticks, {hours:g} h, {objections} objections")
    took_s = time.perf_counter() - began
    _say(f"\r{stories} stories, {hours:g} simulated hours in {took_s:.0f} s: {ticks:,} ticks")
    _say(f"take-overs: {events['lead.acquired']:,}; lapses: {events['lead.suspended']:,}")
    _say(f"what was done: {', '.join(f'{name} {times:,}' for name, times in sorted(blows.items()))}")
    _say(f"objections: {objections}")
    return 1 if objections else 0


def _verdicts(seed: int, jobs: int) -> Iterator[Verdict]:
    """Of one story after another, in their order, a few of them told at a time."""
    with ProcessPoolExecutor(jobs) as pool:
        seeds = count(seed)
        waiting = [pool.submit(_one, next(seeds)) for _ in range(2 * jobs)]
        try:
            while True:
                yield waiting.pop(0).result()
                waiting.append(pool.submit(_one, next(seeds)))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _one(seed: int) -> Verdict:
    return tell(seed, USUAL)


def _show_progress(text: str) -> None:
    if sys.stdout.isatty():
        _say(f"\r{text}", end="")


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make weather", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="of the first story")
    parser.add_argument("--hours", type=float, default=0.0, help="simulated hours in all (default: a million ticks)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="stories told at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""How long a new user waits after `helm install`, and how long an every-second job is silent during a rolling upgrade.

    LEASEBEAT_TEST_IMAGE=localhost/leasebeat:test python bench/rollout.py [--upgrades 5]

On the cluster of KUBECONFIG, whose node has the image, with the default timings (15 s, 10 s, 2 s) and three replicas.
Install: from the start of `helm install` to the time of the first `run.succeeded` of an every-5-seconds job. Upgrade:
the longest time between the starts of two successive runs of an every-second job, from `helm upgrade` to the last new
pod, beside that of some calm seconds just before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scheduler.clock import SystemClock
from tests.node.beat import Beat
from tests.processes.cluster import a_namespace

CALM_RUNS = 20
CLOCK = SystemClock()


def main() -> None:
    """Install, upgrade so many times, and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrades", type=int, default=5)
    upgrades = parser.parse_args().upgrades
    with tempfile.TemporaryDirectory() as folder, a_namespace(Path(folder)) as namespace:
        beat = Beat(namespace, os.environ["LEASEBEAT_TEST_IMAGE"], Path(folder))
        beat.logs.start()
        try:
            print(f"helm install to the first run.succeeded: {_install(beat):.1f} s")
            calm, rolling = zip(*[_upgrade(beat, number) for number in range(1, upgrades + 1)], strict=True)
            print(f"longest silence, nothing happening: {_told(calm)}")
            print(f"longest silence, rolling upgrade:   {_told(rolling)}")
        finally:
            beat.logs.close()


def _table(number: int) -> dict[str, object]:
    jobs = {
        "meter": {"every": "1s", "python": "own_jobs:meter"},
        "hello": {"every": "5s", "shell": "echo hello"},
        "changing": {"every": f"{number + 10}s", "shell": "echo changed"},
    }
    return {"logging": {"format": "json", "level": "debug"}, "jobs": jobs}


def _install(beat: Beat) -> float:
    """Seconds to the first success; all pods are ready when it returns."""
    began = CLOCK.wall()
    beat.deploy("install", _table(0))
    beat.until(lambda: bool(beat.succeeded("hello")), "the first run")
    beat.until(beat.settled, "three ready pods")
    return (_time(beat.succeeded("hello")[0]["timestamp"]) - began).total_seconds()


def _upgrade(beat: Beat, number: int) -> tuple[float, float]:
    """The longest silence before an upgrade, and during it, in seconds."""
    beat.wait_for_runs("meter", CALM_RUNS)
    began, known = CLOCK.wall(), _hashes(beat)
    beat.deploy("upgrade", _table(number))
    beat.until(lambda: bool(_hashes(beat) - known), "the new table")
    new = (_hashes(beat) - known).pop()
    beat.until(lambda: beat.settled(new), "three new pods")
    beat.wait_for_runs("meter")
    return _silence(beat, began - timedelta(seconds=CALM_RUNS), began), _silence(beat, began, CLOCK.wall())


def _hashes(beat: Beat) -> set[str]:
    return {str(line["hash"]) for line in beat.logs.lines("config.loaded")}


def _silence(beat: Beat, since: datetime, until: datetime) -> float:
    starts = [_time(line["timestamp"]) for line in beat.logs.lines("run.started", job="meter")]
    shown = [start for start in starts if since <= start <= until]
    return max((later - earlier).total_seconds() for earlier, later in pairwise(shown))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _told(silences: Sequence[float]) -> str:
    return f"median {statistics.median(silences):.2f} s, longest {max(silences):.2f} s of {len(silences)}"


if __name__ == "__main__":
    main()

"""What planning costs: after a week without a leader, with ten thousand jobs, and through a day of simulated time.

    python bench/planning.py

Each row is the best of five, in one process and without a store; the annotation is the one that the plan would write.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scheduler.core.actions import ShellAction
from scheduler.core.claims.plan import missed, plan
from scheduler.core.claims.planning import Situation
from scheduler.core.job import Job, JobTable, Schedule
from scheduler.core.ledger import Ledger, WriteId, decode, encode, first_ledger
from scheduler.core.schedule import CronSchedule, EverySchedule
from scheduler.running.trigger import TableTrigger

NOW = datetime(2026, 11, 23, 12, 0, 0, 500_000, tzinfo=UTC)
AHEAD = timedelta(milliseconds=500)


@dataclass(frozen=True)
class Case:
    """So many jobs of one kind, and for how long nobody led."""

    name: str
    jobs: int
    schedule: Callable[[str], Schedule]
    away: timedelta


def every_minute(_name: str) -> Schedule:
    """All at the same instant."""
    return EverySchedule(60)


def spread_over_the_hour(name: str) -> Schedule:
    """Each at a minute of its own, by the hash of its name."""
    return CronSchedule("H * * * *", "Europe/Berlin", name)


CASES = (
    Case("1,000 minute jobs, 7 days away", 1_000, every_minute, timedelta(days=7)),
    Case(
        "1,000 cron minute jobs, 7 days away", 1_000, lambda name: CronSchedule("* * * * *", "UTC", name), timedelta(7)
    ),
    Case("10,000 hourly jobs, 16 s away", 10_000, spread_over_the_hour, timedelta(seconds=16)),
    Case("10,000 minute jobs, 60 s away", 10_000, every_minute, timedelta(seconds=60)),
)


def _table(case: Case) -> JobTable:
    names = [f"job-{number}" for number in range(case.jobs)]
    jobs = {name: Job(name, case.schedule(name), "UTC", ShellAction("true")) for name in names}
    return JobTable(jobs, NOW - timedelta(days=30))


def _take_over(text: str, table: JobTable) -> tuple[Ledger, float, float]:
    """What a new leader does from the ledger's text to the armed alarm: the next ledger, plan and total seconds."""
    began = time.perf_counter()
    found = decode(text)
    missed(found, table, NOW)
    ahead = {"ahead": AHEAD, "longest_ahead": AHEAD}
    planning = time.perf_counter()
    made = plan(found, Situation(table, "me", NOW, NOW, 16, {}, first_of_term=True, **ahead))
    planned = time.perf_counter()
    encode(made.ledger)
    TableTrigger(table, NOW, lambda _job: AHEAD)
    return made.ledger, planned - planning, time.perf_counter() - began


def main() -> None:
    """Measure and print the table."""
    print(f"{'':<38} {'plan ms':>8} {'take-over to armed ms':>22} {'annotation KiB':>15}")
    for case in CASES:
        table = _table(case)
        text = encode(first_ledger(WriteId(1, "before"), 0, table.known, NOW - case.away))
        tries = [_take_over(text, table) for _ in range(5)]
        plan_s, total_s = min(one[1] for one in tries), min(one[2] for one in tries)
        size = len(encode(tries[0][0]).encode()) / 1024
        print(f"{case.name:<38} {plan_s * 1e3:>8.1f} {total_s * 1e3:>22.1f} {size:>15.1f}")


if __name__ == "__main__":
    main()

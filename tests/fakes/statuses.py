"""One replica to be looked at: a table, what is known of the Lease, what the log said, and a clock, all as a test says.

`mock_up` is the page that the documentation draws: five jobs at 20:41:06 in Berlin, in the fifth hour of term 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.core.actions import ShellAction
from scheduler.core.job import Job, JobTable, Policy, Schedule, instant_text
from scheduler.core.ledger import Ledger, OpenRun, WriteId
from scheduler.core.notes.commands import Pause, with_pauses
from scheduler.core.schedule import CronSchedule, EverySchedule
from scheduler.core.views.outlook import Outlook
from scheduler.telling.health_http import Routes
from scheduler.telling.page.history import History
from scheduler.telling.page.overview import Identity
from scheduler.telling.page.routes import status_routes
from scheduler.telling.page.status import Status

NOW = datetime(2026, 11, 22, 19, 41, 6, 500_000, tzinfo=UTC)
BERLIN = "Europe/Berlin"
ME, OTHER = "beat-leasebeat-6d5f9c7b8-x2k4q", "beat-leasebeat-6d5f9c7b8-p9v7t"
PRIVATE = "hunter2"
SHELL = ShellAction(f"curl -H 'Authorization: {PRIVATE}' https://x", env={"TOKEN": PRIVATE})


class SetClock:
    """Both clocks, which a test moves together."""

    def __init__(self) -> None:
        self.passed = 0.0

    def boot(self) -> float:
        return 1000.0 + self.passed

    def wall(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)


def job(name: str, schedule: Schedule | None = None, *, enabled: bool = True, **policy: Any) -> Job:
    return Job(name, schedule, BERLIN, SHELL, Policy(**policy), enabled=enabled)


def cron(name: str, expression: str, **policy: Any) -> Job:
    return job(name, CronSchedule(expression, BERLIN, name), **policy)


def every(name: str, seconds: int, offset: int = 0, **policy: Any) -> Job:
    return job(name, EverySchedule(seconds, offset), **policy)


def ledger(*runs: OpenRun, settled: datetime = NOW) -> Ledger:
    return Ledger(WriteId(1, "mine"), settled=settled.replace(microsecond=0), open=runs)


LEADING = Outlook(
    leader=ME, leads=True, proven=True, term=7, since="2026-11-22T14:03:11.000000Z", alive_at=998.5, ledger=ledger()
)
FOLLOWING = replace(LEADING, leader=OTHER, leads=False, proven=False)


@dataclass
class Looked:
    """The replica: what it knows may be replaced, and its log goes on by `told`."""

    jobs: list[Job]
    outlook: Outlook = LEADING
    page: bool = True
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        table = JobTable({job.name: job for job in self.jobs}, NOW - timedelta(hours=9))
        # As a leader's first write does: what is known has no past before that.
        self.outlook = replace(
            self.outlook, ledger=self.outlook.ledger and replace(self.outlook.ledger, known=table.known)
        )
        self.history = History(table.jobs)
        store = "kubernetes:ops/beat-leasebeat"
        me = Identity(ME, "0.1.0", store, "beat-leasebeat", (15, 10, 2), "9f2c41d0", table)
        self.status = Status(me, lambda: self.outlook, self.history, self.clock)
        self.routes: Routes = status_routes(self.status, self.clock, page=self.page)

    def told(self, event: str, ago_s: float = 0, **facts: object) -> None:
        self.history.heard(event, facts, self.clock.wall() - timedelta(seconds=ago_s))

    def ran(self, job: str, outcome: str, ago_s: float = 0, **facts: object) -> None:
        """A final line, or another line about a run, of the tick that long ago."""
        tick = instant_text(self.clock.wall() - timedelta(seconds=ago_s))
        common = {"job": job, "run": f"{job}@{tick}", "tick": tick, "attempt": 1, "term": 7, "reason": None}
        self.told(f"run.{outcome}", ago_s, **common | facts)

    def body(self, path: str = "/") -> str:
        return self.routes[path]().body.decode()


def mock_up(outlook: Outlook = LEADING) -> Looked:
    """The documented page."""
    pauses = {"trial-mails": Pause(NOW, datetime(2027, 1, 14, 23, tzinfo=UTC), "vendor outage")}
    rebuild = OpenRun("rebuild", "2026-11-22T01:00:00Z", 2, "mine", "l")
    looked = Looked(
        [
            every("hello", 5),
            every("sync", 900, 120, retries=2),
            cron("nightly-report", "15 3 * * *"),
            cron("rebuild", "0 2 * * SUN"),
            cron("trial-mails", "0 15 * * FRI"),
        ],
        replace(outlook, ledger=ledger(rebuild), notes=with_pauses({}, pauses)),
    )
    tell_mock_up(looked)
    return looked


def tell_mock_up(looked: Looked) -> None:
    hour = 3600
    looked.told("lead.acquired", 5.6 * hour, term=7, fence="4", cause="released", previous=OTHER, gap_ms=204, missed=0)
    for fate in "........":
        _tell(looked, "rebuild", fate, 5 * hour)
    looked.ran("nightly-report", "succeeded", 4 * hour, took_ms=724_000)
    looked.ran("rebuild", "retrying", 4 * hour, run="rebuild@2026-11-22T01:00:00Z", reason="leader_lost")
    looked.ran("trial-mails", "skipped", 3 * hour, reason="paused")
    looked.ran("rebuild", "started", 1.2 * hour, run="rebuild@2026-11-22T01:00:00Z", attempt=2)
    for fate in "...r...s.ff":
        _tell(looked, "sync", fate, 546.5)
    for fate in "...........":
        _tell(looked, "hello", fate, 1.5)


def _tell(looked: Looked, job: str, fate: str, ago_s: float) -> None:
    facts: dict[str, dict[str, object]] = {
        ".": {"took_ms": 5},
        "r": {"took_ms": 5, "attempt": 2},
        "s": {"reason": "overlap", "blocker": f"{job}@2026-11-22T19:00:00Z"},
        "f": {"took_ms": 31_000, "attempt": 3, "reason": "http_status", "error": f"502 {PRIVATE}"},
    }
    outcome = {".": "succeeded", "r": "succeeded", "s": "skipped", "f": "failed"}[fate]
    looked.ran(job, outcome, ago_s, **facts[fate])


def many(count: int) -> Looked:
    """A long table of short and long names, some of whose jobs fail."""
    kinds = (
        lambda i: every(f"poll-{i:03}", 5 + i % 50),
        lambda i: cron(f"nightly-{i:03}", f"{i % 60} {i % 24} * * *"),
        lambda i: cron(f"export-to-a-department-with-a-very-long-name-{i:03}", "H 3 * * MON-FRI"),
        lambda i: every(f"sync-{i:03}", 900, i),
    )
    looked = Looked([kinds[i % len(kinds)](i) for i in range(count)])
    for i, one in enumerate(looked.jobs):
        _tell_many(looked, one.name, (i * 7 + step * 13 for step in range(25)))
    return looked


def _tell_many(looked: Looked, name: str, dice: Iterable[int]) -> None:
    for die in dice:
        _tell(looked, name, "f" if die % 97 < 4 else "s" if die % 97 < 6 else ".", 600)

"""What a job is: a schedule, an action and the policies that decide what happens when things go wrong.

A `JobTable` is what every replica makes of the same config.yaml. Nothing in here depends on the machine, the process or
the time, so equal files give equal tables, equal ticks and equal run ids.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from scheduler.core.actions import Action
from scheduler.core.references import Value

UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
LIKE_A_JOB = re.compile(r"[a-z0-9-]{1,52}")  # what a job's name can be; of anything else no run id is made


class Schedule(Protocol):
    """When a job ticks: a pure function of the schedule's text, its zone and the job's name.

    Ticks are whole seconds in UTC and strictly ascending.
    """

    @property
    def text(self) -> str:
        """The schedule as its definition, such as `cron 15 3 * * *` or `every 300s+60s`; equal text, equal ticks."""

    def after(self, instant: datetime) -> datetime | None:
        """The first tick later than `instant`, or None when there is none any more."""

    def before(self, instant: datetime) -> datetime | None:
        """The last tick earlier than `instant`, or None when there was none."""

    def count(self, after: datetime, until: datetime) -> int:
        """How many ticks are later than `after` and not later than `until`."""


class Overlap(StrEnum):
    """What becomes of a tick that falls due while the job still runs."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"
    ALLOW = "allow"


class CatchUp(StrEnum):
    """Which of the ticks that fell due while no one led are run after all."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class Delivery(StrEnum):
    """Whether a run that was cut off with its leader is started again."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


class Output(StrEnum):
    """What becomes of what a run writes: each line is logged, only the last ones of a failure are, or none is."""

    LOG = "log"
    TAIL = "tail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Notify:
    """Which targets, by name, are told of a job's final lines.

    `on_failure` stands for failed, timed out and interrupted runs, `on_missed` for dropped ticks.
    """

    on_failure: tuple[str, ...] = ()
    on_missed: tuple[str, ...] = ()
    on_success: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """How a job is treated; the defaults are the documented ones.

    `claim_ahead` is None for `auto` (rule 23). `ping` is the URL that is told of each start and end, None for none.
    """

    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LATEST
    catch_up_window: timedelta = timedelta(hours=1)
    max_catch_up: int = 10
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    timeout: timedelta | None = timedelta(hours=1)
    retries: int = 0
    retry_delay: timedelta = timedelta(seconds=10)
    max_interruptions: int = 3
    claim_ahead: timedelta | None = None
    jitter: timedelta = timedelta(0)
    output: Output = Output.LOG
    ping: Value | None = None
    notify: Notify = Notify()


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the table. `schedule` is None for a job that runs only when asked to (`manual: true`)."""

    name: str
    schedule: Schedule | None
    zone: str
    action: Action
    policy: Policy = Policy()
    enabled: bool = True

    @property
    def definition(self) -> str:
        """What makes the job's ticks what they are: name, schedule and zone, but no policy."""
        return f"{self.name}\n{self.schedule.text if self.schedule else 'manual'}\n{self.zone}"

    @property
    def cadence(self) -> tuple[str, str, str]:
        """What decides when the job ticks: jobs of one cadence always tick together."""
        text = self.schedule.text if self.schedule else ""
        return (text, self.zone, self.name if "H" in text else "")

    @property
    def rhythm(self) -> tuple[object, ...]:
        """What decides when the job's ticks may be claimed and fall due: jobs of one rhythm always do so together."""
        policy = self.policy
        spread = self.name if policy.jitter else ""
        return (self.cadence, policy.jitter, spread, policy.claim_ahead, policy.delivery)

    @property
    def exclusive(self) -> bool:
        """Whether the job must never run beside itself."""
        return self.policy.overlap is not Overlap.ALLOW

    def due(self, tick: datetime) -> datetime:
        """When `tick` falls due: later by up to the jitter, by a hash of (job, tick), so equally everywhere."""
        if not self.policy.jitter:
            return tick
        spread_ms = int(self.policy.jitter / timedelta(milliseconds=1))
        digest = hashlib.sha256(run_id(self.name, instant_text(tick)).encode()).digest()
        return tick + timedelta(milliseconds=int.from_bytes(digest[:8], "big") % (spread_ms + 1))


def fingerprint(job: Job) -> str:
    """Six base64url characters, 36 bits of SHA-256, that stand for the job's definition in the ledger."""
    return urlsafe_b64encode(hashlib.sha256(job.definition.encode()).digest()[:6]).decode()[:6]


@dataclass(frozen=True)
class JobTable:
    """The jobs by name, in the file's order, and `loaded_at`, the wall time at which this process first had them.

    `ticking` maps the fingerprint of each definition that ticks, enabled and with a schedule, to its job; two jobs of
    one fingerprint are refused at load. `known` is these fingerprints as the ledger writes them. A disabled job is
    left out, so that enabling it later runs nothing from its past.
    """

    jobs: Mapping[str, Job]
    loaded_at: datetime
    revision: int = 0
    max_parallel: int = 16
    ticking: Mapping[str, Job] = field(init=False)
    known: str = field(init=False)

    def __post_init__(self) -> None:
        ticking = {fingerprint(job): job for job in self.jobs.values() if job.enabled and job.schedule}
        object.__setattr__(self, "ticking", ticking)
        object.__setattr__(self, "known", "".join(ticking))

    def served(self, name: str) -> Job | None:
        """The job of this name, unless there is none or it is disabled."""
        job = self.jobs.get(name)
        return job if job and job.enabled else None


@lru_cache(maxsize=4096)  # a plan for thousands of jobs writes the same few instants again and again
def instant_text(instant: datetime) -> str:
    """An instant as run ids and the ledger write it: `2026-11-22T02:15:00Z`, whole seconds of UTC."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration_text(duration: timedelta) -> str:
    """A duration as config.yaml writes it, exact to the millisecond: `1h30m`, `500ms`, `0s`; `-5s` for a negative."""
    text, left = "", abs(duration)
    for unit, size in UNITS.items():
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return (f"-{text}" if text and duration < timedelta(0) else text) or "0s"


def run_id(job: str, tick: str) -> str:
    """The name of a run, the same on every replica: `nightly-report@2026-11-22T02:15:00Z`."""
    return f"{job}@{tick}"

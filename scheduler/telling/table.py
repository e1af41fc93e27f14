"""The schedule as a new leader prints it: one `schedule.job` line a job, soonest first.

A line carries the policies that decide about ticks, whatever they are, and of the rarer ones those that the job
changes. Text then leaves out what is the default anyway, JSON keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from scheduler.core.job import Job, Policy
from scheduler.core.notes.commands import Pause
from scheduler.core.ports import Tell
from scheduler.core.schedule import ticks_between
from scheduler.core.timing.zones import zone
from scheduler.core.wording.schedules import when_in_words
from scheduler.telling.values import plain

TICKS_SHOWN = 3
_NEVER = datetime.max.replace(tzinfo=UTC)  # sorts behind every tick
_DEFAULT = Policy()
_ALWAYS = ("overlap", "catch_up", "catch_up_window", "delivery", "timeout", "retries")
_RARE = ("max_catch_up", "retry_delay", "max_interruptions", "claim_ahead", "jitter")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far jobs have got, by name: the last settled tick, of which a new job has none, and whether it is paused."""

    settled: Mapping[str, datetime]
    pauses: Mapping[str, Pause] = field(default_factory=dict)


def tell_schedule(tell: Tell, jobs: Iterable[Job], now: datetime, standing: Standing) -> None:
    """Tell one `schedule.job` line a job, the one that ticks soonest first and those that never tick last."""

    def soonest(job: Job) -> datetime:
        return (job.schedule and job.schedule.after(now)) or _NEVER

    for job in sorted(jobs, key=soonest):
        facts = schedule_facts(job, now, standing.settled.get(job.name))
        tell("schedule.job", **facts, **paused_facts(standing.pauses.get(job.name), now))


def schedule_facts(job: Job, now: datetime, settled: datetime | None) -> dict[str, object]:
    """The facts of a `schedule.job` line; instants are in the job's own zone."""
    tz = zone(job.zone)
    ticks = islice(ticks_between(job.schedule, now, _NEVER), TICKS_SHOWN) if job.schedule else ()
    return {
        "job": job.name,
        "when": when_in_words(job.schedule, job.zone) if job.schedule else "manual",
        "zone": job.zone,
        "next": [tick.astimezone(tz).isoformat() for tick in ticks],
        "settled": settled.astimezone(tz).isoformat() if settled else None,
        **policy_facts(job.policy),
    }


def paused_facts(pause: Pause | None, now: datetime) -> dict[str, object]:
    """Until when the job is paused, or only that it is."""
    if pause is None or pause.is_over(now):
        return {}
    return {"paused": plain(pause.until) if pause.until else True}


def policy_facts(policy: Policy) -> dict[str, object]:
    """A job's policies, durations as config.yaml writes them."""
    changed = [name for name in _RARE if getattr(policy, name) != getattr(_DEFAULT, name)]
    facts = {name: plain(getattr(policy, name)) for name in (*_ALWAYS, *changed)}
    return facts | ({"timeout": "none"} if policy.timeout is None else {})  # null would mean that it is not known

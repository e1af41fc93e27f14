"""Job tables for the pretended world, written as a test would say them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from scheduler.core.actions import Action, PythonAction, ShellAction
from scheduler.core.job import CatchUp, Delivery, Job, JobTable, Policy, Schedule
from scheduler.core.schedule import AtSchedule, EverySchedule
from tests.fakes.world import EPOCH

ALL: dict[str, Any] = {"catch_up": CatchUp.ALL}
WHEN_DUE: dict[str, Any] = {"claim_ahead": timedelta(0)}
AT_MOST_ONCE: dict[str, Any] = {"delivery": Delivery.AT_MOST_ONCE}
SHELL = ShellAction("true")
THREAD = PythonAction("jobs.examples", "meter", isolation="thread")


def every(name: str, seconds: int, *, offset: int = 0, action: Action = SHELL, **policy: Any) -> Job:
    """A job that ticks every so many seconds, counted from the world's beginning, which lies on a whole hour."""
    return job(name, EverySchedule(seconds, offset), action=action, **policy)


def at(name: str, seconds: float, **policy: Any) -> Job:
    """A job that ticks once, so many seconds after the world's beginning."""
    return job(name, AtSchedule(EPOCH + timedelta(seconds=seconds)), **policy)


def job(name: str, schedule: Schedule | None, *, action: Action = SHELL, enabled: bool = True, **policy: Any) -> Job:
    return Job(name, schedule, "UTC", action, Policy(**policy), enabled=enabled)


def table(*jobs: Job, loaded: float = 0, revision: int = 0) -> JobTable:
    """These jobs, first had so many seconds after the world's beginning."""
    return JobTable({job.name: job for job in jobs}, EPOCH + timedelta(seconds=loaded), revision)

"""`leasebeat resume`: end a job's pause."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from scheduler.cli import completing
from scheduler.cli.asking import jobs as asking_jobs
from scheduler.cli.asking.jobs import Request, ask, asked_from
from scheduler.cli.asking.notes import Heard
from scheduler.cli.asking.place import Standpoint
from scheduler.cli.instants import clock_text, day_text
from scheduler.cli.options import common_options, gathered
from scheduler.clock import SystemClock
from scheduler.core.notes.commands import Do
from scheduler.core.timing.zones import zone

EXAMPLES = """\b
Examples:
  leasebeat resume meter
  leasebeat resume --all --reason "vendor is back"
"""


@click.command(epilog=EXAMPLES)
@click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=completing.jobs)
@click.option("--all", "every", is_flag=True, help="All jobs that are paused")
@click.option("--reason", metavar="TEXT", callback=asking_jobs.reason, help="Why; shown in the log")
@common_options
@click.pass_context
def resume(
    context: click.Context,
    /,
    jobs: tuple[str, ...],
    every: bool,  # noqa: FBT001  # click's way
    reason: str | None,
    **common: Any,
) -> None:
    """End a job's pause. What it skipped meanwhile is not caught up."""
    options, clock = gathered(context, common), SystemClock()
    names = asking_jobs.names(jobs, every=every)
    with asked_from(options, clock) as stand:
        heard = ask(stand, Request(Do.RESUME, names, reason), clock)
        now = clock.wall()
        context.exit(asking_jobs.report(options, heard, lambda one: _sentence(stand, heard, one.job, now)))


def _sentence(stand: Standpoint, heard: Heard, name: str | None, now: datetime) -> str:
    """With the next tick, where the table at hand is the leader's."""
    if name is None:
        return "all jobs are resumed."
    job = stand.job(name) if stand.has_table_of(heard.record) else None
    tick = job.schedule.after(now) if job and job.schedule else None
    if job is None or tick is None:
        return f"{name} is resumed."
    local, today = tick.astimezone(zone(job.zone)), now.astimezone(zone(job.zone))
    clock = f"{local:%H:%M:%S}" if local.date() == today.date() else f"{day_text(local)} {clock_text(local)}"
    return f"{name} is resumed. Next tick {clock} {local:%Z}."

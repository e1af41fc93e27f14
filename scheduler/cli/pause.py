"""`leasebeat pause`: skip a job's ticks until it is resumed, or for a while."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from scheduler.cli import completing
from scheduler.cli.asking import jobs as asking_jobs
from scheduler.cli.asking.jobs import Request, ask, asked_from, when_text, zone_of
from scheduler.cli.options import common_options, gathered
from scheduler.cli.parameters import YEARS
from scheduler.clock import SystemClock
from scheduler.config.mistakes import Mistake
from scheduler.config.values.durations import read_duration
from scheduler.core.notes.commands import Do
from scheduler.telling.shapes import harmless

EXAMPLES = """\b
Examples:
  leasebeat pause meter --until 2027-01-15 --reason "vendor outage"
  leasebeat pause --all --until 2h
"""


@click.command(epilog=EXAMPLES)
@click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=completing.jobs)
@click.option("--all", "every", is_flag=True, help="All jobs that tick")
@click.option("--until", metavar="TIME", help="Resume then by itself: 08:00, a date, a date with a time, or 2h")
@click.option("--reason", metavar="TEXT", callback=asking_jobs.reason, help="Why; shown in the status and in the log")
@common_options
@click.pass_context
def pause(
    context: click.Context,
    /,
    jobs: tuple[str, ...],
    every: bool,  # noqa: FBT001  # click's way
    until: str | None,
    reason: str | None,
    **common: Any,
) -> None:
    """Skip a job's ticks until it is resumed. They are not caught up.

    What runs goes on, and run-now still works. The pause outlives a change of the leader. Whoever may update the Lease
    may pause; who did, and why, is in the leader's log.
    """
    options, clock = gathered(context, common), SystemClock()
    names = asking_jobs.names(jobs, every=every)
    with asked_from(options, clock) as stand:
        tz = zone_of(stand, names) if until else ZoneInfo("UTC")
        end = _end(until, tz, clock.wall())
        heard = ask(stand, Request(Do.PAUSE, names, reason, end), clock)
        how = f" until {when_text(end, tz)}" if end else ""
        why = f" ({harmless(reason)})" if reason else ""
        context.exit(asking_jobs.report(options, heard, lambda one: _sentence(one.job, f"{how}{why}")))


def _sentence(job: str | None, how: str) -> str:
    if job is None:
        return f"all jobs are paused{how}. Their ticks are skipped and not caught up."
    return f"{job} is paused{how}. Its ticks are skipped and not caught up."


def _end(text: str | None, tz: ZoneInfo, now: datetime) -> datetime | None:
    """The end of the pause. A time without a zone is by the job's clock, as its schedule is."""
    if text is None:
        return None
    end = _instant(text, tz, now)
    if end <= now:
        raise click.BadParameter(f"{when_text(end, tz)} has passed", param_hint="--until")
    return end


def _instant(text: str, tz: ZoneInfo, now: datetime) -> datetime:
    try:
        return now.replace(microsecond=0) + read_duration(text)
    except (Mistake, OverflowError):
        pass
    try:
        instant = _time_of_day(text, now.astimezone(tz)) if ":" in text[:3] else datetime.fromisoformat(text)
        if instant.year not in YEARS:
            raise ValueError
    except ValueError as error:
        message = f"expected a time such as 08:00, 2027-01-15 or 2027-01-15T08:00, or 2h, got {text}"
        raise click.BadParameter(message, param_hint="--until") from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=tz)).astimezone(UTC)


def _time_of_day(text: str, here: datetime) -> datetime:
    """The next time that the clock shows this, today or tomorrow."""
    today = datetime.combine(here, time.fromisoformat(text), here.tzinfo)
    return today if today > here else today + timedelta(days=1)

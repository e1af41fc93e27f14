"""`leasebeat next`: the coming ticks, grouped by instant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import click

from scheduler.cli import parameters
from scheduler.cli.options import common_options, gathered
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.core.job import Job, instant_text
from scheduler.core.upcoming import upcoming
from scheduler.core.zones import zone

EXAMPLES = """\b
Examples:
  leasebeat next -N 3
  leasebeat next nightly-report --from 2027-03-27T00:00:00Z --for 3d
"""
DEFAULT_COUNT = 10
MOST = 1_000_000
Instant = tuple[datetime, list[Job]]


@click.command("next", epilog=EXAMPLES)
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option(
    "-N", "--count", type=click.IntRange(1, MOST), help=f"Instants to show [{DEFAULT_COUNT}, or all with --for]"
)
@click.option("--from", "start", metavar="TIME", callback=parameters.time, help="Show what comes after this time [now]")
@click.option("--for", "span", metavar="DURATION", callback=parameters.span, help="Show this much time, such as 1d")
@common_options
@click.pass_context
def next_(
    context: click.Context,
    /,
    jobs: tuple[str, ...],
    count: int | None,
    start: datetime | None,
    span: timedelta | None,
    **common: Any,
) -> None:
    """Show the coming ticks of all jobs, or of some."""
    options, now = gathered(context, common), SystemClock().wall()
    table = load(options.config_path, now).table
    begin = start or now
    chosen = parameters.chosen(table, jobs)
    until = None if span is None else begin + span
    instants = list(islice(upcoming(chosen, begin, until), count or (DEFAULT_COUNT if span is None else MOST)))
    if options.as_json:
        click.echo(json.dumps([_fact(job, tick) for tick, jobs in instants for job in jobs], indent=1))
    elif not instants:
        click.echo("no tick is to come", err=True)
    else:
        zone_name = next(iter(table.jobs.values())).zone if len({job.zone for job in chosen}) > 1 else chosen[0].zone
        click.echo("\n".join(_lines(instants, zone_name, now)))


def _fact(job: Job, tick: datetime) -> dict[str, str]:
    local = tick.astimezone(zone(job.zone)).isoformat()
    return {"job": job.name, "tick": instant_text(tick), "local": local, "zone": job.zone}


def _lines(instants: list[Instant], zone_name: str, now: datetime) -> Iterator[str]:
    local_zone = zone(zone_name)
    rows = [(f"WHEN ({zone_name})", "UTC", "IN", "JOBS")]
    for tick, jobs in instants:
        when = f"{tick.astimezone(local_zone):%a %d %b %H:%M:%S}"
        rows.append((when, instant_text(tick), _distance(tick - now), ", ".join(job.name for job in jobs)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "    ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])


def _distance(span: timedelta) -> str:
    """The two leading units: `4s`, `5m54s`, `6h33m`, `6d5h`."""
    seconds = round(abs(span.total_seconds()))
    units = [("d", seconds // 86400), ("h", seconds // 3600 % 24), ("m", seconds // 60 % 60), ("s", seconds % 60)]
    leading = next((index for index, (_, amount) in enumerate(units) if amount), 3)
    text = "".join(f"{amount}{unit}" for unit, amount in units[leading : leading + 2] if amount) or "0s"
    return f"-{text}" if span < timedelta(0) else text

"""`leasebeat next`: the coming ticks, grouped by instant."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import click

from scheduler.cli import completing, parameters
from scheduler.cli.next_table import Coming, fact, table_lines
from scheduler.cli.options import common_options, gathered
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.core.views.upcoming import upcoming

EXAMPLES = """\b
Examples:
  leasebeat next -N 3
  leasebeat next nightly-report --from 2027-03-27T00:00:00Z --for 3d
"""
DEFAULT_COUNT = 10
MOST = 1_000_000


@click.command("next", epilog=EXAMPLES)
@click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=completing.jobs)
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
    table = load(options.config_path, now, ANY_ENVIRONMENT).table
    begin = start or now
    chosen = parameters.chosen(table, jobs)
    until = None if span is None else begin + span
    instants = list(islice(upcoming(chosen, begin, until), count or (DEFAULT_COUNT if span is None else MOST)))
    if options.as_json:
        click.echo(json.dumps([fact(job, tick) for tick, jobs in instants for job in jobs], indent=1))
    elif not instants:
        click.echo("no tick is to come", err=True)
    else:
        click.echo("\n".join(table_lines(Coming(instants, begin, now), _columns())))


def _columns() -> int | None:
    """How wide a line may be: as the terminal; in a pipe there is no limit, and nothing is left out."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

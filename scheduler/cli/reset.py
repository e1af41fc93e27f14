"""`leasebeat reset`: take everything up to now for settled, after the Lease was restored from a backup."""

from __future__ import annotations

import sys
from typing import Any

import click

from scheduler.cli.asking import jobs as asking_jobs
from scheduler.cli.asking.jobs import Request, ask, asked_from
from scheduler.cli.options import common_options, gathered
from scheduler.clock import SystemClock
from scheduler.core.notes.commands import Do

EXAMPLES = """\b
Examples:
  leasebeat reset
  leasebeat reset --yes --reason "etcd restored from 02:00"
"""
NO = 1
DONE = "everything up to now is settled. The next ticks run as usual."
UNASKED = "reset drops every due tick that was not run; there is no terminal to ask on: say --yes if you mean it"
QUESTION = "Every tick that is due now and was not run will be dropped, on Lease {}. Go on?"


@click.command(epilog=EXAMPLES)
@click.option("--yes", is_flag=True, help="Do not ask")
@click.option("--reason", metavar="TEXT", callback=asking_jobs.reason, help="Why; shown in the log")
@common_options
@click.pass_context
def reset(context: click.Context, /, yes: bool, reason: str | None, **common: Any) -> None:  # noqa: FBT001  # click's way
    """Settle everything up to now: due ticks are dropped and not run.

    For the time after the cluster's etcd was restored from a backup without a living leader: the Lease says of ticks
    between the backup and the restore that they have not run, though they have. What runs goes on, pauses stay.
    """
    options, clock = gathered(context, common), SystemClock()
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(UNASKED)
    with asked_from(options, clock) as stand:
        if not yes and not click.confirm(QUESTION.format(stand.store.place), err=True):
            context.exit(NO)
        heard = ask(stand, Request(Do.RESET, (), reason), clock)
        context.exit(asking_jobs.report(options, heard, lambda _: DONE))

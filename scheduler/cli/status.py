"""`leasebeat status`: who leads, what runs, what is next."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

import click

from scheduler.cli.asking.jobs import asked_from
from scheduler.cli.asking.place import Standpoint
from scheduler.cli.options import Options, common_options, gathered
from scheduler.cli.status_facts import Found, found
from scheduler.cli.status_table import status_lines
from scheduler.clock import SystemClock
from scheduler.core.errors import StoreError
from scheduler.core.ports import Clock
from scheduler.telling.text import colour_wanted

EXAMPLES = """\b
Examples:
  leasebeat status --watch
  leasebeat status --context prod -n ops --lease beat-leasebeat
"""
NOBODY = 1
CANNOT_ASK = 3
REDRAWN_EVERY_S = 2.0
CLEAR = "\x1b[H\x1b[2J"


@click.command(epilog=EXAMPLES)
@click.option("--watch", is_flag=True, help="Again every 2 s, until Ctrl-C")
@click.option("--failed", is_flag=True, help="Only jobs whose last run failed")
@common_options
@click.pass_context
def status(context: click.Context, /, watch: bool, failed: bool, **common: Any) -> None:  # noqa: FBT001  # click's way
    """Show who leads, what each job did last, does now and will do next.

    The Lease says who leads; what ran, the leader knows, for its own term. On a laptop it is asked through the API
    server, for which you need `get` on `pods/proxy`. Exit code 0, 1 if nobody leads, 3 if there is nobody to ask.
    """
    options, clock = gathered(context, common), SystemClock()
    with asked_from(options, clock) as stand:
        if watch:
            _watch(stand, options, clock, failed=failed)
        seen = found(stand, clock)
        _show(seen, options, failed=failed)
        context.exit(_exit_code(stand, seen, failed=failed))


def _watch(stand: Standpoint, options: Options, clock: Clock, *, failed: bool) -> None:
    """Until Ctrl-C: in place on a terminal, one after another in a pipe. A store that is away ends nothing."""
    pause = threading.Event()
    while True:
        if sys.stdout.isatty() and not options.as_json:
            click.echo(CLEAR, nl=False)
        try:
            _show(found(stand, clock), options, failed=failed)
        except StoreError as error:
            click.echo(f"error: {error}", err=True)
        if not sys.stdout.isatty() and not options.as_json:
            click.echo()
        sys.stdout.flush()
        pause.wait(REDRAWN_EVERY_S)


def _show(seen: Found, options: Options, *, failed: bool) -> None:
    if options.as_json:
        jobs = [job for job in seen.document["jobs"] if not failed or job.get("failing")]
        click.echo(json.dumps({**seen.document, "jobs": jobs}))
        return
    colour = colour_wanted(options.color or "auto", sys.stdout, os.environ)
    click.echo("\n".join(status_lines(seen, failed=failed, colour=colour)), color=colour)


def _exit_code(stand: Standpoint, seen: Found, *, failed: bool) -> int:
    """What was asked for may not be known: any job without a table, or which failed without the leader."""
    if not seen.leads:
        return NOBODY
    is_known = seen.document["complete"] or (stand.loaded is not None and not failed)
    return 0 if is_known else CANNOT_ASK

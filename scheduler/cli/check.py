"""`leasebeat check`: whether a file is right, and if not, where."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from scheduler.cli.options import common_options, gathered
from scheduler.cli.sound import load_sound
from scheduler.clock import SystemClock
from scheduler.config.report import problems_text
from scheduler.config.settings import Loaded
from scheduler.core.errors import ConfigError, Problem
from scheduler.core.job import PythonAction
from scheduler.core.ports import Clock
from scheduler.core.upcoming import writes_per_minute

EXAMPLES = """\b
Examples:
  leasebeat check
  leasebeat check -c prod.yaml --strict
"""
NO = 1
ANNOTATION_KIB = 256
TAKE_OVER_S = 0.6  # promised on top of the lease duration, see core/standing.py


@click.command(epilog=EXAMPLES)
@click.option("--no-imports", is_flag=True, help="Do not import the Python functions")
@click.option("--strict", is_flag=True, help="Warnings fail as errors do")
@common_options
@click.pass_context
def check(context: click.Context, /, no_imports: bool, strict: bool, **common: Any) -> None:  # noqa: FBT001  # click's way
    """Check config.yaml: every mistake at once, where it is, and the way out."""
    options, clock = gathered(context, common), SystemClock()
    try:
        loaded = load_sound(options, clock, imports=not no_imports)
    except ConfigError as error:
        _report(error.problems, as_json=bool(options.as_json))
        context.exit(NO)
    if options.as_json:
        _report(loaded.warnings, as_json=True)
    else:
        if loaded.warnings:
            click.echo(problems_text(loaded.warnings), err=True)
        if not options.quiet:
            click.echo(_summary(loaded, clock, imported=not no_imports))
    context.exit(NO if strict and loaded.warnings else 0)


def _report(problems: list[Problem], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_fact(problem) for problem in problems], indent=1))
    else:
        click.echo(problems_text(problems), file=sys.stderr)


def _fact(problem: Problem) -> dict[str, object]:
    return {name: fact for name, fact in asdict(problem).items() if name not in ("source", "span")}


def _summary(loaded: Loaded, clock: Clock, *, imported: bool) -> str:
    table, lease = loaded.table, loaded.settings.lease
    functions = sum(isinstance(job.action, PythonAction) for job in table.jobs.values())
    rate = writes_per_minute(table, clock.wall(), lease.renew_deadline_s / 2)
    parts = [
        f"{loaded.file}: {_count(len(table.jobs), 'job')}, no errors, {_count(len(loaded.warnings), 'warning')}",
        f"imports {functions} ok" if imported else "imports not checked",
        f"ledger {len(table.known) / 1024:.1f} of {ANNOTATION_KIB} KiB",
        f"writes {rate}/min",
        f"crash hand-over {lease.lease_duration_s + TAKE_OVER_S:g} s",
    ]
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

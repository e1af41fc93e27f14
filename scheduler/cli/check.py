"""`leasebeat check`: whether a file is right, and if not, where; and whether it would work on this cluster."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from scheduler.cli.options import Options, common_options, gathered
from scheduler.cli.progress import Progress
from scheduler.cli.sound import load_sound
from scheduler.clock import SystemClock
from scheduler.config.report import problems_text
from scheduler.config.settings import Loaded
from scheduler.core.errors import ConfigError, Problem
from scheduler.core.ports import Clock
from scheduler.core.views.upcoming import writes_per_minute

if TYPE_CHECKING:
    from scheduler.cli.cluster.checks import Examined

EXAMPLES = """\b
Examples:
  leasebeat check -c prod.yaml --strict
  leasebeat check --cluster --context prod -n ops --lease beat
"""
NO = 1
CANNOT_ASK = 3
ANNOTATION_KIB = 256
TAKE_OVER_S = 0.6  # promised on top of the lease duration, see core/election/standing.py


@click.command(epilog=EXAMPLES)
@click.option("--cluster", is_flag=True, help="Ask the cluster too: permissions, Lease, clock")
@click.option("--no-imports", is_flag=True, help="Do not import the Python functions")
@click.option("--strict", is_flag=True, help="Warnings fail as errors do")
@common_options
@click.pass_context
def check(context: click.Context, /, *, cluster: bool, no_imports: bool, strict: bool, **common: Any) -> None:
    """Check config.yaml: every mistake at once, where it is, and the way out."""
    options, clock = gathered(context, common), SystemClock()
    try:
        loaded = load_sound(options, clock, imports=not no_imports)
    except ConfigError as error:
        if options.as_json:
            _print_facts(error.problems, None, cluster=cluster)
        else:
            click.echo(problems_text(error.problems), err=True)
        context.exit(NO)
    if loaded.warnings and not options.as_json:
        click.echo(problems_text(loaded.warnings), err=True)
    if not (options.as_json or options.quiet):
        click.echo(_summary(loaded, clock, imported=not no_imports))
    examined = _examined(loaded, options, clock) if cluster else None
    if options.as_json:
        _print_facts(loaded.warnings, examined, cluster=cluster)
    elif examined:
        _print_examined(examined, options)
    context.exit(_exit_code(loaded, examined, strict=strict))


def _examined(loaded: Loaded, options: Options, clock: Clock) -> Examined:
    """Ask the cluster, unless the Lease is to live elsewhere."""
    store = options.store or loaded.settings.lease.store
    if store not in ("auto", "kubernetes"):
        raise click.UsageError(f"the store is {store}, which needs no cluster; --store kubernetes asks it all the same")
    # The Kubernetes client takes half a second to import, which a check of the file need not wait for.
    from scheduler.cli.cluster.checks import examine  # noqa: PLC0415

    with Progress("asking the cluster", quiet=bool(options.quiet)) as progress:
        return examine(loaded, options.place, clock, progress)


def _print_examined(examined: Examined, options: Options) -> None:
    for finding in examined.found:
        click.echo(finding.text, err=True)
    if not (examined.errors or options.quiet):
        click.echo(examined.line)


def _exit_code(loaded: Loaded, examined: Examined | None, *, strict: bool) -> int:
    found = examined.found if examined else []
    if any(finding.code == "cluster" for finding in found):
        return CANNOT_ASK
    wrong = bool(examined and examined.errors) or (strict and bool(loaded.warnings or found))
    return NO if wrong else 0


def _print_facts(problems: list[Problem], examined: Examined | None, *, cluster: bool) -> None:
    """A list of the file's problems; with --cluster an object that has them, and what the cluster answered."""
    facts: object = [_fact(problem) for problem in problems]
    if cluster:
        facts = {"problems": facts, "cluster": examined.facts if examined else None}
    click.echo(json.dumps(facts, indent=1))


def _fact(problem: Problem) -> dict[str, object]:
    return {name: fact for name, fact in asdict(problem).items() if name not in ("source", "span")}


def _summary(loaded: Loaded, clock: Clock, *, imported: bool) -> str:
    table, lease = loaded.table, loaded.settings.lease
    rate = writes_per_minute(table, clock.wall(), lease.renew_deadline_s / 2)
    parts = [
        f"{loaded.file}: {_count(len(table.jobs), 'job')}, no errors, {_count(len(loaded.warnings), 'warning')}",
        f"imports {len(loaded.calls)} ok" if imported else "imports not checked",
        f"ledger {len(table.known) / 1024:.1f} of {ANNOTATION_KIB} KiB",
        f"writes {rate}/min",
        f"crash hand-over {lease.lease_duration_s + TAKE_OVER_S:g} s",
    ]
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

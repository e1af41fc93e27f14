"""`leasebeat import`: a config.yaml made from a crontab, from CronJobs or from a Celery app's beat_schedule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from scheduler.cli.import_report import summary
from scheduler.cli.import_sound import sound
from scheduler.cli.options import common_options, gathered
from scheduler.config.report import problems_text
from scheduler.core.timing.zones import UnknownZone, zone
from scheduler.importing.celery_app import asked
from scheduler.importing.celery_beat import from_app
from scheduler.importing.cronjobs import from_cronjobs
from scheduler.importing.crontab import Crontab, from_crontabs
from scheduler.importing.crontab_lines import has_users
from scheduler.importing.found import CannotImport, Found
from scheduler.importing.manifests import cronjobs_in
from scheduler.importing.zones import zone_here

EXAMPLES = """\b
Examples:
  crontab -l | leasebeat import crontab -
  leasebeat import celery shop.celery:app -o config.yaml
"""
OF_CRONTAB = """\b
Examples:
  leasebeat import crontab /etc/crontab /etc/cron.d/* -o config.yaml
  crontab -l | leasebeat import crontab - --timezone Europe/Berlin
"""
OF_CRONJOBS = """\b
Examples:
  leasebeat import cronjobs -n ops --context prod -o config.yaml
  kubectl get cronjobs -A -o yaml | leasebeat import cronjobs -
"""
OF_CELERY = """\b
Examples:
  leasebeat import celery shop.celery:app
  PYTHONPATH=src leasebeat import celery shop.celery:app -o config.yaml
"""
STDIN = "-"
OF_THIS_MACHINE = "timezone is that of the machine this was imported on; import with --timezone ZONE for another."
UNKNOWN_ZONE = "This machine does not say its time zone, so timezone is UTC; import with --timezone ZONE for another."


def _to_file(command: Any) -> Any:
    command = click.option("--force", is_flag=True, help="Replace the file of -o")(command)
    return click.option("-o", "--output", metavar="FILE", help="Write to this file [stdout]")(command)


def _zone(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else zone(value).key
    except UnknownZone as error:
        raise click.BadParameter(f"{error}: {error.hint}") from error


@click.group("import", epilog=EXAMPLES)
@common_options
@click.pass_context
def import_(context: click.Context, /, **common: Any) -> None:
    """Write a config.yaml from another scheduler's jobs."""
    before = context.obj or {}
    context.obj = {name: before.get(name) if value is None else value for name, value in common.items()}


@import_.command(epilog=OF_CRONTAB)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--timezone", metavar="ZONE", callback=_zone, help="The time zone that cron runs in [this machine's]")
@click.option(
    "--users", type=click.Choice(["auto", "yes", "no"]), default="auto", help="Whether entries name a user [by file]"
)
@_to_file
@common_options
@click.pass_context
def crontab(
    context: click.Context, /, files: tuple[str, ...], timezone: str | None, users: str, **options: Any
) -> None:
    """Import crontabs; - is standard input."""
    _refuse_existing(options)
    crontabs = []
    for file in files:
        text = _text(file)
        with_user = users == "yes" or (users == "auto" and has_users(str(Path(file).absolute()), text))
        crontabs.append(Crontab(_shown(file), text, with_user))
    here = zone_here()
    remark = None if timezone else OF_THIS_MACHINE if here else UNKNOWN_ZONE
    _finish(context, from_crontabs(crontabs, timezone or here or "UTC", remark), options)


@import_.command(epilog=OF_CRONJOBS)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@_to_file
@common_options
@click.pass_context
def cronjobs(context: click.Context, /, files: tuple[str, ...], **options: Any) -> None:
    """Import the CronJobs of a namespace of the cluster, or of manifests; - is standard input."""
    _refuse_existing(options)
    if files:
        objects = [cronjob for file in files for cronjob in cronjobs_in(_shown(file), _text(file))]
        origin = f"CronJobs of {', '.join(map(_shown, files))}"
    else:
        # The Kubernetes client takes half a second to import, which the other sources need not wait for.
        from scheduler.importing.listed import listed_cronjobs  # noqa: PLC0415

        place = gathered(context, _common(options))
        namespace, found = listed_cronjobs(place.context, place.kubeconfig, place.namespace)
        objects, origin = list(found), f"CronJobs of namespace {namespace}"
    _finish(context, from_cronjobs(origin, objects), options)


@import_.command(epilog=OF_CELERY)
@click.argument("app", metavar="MODULE:APP")
@_to_file
@common_options
@click.pass_context
def celery(context: click.Context, /, app: str, **options: Any) -> None:
    """Import the beat_schedule of a Celery app, which is imported in a process of its own."""
    _refuse_existing(options)
    _finish(context, from_app(app, asked(app, Path.cwd()), zone_here() or "UTC"), options)


def _common(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("output", "force")}


def _refuse_existing(options: dict[str, Any]) -> None:
    """Say so before anything is asked, not after."""
    file = options["output"]
    if file and not options["force"] and Path(file).exists():
        raise click.UsageError(f"{file} exists already; --force replaces it")


def _shown(file: str) -> str:
    """What a message calls the file."""
    return "stdin" if file == STDIN else file


def _text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from error
    return raw.decode("utf-8-sig", "replace")


def _finish(context: click.Context, found: Found, options: dict[str, Any]) -> None:
    """Write what was found, and say how much of it that is; exit 1 if something was left out."""
    quiet = gathered(context, _common(options)).quiet
    found, text = sound(found)
    mistakes = [entry.problem for entry in found.left_out if entry.problem]
    if mistakes:
        click.echo(problems_text(mistakes), err=True)
    if not found.total:
        raise CannotImport(f"{found.origin}: nothing to import")
    file = options["output"] if found.jobs else None
    if file:
        _write(file, text, force=options["force"])
    elif found.jobs:
        click.echo(text, nl=False)
    if not quiet or found.left_out:
        click.echo("\n".join(summary(found, file)), err=not file)
    context.exit(1 if found.left_out else 0)


def _write(file: str, text: str, *, force: bool) -> None:
    try:
        with Path(file).open("w" if force else "x", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError as error:
        raise click.UsageError(f"{file} exists already; --force replaces it") from error

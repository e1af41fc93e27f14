"""`leasebeat run`: be a replica, or several of them on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import click

from scheduler.app.identity import default_name
from scheduler.app.replica import Replica
from scheduler.cli.options import Options, common_options, gathered
from scheduler.cli.replicas import Replicas
from scheduler.cli.sound import load_sound
from scheduler.cli.stop import StopSignal, stop_at_end_of
from scheduler.clock import SystemClock
from scheduler.config.settings import Loaded, LoggingSettings
from scheduler.core.errors import ClusterError, ConfigError
from scheduler.core.ports import Clock, Tell
from scheduler.core.views.upcoming import writes_per_minute
from scheduler.telling.health_listening import GREATEST_PORT, PortUnavailable
from scheduler.telling.lines import LineWriter
from scheduler.telling.log import LogSettings, open_log
from scheduler.telling.text import Style, colour_wanted

EXAMPLES = """\b
Examples:
  leasebeat run --replicas 3
  leasebeat run -c config.yaml --context prod -n ops --lease beat
"""
INVALID = 1
CANNOT_ASK = 3
FORMATS = click.Choice(["text", "json"])
LEVELS = click.Choice(["debug", "info", "warning", "error"])


@click.command(epilog=EXAMPLES)
@click.option("--replicas", type=click.IntRange(1, 26), help="Run this many on this machine, named a, b, c ...")
@click.option("--id", "name", metavar="ID", help="Name of this replica [the pod's, else host-pid]")
@click.option("--log-format", type=FORMATS, help="Overrides logging.format")
@click.option("--log-level", type=LEVELS, help="Overrides logging.level")
@click.option("--with-parent", is_flag=True, hidden=True, help="Stop when stdin ends: for the replicas of --replicas")
@click.option("--nth", type=int, default=0, hidden=True, help="Of the replicas of --replicas, for their ports")
@common_options
@click.pass_context
def run(context: click.Context, /, **arguments: Any) -> None:
    """Be a replica: stand by, lead when it can."""
    _refuse_odd_names(arguments)
    options, clock = gathered(context, arguments), SystemClock()
    stop = StopSignal(clock)
    stop.listen()
    log_format = arguments["log_format"] or ("json" if options.as_json else None)
    loaded = _overruled(_loaded(options, clock, log_format), log_format, arguments["log_level"] or options.level)
    replicas = arguments["replicas"]
    log = _log_settings(loaded, options, "-" if replicas else arguments["name"] or default_name(os.environ))
    out = LineWriter(sys.stdout)
    tell = open_log(log, out, clock)
    _tell_loaded(tell, loaded, clock)
    if stop.asked:
        context.exit(0)
    if replicas:
        context.exit(Replicas(options.as_arguments(), log, out, tell).run(replicas))
    if arguments["with_parent"]:
        stop_at_end_of(sys.stdin)
    context.exit(_replica(_on_port_of(loaded, arguments["nth"]), log, options, tell).run(stop))


def _refuse_odd_names(arguments: Mapping[str, Any]) -> None:
    if arguments["replicas"] and arguments["name"]:
        raise click.UsageError("--id names one replica; those of --replicas are named a, b, c ...")
    for option, name in (("id", "name"), ("lease", "lease"), ("namespace", "namespace")):
        if arguments[name] == "":
            raise click.UsageError(f"--{option} is empty")


def _loaded(options: Options, clock: Clock, log_format: str | None) -> Loaded:
    """The file, sound; its mistakes are lines of the log where that is JSON by the command line's word."""
    try:
        return load_sound(options, clock)
    except ConfigError as error:
        if log_format != "json":
            raise
        _tell_invalid(error, open_log(LogSettings(format="json"), LineWriter(sys.stdout), clock))
        raise click.exceptions.Exit(INVALID) from error


def _replica(loaded: Loaded, log: LogSettings, options: Options, tell: Tell) -> Replica:
    try:
        return Replica(loaded, log.replica or "", options.place, tell)
    except ClusterError as error:
        if log.format != "json":
            raise
        tell("store.unavailable", store="kubernetes", error=str(error), trust_ms=None, hint=error.hint)
        raise click.exceptions.Exit(CANNOT_ASK) from error
    except PortUnavailable as error:
        if log.format == "json":
            tell("health.unavailable", level="error", error=str(error), hint=error.hint)
        else:
            click.echo(f"error: {error}\n  {error.hint}", err=True)
        raise click.exceptions.Exit(INVALID) from error


def _on_port_of(loaded: Loaded, nth: int) -> Loaded:
    """The settings of the nth replica on this machine, whose port is so much further on, so that it is known before."""
    port = loaded.settings.health.port
    health = replace(loaded.settings.health, port=min(port + nth, GREATEST_PORT) if port else 0)
    return replace(loaded, settings=replace(loaded.settings, health=health))


def _overruled(loaded: Loaded, log_format: str | None, level: str | None) -> Loaded:
    """The settings with what the command line says of the log."""
    written = loaded.settings.logging
    logging = LoggingSettings(level=level or written.level, format=log_format or written.format)
    return replace(loaded, settings=replace(loaded.settings, logging=logging))


def _log_settings(loaded: Loaded, options: Options, replica: str) -> LogSettings:
    style = Style(
        dated=not sys.stdout.isatty(),
        colour=colour_wanted(options.color or "auto", sys.stdout, os.environ),
        names=max(len(name) for name in loaded.table.jobs),
        prefix="-" if replica == "-" else None,
    )
    logging = loaded.settings.logging
    return LogSettings("json" if logging.format == "json" else "text", logging.level, replica, style)


def _tell_loaded(tell: Tell, loaded: Loaded, clock: Clock) -> None:
    rate = writes_per_minute(loaded.table, clock.wall(), loaded.settings.lease.renew_deadline_s / 2)
    counts = {"jobs": len(loaded.table.jobs), "warnings": len(loaded.warnings)}
    tell("config.loaded", file=str(loaded.file), **counts, hash=loaded.hash, writes_per_minute=rate)
    for warning in loaded.warnings:
        tell("config.warning", **_facts(warning))


def _tell_invalid(error: ConfigError, tell: Tell) -> None:
    for problem in error.problems:
        tell("config.invalid", **_facts(problem))


def _facts(problem: Any) -> dict[str, object]:
    names = ("file", "line", "column", "path", "code", "message", "hint")
    return {name: fact for name, fact in asdict(problem).items() if name in names}

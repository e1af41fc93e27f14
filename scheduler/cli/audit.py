"""`leasebeat audit`: prove from logs that each tick has one fate."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

import click

from scheduler.cli import completing, parameters
from scheduler.cli.auditing.reading import LogReader, Logs
from scheduler.cli.auditing.report import as_json, notes, report
from scheduler.cli.options import common_options, gathered
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.config.settings import Loaded
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.core.auditing.accounts import Span
from scheduler.core.auditing.still_open import Horizon
from scheduler.core.auditing.verdict import Verdict, judge, served
from scheduler.core.errors import LeasebeatError
from scheduler.core.job import Job
from scheduler.core.ports import Clock

EXAMPLES = """\b
Examples:
  kubectl -n ops logs -l app.kubernetes.io/instance=beat --since=24h \\
    --tail=-1 | leasebeat audit --since 24h
  leasebeat audit a.log b.log c.log --job nightly-report
"""
NO = 1
STDIN = "-"
PACKED = b"\x1f\x8b"  # how gzip begins
SILENT_FOR_S = 1.0
SETTLING_TAKES_S = 5.0  # after a hand-over, until what was missed has its fates or its runs
LOG_MAY_BEGIN_LATE_S = 60.0
A_MOMENT_LATER_S = 0.001  # a tick due just as the lead was acquired is settled already
Bound = datetime | timedelta | None


@click.command(epilog=EXAMPLES)
@click.argument(
    "files", nargs=-1, metavar="[LOG]...", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
)
@click.option(
    "--since", metavar="24h|TIME", callback=parameters.time_or_span, help="Ticks from then on; 24h before the last line"
)
@click.option("--until", metavar="1h|TIME", callback=parameters.time_or_span, help="Ticks before then [the last line]")
@click.option(
    "--job",
    "names",
    metavar="NAME",
    multiple=True,
    help="Only this job; may be repeated",
    shell_complete=completing.jobs,
)
@common_options
@click.pass_context
def audit(
    context: click.Context,
    /,
    files: tuple[str, ...],
    since: Bound,
    until: Bound,
    names: tuple[str, ...],
    **common: Any,
) -> None:
    """Prove from logs (text or JSON; files or stdin) that each tick has one fate: exit code 0 if so, 1 if not."""
    options, clock = gathered(context, common), SystemClock()
    loaded = load(options.config_path, clock.wall(), ANY_ENVIRONMENT)
    parameters.chosen(loaded.table, names)
    logs = _read(files, loaded, clock)
    span = _span(logs, since, until, clock.wall().timestamp())
    verdict = _judge(logs, loaded, span, names)
    if not options.quiet:
        for note in notes(logs, loaded, verdict, span if options.verbose else None):
            click.echo(note, err=True)
    if options.as_json:
        click.echo(as_json(logs, verdict, span))
    elif not (options.quiet and verdict.in_order):
        click.echo("\n".join(report(logs, verdict)))
    context.exit(0 if verdict.in_order else NO)


# ---------------------------------------------------------------------- reading


def _read(files: tuple[str, ...], loaded: Loaded, clock: Clock) -> Logs:
    if not files and sys.stdin.isatty():
        raise click.UsageError("no LOG given; name files, or pipe logs in: kubectl logs ... | leasebeat audit")
    progress = _progress(clock) if sys.stderr.isatty() else lambda _: None
    reader = LogReader(loaded.table.jobs, progress)
    for file in files or (STDIN,):
        with _opened(file) as stream:
            reader.read("stdin" if file == STDIN else file, stream)
    progress(0)
    return reader.logs


def _progress(clock: Clock) -> Callable[[int], None]:
    """Shows on the terminal how many lines have been read; 0 takes that away."""
    silent_until = clock.boot() + SILENT_FOR_S

    def show(lines: int) -> None:
        if clock.boot() > silent_until:
            click.echo(f"\rread {lines:,} lines" if lines else "\r\x1b[K", nl=False, err=True)

    return show


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked where its first two say that it is packed: names of rotated logs need not."""
    if file == STDIN:
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        if stream.peek(len(PACKED))[: len(PACKED)] != PACKED:
            yield stream
            return
        try:
            with gzip.open(stream) as unpacked:
                yield BufferedReader(unpacked)  # its lines come twice as fast as gzip's own
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise LeasebeatError(f"{file} cannot be unpacked: {error}") from error


# ---------------------------------------------------------------------- what to judge


def _span(logs: Logs, since: Bound, until: Bound, now: float) -> Span:
    """The time audited: unless told otherwise, from the first sign of a leader to the last line.

    Durations count back from the last line. Logs that were cut off at the same age begin a little later than that, so
    that much is let pass. An end later than the last line is taken at its word, as far as it has passed.
    """
    if logs.led > logs.last:
        raise LeasebeatError(f"no line of a leader among {logs.lines:,} lines, so nothing can be proved")
    end = min(_time(until, logs.last), max(now, logs.last)) if until is not None else logs.last
    begin = _time(since, logs.last) if since is not None else min(logs.led + A_MOMENT_LATER_S, max(logs.led, end))
    if isinstance(since, timedelta) and begin < logs.first <= begin + LOG_MAY_BEGIN_LATE_S:
        begin = logs.first
    if begin > end:
        raise click.UsageError("--until is before --since, or before the first line of a leader")
    return Span(begin, end)


def _time(bound: Bound, last: float) -> float:
    return bound.timestamp() if isinstance(bound, datetime) else last - (bound or timedelta(0)).total_seconds()


def _judge(logs: Logs, loaded: Loaded, span: Span, names: tuple[str, ...]) -> Verdict:
    jobs = loaded.table.jobs
    chosen = names or {*jobs, *logs.accounts.jobs}
    expected = {name: (jobs.get(name), _parts(logs, jobs.get(name), span)) for name in sorted(chosen)}
    return judge(logs.accounts, expected, span, _horizon(logs, loaded, span))


def _horizon(logs: Logs, loaded: Loaded, span: Span) -> Horizon:
    lease = loaded.settings.lease
    return Horizon(
        end=max(logs.last, span.until),
        led_since=logs.led_since,
        free_since=logs.led_since - logs.gap_s,
        moment=lease.lease_duration_s + SETTLING_TAKES_S,
        drain=lease.drain_timeout_s if logs.released else 0,
    )


def _parts(logs: Logs, job: Job | None, span: Span) -> list[Span]:
    """When the job's ticks are expected: always, where no leader in the logs told its schedule."""
    if job is None:
        return []
    return served(job, logs.told.get(job.name, ()), span, logs.accounts.of(job.name)) if logs.told else [span]

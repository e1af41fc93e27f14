"""`leasebeat simulate`: print the log that would happen."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from scheduler.cli import completing, parameters
from scheduler.cli.options import Options, common_options, gathered
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.config.settings import LeaseSettings
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.core.job import Job, JobTable, instant_text
from scheduler.core.moves import Timings
from scheduler.core.ports import Tell
from scheduler.core.schedule import END
from scheduler.core.views.upcoming import upcoming
from scheduler.simulation.rehearsal import Rehearsal
from scheduler.simulation.script import Script
from scheduler.simulation.world import Line
from scheduler.telling.lines import LineWriter
from scheduler.telling.log import LogSettings, open_log
from scheduler.telling.text import Style, colour_wanted

EXAMPLES = """\b
Examples:
  leasebeat simulate --from 2027-03-28 --for 1d --job nightly-report
  leasebeat simulate --from 2027-03-28 --kill-leader-at 2027-03-28T00:15
"""
USUAL_SPAN = timedelta(hours=1)
DAY = timedelta(days=1)
NO_TIME = timedelta(0)
LAST = datetime.fromtimestamp(END, UTC)
OF_OTHERS = ("lead.standby", "lead.observed", "replica.died")
OBJECTS_BETWEEN_LOOKS = 50_000
SILENT_FOR_S = 1.0
PROGRESS_EVERY_S = 0.2


@click.command(epilog=EXAMPLES)
@click.option("--from", "start", metavar="TIME", callback=parameters.time, help="When it begins [now]")
@click.option("--for", "span", metavar="DURATION", callback=parameters.span, help="How long it lasts, such as 1d [1h]")
@click.option(
    "--kill-leader-at", "kills", metavar="TIME", multiple=True, callback=parameters.times,
    help="Kill whoever leads then; may be repeated",
)  # fmt: skip
@click.option(
    "--job", "names", metavar="NAME", multiple=True, help="As if the table had this job only; repeatable",
    shell_complete=completing.jobs,
)  # fmt: skip
@click.option("--took", metavar="DURATION", callback=parameters.span, help="How long each run takes [no time]")
@common_options
@click.pass_context
def simulate(context: click.Context, /, **arguments: Any) -> None:
    """Print the log that would happen.

    It is the real program with three replicas on a virtual clock, up for a while as it begins, and nothing is run: all
    runs succeed. Told is what becomes of ticks and of the lead; with --took also when runs start, with -v what the
    standbys say. A killed replica is back after its lease and 5 s. The same arguments give the same lines.
    """
    options, now = gathered(context, arguments), SystemClock().wall()
    loaded = load(options.config_path, now, ANY_ENVIRONMENT)
    jobs = parameters.chosen(loaded.table, arguments["names"])
    script = _script(arguments, now)
    rehearsal = Rehearsal(_narrowed(loaded.table, jobs), _timings(loaded.settings.lease), script)
    telling = _Telling(script, options, jobs, rehearsal)
    with _collector_spared():
        vain = rehearsal.play(telling.told)
    telling.end()
    for kill in vain:
        click.echo(f"nobody led at {instant_text(kill)}, so nobody was killed then", err=True)
    if not telling.lines:
        click.echo(_why_nothing(script, jobs), err=True)


@contextmanager
def _collector_spared() -> Iterator[None]:
    """Within, the garbage collector looks seldom: a day makes millions of objects and hardly any garbage for it."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _script(arguments: Mapping[str, Any], now: datetime) -> Script:
    begin: datetime = arguments["start"] or now.replace(microsecond=0)
    span: timedelta = USUAL_SPAN if arguments["span"] is None else arguments["span"]
    if span <= NO_TIME:
        raise click.BadParameter("expected more than 0s", param_hint="'--for'")
    if span > LAST - begin:
        raise click.BadParameter(f"it would end after the year {LAST.year - 1}", param_hint="'--for'")
    script = Script(begin, begin + span, arguments["kills"], arguments["took"] or NO_TIME)
    for kill in script.kills:
        if not script.begin <= kill < script.end:
            span_text = f"{instant_text(script.begin)} to {instant_text(script.end)}"
            raise click.BadParameter(
                f"{instant_text(kill)} is not in the time simulated, {span_text}; see --from and --for",
                param_hint="'--kill-leader-at'",
            )
    return script


def _narrowed(table: JobTable, jobs: Iterable[Job]) -> JobTable:
    return JobTable({job.name: job for job in jobs}, table.loaded_at, table.revision, table.max_parallel)


def _timings(lease: LeaseSettings) -> Timings:
    return Timings(lease.lease_duration_s, lease.renew_deadline_s, lease.retry_period_s)


class _Telling:
    """Prints the lines worth printing, each under the name of the replica that told it; `lines` counts them."""

    def __init__(self, script: Script, options: Options, jobs: list[Job], rehearsal: Rehearsal) -> None:
        self._options = options
        self._out = LineWriter(sys.stdout)
        self._rehearsal = rehearsal
        self._untold = () if options.verbose else OF_OTHERS if script.took else (*OF_OTHERS, "run.started")
        self._took_time = bool(script.took)
        self._dated = script.end - script.begin > DAY
        self._names = max(len(job.name) for job in jobs)
        self._tells: dict[str, Tell] = {}
        self._clock = SystemClock()
        self._silent_until = self._clock.boot() + SILENT_FOR_S
        self._shows_progress = sys.stderr.isatty() and not sys.stdout.isatty()
        self.lines = 0

    def told(self, line: Line) -> None:
        """Print the line, unless it is of no interest."""
        if self._shows_progress and self._clock.boot() > self._silent_until:
            self._silent_until = self._clock.boot() + PROGRESS_EVERY_S
            click.echo(f"\rsimulated up to {instant_text(self._rehearsal.clock.wall())}", nl=False, err=True)
        if line.event in self._untold:
            return
        facts = dict(line.facts)
        if not self._took_time:
            facts.pop("took_ms", None)
        self.lines += 1
        self._tell(line.replica)(line.event, **facts)

    def end(self) -> None:
        """Wipe the progress away."""
        if self._shows_progress:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _tell(self, replica: str) -> Tell:
        if replica not in self._tells:
            options = self._options
            colour = colour_wanted(options.color or "auto", sys.stdout, os.environ)
            style = Style(self._dated, colour, self._names, prefix=replica if options.verbose else None)
            settings = LogSettings("json" if options.as_json else "text", options.level or "info", replica, style)
            self._tells[replica] = open_log(settings, self._out, self._rehearsal.clock)
        return self._tells[replica]


def _why_nothing(script: Script, jobs: list[Job]) -> str:
    none = f"nothing happens from {instant_text(script.begin)} to {instant_text(script.end)}"
    following = next(upcoming(jobs, script.end - timedelta(seconds=1)), None)
    if following is None:
        return f"{none}, and no tick is to come"
    tick, ticking = following
    return f"{none}: the next tick is {instant_text(tick)}, of {ticking[0].name}"

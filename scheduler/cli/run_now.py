"""`leasebeat run-now`: run a job in this process, as one does who writes it."""

from __future__ import annotations

import sys
import threading
from queue import SimpleQueue
from typing import Any

import click

from scheduler.cli import completing, parameters
from scheduler.cli.options import Options, common_options, gathered
from scheduler.cli.stop import on_stop_signals
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.core.actions import PythonAction
from scheduler.core.ports import Clock, RunEnded, Tell
from scheduler.running.alone import LoneRun
from scheduler.telling.libraries import open_door
from scheduler.telling.lines import LineWriter
from scheduler.telling.log import LogSettings, open_log
from scheduler.telling.shapes import elapsed, harmless

EXAMPLES = """\b
Examples:
  leasebeat run-now nightly-report --here
  leasebeat run-now nightly-report --here --json | jq .text
"""
FAILED = 1
BY_SIGNAL = 128  # and its number, as shells have it
WRITTEN = ("run.output", "library.log")
ONLY_HERE = "this version runs a job in this process only: leasebeat run-now {} --here"


@click.command("run-now", epilog=EXAMPLES)
@click.argument("name", metavar="JOB", shell_complete=completing.jobs)
@click.option("--here", is_flag=True, help="In this process, without the Lease: to develop a job")
@common_options
@click.pass_context
def run_now(context: click.Context, /, name: str, here: bool, **common: Any) -> None:  # noqa: FBT001  # click's way
    """Run a job once and wait for it.

    Exit code 0 if it succeeded, 1 if not. With --here it runs as on a leader, with its environment and its timeout, but
    by itself: the Lease is not asked, whatever the replicas run meanwhile. There is one attempt, without retries, and
    it is told term 0 and fence 0. What it writes is shown as it comes; --json shows the log. Ctrl-C ends it: TERM, and
    KILL after 10 s or a second Ctrl-C.
    """
    if not here:
        raise click.UsageError(ONLY_HERE.format(name))
    options, clock = gathered(context, common), SystemClock()
    loaded = load(options.config_path, clock.wall())
    (job,) = parameters.chosen(loaded.table, (name,))
    folder, level = str(loaded.file.absolute().parent), options.level or loaded.settings.logging.level
    tell = _tell(options, level, clock)
    run = LoneRun(job, clock, tell, folder, level)
    stop = _Stop(run)
    on_stop_signals(stop.signals.put)
    if isinstance(job.action, PythonAction) and job.action.isolation == "thread":
        sys.path.insert(0, folder)
    close_door = open_door(tell, level, run.facts)
    ended = run.perform()
    close_door()
    if not options.as_json and not (options.quiet and ended.outcome == "succeeded"):
        click.echo(f"{run.id} here: {_sentence(ended)}")
    context.exit(stop.exit_code or (0 if ended.outcome == "succeeded" else FAILED))


class _Stop:
    """Ends the run at the first of `signals`, at once at the second; in a thread, for a handler must not wait."""

    def __init__(self, run: LoneRun) -> None:
        self.signals: SimpleQueue[int] = SimpleQueue()
        self.exit_code = 0
        self._run = run
        threading.Thread(target=self._wait, name="stop", daemon=True).start()

    def _wait(self) -> None:
        self.exit_code = BY_SIGNAL + self.signals.get()
        self._run.stop()
        self.signals.get()
        self._run.kill()


def _tell(options: Options, level: str, clock: Clock) -> Tell:
    """The log where it is asked for; else what the job writes, as it wrote it, each on the stream it wrote to."""
    if options.as_json:
        return open_log(LogSettings("json", level, "here"), LineWriter(sys.stdout), clock)
    out, err = LineWriter(sys.stdout), LineWriter(sys.stderr)

    def tell(event: str, /, **facts: object) -> None:
        if event not in WRITTEN:
            return
        text, logger = str(facts["text"]), facts.get("logger")
        (out if facts.get("stream") == "stdout" else err).write(
            f"{facts.get('level')} {logger}: {text}" if logger else text
        )

    return tell


def _sentence(ended: RunEnded) -> str:
    outcome = "stopped" if ended.outcome == "killed" else ended.outcome.replace("_", " ")
    error = f": {harmless(ended.error)}" if ended.error else ""
    return f"{outcome}, took {elapsed(ended.took_ms)}{error}"

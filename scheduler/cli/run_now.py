"""`leasebeat run-now`: have the leader run a job and wait for its end, or run it here, as one does who writes it."""

from __future__ import annotations

import sys
import threading
from functools import partial
from queue import SimpleQueue
from typing import Any

import click

from scheduler.app.place import open_jobs
from scheduler.cli import completing, parameters
from scheduler.cli.asking import jobs as asking_jobs
from scheduler.cli.asking.run import run_by_the_leader
from scheduler.cli.options import Options, common_options, gathered
from scheduler.cli.stop import on_stop_signals
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.core.actions import PythonAction
from scheduler.core.ports import Clock, RunEnded, Tell
from scheduler.running.alone import LoneRun, Means
from scheduler.telling.libraries import open_door
from scheduler.telling.lines import LineWriter
from scheduler.telling.log import LogSettings, open_log
from scheduler.telling.shapes import elapsed, harmless

EXAMPLES = """\b
Examples:
  leasebeat run-now nightly-report --reason "figures came late"
  leasebeat run-now nightly-report --here --json | jq .text
"""
FAILED = 1
BY_SIGNAL = 128  # and its number, as shells have it
WRITTEN = ("run.output", "library.log")


@click.command("run-now", epilog=EXAMPLES)
@click.argument("name", metavar="JOB", shell_complete=completing.jobs)
@click.option("--here", is_flag=True, help="In this process, without the Lease: to develop a job")
@click.option("--no-wait", is_flag=True, help="Do not wait for its end")
@click.option("--reason", metavar="TEXT", callback=asking_jobs.reason, help="Why; shown in the leader's log")
@common_options
@click.pass_context
def run_now(context: click.Context, /, name: str, **asked: Any) -> None:
    """Run a job once and wait for it.

    The leader runs it, as soon as its job does not run and a worker is free, with its retries; Ctrl-C only ends the
    wait. Exit code 0 if it succeeded, 1 if not, 3 if no leader answers in 30 s.

    With --here it runs in this process as on a leader, but by itself: the Lease is not asked, whatever the replicas run
    meanwhile. There is one attempt, and it is told term 0 and fence 0. What it writes is shown as it comes; --json
    shows the log. Ctrl-C ends it: TERM, and KILL after 10 s or a second Ctrl-C.
    """
    options = gathered(context, asked)
    if not asked["here"]:
        context.exit(run_by_the_leader(options, name, asked["reason"], waits=not asked["no_wait"]))
    if asked["no_wait"] or asked["reason"]:
        raise click.UsageError("--here waits, and tells nobody a reason")
    context.exit(_run_here(options, name))


def _run_here(options: Options, name: str) -> int:
    clock = SystemClock()
    loaded = load(options.config_path, clock.wall())
    (job,) = parameters.chosen(loaded.table, (name,))
    folder, level = str(loaded.file.absolute().parent), options.level or loaded.settings.logging.level
    tell = _tell(options, level, clock)
    means = Means(folder, level, partial(open_jobs, loaded.settings.lease, options.place))
    run = LoneRun(job, clock, tell, means)
    stop = _Stop(run)
    on_stop_signals(stop.signals.put)
    if isinstance(job.action, PythonAction) and job.action.isolation == "thread":
        sys.path.insert(0, folder)
    close_door = open_door(tell, level, run.facts)
    ended = run.perform()
    close_door()
    if not options.as_json and not (options.quiet and ended.outcome == "succeeded"):
        click.echo(f"{run.id} here: {_sentence(ended)}")
    return stop.exit_code or (0 if ended.outcome == "succeeded" else FAILED)


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

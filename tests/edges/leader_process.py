"""A leader to be killed, stopped and continued by a test; it does what it is told line by line.

`exclusive COMMAND` and `allowed COMMAND` are runs, and so is `call FUNCTION` of `sample_jobs.py`. `trust SECONDS`
shortens its trust. `copy me` has it fork, as a job with `isolation: thread` may do; the copy lives on beside it. It
prints `trusted` and `copied` when that is done, `started` and `ended OUTCOME` for each run, and `signal N` for INT and
TERM.
"""
# ruff: noqa: T201 - that is how it talks to the test

import os
import signal
import sys
import threading

from scheduler.core.actions import ShellAction
from scheduler.core.ports import RunEnded, RunNews, RunStarted
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.running.supervisor.times import boot_now
from tests.edges.supervision import CONFIG_FOLDER, FOR_EVER_S, order, python


def hear(news: RunNews) -> None:
    if isinstance(news, RunStarted):
        print("started", flush=True)
    if isinstance(news, RunEnded):
        print("ended", news.outcome, flush=True)


def lead() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda signum, _: print("signal", signum, flush=True))
    runner = SupervisorRunner(hear, CONFIG_FOLDER)
    trust_for(runner, FOR_EVER_S)
    for line in sys.stdin:
        kind, what = line.rstrip().split(" ", 1)
        if kind == "trust":
            trust_for(runner, float(what))
            print("trusted", flush=True)
        elif kind == "copy":
            live_on_as_two()
        elif kind == "call":
            runner.start(python(what))
        else:
            runner.start(order(ShellAction(what), exclusive=kind == "exclusive"))
    runner.close()


def trust_for(runner: SupervisorRunner, seconds: float) -> None:
    runner.trust(boot_now() + seconds, boot_now() + seconds)


def live_on_as_two() -> None:
    if os.fork():
        print("copied", flush=True)
    else:
        threading.Event().wait(FOR_EVER_S)


if __name__ == "__main__":
    lead()

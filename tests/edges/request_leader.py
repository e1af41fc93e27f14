"""A leader to be killed by a test: it has one run, of the URL and the attempt on its command line.

The URL is requested, or is that of a broker, which is sent a task. It prints `started` and then how the run ended.
"""
# ruff: noqa: T201 - that is how it talks to the test

import sys
import threading
from dataclasses import replace

from scheduler.core.actions import CeleryAction, HttpAction
from scheduler.core.ports import RunEnded, RunNews, RunStarted
from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.supervision import CONFIG_FOLDER, order, trusted


def lead(url: str, attempt: int) -> None:
    over = threading.Event()

    def hear(news: RunNews) -> None:
        if isinstance(news, RunStarted):
            print("started", flush=True)
        if isinstance(news, RunEnded):
            print(news.outcome, flush=True)
            over.set()

    runner = trusted(SupervisorRunner(hear, CONFIG_FOLDER))
    action = HttpAction(url) if url.startswith("http") else CeleryAction("shop.record", url, ("led",))
    runner.start(replace(order(action), attempt=attempt))
    over.wait()
    runner.close()


if __name__ == "__main__":
    lead(sys.argv[1], int(sys.argv[2]))

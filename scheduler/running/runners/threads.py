"""Runs `python` functions with `isolation: thread`: in threads of the leader's own process.

What that buys is a start in well under a millisecond. What it costs: such a run cannot be killed, neither by its
timeout, which is judged when it ends, nor when the lead is lost; a function that keeps the interpreter's lock keeps the
leader from renewing its lease. It shares the process's environment, so `env` and the `LEASEBEAT_*` variables are not
set (a parameter named `run` has the same facts), and its stdout and stderr are the process's own; records of Python's
logging go where the process sends all of them. So of all that is written `output` governs the traceback alone.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from scheduler.core.actions import PythonAction
from scheduler.core.job import Output
from scheduler.core.ports import Clock, RunEnded, RunNews, RunOrder, RunOutput, RunStarted
from scheduler.running.runners.call import Failure, call, failure_of, job_run


@dataclass(slots=True)
class _Serving:
    """How many runs one thread has performed; nobody else changes it."""

    performed: int = 0


class ThreadRunner:
    """At most `max_parallel` threads, started when first needed; an order beyond that waits for one to be free.

    `gate` is asked as a run's first statement. `news` is called in the thread of the run it is about, so in several at
    a time. The threads do not keep the process from ending.
    """

    def __init__(
        self, news: Callable[[RunNews], None], max_parallel: int, gate: Callable[[], bool], clock: Clock
    ) -> None:
        self._news = news
        self._max_parallel = max_parallel
        self._gate = gate
        self._clock = clock
        self._orders: queue.SimpleQueue[RunOrder | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[_Serving] = []
        self._handed_over = 0
        self._current = threading.local()

    def run_facts(self) -> dict[str, object] | None:
        """The run fields of what the calling thread performs, for what it logs; None in any other thread."""
        order: RunOrder | None = getattr(self._current, "order", None)
        if order is None:
            return None
        names = ("job", "run", "tick", "attempt", "term")
        return {name: getattr(order, name) for name in names}

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        """Nothing to note: the gate itself is asked, and nothing can be ended at a deadline."""

    def start(self, order: RunOrder) -> None:
        """Have a thread perform the run.

        A thousand may be handed over at one instant, so this shares no lock with the threads that perform them.
        """
        with self._lock:
            self._handed_over += 1
            if len(self._threads) < self._max_parallel and self._busy > len(self._threads):
                serving = _Serving()
                name = f"run-{len(self._threads)}"
                threading.Thread(target=self._serve, args=(serving,), name=name, daemon=True).start()
                self._threads.append(serving)
        self._orders.put(order)

    @property
    def _busy(self) -> int:
        """Runs handed over and not over; perhaps a few more, for the threads count for themselves."""
        return self._handed_over - sum(serving.performed for serving in self._threads)

    def stop(self, key: str) -> None:
        """A thread cannot be ended from outside."""

    def kill(self, key: str) -> None:
        """Nor this way."""

    def kill_exclusive(self) -> None:
        """Threads cannot be ended from outside; the shut gate keeps those from starting that wait."""

    def let_go(self, key: str) -> None:
        """No run of a thread is adoptable."""

    def close(self) -> None:
        """Let the threads end as their runs do; a run that is under way is not waited for."""
        with self._lock:
            for _ in self._threads:
                self._orders.put(None)
            self._threads.clear()

    def _serve(self, serving: _Serving) -> None:
        while order := self._orders.get():
            self._perform(order)
            serving.performed += 1

    def _perform(self, order: RunOrder) -> None:
        if not self._gate():
            self._news(RunEnded(order.key, "gate_shut", took_ms=0))
            return
        began, at = self._clock.boot(), self._clock.wall()
        self._news(RunStarted(order.key, at))
        failure: Failure | None = None
        self._current.order = order
        try:
            action = order.action
            assert isinstance(action, PythonAction)
            call((action.module, action.function), action.args, action.kwargs, job_run(order, at))
        except BaseException as error:  # noqa: BLE001 - the user's code may raise what it likes
            failure = failure_of(error)
        self._current.order = None
        self._report_end(order, self._clock.boot() - began, failure)

    def _report_end(self, order: RunOrder, took_s: float, failure: Failure | None) -> None:
        took_ms = round(1000 * took_s)
        for line in failure.traceback.splitlines() if failure and order.output is not Output.NONE else ():
            self._news(RunOutput(order.key, "stderr", line))
        if order.timeout_s is not None and took_s > order.timeout_s:
            self._news(RunEnded(order.key, "timed_out", took_ms))
        elif failure:
            self._news(RunEnded(order.key, "failed", took_ms, failure.reason, failure.error))
        else:
            self._news(RunEnded(order.key, "succeeded", took_ms))

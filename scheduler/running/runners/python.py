"""The worker: the supervisor's child that calls `python` functions, one at a time.

It is used again for the next call, so that imports are paid for once, until it is worn (`surroundings.py`). What is
written to stdout and stderr, by whatever means, is the run's output; records of Python's logging travel beside it and
keep their level and their logger's name. What a function leaves running (threads, pools) belongs to the worker, not to
the run, and ends with the worker.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from scheduler.referred_files import Unreadable
from scheduler.running.runners.call import Failure, call, failure_of, job_run
from scheduler.running.runners.environment import environment_of
from scheduler.running.runners.surroundings import Surroundings, fresh_streams
from scheduler.running.supervisor.lines import LineCutter
from scheduler.running.supervisor.times import boot_now, wall_now
from scheduler.running.supervisor.wire import (
    Decoder,
    Ended,
    Message,
    Output,
    Ready,
    Setup,
    Started,
    StartPython,
    Trust,
    encode,
)

_CHUNK_BYTES = 64 * 1024
_RECORD_CHARACTERS = 256 * 1024  # of one log record, which travels in one piece


def work(setup: Setup, first: tuple[Trust, StartPython] | None, orders: int, reports: int) -> None:
    """Be a worker until it is worn or alone. Without a `first` order, import the table's modules ahead."""
    mouth = _Mouth(orders, reports)
    worker = _Worker(setup, mouth)
    if first:
        worker.obey_all(first)
    else:
        worker.import_ahead()
    decoder = Decoder()
    while not worker.is_worn and (data := os.read(orders, _CHUNK_BYTES)):
        worker.obey_all(decoder.feed(data))


class _Mouth:
    """Reports to the supervisor, from any thread. A copy of this process, forked by the user's code, has none."""

    def __init__(self, orders: int, reports: int) -> None:
        self.fds = (orders, reports)
        self._lock = threading.Lock()
        self.is_copy = False
        os.register_at_fork(after_in_child=self._close)

    def report(self, *messages: Message) -> None:
        """Say this in one breath; it waits for no one but the supervisor, which always listens."""
        with self._lock:
            data = b"".join(encode(message) for message in messages)
            while data:
                data = data[os.write(self.fds[1], data) :]

    def _close(self) -> None:
        if not self.is_copy:  # a copy may fork as well
            self.is_copy = True
            for fd in self.fds:
                os.close(fd)


class _Records(logging.Handler):
    """Sends the records of Python's logging as output of the run under way."""

    def __init__(self, mouth: _Mouth) -> None:
        super().__init__()
        self.key: str | None = None
        self._mouth = mouth

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging, from any thread, and never by two at a time."""
        text = self.format(record)
        if self._mouth.is_copy:
            sys.stderr.write(f"{record.levelname} {record.name}: {text}\n")
        elif self.key:
            cut = text if len(text) <= _RECORD_CHARACTERS else f"{text[:_RECORD_CHARACTERS]}…"
            lines = LineCutter().feed(cut.encode(errors="replace") + b"\n")
            self._mouth.report(Output(self.key, "log", lines, record.name, record.levelname.lower()))


class _Worker:
    """Does what the supervisor orders, in this process's main thread."""

    def __init__(self, setup: Setup, mouth: _Mouth) -> None:
        self._setup = setup
        self._mouth = mouth
        self._records = _Records(mouth)
        self._gate_until = 0.0
        self.is_worn = False
        sys.path[:] = setup.sys_path
        sys.argv = ["leasebeat"]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        faulthandler.enable()
        logging.basicConfig(handlers=[self._records], level=setup.log_level.upper(), format="%(message)s")
        os.chdir(setup.config_folder)
        fresh_streams()
        self._surroundings = Surroundings(setup.config_folder, mouth.fds, setup.calls)

    def import_ahead(self) -> None:
        """Import the table's modules. One that fails is imported again by its run, which then reports the failure."""
        for module in self._setup.modules:
            with suppress(BaseException):
                importlib.import_module(module)
        self._mouth.report(Ready())

    def obey_all(self, messages: Iterable[Message]) -> None:
        """Take note of the trust, and perform each run from its gate to its end."""
        for message in messages:
            if isinstance(message, Trust):
                self._gate_until = message.gate_until
            elif isinstance(message, StartPython):
                self._perform(message)

    def _perform(self, order: StartPython) -> None:
        began = boot_now()
        if began >= self._gate_until:
            self._mouth.report(Ended(order.key, "gate_shut", 0), Ready())
            return
        at = wall_now()
        self._mouth.report(Started(order.key, at.isoformat(), began, os.getpid()))
        try:
            environment = environment_of(order, self._setup.config_folder)
        except Unreadable as error:
            self._mouth.report(Ended(order.key, "failed", 0, "rejected", str(error)), Ready())
            return
        self._records.key = order.key
        with self._surroundings.prepared(environment):
            failure = self._called(order, at)
        self._records.key = None
        if failure:
            with suppress(OSError):  # closed by the function
                os.write(2, failure.traceback.encode(errors="backslashreplace"))
        took_ms = round(1000 * (boot_now() - began))
        if self._mouth.is_copy:
            os._exit(1 if failure else 0)
        ended = Ended(order.key, "succeeded", took_ms)
        if failure:
            ended = Ended(order.key, "failed", took_ms, failure.reason, failure.error)
        self.is_worn = self._surroundings.are_worn()
        self._mouth.report(ended, *(() if self.is_worn else (Ready(),)))

    def _called(self, order: StartPython, at: datetime) -> Failure | None:
        """Call the function; how it failed."""
        try:
            args, kwargs = pickle.loads(bytes.fromhex(order.arguments))  # noqa: S301 - made by our own leader
            importlib.import_module(order.module)
            with self._surroundings.guarded():
                call((order.module, order.function), args, kwargs, job_run(order, at))
        except BaseException as error:  # noqa: BLE001 - the user's code may raise what it likes
            return failure_of(error)
        return None

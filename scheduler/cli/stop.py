"""The signals that stop a process, and what a second one does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import IO

from scheduler.core.ports import Clock

ECHO_S = 0.1  # as `timeout` makes it: it signals the process, and then the group that the process is in
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def on_stop_signals(handle: Callable[[int], None]) -> None:
    """Call `handle` with the number of each TERM, INT and HUP from now on; must be called in the main thread.

    In a thread of its own, which the C handler wakes through a pipe: Python calls its handlers in the main thread only,
    and that may sleep through a signal which the kernel gave to another thread, as it does after a freeze, or which
    came just before it lay down. A HUP that is ignored, as nohup has it, stays ignored.
    """
    told, hears = os.pipe()
    os.set_blocking(hears, False)
    signal.set_wakeup_fd(hears, warn_on_full_buffer=False)
    for number in _STOP:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _left_to_the_thread)

    def hear() -> None:
        while numbers := os.read(told, 64):
            for number in numbers:
                if number in _STOP:
                    handle(number)

    threading.Thread(target=hear, name="signals", daemon=True).start()


def _left_to_the_thread(_number: int, _frame: FrameType | None) -> None:
    """Without a handler of Python's there would be no wake-up."""


def stop_at_end_of(stream: IO[str]) -> None:
    """Stop this process in good order when `stream` ends, because whoever started it is gone."""

    def watch() -> None:
        stream.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


class StopSignal:
    """The first TERM, INT or HUP asks for a clean stop; the second ends the process at once, without a release.

    Nothing has to be cleaned up then: the supervisor sees its pipe close and kills the runs, and the Lease expires.
    One that comes within `ECHO_S` of the first is the first again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._name = ""
        self._asked = threading.Event()
        self._asked_at = 0.0

    def listen(self) -> None:
        """Take over the signals; must be called in the main thread."""
        on_stop_signals(self._handle)

    @property
    def asked(self) -> bool:
        """Whether the first signal has come."""
        return self._asked.is_set()

    def wait(self) -> str:
        """Wait for the first signal and return its name: `TERM` or `INT`."""
        self._asked.wait()
        return self._name

    def _handle(self, number: int) -> None:
        now = self._clock.boot()
        if not self._asked.is_set():
            self._name, self._asked_at = signal.Signals(number).name.removeprefix("SIG"), now
            self._asked.set()
        elif now > self._asked_at + ECHO_S:
            os._exit(128 + number)

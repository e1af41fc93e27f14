"""The signals that stop a process, and what a second one does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import IO

LOOK_UP_S = 0.5


def on_stop_signals(handle: Callable[[int], None]) -> None:
    """Call `handle` with the number of each TERM, INT and HUP from now on; must be called in the main thread.

    A HUP that is ignored, as nohup has it, stays ignored.
    """

    def handler(number: int, _frame: FrameType | None) -> None:
        handle(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def stop_at_end_of(stream: IO[str]) -> None:
    """Stop this process in good order when `stream` ends, because whoever started it is gone."""

    def watch() -> None:
        stream.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


class StopSignal:
    """The first TERM, INT or HUP asks for a clean stop; the second ends the process at once, without a release.

    Nothing has to be cleaned up then: the supervisor sees its pipe close and kills the runs, and the Lease expires.
    """

    def __init__(self) -> None:
        self._name = ""
        self._asked = threading.Event()

    def listen(self) -> None:
        """Take over the signals; must be called in the main thread."""
        on_stop_signals(self._handle)

    @property
    def asked(self) -> bool:
        """Whether the first signal has come."""
        return self._asked.is_set()

    def wait(self) -> str:
        """Wait for the first signal and return its name: `TERM` or `INT`.

        The kernel may hand it to any thread, as it does while the main one is still being thawed after a freeze. Only
        the main one calls the handler, and nothing wakes it then but its own look.
        """
        while not self._asked.wait(LOOK_UP_S):
            continue
        return self._name

    def _handle(self, number: int) -> None:
        if self._asked.is_set():
            os._exit(128 + number)
        self._name = signal.Signals(number).name.removeprefix("SIG")
        self._asked.set()

"""What is being done, on one line of the terminal that is written again and again, for what takes over a second."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

SILENT_FOR_S = 1.0


class Progress:
    """Shows `what`, and how far it is, from a second after it began until its end; on a terminal only.

    Call it with how much is done of how much, as often as there is news, from any thread.
    """

    def __init__(
        self, what: str, stream: TextIO | None = None, *, quiet: bool = False, silent_for_s: float = SILENT_FOR_S
    ) -> None:
        self._line = what
        self._what = what
        self._stream = stream or sys.stderr
        self._shown = ""
        self._lock = threading.Lock()
        self._silent, self._over = True, quiet or not self._stream.isatty()
        self._timer = threading.Timer(silent_for_s, self._begin)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if not self._over:
            self._timer.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._write("")
            self._over = True

    def __call__(self, done: int, of: int) -> None:
        """So much is done; `of` is all."""
        with self._lock:
            self._line = f"{self._what} {done}/{of}"
            if not self._silent:
                self._write(self._line)

    def _begin(self) -> None:
        with self._lock:
            self._silent = False
            self._write(self._line)

    def _write(self, line: str) -> None:
        """Put `line` in the place of what is there, which blanks overwrite: no terminal is too simple for that."""
        if self._over or line == self._shown:
            return
        blanks = " " * (len(self._shown) - len(line))
        back = "" if line else "\r"
        with suppress(OSError, ValueError):
            self._stream.write(f"\r{line}{blanks}{back}")
            self._stream.flush()
        self._shown = line

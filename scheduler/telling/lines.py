"""Where lines go out: whole, one at a time, and whatever happens to their reader.

A log reader may go away (`| head`), a disk may be full, a stream may have an encoding that lacks a letter. None of that
may end a scheduler or raise in the thread that happened to tell something.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TextIO


class LineWriter:
    """Writes each line in one piece to `stream` and flushes it; raises nothing.

    Who makes lines from the time holds `lock` meanwhile, so that they go out in the order of their times. A signal
    handler may write while its own thread is writing, hence a lock that the same thread may take twice.
    """

    def __init__(self, stream: TextIO) -> None:
        self.lock = threading.RLock()
        self._stream = stream

    def write(self, line: str) -> None:
        """Write `line` and a line's end. It is lost if the stream cannot take it."""
        with self.lock:
            try:
                self._put(line + "\n")
            except BrokenPipeError:
                self._mute()
            except (OSError, ValueError, RuntimeError):  # a full disk, a closed stream, a signal amid the same write
                return

    debug = info = warning = error = write  # structlog calls the method named like the level

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()

    def _mute(self) -> None:
        """Write to nowhere from now on: what is left in the stream's buffer would fail again when Python exits."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

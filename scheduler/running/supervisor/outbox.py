"""What the supervisor has yet to tell the leader.

The supervisor must never wait for the leader, which may be frozen, and must not grow while it waits. So reports of
starts and ends are always kept, there are at most two a run, while output is taken only as long as there is room; what
finds none is left out, counted, and the count is told in its place. A job is thus never held up by the log, and a log
that cannot keep up says so.
"""

from __future__ import annotations

import os
from contextlib import suppress

from scheduler.running.supervisor.wire import Ended, Output, Started, encode

ROOM_BYTES = 2 * 1024 * 1024
"""Output is left out while this much is waiting."""


class Outbox:
    """The queue to the leader's end `fd`, which must be non-blocking."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting = bytearray()
        self._left_out: dict[str, int] = {}

    @property
    def waits(self) -> bool:
        """Whether there is something that the leader has not taken yet."""
        return bool(self._waiting)

    def put(self, report: Started | Ended) -> None:
        """Tell this, however much is waiting."""
        if isinstance(report, Ended):
            self._own_up(report.key)
        self._waiting += encode(report)

    def put_output(self, output: Output) -> None:
        """Tell this if there is room."""
        if len(self._waiting) >= ROOM_BYTES:
            self._left_out[output.key] = self._left_out.get(output.key, 0) + len(output.lines)
            return
        self._own_up(output.key)
        self._waiting += encode(output)

    def flush(self) -> None:
        """Hand over as much as the leader takes now. A leader that is gone is noticed where it is read from."""
        with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self._waiting:
                sent = os.write(self._fd, self._waiting)
                del self._waiting[:sent]

    def _own_up(self, key: str) -> None:
        if count := self._left_out.pop(key, 0):
            note = f"… {count} lines left out, the log could not keep up"
            self._waiting += encode(Output(key, "stderr", [note]))

"""A terminal of 80 columns by 24 lines with a program in it, as a person sits before one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

PATIENCE_S = 60.0
PIECE = 65536
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>()][0-9A-Za-z]?")


class Terminal:
    """What the program writes is in `raw`; `seen` has it without what only moves the cursor or sets a colour."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], columns: int = 80) -> None:
        self.raw = ""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=dict(environ),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - shells want a terminal of their own
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def seen(self) -> str:
        return _CONTROL.sub("", self.raw)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until `text` has been seen."""
        while text not in self.seen:
            assert self._read(), f"{text!r} was not seen in {self.seen!r}"

    def wait(self) -> int:
        """Read until the program ends; its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def _read(self) -> bool:
        readable, _, _ = select.select([self._ours], [], [], PATIENCE_S)
        try:
            piece = os.read(self._ours, PIECE) if readable else b""
        except OSError:  # Linux says so when the last program has closed it
            piece = b""
        self.raw += piece.decode("utf-8", "replace")
        return bool(piece)

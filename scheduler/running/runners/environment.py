"""The environment that a run finds beside what it inherits: the facts of the run, and its job's own variables.

A variable that refers to a file is read here, in the run's own process, at the run's start: what is mounted there may
have been renewed since the leader started, and a file system that hangs holds up nothing but this run.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # the supervisor's processes stay small
    from scheduler.running.supervisor.wire import Start

_LONGEST = 128 * 1024  # bytes; Linux takes no longer variable (MAX_ARG_STRLEN)


class Unreadable(Exception):
    """A file that the run's environment needs cannot be had; `str()` says which and why, and nothing of its content."""


def environment_of(order: Start, folder: str) -> dict[str, str]:
    """The variables of this run; paths are as seen from `folder`. Raises Unreadable."""
    own = order.env.items()
    read = {name: value if isinstance(value, str) else content_of(name, value["file"], folder) for name, value in own}
    return read | order.facts()


def content_of(name: str, path: str, folder: str) -> str:
    """The file's text without the line break at its end, as `$(cat path)` would give it; `name` is what refers to it.

    Raises Unreadable.
    """
    try:
        fd = os.open(os.path.join(folder, path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # noqa: PTH118 - see shell.py
        with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor has no Path
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Unreadable(f"{name}: {path} is no file")
            raw = file.read(_LONGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Unreadable(f"{name}: {path}: {error.strerror if isinstance(error, OSError) else error}") from None
    if b"\0" in raw or len(raw) > _LONGEST:
        raise Unreadable(f"{name}: {path} " + ("is larger than 128 KiB" if len(raw) > _LONGEST else "holds a NUL"))
    return os.fsdecode(raw).rstrip("\r\n")

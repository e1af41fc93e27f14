"""The files that values of config.yaml refer to, `{file: PATH}`, and the only place that reads them.

They are read where they are needed and each time anew, for what is mounted there may have been renewed. So a run reads
its files in its own process, and a notification in its sender's thread: a file system that hangs holds up nothing else.
"""

from __future__ import annotations

import os
import stat

_LONGEST = 128 * 1024  # bytes; Linux takes no longer variable (MAX_ARG_STRLEN)


class Unreadable(Exception):
    """A file that a value refers to cannot be had; `str()` says which and why, and nothing of its content."""


def content_of(path: str, folder: str, *, utf8: bool = False) -> str:
    """The file's text without the line break at its end, as `$(cat path)` would give it, seen from `folder`.

    Bytes that are no UTF-8 stand in it as surrogates, which is how Python hands them on to a process; with `utf8`, for
    URLs and JSON, they are refused. Raises Unreadable.
    """
    try:
        fd = os.open(os.path.join(folder, path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # noqa: PTH118 - see shell.py
        with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor has no Path
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Unreadable(f"{path} is no file")
            raw = file.read(_LONGEST + 1)
        if len(raw) > _LONGEST:
            raise Unreadable(f"{path} is larger than 128 KiB")
        if b"\0" in raw:
            raise Unreadable(f"{path} holds a NUL")
        return (raw.decode() if utf8 else os.fsdecode(raw)).rstrip("\r\n")
    except UnicodeDecodeError:
        raise Unreadable(f"{path} is no UTF-8 text") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Unreadable(f"{path}: {error.strerror if isinstance(error, OSError) else error}") from None

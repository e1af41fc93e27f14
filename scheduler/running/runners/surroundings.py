"""What a Python function finds around it in a worker, and what becomes of that when it changed it.

A worker calls one function after another, so what one of them does to the process must not reach the next. What can be
put back is put back after each call. What cannot be (closed descriptors, lowered limits, another user) makes the worker
worn, and so do many calls and grown memory: it is used no more, and another takes its place. What a module changes when
it is imported stays, though, since that happens once a worker.
"""

from __future__ import annotations

import _locale
import io
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from scheduler.running.supervisor import linux

GROWTH_BYTES = 256 * 1024 * 1024
"""A worker that has grown by so much since its first call is worn; a cache or a model that was loaded may stay."""

_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_LIMITS = [value for name, value in sorted(vars(resource).items()) if name.startswith("RLIMIT_")]


class Surroundings:
    """Those of one worker, whose runs begin in `folder`; `fds` are the descriptors that it cannot do without.

    After so many `calls` they are worn.
    """

    def __init__(self, folder: str, fds: tuple[int, ...], calls: int) -> None:
        self._folder = folder
        self._fds = (1, 2, *fds)
        self._traits = self._found_traits()
        self._calls_left = calls
        self._bytes_at_first = 0

    @contextmanager
    def prepared(self, env: dict[str, str]) -> Iterator[None]:
        """Have the folder, the environment and the streams that a run finds; all that can be is put back after it."""
        self._calls_left -= 1
        before = dict(os.environ)
        os.environ.update(env)
        os.chdir(self._folder)
        streams = fresh_streams()
        try:
            yield
        finally:
            for stream in streams:
                with suppress(ValueError):  # closed by the function
                    stream.flush()
            linux.flush_c_streams()
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Have a function called, whose module is imported, and put back what it changed of the process's ways."""
        undos = _interpreter_as_it_is(), _signals_as_they_are()
        self._traits = self._found_traits()
        try:
            yield
        finally:
            for undo in undos:
                undo()

    def are_worn(self) -> bool:
        """Whether no other function should find these; to be asked after each call."""
        taken = _resident_bytes()
        self._bytes_at_first = self._bytes_at_first or taken
        has_grown = taken > self._bytes_at_first + GROWTH_BYTES
        return has_grown or self._calls_left < 1 or self._found_traits() != self._traits

    def _found_traits(self) -> object:
        """What a function can change and nobody can put back."""
        try:
            files = [(found.st_dev, found.st_ino) for found in (os.fstat(fd) for fd in self._fds)]
            root = os.stat("/").st_ino  # noqa: PTH116 - pathlib is a third of a megabyte
        except OSError:  # one of them is closed
            return None
        users = (os.geteuid(), os.getuid(), os.getegid(), os.getgid(), os.getsid(0))
        return files, root, users, os.getpriority(os.PRIO_PROCESS, 0), [resource.getrlimit(one) for one in _LIMITS]


def fresh_streams() -> tuple[io.TextIOWrapper, io.TextIOWrapper]:
    """Text streams over descriptors 1 and 2 that write after each line, in place of whatever the last run left."""
    stdout, stderr = (
        open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - closing one only flushes it
        for fd in (1, 2)
    )
    sys.stdout, sys.stderr = stdout, stderr
    return stdout, stderr


def _interpreter_as_it_is() -> Callable[[], None]:
    """What puts back where modules are found, what logging does, and the depth of calls."""
    root = logging.getLogger()
    path, arguments, recursion = [*sys.path], [*sys.argv], sys.getrecursionlimit()
    handlers, level, disabled = [*root.handlers], root.level, root.manager.disable

    def undo() -> None:
        sys.path[:], sys.argv[:] = path, arguments
        sys.setrecursionlimit(recursion)
        root.handlers[:], root.manager.disable = handlers, disabled
        root.setLevel(level)

    return undo


def _signals_as_they_are() -> Callable[[], None]:
    """What puts signals, their mask, timers, the locale and the file mode back to what they are now."""
    handlers = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    locale = _locale.setlocale(_locale.LC_ALL, None)
    umask = _umask()

    def undo() -> None:
        for timer in _TIMERS:
            signal.setitimer(timer, 0)
        signal.set_wakeup_fd(-1)
        for signum, handler in handlers.items():
            if handler is not None and signal.getsignal(signum) is not handler:
                signal.signal(signum, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if _locale.setlocale(_locale.LC_ALL, None) != locale:
            _locale.setlocale(_locale.LC_ALL, locale)
        os.umask(umask)

    return undo


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _resident_bytes() -> int:
    """How much memory this process takes; 0 where the kernel does not tell."""
    with suppress(OSError), open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - see above
        return int(statm.read().split()[1]) * resource.getpagesize()
    return 0

"""The supervisor's children: how one is forked, and the pipes by which it is heard.

Forking is safe here, because the supervisor has one thread, and fast, because it is small. A child has four pipes: it
hears orders, sends reports, and writes to stdout and stderr. All are closed on exec, so a command keeps only the last
two, and what a command starts can never speak in its place.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain

from scheduler.running.supervisor import linux
from scheduler.running.supervisor.sessions import Tree
from scheduler.running.supervisor.wire import Decoder, Message, encode

CHUNK_BYTES = 64 * 1024
_DRAIN_BYTES = 1024 * 1024  # the most a pipe can hold, so all that was written before the end is read
_LONGEST_REPORT = 8 * 1024 * 1024  # bytes; a child's own are far shorter
_OWN_FAULT = 70  # EX_SOFTWARE of sysexits.h: the child failed before it was the user's
_TO_DEFAULT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)

_MOST_FILES = 8192  # a thousand runs, which is as many as `max_parallel` allows, need four each
_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)  # as the children are to have it


class Inlet:
    """The end of a pipe that is read; it closes itself at the end of file."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._selector: selectors.BaseSelector | None = None

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing more to come."""
        return self._fd < 0

    def watch(self, selector: selectors.BaseSelector, serve: Callable[[], None]) -> None:
        """Have `serve` called from now on whenever there is something to read."""
        self._selector = selector
        selector.register(self._fd, selectors.EVENT_READ, serve)

    def read(self) -> bytes:
        """What there is, at most CHUNK_BYTES; empty when there is nothing now or nothing any more."""
        if self._fd < 0:
            return b""
        try:
            data = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            self.close()
        return data

    def drain(self) -> Iterator[bytes]:
        """All that was written up to now, and no more, however fast somebody goes on writing."""
        taken = 0
        while taken < _DRAIN_BYTES and (data := self.read()):
            taken += len(data)
            yield data

    def close(self) -> None:
        """Read no more."""
        if self._fd < 0:
            return
        if self._selector:
            self._selector.unregister(self._fd)
        os.close(self._fd)
        self._fd = -1


class Child:
    """One process, the first of its session, whose id is `pid`; `status` is what waitpid(2) said of its end.

    `outputs` are its stdout and stderr by name, `tree` is it and all that it started.
    """

    def __init__(self, pid: int, orders: int, inlets: tuple[Inlet, Inlet, Inlet]) -> None:
        os.set_blocking(orders, False)
        self.pid = pid
        self.tree = Tree(pid)
        self.status: int | None = None
        stdout, stderr, self._reports = inlets
        self.outputs = {"stdout": stdout, "stderr": stderr}
        self._orders = orders
        self._decoder = Decoder(_LONGEST_REPORT)

    def watch(self, selector: selectors.BaseSelector, serve: Callable[[Child, str], None]) -> None:
        """Have `serve` called with the stream's name (or `reports`) whenever the child has written to it."""
        for name, inlet in {**self.outputs, "reports": self._reports}.items():
            inlet.watch(selector, partial(serve, self, name))

    def tell(self, *messages: Message) -> bool:
        """Send orders; False when the child does not take them all now, after which it must not be used any more."""
        data = b"".join(encode(message) for message in messages)
        try:
            return os.write(self._orders, data) == len(data)
        except (BlockingIOError, BrokenPipeError):
            return False

    @property
    def is_silent(self) -> bool:
        """Whether it can report nothing any more: the reports' pipe is closed on its side."""
        return self._reports.is_closed

    def reports(self) -> list[Message]:
        """What the child has reported since the last call; ValueError when it wrote something else into that pipe."""
        return [report for data in self._reports.drain() for report in self._decoder.feed(data)]

    def close(self) -> None:
        """Let go of all pipes."""
        os.close(self._orders)
        for inlet in (*self.outputs.values(), self._reports):
            inlet.close()


def make_room() -> None:
    """Let this process have as many files open as its children's pipes may take; the children keep the usual limit."""
    soft, hard = _FILES
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def spawn(body: Callable[[int, int], object]) -> Child:
    """Fork a child that calls `body` with its ends of the orders' and the reports' pipe, and ends when that returns.

    Raises OSError when the machine has no process or file to spare.
    """
    supervisor = os.getpid()
    pipes: list[tuple[int, int]] = []
    try:
        pipes.extend(os.pipe() for _ in range(4))
        pid = os.fork()
    except OSError:
        for fd in chain.from_iterable(pipes):
            os.close(fd)
        raise
    (orders, to_orders), (from_stdout, stdout), (from_stderr, stderr), (from_reports, reports) = pipes
    if not pid:
        _live(partial(_settle, supervisor, (stdout, stderr), {orders, reports}), partial(body, orders, reports))
    for fd in (orders, stdout, stderr, reports):
        os.close(fd)
    return Child(pid, to_orders, (Inlet(from_stdout), Inlet(from_stderr), Inlet(from_reports)))


def _live(settle: Callable[[], None], body: Callable[[], object]) -> None:
    """The whole life of a child: nothing may escape into the supervisor's frames, which it has a copy of."""
    try:
        settle()
        body()
    except BaseException:  # noqa: BLE001 - see above
        traceback.print_exc()
    finally:
        os._exit(_OWN_FAULT)


def _settle(supervisor: int, outputs: tuple[int, int], keep: set[int]) -> None:
    """Become the first process of a session, with default signals and with no file of the supervisor's."""
    linux.die_with(supervisor)
    os.setsid()
    signal.set_wakeup_fd(-1)
    for signum in _TO_DEFAULT:
        signal.signal(signum, signal.SIG_DFL)
    for fd, standard in zip(outputs, (1, 2), strict=True):
        os.dup2(fd, standard)
        os.close(fd)  # the listing needs one
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names are all that is wanted
        if int(name) > 2 and int(name) not in keep:  # noqa: PLR2004 - 0, 1 and 2 are the standard streams
            with suppress(OSError):  # the listing's own
                os.close(int(name))
    resource.setrlimit(resource.RLIMIT_NOFILE, _FILES)

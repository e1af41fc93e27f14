"""One supervisor as the leader sees it: the process, the socket to it, and the thread that reads its reports."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import termios
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime

from scheduler.core.ports import RunEnded, RunNews, RunOutput, RunStarted
from scheduler.running.supervisor.run import ending
from scheduler.running.supervisor.sessions import Tree, is_stopped
from scheduler.running.supervisor.times import boot_now
from scheduler.running.supervisor.wire import (
    Decoder,
    Ended,
    KillExclusive,
    Message,
    Output,
    Setup,
    Started,
    StartPython,
    StartShell,
    Trust,
    encode,
)

SILENCE_S = 0.25  # of the supervisor, until it is looked after

_CHUNK_BYTES = 64 * 1024
_NO_SESSION = 0  # not known yet
_LOOK_AGAIN_S = 0.01
_LOOKS = 100
_PATIENCE_S = 2  # with a supervisor that takes no message, or does not end: it never waits, so it is stopped or stuck
_DEAF_S = 30.0  # long enough for a slow machine to start the process, which reads nothing until then


class Hearing:
    """Whether the supervisor still takes in what it is told, asked whenever it has been silent for a while.

    One that is stopped, or stuck, would let the leader go on for ever with runs that neither begin nor end.
    """

    def __init__(self, patience_s: float = _DEAF_S) -> None:
        self.patience_s = patience_s
        self._unread_since: float | None = None

    def is_lost(self, unread: int, now: float) -> bool:
        """`unread` is what it has yet to take in at boot second `now`; whether that is so for too long."""
        if not unread:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        return self._unread_since is not None and now - self._unread_since > self.patience_s

    def it_spoke(self) -> None:
        """So it is busy and not stuck."""
        self._unread_since = None


class Link:
    """A supervisor from its start to its end. `news` is called in this link's thread alone.

    The thread also starts the process: whoever asks for a run must not wait for that, and a process that cannot be
    started is reported just as one that died. `awaited` are the runs that will be handed over first.

    A supervisor that takes nothing in for so long that `hearing` gives it up is killed. So is one that is stopped when
    an exclusive run has lost its right to run: it cannot keep that deadline, after which the job may run elsewhere.
    """

    def __init__(
        self,
        setup: Setup,
        news: Callable[[RunNews], None],
        awaited: Iterable[StartPython | StartShell] = (),
        hearing: Hearing | None = None,
    ) -> None:
        self._news = news
        self._ours, self._theirs = socket.socketpair()
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(_PATIENCE_S))
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(SILENCE_S))
        self._hearing = hearing or Hearing()
        self._lock = threading.Lock()
        self._sessions: dict[str, int] = {}
        self._exclusive: set[str] = set()
        self._exclusive_until = 0.0
        for order in awaited:
            self._await(order)
        self._is_over = False
        self._is_wanted = True
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._live, name="supervisor", daemon=True)
        _links.add(self)
        self._thread.start()
        self.send(setup)

    @property
    def is_over(self) -> bool:
        """Whether this supervisor is gone and another is needed."""
        return self._is_over

    def send(self, message: Message) -> None:
        """Tell the supervisor; if it is gone, there is nobody to tell."""
        with self._lock:
            if isinstance(message, Trust):
                self._exclusive_until = message.exclusive_until
            elif isinstance(message, KillExclusive):
                self._exclusive_until = 0.0
            self._send(message)

    def start(self, order: StartPython | StartShell) -> bool:
        """Hand a run over, whose end will be reported come what may; False if this supervisor is over."""
        with self._lock:
            if self._is_over:
                return False
            self._await(order)
            self._send(order)
            return True

    def close(self) -> None:
        """Have all runs ended and reported as killed, and return when that is done."""
        self._is_wanted = False
        self._hang_up(socket.SHUT_WR)
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive() and self._process and self._process.poll() is None:
            _end_by_force(self._process)
        self._thread.join()

    def drop_copy(self) -> None:
        """In a forked copy of the leader: close the sockets, whose copies would hide either end's death."""
        self._ours.close()
        self._theirs.close()

    def _await(self, order: StartPython | StartShell) -> None:
        self._sessions[order.key] = _NO_SESSION
        if order.exclusive:
            self._exclusive.add(order.key)

    def _send(self, message: Message) -> None:
        try:
            self._ours.sendall(encode(message))
        except OSError:  # gone; or stuck, and a message that was sent in part cannot be mended
            self._hang_up(socket.SHUT_RDWR)

    def _hang_up(self, how: int) -> None:
        with suppress(OSError):  # the supervisor did so first
            self._ours.shutdown(how)

    def _live(self) -> None:
        status: int | None = None
        cause = "the supervisor could not be started"
        try:
            self._process = self._start_process()
        except OSError as error:
            cause = f"{cause}: {error}"
        else:
            try:
                self._read(self._process)
            finally:  # also if news failed: without a reader there must be no runs
                self._hang_up(socket.SHUT_RDWR)
                status = _end_of(self._process)
                cause = f"the supervisor ended: {ending(status)}"
        finally:
            self._bury(status, cause)

    def _start_process(self) -> subprocess.Popen[bytes]:
        with self._theirs as theirs:
            return subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
                [sys.executable, "-P", "-m", "scheduler.running.supervisor", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # what it has to say it says through the socket; stderr is for its bugs
                stderr=None if sys.__stderr__ else subprocess.DEVNULL,  # one that is closed is missed by the workers
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        decoder = Decoder()
        while (data := self._heard()) != b"":
            if data is None:
                self._look_after(process)
                continue
            self._hearing.it_spoke()
            for report in decoder.feed(data):
                self._pass_on(report)

    def _heard(self) -> bytes | None:
        """What it says next; None when it has been silent for a while, and nothing at its end."""
        try:
            return self._ours.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return b""

    def _look_after(self, process: subprocess.Popen[bytes]) -> None:
        now = boot_now()
        if self._exclusive and now >= self._exclusive_until and is_stopped(process.pid):
            self._is_wanted = False  # its runs have not crashed: they end because the lead has
        elif not self._hearing.is_lost(_unread(self._ours), now):
            return
        _end_by_force(process)

    def _pass_on(self, report: Message) -> None:
        match report:
            case Started():
                self._sessions[report.key] = report.session
                self._news(RunStarted(report.key, datetime.fromisoformat(report.at)))
            case Output():
                for line in report.lines:
                    self._news(RunOutput(report.key, report.stream, line, report.logger, report.level))
            case Ended():
                self._sessions.pop(report.key, None)
                self._exclusive.discard(report.key)
                self._news(RunEnded(report.key, report.outcome, report.took_ms, report.reason, report.error))

    def _bury(self, status: int | None, cause: str) -> None:
        """Report the end of every run that the supervisor did not report, once nothing of it is left."""
        with self._lock:
            self._is_over = True
            sessions, self._sessions = self._sessions, {}
            self._ours.close()
        for key, session in sessions.items():
            if status and session != _NO_SESSION:  # a supervisor that ended in good order left nothing alive
                _wipe_out(session)
            if self._is_wanted:
                self._news(RunEnded(key, "failed", took_ms=0, reason="crashed", error=cause))
            else:
                self._news(RunEnded(key, "killed", took_ms=0))


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("ll", whole, round((seconds - whole) * 1_000_000))


def _unread(ours: socket.socket) -> int:
    """How much of what was sent has not been taken in at the other end; 0 where the kernel does not tell."""
    with suppress(OSError):
        return int.from_bytes(fcntl.ioctl(ours, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    return 0


def _end_of(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a supervisor that was left by its leader, if need be by force."""
    try:
        return process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        _end_by_force(process)
        return process.wait()


def _end_by_force(process: subprocess.Popen[bytes]) -> None:
    """Kill a supervisor that does nothing any more, with all that is below it while it can still be found there."""
    Tree(process.pid).kill()


def _wipe_out(session: int) -> None:
    """Kill what a dead supervisor's run had started; the kernel killed but the run's first process."""
    tree = Tree(session)
    for _ in range(_LOOKS):
        if not tree.living():
            return
        tree.kill()
        threading.Event().wait(_LOOK_AGAIN_S)


_links: weakref.WeakSet[Link] = weakref.WeakSet()


def _drop_copies() -> None:
    for link in list(_links):
        link.drop_copy()


os.register_at_fork(after_in_child=_drop_copies)

"""The health server's sockets: one thread, a bounded number of connections, each with a bounded time.

It shares a process, and Python's lock, with an elector that must not be held up, and its port is open to every pod of
the cluster. So it takes a breath after each turn, however much there is to do: whoever sends byte by byte, or connects
a thousand times a second, gets a fifth of one CPU at most. When all connections are in use the one that has waited
longest for its client is dropped: a kubelet that comes last is answered, because it sends its request at once, and
clients that connect and say nothing only push one another out.

None of the usual servers does that. http.server has a thread for each connection; asyncio accepts and reads as fast as
it can; neither drops one client for another.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from scheduler.telling.health_http import Routes, answer_to, can_be_answered
from scheduler.telling.health_listening import Listening

MOST_CONNECTIONS = 64
MOST_READING = 8  # of them, an answer that did not fit into the kernel's buffers
ACCEPTED_A_TURN = 8  # few enough that each has several turns to be heard before it can be pushed out
BREATH_S = 0.002  # so at most 4000 connections a second are accepted
LONGEST_S = 10.0  # for a request and its answer
LINGER_S = 1.0  # for the client to close after its answer
MOST_IGNORED = 65536  # bytes that a client may send beyond its request
READ_AT_ONCE = 4096
NO_FILES_LEFT_S = 0.1
AFTER_A_DEFECT_S = 1.0
CLOSES_WITHIN_S = 1.0

_log = logging.getLogger("leasebeat.health")


@dataclass(slots=True, eq=False)
class _Connection:
    """One client: its request is `received`, then the `unsent` answer goes out, then it is waited for to close."""

    socket: socket.socket
    until: float
    received: bytes = b""
    unsent: deque[memoryview] | None = None
    ignored: int = 0

    @property
    def is_being_answered(self) -> bool:
        return bool(self.unsent)


class HealthServer:
    """Answers GET and HEAD by `routes` from a thread of its own until closed; without a socket it does nothing.

    `boot` gives the time in seconds. No client can make it raise, stop or grow.
    """

    def __init__(self, listening: Listening | None, routes: Routes, boot: Callable[[], float]) -> None:
        self.address = listening.address if listening else None
        self._listener = listening.socket if listening else None
        self._routes = routes
        self._boot = boot
        self._selector = selectors.DefaultSelector()
        self._connections: dict[socket.socket, _Connection] = {}  # in the order in which they came
        self._closing = threading.Event()
        self._bell, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="health", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        if self._listener:
            self._listener.setblocking(False)  # noqa: FBT003  # the socket's own signature
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._selector.register(self._bell, selectors.EVENT_READ)
            self._thread.start()

    def close(self) -> None:
        """Stop answering, and give all sockets back."""
        self._closing.set()
        if self._thread.ident:
            self._waker.send(b"\0")
            self._thread.join(CLOSES_WITHIN_S)
        self._selector.close()
        for one in (self._bell, self._waker, *([self._listener] if self._listener else [])):
            one.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                self._turn()
            except Exception:  # noqa: BLE001  # logged with its traceback; a probe must be answered the next time
                _log.exception("the health server's turn failed")
                self._drop_all()
                self._closing.wait(AFTER_A_DEFECT_S)
            self._closing.wait(BREATH_S)
        self._drop_all()

    def _turn(self) -> None:
        """Wait until there is something to do, and do it."""
        for key, _ in self._selector.select(self._time_left()):
            if key.fileobj is self._listener:
                self._accept(self._listener)
            elif connection := self._connections.get(key.fileobj):  # type: ignore[call-overload] # sockets only
                self._go_on(connection)
        now = self._boot()
        for connection in [one for one in self._connections.values() if one.until <= now]:
            self._drop(connection)

    def _time_left(self) -> float | None:
        if not self._connections:
            return None
        return max(0.0, min(one.until for one in self._connections.values()) - self._boot())

    # ------------------------------------------------------------------ clients come and go

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTED_A_TURN):
            try:
                client, _address = listener.accept()
            except BlockingIOError:
                return
            except OSError:  # no files left, say: whoever has one here gives it back
                self._make_room(below=len(self._connections))
                self._closing.wait(NO_FILES_LEFT_S)
                return
            self._make_room(below=MOST_CONNECTIONS)
            self._welcome(client)

    def _welcome(self, client: socket.socket) -> None:
        client.setblocking(False)  # noqa: FBT003  # as above
        self._connections[client] = _Connection(client, self._boot() + LONGEST_S)
        self._selector.register(client, selectors.EVENT_READ)

    def _make_room(self, below: int) -> None:
        """Drop connections until there are fewer, those first that wait longest for their client."""
        while len(self._connections) >= max(below, 1):
            waiting = (one for one in self._connections.values() if not one.is_being_answered)
            self._drop(next(waiting, next(iter(self._connections.values()))))

    def _drop(self, connection: _Connection) -> None:
        del self._connections[connection.socket]
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _drop_all(self) -> None:
        for connection in list(self._connections.values()):
            self._drop(connection)

    # ------------------------------------------------------------------ one client

    def _go_on(self, connection: _Connection) -> None:
        """Do what can be done for this client without waiting for it."""
        try:
            if connection.unsent is None:
                self._hear(connection)
            elif connection.is_being_answered:
                self._send(connection)
            else:
                self._ignore(connection)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # the client is gone
            self._drop(connection)

    def _hear(self, connection: _Connection) -> None:
        piece = connection.socket.recv(READ_AT_ONCE)
        connection.received += piece
        if not piece:
            self._drop(connection)
        elif can_be_answered(connection.received):
            connection.unsent = deque(memoryview(part) for part in answer_to(connection.received, self._routes) if part)
            self._selector.modify(connection.socket, selectors.EVENT_WRITE)
            try:
                self._send(connection)
            finally:
                self._drop_slow_readers()

    def _drop_slow_readers(self) -> None:
        """A client that does not read keeps an answer in our memory, so there may be only a few, the newest."""
        reading = [one for one in self._connections.values() if one.is_being_answered]
        for connection in reading[: max(0, len(reading) - MOST_READING)]:
            self._drop(connection)

    def _send(self, connection: _Connection) -> None:
        """Send on, and then no more. Closing at once would take the answer from a client that is still sending."""
        assert connection.unsent is not None
        while connection.unsent:
            part = connection.unsent[0]
            connection.unsent[0] = part = part[connection.socket.send(part) :]
            if not part:
                connection.unsent.popleft()
        connection.until = self._boot() + LINGER_S
        connection.socket.shutdown(socket.SHUT_WR)
        self._selector.modify(connection.socket, selectors.EVENT_READ)

    def _ignore(self, connection: _Connection) -> None:
        piece = connection.socket.recv(READ_AT_ONCE)
        connection.ignored += len(piece)
        if not piece or connection.ignored > MOST_IGNORED:
            self._drop(connection)

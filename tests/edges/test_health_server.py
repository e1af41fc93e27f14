"""The health server with real sockets, and clients who mean no good.

Nothing here sleeps: each client's own timeout is what a kubelet's would be.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path

import pytest

from scheduler.telling.health_http import LONGEST_HEAD, Answer, plain_answer
from scheduler.telling.health_listening import Listening
from scheduler.telling.health_server import (
    LINGER_S,
    LONGEST_S,
    MOST_CONNECTIONS,
    MOST_IGNORED,
    MOST_READING,
    HealthServer,
)

SOON = 5.0  # seconds until a client gives up
BIG = b"x" * 20_000_000  # more than the kernel keeps for a client that does not read
GONE = r"reset|pipe"
PROBE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


class HandClock:
    """Stands still until a test sets it forward, so that no client is dropped because the machine is slow."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Served:
    """A server on a free port, what it was asked, and ways to talk to it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.asked = 0
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = listener.getsockname()
        routes = {"/livez": self._live, "/big": self._big}
        self.server = HealthServer(Listening(listener, "x"), routes, self.clock)
        self.server.start()
        self.clients = ExitStack()

    def _live(self) -> Answer:
        self.asked += 1
        return plain_answer(HTTPStatus.OK, "ok")

    def _big(self) -> Answer:
        return Answer(HTTPStatus.OK, BIG)

    def client(self) -> socket.socket:
        client = self.clients.enter_context(socket.create_connection(self.address, timeout=SOON))
        client.settimeout(SOON)
        return client

    def says(self, *pieces: bytes) -> bytes:
        """All that the server answers to these pieces."""
        with socket.create_connection(self.address, timeout=SOON) as client:
            for piece in pieces:
                client.sendall(piece)
            return everything(client)

    def lives(self) -> bool:
        """Whether a probe is answered."""
        return self.says(PROBE).startswith(b"HTTP/1.1 200 ")

    def forgets(self) -> bool:
        """Whether nothing is left of any client, once the last ones' good-byes have been heard."""
        return any(self.lives() and len(self.server._connections) <= 1 for _ in range(100))

    def close(self) -> None:
        self.clients.close()
        self.server.close()


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    yield one
    one.close()


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def everything(client: socket.socket) -> bytes:
    """What comes until the server has no more to say; a reset ends it too."""
    received = bytearray()
    try:
        while piece := client.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return bytes(received)


# ------------------------------------------------------------------ who means well


def test_a_probe_is_answered_and_the_connection_ended(served: Served) -> None:
    assert served.says(PROBE).endswith(b"\r\n\r\nok\n")


def test_a_request_may_come_in_pieces(served: Served) -> None:
    assert served.says(PROBE[:3], PROBE[3:10], PROBE[10:]).endswith(b"ok\n")


def test_a_client_that_shuts_its_side_after_the_request_is_answered(served: Served) -> None:
    client = served.client()
    client.sendall(PROBE)
    client.shutdown(socket.SHUT_WR)

    assert everything(client).endswith(b"ok\n")


def test_a_big_answer_to_a_client_that_takes_its_time_is_whole(served: Served) -> None:
    client = served.client()
    client.sendall(b"GET /big HTTP/1.1\r\n\r\n")
    assert served.lives()  # meanwhile

    assert len(everything(client).partition(b"\r\n\r\n")[2]) == len(BIG)


def test_many_at_a_time_are_all_answered(served: Served) -> None:
    clients = [served.client() for _ in range(MOST_CONNECTIONS)]
    for client in clients:
        client.sendall(PROBE)

    assert [everything(client)[-3:] for client in clients] == [b"ok\n"] * MOST_CONNECTIONS


# ------------------------------------------------------------------ who does not


def test_among_a_thousand_idle_connections_a_probe_is_answered(served: Served) -> None:
    """They are dropped, the oldest first; the newest are still there."""
    idle = [served.client() for _ in range(1000)]

    assert served.lives()
    assert len(served.server._connections) <= MOST_CONNECTIONS
    assert everything(idle[0]) == b""
    idle[-1].sendall(PROBE)
    assert everything(idle[-1]).endswith(b"ok\n")


def test_whoever_is_being_answered_keeps_its_place_before_those_who_say_nothing(served: Served) -> None:
    reader = served.client()
    reader.sendall(b"GET /big HTTP/1.1\r\n\r\n")
    assert reader.recv(1)
    for _ in range(2 * MOST_CONNECTIONS):
        served.client()
    assert served.lives()

    assert len(everything(reader)) > len(BIG)


def test_those_who_never_read_their_answers_push_one_another_out(served: Served) -> None:
    """Each of them keeps an answer in memory."""
    readers = [served.client() for _ in range(2 * MOST_READING)]
    for reader in readers:
        reader.sendall(b"GET /big HTTP/1.1\r\n\r\n")
        assert reader.recv(1)

    assert served.lives()
    assert len([one for one in served.server._connections.values() if one.unsent]) == MOST_READING
    assert len(everything(readers[0])) < len(BIG)
    assert len(everything(readers[-1])) > len(BIG)


def test_a_slow_loris_is_dropped_however_busy_it_keeps_itself(served: Served) -> None:
    """The time for a request counts from its connection, not from its last byte."""
    loris = served.client()
    loris.sendall(b"GET /livez HTTP/1.1\r\n")
    assert served.lives()
    loris.sendall(b"X")
    served.clock.now += LONGEST_S + 1
    assert served.lives()

    assert everything(loris) == b""


def test_a_client_that_does_not_close_after_its_answer_is_dropped(served: Served) -> None:
    client = served.client()
    client.sendall(PROBE)
    assert everything(client).endswith(b"ok\n")
    (kept,) = served.server._connections
    served.clock.now += LINGER_S

    assert any(served.lives() and kept not in served.server._connections for _ in range(100))


def test_a_head_that_never_ends_is_refused_and_not_kept(served: Served) -> None:
    answer = served.says(b"GET /livez HTTP/1.1\r\n", b"Cookie: " + b"x" * (2 * LONGEST_HEAD))

    assert answer.startswith(b"HTTP/1.1 431 ")


def test_only_the_first_of_many_requests_is_answered(served: Served) -> None:
    answer = served.says(PROBE * 50)

    assert answer.count(b"HTTP/1.1 ") == 1
    assert served.asked == 1


def test_a_client_that_sends_more_than_was_read_hears_the_answer_and_the_end(served: Served) -> None:
    """Were its connection just closed, it would be reset, and the answer perhaps lost on its way."""
    client = served.client()
    client.sendall(PROBE + b"x" * 40_000)

    answer = client.makefile("rb").read()
    assert answer.endswith(b"ok\n")


def test_whoever_sends_on_after_the_answer_is_dropped(served: Served) -> None:
    client = served.client()
    with pytest.raises(OSError, match=GONE):
        client.sendall(PROBE + b"x" * (200 * MOST_IGNORED))

    assert served.lives()


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00", b"\0" * 100, b"\xff" * 100, b"DELETE / HTTP/1.1\r\n\r\n", b"GET\r\n\r\n"]
)
def test_noise_is_refused_at_once(served: Served, noise: bytes) -> None:
    assert served.says(noise)[:10] == b"HTTP/1.1 4"
    assert served.lives()


def test_clients_that_vanish_in_the_middle_leave_nothing_behind(served: Served) -> None:
    """With a reset, which is the rudest way to go."""
    for piece in (b"", b"GET", PROBE, b"GET /big HTTP/1.1\r\n\r\n"):
        for _ in range(2 * MOST_CONNECTIONS):
            client = socket.create_connection(served.address, timeout=SOON)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(piece)
            client.close()

    served.clock.now += LONGEST_S + 1
    assert served.forgets()


def test_thousands_of_hostile_requests_leave_no_trace(served: Served) -> None:
    """Neither sockets nor memory: what is kept is bounded by what is connected."""
    assert served.lives()
    files = open_files()
    hostile = [b"POST / HTTP/1.1\r\n\r\n", b"GET /../x HTTP/1.1\r\n\r\n", b"\0\n\n", b"GET /" + b"x" * 9000, PROBE * 3]
    for _ in range(2000 // MOST_CONNECTIONS):
        clients = [socket.create_connection(served.address, timeout=SOON) for _ in range(MOST_CONNECTIONS)]
        for number, client in enumerate(clients):
            client.sendall(hostile[number % len(hostile)])
        for client in clients:
            client.close()

    served.clock.now += LONGEST_S + 1
    assert served.forgets()
    assert any(served.lives() and open_files() <= files for _ in range(100))  # other threads may have one open, too


# ------------------------------------------------------------------ the server itself


class BrokenSelector:
    """Fails the first time that it is asked."""

    def __init__(self, server: HealthServer) -> None:
        self._inner = server._selector
        self.failed = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def select(self, timeout: float | None) -> object:
        if not self.failed.is_set():
            self.failed.set()
            raise ZeroDivisionError("ours")
        return self._inner.select(timeout)


def test_a_defect_of_our_own_does_not_end_it(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """A server that does not answer costs a healthy replica its life."""
    broken = BrokenSelector(served.server)
    with caplog.at_level(logging.ERROR):
        served.server._selector = broken  # type: ignore[assignment]
        served.says(PROBE)

        assert broken.failed.wait(SOON)
        assert served.lives()
    assert "ZeroDivisionError: ours" in caplog.text


class NoFilesLeft:
    """A listener that cannot accept, the first times."""

    def __init__(self, listener: socket.socket, times: int) -> None:
        self._listener = listener
        self.times = times

    def accept(self) -> tuple[socket.socket, object]:
        self.times -= 1
        if self.times >= 0:
            raise OSError(24, "Too many open files")
        return self._listener.accept()


def test_without_a_file_left_it_gives_its_oldest_back_and_goes_on(served: Served) -> None:
    first, second = served.client(), served.client()
    assert served.lives()
    listener = served.server._listener
    assert listener
    served.server._accept(NoFilesLeft(listener, 1))  # type: ignore[arg-type]

    assert everything(first) == b""
    second.sendall(PROBE)
    assert everything(second).endswith(b"ok\n")


def test_closed_it_answers_nobody_and_keeps_nothing() -> None:
    served = Served()
    waiting = served.client()
    assert served.lives()
    served.server.close()

    assert everything(waiting) == b""
    assert not served.server._thread.is_alive()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(served.address, timeout=SOON)
    served.clients.close()


def test_without_a_socket_it_does_nothing() -> None:
    server = HealthServer(None, {}, HandClock())
    server.start()
    server.close()

    assert server.address is None
    assert not server._thread.is_alive()

"""A receiver of HTTP requests in a process of its own, as well and as badly behaved as the path asks for.

It prints a line of JSON for each request, `{"wire": 3, "line": "POST /200 HTTP/1.1", "headers": {...}, "body": "..."}`
with `wire` counting connections, and `{"gone": 3}` when the client of one that is held has gone. Only sockets, so that
it can do what no library would. `go` on its standard input lets it accept, if it was started with `later`.
"""
# ruff: noqa: T201 - that is how it talks to the test

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from tests.fakes.certificates import authority, server_tls

DRIP_S = 0.02
_lock = threading.Lock()


def say(**facts: object) -> None:
    with _lock:
        print(json.dumps(facts), flush=True)


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def drip(wire: socket.socket, data: bytes) -> None:
    for each in data:
        wire.sendall(bytes([each]))
        time.sleep(DRIP_S)  # noqa: TID251 - a receiver of its own that is to be slow


def hold(wire: socket.socket, number: int) -> None:
    """Say nothing until the client is gone."""
    try:
        left = wire.recv(1)
    except OSError:
        left = b""
    if not left:
        say(gone=number)


def leave(wire: socket.socket, data: bytes = b"") -> None:
    wire.sendall(data)
    raise ConnectionAbortedError("as asked for")


def reset(wire: socket.socket) -> None:
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    leave(wire)


def pour(wire: socket.socket, size: int) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // 65536):
        wire.sendall(b"x" * 65536)


def endlessly(wire: socket.socket, head: bytes) -> None:
    wire.sendall(head)
    while True:
        wire.sendall(b"5\r\nmore \r\n")
        time.sleep(DRIP_S)  # noqa: TID251 - as above


MUTE = b"Connection: close\r\nContent-Length: 99\r\n\r\nnot yet, because"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
WAYS: dict[str, Callable[[socket.socket, int, str], object]] = {
    "echo": lambda wire, _, text: wire.sendall(answer("500", text.encode())),
    "hang": lambda wire, number, _: hold(wire, number),
    "early": lambda wire, number, _: (
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"),
        hold(wire, number),
    ),
    "drip-head": lambda wire, _, __: drip(wire, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000),
    "drip-body": lambda wire, _, __: endlessly(wire, b"HTTP/1.1 200 OK\r\n" + CHUNKED),
    "mute-error": lambda wire, number, _: (wire.sendall(b"HTTP/1.1 503 Busy\r\n" + MUTE), hold(wire, number)),
    "reset": lambda wire, _, __: reset(wire),
    "close": lambda wire, _, __: leave(wire),
    "cut": lambda wire, _, __: leave(wire, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"),
    "babble": lambda wire, _, __: leave(wire, b"220 mail.example ESMTP\r\n"),
    "huge": lambda wire, _, __: pour(wire, 50 * 1024 * 1024),
    "leave": lambda wire, _, __: leave(wire, answer("200")),
    "promise": lambda wire, _, __: wire.sendall(answer("200", b"ok", "Keep-Alive: timeout=1")),
}


FIRST_TIME = ("hang", "early")  # the same request, sent again, is answered
served: set[tuple[str, str | None]] = set()


def path_of(url: str) -> str:
    """Proxies are asked for whole URLs."""
    return "/" + url.split("/", 3)[3] if url.startswith("http") else url


def way_of(path: str) -> str:
    return path.split("/")[1].partition("?")[0]


def to(path: str) -> bytes:
    """/to/307/TARGET sends the client to TARGET, a path or a URL; every other path begins with the status to answer."""
    words = path.split("/", 3)
    if words[1] == "to":
        target = words[3] if "://" in words[3] else f"/{words[3]}"
        return answer(words[2], b"over there", f"Location: {target}")
    status = words[1].partition("?")[0]
    return answer(status, b"" if status == "204" else b"fine")


def request_of(file: object) -> tuple[str, dict[str, str], bytes] | None:
    read = file.readline  # type: ignore[attr-defined]
    line = read().decode().strip()
    if not line:
        return None
    headers = {}
    while header := read().decode().strip():
        name, _, value = header.partition(": ")
        headers[name.lower()] = value
    return line, headers, file.read(int(headers.get("content-length", 0)))  # type: ignore[attr-defined]


def serve(wire: socket.socket, number: int) -> None:
    with wire, wire.makefile("rb") as file, suppress(OSError):
        while request := request_of(file):
            line, headers, body = request
            say(wire=number, line=line, headers=headers, body=body.decode(errors="replace"))
            method, url, _ = line.split()
            path = "/403" if method == "CONNECT" else path_of(url)
            if way_of(path) in FIRST_TIME and (path, headers.get("idempotency-key")) in served:
                path = "/200"
            served.add((path, headers.get("idempotency-key")))
            if way := WAYS.get(way_of(path)):
                way(wire, number, json.dumps(headers) + body.decode())
            else:
                wire.sendall(to(path))


def listen(tls: ssl.SSLContext | None, numbers: count[int], go: threading.Event) -> int:
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        go.wait()
        while True:
            wire, _ = listening.accept()
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=greet, args=(wire, next(numbers)), daemon=True).start()

    def greet(wire: socket.socket, number: int) -> None:
        try:
            serve(tls.wrap_socket(wire, server_side=True) if tls else wire, number)
        except OSError as error:
            say(refused=number, why=str(error))

    threading.Thread(target=accept, daemon=True).start()
    port: int = listening.getsockname()[1]
    return port


def main() -> None:
    numbers, go = count(1), threading.Event()
    if "later" not in sys.argv:
        go.set()
    say(plain=listen(None, numbers, go), tls=listen(server_tls(), numbers, go), authority=authority())
    for _ in sys.stdin:
        go.set()


if __name__ == "__main__":
    main()

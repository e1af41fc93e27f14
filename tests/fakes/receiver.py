"""A receiver of HTTP requests in a process of its own, good and bad by the path it is asked on.

    with receiving() as receiver:
        requests.post(receiver.url("/ok?a=b"), data=b"body")
        (got,) = receiver.got("/ok")

`/ok` answers 200, `/status/503` that status, `/redirect` sends to `/ok`, `/hang` says nothing, `/drip` says it a byte
at a time, `/reset` resets the connection, `/flaky/2/...` fails twice with 503 and then answers 200.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

Got = dict[str, Any]  # method, path, query, headers, body
PATIENCE_S = 10.0
LOOK_AGAIN_S = 0.01


@dataclass(frozen=True)
class Receiver:
    """The receiver, from outside."""

    process: subprocess.Popen[str]
    port: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def got(self, path: str, count: int = 1) -> list[Got]:
        """The requests that began with this path, in their order, once there are so many."""
        for _ in range(int(PATIENCE_S / LOOK_AGAIN_S)):
            with urllib.request.urlopen(self.url("/requests")) as answer:  # noqa: S310 - our own
                found = [got for got in json.load(answer) if got["path"].startswith(path)]
            if len(found) >= count:
                return found
            threading.Event().wait(LOOK_AGAIN_S)
        raise AssertionError(f"{len(found)} requests for {path} instead of {count}")


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield Receiver(process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    requests: ClassVar[list[Got]] = []
    times: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        self._answer(200, json.dumps(self.requests).encode())

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("latin-1")
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = {"method": "POST", "path": parts.path, "query": parts.query, "headers": headers, "body": body}
        self.requests.append(got | {"port": self.client_address[1]})
        self.times[parts.path] += 1
        match parts.path.split("/")[1:]:
            case ["hang", *_]:
                threading.Event().wait()
            case ["drip", *_]:
                self._drip()
            case ["reset", *_]:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            case ["status", status, *_]:
                self._answer(int(status), b"no: " + self.path.encode())
            case ["redirect", *_]:
                self._answer(302, b"", Location="/ok")
            case ["flaky", times, *_]:
                self._answer(503 if self.times[parts.path] <= int(times) else 200, b"")
            case _:
                self._answer(200, b"ok")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body)), "Set-Cookie": "seen=1"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            self.wfile.write(b"x")
            threading.Event().wait(0.05)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)  # noqa: T201 - that is how the test learns it
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.serve_forever()

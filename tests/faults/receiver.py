"""Somebody else who is asked to do something, over HTTP and by Celery: it is asked again, and does it once.

As receivers should, it does nothing for a key that it has seen. What it is asked and what it does are lines of JSON:
`{"what": "asked", "key": "http@2026-11-22T12:00:00Z", "attempt": 1}`, and `"what": "done"`.

    python -m tests.faults.receiver FOLDER     serves HTTP on a port of loopback, which it prints
"""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

BOOK = "received"
LOOK_EVERY_S = 0.005


def accept(folder: Path, key: str, attempt: int, end: Path | None = None) -> None:
    """Do what is asked for, which takes until there is a file `end`, unless the key is known."""
    _write(folder, "asked", key, attempt)
    try:
        os.close(os.open(folder / f"key {quote(key, '')}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    while end and not end.exists():
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - the work
    _write(folder, "done", key, attempt)


def _write(folder: Path, what: str, key: str, attempt: int) -> None:
    book = os.open(folder / BOOK, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(book, f"{json.dumps({'what': what, 'key': key, 'attempt': attempt})}\n".encode())
    os.close(book)


class Receiver(BaseHTTPRequestHandler):
    """The path is that of the file that ends the work."""

    folder: Path

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key, attempt = self.headers["Idempotency-Key"], int(self.headers["Leasebeat-Attempt"])
        accept(self.folder, key, attempt, Path(self.path))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: standard error is the test's."""


def main() -> None:
    Receiver.folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    print(server.server_address[1], flush=True)  # noqa: T201 - that is how it talks to the test
    server.serve_forever()


if __name__ == "__main__":
    main()

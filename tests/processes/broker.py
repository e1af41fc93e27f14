"""A real Redis for tests that send tasks of Celery."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PASSWORD = "s3cret-of-redis"  # noqa: S105 - an example
PATIENCE_S = 20.0


def eventually(what: Callable[[], Any]) -> Any:
    """What it gives, as soon as that is anything."""
    until = time.monotonic() + PATIENCE_S  # noqa: TID251 - a test of real processes
    while not (found := what()):
        assert time.monotonic() < until, "it does not come to pass"  # noqa: TID251
        time.sleep(0.02)  # noqa: TID251
    return found


class Broker:
    """A Redis on a port of its own, that keeps what it has over a restart."""

    def __init__(self, folder: Path) -> None:
        assert shutil.which("redis-server"), "no redis-server here: apt-get install redis-server"
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return self.url_by(self.port)

    def url_by(self, port: int) -> str:
        """Its URL by way of a proxy on this port."""
        return f"redis://:{PASSWORD}@127.0.0.1:{port}/0"

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "requirepass": PASSWORD, "dir": self._folder, "save": ""}
        options |= {"appendonly": "yes", "appendfsync": "always"}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
        eventually(lambda: self._ask("PING") == "+PONG")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def connections(self) -> int:
        """How many there were since it started, but for those that ask."""
        return int(self._ask("INFO stats", "total_connections_received")) - next(self._asked)

    def _ask(self, command: str, field: str = "") -> str:
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as wire:
                wire.sendall(f"AUTH {PASSWORD}\r\n{command}\r\n".encode())
                said = ""
                while said.count("\r\n") < 2 or (field and f"\r\n{field}:" not in said):
                    said += wire.recv(65536).decode()
        except OSError:
            return ""
        line = said.partition(f"\r\n{field}:")[2] if field else said.split("\r\n")[1]
        return line.split("\r\n")[0]

    _asked = iter(range(1, 1_000_000))

"""A leader's health server with a `/status.json` that a test wrote."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from scheduler.clock import SystemClock
from scheduler.telling.health_http import Answer
from scheduler.telling.health_listening import Listening
from scheduler.telling.health_server import HealthServer


@contextmanager
def leader_page(said: object, status: HTTPStatus = HTTPStatus.OK) -> Iterator[str]:
    """Serves this as JSON, or what it returns when it is called; yields the address as the Lease names it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> Answer:
        now = said() if callable(said) else said
        return Answer(status, now if isinstance(now, bytes) else json.dumps(now).encode())

    server = HealthServer(Listening(listener, ""), {"/status.json": answer}, SystemClock().boot)
    server.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.close()


def leaders_word(replica: str = "b", *jobs: Mapping[str, object], **facts: object) -> dict[str, object]:
    """What a leader of that name says, with these jobs."""
    lease = {"store": "x", "name": "beat", "timings": "15s/10s/2s", "hash": "9f2c41d0", "settled": None, "lag_ms": 1500}
    said = {"leader": {"replica": replica}, "lease": lease, "jobs": list(jobs), "complete": True}
    return {**said, "replica": replica, "zone": "Europe/Berlin", **facts}

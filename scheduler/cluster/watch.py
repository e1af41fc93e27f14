"""A watch under way: a thread reads the endless reply, whoever watches takes the events and can stop at any moment.

A thread that waits for a socket cannot also wait for a `threading.Event`. So the reader blocks on the socket, the
watcher on a queue, looking up a few times a second; when it leaves it shuts the socket, which ends the reader.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError

from scheduler.cluster.answers import JsonObject
from scheduler.cluster.exchange import pieces
from scheduler.core.errors import Unavailable


class Event(NamedTuple):
    """One line of a watch: `kind` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR, whose object is a `Status`."""

    kind: str
    object: JsonObject


class End:
    """The watch ended in good order."""


class WatchReader:
    """Reads one watch; `start` begins, `take` hands over, `end` gives the connection back."""

    def __init__(self, connect: Callable[[threading.Event], BaseHTTPResponse | None]) -> None:
        self._connect = connect
        self._came: queue.SimpleQueue[Event | End | Exception] = queue.SimpleQueue()
        self._over = threading.Event()
        self._response: BaseHTTPResponse | None = None
        self._thread = threading.Thread(target=self._read, name="api-watch", daemon=True)

    def start(self) -> None:
        """Connect and read, in the reader's own thread."""
        self._thread.start()

    def take(self, wait_s: float) -> Event | End | None:
        """The next event, or None if none came in `wait_s`; raises what ended the watch."""
        try:
            came = self._came.get(timeout=wait_s)
        except queue.Empty:
            return None
        if isinstance(came, Exception):
            raise came
        return came

    def end(self) -> None:
        """Stop reading: wakes the reader out of its socket and returns at once."""
        self._over.set()
        response = self._response
        if response is not None:
            with suppress(OSError, ValueError, RuntimeError):  # it has ended by itself in this moment
                response.shutdown()

    def _read(self) -> None:
        try:
            self._response = response = self._connect(self._over)
            if response is not None:
                self._hand_over(response)
            self._came.put(End())
        except Exception as error:  # noqa: BLE001 - it is raised in the watcher's thread
            self._came.put(error)

    def _hand_over(self, response: BaseHTTPResponse) -> None:
        # Silence is no failure: the object may just rest. Whoever watches reads it again, and that tells a server that
        # hangs from an object at rest.
        with suppress(ReadTimeoutError):
            for line in lines(pieces(response, self._over)):
                self._came.put(_event(line))


def lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The whole lines in pieces that may end anywhere; a last one without its end is not handed out."""
    started = bytearray()
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for end in ended:
            started += end
            if started:
                yield bytes(started)
            started = bytearray()
        started += rest


def _event(line: bytes) -> Event:
    try:
        event = json.loads(line)
        return Event(str(event["type"]), dict(event["object"]))
    except (ValueError, TypeError, KeyError):
        raise Unavailable("the watch brought a line that is not an event") from None

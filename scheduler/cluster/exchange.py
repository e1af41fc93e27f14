"""One exchange with the API server, cut off at a deadline that holds whatever the other side does.

urllib3 bounds each wait for the network, not their sum: a server that sends a byte a second is waited for without end,
and so are name servers and credential plugins. An elector that hangs in a request cannot notice that its trust has run
out. So the exchange has a thread of its own, and whoever asked stops waiting at the deadline. What is left behind ends
by itself when its socket's own timeout passes; the few that a malicious server keeps alive are counted, and more are
refused. Many that are asked for at once, and hang not at all, wait their turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

from urllib3 import BaseHTTPResponse

from scheduler.core.errors import Unavailable

MAX_UNDER_WAY = 16
TURN_S = 0.3
PIECE = 65536

Result = TypeVar("Result")


class Exchanges:
    """Runs exchanges, each within its own deadline; one that has to wait for its turn does so for `turn_s` at most."""

    def __init__(self, turn_s: float = TURN_S) -> None:
        self._turn_s = turn_s
        self._free = threading.BoundedSemaphore(MAX_UNDER_WAY)

    def within(self, timeout_s: float, exchange: Callable[[threading.Event], Result]) -> Result:
        """Run `exchange` and return what it returns; `TimeoutError` after `timeout_s`.

        The event handed to it is set once nobody waits any more. What a request that was given up still does to the
        server is unknown, as with every request whose reply was lost.
        """
        outcome: Future[Result] = Future()
        given_up = threading.Event()

        def run() -> None:
            if not self._free.acquire(timeout=min(self._turn_s, timeout_s / 2)):
                outcome.set_exception(Unavailable(f"{MAX_UNDER_WAY} earlier requests still hang"))
                return
            try:
                outcome.set_result(exchange(given_up))
            except Exception as error:  # noqa: BLE001 - it is handed to the thread that waits for it
                outcome.set_exception(error)
            finally:
                self._free.release()

        threading.Thread(target=run, name="api-exchange", daemon=True).start()
        try:
            return outcome.result(timeout_s)
        finally:
            given_up.set()


def pieces(response: BaseHTTPResponse, given_up: threading.Event) -> Iterator[bytes]:
    """The body as it arrives, until its end or until nobody waits for it any more.

    The connection goes back to its pool after the end of the body, and is closed before it.
    """
    try:
        while not given_up.is_set() and (piece := response.read1(PIECE)):
            yield piece
    finally:
        response.close()

"""One stream of facts: each event goes into the log first, and then to everybody else who lives by events.

Metrics, the page, notifications and the rest hear what the log says, so none of them can tell another story. A listener
works in the thread that tells, so it only takes note; one that fails is logged, and harms neither the log nor the rest.
"""

from __future__ import annotations

import logging

from scheduler.core.ports import Clock, Listener, Tell

_log = logging.getLogger("leasebeat.feed")


class Feed:
    """A `Tell` with listeners, which are all added before the first event is told."""

    def __init__(self, log: Tell, clock: Clock) -> None:
        self._tell = log
        self._clock = clock
        self._listeners: tuple[Listener, ...] = ()

    def add(self, *listeners: Listener) -> None:
        """Have these hear every event from now on."""
        self._listeners += listeners

    def __call__(self, event: str, /, **facts: object) -> None:
        """Log the event, and pass it on."""
        self._tell(event, **facts)
        if not self._listeners or event == "library.log":  # of our own complaints, that is
            return
        at = self._clock.wall()
        for listener in self._listeners:
            try:
                listener.heard(event, facts, at)
            except Exception:  # noqa: BLE001  # logged with its traceback; the run that is told of must not suffer
                _log.exception("%s failed to take note of %s", type(listener).__name__, event)

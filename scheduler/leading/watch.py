"""The watch: a thread that shows the campaign every change of the Lease as soon as the store tells of it.

Without it a standby learns of a release or a renewal only by asking. Where the account may not watch, it asks, at the
pace of client-go's followers, and says so once. A watch that fails is begun again, later and later, with jitter.
"""

from __future__ import annotations

import logging
import random
import threading

from scheduler.core.errors import StoreError, WatchForbidden
from scheduler.core.ports import LeaseRecord, LeaseStore, Tell
from scheduler.leading.loop import Inbox

FIRST_BACKOFF_S = 0.2
POLL_JITTER = 1.2  # each period is up to this many times as long, so that replicas do not ask in step

_log = logging.getLogger("leasebeat.leading")


class Watch:
    """Feeds an inbox with sightings until stopped."""

    def __init__(self, store: LeaseStore, inbox: Inbox, tell: Tell, retry_period_s: float) -> None:
        self._store = store
        self._inbox = inbox
        self._tell = tell
        self._retry_period_s = retry_period_s
        self._stop = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch soon; does not wait for it."""
        self._stop.set()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._watch_once()
        except WatchForbidden as error:
            hint = f"polling every {self._retry_period_s:g}s; grant watch"
            self._tell("store.degraded", store=self._store.place, error=str(error), hint=error.hint or hint)
            self._poll()

    def _watch_once(self) -> None:
        try:
            self._store.watch(self._seen, self._stop)
            self._failures = 0
        except WatchForbidden:
            raise
        except StoreError as error:
            _log.debug("watch failed: %s", error)
            self._pause()
        except Exception:  # noqa: BLE001  # a library's error must not end the watch; logged with its traceback
            _log.exception("the store's watch raised what it should have translated")
            self._pause()

    def _seen(self, record: LeaseRecord | None) -> None:
        self._failures = 0
        self._inbox.put(record)

    def _pause(self) -> None:
        self._failures += 1
        longest = min(self._retry_period_s, FIRST_BACKOFF_S * 2 ** min(self._failures - 1, 10))
        self._stop.wait(longest * random.uniform(0.5, 1.0))  # noqa: S311  # spreads replicas, guards no secret

    def _poll(self) -> None:
        while not self._stop.is_set():
            try:
                self._inbox.put(self._store.read(self._retry_period_s))
            except StoreError as error:
                _log.debug("poll failed: %s", error)
            except Exception:  # noqa: BLE001  # as for the watch
                _log.exception("the store raised what it should have translated")
            self._stop.wait(self._retry_period_s * random.uniform(1.0, POLL_JITTER))  # noqa: S311  # as above

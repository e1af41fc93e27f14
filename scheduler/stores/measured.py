"""A store that is timed: each request as ever, and a word about it to whoever counts them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from scheduler.core.errors import Absent, Conflict
from scheduler.core.ports import LeaseRecord, LeaseStore

FOREVER = float("inf")

Note = Callable[[str, str, float], None]
"""Takes a request's verb, as Kubernetes names it (get, create, update, watch), its outcome, and its seconds.

The outcome is `ok`, `conflict` (somebody was faster, or the Lease is gone), `timeout` or `error`.
"""


class MeasuredStore:
    """A `LeaseStore` that passes everything on to `store`, and tells `note` of each request once it is over.

    `boot` gives the time in seconds. A request that failed after all the time that it was given timed out, whatever the
    store calls it.
    """

    def __init__(self, store: LeaseStore, note: Note, boot: Callable[[], float]) -> None:
        self._store = store
        self._note = note
        self._boot = boot

    @property
    def place(self) -> str:
        """The store's."""
        return self._store.place

    @property
    def is_local(self) -> bool:
        """Whether the store is."""
        return self._store.is_local

    @property
    def server_time(self) -> datetime | None:
        """The store's."""
        return self._store.server_time

    def log_command(self, holder: str) -> str | None:
        """The store's."""
        return self._store.log_command(holder)

    def read(self, timeout_s: float) -> LeaseRecord | None:
        """The Lease as it is now."""
        with self._measured("get", timeout_s):
            return self._store.read(timeout_s)

    def create(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """Make the Lease."""
        with self._measured("create", timeout_s):
            return self._store.create(record, timeout_s)

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """Write the Lease over the version and uid that `record` quotes."""
        with self._measured("update", timeout_s):
            return self._store.replace(record, timeout_s)

    def watch(self, seen: Callable[[LeaseRecord | None], None], stop: threading.Event) -> None:
        """Watch the Lease; one request for as long as it lasts, the read that it may begin with included."""
        with self._measured("watch", FOREVER):
            self._store.watch(seen, stop)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    @contextmanager
    def _measured(self, verb: str, timeout_s: float) -> Iterator[None]:
        began, outcome = self._boot(), "ok"
        try:
            yield
        except (Conflict, Absent):
            outcome = "conflict"
            raise
        except BaseException:
            outcome = "timeout" if self._boot() - began >= timeout_s else "error"
            raise
        finally:
            self._note(verb, outcome, self._boot() - began)

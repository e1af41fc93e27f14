"""The Lease in this process's memory: the port at its plainest, for tests, the bench and a scheduler that stands alone.

A `MemoryLease` is what a database or an API server is to the other stores; the replicas of one process contend for it
through a `MemoryStore` each.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

from scheduler.core.errors import Absent, Conflict, Unavailable
from scheduler.core.ports import LeaseRecord

LOOK_UP_S = 0.1
_NOTHING_YET = object()


class MemoryLease:
    """One Lease, or none yet. `changed` guards it and is notified of each change."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.record: LeaseRecord | None = None
        self._writes = 0

    def write(self, record: LeaseRecord, uid: str) -> LeaseRecord:
        """Store the record under the next version; the caller holds `changed`."""
        self._writes += 1
        notes, rest = dict(record.notes), dict(record.rest)
        self.record = replace(record, version=str(self._writes), uid=uid, notes=notes, rest=rest)
        self.changed.notify_all()
        return self.record

    def delete(self) -> None:
        """Forget the Lease, as a stranger with the right to do so may at any time."""
        with self.changed:
            self.record = None
            self.changed.notify_all()


class MemoryStore:
    """A `LeaseStore` over a `MemoryLease`, by default one of its own; it is available until it is closed."""

    is_local = True
    server_time = None  # this machine's clock is the only one there is

    def __init__(self, lease: MemoryLease | None = None) -> None:
        self._lease = lease or MemoryLease()
        self._closed = False

    @property
    def place(self) -> str:
        """`memory`: there is no other way to name it."""
        return "memory"

    def log_command(self, holder: str) -> None:
        """The replicas' logs are wherever they were started."""

    def read(self, timeout_s: float) -> LeaseRecord | None:  # noqa: ARG002 - never waits
        """The Lease as it is now."""
        with self._lease.changed:
            self._refuse_if_closed()
            return self._lease.record

    def create(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:  # noqa: ARG002 - never waits
        """Make the Lease; `Conflict` when there is one."""
        with self._lease.changed:
            self._refuse_if_closed()
            if self._lease.record is not None:
                raise Conflict("the Lease exists")
            return self._lease.write(record, uid=str(uuid.uuid4()))

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:  # noqa: ARG002 - never waits
        """Write the Lease over the version and uid that `record` quotes."""
        with self._lease.changed:
            self._refuse_if_closed()
            current = self._lease.record
            if current is None:
                raise Absent("there is no Lease")
            if (current.version, current.uid) != (record.version, record.uid):
                raise Conflict(f"the Lease has changed: version {current.version} is not {record.version}")
            return self._lease.write(record, uid=current.uid)

    def watch(self, seen: Callable[[LeaseRecord | None], None], stop: threading.Event) -> None:
        """Call `seen` with the Lease and after each change. Changes that follow closely may be seen as one."""
        self._refuse_if_closed()
        shown: LeaseRecord | object | None = _NOTHING_YET
        while not stop.is_set():
            with self._lease.changed:
                if self._lease.record is shown and not self._closed:
                    self._lease.changed.wait(LOOK_UP_S)
                if self._closed:
                    return
                current = self._lease.record
            if current is not shown:
                shown = current
                seen(current)

    def close(self) -> None:
        """End the watches of this replica; the Lease stays."""
        with self._lease.changed:
            self._closed = True
            self._lease.changed.notify_all()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("the store was closed")

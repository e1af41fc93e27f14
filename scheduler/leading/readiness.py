"""Whether this replica has found its place, and if not, what is in its way.

It has one as soon as it follows a leader or leads itself, and keeps it: what becomes of the store later is no reason
to be unready, for nothing is routed to a replica. Only a rollout waits for this, and a rollout must not go on with a
replica that may not read the Lease, may not create a missing one, or was given another program's by mistake. A Lease
that was merely found missing is no place yet: it is there within seconds, or its creation is refused.
"""

from __future__ import annotations

from scheduler.core.errors import StoreError

UNREAD = "the Lease has not been read yet"
NO_LEADER_YET = "nobody leads yet; the Lease is about to be created or acquired"


class Readiness:
    """Kept by the campaign; any thread may ask for the `hindrance`."""

    def __init__(self) -> None:
        self._has_place = False
        self._ground = UNREAD
        self._failure: str | None = None
        self._write_failed = False

    @property
    def hindrance(self) -> str | None:
        """What is in the way, as a sentence; None once this replica has its place."""
        return None if self._has_place else self._failure or self._ground

    def found_its_place(self) -> None:
        """Take note that this replica leads, or follows a leader."""
        self._has_place = True

    def has_read(self) -> None:
        """Take note that the Lease was read, or found missing; if a write failed before, that is still in the way."""
        if self._ground == UNREAD:
            self._ground = NO_LEADER_YET
        if not self._write_failed:
            self._failure = None

    def was_refused(self, error: StoreError, *, of_write: bool) -> None:
        """Take note that the store did not do what was asked."""
        self._failure = f"{error}; {error.hint}" if error.hint else str(error)
        self._write_failed = of_write

    def belongs_to_others(self, holder: str, hint: str) -> None:
        """Take note that the Lease is not ours to contend for."""
        self._ground = f'the Lease is held by "{holder}" and left alone; {hint}'

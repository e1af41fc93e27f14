"""The story of a Lease as Events of the cluster, so that `kubectl describe lease` tells it.

Events are for people who look, and vanish after an hour. So nothing depends on them: they are written by a thread of
their own, at the pace that `lease_story.py` allows; where the account may not write them, none are, and only whoever
debugs is told. Written as core/v1 Events, because these carry the count and the times that kubectl shows.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from scheduler.cluster.resource import Resource
from scheduler.core.errors import Absent, Refused, StoreError
from scheduler.core.job import instant_text
from scheduler.core.ports import Clock, Tell
from scheduler.telling.signals.lease_story import NEVER, Entry, Said, Story, said_of

TIMEOUT_S = 5.0
AFTER_FAILURE_S = 10.0
FLUSH_S = 2.0
COMPONENT = "leasebeat"

JsonObject = dict[str, Any]


class Api(Protocol):
    """What of the API server is needed; `cluster.api.ApiServer` is one."""

    def get(self, resource: Resource, timeout_s: float) -> JsonObject | None:
        """The object, None when there is none."""

    def create(self, resource: Resource, body: JsonObject, timeout_s: float) -> JsonObject:
        """Make the object."""

    def patch(self, resource: Resource, changes: JsonObject, timeout_s: float) -> JsonObject:
        """Change these fields of it."""

    def close(self) -> None:
        """Give the connections back."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """An Event to be written, as of the moment when it was decided to."""

    entry: Entry
    said: Said
    first: datetime
    last: datetime
    count: int


class LeaseEvents:
    """The listener that writes them. `me` is our own name; `api` is ours alone, and closed with this."""

    def __init__(self, api: Api, lease: Resource, me: str, clock: Clock, tell: Tell) -> None:
        self._api = api
        self._lease = lease
        self._me = me
        self._clock = clock
        self._tell = tell
        self._story = Story()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._is_busy = self._is_over = False
        self._uid: str | None = None

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Have it written, if it belongs to the story."""
        said = said_of(event, facts, self._me)
        if said is None:
            return
        with self._changed:
            if self._is_over:
                return
            if event == "lead.acquired":
                self._uid = None  # the Lease may be another one of the same name
            self._story.note(said, at)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="lease-events", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self, within_s: float = FLUSH_S) -> None:
        """Write what may be written now, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or not (self._is_busy or self._may_write()), within_s)
            self._is_over = True
            self._changed.notify_all()
        self._api.close()

    def _may_write(self) -> bool:
        now = self._clock.boot()
        return max(self._story.next_at(now), self._not_before) <= now

    def _serve(self) -> None:
        while draft := self._next():
            written = self._written(draft)
            with self._changed:
                if written:
                    self._story.wrote(draft.entry, draft.count)
                else:
                    self._not_before = self._clock.boot() + AFTER_FAILURE_S
                self._is_busy = False
                self._changed.notify_all()

    def _next(self) -> _Draft | None:
        """Wait for something that may be written; None at the end."""
        with self._changed:
            while not self._is_over:
                now = self._clock.boot()
                entry = self._story.next(now) if now >= self._not_before else None
                if entry:
                    self._is_busy = True
                    return _Draft(entry, entry.said, entry.first, entry.last, entry.count + entry.unwritten)
                at = max(self._story.next_at(now), self._not_before)
                self._changed.wait(None if at == NEVER else at - now)
        return None

    def _written(self, draft: _Draft) -> bool:
        """Whether that is done with; what failed for now is tried again."""
        try:
            self._write(draft)
        except Refused as error:
            if str(error).startswith("403"):
                self._end(error)
        except StoreError:
            return False
        return True

    def _write(self, draft: _Draft) -> None:
        entry = draft.entry
        if entry.name and self._patched(draft):
            return
        uid = self._uid_of_lease()
        if uid is None:
            return  # nobody could look it up either
        entry.name = f"{self._lease.name}.{secrets.token_hex(8)}"
        event = self._event(entry.name)
        self._api.create(event, event_object(event, self._lease, uid, self._me) | _changing(draft), TIMEOUT_S)

    def _patched(self, draft: _Draft) -> bool:
        try:
            self._api.patch(self._event(draft.entry.name), _changing(draft), TIMEOUT_S)
        except Absent:  # it has expired
            return False
        return True

    def _uid_of_lease(self) -> str | None:
        """By its uid alone kubectl finds what belongs to an object."""
        if self._uid is None:
            lease = self._api.get(self._lease, TIMEOUT_S)
            self._uid = (lease or {}).get("metadata", {}).get("uid")
        return self._uid

    def _event(self, name: str) -> Resource:
        return Resource("v1", "Event", "events", self._lease.namespace, name)

    def _end(self, error: StoreError) -> None:
        with self._changed:
            self._is_over = True
        self._tell("lease_events.refused", error=str(error), hint=error.hint)


def event_object(event: Resource, lease: Resource, uid: str, me: str) -> JsonObject:
    """What of an Event never changes."""
    return {
        "apiVersion": event.api,
        "kind": event.kind,
        "metadata": {"name": event.name, "namespace": event.namespace},
        "involvedObject": {
            "apiVersion": lease.api,
            "kind": lease.kind,
            "namespace": lease.namespace,
            "name": lease.name,
            "uid": uid,
        },
        "source": {"component": COMPONENT, "host": me},
        "reportingComponent": COMPONENT,
        "reportingInstance": me,
    }


def _changing(draft: _Draft) -> JsonObject:
    return {
        "type": draft.said.kind,
        "reason": draft.said.reason,
        "message": draft.said.message,
        "count": draft.count,
        "firstTimestamp": instant_text(draft.first),
        "lastTimestamp": instant_text(draft.last),
    }

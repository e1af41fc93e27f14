"""What is counted of requests to a store. That measuring changes none of them is the contract suite's to say."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from scheduler.core.errors import Absent, Conflict, StoreError, Unavailable, WatchForbidden
from scheduler.core.ports import LeaseRecord
from scheduler.stores.measured import MeasuredStore
from scheduler.stores.memory import MemoryStore

LEASE = LeaseRecord("a", 15, "", "", 0, None)
TIMEOUT_S = 2.0


class Answering(MemoryStore):
    """A store whose every answer takes some time by the clock, and is an error if there is one."""

    def __init__(self, took_s: float, error: Exception | None = None) -> None:
        super().__init__()
        self.now = 100.0
        self._took_s = took_s
        self._error = error

    def boot(self) -> float:
        return self.now

    def _answer(self) -> None:
        self.now += self._took_s
        if self._error:
            raise self._error

    def read(self, timeout_s: float) -> LeaseRecord | None:
        self._answer()
        return super().read(timeout_s)

    def create(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        self._answer()
        return super().create(record, timeout_s)

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        self._answer()
        return super().replace(record, timeout_s)

    def watch(self, seen: Callable[[LeaseRecord | None], None], stop: threading.Event) -> None:  # noqa: ARG002 - the port
        self._answer()
        seen(None)


def measured(took_s: float, error: Exception | None = None) -> tuple[MeasuredStore, list[tuple[str, str, float]]]:
    notes: list[tuple[str, str, float]] = []
    store = Answering(took_s, error)
    return MeasuredStore(store, lambda *note: notes.append(note), store.boot), notes


def test_each_request_is_told_by_the_verb_that_kubernetes_has_for_it() -> None:
    store, notes = measured(0.5)
    lease = store.create(LEASE, TIMEOUT_S)
    store.replace(lease, TIMEOUT_S)
    store.read(TIMEOUT_S)
    store.watch(lambda _: None, threading.Event())

    assert notes == [("create", "ok", 0.5), ("update", "ok", 0.5), ("get", "ok", 0.5), ("watch", "ok", 0.5)]


@pytest.mark.parametrize(
    ("error", "took_s", "outcome"),
    [
        (Conflict("somebody wrote first"), 0.5, "conflict"),
        (Absent("there is no Lease"), 0.5, "conflict"),
        (Unavailable("refused"), 0.5, "error"),
        (Unavailable("timeout after 2s"), 2.0, "timeout"),
        (OSError("what the store should have translated"), 0.5, "error"),
    ],
)
def test_a_request_that_fails_is_told_with_its_outcome_and_fails_as_ever(
    error: Exception, took_s: float, outcome: str
) -> None:
    store, notes = measured(took_s, error)
    with pytest.raises(type(error)) as raised:
        store.replace(LEASE, TIMEOUT_S)

    assert raised.value is error
    assert notes == [("update", outcome, took_s)]


def test_a_watch_never_times_out_because_it_was_given_no_time() -> None:
    store, notes = measured(3600.0, WatchForbidden("may not watch"))
    with pytest.raises(StoreError):
        store.watch(lambda _: None, threading.Event())

    assert notes == [("watch", "error", 3600.0)]

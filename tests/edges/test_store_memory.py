"""The store in memory: only what the contract cannot ask."""

from __future__ import annotations

from scheduler.core.ports import LeaseRecord
from scheduler.stores.memory import MemoryStore

TIMEOUT_S = 5.0


def test_a_store_without_a_lease_to_share_has_its_own() -> None:
    a, b = MemoryStore(), MemoryStore()
    a.create(LeaseRecord("a", 15, "", "", 0, None), TIMEOUT_S)

    assert b.read(TIMEOUT_S) is None
    assert (a.place, a.is_local) == ("memory", True)


def test_what_was_written_does_not_change_with_what_it_was_made_from() -> None:
    rest: dict[str, object] = {"labels": "ours"}
    notes = {"paused": "ours"}
    store = MemoryStore()
    written = store.create(LeaseRecord("a", 15, "", "", 0, None, notes=notes, rest=rest), TIMEOUT_S)
    rest["labels"] = notes["paused"] = "theirs"

    assert (written.notes, written.rest) == ({"paused": "ours"}, {"labels": "ours"})

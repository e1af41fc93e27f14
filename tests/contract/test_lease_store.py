"""What every store of a Lease must do, whichever it is. `home` is where the Lease lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from scheduler.core.errors import Absent, Conflict, StoreError
from scheduler.core.ports import LeaseRecord, LeaseStore
from tests.fakes.homes import SOON_S, TIMEOUT_S, Home, KubernetesHome, present, watching

ACQUIRED = "2026-11-22T13:00:00.000000Z"
RENEWED = "2026-11-22T13:00:05.120000Z"
LEDGER = '{"v":1,"w":"1.k3f9"}'
LEASE = LeaseRecord("a", 15, ACQUIRED, RENEWED, 3, LEDGER)
NOTES = {"cmd-m-7f3a1b2c": '{"do":"run","job":"ping"}', "paused": '{"meter":{}}'}


def content(lease: LeaseRecord | None) -> LeaseRecord:
    return replace(present(lease), version="", uid="")


def test_a_store_without_a_lease_reads_none(home: Home) -> None:
    assert home.store().read(TIMEOUT_S) is None


def test_what_was_created_is_read_by_everybody(home: Home) -> None:
    created = home.store().create(LEASE, TIMEOUT_S)

    assert content(created) == LEASE
    assert home.store().read(TIMEOUT_S) == created
    assert created.version
    assert created.uid


def test_a_second_create_is_refused_and_changes_nothing(home: Home) -> None:
    created = home.store().create(LEASE, TIMEOUT_S)
    with pytest.raises(Conflict):
        home.store().create(replace(LEASE, holder="b"), TIMEOUT_S)

    assert home.store().read(TIMEOUT_S) == created


def test_a_replaced_lease_has_the_new_content_a_new_version_and_the_same_uid(home: Home) -> None:
    store = home.store()
    created = store.create(LEASE, TIMEOUT_S)
    replaced = store.replace(replace(created, holder="b", transitions=4), TIMEOUT_S)

    assert content(replaced) == replace(LEASE, holder="b", transitions=4)
    assert store.read(TIMEOUT_S) == replaced
    assert int(replaced.version) > int(created.version)
    assert replaced.uid == created.uid


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"holder": ""}, id="released"),
        pytest.param({"acquired": "2026-11-22T13:00:00.000000Z"}, id="a whole second keeps its six digits"),
        pytest.param({"renewed": "2026-11-22T13:00:59.999999Z"}, id="microseconds are kept"),
        pytest.param({"duration_s": 1, "transitions": 0}, id="smallest numbers"),
        pytest.param({"duration_s": 2_147_483_647, "transitions": 2_147_483_647}, id="greatest numbers"),
        pytest.param({"holder": "hôte-ß-机器", "ledger": '{"did":"\\"quoted\\"\\n"}'}, id="any text"),
        pytest.param({"ledger": None}, id="no ledger"),
        pytest.param({"ledger": ""}, id="an empty ledger is not none"),
        pytest.param({"ledger": "x" * 192 * 1024}, id="the longest ledger"),
        pytest.param({"notes": NOTES}, id="notes"),
        pytest.param({"notes": NOTES, "ledger": None}, id="notes without a ledger"),
        pytest.param({"notes": {"paused": ""}}, id="an empty note is not none"),
        pytest.param({"notes": {"paused": '{"hôte":"\\"机器\\"\\n"}'}}, id="any text in a note"),
    ],
)
def test_a_record_is_read_as_it_was_written(home: Home, changes: dict[str, Any]) -> None:
    store = home.store()
    written = replace(LEASE, **changes)
    created = store.create(written, TIMEOUT_S)
    store.replace(replace(created, holder="other", ledger="other", notes={"other": "o"}), TIMEOUT_S)
    store.replace(replace(written, version=present(store.read(TIMEOUT_S)).version, uid=created.uid), TIMEOUT_S)

    assert content(created) == written
    assert content(store.read(TIMEOUT_S)) == written


def test_a_write_over_an_old_version_is_refused_and_changes_nothing(home: Home) -> None:
    store = home.store()
    old = store.create(LEASE, TIMEOUT_S)
    current = home.store().replace(replace(old, holder="b"), TIMEOUT_S)
    with pytest.raises(Conflict):
        store.replace(replace(old, holder="c"), TIMEOUT_S)

    assert store.read(TIMEOUT_S) == current


@pytest.mark.parametrize(
    "quoted",
    [
        pytest.param({"uid": "11111111-1111-1111-1111-111111111111"}, id="the uid of another"),
        pytest.param({"uid": ""}, id="no uid"),
        pytest.param({"version": ""}, id="no version"),
        pytest.param({"version": "1", "uid": ""}, id="an old version and no uid"),
    ],
)
def test_a_write_that_does_not_quote_what_is_there_is_refused(home: Home, quoted: dict[str, Any]) -> None:
    store = home.store()
    created = store.create(LEASE, TIMEOUT_S)
    current = store.replace(replace(created, holder="b"), TIMEOUT_S)
    with pytest.raises(Conflict):
        store.replace(replace(current, holder="c", **quoted), TIMEOUT_S)

    assert store.read(TIMEOUT_S) == current


@pytest.mark.parametrize("uid", [pytest.param(None, id="quoting its uid"), pytest.param("", id="quoting no uid")])
def test_a_write_over_a_deleted_lease_is_refused_and_does_not_bring_it_back(home: Home, uid: str | None) -> None:
    store = home.store()
    created = store.create(LEASE, TIMEOUT_S)
    home.delete()
    with pytest.raises((Absent, Conflict)):
        store.replace(created if uid is None else replace(created, uid=uid), TIMEOUT_S)

    assert store.read(TIMEOUT_S) is None


def test_a_lease_made_again_is_another_one_with_a_greater_version(home: Home) -> None:
    store = home.store()
    first = store.replace(store.create(LEASE, TIMEOUT_S), TIMEOUT_S)
    home.delete()
    second = store.create(first, TIMEOUT_S)

    assert content(second) == LEASE
    assert second.uid != first.uid
    assert int(second.version) > int(first.version)


def test_a_write_over_the_deleted_lease_does_not_touch_the_one_made_since(home: Home) -> None:
    store = home.store()
    first = store.create(LEASE, TIMEOUT_S)
    home.delete()
    second = home.store().create(replace(LEASE, holder="b"), TIMEOUT_S)
    with pytest.raises(Conflict):
        store.replace(replace(first, holder="c"), TIMEOUT_S)
    with pytest.raises(Conflict):
        store.replace(replace(first, holder="c", version=second.version), TIMEOUT_S)

    assert store.read(TIMEOUT_S) == second


def test_what_strangers_wrote_on_the_lease_survives_our_writes(home: Home) -> None:
    store = home.store()
    store.create(LEASE, TIMEOUT_S)
    home.label()
    seen = present(store.read(TIMEOUT_S))
    written = store.replace(replace(seen, holder="b", ledger="new"), TIMEOUT_S)
    store.replace(replace(written, holder="c", ledger=None), TIMEOUT_S)

    assert home.labels()["team"] == "billing"
    assert content(store.read(TIMEOUT_S)) == replace(LEASE, holder="c", ledger=None)


def test_a_change_by_a_stranger_is_a_change_of_version(home: Home) -> None:
    store = home.store()
    created = store.create(LEASE, TIMEOUT_S)
    home.label()
    with pytest.raises(Conflict):
        store.replace(replace(created, holder="b"), TIMEOUT_S)

    assert content(store.read(TIMEOUT_S)) == LEASE


@pytest.mark.parametrize(
    "left",
    [
        pytest.param({}, id="all of them"),
        pytest.param({"paused": NOTES["paused"]}, id="one of two"),
        pytest.param({"paused": "{}"}, id="one, and the other is changed"),
        pytest.param({"cmd-m-00000000": "x"}, id="both, and another comes"),
    ],
)
def test_a_note_that_a_write_leaves_out_is_gone(home: Home, left: dict[str, str]) -> None:
    store = home.store()
    store.create(replace(LEASE, notes=NOTES), TIMEOUT_S)
    written = store.replace(replace(present(store.read(TIMEOUT_S)), notes=left), TIMEOUT_S)
    read = store.read(TIMEOUT_S)
    store.replace(replace(present(read), holder="b"), TIMEOUT_S)

    assert written.notes == left
    assert read == written
    assert present(home.store().read(TIMEOUT_S)).notes == left


def test_a_lease_made_again_has_the_notes_it_was_made_with_and_no_others(home: Home) -> None:
    store = home.store()
    first = store.create(replace(LEASE, notes=NOTES), TIMEOUT_S)
    home.delete()
    second = store.create(replace(first, notes={"paused": "{}"}), TIMEOUT_S)

    assert first.notes == NOTES
    assert second.notes == {"paused": "{}"}
    assert store.read(TIMEOUT_S) == second


def test_notes_of_two_who_write_over_one_version_do_not_mix(home: Home) -> None:
    store = home.store()
    base = store.create(LEASE, TIMEOUT_S)
    won = home.store().replace(replace(base, notes={"cmd-m-aaaaaaaa": "a"}), TIMEOUT_S)
    with pytest.raises(Conflict):
        store.replace(replace(base, notes={"cmd-m-bbbbbbbb": "b"}), TIMEOUT_S)

    assert store.read(TIMEOUT_S) == won
    assert won.notes == {"cmd-m-aaaaaaaa": "a"}


def test_a_write_that_does_not_know_of_a_new_note_is_refused_and_the_next_one_carries_it(home: Home) -> None:
    store = home.store()
    base = store.create(LEASE, TIMEOUT_S)
    home.note("cmd-m-7f3a1b2c", "asked")
    with pytest.raises(Conflict):
        store.replace(replace(base, holder="b"), TIMEOUT_S)
    store.replace(replace(present(store.read(TIMEOUT_S)), holder="b"), TIMEOUT_S)

    assert content(store.read(TIMEOUT_S)) == replace(LEASE, holder="b", notes={"cmd-m-7f3a1b2c": "asked"})


def test_notes_and_what_strangers_wrote_live_side_by_side(home: Home) -> None:
    store = home.store()
    store.create(replace(LEASE, notes=NOTES), TIMEOUT_S)
    home.label()
    labelled = present(store.read(TIMEOUT_S))
    store.replace(replace(labelled, notes={}), TIMEOUT_S)

    assert labelled.notes == NOTES
    assert home.labels()["team"] == "billing"
    assert content(store.read(TIMEOUT_S)) == LEASE


def test_annotations_of_strangers_survive_and_are_no_notes(kubernetes_home: KubernetesHome) -> None:
    store = kubernetes_home.store()
    store.create(replace(LEASE, notes=NOTES), TIMEOUT_S)
    kubernetes_home.annotate("leasebeat.example/paused", "theirs")
    seen = present(store.read(TIMEOUT_S))
    store.replace(replace(seen, notes={"paused": "{}"}, ledger="new"), TIMEOUT_S)

    assert seen.notes == NOTES
    assert kubernetes_home.annotations() == {
        "leasebeat.example/paused": "theirs",
        "leasebeat/paused": "{}",
        "leasebeat/ledger": "new",
    }


def race(*writes: Callable[[], object]) -> list[object]:
    """Let all write at the same moment; what each got, an error included."""
    barrier = threading.Barrier(len(writes))
    results: list[object] = [None] * len(writes)

    def run(number: int) -> None:
        barrier.wait(SOON_S)
        try:
            results[number] = writes[number]()
        except StoreError as error:
            results[number] = type(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(writes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_two_who_create_one_wins(home: Home) -> None:
    a, b = home.store(), home.store()
    for _ in range(5):
        results = race(lambda: a.create(LEASE, TIMEOUT_S), lambda: b.create(replace(LEASE, holder="b"), TIMEOUT_S))
        current = a.read(TIMEOUT_S)

        assert Conflict in results
        assert current in results
        home.delete()


def test_of_writers_over_one_version_one_wins(home: Home) -> None:
    stores = [home.store() for _ in range(4)]
    current = stores[0].create(LEASE, TIMEOUT_S)
    for _ in range(5):

        def writer(store: LeaseStore, name: str, over: LeaseRecord = current) -> Callable[[], object]:
            return lambda: store.replace(replace(over, holder=name), TIMEOUT_S)

        results = race(*(writer(store, f"r{number}-{current.version}") for number, store in enumerate(stores)))
        current = present(stores[0].read(TIMEOUT_S))

        assert results.count(Conflict) == len(stores) - 1
        assert current in results


def test_one_store_serves_two_threads_at_once(home: Home) -> None:
    store = home.store()
    created = store.create(LEASE, TIMEOUT_S)
    with watching(store) as watch:
        seen = watch.next()
        read = store.read(TIMEOUT_S)

    assert seen == created
    assert read == created


def test_a_watch_begins_with_none_where_there_is_no_lease(home: Home) -> None:
    with watching(home.store()) as watch:
        assert watch.next() is None


def test_a_watch_sees_the_lease_made_changed_deleted_and_made_again(home: Home) -> None:
    store = home.store()
    with watching(home.store()) as watch:
        watch.next()
        first = store.create(LEASE, TIMEOUT_S)
        seen_made = watch.until(bool)
        changed = store.replace(replace(first, holder="b"), TIMEOUT_S)
        seen_changed = watch.until(lambda lease: present(lease).holder == "b")
        home.delete()
        seen_deleted = watch.until(lambda lease: lease is None)
        second = store.create(LEASE, TIMEOUT_S)
        seen_again = watch.until(bool)

    assert [seen_made, seen_changed, seen_deleted, seen_again] == [first, changed, None, second]


def test_a_watch_sees_what_a_stranger_wrote(home: Home) -> None:
    created = home.store().create(LEASE, TIMEOUT_S)
    with watching(home.store()) as watch:
        watch.next()
        home.label()
        seen = present(watch.next())

    assert content(seen) == LEASE
    assert int(seen.version) > int(created.version)


def test_a_watch_sees_a_new_note_and_its_removal(home: Home) -> None:
    home.store().create(LEASE, TIMEOUT_S)
    store = home.store()
    with watching(store) as watch:
        watch.next()
        home.note("cmd-m-7f3a1b2c", "asked")
        seen = present(watch.until(lambda lease: bool(present(lease).notes)))
        consumed = store.replace(replace(seen, notes={}), TIMEOUT_S)

        assert watch.until(lambda lease: not present(lease).notes) == consumed

    assert seen.notes == {"cmd-m-7f3a1b2c": "asked"}


def test_the_stores_clock_is_told_in_utc_once_it_has_answered_or_not_at_all(home: Home) -> None:
    store = home.store()

    assert store.server_time is None

    store.read(TIMEOUT_S)

    assert (store.server_time is None) == store.is_local
    assert store.server_time is None or store.server_time.tzinfo is UTC


def test_what_a_watch_has_seen_can_be_written_over(home: Home) -> None:
    home.store().create(LEASE, TIMEOUT_S)
    store = home.store()
    with watching(store) as watch:
        watch.next()
        home.label()
        store.replace(replace(present(watch.next()), holder="b"), TIMEOUT_S)

    assert content(store.read(TIMEOUT_S)) == replace(LEASE, holder="b")
    assert home.labels()["team"] == "billing"


def test_a_watch_ends_when_it_is_stopped(home: Home) -> None:
    with watching(home.store()) as watch:
        watch.next()
        watch.stop.set()

        assert watch.ends()


def test_a_watch_that_is_stopped_beforehand_returns(home: Home) -> None:
    stop = threading.Event()
    stop.set()
    home.store().watch(lambda _: None, stop)

    assert stop.is_set()


def test_a_watch_ends_when_its_store_is_closed(home: Home) -> None:
    store = home.store()
    ended = threading.Event()

    def watch() -> None:
        store.watch(lambda _: started.set(), threading.Event())
        ended.set()

    started = threading.Event()
    threading.Thread(target=watch, daemon=True).start()
    started.wait(SOON_S)
    store.close()

    assert ended.wait(SOON_S)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda store: store.read(TIMEOUT_S), id="read"),
        pytest.param(lambda store: store.create(LEASE, TIMEOUT_S), id="create"),
        pytest.param(lambda store: store.replace(replace(LEASE, version="1", uid="u"), TIMEOUT_S), id="replace"),
        pytest.param(lambda store: store.watch(lambda _: None, threading.Event()), id="watch"),
    ],
)
def test_a_closed_store_fails_as_any_store_does(home: Home, call: Callable[[LeaseStore], object]) -> None:
    store = home.store()
    store.close()
    with pytest.raises(StoreError) as error:
        call(store)

    assert str(error.value)


def test_closing_one_replica_leaves_the_others_alone(home: Home) -> None:
    a, b = home.store(), home.store()
    created = a.create(LEASE, TIMEOUT_S)
    a.close()
    a.close()

    assert b.read(TIMEOUT_S) == created

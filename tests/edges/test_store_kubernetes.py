"""The Lease on the wire: what is sent, what of a stranger's Lease survives, and how a watch keeps going."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.client import Configuration

from scheduler.cluster.access import Access
from scheduler.cluster.api import ApiServer
from scheduler.core.errors import Conflict, Unavailable, WatchForbidden
from scheduler.core.ports import LeaseRecord
from scheduler.stores.kubernetes import KubernetesStore
from tests.fakes.homes import Watcher, present, watching
from tests.fakes.lease_api import Fault, LeaseApi, dated, hang, lose_reply, refuse, reset

TIME = "2026-11-22T13:00:00.000000Z"
LEASE = LeaseRecord("a", 15, TIME, TIME, 3, "the ledger")
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u-1"}
TIMEOUT_S = 5.0
SHORT_S = 0.5


@pytest.fixture
def server(lease_api: LeaseApi) -> Iterator[ApiServer]:
    server = ApiServer(Access("test", "ops", lambda: Configuration(host=lease_api.url)))
    yield server
    server.close()


@pytest.fixture
def store(server: ApiServer) -> KubernetesStore:
    return KubernetesStore(server, "ops", "beat", timeout_s=TIMEOUT_S, silence_s=TIMEOUT_S)


def test_its_place_names_namespace_and_lease(store: KubernetesStore) -> None:
    assert store.place == "kubernetes:ops/beat"
    assert not store.is_local


def test_a_new_lease_is_posted_with_its_five_fields_its_ledger_and_who_manages_it(
    lease_api: LeaseApi, store: KubernetesStore
) -> None:
    store.create(LEASE, TIMEOUT_S)
    (request,) = lease_api.requests

    assert (request.method, request.path) == ("POST", "/apis/coordination.k8s.io/v1/namespaces/ops/leases")
    assert request.body == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "beat",
            "namespace": "ops",
            "labels": {"app.kubernetes.io/managed-by": "leasebeat"},
            "annotations": {"leasebeat/ledger": "the ledger"},
        },
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "acquireTime": TIME,
            "renewTime": TIME,
            "leaseTransitions": 3,
        },
    }


def test_notes_are_annotations_of_ours_beside_the_ledger(lease_api: LeaseApi, store: KubernetesStore) -> None:
    store.create(replace(LEASE, notes={"cmd-m-7f3a1b2c": "run", "paused": "{}"}), TIMEOUT_S)
    (request,) = lease_api.requests

    assert request.body["metadata"]["annotations"] == {
        "leasebeat/ledger": "the ledger",
        "leasebeat/cmd-m-7f3a1b2c": "run",
        "leasebeat/paused": "{}",
    }


def test_no_note_can_pass_for_the_ledger(lease_api: LeaseApi, store: KubernetesStore) -> None:
    created = store.create(replace(LEASE, notes={"ledger": "false"}), TIMEOUT_S)

    assert (created.ledger, created.notes) == ("the ledger", {})
    assert lease_api.leases.get("ops", "beat")["metadata"]["annotations"] == {"leasebeat/ledger": "the ledger"}


def test_our_annotations_are_in_the_ledger_and_the_notes_and_no_strangers_are(
    lease_api: LeaseApi, store: KubernetesStore
) -> None:
    foreign = {"note": "n", "leasebeat.example/paused": "no", "leasebeats": "no", "other/leasebeat": "no"}
    ours = {"leasebeat/ledger": "l", "leasebeat/paused": "p", "leasebeat/cmd-m-7f3a1b2c": "c"}
    strangers_lease(lease_api, {"annotations": foreign | ours}, {})
    read = present(store.read(TIMEOUT_S))
    store.replace(replace(read, ledger=None, notes={}, acquired=TIME, duration_s=15), TIMEOUT_S)

    assert (read.ledger, read.notes) == ("l", {"paused": "p", "cmd-m-7f3a1b2c": "c"})
    assert lease_api.leases.get("ops", "beat")["metadata"]["annotations"] == foreign


def test_its_clock_is_that_of_the_last_answer(lease_api: LeaseApi, store: KubernetesStore) -> None:
    lease_api.meet("get", dated("Sun, 22 Nov 2026 13:00:07 GMT"))
    before = store.server_time
    store.read(TIMEOUT_S)

    assert (before, store.server_time) == (None, datetime(2026, 11, 22, 13, 0, 7, tzinfo=UTC))


def test_a_lease_is_read_by_a_get_that_no_cache_may_answer(lease_api: LeaseApi, store: KubernetesStore) -> None:
    store.read(TIMEOUT_S)
    (request,) = lease_api.requests

    assert (request.method, request.path) == ("GET", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/beat")
    assert request.query == {}


def test_each_call_is_one_request(lease_api: LeaseApi, store: KubernetesStore) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    store.replace(replace(created, holder="b"), TIMEOUT_S)
    store.read(TIMEOUT_S)

    assert [request.verb for request in lease_api.requests] == ["create", "update", "get"]


def strangers_lease(lease_api: LeaseApi, metadata: dict[str, Any], spec: dict[str, Any]) -> None:
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "beat"} | metadata,
        "spec": spec,
    }
    lease_api.leases.create("ops", body)


def test_all_that_is_not_ours_goes_back_as_it_was(lease_api: LeaseApi, store: KubernetesStore) -> None:
    metadata: dict[str, Any] = {
        "labels": {"team": "billing"},
        "annotations": {"note": "do not touch", "leasebeat/paused": "{}"},
        "ownerReferences": [OWNER],
    }
    spec = {"holderIdentity": "x", "strategy": "OldestEmulationVersion", "preferredHolder": "y"}
    strangers_lease(lease_api, metadata, spec)
    read = present(store.read(TIMEOUT_S))
    store.replace(replace(read, holder="a", duration_s=15, acquired=TIME, renewed=TIME, ledger="ours"), TIMEOUT_S)
    stored = lease_api.leases.get("ops", "beat")

    assert stored["metadata"]["labels"] == metadata["labels"]
    assert stored["metadata"]["annotations"] == metadata["annotations"] | {"leasebeat/ledger": "ours"}
    assert stored["metadata"]["ownerReferences"] == [OWNER]
    assert stored["spec"] == spec | {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": TIME,
        "renewTime": TIME,
        "leaseTransitions": 0,
    }


def test_the_servers_own_account_of_who_wrote_what_is_not_sent_back(
    lease_api: LeaseApi, store: KubernetesStore
) -> None:
    store.create(LEASE, TIMEOUT_S)
    store.replace(present(store.read(TIMEOUT_S)), TIMEOUT_S)

    assert "managedFields" in lease_api.leases.get("ops", "beat")["metadata"]
    assert "managedFields" not in lease_api.requests[-1].body["metadata"]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"holderIdentity": None, "leaseDurationSeconds": None, "renewTime": None}, id="nulls"),
        pytest.param({"holderIdentity": ""}, id="an empty holder"),
    ],
)
def test_a_strangers_lease_that_lacks_fields_reads_as_released(
    lease_api: LeaseApi, store: KubernetesStore, spec: dict[str, Any]
) -> None:
    strangers_lease(lease_api, {}, spec)
    read = present(store.read(TIMEOUT_S))

    assert read == LeaseRecord("", 0, "", "", 0, None, version=read.version, uid=read.uid)


def test_times_that_are_empty_are_sent_as_null(lease_api: LeaseApi, store: KubernetesStore) -> None:
    store.create(replace(LEASE, acquired="", renewed=""), TIMEOUT_S)
    (request,) = lease_api.requests

    assert (request.body["spec"]["acquireTime"], request.body["spec"]["renewTime"]) == (None, None)


def test_a_lease_made_again_keeps_labels_and_annotations_but_no_owner(
    lease_api: LeaseApi, store: KubernetesStore
) -> None:
    """An owner that was deleted took the Lease with it; named again, it would take the new one too."""
    strangers_lease(
        lease_api, {"labels": {"team": "billing"}, "annotations": {"note": "n"}, "ownerReferences": [OWNER]}, {}
    )
    read = present(store.read(TIMEOUT_S))
    lease_api.leases.delete("ops", "beat")
    store.create(replace(read, ledger="ours", acquired=TIME, duration_s=15), TIMEOUT_S)
    stored = lease_api.leases.get("ops", "beat")

    assert stored["metadata"]["labels"] == {"team": "billing", "app.kubernetes.io/managed-by": "leasebeat"}
    assert stored["metadata"]["annotations"] == {"note": "n", "leasebeat/ledger": "ours"}
    assert "ownerReferences" not in stored["metadata"]


def test_a_write_without_a_uid_is_not_even_sent(lease_api: LeaseApi, store: KubernetesStore) -> None:
    with pytest.raises(Conflict):
        store.replace(replace(LEASE, version="7"), TIMEOUT_S)

    assert lease_api.requests == []


def test_a_write_whose_reply_is_lost_may_have_landed(lease_api: LeaseApi, store: KubernetesStore) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    lease_api.meet("update", lose_reply())
    with pytest.raises(Unavailable):
        store.replace(replace(created, holder="b"), TIMEOUT_S)

    assert present(store.read(TIMEOUT_S)).holder == "b"


def test_a_watch_is_a_get_and_then_a_watch_from_its_version(lease_api: LeaseApi, store: KubernetesStore) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    with watching(store) as watch:
        watch.next()
        store.replace(replace(created, holder="b"), TIMEOUT_S)
        watch.next()
    asked = [request for request in lease_api.requests if request.method == "GET"]

    assert [request.verb for request in asked] == ["get", "watch"]
    assert asked[1].query["resourceVersion"] == created.version
    assert asked[1].query["fieldSelector"] == "metadata.name=beat"


def test_a_watch_without_a_lease_begins_at_no_version_and_so_misses_nothing(
    lease_api: LeaseApi, store: KubernetesStore
) -> None:
    with watching(store) as watch:
        watch.next()
        created = store.create(LEASE, TIMEOUT_S)

        assert watch.next() == created

    assert "resourceVersion" not in next(request for request in lease_api.requests if request.verb == "watch").query


def test_bookmarks_are_no_news(lease_api: LeaseApi, store: KubernetesStore) -> None:
    store.create(LEASE, TIMEOUT_S)
    with watching(store) as watch:
        until_it_watches(lease_api, watch)
        lease_api.leases.send_bookmarks()
        lease_api.leases.delete("ops", "beat")

        assert watch.next() is None


def until_it_watches(lease_api: LeaseApi, watch: Watcher) -> None:
    """Past the first sight and into the watch itself, which a change proves."""
    watch.next()
    body = lease_api.leases.get("ops", "beat")
    body["metadata"]["labels"] = {"changed": "once"}
    lease_api.leases.update("ops", "beat", body)
    watch.next()


@pytest.mark.parametrize(
    "disturb",
    [
        pytest.param(LeaseApi.end_watches, id="the server ends it"),
        pytest.param(LeaseApi.expire_watches, id="its version is too old"),
    ],
)
def test_a_watch_that_ended_is_begun_again_and_misses_nothing(
    lease_api: LeaseApi, store: KubernetesStore, disturb: Callable[[LeaseApi], None]
) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    with watching(store) as watch:
        until_it_watches(lease_api, watch)
        disturb(lease_api)
        lease_api.leases.delete("ops", "beat")
        gone = watch.until(lambda lease: lease is None)
        again = store.create(created, TIMEOUT_S)
        seen = watch.until(bool)

    assert (gone, seen) == (None, again)


def test_a_watch_that_is_cut_is_unavailable(lease_api: LeaseApi, store: KubernetesStore) -> None:
    store.create(LEASE, TIMEOUT_S)
    with watching(store) as watch:
        until_it_watches(lease_api, watch)
        lease_api.cut_watches()
        with pytest.raises(Unavailable, match="the reply was cut off"):
            watch.next()


@pytest.mark.parametrize(
    ("verb", "fault", "message"),
    [
        pytest.param("get", reset(), "connection reset", id="the read is reset"),
        pytest.param("get", refuse(401), "401: not logged in", id="the read is not logged in"),
        pytest.param("watch", refuse(500), "500: the fault 500 was ordered", id="the watch fails"),
        pytest.param("watch", refuse(429), "429: too many requests", id="the watch is throttled"),
    ],
)
def test_a_watch_that_cannot_begin_is_unavailable(
    lease_api: LeaseApi, store: KubernetesStore, verb: str, fault: Fault, message: str
) -> None:
    lease_api.meet(verb, fault)
    with pytest.raises(Unavailable) as error:
        store.watch(lambda _: None, threading.Event())

    assert str(error.value) == message


def test_without_the_right_to_watch_the_lease_is_seen_once(lease_api: LeaseApi, store: KubernetesStore) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    lease_api.forbid("watch")
    seen: list[LeaseRecord | None] = []
    with pytest.raises(WatchForbidden) as error:
        store.watch(seen.append, threading.Event())

    assert seen == [created]
    assert str(error.value) == "403: may not watch Lease ops/beat"


def test_a_lease_that_rests_is_read_again_and_is_no_outage(lease_api: LeaseApi, server: ApiServer) -> None:
    store = KubernetesStore(server, "ops", "beat", timeout_s=TIMEOUT_S, silence_s=SHORT_S)
    created = store.create(LEASE, TIMEOUT_S)
    with watching(store) as watch:
        seen = [watch.next() for _ in range(3)]

    assert seen == [created] * 3
    assert lease_api.count("watch") >= 2


def test_a_server_that_hangs_during_a_watch_is_unavailable(lease_api: LeaseApi, server: ApiServer) -> None:
    store = KubernetesStore(server, "ops", "beat", timeout_s=SHORT_S, silence_s=SHORT_S)
    store.create(LEASE, TIMEOUT_S)
    with watching(store) as watch:
        watch.next()
        lease_api.meet("get", hang(), times=None)
        with pytest.raises(Unavailable, match="timeout after"):
            watch.next()

"""What an API server does with a Lease, stated once: held against the fake here, against a real one on a cluster."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC
from typing import Any

import pytest

from scheduler.cluster.api import ApiServer
from scheduler.cluster.resource import Resource
from scheduler.cluster.watch import Event
from scheduler.core.errors import Conflict, StoreError
from tests.fakes.homes import SOON_S, TIMEOUT_S, KubernetesHome

TIME = "2026-11-22T13:00:00.000000Z"
OTHER_UID = "11111111-1111-1111-1111-111111111111"
LONGEST_ANNOTATIONS = 262_144


def lease(name: str) -> dict[str, Any]:
    spec = {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": TIME,
        "renewTime": TIME,
        "leaseTransitions": 1,
    }
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}


def made(home: KubernetesHome) -> dict[str, Any]:
    code, body = home.kubectl.ask("POST", home.collection, lease(home.name))

    assert code == 201
    return body


def changed(body: dict[str, Any], part: str, **fields: object) -> dict[str, Any]:
    body = copy.deepcopy(body)
    body[part].update(fields)
    return {**body, part: {key: value for key, value in body[part].items() if value is not ...}}


def test_a_lease_that_is_not_there_is_not_found(kubernetes_home: KubernetesHome) -> None:
    code, status = kubernetes_home.kubectl.ask("GET", kubernetes_home.path)

    assert (code, status["kind"], status["reason"]) == (404, "Status", "NotFound")
    assert (status["details"]["kind"], status["details"]["name"]) == ("leases", kubernetes_home.name)


def test_a_new_lease_gets_a_uid_a_version_and_a_time_of_creation(kubernetes_home: KubernetesHome) -> None:
    body = made(kubernetes_home)

    assert body["spec"] == lease("any")["spec"]
    assert body["metadata"]["uid"]
    assert int(body["metadata"]["resourceVersion"]) > 0
    assert body["metadata"]["creationTimestamp"].endswith("Z")


def test_a_post_over_a_lease_is_refused(kubernetes_home: KubernetesHome) -> None:
    made(kubernetes_home)
    code, status = kubernetes_home.kubectl.ask("POST", kubernetes_home.collection, lease(kubernetes_home.name))

    assert (code, status["reason"]) == (409, "AlreadyExists")


def test_a_post_with_a_uid_gets_another_one(kubernetes_home: KubernetesHome) -> None:
    body = changed(lease(kubernetes_home.name), "metadata", uid=OTHER_UID)
    code, created = kubernetes_home.kubectl.ask("POST", kubernetes_home.collection, body)

    assert code == 201
    assert created["metadata"]["uid"] != OTHER_UID


@pytest.mark.parametrize(
    ("part", "fields", "code"),
    [
        pytest.param("spec", {"renewTime": "2026-11-22T13:00:00Z"}, 400, id="a time without a fraction"),
        pytest.param("spec", {"renewTime": "2026-11-22T13:00:00.123Z"}, 400, id="a time of three digits"),
        pytest.param("spec", {"renewTime": "2026-11-22T13:00:00.1234567Z"}, 400, id="a time of seven digits"),
        pytest.param("spec", {"acquireTime": "2026-11-22t13:00:00.123456z"}, 400, id="a time in small letters"),
        pytest.param("spec", {"acquireTime": "2026-11-22T13:00:00.123456"}, 400, id="a time without a zone"),
        pytest.param("spec", {"acquireTime": ""}, 400, id="an empty time"),
        pytest.param("spec", {"acquireTime": 5}, 400, id="a time that is a number"),
        pytest.param("spec", {"holderIdentity": 7}, 400, id="a holder that is a number"),
        pytest.param("spec", {"leaseDurationSeconds": "15"}, 400, id="a duration that is text"),
        pytest.param("spec", {"leaseDurationSeconds": 0}, 422, id="a duration of 0"),
        pytest.param("spec", {"leaseDurationSeconds": -1}, 422, id="a duration below 0"),
        pytest.param("spec", {"leaseTransitions": -1}, 422, id="transitions below 0"),
        pytest.param("metadata", {"resourceVersion": ...}, 422, id="no resourceVersion"),
        pytest.param("metadata", {"resourceVersion": ""}, 422, id="an empty resourceVersion"),
        pytest.param("metadata", {"resourceVersion": "1"}, 409, id="an old resourceVersion"),
        pytest.param("metadata", {"uid": OTHER_UID}, 409, id="another uid"),
        pytest.param("metadata", {"uid": OTHER_UID, "resourceVersion": ...}, 409, id="another uid, no version"),
        pytest.param("metadata", {"name": "other"}, 400, id="another name"),
        pytest.param("metadata", {"namespace": "other"}, 400, id="another namespace"),
        pytest.param("metadata", {"annotations": {"a": 5}}, 400, id="an annotation that is a number"),
        pytest.param("metadata", {"annotations": {"a": "x" * LONGEST_ANNOTATIONS}}, 422, id="annotations too long"),
    ],
)
def test_a_put_is_refused(kubernetes_home: KubernetesHome, part: str, fields: dict[str, object], code: int) -> None:
    body = made(kubernetes_home)
    refused, status = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, changed(body, part, **fields))
    _, current = kubernetes_home.kubectl.ask("GET", kubernetes_home.path)

    assert (refused, status["kind"], status["code"]) == (code, "Status", code)
    assert current["spec"] == body["spec"]
    assert current["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("fields", "spec"),
    [
        pytest.param({"holderIdentity": ""}, {"holderIdentity": ""}, id="an empty holder"),
        pytest.param({"holderIdentity": None}, {"holderIdentity": ...}, id="a null holder is left out"),
        pytest.param({"acquireTime": None}, {"acquireTime": ...}, id="a null time is left out"),
        pytest.param({"leaseTransitions": 0}, {"leaseTransitions": 0}, id="no transitions"),
        pytest.param({"unknown": "field"}, {}, id="an unknown field is dropped"),
        pytest.param(
            {"renewTime": "2026-11-22T13:00:00.123456+00:00"},
            {"renewTime": "2026-11-22T13:00:00.123456Z"},
            id="an offset of 0 becomes Z",
        ),
    ],
)
def test_a_put_is_accepted(kubernetes_home: KubernetesHome, fields: dict[str, Any], spec: dict[str, Any]) -> None:
    body = made(kubernetes_home)
    code, stored = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, changed(body, "spec", **fields))

    assert code == 200
    assert stored["spec"] == changed(lease("any"), "spec", **spec)["spec"]
    assert stored["metadata"]["uid"] == body["metadata"]["uid"]


def test_a_put_removes_the_annotations_it_leaves_out(kubernetes_home: KubernetesHome) -> None:
    body = made(kubernetes_home)
    first = changed(
        body, "metadata", annotations={"note": "n", "leasebeat/cmd-m-7f3a1b2c": "run", "leasebeat/paused": ""}
    )
    _, noted = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, first)
    second = changed(noted, "metadata", annotations={"note": "n", "leasebeat/paused": "{}"})
    code, stored = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, second)

    assert noted["metadata"]["annotations"] == first["metadata"]["annotations"]
    assert code == 200
    assert stored["metadata"]["annotations"] == {"note": "n", "leasebeat/paused": "{}"}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b'{"a":', id="not JSON"),
        pytest.param(b"[]", id="not an object"),
        pytest.param({"apiVersion": "coordination.k8s.io/v1", "kind": "Pod"}, id="not a Lease"),
    ],
)
def test_a_malformed_body_is_refused(kubernetes_home: KubernetesHome, sent: object) -> None:
    made(kubernetes_home)
    code, _ = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, sent)

    assert code == 400


def test_annotations_may_be_just_so_long(kubernetes_home: KubernetesHome) -> None:
    annotations = {"leasebeat/ledger": "x" * (LONGEST_ANNOTATIONS - len("leasebeat/ledger"))}
    body = changed(made(kubernetes_home), "metadata", annotations=annotations)
    code, stored = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, body)

    assert code == 200
    assert stored["metadata"]["annotations"] == annotations


def test_an_identical_put_keeps_the_version(kubernetes_home: KubernetesHome) -> None:
    body = made(kubernetes_home)
    code, stored = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, body)

    assert code == 200
    assert stored["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("quoted", "code"),
    [
        pytest.param({}, 409, id="a uid is refused"),
        pytest.param({"resourceVersion": ...}, 409, id="a uid alone is refused"),
        pytest.param({"uid": ...}, 201, id="a version alone makes a new one"),
        pytest.param({"uid": ..., "resourceVersion": ...}, 201, id="nothing makes a new one"),
    ],
)
def test_a_put_to_a_deleted_lease_that_quotes(
    kubernetes_home: KubernetesHome, quoted: dict[str, object], code: int
) -> None:
    body = made(kubernetes_home)
    kubernetes_home.delete()
    answered, _ = kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, changed(body, "metadata", **quoted))

    assert answered == code


@pytest.fixture
def api(kubernetes_home: KubernetesHome) -> Iterator[ApiServer]:
    api = ApiServer(kubernetes_home.access)
    yield api
    api.close()


def first_events(api: ApiServer, home: KubernetesHome, since: str | None, count: int) -> list[tuple[str, str]]:
    """Kind and holder of the first events that are no bookmarks."""
    resource = Resource("coordination.k8s.io/v1", "Lease", "leases", home.namespace, home.name)
    events: list[Event] = []
    with closing(api.watch(resource, since, SOON_S, threading.Event())) as watch:
        for event in watch:
            events += [event] if event.kind != "BOOKMARK" else []
            if len(events) == count:
                break
    return [(event.kind, event.object["spec"]["holderIdentity"]) for event in events]


def test_a_watch_from_a_version_brings_what_came_after_it(kubernetes_home: KubernetesHome, api: ApiServer) -> None:
    body = made(kubernetes_home)
    kubernetes_home.kubectl.ask("PUT", kubernetes_home.path, changed(body, "spec", holderIdentity="b"))
    kubernetes_home.delete()
    kubernetes_home.kubectl.ask("POST", kubernetes_home.collection, lease(kubernetes_home.name))
    events = first_events(api, kubernetes_home, body["metadata"]["resourceVersion"], 3)

    assert events == [("MODIFIED", "b"), ("DELETED", "b"), ("ADDED", "a")]


def test_a_watch_from_no_version_begins_with_the_state_there_is(
    kubernetes_home: KubernetesHome, api: ApiServer
) -> None:
    made(kubernetes_home)

    assert first_events(api, kubernetes_home, None, 1) == [("ADDED", "a")]


def test_a_watch_of_one_name_brings_nothing_of_others(kubernetes_home: KubernetesHome, api: ApiServer) -> None:
    body = made(kubernetes_home)
    other = f"{kubernetes_home.name}-other"
    kubernetes_home.kubectl.ask("POST", kubernetes_home.collection, lease(other))
    kubernetes_home.kubectl.ask("DELETE", f"{kubernetes_home.collection}/{other}")
    kubernetes_home.delete()
    events = first_events(api, kubernetes_home, body["metadata"]["resourceVersion"], 1)

    assert events == [("DELETED", "a")]


def test_the_way_to_the_server_reads_refusals_as_they_are(kubernetes_home: KubernetesHome, api: ApiServer) -> None:
    home = kubernetes_home
    resource = Resource("coordination.k8s.io/v1", "Lease", "leases", home.namespace, home.name)

    assert api.get(resource, TIMEOUT_S) is None

    body = api.create(resource, lease(home.name), TIMEOUT_S)
    with pytest.raises(Conflict):
        api.create(resource, lease(home.name), TIMEOUT_S)
    with pytest.raises(Conflict):
        api.update(resource, changed(body, "metadata", resourceVersion="1"), TIMEOUT_S)

    assert api.get(resource, TIMEOUT_S) == body


def answered(api: ApiServer, home: KubernetesHome, what: str) -> None:
    resource = Resource("coordination.k8s.io/v1", "Lease", "leases", home.namespace, home.name)
    with suppress(StoreError):
        match what:
            case "created":
                api.create(resource, lease(home.name), TIMEOUT_S)
            case "not found":
                api.get(resource, TIMEOUT_S)
            case "conflict":
                api.update(resource, changed(made(home), "metadata", resourceVersion="1"), TIMEOUT_S)
            case "malformed":
                api.create(resource, {"kind": "Pod"}, TIMEOUT_S)
            case "watched":
                made(home)
                first_events(api, home, None, 1)


@pytest.mark.parametrize("what", ["created", "not found", "conflict", "malformed", "watched"])
def test_every_answer_tells_the_servers_clock(kubernetes_home: KubernetesHome, api: ApiServer, what: str) -> None:
    assert api.server_time is None

    answered(api, kubernetes_home, what)

    assert api.server_time is not None
    assert api.server_time.tzinfo is UTC


def test_what_is_not_there_cannot_be_deleted(kubernetes_home: KubernetesHome) -> None:
    code, status = kubernetes_home.kubectl.ask("DELETE", kubernetes_home.path)

    assert (code, status["reason"]) == (404, "NotFound")

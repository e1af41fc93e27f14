"""What the way to the API server can do beside Leases: delete with all it owns, list by labels, read a pod's log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes.client import Configuration

from scheduler.cluster.access import Access
from scheduler.cluster.api import ApiServer
from scheduler.cluster.resource import Resource
from scheduler.core.errors import Absent, Conflict, Refused
from tests.fakes.lease_api import LeaseApi, Request, refuse
from tests.fakes.leases import JsonObject
from tests.fakes.leases import Refused as Refusal

LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases", "ops", "beat")
BODY = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "beat"}, "spec": {}}
JOBS = Resource("batch/v1", "Job", "jobs", "ops", "*")
LOG = Resource("v1", "Pod", "pods", "ops", "report-x", "log")
TIMEOUT_S = 5.0


class ObjectApi(LeaseApi):
    """With pages of Jobs, and a pod with a log."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, str]] = []

    def beyond_leases(self, request: Request) -> tuple[int, JsonObject] | None:
        if request.path == "/apis/batch/v1/namespaces/ops/jobs":
            self.asked.append(dict(request.query))
            following = {} if request.query.get("continue") else {"continue": "page 2"}
            return 200, {"items": [{"page": len(self.asked)}], "metadata": following}
        if request.path == "/api/v1/namespaces/ops/pods/report-x/log":
            self.asked.append(dict(request.query))
            return 200, {"a log": "is text to whoever asks for text"}
        if request.path.endswith("/log"):
            details = {"name": "report-y", "kind": "pods"}
            raise Refusal(404, "NotFound", 'pods "report-y" not found', details)
        return None


@pytest.fixture
def api() -> Iterator[ObjectApi]:
    with ObjectApi() as api:
        yield api


@pytest.fixture
def server(api: ObjectApi) -> Iterator[ApiServer]:
    server = ApiServer(Access("test", "ops", lambda: Configuration(host=api.url)))
    yield server
    server.close()


def test_what_is_deleted_goes_with_all_it_owns(api: ObjectApi, server: ApiServer) -> None:
    server.create(LEASE, BODY, TIMEOUT_S)
    deleted = server.delete(LEASE, "u1", TIMEOUT_S)
    request = api.requests[-1]

    assert deleted
    assert (request.method, request.path) == ("DELETE", LEASE.path)
    assert request.body["propagationPolicy"] == "Foreground"
    assert request.body["preconditions"] == {"uid": "u1"}
    assert server.get(LEASE, TIMEOUT_S) is None


def test_what_is_not_there_is_not_deleted(api: ObjectApi, server: ApiServer) -> None:
    assert not server.delete(LEASE, None, TIMEOUT_S)
    assert "preconditions" not in api.requests[-1].body


@pytest.mark.parametrize(("status", "error"), [(409, Conflict), (403, Refused)])
def test_a_refusal_to_delete_is_an_error(api: ObjectApi, server: ApiServer, status: int, error: type) -> None:
    api.meet("delete", refuse(status))
    with pytest.raises(error, match=f"^{status}: "):
        server.delete(LEASE, "u1", TIMEOUT_S)


def test_objects_are_listed_by_their_labels_page_after_page(api: ObjectApi, server: ApiServer) -> None:
    found = server.listed(JOBS, TIMEOUT_S, {"leasebeat/job": "report", "leasebeat/lease": "beat"})

    assert found == [{"page": 1}, {"page": 2}]
    assert [one["labelSelector"] for one in api.asked] == ["leasebeat/job=report,leasebeat/lease=beat"] * 2


def test_a_log_is_read_as_text(api: ObjectApi, server: ApiServer) -> None:
    told = server.text(LOG, {"container": "job", "tailLines": "20"}, TIMEOUT_S)

    assert told == '{"a log": "is text to whoever asks for text"}'
    assert api.asked == [{"container": "job", "tailLines": "20"}]


def test_the_log_of_a_pod_that_is_gone_is_absent(server: ApiServer) -> None:
    with pytest.raises(Absent, match=r"^404: there is no log of Pod ops/report-y$"):
        server.text(Resource("v1", "Pod", "pods", "ops", "report-y", "log"), {}, TIMEOUT_S)


def test_a_part_of_an_object_has_a_path_and_a_right_of_its_own() -> None:
    assert LOG.path == "/api/v1/namespaces/ops/pods/report-x/log"
    assert LOG.rbac == "pods/log"
    assert str(LOG) == "log of Pod ops/report-x"

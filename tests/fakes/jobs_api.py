"""An API server with Jobs and pods, as `ApiServer` shows one, in memory: everything happens in the calls themselves.

    api = JobsApi()
    api.later(lambda: api.complete("report-1795662900"))   # happens while somebody watches
    api.fails("create", Unavailable("timeout after 5s"), committed=True)

Nobody waits in here: who watches when nothing is to happen any more has a test against it.
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from scheduler.cluster.resource import Resource
from scheduler.cluster.watch import Event
from scheduler.core.actions import KubernetesJobAction
from scheduler.core.errors import Absent, Conflict, StoreError
from scheduler.core.ports import RunOrder

JsonObject = dict[str, Any]
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
IMAGE = KubernetesJobAction("acme/indexer:4")
NAME = "report-1795348800"  # of the Job of this order
ORDER = RunOrder(
    key="report@2026-11-22T12:00:00Z#1",
    job="report",
    run="report@2026-11-22T12:00:00Z",
    tick="2026-11-22T12:00:00Z",
    attempt=1,
    term=7,
    fence="48211",
    action=IMAGE,
    timeout_s=3600.0,
    exclusive=True,
)


@dataclass
class _Fault:
    error: StoreError
    committed: bool


@dataclass
class JobsApi:
    """`objects` by path, `asked` the requests in their order, as verb and path."""

    server_time: datetime = NOON
    objects: dict[str, JsonObject] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[JsonObject] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    lingers: bool = False
    closed: bool = False
    _faults: dict[str, deque[_Fault]] = field(default_factory=dict)
    _later: deque[Callable[[], object]] = field(default_factory=deque)
    _events: list[tuple[int, str, Event]] = field(default_factory=list)
    _versions: count[int] = field(default_factory=lambda: count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # -- what a test does

    def later(self, *happenings: Callable[[], object]) -> None:
        """Each happens in a watch of its own, in this order."""
        self._later.extend(happenings)

    def fails(self, verb: str, *errors: StoreError, committed: bool = False) -> None:
        """The next requests of this verb fail so; what is `committed` is done all the same."""
        self._faults.setdefault(verb, deque()).extend(_Fault(error, committed) for error in errors)

    def job(self, name: str) -> JsonObject:
        return self.objects[f"/apis/batch/v1/namespaces/ops/jobs/{name}"]

    def has(self, name: str) -> bool:
        return f"/apis/batch/v1/namespaces/ops/jobs/{name}" in self.objects

    def complete(self, name: str, kind: str = "Complete", **words: str) -> None:
        """The Job gets its last condition."""
        at = self.server_time.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.job(name)["status"] = {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": at, **words}]}
        self._note("MODIFIED", f"/apis/batch/v1/namespaces/ops/jobs/{name}")

    def fail(self, name: str, reason: str = "BackoffLimitExceeded", message: str = "it has tried enough") -> None:
        self.complete(name, "Failed", reason=reason, message=message)

    def remove(self, name: str) -> None:
        """Nothing of the Job is left."""
        path = f"/apis/batch/v1/namespaces/ops/jobs/{name}"
        self._note("DELETED", path)
        del self.objects[path]

    def pod(self, name: str, job: str, log: str = "", **status: object) -> None:
        """A pod of this Job; its only container is called `job`."""
        labels = {"batch.kubernetes.io/job-name": job}
        stamp = (NOON + timedelta(seconds=next(self._versions))).isoformat()
        metadata = {"name": name, "labels": labels, "creationTimestamp": stamp}
        spec = {"containers": [{"name": "job"}]}
        self.objects[f"/api/v1/namespaces/ops/pods/{name}"] = {"metadata": metadata, "spec": spec, "status": status}
        self.logs[name] = log

    # -- what a runner asks

    def get(self, resource: Resource, timeout_s: float) -> JsonObject | None:
        self._meet("get", resource.path, timeout_s)
        return copy.deepcopy(self.objects.get(resource.path))

    def create(self, resource: Resource, body: JsonObject, timeout_s: float) -> JsonObject:
        def commit() -> JsonObject:
            if resource.path in self.objects:
                raise Conflict(f'409: jobs.batch "{resource.name}" already exists')
            made = copy.deepcopy(body)
            stamp = self.server_time.strftime("%Y-%m-%dT%H:%M:%SZ")
            made["metadata"] |= {"uid": f"u{next(self._versions)}", "creationTimestamp": stamp}
            self.objects[resource.path] = made
            self.bodies.append(made)
            self._note("ADDED", resource.path)
            return copy.deepcopy(made)

        self._meet("create", resource.path, timeout_s, commit)
        return commit()

    def delete(self, resource: Resource, uid: str | None, timeout_s: float) -> bool:
        self._meet("delete", resource.path, timeout_s)
        found = self.objects.get(resource.path)
        if found is None:
            return False
        if uid and found["metadata"]["uid"] != uid:
            raise Conflict("409: the UID in the precondition does not match")
        found["metadata"]["deletionTimestamp"] = "2026-11-22T12:00:00Z"
        if not self.lingers:
            self.remove(resource.name)
        return True

    def listed(self, resource: Resource, timeout_s: float, labels: Mapping[str, str] | None = None) -> list[JsonObject]:
        self._meet("list", resource.collection, timeout_s)
        there = [found for path, found in self.objects.items() if path.startswith(f"{resource.collection}/")]
        asked = (labels or {}).items()
        return [copy.deepcopy(one) for one in there if asked <= one["metadata"].get("labels", {}).items()]

    def text(self, resource: Resource, query: Mapping[str, str], timeout_s: float) -> str:
        self._meet("text", f"{resource.path}?{'&'.join(f'{key}={value}' for key, value in query.items())}", timeout_s)
        if resource.name not in self.logs:
            raise Absent(f"404: there is no {resource}")
        return self.logs[resource.name]

    def watch(
        self, resource: Resource, since: str | None, silence_s: float, stop: Any, look_up_s: float
    ) -> Generator[Event]:
        assert silence_s > look_up_s
        self._meet("watch", resource.path, silence_s)
        assert self._later, f"nothing is to happen any more: {self.asked}"
        self._later.popleft()()
        for version, path, event in list(self._events):
            if path == resource.path and version > int(since or 0) and not stop.is_set():
                yield event

    def close(self) -> None:
        self.closed = True

    # -- inside

    def _meet(self, verb: str, path: str, timeout_s: float, commit: Callable[[], object] | None = None) -> None:
        with self._lock:
            self.asked.append(f"{verb} {path.rpartition('/')[2] if verb != 'text' else path.partition('/pods/')[2]}")
            self.timeouts.append(timeout_s)
            faults = self._faults.get(verb)
            if not faults:
                return
            fault = faults.popleft()
        if fault.committed and commit:
            commit()
        raise fault.error

    def _note(self, kind: str, path: str) -> None:
        version = next(self._versions)
        self.objects[path]["metadata"]["resourceVersion"] = str(version)
        self._events.append((version, path, Event(kind, copy.deepcopy(self.objects[path]))))

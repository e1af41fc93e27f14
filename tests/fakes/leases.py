"""Leases as a Kubernetes API server keeps them, without the HTTP: what it accepts, what it refuses and in which words.

Each rule was taken from a real API server (1.36), and `tests/contract/test_lease_api.py` states them once and holds
both to them: this fake in `make test`, a real one in `make test-cluster`.
"""

from __future__ import annotations

import copy
import queue
import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]
GROUP = "coordination.k8s.io"
RESOURCE = "leases.coordination.k8s.io"
LONGEST_ANNOTATIONS = 262_144
MADE_AT = "2026-11-22T13:00:00Z"
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
FREE_METADATA = ("labels", "annotations", "ownerReferences")
SPEC_TYPES = {
    "holderIdentity": str,
    "leaseDurationSeconds": int,
    "acquireTime": str,
    "renewTime": str,
    "leaseTransitions": int,
    "strategy": str,
    "preferredHolder": str,
}


class Refused(Exception):
    """The request was refused with this Kubernetes `Status`."""

    def __init__(self, code: int, reason: str | None, message: str, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.status: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }


def expired(oldest: int) -> Refused:
    return Refused(410, "Expired", f"too old resource version: oldest is {oldest}")


def forbidden(verb: str, namespace: str, name: str | None) -> Refused:
    subject = f'{RESOURCE} "{name}"' if name else RESOURCE
    message = (
        f'{subject} is forbidden: User "system:serviceaccount:ops:beat" cannot {verb} resource "leases" '
        f'in API group "{GROUP}" in the namespace "{namespace}"'
    )
    return Refused(403, "Forbidden", message, {"group": GROUP, "kind": "leases"})


@dataclass(eq=False)
class Subscription:
    """One watch: the events it is still to send."""

    namespace: str
    name: str
    events: queue.SimpleQueue[object] = field(default_factory=queue.SimpleQueue)


class Leases:
    """All Leases of a cluster, with one resourceVersion for every write of any of them."""

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []
        self._lock = threading.RLock()
        self._leases: dict[tuple[str, str], JsonObject] = {}
        self._version = 100
        self._oldest = 0
        self._history: list[tuple[int, str, JsonObject]] = []

    def get(self, namespace: str, name: str) -> JsonObject:
        with self._lock:
            if (namespace, name) not in self._leases:
                raise Refused(404, "NotFound", f'{RESOURCE} "{name}" not found', _details(name))
            return copy.deepcopy(self._leases[namespace, name])

    def create(self, namespace: str, body: object) -> JsonObject:
        lease = _decoded(body)
        name = lease["metadata"].get("name")
        if not name:
            raise _invalid("", "metadata.name: Required value: name or generateName is required")
        _check(lease, namespace, name)
        if lease["metadata"].get("resourceVersion"):
            raise Refused(500, None, "resourceVersion should not be set on objects to be created")
        with self._lock:
            if (namespace, name) in self._leases:
                raise Refused(409, "AlreadyExists", f'{RESOURCE} "{name}" already exists', _details(name))
            return self._add(namespace, name, lease)

    def update(self, namespace: str, name: str, body: object) -> tuple[int, JsonObject]:
        """Status 200, or 201 where a PUT made the Lease: the trap that a missing uid opens."""
        lease = _decoded(body)
        uid, version = lease["metadata"].get("uid"), lease["metadata"].get("resourceVersion")
        with self._lock:
            current = self._leases.get((namespace, name))
            if uid and uid != (current or {"metadata": {"uid": ""}})["metadata"]["uid"]:
                raise _conflict(name, "StorageError: invalid object, Code: 4, Precondition failed: UID in precondition")
            if current is None:
                _check(lease, namespace, name)
                return 201, self._add(namespace, name, lease)
            if not version:
                raise _invalid(name, "metadata.resourceVersion: Invalid value: 0: must be specified for an update")
            if version != current["metadata"]["resourceVersion"]:
                raise _conflict(name, "the object has been modified; please apply your changes to the latest version")
            _check(lease, namespace, name)
            return 200, self._change(namespace, name, lease, current)

    def delete(self, namespace: str, name: str) -> JsonObject:
        with self._lock:
            lease = self.get(namespace, name)
            del self._leases[namespace, name]
            self._tell("DELETED", lease)
            return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    def subscribe(self, namespace: str, name: str, since: int | None) -> Subscription:
        """A watch from version `since`, or of the state as it is now when that is None."""
        watch = Subscription(namespace, name)
        with self._lock:
            if since is None:
                if (namespace, name) in self._leases:
                    watch.events.put({"type": "ADDED", "object": self.get(namespace, name)})
                watch.events.put(self._bookmark({"k8s.io/initial-events-end": "true"}))
            elif since < self._oldest:
                watch.events.put({"type": "ERROR", "object": expired(self._oldest).status})
                watch.events.put(None)
            else:
                for version, kind, lease in self._history:
                    if version > since and _is_of(watch, lease):
                        watch.events.put({"type": kind, "object": lease})
            self.subscriptions.append(watch)
        return watch

    def send_bookmarks(self) -> None:
        with self._lock:
            for watch in self.subscriptions:
                watch.events.put(self._bookmark({}))

    def compact(self) -> None:
        """Forget all history: a watch from an older version is told that it has expired."""
        with self._lock:
            self._version += 1
            self._oldest, self._history = self._version, []

    def _add(self, namespace: str, name: str, lease: JsonObject) -> JsonObject:
        made = {"name": name, "namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": MADE_AT}
        return self._store("ADDED", {**lease, "metadata": {**made, **_free(lease)}})

    def _change(self, namespace: str, name: str, lease: JsonObject, current: JsonObject) -> JsonObject:
        fixed = {key: current["metadata"][key] for key in ("name", "namespace", "uid", "creationTimestamp")}
        changed = {**lease, "metadata": {**fixed, **_free(lease)}}
        if changed == {**current, "metadata": {**fixed, **_free(current)}}:
            return self.get(namespace, name)
        return self._store("MODIFIED", changed)

    def _store(self, kind: str, lease: JsonObject) -> JsonObject:
        self._tell(kind, lease)
        key = lease["metadata"]["namespace"], lease["metadata"]["name"]
        self._leases[key] = copy.deepcopy(lease)
        return copy.deepcopy(lease)

    def _tell(self, kind: str, lease: JsonObject) -> None:
        """Give the lease its next version and the event to whoever watches."""
        self._version += 1
        lease["metadata"]["resourceVersion"] = str(self._version)
        lease["metadata"]["managedFields"] = [{"manager": "fake", "operation": "Update", "fieldsType": "FieldsV1"}]
        seen = copy.deepcopy(lease)
        self._history.append((self._version, kind, seen))
        for watch in self.subscriptions:
            if _is_of(watch, lease):
                watch.events.put({"type": kind, "object": seen})

    def _bookmark(self, annotations: JsonObject) -> JsonObject:
        metadata = {"resourceVersion": str(self._version), **({"annotations": annotations} if annotations else {})}
        lease = {"kind": "Lease", "apiVersion": f"{GROUP}/v1", "metadata": metadata, "spec": {}}
        return {"type": "BOOKMARK", "object": lease}


def _decoded(body: object) -> JsonObject:
    """The Lease in a body, with unknown and null fields dropped as the server's decoder drops them; else a 400."""
    if not isinstance(body, dict) or not body.get("kind"):
        raise Refused(400, "BadRequest", "the object provided is unrecognized (must be of type Lease)")
    if (body["kind"], body.get("apiVersion")) != ("Lease", f"{GROUP}/v1"):
        raise _malformed(f'no kind "{body["kind"]}" is registered for version "{body.get("apiVersion")}"')
    metadata, spec = body.get("metadata") or {}, body.get("spec") or {}
    for key, value in (metadata.get("annotations") or {}).items():
        if not isinstance(value, str):
            raise _malformed(f"json: cannot unmarshal {key} into ObjectMeta.metadata.annotations of type string")
    return {"kind": "Lease", "apiVersion": f"{GROUP}/v1", "metadata": metadata, "spec": _spec(spec)}


def _spec(spec: JsonObject) -> JsonObject:
    known: JsonObject = {key: value for key, value in spec.items() if key in SPEC_TYPES and value is not None}
    for key, value in known.items():
        if not isinstance(value, SPEC_TYPES[key]):
            raise _malformed(f"json: cannot unmarshal {type(value).__name__} into LeaseSpec.spec.{key}")
        if key.endswith("Time"):
            known[key] = _micro_time(str(value))
    return known


def _micro_time(text: str) -> str:
    if not MICRO_TIME.fullmatch(text):
        raise _malformed(f'parsing time "{text}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse')
    return re.sub(r"[+-]00:00$", "Z", text)


def _check(lease: JsonObject, namespace: str, name: str) -> None:
    metadata, spec = lease["metadata"], lease["spec"]
    if metadata.get("name", name) != name:
        raise Refused(400, "BadRequest", f"the name of the object ({metadata['name']}) does not match the URL ({name})")
    if metadata.get("namespace", namespace) != namespace:
        raise Refused(400, "BadRequest", "the namespace of the provided object does not match that of the request")
    if spec.get("leaseDurationSeconds", 1) <= 0:
        raise _invalid(name, "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0")
    if spec.get("leaseTransitions", 0) < 0:
        raise _invalid(name, "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0")
    annotations = metadata.get("annotations") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > LONGEST_ANNOTATIONS:
        raise _invalid(name, f"metadata.annotations: Too long: may not be more than {LONGEST_ANNOTATIONS} bytes")


def _free(lease: JsonObject) -> JsonObject:
    """The metadata that whoever writes decides; the rest is the server's."""
    return {key: lease["metadata"][key] for key in FREE_METADATA if lease["metadata"].get(key)}


def _is_of(watch: Subscription, lease: JsonObject) -> bool:
    metadata = lease["metadata"]
    return (metadata["namespace"], metadata["name"]) == (watch.namespace, watch.name)


def _details(name: str) -> JsonObject:
    return {"name": name, "group": GROUP, "kind": "leases"}


def _conflict(name: str, why: str) -> Refused:
    return Refused(409, "Conflict", f'Operation cannot be fulfilled on {RESOURCE} "{name}": {why}', _details(name))


def _invalid(name: str, why: str) -> Refused:
    message = f'Lease.{GROUP} "{name}" is invalid: {why}'
    return Refused(422, "Invalid", message, {"name": name, "group": GROUP, "kind": "Lease"})


def _malformed(why: str) -> Refused:
    return Refused(400, "BadRequest", f'Lease in version "v1" cannot be handled as a Lease: {why}')

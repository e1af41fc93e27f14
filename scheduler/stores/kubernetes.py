"""The Lease as Kubernetes has it: an object that every replica can see and only one can change.

What an API server does with a Lease of coordination.k8s.io/v1, found by asking one (1.36), and what follows from it:

- A PUT to a Lease that was deleted is refused when it quotes a uid, but *makes a new one* when it quotes none. So every
  PUT quotes both uid and resourceVersion, and a record that has none is refused before it is sent.
- A time that has not exactly six digits and a zone is refused as malformed. So times are text throughout.
- An identical PUT changes nothing, not even the resourceVersion. (A ledger names its write, so no two are identical.)
- What a PUT leaves out is deleted. So the object as it was read is kept in `LeaseRecord.rest` and sent back, changed
  only where this program has a say: five fields of the spec, and the annotations that begin with `leasebeat/`. Those
  are in the record's `ledger` and `notes` alone: were they in `rest` too, a note left out would come back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from scheduler.cluster.api import ApiServer
from scheduler.cluster.resource import Resource
from scheduler.core.errors import Conflict
from scheduler.core.ledger import ANNOTATION
from scheduler.core.ports import LeaseRecord

API = "coordination.k8s.io/v1"
LABELS = {"app.kubernetes.io/managed-by": "leasebeat"}
CARRIED_OVER = ("labels", "annotations")
PREFIX = "leasebeat/"
LEDGER = ANNOTATION.removeprefix(PREFIX)


class KubernetesStore:
    """A `LeaseStore` over the Lease `name` in `namespace`.

    `timeout_s` bounds the read that each watch begins with. A watch that is silent for `silence_s`, which should be a
    little more than the lease duration, is begun again: a leader that lives is not silent for so long.
    """

    is_local = False

    def __init__(self, api: ApiServer, namespace: str, name: str, *, timeout_s: float, silence_s: float) -> None:
        self._api = api
        self._lease = Resource(API, "Lease", "leases", namespace, name)
        self._timeout_s = timeout_s
        self._silence_s = silence_s

    @property
    def place(self) -> str:
        """`kubernetes:ops/beat-leasebeat`."""
        return f"kubernetes:{self._lease.namespace}/{self._lease.name}"

    @property
    def server_time(self) -> datetime | None:
        """The API server's clock, which stamps each of its answers."""
        return self._api.server_time

    def log_command(self, holder: str) -> str:
        """A holder is a pod, as far as this program's own choice of names goes."""
        return f"kubectl -n {self._lease.namespace} logs {holder}"

    def read(self, timeout_s: float) -> LeaseRecord | None:
        """The Lease by a plain GET, which the API server answers from etcd and not from its cache."""
        found = self._api.get(self._lease, timeout_s)
        return None if found is None else record_of(found)

    def create(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """POST a new Lease; of an old one only labels and annotations come along, not what owned or finalized it."""
        old = _metadata(record.rest)
        metadata: dict[str, Any] = {key: dict(old[key]) for key in CARRIED_OVER if old.get(key)}
        metadata["labels"] = metadata.get("labels", {}) | LABELS
        body = self._object(record, metadata)
        return record_of(self._api.create(self._lease, body, timeout_s))

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """PUT the whole Lease over the version and uid that `record` quotes.

        A Lease that was deleted is a `Conflict` here, as the API server has it, not an `Absent`.
        """
        if not (record.uid and record.version):
            raise Conflict("a write must quote the uid and version it replaces")
        metadata = dict(_metadata(record.rest)) | {"uid": record.uid, "resourceVersion": record.version}
        body = self._object(record, metadata)
        return record_of(self._api.update(self._lease, body, timeout_s))

    def watch(self, seen: Callable[[LeaseRecord | None], None], stop: threading.Event) -> None:
        """Read the Lease, then watch it from that version on.

        Returns after a watch that ended or fell silent, to be called again: the read that it then begins with tells a
        server that hangs (`Unavailable`) from a Lease that rests.
        """
        record = self.read(self._timeout_s)
        seen(record)
        since = record.version if record else None
        with closing(self._api.watch(self._lease, since, self._silence_s, stop)) as events:
            for event in events:
                if event.kind in ("ADDED", "MODIFIED"):
                    seen(record_of(event.object))
                elif event.kind == "DELETED":
                    seen(None)

    def close(self) -> None:
        """Give the connections back; a watch ends within a tenth of a second."""
        self._api.close()

    def _object(self, record: LeaseRecord, metadata: dict[str, Any]) -> dict[str, Any]:
        """The Lease to send: the foreign parts of `rest`, our five fields and our annotations."""
        annotations = dict(metadata.pop("annotations", None) or {})
        annotations |= {PREFIX + key: text for key, text in record.notes.items()}
        if record.ledger is not None:
            annotations[ANNOTATION] = record.ledger
        metadata |= {"name": self._lease.name, "namespace": self._lease.namespace, "annotations": annotations}
        spec = record.rest.get("spec")
        return {
            "apiVersion": API,
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                **(spec if isinstance(spec, Mapping) else {}),
                "holderIdentity": record.holder,
                "leaseDurationSeconds": record.duration_s,
                "acquireTime": record.acquired or None,
                "renewTime": record.renewed or None,
                "leaseTransitions": record.transitions,
            },
        }


def record_of(lease: Mapping[str, Any]) -> LeaseRecord:
    """What a Lease object says. Fields that it lacks, as a foreign one may, read as empty or 0.

    `managedFields` is not kept in `rest`: the server keeps its own account of who wrote what.
    """
    metadata = {key: value for key, value in _metadata(lease).items() if key != "managedFields"}
    annotations = metadata.get("annotations") or {}
    metadata["annotations"] = {key: text for key, text in annotations.items() if not key.startswith(PREFIX)}
    ours = {key.removeprefix(PREFIX): text for key, text in annotations.items() if key.startswith(PREFIX)}
    spec = lease.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        duration_s=spec.get("leaseDurationSeconds") or 0,
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
        transitions=spec.get("leaseTransitions") or 0,
        ledger=ours.pop(LEDGER, None),
        version=metadata.get("resourceVersion") or "",
        uid=metadata.get("uid") or "",
        notes=ours,
        rest={"metadata": metadata, "spec": spec},
    )


def _metadata(lease: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = lease.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}

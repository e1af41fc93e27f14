"""Where a Lease lives, as the contract suite needs it: stores to use it by, and a stranger who changes it as well."""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from kubernetes.client import ApiClient

from scheduler.cluster.access import Access
from scheduler.cluster.api import ApiServer
from scheduler.core.errors import StoreError
from scheduler.core.ports import LeaseRecord, LeaseStore
from scheduler.stores.kubernetes import KubernetesStore
from scheduler.stores.measured import MeasuredStore
from scheduler.stores.memory import MemoryLease, MemoryStore
from scheduler.stores.sqlite import SqliteStore

SOON_S = 10.0
TIMEOUT_S = 5.0
LABEL = {"team": "billing"}


class Home(Protocol):
    """One Lease, and the ways to it."""

    def store(self) -> LeaseStore:
        """A store as one more replica has it."""

    def delete(self) -> None:
        """A stranger deletes the Lease."""

    def label(self) -> None:
        """A stranger adds the label `team: billing`."""

    def labels(self) -> dict[str, str]:
        """The labels that the Lease has now."""

    def note(self, key: str, text: str) -> None:
        """Somebody who is no replica adds a note, as the command line does."""

    def close(self) -> None: ...


class StoreHome:
    """What the homes share: the stores they gave out, and a stranger who uses one of them to label the Lease."""

    def __init__(self, make: Callable[[], LeaseStore], delete: Callable[[], None]) -> None:
        self._make = make
        self._delete = delete
        self._made: list[LeaseStore] = []

    def store(self) -> LeaseStore:
        self._made.append(self._make())
        return self._made[-1]

    def delete(self) -> None:
        self._delete()

    def label(self) -> None:
        store = self.store()
        lease = present(store.read(TIMEOUT_S))
        store.replace(replace(lease, rest={"metadata": {"labels": LABEL}}), TIMEOUT_S)

    def labels(self) -> dict[str, str]:
        metadata: Any = present(self.store().read(TIMEOUT_S)).rest.get("metadata", {})
        return dict(metadata.get("labels", {}))

    def note(self, key: str, text: str) -> None:
        store = self.store()
        lease = present(store.read(TIMEOUT_S))
        store.replace(replace(lease, notes={**lease.notes, key: text}), TIMEOUT_S)

    def close(self) -> None:
        for store in self._made:
            store.close()


def memory_home() -> Home:
    lease = MemoryLease()
    return StoreHome(lambda: MemoryStore(lease), lease.delete)


def measured_home() -> Home:
    lease = MemoryLease()
    return StoreHome(lambda: MeasuredStore(MemoryStore(lease), lambda *_: None, lambda: 0.0), lease.delete)


def sqlite_home(folder: Path) -> Home:
    path = folder / "leasebeat.db"

    def delete() -> None:
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("DELETE FROM lease WHERE name = 'beat'")
        connection.close()

    return StoreHome(lambda: SqliteStore(path, "beat"), delete)


class Kubectl:
    """Plain requests to an API server, for a stranger and for questions that no store asks."""

    def __init__(self, access: Access) -> None:
        self._client = ApiClient(access.load())

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Send `body`, as JSON unless it is bytes; status and decoded reply."""
        settings = self._client.configuration.auth_settings().values()
        headers = {"Content-Type": "application/json", **{item["key"]: item["value"] for item in settings}}
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = self._client.configuration.host + path
        reply = self._client.rest_client.pool_manager.request(method, url, body=sent, headers=headers, retries=False)
        return reply.status, json.loads(reply.data)

    def close(self) -> None:
        self._client.close()


class KubernetesHome:
    """A Lease of an API server, the fake one or a real one, under a name that nobody else uses."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.namespace = access.namespace
        self.name = f"beat-{uuid.uuid4().hex[:8]}"
        self.kubectl = Kubectl(access)
        self.collection = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        self.path = f"{self.collection}/{self.name}"
        self._made: list[LeaseStore] = []

    def store(self) -> LeaseStore:
        api = ApiServer(self.access)
        self._made.append(KubernetesStore(api, self.namespace, self.name, timeout_s=TIMEOUT_S, silence_s=SOON_S))
        return self._made[-1]

    def delete(self) -> None:
        self.kubectl.ask("DELETE", self.path)

    def label(self) -> None:
        _, lease = self.kubectl.ask("GET", self.path)
        lease["metadata"].setdefault("labels", {}).update(LABEL)
        self.kubectl.ask("PUT", self.path, lease)

    def labels(self) -> dict[str, str]:
        _, lease = self.kubectl.ask("GET", self.path)
        return dict(lease["metadata"].get("labels", {}))

    def note(self, key: str, text: str) -> None:
        self.annotate(f"leasebeat/{key}", text)

    def annotate(self, key: str, text: str) -> None:
        """A stranger adds this annotation."""
        _, lease = self.kubectl.ask("GET", self.path)
        lease["metadata"].setdefault("annotations", {})[key] = text
        self.kubectl.ask("PUT", self.path, lease)

    def annotations(self) -> dict[str, str]:
        """The annotations that the Lease has now."""
        _, lease = self.kubectl.ask("GET", self.path)
        return dict(lease["metadata"].get("annotations", {}))

    def close(self) -> None:
        self.delete()
        self.kubectl.close()
        for store in self._made:
            store.close()


def present(lease: LeaseRecord | None) -> LeaseRecord:
    assert lease is not None

    return lease


class Watcher:
    """Watches in a thread, as a standby does, calling again whenever a watch ended in good order."""

    def __init__(self, store: LeaseStore) -> None:
        self.stop = threading.Event()
        self._store = store
        self._seen: queue.SimpleQueue[LeaseRecord | StoreError | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def next(self) -> LeaseRecord | None:
        """What is seen next; raises the error that ended the watch."""
        seen = self._seen.get(timeout=SOON_S)
        if isinstance(seen, StoreError):
            raise seen
        return seen

    def until(self, wanted: Callable[[LeaseRecord | None], bool]) -> LeaseRecord | None:
        """The first that is wanted; a store may show one state twice, or pass over one that was soon replaced."""
        while True:
            seen = self.next()
            if wanted(seen):
                return seen

    def ends(self) -> bool:
        """Whether the watch returns soon."""
        self._thread.join(SOON_S)
        return not self._thread.is_alive()

    def _watch(self) -> None:
        try:
            while not self.stop.is_set():
                self._store.watch(self._seen.put, self.stop)
        except StoreError as error:
            self._seen.put(error)


@contextmanager
def watching(store: LeaseStore) -> Iterator[Watcher]:
    watcher = Watcher(store)
    try:
        yield watcher
    finally:
        watcher.stop.set()
        watcher.ends()

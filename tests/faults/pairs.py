"""Two real replicas on one Lease, and one exclusive run that never ends by itself: whoever leads has it."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

from scheduler.core.errors import Conflict
from scheduler.stores.sqlite import SqliteStore
from tests.processes.cluster import Namespace
from tests.processes.proxy import Proxy
from tests.processes.record import Lived, Record, now
from tests.processes.replica import ReplicaProcess, write_logs

LEASE_S = 3.0
PATIENCE_S = 20.0
LOOK_EVERY_S = 0.02
CONFIG = """
lease: {{store: {store}, lease_duration: 3s, renew_deadline: 2s, retry_period: 1s, drain_timeout: 1s}}
jobs:
  forever:
    every: 1s
    timeout: none
    max_interruptions: 100
    python: {{call: "recorded_jobs:work", kwargs: {{folder: "{folder}", seconds: 3600}}}}
"""

Found = TypeVar("Found")


class Stuck(Exception):
    """Something did not happen in time."""


class Pair:
    """Used as a context manager; all processes end with it. `links` are there where the store is an API server."""

    def __init__(self, folder: Path, chance: random.Random, namespace: Namespace | None = None) -> None:
        self.chance = chance
        self.deleted_at = 0.0
        self.record = Record(folder)
        self.replicas: dict[str, ReplicaProcess] = {}
        self.links: dict[str, Proxy] = {}
        self.lease = f"pair-{folder.name}"
        self._namespace = namespace
        self._options: dict[str, tuple[str, ...]] = {"a": (), "b": ()}
        self._config = folder / "config.yaml"
        self._all: list[ReplicaProcess] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.record.prepare()
        store = "kubernetes" if self._namespace else "sqlite"
        self._config.write_text(CONFIG.format(store=store, folder=self.record.folder))
        if self._namespace:
            self._connect(self._namespace)
        for name in self._options:
            self.start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for replica in self._all:
            replica.end()
        write_logs(self._all, self.record.folder)
        self._stack.close()

    def _connect(self, namespace: Namespace) -> None:
        kubeconfig = namespace.kubeconfig(self.lease)
        for name in self._options:
            self.links[name] = self._stack.enter_context(Proxy(*namespace.api_server()))
            through = namespace.through(kubeconfig, self.links[name].port)
            self._options[name] = ("--kubeconfig", str(through), "-n", namespace.name, "--lease", self.lease)

    def start(self, name: str) -> None:
        options = (*self._options[name], "--id", name)
        self.replicas[name] = ReplicaProcess.start(name, self._config, *options, environment={"REPLICA": name})
        self._all.append(self.replicas[name])

    def running(self, after: float = 0.0) -> Lived:
        """Wait for a run that started later than `after`, and has lived for a while; returns the last."""

        def look() -> Lived | None:
            lived = self.record.lived()
            fit = lived and lived[-1].started > after and lived[-1].ended - lived[-1].started > 2 * LOOK_EVERY_S
            return lived[-1] if fit else None

        return self.wait(look, f"a run after {after:.3f}")

    def lives_on(self, run: Lived, until: float) -> None:
        """Wait until this very attempt has done something later than `until`."""

        def look() -> bool:
            return any(one.pid == run.pid and one.run == run.run and one.ended > until for one in self.record.lived())

        self.wait(look, f"{run} alive after {until:.3f}")

    def wait(self, look: Callable[[], Found | None], what: str) -> Found:
        pause = threading.Event()
        until = now() + PATIENCE_S
        while now() < until:
            found = look()
            if found:
                return found
            pause.wait(LOOK_EVERY_S)
        told = "\n\n".join(f"{one.name} {one.process.pid}\n{one.tail(8)}" for one in self._all[-3:])
        raise Stuck(f"{self.lease}: waited in vain for {what}:\n{told}")

    def stop(self, leader: ReplicaProcess, *, whole: bool = False) -> None:
        """SIGSTOP, but not within the tenth of a millisecond in which it has the lock of a store that is a file.

        Nobody could take over then, as the store's module says, and the trial would prove nothing.
        """
        send = leader.signal_tree if whole else leader.signal
        send(signal.SIGSTOP)
        while self._namespace is None and self._is_locked():
            send(signal.SIGCONT)
            self.wait(lambda: not self._is_locked(), "the lock of the store")
            send(signal.SIGSTOP)

    def _is_locked(self) -> bool:
        with _database(self._config.with_name("leasebeat.db")) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            database.execute("ROLLBACK")
            return False

    # -- what is done to the Lease, where its store is a file

    def usurp(self) -> None:
        """Write a holder into it that is none of us."""
        store = SqliteStore(self._config.with_name("leasebeat.db"), "leasebeat")
        try:
            self.wait(lambda: self._usurp_once(store), "a write over the Lease")
        finally:
            store.close()

    def _usurp_once(self, store: SqliteStore) -> bool:
        record = store.read(1)
        assert record
        try:
            store.replace(replace(record, holder="somebody"), 1)
        except Conflict:
            return False
        return True

    def delete(self) -> None:
        self.deleted_at = now()
        with _database(self._config.with_name("leasebeat.db")) as database:
            database.execute("DELETE FROM lease")


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path, timeout=0.2, isolation_level=None)
    try:
        yield database
    finally:
        database.close()

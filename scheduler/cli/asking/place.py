"""Where a command stands that asks about a Lease: which one, by which way, and with which table at hand, if any."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scheduler.app.place import open_store
from scheduler.cli.options import Options
from scheduler.cluster.pod import Pod
from scheduler.config.building import default_lease
from scheduler.config.loading import load
from scheduler.config.settings import LeaseSettings, Loaded
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.core.errors import ConfigError, StoreError, Unavailable
from scheduler.core.job import Job
from scheduler.core.notes.tables import CONFIG
from scheduler.core.ports import LeaseStore
from scheduler.stores.memory import MemoryStore
from scheduler.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from scheduler.cluster.api import ApiServer
    from scheduler.core.ports import LeaseRecord

ASKED_FOR_S = 3.0  # one request: nobody waits for longer without a word
LONGEST_NAME = 100
NOT_USED = "{} has errors and is not used; leasebeat check shows them"


@dataclass(frozen=True, slots=True)
class Standpoint:
    """The Lease's store and settings; and `loaded`, the file, where there is one that can be read."""

    store: LeaseStore
    lease: LeaseSettings
    options: Options
    loaded: Loaded | None = None

    @property
    def in_cluster(self) -> bool:
        """Whether the Lease lives in Kubernetes."""
        return not self.store.is_local

    @property
    def in_pod(self) -> bool:
        """Whether this is a pod of that cluster, and so can reach others by their addresses."""
        return Pod().exists and not (self.options.context or self.options.kubeconfig)

    @property
    def namespace(self) -> str:
        """The Lease's namespace in Kubernetes."""
        return self.store.place.partition(":")[2].partition("/")[0]

    def api(self) -> ApiServer:
        """The way to the API server, for what is beside the Lease; the caller closes it."""
        from scheduler.cluster.access import chosen_access  # noqa: PLC0415  # half a second, for nothing on sqlite
        from scheduler.cluster.api import ApiServer  # noqa: PLC0415

        return ApiServer(chosen_access(self.options.kubeconfig, self.options.context))

    def job(self, name: str) -> Job | None:
        """The job as the file has it."""
        return self.loaded.table.jobs.get(name) if self.loaded else None

    def has_table_of(self, record: LeaseRecord | None) -> bool:
        """Whether the file is what the leader goes by."""
        return self.loaded is not None and record is not None and record.notes.get(CONFIG) == self.loaded.hash

    def who(self) -> str:
        """Who asks, for the log: the cluster's account, or the user and the machine."""
        if self.in_pod:
            return f"pod {socket.gethostname()}"[:LONGEST_NAME]
        return (self._account() or _user())[:LONGEST_NAME]

    def _account(self) -> str | None:
        if not self.in_cluster:
            return None
        from scheduler.cluster.permissions import account  # noqa: PLC0415  # as above

        api = self.api()
        try:
            found = account(api, ASKED_FOR_S)
        except StoreError:
            found = None
        finally:
            api.close()
        return str(found).removeprefix("user ") if found else None


def standpoint(options: Options, now: datetime) -> Standpoint:
    """Find out; raises ConfigError, ClusterError or StoreError where there is nothing to ask."""
    loaded = _file(options, now)
    lease = loaded.settings.lease if loaded else default_lease(options.config_path.absolute().parent)
    store = open_store(lease, options.place)
    if isinstance(store, MemoryStore):
        raise click.UsageError("the memory store is known to one process alone, and no other can ask it")
    if isinstance(store, SqliteStore) and not lease.path.exists():
        hint = "is this the right folder? A cluster is asked with --context NAME -n NAMESPACE --lease NAME"
        raise Unavailable(f"nobody has led here yet: there is no file {_shown(lease.path)}", hint)
    return Standpoint(store, lease, options, loaded)


def _file(options: Options, now: datetime) -> Loaded | None:
    """The file, unless there is none; one that is wrong is done without, if the command line says which Lease."""
    path = options.config_path
    is_named = bool(options.config or os.environ.get("LEASEBEAT_CONFIG"))
    if not is_named and not path.exists():
        return None
    try:
        return load(path, now, ANY_ENVIRONMENT)
    except ConfigError:
        if is_named or options.lease is None:
            raise
    click.echo(NOT_USED.format(path), err=True)
    return None


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _user() -> str:
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as images like to have
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"

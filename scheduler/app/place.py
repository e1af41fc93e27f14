"""Where the Lease lives: from the settings and the command line to a store."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.cluster.pod import Pod
from scheduler.config.settings import LeaseSettings
from scheduler.core.ports import LeaseStore
from scheduler.stores.memory import MemoryStore
from scheduler.stores.sqlite import SqliteStore

WATCH_SILENCE_MARGIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Place:
    """What the command line says about where the Lease lives; None is left to config.yaml."""

    store: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    namespace: str | None = None
    lease: str | None = None


def open_store(lease: LeaseSettings, place: Place) -> LeaseStore:
    """The store of the settings and the command line; `auto` is kubernetes in a pod or with a kubeconfig, else sqlite.

    Raises ClusterError when there is no way to the cluster asked for.
    """
    pod, asked_for_cluster = Pod(), bool(place.context or place.kubeconfig)
    chosen = place.store or lease.store
    if chosen == "auto":
        chosen = "kubernetes" if pod.exists or asked_for_cluster else "sqlite"
    match chosen:
        case "sqlite":
            return SqliteStore(lease.path, place.lease or lease.name)
        case "memory":
            return MemoryStore()
        case _:
            return _kubernetes_store(lease, place)


def _kubernetes_store(lease: LeaseSettings, place: Place) -> LeaseStore:
    # The client costs a standby on sqlite 20 MB and half a second for nothing, so it is imported where it is used.
    from scheduler.cluster.access import chosen_access  # noqa: PLC0415
    from scheduler.cluster.api import ApiServer  # noqa: PLC0415
    from scheduler.stores.kubernetes import KubernetesStore  # noqa: PLC0415

    access = chosen_access(place.kubeconfig, place.context)
    return KubernetesStore(
        ApiServer(access),
        place.namespace or lease.namespace or access.namespace,
        place.lease or lease.name,
        timeout_s=lease.retry_period_s,
        silence_s=lease.lease_duration_s + WATCH_SILENCE_MARGIN_S,
    )

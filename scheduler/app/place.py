"""Where the Lease lives, and where Kubernetes Jobs do: from the settings and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.cluster.pod import Pod
from scheduler.cluster.resource import Resource
from scheduler.config.settings import LeaseSettings
from scheduler.core.errors import ClusterError
from scheduler.core.ports import LeaseStore
from scheduler.stores.memory import MemoryStore
from scheduler.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from scheduler.cluster.api import ApiServer
    from scheduler.running.runners.kubernetes_job_home import JobsHome
    from scheduler.telling.signals.lease_events import Api

WATCH_SILENCE_MARGIN_S = 3.0
DEPLOYMENT = "DEPLOYMENT_NAME"  # the chart says it where it grants to look at it


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
    match _chosen_store(lease, place):
        case "sqlite":
            return SqliteStore(lease.path, lease_name(lease, place))
        case "memory":
            return MemoryStore()
        case _:
            return _kubernetes_store(lease, place)


def open_jobs(lease: LeaseSettings, place: Place) -> JobsHome:
    """Where this table's Kubernetes Jobs are made: in the Lease's namespace, by a way to the API server of their own.

    With a Lease that is not in a cluster, in that of the pod, or the one that the command line names. The current
    context of a kubeconfig is not taken by itself: a table that is tried on a laptop must not make Jobs in whatever
    cluster somebody looked at last. Raises ClusterError when there is no way to a cluster.
    """
    pod = Pod()
    if not (_names_a_cluster(pod, place) or _chosen_store(lease, place) == "kubernetes"):
        raise ClusterError("no cluster to make a Job in: this is no pod; choose one by --context or --kubeconfig")

    from scheduler.running.runners.kubernetes_job_home import JobsHome  # noqa: PLC0415 - see _in_cluster

    server, resource = _in_cluster(lease, place)
    return JobsHome(server, resource.namespace, resource.name, pod.environ.get(DEPLOYMENT))


def open_events(lease: LeaseSettings, place: Place) -> tuple[Api, Resource] | None:
    """A way to the API server of their own for Events on the Lease, and that Lease; None where it is in no cluster.

    Raises ClusterError when there is no way to the cluster.
    """
    return _in_cluster(lease, place) if _chosen_store(lease, place) == "kubernetes" else None


def _chosen_store(lease: LeaseSettings, place: Place) -> str:
    chosen = place.store or lease.store
    if chosen != "auto":
        return chosen
    return "kubernetes" if _names_a_cluster(Pod(), place) else "sqlite"


def _names_a_cluster(pod: Pod, place: Place) -> bool:
    """Whether a cluster is meant without a word in config.yaml: that of the pod, or the command line's."""
    return pod.exists or bool(place.context or place.kubeconfig)


def _kubernetes_store(lease: LeaseSettings, place: Place) -> LeaseStore:
    from scheduler.stores.kubernetes import KubernetesStore  # noqa: PLC0415 - see _in_cluster

    server, resource = _in_cluster(lease, place)
    return KubernetesStore(
        server,
        resource.namespace,
        resource.name,
        timeout_s=lease.retry_period_s,
        silence_s=lease.lease_duration_s + WATCH_SILENCE_MARGIN_S,
    )


def _in_cluster(lease: LeaseSettings, place: Place) -> tuple[ApiServer, Resource]:
    """A way of its own to the API server, and the Lease there. Raises ClusterError when there is none."""
    # The client costs a standby on sqlite 20 MB and half a second for nothing, so it is imported where it is used.
    from scheduler.cluster.access import chosen_access  # noqa: PLC0415
    from scheduler.cluster.api import ApiServer  # noqa: PLC0415

    access = chosen_access(place.kubeconfig, place.context)
    return ApiServer(access), lease_resource(lease, place, access.namespace)


def lease_resource(lease: LeaseSettings, place: Place, namespace: str) -> Resource:
    """The Lease in a cluster whose context, or pod, is in this `namespace`."""
    from scheduler.stores.kubernetes import API  # noqa: PLC0415 - see _in_cluster

    return Resource(API, "Lease", "leases", place.namespace or lease.namespace or namespace, lease_name(lease, place))


def lease_name(lease: LeaseSettings, place: Place) -> str:
    """The Lease's name: the command line's, else that of the settings."""
    return place.lease or lease.name

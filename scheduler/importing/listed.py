"""The CronJobs of a namespace, asked of the cluster."""

from __future__ import annotations

from typing import Any

from scheduler.cluster.access import chosen_access
from scheduler.cluster.api import ApiServer
from scheduler.cluster.resource import Resource

_PATIENCE_S = 30.0


def listed_cronjobs(
    context: str | None, kubeconfig: str | None, namespace: str | None
) -> tuple[str, list[dict[str, Any]]]:
    """The namespace and its CronJobs; raises `ClusterError` and `StoreError` where they cannot be asked for.

    In a pod its own account asks, elsewhere the current context, unless one is named.
    """
    access = chosen_access(kubeconfig, context)
    chosen = namespace or access.namespace
    server = ApiServer(access)
    try:
        return chosen, server.listed(Resource("batch/v1", "CronJob", "cronjobs", chosen, "*"), _PATIENCE_S)
    finally:
        server.close()

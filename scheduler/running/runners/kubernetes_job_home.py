"""Where Jobs live: one namespace of one API server, as a run asks for it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from scheduler.cluster.resource import Resource
from scheduler.core.errors import Absent, Refused
from scheduler.running.runners.kubernetes_job_object import API, Origin
from scheduler.running.runners.kubernetes_job_state import created_at

if TYPE_CHECKING:
    from scheduler.cluster.api import ApiServer, Stop
    from scheduler.cluster.watch import Event

JsonObject = dict[str, Any]

ALL = "*"
REQUEST_S = 5.0
REQUESTS_AT_A_TIME = 8  # half of what the way to the server has room for, should some of them hang
SILENCE_S = 75.0  # of a watch: the server sends a bookmark about once a minute
LOOK_UP_S = 0.25
LAST_LINES = 20
LOG_BYTES = 64 * 1024


class JobsHome:
    """Jobs in `namespace`, made by the table of `lease`. Any number of threads may use it; every error is a StoreError.

    `deployment` is the Deployment of this process, if it has one: what it still runs goes with it.
    """

    def __init__(self, api: ApiServer, namespace: str, lease: str, deployment: str | None = None) -> None:
        self._api = api
        self._namespace = namespace
        self._lease = lease
        self._deployment = deployment
        self._origin: Origin | None = None
        self._at_a_time = threading.BoundedSemaphore(REQUESTS_AT_A_TIME)

    @property
    def origin(self) -> Origin:
        """Where Jobs come from. Asks for the Deployment's uid, once; whoever may not has no owner for its Jobs."""
        if self._origin is None:
            self._origin = Origin(self._namespace, self._lease, self._owner())
        return self._origin

    def job(self, name: str) -> Resource:
        """The address of one Job."""
        return Resource(API, "Job", "jobs", self._namespace, name)

    def get(self, name: str) -> JsonObject | None:
        """The Job as it is now; None when there is none."""
        with self._at_a_time:
            return self._api.get(self.job(name), REQUEST_S)

    def create(self, body: JsonObject, within_s: float) -> JsonObject:
        """Make the Job; `Conflict` when there is one of its name."""
        with self._at_a_time:
            return self._api.create(self.job(body["metadata"]["name"]), body, min(REQUEST_S, within_s))

    def delete(self, name: str, uid: str | None) -> bool:
        """Have it deleted, its pods first; False when there is none."""
        with self._at_a_time:
            return self._api.delete(self.job(name), uid, REQUEST_S)

    def jobs(self, labels: Mapping[str, str]) -> list[JsonObject]:
        """All Jobs with these labels."""
        with self._at_a_time:
            return self._api.listed(self.job(ALL), REQUEST_S, labels)

    def pods(self, name: str) -> list[JsonObject]:
        """The pods of the Job."""
        pods = Resource("v1", "Pod", "pods", self._namespace, ALL)
        with self._at_a_time:
            return self._api.listed(pods, REQUEST_S, {"batch.kubernetes.io/job-name": name})

    def last_lines(self, pod: str, container: str) -> list[str]:
        """What the container wrote last; nothing where the pod is gone."""
        log = Resource("v1", "Pod", "pods", self._namespace, pod, "log")
        asked = {"container": container, "tailLines": str(LAST_LINES), "limitBytes": str(LOG_BYTES)}
        with self._at_a_time:
            try:
                return self._api.text(log, asked, REQUEST_S).splitlines()
            except Absent:
                return []

    def watch(self, name: str, since: str | None, stop: Stop) -> Generator[Event]:
        """What happens to the Job after that version, until `stop` is set or the watch ends; read it again then."""
        return self._api.watch(self.job(name), since, SILENCE_S, stop, LOOK_UP_S)

    def age_of(self, job: JsonObject) -> timedelta:
        """How long ago the server accepted it, by its own clock; zero where that is not known."""
        made, now = created_at(job), self._api.server_time
        return max(now - made, timedelta(0)) if made and now else timedelta(0)

    def close(self) -> None:
        """Give the connections back; every later request fails."""
        self._api.close()

    def _owner(self) -> JsonObject | None:
        if self._deployment is None:
            return None
        deployment = Resource("apps/v1", "Deployment", "deployments", self._namespace, self._deployment)
        try:
            with self._at_a_time:
                found = self._api.get(deployment, REQUEST_S)
        except Refused:
            return None
        uid = ((found or {}).get("metadata") or {}).get("uid")
        about = {"apiVersion": deployment.api, "kind": deployment.kind, "name": deployment.name, "uid": uid}
        return about if uid else None

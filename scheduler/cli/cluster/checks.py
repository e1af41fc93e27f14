"""`leasebeat check --cluster`: whether the account, the Lease and the clocks would let a replica work there."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from scheduler.app.place import Place, lease_name, lease_resource
from scheduler.cli.cluster import findings
from scheduler.cli.cluster import jobs as cluster_jobs
from scheduler.cli.cluster.findings import Finding
from scheduler.cli.lease_state import LeaseState, state_of
from scheduler.cluster.access import Access, chosen_access
from scheduler.cluster.answers import JsonObject
from scheduler.cluster.api import ApiServer
from scheduler.cluster.permissions import Account, account, may
from scheduler.cluster.resource import Resource
from scheduler.config.settings import Loaded
from scheduler.core.election.skew import DATE_COUNTS
from scheduler.core.errors import ClusterError, StoreError
from scheduler.core.ports import Clock, LeaseRecord
from scheduler.stores.kubernetes import record_of

TIMEOUT_S = 10.0  # of one request: a person waits, perhaps for a login in a browser
VERBS = ("create", "get", "update", "watch")
EVENT_VERBS = ("patch", "create")  # without them nothing is amiss but what `kubectl describe lease` tells
CLOCKS_MAY_DIFFER = timedelta(seconds=2)
OLD_LOCKS = (("ConfigMap", "configmaps"), ("Endpoints", "endpoints"))
STEPS = 11  # requests at most

Step = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(slots=True)
class Examined:
    """What was found. `granted` and `lease` are None where the cluster gave no answer or permission to look.

    `events` says whether the account may write Events, which it need not; `jobs` what it may do with Kubernetes Jobs,
    where the table makes any.
    """

    place: str
    account: Account | None = None
    granted: list[str] | None = None
    events: bool | None = None
    jobs: cluster_jobs.JobRights | None = None
    lease: LeaseState | None = None
    ahead: timedelta | None = None
    found: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What keeps a replica from working there."""
        return [finding for finding in self.found if not finding.warning]

    @property
    def line(self) -> str:
        """One line for people, of a cluster without errors."""
        parts = [f"{' '.join(self.granted or ['nothing'])} ok"]
        parts += ["events ok"] if self.events else []
        parts += [self.jobs.sentence] if self.jobs else []
        parts += [self.lease.sentence] if self.lease else []
        return f"cluster {self.place}: {' · '.join(parts)}"

    @property
    def facts(self) -> JsonObject:
        """The same, for machines."""
        return {
            "lease": self.place,
            "account": str(self.account) if self.account else None,
            "granted": self.granted,
            "events": self.events,
            "jobs": self.jobs.granted if self.jobs else None,
            "state": self.lease.word if self.lease else None,
            "leader": self.lease.leader if self.lease else None,
            "renewed": self.lease.renewed if self.lease else None,
            "clock_ahead_ms": round(self.ahead.total_seconds() * 1000) if self.ahead is not None else None,
            "problems": [finding.facts for finding in self.found],
        }


def examine(loaded: Loaded, place: Place, clock: Clock, step: Step) -> Examined:
    """Ask the cluster of the settings and the command line; nothing is changed there.

    `step` is told how many requests of how many at most have been made.
    """
    lease = loaded.settings.lease
    try:
        access = chosen_access(place.kubeconfig, place.context)
    except ClusterError as error:
        unknown = f"{place.namespace or lease.namespace or '?'}/{lease_name(lease, place)}"
        return Examined(unknown, found=[Finding(str(error), "cluster", error.hint)])
    resource = lease_resource(lease, place, access.namespace)
    server = ApiServer(access)
    try:
        jobs = cluster_jobs.makes_jobs(loaded.table)
        return _Examination(access, server, resource, clock, step, jobs).made(adopt=lease.adopt)
    finally:
        server.close()


@dataclass(slots=True)
class _Examination:
    access: Access
    server: ApiServer
    lease: Resource
    clock: Clock
    step: Step
    makes_jobs: bool
    asked: int = 0

    def made(self, *, adopt: bool) -> Examined:
        """Ask for everything, until an answer makes the rest pointless."""
        examined = Examined(f"{self.lease.namespace}/{self.lease.name}")
        try:
            examined.granted = [verb for verb in VERBS if self._may(verb, examined)]
            examined.account = self._next(partial(account, self.server, TIMEOUT_S))
            self._judge_permissions(examined)
            if self.makes_jobs:
                examined.jobs = cluster_jobs.asked(self._may_do, self.lease.namespace)
                pasted = bool(examined.found)
                examined.found += examined.jobs.problems(examined.account, self.lease, is_pasted=pasted)
            examined.events = all(self._next(partial(self._may_tell, verb)) for verb in EVENT_VERBS)
            if "get" in examined.granted:
                self._judge_lease(examined, adopt=adopt)
        except StoreError as error:
            examined.found.append(findings.unreachable(self.access, error))
            return examined
        examined.found.extend(self._old_locks())
        if examined.ahead is not None and abs(examined.ahead) > CLOCKS_MAY_DIFFER:
            examined.found.append(findings.clocks(examined.ahead))
        return examined

    def _may(self, verb: str, examined: Examined) -> bool:
        sent = self.clock.wall()
        granted = self._next(partial(may, self.server, verb, self.lease, TIMEOUT_S))
        examined.ahead = ahead(sent, self.server.server_time, self.clock.wall())
        return granted

    def _may_do(self, verb: str, resource: Resource) -> bool:
        return self._next(partial(may, self.server, verb, resource, TIMEOUT_S))

    def _may_tell(self, verb: str) -> bool:
        return may(self.server, verb, Resource("v1", "Event", "events", self.lease.namespace, ""), TIMEOUT_S)

    def _judge_permissions(self, examined: Examined) -> None:
        missing = [verb for verb in VERBS if verb not in (examined.granted or ())]
        if missing:
            examined.found.append(findings.forbidden(examined.account, missing, self.lease, jobs=self.makes_jobs))

    def _judge_lease(self, examined: Examined, *, adopt: bool) -> None:
        record = self._next(self._record)
        if record is None and self._next(self._namespace_is_missing):
            examined.found.append(findings.no_namespace(self.lease.namespace))
            return
        examined.lease = state_of(record, self.server.server_time, adopt=adopt)
        if problem := findings.of_lease(examined.lease, self.lease):
            examined.found.append(problem)

    def _record(self) -> LeaseRecord | None:
        found = self.server.get(self.lease, TIMEOUT_S)
        return None if found is None else record_of(found)

    def _namespace_is_missing(self) -> bool:
        with suppress(StoreError):  # few may look at a namespace
            namespace = Resource("v1", "Namespace", "namespaces", "", self.lease.namespace)
            return self.server.get(namespace, TIMEOUT_S) is None
        return False

    def _old_locks(self) -> list[Finding]:
        """Objects of this name by which elections went before there were Leases, as far as we may look at them."""
        held = []
        for kind, plural in OLD_LOCKS:
            lock = Resource("v1", kind, plural, self.lease.namespace, self.lease.name)
            with suppress(StoreError):
                found = self._next(partial(self.server.get, lock, TIMEOUT_S))
                annotation = _annotation(found)
                if annotation is not None:
                    held.append(findings.old_lock(lock, _holder(annotation)))
        return held

    def _next(self, ask: Callable[[], Result]) -> Result:
        self.step(self.asked, STEPS + cluster_jobs.REQUESTS * self.makes_jobs)
        self.asked += 1
        return ask()


def ahead(sent: datetime, server: datetime | None, came: datetime) -> timedelta | None:
    """By how much our clock is surely ahead of the server's, negative if behind; None where it did not tell.

    It stamped its answer at some moment between sending and coming, with a second that it did not round.
    """
    if server is None:
        return None
    if came < server:
        return came - server
    return max(sent - (server + DATE_COUNTS), timedelta(0))


def _annotation(found: JsonObject | None) -> str | None:
    metadata = (found or {}).get("metadata") or {}
    text = (metadata.get("annotations") or {}).get(findings.OLD_LOCK)
    return text if isinstance(text, str) else None


def _holder(annotation: str) -> str:
    try:
        return str(json.loads(annotation).get("holderIdentity") or "")
    except (ValueError, AttributeError):
        return ""

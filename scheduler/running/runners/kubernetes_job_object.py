"""The Job of one run, as an object for the API server: its name, which is the run's own, and what it is made of.

The name is the lock. It is made from the run id and the number of failures recorded, so whoever leads makes the same
one, and the API server lets only the first be created.
"""

from __future__ import annotations

import copy
import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.ledger import MANUAL
from scheduler.core.ports import RunOrder
from scheduler.core.references import FileReference, Secret, SecretKey, Value
from scheduler.core.views.trace import traceparent
from scheduler.running.runners.environment import content_of
from scheduler.running.runners.values import Values

JsonObject = dict[str, Any]

API = "batch/v1"
MANAGED_BY = {"app.kubernetes.io/managed-by": "leasebeat"}
JOB_LABEL, LEASE_LABEL = "leasebeat/job", "leasebeat/lease"
RUN = "leasebeat/run"
GIVEN_UP = "leasebeat/given-up"
NOMINAL = "batch.kubernetes.io/cronjob-scheduled-timestamp"
STEM_CHARACTERS = 47
MANUAL_STEM_CHARACTERS = 45  # milliseconds have three digits more than seconds, and a name at most 63 characters
# 40 bits: ten thousand long names that all begin alike share one with a chance of 1 in 20,000. A short name that looks
# like a cut one would have to end in the hash of just that other. Even then no job runs for the other: it fails, and
# says that the Job `exists, and was not made for this run`.
HASH_CHARACTERS = 8
LONGEST_LABEL = 63
SEALED_S = 3600
LEADERLESS_S = 60  # how long a Job may outlast its timeout where no leader is left to delete it


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a Job comes from: the namespace and the Lease of its table, and the object that it is to go with, if any.

    `owner` is an owner reference: when that object is deleted, Kubernetes deletes what still runs.
    """

    namespace: str
    lease: str
    owner: Mapping[str, object] | None = None

    @property
    def labels(self) -> dict[str, str]:
        """What tells this table's Jobs from all others; a Lease's name may be longer than a label."""
        return MANAGED_BY | {LEASE_LABEL: _as_label(self.lease)}


def name_of(order: RunOrder) -> str:
    """`nightly-report-1795662900`: the job, the tick in Unix seconds, `-f1` after one failure.

    A run that somebody asked for has the time of asking instead, in milliseconds. A job of more than 47 characters, or
    then 45, is cut, and ends in a hash of its whole name.
    """
    at = datetime.fromisoformat(order.tick).timestamp()
    failed = f"-f{order.failures}" if order.failures else ""
    if order.run.partition("@")[2].startswith(MANUAL):
        return f"{_stem(order.job, MANUAL_STEM_CHARACTERS)}-{round(at * 1000)}{failed}"
    return f"{_stem(order.job, STEM_CHARACTERS)}-{round(at)}{failed}"


def _stem(job: str, longest: int) -> str:
    if len(job) <= longest:
        return job
    digest = b32encode(hashlib.sha256(job.encode()).digest()).decode().lower()[:HASH_CHARACTERS]
    return f"{job[: longest - HASH_CHARACTERS - 1]}-{digest}"


def labels_of(order: RunOrder, origin: Origin) -> dict[str, str]:
    """What all Jobs of this job have in common."""
    return origin.labels | {JOB_LABEL: order.job}


def is_of(job: JsonObject, order: RunOrder, origin: Origin) -> bool:
    """Whether this Job was made for this very run, by whichever replica of this table."""
    metadata = job.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return labels_of(order, origin).items() <= labels.items() and annotations.get(RUN) == order.run


def job_object(order: RunOrder, origin: Origin, environment: list[JsonObject]) -> JsonObject:
    """The Job to create; `environment` is what `environment_of` says."""
    action = order.action
    assert isinstance(action, KubernetesJobAction)
    written: JsonObject = copy.deepcopy(dict(action.template)) if action.template else _short(action)
    given, spec = dict(written.get("metadata") or {}), dict(written.get("spec") or {})
    if action.ttl is not None:
        spec.setdefault("ttlSecondsAfterFinished", round(action.ttl.total_seconds()))
    if action.wait and order.timeout_s is not None:
        spec.setdefault("activeDeadlineSeconds", ceil(order.timeout_s) + LEADERLESS_S)
    spec["template"] = _pod(spec.get("template") or {}, labels_of(order, origin), environment)
    metadata = {
        "name": name_of(order),
        "namespace": origin.namespace,
        "labels": dict(given.get("labels") or {}) | labels_of(order, origin),
        "annotations": dict(given.get("annotations") or {}) | _facts(order),
    }
    if origin.owner:
        metadata["ownerReferences"] = [dict(origin.owner)]
    return {"apiVersion": API, "kind": "Job", "metadata": metadata, "spec": spec}


def seal_object(order: RunOrder, origin: Origin) -> JsonObject:
    """A Job without pods that has the run's name for an hour, and is over at once.

    It outlasts the requests for the run's own Job that may still be under way, and must not be taken for that Job.
    """
    job = job_object(order, origin, [])
    job["metadata"] |= {"labels": origin.labels, "annotations": {GIVEN_UP: order.run}}
    sizes = {"completions": 0, "parallelism": 0, "ttlSecondsAfterFinished": SEALED_S}
    return job | {"spec": sizes | {"template": job["spec"]["template"]}}


def is_seal_of(job: JsonObject, order: RunOrder) -> bool:
    """Whether this Job only keeps the run's name."""
    annotations = (job.get("metadata") or {}).get("annotations") or {}
    return bool(annotations.get(GIVEN_UP) == order.run)


def environment_of(order: RunOrder, folder: str, values: Values) -> list[JsonObject]:
    """The variables of the Job's containers: the job's own, and the facts of the run.

    What comes from elsewhere is handed to the pod as it is: Kubernetes would fill in a `$(NAME)` in it. `values` comes
    to know what must not be shown. Files are as seen from `folder`; raises Unreadable.
    """
    assert isinstance(order.action, KubernetesJobAction)
    own = [_variable(name, value, folder, values) for name, value in order.action.env.items()]
    facts = {
        "LEASEBEAT_JOB": order.job,
        "LEASEBEAT_RUN": order.run,
        "LEASEBEAT_TICK": order.tick,
        "LEASEBEAT_ATTEMPT": str(order.attempt),
        "LEASEBEAT_TERM": str(order.term),
        "LEASEBEAT_FENCE": order.fence,
        "TRACEPARENT": traceparent(order.run, order.fence, order.attempt),
    }
    return own + [{"name": name, "value": text} for name, text in facts.items()]


def _variable(name: str, value: Value | SecretKey, folder: str, values: Values) -> JsonObject:
    match value:
        case SecretKey():
            return {"name": name, "valueFrom": {"secretKeyRef": {"name": value.name, "key": value.key}}}
        case FileReference():
            content = content_of(name, value.path, folder, utf8=True)
            values.hide(content)
            return {"name": name, "value": _as_it_is(content)}
        case Secret():
            return {"name": name, "value": _as_it_is(values.text(name, value))}
    return {"name": name, "value": value}


def _as_it_is(text: str) -> str:
    return text.replace("$(", "$$(")


def _short(action: KubernetesJobAction) -> JsonObject:
    """What the short form stands for: one container, one try, because `retries` are ours."""
    container: JsonObject = {"name": "job", "image": action.image}
    for key, value in (("command", list(action.command)), ("args", list(action.args))):
        if value:
            container[key] = value
    if action.resources:
        container["resources"] = copy.deepcopy(dict(action.resources))
    account = {"serviceAccountName": action.service_account} if action.service_account else {}
    return {"spec": {"backoffLimit": 0, "template": {"spec": {"containers": [container], **account}}}}


def _pod(template: JsonObject, labels: Mapping[str, str], environment: list[JsonObject]) -> JsonObject:
    metadata, spec = dict(template.get("metadata") or {}), dict(template.get("spec") or {})
    metadata["labels"] = dict(labels) | dict(metadata.get("labels") or {})
    spec.setdefault("restartPolicy", "Never")
    for kind in ("initContainers", "containers"):
        if spec.get(kind):
            spec[kind] = [_told(container, environment) for container in spec[kind]]
    return {"metadata": metadata, "spec": spec}


def _told(container: JsonObject, environment: Iterable[JsonObject]) -> JsonObject:
    """The container with our variables; of two of one name Kubernetes would take the last."""
    names = {variable["name"] for variable in environment}
    own = [variable for variable in container.get("env") or [] if variable.get("name") not in names]
    return {**container, "env": own + copy.deepcopy(list(environment))}


def _facts(order: RunOrder) -> dict[str, str]:
    """What an annotation says of the attempt that made the Job; a later one that adopts it leaves that as it is."""
    return {
        RUN: order.run,
        NOMINAL: order.tick,
        "leasebeat/attempt": str(order.attempt),
        "leasebeat/term": str(order.term),
        "leasebeat/fence": order.fence,
    }


def _as_label(name: str) -> str:
    if len(name) <= LONGEST_LABEL:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_LABEL - 9].rstrip('-.')}-{digest}"

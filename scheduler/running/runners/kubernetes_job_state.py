"""What a Job and its pods say of themselves, in this program's words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JsonObject = dict[str, Any]

LONG_AGO = datetime.min.replace(tzinfo=UTC)
TOO_LONG = "DeadlineExceeded"
USUAL = ("Error", "Completed")
NEVER_STARTED = ("StartError", "ContainerCannotRun")


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a Job ended: `succeeded`, `failed` or `timed_out`, the condition's own words, and when, if it says so."""

    outcome: str
    words: str | None
    at: datetime | None


def end_of(job: JsonObject) -> JobEnd | None:
    """How it ended, or None while it has not: nothing of it is alive once one of these two conditions is true."""
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition.get("status") != "True":
            continue
        at, reason = _instant(condition.get("lastTransitionTime")), condition.get("reason")
        if condition.get("type") == "Complete":
            return JobEnd("succeeded", None, at)
        if condition.get("type") == "Failed":
            return JobEnd("timed_out" if reason == TOO_LONG else "failed", _words(condition), at)
    return None


def created_at(job: JsonObject) -> datetime | None:
    """When the API server accepted it, by its own clock and to the second."""
    return _instant((job.get("metadata") or {}).get("creationTimestamp"))


def uid_of(job: JsonObject) -> str | None:
    """What tells it from another Job of the same name."""
    return (job.get("metadata") or {}).get("uid")


def version_of(job: JsonObject) -> str | None:
    """Its resourceVersion, from which a watch goes on."""
    return (job.get("metadata") or {}).get("resourceVersion")


def is_being_deleted(job: JsonObject) -> bool:
    """Whether somebody has asked for its end already; it is there until its pods are gone."""
    return bool((job.get("metadata") or {}).get("deletionTimestamp"))


def seconds_between(since: datetime | None, until: datetime | None) -> float | None:
    """From one stamp of the server's clock to another; None where one is missing."""
    return max(0.0, (until - since).total_seconds()) if since and until else None


def name_of(found: JsonObject) -> str:
    """The name of any object."""
    return str((found.get("metadata") or {}).get("name") or "")


@dataclass(frozen=True, slots=True)
class Culprit:
    """The pod and the container that tell most of why a Job did not succeed; `words` is a sentence about them.

    A container that has not `has_run` wrote no log.
    """

    pod: str
    container: str
    words: str
    has_run: bool


def culprit(pods: Iterable[JsonObject]) -> Culprit | None:
    """Whom to ask why: of the pods that failed, or of all if none did, the newest; None when there is none at all."""
    newest_first = sorted(pods, key=lambda pod: created_at(pod) or LONG_AGO, reverse=True)
    failed = [pod for pod in newest_first if (pod.get("status") or {}).get("phase") == "Failed"]
    for pod in failed or newest_first:
        container, words, has_run = _container_words(pod)
        return Culprit(name_of(pod), container, f"{words}, in pod {name_of(pod)}", has_run)
    return None


def _container_words(pod: JsonObject) -> tuple[str, str, bool]:
    """The container in question, what is the matter with it or with the pod as a whole, and whether it has run."""
    statuses = list(_statuses(pod))
    for name, state, _ in statuses:
        ended = state.get("terminated") or {}
        if ended.get("exitCode"):
            return name, f"container {name} exited with {ended['exitCode']}{_why(ended)}", True
    for name, state, before in statuses:
        if waiting := state.get("waiting"):
            return name, f"container {name} waits: {_words(waiting) or 'no reason given'}", bool(before)
    status = pod.get("status") or {}
    unscheduled = next((one for one in status.get("conditions") or [] if one.get("reason") == "Unschedulable"), None)
    words = _words(unscheduled or status) or str(status.get("phase") or "unknown").lower()
    containers = (pod.get("spec") or {}).get("containers") or [{}]
    return str(containers[0].get("name") or ""), words, True


def _why(ended: Mapping[str, Any]) -> str:
    """Beside the exit code. A message is Kubernetes' own only where nothing of the container was started."""
    if ended.get("reason") in (None, *USUAL):
        return ""
    return f" ({_words(ended) if ended['reason'] in NEVER_STARTED else ended['reason']})"


def _statuses(pod: JsonObject) -> Iterator[tuple[str, JsonObject, JsonObject]]:
    """Of each container its name, its state, and its state before it was started again."""
    status = pod.get("status") or {}
    for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        yield str(one.get("name") or ""), one.get("state") or {}, one.get("lastState") or {}


def _words(said: Mapping[str, Any]) -> str | None:
    parts = [str(said[key]) for key in ("reason", "message") if said.get(key)]
    return ": ".join(parts) or None


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None

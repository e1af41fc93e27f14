"""What a Job and its pods say of themselves, in this program's words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scheduler.running.runners.kubernetes_job_state import (
    Culprit,
    JobEnd,
    created_at,
    culprit,
    end_of,
    is_being_deleted,
    name_of,
    seconds_between,
    uid_of,
    version_of,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STAMP = "2026-11-22T12:00:00Z"


def condition(kind: str, status: str = "True", **words: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": STAMP, **words}


@pytest.mark.parametrize(
    ("conditions", "end"),
    [
        pytest.param([], None, id="none yet"),
        pytest.param([condition("Suspended")], None, id="suspended"),
        pytest.param([condition("SuccessCriteriaMet")], None, id="its pods are still ending"),
        pytest.param([condition("FailureTarget", reason="BackoffLimitExceeded")], None, id="failing"),
        pytest.param([condition("Failed", "False")], None, id="not failed"),
        pytest.param(
            [condition("SuccessCriteriaMet"), condition("Complete", reason="CompletionsReached")],
            JobEnd("succeeded", None, NOON),
            id="complete",
        ),
        pytest.param(
            [condition("Failed", reason="PodFailurePolicy", message="exit code 42")],
            JobEnd("failed", "PodFailurePolicy: exit code 42", NOON),
            id="failed",
        ),
        pytest.param([condition("Failed")], JobEnd("failed", None, NOON), id="failed without a word"),
        pytest.param(
            [condition("Failed", reason="DeadlineExceeded", message="too long")],
            JobEnd("timed_out", "DeadlineExceeded: too long", NOON),
            id="past its deadline",
        ),
    ],
)
def test_how_a_job_ended(conditions: list[dict[str, Any]], end: JobEnd | None) -> None:
    assert end_of({"status": {"conditions": conditions}}) == end


def test_a_job_that_has_no_status_has_not_ended() -> None:
    assert end_of({}) is None
    assert end_of({"status": None}) is None


def test_what_its_metadata_say() -> None:
    metadata = {"name": "report-1", "uid": "u1", "resourceVersion": "7", "creationTimestamp": STAMP}
    job = {"metadata": metadata}

    assert (name_of(job), uid_of(job), version_of(job), created_at(job)) == ("report-1", "u1", "7", NOON)
    assert not is_being_deleted(job)
    assert is_being_deleted({"metadata": {"deletionTimestamp": STAMP}})
    assert (name_of({}), uid_of({}), version_of({}), created_at({})) == ("", None, None, None)


def test_spans_of_the_servers_clock() -> None:
    assert seconds_between(NOON, NOON.replace(minute=1)) == 60
    assert seconds_between(NOON.replace(minute=1), NOON) == 0
    assert seconds_between(None, NOON) is None


def pod(name: str, phase: str, *statuses: dict[str, Any], minute: int = 0, **status: Any) -> dict[str, Any]:
    stamp = NOON.replace(minute=minute).isoformat()
    return {
        "metadata": {"name": name, "creationTimestamp": stamp},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": phase, "containerStatuses": list(statuses), **status},
    }


def ended(code: int, reason: str = "Error", name: str = "main", **more: str) -> dict[str, Any]:
    return {"name": name, "state": {"terminated": {"exitCode": code, "reason": reason, **more}}}


def waits(reason: str, message: str = "", name: str = "main") -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


UNSCHEDULABLE = condition("PodScheduled", "False", reason="Unschedulable", message="0/1 nodes are available")


@pytest.mark.parametrize(
    ("pods", "words"),
    [
        pytest.param([pod("a", "Failed", ended(3))], "container main exited with 3, in pod a", id="an exit code"),
        pytest.param(
            [pod("a", "Failed", ended(137, "OOMKilled"))],
            "container main exited with 137 (OOMKilled), in pod a",
            id="why it was killed",
        ),
        pytest.param(
            [pod("a", "Failed", ended(128, "StartError", message='exec: "/nosuch": no such file'))],
            'container main exited with 128 (StartError: exec: "/nosuch": no such file), in pod a',
            id="why it could not begin",
        ),
        pytest.param(
            [pod("a", "Failed", ended(1, message="what the program wrote about itself"))],
            "container main exited with 1, in pod a",
            id="without the program's own words",
        ),
        pytest.param(
            [pod("a", "Failed", ended(0, "Completed", "side"), ended(1))],
            "container main exited with 1, in pod a",
            id="the container that failed",
        ),
        pytest.param(
            [pod("a", "Failed", initContainerStatuses=[ended(2, name="fetch")])],
            "container fetch exited with 2, in pod a",
            id="the one before all others",
        ),
        pytest.param(
            [pod("a", "Pending", waits("ImagePullBackOff", "Back-off pulling image"))],
            "container main waits: ImagePullBackOff: Back-off pulling image, in pod a",
            id="it never began",
        ),
        pytest.param(
            [pod("a", "Pending", conditions=[UNSCHEDULABLE])],
            "Unschedulable: 0/1 nodes are available, in pod a",
            id="no node has room",
        ),
        pytest.param(
            [pod("a", "Failed", reason="Evicted", message="The node was low on memory")],
            "Evicted: The node was low on memory, in pod a",
            id="the pod as a whole",
        ),
        pytest.param([pod("a", "Running", {"name": "main", "state": {"running": {}}})], "running, in pod a", id="runs"),
        pytest.param(
            [pod("old", "Failed", ended(1), minute=1), pod("new", "Failed", ended(2), minute=2)],
            "container main exited with 2, in pod new",
            id="the newest that failed",
        ),
        pytest.param(
            [pod("old", "Failed", ended(1), minute=1), pod("new", "Running", minute=2)],
            "container main exited with 1, in pod old",
            id="one that failed before one that did not",
        ),
    ],
)
def test_why_a_job_did_not_succeed(pods: list[dict[str, Any]], words: str) -> None:
    found = culprit(pods)

    assert found
    assert found.words == words


@pytest.mark.parametrize(
    ("status", "has_run"),
    [
        pytest.param(ended(3), True, id="it has ended"),
        pytest.param({"name": "main", "state": {"running": {}}}, True, id="it runs"),
        pytest.param(waits("ContainerCreating"), False, id="it has yet to begin"),
        pytest.param(
            waits("CrashLoopBackOff") | {"lastState": {"terminated": {"exitCode": 1}}}, True, id="it ran before"
        ),
    ],
)
def test_only_a_container_that_has_run_may_have_a_log(status: dict[str, Any], has_run: bool) -> None:
    found = culprit([pod("a", "Pending", status)])

    assert found
    assert found.has_run == has_run


def test_nobody_can_be_asked_where_there_is_no_pod() -> None:
    assert culprit([]) is None
    assert culprit([{}]) == Culprit("", "", "unknown, in pod ", has_run=True)

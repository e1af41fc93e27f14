"""Kubernetes Jobs with real pods: told of their run, failing with their last lines, handed over for nothing."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.node.beat import LEASE, NAME, Beat

RESTRICTED = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
UNPRIVILEGED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
TELLS = "import os; print(os.environ['LEASEBEAT_RUN'], os.environ['LEASEBEAT_ATTEMPT'])"
BREAKS = "for n in range(30): print('line', n)\nraise SystemExit(3)"


def job(image: str, script: str, **policy: object) -> dict[str, Any]:
    """A job whose pods run this Python in the image of leasebeat itself, as the namespace demands it."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "-c", script],
        "securityContext": UNPRIVILEGED,
    }
    pod = {"securityContext": RESTRICTED, "terminationGracePeriodSeconds": 1, "containers": [container]}
    template = {"spec": {"backoffLimit": 0, "template": {"spec": pod}}}
    return {"kubernetes_job": {"template": template}, **policy}


@pytest.fixture(scope="module")
def installed(beat: Beat) -> Beat:
    jobs = {
        "tells": job(beat.image, TELLS, every="15s"),
        "breaks": job(beat.image, BREAKS, every="15s"),
        "long": job(beat.image, "import time; time.sleep(4)", every="5s"),
    }
    beat.deploy("install", {"lease": LEASE, "logging": {"format": "json", "level": "debug"}, "jobs": jobs})
    beat.until(beat.settled, "three ready pods")
    return beat


def first(beat: Beat, event: str, **facts: object) -> dict[str, Any]:
    beat.until(lambda: bool(beat.logs.lines(event, **facts)), f"{event} {facts}")
    found: dict[str, Any] = beat.logs.lines(event, **facts)[0]
    return found


def next_start(beat: Beat, job: str) -> dict[str, Any]:
    """Wait for a run of this job that starts from now on; one that is told of by now may have ended."""
    before = {line["run"] for line in beat.logs.lines("run.started", job=job)}

    def new() -> list[dict[str, Any]]:
        return [line for line in beat.logs.lines("run.started", job=job) if line["run"] not in before]

    beat.until(lambda: bool(new()), f"the next run of {job}")
    return new()[0]


def made(beat: Beat, run: str) -> dict[str, Any]:
    """The only Job that was made for this run."""
    found = json.loads(beat.kubectl("get", "jobs", "-o", "json"))["items"]
    (one,) = [job for job in found if job["metadata"]["annotations"]["leasebeat/run"] == run]
    return dict(one)


def lasted_s(found: dict[str, Any]) -> float:
    """From the Job's creation to when Kubernetes called it complete, which may be a little after the pod's end."""
    (ended,) = [one["lastTransitionTime"] for one in found["status"]["conditions"] if one["type"] == "Complete"]
    begun = found["metadata"]["creationTimestamp"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def test_a_leader_that_goes_leaves_its_job_to_the_next_one(installed: Beat) -> None:
    started = next_start(installed, "long")
    installed.kubectl("delete", "pod", started["replica"], "--wait=false")
    ended = first(installed, "run.succeeded", run=started["run"])
    (retrying,) = installed.logs.lines("run.retrying", run=started["run"])
    found = made(installed, started["run"])

    assert (ended["attempt"], retrying["reason"]) == (2, "leader_lost")
    assert ended["replica"] != started["replica"]
    assert ended["took_ms"] == 1000 * lasted_s(found)
    assert found["status"]["succeeded"] == 1


def test_a_pod_is_told_of_its_run(installed: Beat) -> None:
    ended = first(installed, "run.succeeded", job="tells")
    found = made(installed, ended["run"])
    deployment = json.loads(installed.kubectl("get", "deployment", NAME, "-o", "json"))["metadata"]
    (owner,) = found["metadata"]["ownerReferences"]

    assert installed.kubectl("logs", f"job/{found['metadata']['name']}").startswith(f"{ended['run']} ")
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Deployment", NAME, deployment["uid"])


def test_a_failure_comes_with_its_reason_and_the_last_lines(installed: Beat) -> None:
    ended = first(installed, "run.failed", job="breaks")
    lines = [line["text"] for line in installed.logs.lines("run.output", run=ended["run"])]

    assert ended["reason"] == "job_failed"
    assert ended["error"].startswith("container main exited with 3, in pod breaks-")
    assert "; BackoffLimitExceeded: " in ended["error"]
    assert lines == [f"line {number}" for number in range(10, 30)]

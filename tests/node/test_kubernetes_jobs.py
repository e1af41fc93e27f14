"""Kubernetes Jobs with real pods: told of their run, failing with their last lines, handed over for nothing."""

from __future__ import annotations

import json
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


def made(beat: Beat, run: str) -> dict[str, Any]:
    """The only Job that was made for this run."""
    found = json.loads(beat.kubectl("get", "jobs", "-o", "json"))["items"]
    (one,) = [job for job in found if job["metadata"]["annotations"]["leasebeat/run"] == run]
    return dict(one)


def test_a_leader_that_goes_leaves_its_job_to_the_next_one(installed: Beat) -> None:
    started = first(installed, "run.started", job="long")
    leader = installed.holder
    installed.kubectl("delete", "pod", leader, "--wait=false")
    ended = first(installed, "run.succeeded", run=started["run"])
    (retrying,) = installed.logs.lines("run.retrying", run=started["run"])

    assert (ended["attempt"], retrying["reason"]) == (2, "leader_lost")
    assert ended["replica"] != leader
    assert 4000 <= ended["took_ms"] < 12_000
    assert made(installed, started["run"])["status"]["succeeded"] == 1


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
    assert ended["error"].startswith("BackoffLimitExceeded: ")
    assert "; container main exited with 3, in pod breaks-" in ended["error"]
    assert lines == [f"line {number}" for number in range(10, 30)]

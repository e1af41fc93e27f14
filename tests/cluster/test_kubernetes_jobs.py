"""Kubernetes Jobs on a real API server with its Job controller: whatever becomes of the leader, each is made once.

No pod really runs: they ask for a node that there is not, and a test says how each ended. The Job controller draws its
conclusions from that, as it does from a kubelet's word.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from scheduler.clock import SystemClock
from tests.processes.cluster import Namespace
from tests.processes.proxy import Proxy
from tests.processes.replica import ReplicaProcess, any_of

LEASE = {"lease_duration": "5s", "renew_deadline": "3s", "retry_period": "1s", "drain_timeout": "20s"}
NOWHERE = {"nodeSelector": {"leasebeat/test": "nowhere"}}
PATIENCE_S = 60.0
POLL_S = 0.05


def template(**spec: object) -> dict[str, Any]:
    container = {"name": "main", "image": "localhost/none:at-all"}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container], **NOWHERE}}
    return {"spec": {"backoffLimit": 0, "template": pod, **spec}}


JOB = {"kubernetes_job": {"template": template()}}


@dataclass
class Scene:
    """Replicas of one table, by name, and the Jobs that they have made."""

    namespace: Namespace
    folder: Path
    kubeconfig: Path
    lease: str = field(default_factory=lambda: f"beat-{uuid4().hex[:6]}")
    replicas: list[ReplicaProcess] = field(default_factory=list)

    def write(self, jobs: dict[str, Any], **lease: object) -> None:
        settings = {"lease": {**LEASE, **lease}, "health": {"port": 0}, "logging": {"level": "debug"}}
        table = {**settings, "jobs": jobs}
        (self.folder / "config.yaml").write_text(json.dumps(table))

    def start(self, name: str, *options: str, kubeconfig: Path | None = None) -> ReplicaProcess:
        place = ("--kubeconfig", str(kubeconfig or self.kubeconfig), "--lease", self.lease)
        replica = ReplicaProcess.start(name, self.folder / "config.yaml", *place, *options)
        self.replicas.append(replica)
        return replica

    def jobs(self, **annotations: str) -> list[dict[str, Any]]:
        """The Jobs of this table, or those of one run."""
        label = f"leasebeat/lease={self.lease}"
        found = json.loads(self.namespace.kubectl("get", "jobs", "-l", label, "-o", "json"))["items"]
        wanted = {f"leasebeat/{key}": value for key, value in annotations.items()}.items()
        return [job for job in found if wanted <= job["metadata"]["annotations"].items()]

    def only(self, run: str) -> dict[str, Any]:
        """The only Job of this run."""
        (found,) = self.jobs(run=run)
        return found

    def pod_ends(self, job: dict[str, Any], phase: str) -> None:
        """The pod of this Job ends so, as a kubelet would tell."""
        label = f"batch.kubernetes.io/job-name={job['metadata']['name']}"

        def pods() -> list[str]:
            return self.namespace.kubectl("get", "pods", "-l", label, "-o", "name").split()

        self.until(lambda: bool(pods()), "a pod")
        status = json.dumps({"status": {"phase": phase}})
        self.namespace.kubectl("patch", pods()[0], "--subresource=status", "--type=merge", "-p", status)

    def until(self, true: Callable[[], bool], what: str) -> None:
        clock, pause = SystemClock(), threading.Event()
        deadline = clock.boot() + PATIENCE_S
        while not true():
            tails = "\n\n".join(replica.tail() for replica in self.replicas)
            assert clock.boot() < deadline, f"waited in vain for {what}:\n{tails}"
            pause.wait(POLL_S)

    def ended_with(self, replica: ReplicaProcess, event: str, error: str, **facts: object) -> dict[str, Any]:
        """Wait for such a line whose error begins so; of the first run Kubernetes may not have said it in time."""

        def found() -> list[dict[str, Any]]:
            return [line for line in replica.said(event, **facts) if str(line.get("error")).startswith(error)]

        self.until(lambda: bool(found()), f"{event} {facts} with {error}")
        return found()[0]

    def finals(self, run: str) -> list[str]:
        """What became of this run, by all logs."""
        kinds = ("succeeded", "failed", "timed_out", "interrupted", "dropped", "skipped")
        return [kind for replica in self.replicas for kind in kinds for _ in replica.said(f"run.{kind}", run=run)]


@contextmanager
def a_scene(namespace: Namespace, folder: Path) -> Iterator[Scene]:
    name = f"jobs-{uuid4().hex[:6]}"
    scene = Scene(namespace, folder, namespace.kubeconfig(name, jobs=True), name)
    try:
        yield scene
    finally:
        for replica in scene.replicas:
            replica.end()


@pytest.fixture
def scene(namespace: Namespace, tmp_path: Path) -> Iterator[Scene]:
    with a_scene(namespace, tmp_path) as scene:
        yield scene


def test_one_job_is_followed_by_leader_after_leader(scene: Scene) -> None:
    """The first is killed, the second told to stop, the third killed after the end and before it could record it."""
    scene.write({"report": {"every": "3s", "delivery": "at_most_once", **JOB}})
    a = scene.start("a")
    begun = a.wait_for("run.started")
    b, c = scene.start("b"), scene.start("c")
    run, made = begun["run"], scene.only(begun["run"])
    for standby in (b, c):
        standby.wait_for("lead.standby")

    a.signal(signal.SIGKILL)
    second, taken_up = any_of([b, c], "run.started", begun["at"], run=run)
    third = c if second is b else b
    assert second.stop() == 0
    again = third.wait_for("run.started", run=run)

    third.signal(signal.SIGSTOP)
    scene.pod_ends(made, "Succeeded")
    complete = ["wait", f"job/{made['metadata']['name']}", "--for=condition=Complete", f"--timeout={PATIENCE_S:g}s"]
    scene.namespace.kubectl(*complete)
    third.signal(signal.SIGKILL)
    d = scene.start("d")
    ended = d.wait_for("run.succeeded", run=run)

    assert made["metadata"]["name"] == f"report-{unix(begun['tick'])}"
    assert scene.only(run)["metadata"]["uid"] == made["metadata"]["uid"]
    assert [line["attempt"] for line in (begun, taken_up, again, ended)] == [1, 2, 3, 4]
    retrying = [line for replica in (second, third, d) for line in replica.said("run.retrying", run=run)]
    assert [line["reason"] for line in retrying] == ["leader_lost"] * 3
    assert third.said("lead.acquired")[0]["cause"] == "released"
    assert "draining" not in second.said("lead.released")[0]
    assert second.said("app.stopped")[0]["took_ms"] < 10_000  # it would have drained for 20 s
    assert scene.finals(run) == ["succeeded"]


def test_the_leader_is_killed_before_its_request_arrives(scene: Scene) -> None:
    """At least once: the next leader makes it, once. At most once: nothing is there to take up, and nothing is made.

    The Lease is a file here, so that nothing but Jobs is asked of the API server.
    """
    delivery = {"least": "at_least_once", "most": "at_most_once"}
    scene.write({name: {"every": "5s", "delivery": promise, **JOB} for name, promise in delivery.items()})
    with Proxy(*scene.namespace.api_server()) as proxy:
        proxy.pause()
        a = scene.start("a", "--store=sqlite", kubeconfig=scene.namespace.through(scene.kubeconfig, proxy.port))
        a.wait_for("lead.acquired")
        b = scene.start("b", "--store=sqlite")
        a.wait_for("run.output", job="least")  # both were asked for, and no answer came
        a.wait_for("run.output", job="most")
        runs = {name: a.said("run.output", job=name)[0]["run"] for name in delivery}
        a.signal(signal.SIGKILL)
        proxy.cut()
        interrupted = b.wait_for("run.interrupted", run=runs["most"])
        b.wait_for("run.started", run=runs["least"])
        scene.pod_ends(scene.only(runs["least"]), "Succeeded")
        ended = b.wait_for("run.succeeded", run=runs["least"])

    assert (interrupted["reason"], interrupted["attempt"]) == ("leader_lost", 2)
    assert ended["attempt"] == 2
    assert scene.jobs(run=runs["most"]) == []


def test_what_a_leader_that_stays_makes_of_its_jobs(scene: Scene) -> None:
    """Timeout, replacement, failure with its retry, `wait: false`, and a name that somebody else took."""
    now = unix(SystemClock().wall().isoformat())
    taken = [f"taken-{tick}" for tick in range(now - now % 10, now + 40, 10)]
    strangers = [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, **template()} for name in taken]
    together = {"apiVersion": "v1", "kind": "List", "items": strangers}
    scene.namespace.kubectl("create", "-f", "-", stdin=json.dumps(together))
    often = {"every": "3s"}
    scene.write(
        {
            "slow": {**often, "timeout": "2s", **JOB},
            "replaces": {**often, "overlap": "replace", **JOB},
            "fails": {**often, "retries": 1, "retry_delay": "0s", **JOB},
            "leaves": {**often, "kubernetes_job": {"wait": False, "template": template()}},
            "taken": {"every": "10s", **JOB},
            "limited": {**often, "kubernetes_job": {"template": template(activeDeadlineSeconds=1)}},
        }
    )
    a = scene.start("a")
    fails = a.wait_for("run.started", job="fails")
    first = scene.only(fails["run"])
    scene.pod_ends(first, "Failed")
    retrying = a.wait_for("run.retrying", run=fails["run"])
    late = scene.ended_with(a, "run.timed_out", "Unschedulable: ", job="slow")
    limited = a.wait_for("run.timed_out", job="limited")
    rejected = a.wait_for("run.failed", job="taken")
    accepted = a.wait_for("run.succeeded", job="leaves")
    replaced = [a.wait_for("run.interrupted", job="replaces", reason="replaced", count=count) for count in (1, 2)]
    a.wait_for("run.started", run=fails["run"], attempt=2)
    names = sorted(job["metadata"]["name"] for job in scene.jobs(run=fails["run"]))

    assert retrying["reason"] == "job_failed"
    assert retrying["error"].endswith("; BackoffLimitExceeded: Job has reached the specified backoff limit")
    assert names == [first["metadata"]["name"], f"{first['metadata']['name']}-f1"]
    assert limited["error"].endswith("DeadlineExceeded: Job was active longer than specified deadline")
    assert rejected["error"].removeprefix(f"Job {scene.namespace.name}/").split()[0] in taken
    assert len(scene.jobs(run=accepted["run"])) == 1
    assert [scene.jobs(run=line["run"]) for line in (late, *replaced)] == [[], [], []]
    assert not a.said("run.output", level="warning")


def test_a_short_form_is_a_job_that_kubernetes_takes(scene: Scene) -> None:
    """Every key of it, and what it is made to say of its run."""
    short = {
        "image": "localhost/none:at-all",
        "command": ["./index"],
        "args": ["--all"],
        "env": {"REGION": "eu", "KEY": {"secret": "db/password"}},
        "resources": {"requests": {"cpu": "10m"}, "limits": {"cpu": "20m"}},
        "service_account": "default",
        "wait": False,
        "ttl": "2h",
    }
    scene.write({"index": {"every": "3s", "kubernetes_job": short}})
    run = scene.start("a").wait_for("run.succeeded")["run"]
    spec = scene.only(run)["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    environment = {one["name"]: one.get("value") for one in container["env"]}

    assert (spec["backoffLimit"], spec["ttlSecondsAfterFinished"]) == (0, 7200)
    assert container["resources"] == {"requests": {"cpu": "10m"}, "limits": {"cpu": "20m"}}
    assert environment.items() >= {"LEASEBEAT_RUN": run, "REGION": "eu", "KEY": None}.items()
    assert environment["TRACEPARENT"]


def unix(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp())

"""The story of a Lease as `kubectl describe lease` tells it, on a real API server."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from scheduler.clock import SystemClock
from tests.processes.cluster import Namespace
from tests.processes.replica import ReplicaProcess

CONFIG = "jobs: {sync: {every: 1s, shell: 'exit 3'}}\n"
PATIENCE_S = 60.0


def replica_of(folder: Path, kubeconfig: Path, lease: str) -> ReplicaProcess:
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    return ReplicaProcess.start("a", config, "--kubeconfig", str(kubeconfig), "--lease", lease, "--log-level", "debug")


def described(namespace: Namespace, lease: str, *words: str) -> str:
    """What kubectl says, once all these words are in it: Events are written beside everything else."""
    text, clock = "", SystemClock()
    until = clock.boot() + PATIENCE_S
    while clock.boot() < until:
        text = re.sub(r"\s+", " ", namespace.kubectl("describe", "lease", lease))
        if all(word in text for word in words):
            return text
        threading.Event().wait(0.1)
    raise AssertionError(f"{words} are not all in: {text}")


def test_kubectl_describe_tells_who_led_and_what_failed_if_the_account_may(
    namespace: Namespace, tmp_path: Path
) -> None:
    """Of two accounts one may write Events; the other's replica leads as ever, and says at debug what it lacks."""
    told, silent = namespace.kubeconfig("told"), namespace.kubeconfig("silent")
    namespace.kubectl("create", "role", "tells", "--verb=create,patch", "--resource=events")
    namespace.kubectl("create", "rolebinding", "tells", "--role=tells", f"--serviceaccount={namespace.name}:told")
    replicas = [replica_of(tmp_path, told, "told"), replica_of(tmp_path, silent, "silent")]
    try:
        for replica in replicas:
            replica.wait_for("run.failed", count=2)
        leads = described(namespace, "told", "a became leader: term 1, cause new", "(x")
        assert [replica.stop() for replica in replicas] == [0, 0]
    finally:
        for replica in replicas:
            replica.end()
    left = described(namespace, "told", "a stopped leading: it gave term 1 back")
    (refused,) = replicas[1].said("lease_events.refused")

    assert re.search(r"Warning JobFailed \S+ \(x\d+ over \S+\) leasebeat sync@\S+Z failed: exit 3", leads)
    assert re.search(r"Normal LeaderElection \S+ leasebeat a stopped leading", left)
    assert refused["level"] == "debug"
    assert refused["hint"].startswith(f"grant create on events in namespace {namespace.name} to system:serviceaccount:")
    assert described(namespace, "silent").rstrip().endswith("Events: <none>")

"""`leasebeat check --cluster` on a real API server: what it says of accounts is what these may really do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.cluster import Namespace
from tests.processes.replica import ReplicaProcess

RUN_S = 60
CONFIG = "jobs: {hello: {every: 10m, shell: echo hello}}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    return file


def checked(config: Path, kubeconfig: Path, lease: str, *options: str) -> subprocess.CompletedProcess[str]:
    place = ["--kubeconfig", str(kubeconfig), "--lease", lease]
    command = [str(Path(sys.executable).with_name("leasebeat")), "check", "--cluster", "-c", str(config), *place]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=RUN_S)


def test_the_documented_role_is_enough(namespace: Namespace, config: Path) -> None:
    done = checked(config, namespace.kubeconfig("enough"), "enough")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == (
        f"cluster {namespace.name}/enough: create get update watch ok · no Lease yet: the first replica makes it"
    )


def test_the_role_of_a_table_with_kubernetes_jobs_can_be_pasted_and_is_enough(
    namespace: Namespace, config: Path
) -> None:
    config.write_text("jobs: {hello: {every: 10m, kubernetes_job: acme/indexer:4}}\n")
    kubeconfig = namespace.kubeconfig("jobs")
    namespace.kubectl("delete", "rolebinding", "jobs")
    before = checked(config, kubeconfig, "jobs")
    pasted = "kubectl apply" + before.stderr.partition("kubectl apply")[2].partition("\nerror: ")[0]
    subprocess.run(["sh", "-c", pasted], check=True, capture_output=True, timeout=RUN_S)
    after = checked(config, kubeconfig, "jobs")

    assert f"may not create, get, list, watch, delete Jobs in namespace {namespace.name} (403) [rbac]" in before.stderr
    assert f"may not list pods, get pods/log in namespace {namespace.name} (403) [rbac]" in before.stderr
    assert (after.returncode, after.stderr) == (0, "")
    assert " · jobs create get list watch delete ok · " in after.stdout


def test_the_role_that_is_printed_can_be_pasted_and_is_what_was_missing(namespace: Namespace, config: Path) -> None:
    kubeconfig = namespace.kubeconfig("bare")
    namespace.kubectl("delete", "rolebinding", "bare")
    before = checked(config, kubeconfig, "bare")
    first, _, pasted = before.stderr.partition("\n")
    subprocess.run(["sh", "-c", pasted], check=True, capture_output=True, timeout=RUN_S)
    after = checked(config, kubeconfig, "bare")

    assert before.returncode == 1
    assert first == (
        f"error: service account {namespace.name}/bare may not create, get, update, watch "
        f"Lease {namespace.name}/bare (403) [rbac]"
    )
    assert (after.returncode, after.stderr) == (0, "")


def test_one_verb_is_missing(namespace: Namespace, config: Path) -> None:
    kubeconfig = namespace.kubeconfig("no-update", ("get", "watch"))
    done = checked(config, kubeconfig, "no-update")

    assert done.returncode == 1
    assert f"may not update Lease {namespace.name}/no-update (403) [rbac]" in done.stderr


def test_the_right_to_another_lease_is_no_right(namespace: Namespace, config: Path) -> None:
    done = checked(config, namespace.kubeconfig("mine"), "yours")

    assert done.returncode == 1
    assert f"may not get, update, watch Lease {namespace.name}/yours (403) [rbac]" in done.stderr


def test_a_leader_is_named_and_a_foreign_holder_refused(namespace: Namespace, config: Path) -> None:
    kubeconfig = namespace.kubeconfig("led")
    replica = ReplicaProcess.start_command(
        "run", "--id", "a", "-c", str(config), "--kubeconfig", str(kubeconfig), "--lease", "led", "--log-format", "json"
    )
    try:
        replica.wait_for("lead.acquired")
        ours = checked(config, kubeconfig, "led")
    finally:
        replica.stop()
        replica.end()
    left = checked(config, kubeconfig, "led")
    namespace.kubectl("annotate", "lease", "led", "leasebeat/ledger-")
    foreign = checked(config, kubeconfig, "led")

    assert (ours.returncode, ours.stdout.splitlines()[-1].rpartition(" · ")[2]) == (0, "leader a")
    assert (left.returncode, left.stdout.splitlines()[-1].rpartition(" · ")[2]) == (0, "nobody leads")
    assert foreign.returncode == 1
    assert foreign.stderr.splitlines()[0].endswith("no annotation leasebeat/ledger [foreign-lease]")


def test_the_lock_of_an_old_elector_is_found_by_who_may_look(namespace: Namespace, config: Path) -> None:
    kubeconfig = namespace.kubeconfig("locked")
    lock = json.dumps({"holderIdentity": "old-beat-0", "leaseDurationSeconds": 15})
    namespace.kubectl("create", "configmap", "locked")
    namespace.kubectl("annotate", "configmap", "locked", f"control-plane.alpha.kubernetes.io/leader={lock}")
    blind = checked(config, kubeconfig, "locked")
    namespace.kubectl("create", "role", "looks", "--verb=get", "--resource=configmaps")
    namespace.kubectl("create", "rolebinding", "looks", "--role=looks", f"--serviceaccount={namespace.name}:locked")
    sees = checked(config, kubeconfig, "locked")

    assert (blind.returncode, blind.stderr) == (0, "")
    assert sees.returncode == 0
    assert sees.stderr.startswith(f"warning: ConfigMap {namespace.name}/locked has an annotation control-plane.alpha.")
    assert 'held by "old-beat-0"' in sees.stderr
    hint = sees.stderr.rpartition("a left-over: ")[2]
    subprocess.run(["sh", "-c", hint], check=True, capture_output=True, timeout=RUN_S)
    assert checked(config, kubeconfig, "locked").stderr == ""


def test_a_token_that_is_refused(namespace: Namespace, config: Path) -> None:
    kubeconfig = namespace.kubeconfig("stranger")
    content = json.loads(kubeconfig.read_text())
    content["users"][0]["user"]["token"] += "x"
    kubeconfig.write_text(json.dumps(content))
    done = checked(config, kubeconfig, "stranger", "--json")
    (problem,) = json.loads(done.stdout)["cluster"]["problems"]

    assert (done.returncode, done.stderr) == (3, "")
    assert problem["message"].endswith(": 401: not logged in")
    assert problem["hint"].startswith("the token or certificate was refused")

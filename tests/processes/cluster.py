"""A namespace of a real cluster for tests, and in it service accounts that may do exactly what leasebeat needs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

VERBS = ("get", "update", "watch")
JOB_RULES = (
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "list", "watch", "delete"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
)


@dataclass(frozen=True)
class Namespace:
    """One namespace, reached by kubectl as whoever runs the tests; `folder` takes the kubeconfigs made here."""

    name: str
    folder: Path

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        command = ["kubectl", "-n", self.name, "--request-timeout=20s", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def lease(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", "lease", name, "-o", "json"))
        return found

    def api_server(self) -> tuple[str, int]:
        server = urlsplit(self._cluster()["server"])
        return server.hostname or "", server.port or 443

    def kubeconfig(
        self, lease: str, verbs: tuple[str, ...] = VERBS, port: int | None = None, *, jobs: bool = False
    ) -> Path:
        """A kubeconfig whose account has exactly the documented Role for this Lease; `port` goes through a proxy.

        With `jobs` it is that of a table with Kubernetes Jobs.
        """
        self.kubectl("create", "serviceaccount", lease)
        role = self._role(lease, verbs)
        role["rules"] += JOB_RULES if jobs else ()
        self.kubectl("apply", "-f", "-", stdin=json.dumps(role))
        self.kubectl("create", "rolebinding", lease, f"--role={lease}", f"--serviceaccount={self.name}:{lease}")
        token = self.kubectl("create", "token", lease, "--duration=1h").strip()
        cluster = self._cluster() | ({"server": f"https://127.0.0.1:{port}"} if port else {})
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tested", "cluster": cluster}],
            "users": [{"name": "replica", "user": {"token": token}}],
            "contexts": [
                {"name": "tested", "context": {"cluster": "tested", "user": "replica", "namespace": self.name}}
            ],
            "current-context": "tested",
        }
        path = self.folder / f"{lease}.kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path

    def through(self, kubeconfig: Path, port: int) -> Path:
        """The same kubeconfig by way of a proxy on this port of loopback; several replicas may each have their own."""
        config = json.loads(kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        path = kubeconfig.with_suffix(f".{port}.kubeconfig")
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path

    def _cluster(self) -> dict[str, Any]:
        view = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        cluster: dict[str, Any] = json.loads(view)["clusters"][0]["cluster"]
        return cluster

    def _role(self, lease: str, verbs: tuple[str, ...]) -> dict[str, Any]:
        leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": lease},
            "rules": [leases | {"verbs": ["create"]}, leases | {"resourceNames": [lease], "verbs": list(verbs)}],
        }


@contextmanager
def a_namespace(folder: Path, *labels: str) -> Iterator[Namespace]:
    """A new namespace with these labels, for as long as the tests need it."""
    namespace = Namespace(f"leasebeat-test-{uuid4().hex[:8]}", folder)
    namespace.kubectl("create", "namespace", namespace.name)
    try:
        if labels:
            namespace.kubectl("label", "namespace", namespace.name, *labels)
        yield namespace
    finally:
        namespace.kubectl("delete", "namespace", namespace.name, "--wait=false")

"""An API server that knows a few objects, for what the chart looks up in the cluster and for its notes.

It answers discovery and reads, which is all that a server-side dry run asks for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

GROUPS = {
    "apps": ("v1", {"Deployment": "deployments"}),
    "policy": ("v1", {"PodDisruptionBudget": "poddisruptionbudgets"}),
    "rbac.authorization.k8s.io": ("v1", {"Role": "roles", "RoleBinding": "rolebindings"}),
    "networking.k8s.io": ("v1", {"NetworkPolicy": "networkpolicies"}),
}
CORE = {"ConfigMap": "configmaps", "ServiceAccount": "serviceaccounts", "Pod": "pods", "Secret": "secrets"}
VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}


@contextmanager
def stub_cluster(folder: Path, *objects: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The environment by which helm finds a cluster that holds the objects."""
    found = {(thing["kind"], thing["metadata"]["name"]): thing for thing in objects}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield _environment(folder, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _environment(folder: Path, url: str) -> dict[str, str]:
    context = {"cluster": "stub", "user": "stub"}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stub", "cluster": {"server": url}}],
        "users": [{"name": "stub", "user": {}}],
        "contexts": [{"name": "stub", "context": context}],
        "current-context": "stub",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    return {"KUBECONFIG": str(folder / "kubeconfig"), "HOME": str(folder)}


def _handler(objects: dict[tuple[str, str], dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].strip("/")
            answer = _discovery(path) or _object(path, objects)
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer or _absent(path)).encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _discovery(path: str) -> dict[str, Any] | None:
    if path == "version":
        return VERSION
    if path == "api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in GROUPS]}
    if path == "api/v1":
        return _resources("v1", CORE)
    for name, (version, kinds) in GROUPS.items():
        if path == f"apis/{name}/{version}":
            return _resources(f"{name}/{version}", kinds)
    return None


def _group(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/{GROUPS[name][0]}", "version": GROUPS[name][0]}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resources(version: str, kinds: dict[str, str]) -> dict[str, Any]:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    listed = [{"name": name, "kind": kind, "namespaced": True, "verbs": verbs} for kind, name in kinds.items()]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed}


def _object(path: str, objects: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any] | None:
    *_, plural, name = path.split("/")
    kinds = {
        plural: kind for kinds in (CORE, *(kinds for _, kinds in GROUPS.values())) for kind, plural in kinds.items()
    }
    if plural == "namespaces":
        return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
    if path.endswith(f"/{name}") and name in kinds:
        return {"kind": f"{kinds[name]}List", "apiVersion": "v1", "metadata": {}, "items": []}
    return objects.get((kinds.get(plural, ""), name))


def _absent(path: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": "NotFound",
        "code": 404,
        "message": path,
    }

"""One replica as a pod: a read-only root, no capabilities, an empty /tmp, little memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from scheduler.clock import SystemClock
from tests.processes.cluster import Namespace

CONFIG = {
    "lease": {"name": "beat"},
    "health": {"port": 8080},
    "jobs": {
        "packed": {"every": "2s", "python": "jobs.examples:meter"},
        "leaver": {"every": "2s", "shell": "setsid sleep 0.2 </dev/null >/dev/null 2>&1 & echo left"},
        "writer": {"every": "2s", "shell": 'date > "$HOME/now" && echo "written by $(id -u):$(id -g)"'},
    },
}
START = """
import os, time
ticks = int(open("/proc/1/stat").read().rpartition(")")[2].split()[19])
replica = open("/proc/1/task/1/children").read().split()[0]
waited_ns = int(open(f"/proc/{replica}/schedstat").read().split()[1])
print(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK"), waited_ns / 1e9)
"""
"""When the container's first process began, in Unix seconds, and how long the replica waited for a CPU:
field 22 of its stat, in clock ticks after the boot, and field 2 of its schedstat."""
PATIENCE_S = 180.0  # on a busy node a pod takes its time
POLL_S = 0.2
ZOMBIES = "grep -l '^State:.Z' /proc/[0-9]*/status || true"


@dataclass
class Pod:
    LEASE: ClassVar[str] = "beat"
    namespace: Namespace
    image: str
    name: str = ""

    def start(self, name: str) -> None:
        """Begin a pod of this name and wait until it is running and its replica has started."""
        self.name = name
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        self._apply({**config, "data": {"config.yaml": json.dumps(CONFIG)}})
        self._apply(self._pod())
        self.wait(lambda: bool(self.lines("app.started")), "its start")

    def exec(self, *command: str) -> str:
        return self.namespace.kubectl("exec", self.name, "--", *command)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What the pod's log says of this event; nothing while there is no log."""
        if self.phase() == "Pending":
            return []
        told = [json.loads(line) for line in self.namespace.kubectl("logs", self.name).splitlines()]
        return [line for line in told if line["event"] == event]

    def phase(self) -> str:
        return self.namespace.kubectl("get", "pod", self.name, "-o", "jsonpath={.status.phase}")

    def start_took_s(self) -> float:
        """From the first process of the container to the replica's line, less what other programs held it up."""
        told = datetime.fromisoformat(self.lines("app.started")[0]["timestamp"]).timestamp()
        began, waited_s = map(float, self.exec("python", "-c", START).split())
        return told - began - waited_s

    def zombies(self) -> list[str]:
        return self.exec("sh", "-c", ZOMBIES).split()

    def delete(self) -> None:
        self.namespace.kubectl("delete", "pod", self.name, "--wait")

    def wait(self, true: Callable[[], bool], what: str) -> None:
        """Look until something is true of this pod."""
        clock, pause = SystemClock(), threading.Event()
        deadline = clock.boot() + PATIENCE_S
        while not true():
            assert clock.boot() < deadline, f"{self.name}: waited in vain for {what}"
            pause.wait(POLL_S)

    def _apply(self, thing: dict[str, Any]) -> None:
        self.namespace.kubectl("apply", "-f", "-", stdin=json.dumps(thing))

    def _pod(self) -> dict[str, Any]:
        spec = {
            "serviceAccountName": self.LEASE,
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [self._container()],
            "volumes": [
                {"name": "tmp", "emptyDir": {}},
                {"name": "config", "configMap": {"name": self.name}},
            ],
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name}, "spec": spec}

    def _container(self) -> dict[str, Any]:
        fields = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_IP": "status.podIP"}
        return {
            "name": "leasebeat",
            "image": self.image,
            "imagePullPolicy": "Never",
            "args": ["run", "--log-format", "json"],
            "env": [
                {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in sorted(fields.items())
            ],
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": {
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a path in the pod
                {"name": "config", "mountPath": "/etc/leasebeat", "readOnly": True},
            ],
        }

"""The whole log of every container of a namespace, kept while pods come and go.

`kubectl logs` forgets a pod with its end, so each container is followed from its start in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.processes.cluster import Namespace

LOOKS_EVERY_S = 0.25
LAST_LINES_S = 60.0


@dataclass
class PodLogs:
    """Follows all containers of `namespace` whose pods have these labels, each into a file of `folder`."""

    namespace: Namespace
    selector: str
    folder: Path
    _followers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(default_factory=threading.Thread)

    def start(self) -> None:
        self.folder.mkdir()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking; what is followed may finish, if its container has ended."""
        self._over.set()
        self._thread.join()
        for follower in self._followers.values():
            follower.kill()
            follower.wait()

    def wait_until_told(self) -> None:
        """Wait for the ends of all logs; the containers must have ended."""
        for follower in self._followers.values():
            follower.wait(LAST_LINES_S)

    @property
    def files(self) -> list[Path]:
        """One file for each container that was started."""
        return sorted(self.folder.iterdir())

    def _look(self) -> None:
        while not self._over.wait(LOOKS_EVERY_S):
            for pod, container in self._started():
                if container not in self._followers:
                    self._followers[container] = self._follow(pod, container)

    def _started(self) -> Iterator[tuple[str, str]]:
        command = ["kubectl", "-n", self.namespace.name, "get", "pods", "-l", self.selector, "-o", "json"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        for pod in json.loads(answer.stdout)["items"] if answer.returncode == 0 else ():
            for status in pod["status"].get("containerStatuses", ()):
                if "running" in status["state"]:
                    yield pod["metadata"]["name"], status["containerID"]

    def _follow(self, pod: str, container: str) -> subprocess.Popen[bytes]:
        path = self.folder / f"{len(self._followers):03}-{pod}-{container[-8:]}.log"
        with path.open("wb") as log:
            command = ["kubectl", "-n", self.namespace.name, "logs", "-f", pod]
            return subprocess.Popen(command, stdout=log, stderr=subprocess.DEVNULL)

    def lines(self, event: str, /, **facts: object) -> list[dict[str, Any]]:
        """The JSON lines of this event with these facts so far, of all containers, in the order of their times."""
        found = [line for path in self.files for line in _read(path) if line["event"] == event]
        chosen = [line for line in found if all(line.get(name) == fact for name, fact in facts.items())]
        return sorted(chosen, key=lambda line: str(line["timestamp"]))


def _read(path: Path) -> Iterator[dict[str, Any]]:
    for text in path.read_text().splitlines(keepends=True):
        if text.startswith("{") and text.endswith("\n"):
            yield json.loads(text)

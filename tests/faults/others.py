"""Those who do what leaders ask for: a receiver of HTTP, Celery's worker behind a real Redis, and a cluster's Jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.receiver import BOOK
from tests.processes.broker import Broker
from tests.processes.cluster import Namespace

ROOT = Path(__file__).parents[2]
WORKER_OPTIONS = ("--pool=solo", "--without-gossip", "--without-mingle", "--loglevel=critical")
NOWHERE = {"nodeSelector": {"leasebeat/test": "nowhere"}}
POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "localhost/none:at-all"}], **NOWHERE}
TEMPLATE = {"spec": {"backoffLimit": 0, "template": {"spec": POD}}}
PODS_NAMES = ("get", "pods", "--watch", "-o", 'jsonpath={.metadata.name}{"\\n"}')


@dataclass(frozen=True)
class Work:
    """What was done of one run: the attempts that asked for it, and how often it was done."""

    asked: list[int]
    done: int


@dataclass
class Kubelet:
    """Notes the pods of each Job; they end well once it `may_end`. None of them really runs."""

    namespace: Namespace
    pods: dict[str, list[str]] = field(default_factory=dict)
    _may_end: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def watching(self) -> Iterator[None]:
        command = ["kubectl", "-n", self.namespace.name, *PODS_NAMES]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as kubectl:
            thread = threading.Thread(target=lambda: [self._see(line.strip()) for line in kubectl.stdout or ()])
            thread.start()
            try:
                yield
            finally:
                kubectl.terminate()
                thread.join()

    def may_end(self, *names: str) -> None:
        """From now on the pods of these Jobs do."""
        with self._lock:
            self._may_end |= set(names)
            ending = [pod for name in names for pod in self.pods.get(name, [])]
        for pod in ending:
            self._end(pod)

    def _see(self, pod: str) -> None:
        name = pod.rpartition("-")[0]
        with self._lock:
            if pod in self.pods.setdefault(name, []):
                return
            self.pods[name].append(pod)
            is_over = name in self._may_end
        if is_over:
            self._end(pod)

    def _end(self, pod: str) -> None:
        status = json.dumps({"status": {"phase": "Succeeded"}})
        self.namespace.kubectl("patch", "pod", pod, "--subresource=status", "--type=merge", "-p", status)


@dataclass
class Others:
    """All of them; `http` is a port of loopback."""

    folder: Path
    http: int
    broker: Broker
    kubelet: Kubelet
    kubeconfig: Path

    def work(self, job: str, due: float) -> Work:
        """What became of this job's tick, so far."""
        if pods := self.kubelet.pods.get(job_name(job, due)):
            return Work([1] * len(pods), len(pods))
        book, run = self.folder / BOOK, f"{job}@{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}"
        lines = [json.loads(line) for line in (book.read_text() if book.exists() else "").splitlines()]
        ours = [line for line in lines if line["key"] == run]
        asked = [line["attempt"] for line in ours if line["what"] == "asked"]
        return Work(asked, sum(line["what"] == "done" for line in ours))


def job_name(job: str, due: float) -> str:
    """The Job of this tick."""
    return f"{job}-{int(due)}"


@contextmanager
def all_others(folder: Path, namespace: Namespace) -> Iterator[Others]:
    """They outlive every leader."""
    with ExitStack() as stack:
        broker = Broker(folder)
        stack.callback(broker.kill)
        where = {"RECEIVER_BROKER": broker.url, "RECEIVER_FOLDER": str(folder), "PYTHONWARNINGS": "ignore"}
        celery = ("celery", "-A", "tests.faults.celery_receiver", "worker", *WORKER_OPTIONS)
        _started(stack, *celery, **where)
        receiver = _started(stack, "tests.faults.receiver", str(folder))
        kubeconfig = namespace.kubeconfig("killed", jobs=True)
        kubelet = Kubelet(namespace)
        stack.enter_context(kubelet.watching())
        assert receiver.stdout
        yield Others(folder, int(receiver.stdout.readline()), broker, kubelet, kubeconfig)


def _started(stack: ExitStack, *module: str, **environment: str) -> subprocess.Popen[str]:
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(process.kill)
    return process

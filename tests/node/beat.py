"""One release of the chart in a namespace: what Helm and kubectl do to it, and what can be seen of it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from scheduler.clock import SystemClock
from scheduler.core.job import instant_text
from tests.node.pod_logs import PodLogs
from tests.processes.cluster import Namespace

CHART = Path(__file__).parents[2] / "charts" / "leasebeat"
RELEASE = "beat"
NAME = "beat-leasebeat"
SELECTOR = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/name=leasebeat"
PATIENCE_S = 180.0  # on a busy node a pod takes its time
POLL_S = 0.1

LEASE = {"lease_duration": "5s", "renew_deadline": "3s", "retry_period": "1s", "drain_timeout": "10s"}
OWN_JOBS = """
def meter(run):
    print(f"began {run.id} {run.attempt}", flush=True)
"""
METER = {"every": "1s", "catch_up": "all", "max_catch_up": 100, "python": "own_jobs:meter"}


@dataclass
class Beat:
    """A release named `beat`, its values, and the log of each of its containers since it was installed."""

    namespace: Namespace
    image: str
    folder: Path
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.logs = PodLogs(self.namespace, SELECTOR, self.folder / "logs")

    def helm(self, command: str, *arguments: str) -> str:
        return run("helm", "-n", self.namespace.name, command, RELEASE, *arguments)

    def deploy(self, command: str, config: Mapping[str, Any], *arguments: str) -> str:
        """`helm install` or `helm upgrade` with this table; returns what Helm prints."""
        self.config = dict(config)
        values = self.folder / "values.json"
        values.write_text(json.dumps(self._values()))
        return self.helm(command, str(CHART), "-f", str(values), *arguments)

    def _values(self) -> dict[str, Any]:
        repository, _, tag = self.image.rpartition(":")
        registry, _, rest = repository.partition("/")
        image = {"registry": registry, "repository": rest, "tag": tag, "pullPolicy": "Never"}
        return {"replicaCount": 3, "image": image, "config": self.config, "files": {"own_jobs.py": OWN_JOBS}}

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.namespace.kubectl(*arguments, stdin=stdin)

    def pods(self) -> list[dict[str, Any]]:
        """Those that are not on their way out."""
        found = json.loads(self.kubectl("get", "pods", "-l", SELECTOR, "-o", "json"))["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def names(self) -> set[str]:
        return {pod["metadata"]["name"] for pod in self.pods()}

    def ready(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.pods() if is_ready(pod)]

    def settled(self, config_hash: str | None = None) -> bool:
        """Whether three pods are there, all ready, and all with this table."""
        pods = self.pods()
        told = {line["replica"] for line in self.logs.lines("app.started")}
        named = {pod["metadata"]["name"] for pod in pods}
        return (
            len(pods) == 3 == len(self.ready()) and named <= told and (not config_hash or self._all_have(config_hash))
        )

    def _all_have(self, config_hash: str) -> bool:
        return all(self.tables(name)[-1:] == [config_hash] for name in self.names())

    def tables(self, pod: str) -> list[str]:
        """The hashes of the tables that this pod's containers loaded, in their order."""
        return [str(line["hash"]) for line in self.logs.lines("config.loaded", replica=pod)]

    @property
    def holder(self) -> str:
        """The pod that the Lease names; nothing when there is none."""
        return self.kubectl("get", "lease", NAME, "--ignore-not-found", "-o", "jsonpath={.spec.holderIdentity}")

    def succeeded(self, job: str, **facts: object) -> list[dict[str, Any]]:
        return self.logs.lines("run.succeeded", job=job, **facts)

    def wait_for_runs(self, job: str, count: int = 3) -> None:
        """Wait until this job has succeeded so often from now on, by the schedule."""
        before = len(self.succeeded(job, cause="schedule"))
        self.until(lambda: len(self.succeeded(job, cause="schedule")) >= before + count, f"{count} runs of {job}")

    def kill_process(self, pod: str) -> None:
        """SIGKILL the scheduler in its container; the container ends with it and is started again.

        It may take the shell that kills along, so how that ended says nothing: wait for the pod's second table.
        """
        kill = "kill -9 $(cat /proc/1/task/1/children)"
        subprocess.run(
            ["kubectl", "-n", self.namespace.name, "exec", pod, "--", "sh", "-c", kill],
            capture_output=True,
            check=False,
        )

    @property
    def last_success(self) -> str:
        """The moment of the newest success told so far."""
        return instant_text(datetime.fromisoformat(self.logs.lines("run.succeeded")[-1]["timestamp"]))

    def audit(self, until_tick: str | None = None) -> None:
        """No tick of the table as it is now is lost or doubled, and no attempt began twice, in all logs so far.

        Ticks count until `until_tick`; without it until the newest success.
        """
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.config))
        (self.folder / "own_jobs.py").write_text(OWN_JOBS)
        until = until_tick or self.last_success
        told = run("leasebeat", "audit", "-c", str(config), "--until", until, *map(str, self.logs.files))

        assert " 0 unaccounted, 0 doubled" in told
        assert self.begun_twice() == []

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Look until something is true of the release."""
        clock, pause = SystemClock(), threading.Event()
        deadline = clock.boot() + PATIENCE_S
        while not true():
            assert clock.boot() < deadline, f"waited in vain for {what}:\n{self._state()}"
            pause.wait(POLL_S)

    def _state(self) -> str:
        """What somebody who has to find out would ask for first."""
        tails = ["\n".join([path.name, *path.read_text().splitlines()[-8:]]) for path in self.logs.files]
        return "\n\n".join([self.kubectl("get", "pods,lease"), *tails])

    def begun_twice(self) -> list[str]:
        texts = [str(line["text"]) for line in self.logs.lines("run.output")]
        counts = Counter(text for text in texts if text.startswith("began "))
        assert counts
        return [text for text, count in counts.items() if count > 1]


def is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout

"""How long nobody leads: after a clean stop of the leader, and after a crash; beside client-go's elector if asked for.

    python bench/handover.py --kubeconfig FILE [-n NAMESPACE] [--stops 50] [--crashes 10] [--client-go BINARY]

Three replicas on a real API server, with the default timings (15 s, 10 s, 2 s) and a job that is never due. The bench
watches their Lease. Stop: from SIGTERM of the idle leader to the second write of its successor, its first plan. Crash:
SIGKILL of the leader; from the time that its last write gives itself to the successor's first write, and how long
after the kill that was. `--client-go` is the program in tests/cluster/interop, built by `go build`; of it, from the
signal to the moment at which another says that it leads.
"""

from __future__ import annotations

import argparse
import json
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from scheduler.app.place import Place, open_store
from scheduler.config.settings import LeaseSettings
from scheduler.core.ports import LeaseRecord

CONFIG = "jobs: {never: {cron: '0 0 29 2 *', shell: 'true'}}\n"
PATIENCE_S = 60.0
REPLICAS = 3


class Sightings:
    """The Lease's versions as the watch shows them, each with the Unix time at which it did."""

    def __init__(self, arguments: argparse.Namespace, lease: str) -> None:
        place = Place("kubernetes", kubeconfig=arguments.kubeconfig, namespace=arguments.namespace, lease=lease)
        self._store = open_store(_settings(), place)
        self._stop = threading.Event()
        self._seen: queue.SimpleQueue[tuple[float, LeaseRecord]] = queue.SimpleQueue()
        self.last: LeaseRecord | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._stop.is_set():
            self._store.watch(self._note, self._stop)

    def _note(self, record: LeaseRecord | None) -> None:
        if record and (self.last is None or record.version != self.last.version):
            self.last = record
            self._seen.put((time.time(), record))

    def await_(self, wanted: Callable[[LeaseRecord], bool]) -> tuple[float, LeaseRecord]:
        """The next version that is wanted, and when it was seen."""
        while True:
            at, record = self._seen.get(timeout=PATIENCE_S)
            if wanted(record):
                return at, record

    def end(self) -> None:
        """End the watch."""
        self._stop.set()


def _settings() -> LeaseSettings:
    return LeaseSettings(
        store="kubernetes",
        name="unused",
        namespace=None,
        adopt=False,
        path=Path("unused"),
        lease_duration_s=15,
        renew_deadline_s=10,
        retry_period_s=2,
        release="at_once",
        quiet_start=False,
        drain_timeout_s=60,
    )


@contextmanager
def replicas(arguments: argparse.Namespace, lease: str) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """A function that starts a replica of this name; all of them are ended at the end."""
    started: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.yaml").write_text(CONFIG)
        place = ["--kubeconfig", arguments.kubeconfig, "-n", arguments.namespace, "--lease", lease]

        def start(name: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "scheduler", "run", "-c", f"{folder}/config.yaml", "--id", name, *place]
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))  # noqa: S603  # this program
            lines = started[-1].stdout or ()
            next(line for line in lines if "lead.standby" in line or "lead.acquired" in line)  # else it would not see
            threading.Thread(target=lambda: list(lines), daemon=True).start()
            return started[-1]

        try:
            yield start
        finally:
            for process in started:
                process.kill()
                process.wait()


def changes_hands(arguments: argparse.Namespace, number: int, times: int) -> Iterator[tuple[float, float]]:
    """Signal the leader again and again; yields seconds from the signal, and from the last renewal, to the new lead.

    After a clean stop the new lead counts from its second write, the first plan; after a crash from its first.
    """
    lease = f"bench-handover-{number}-{time.time_ns()}"
    with replicas(arguments, lease) as start:
        sightings = Sightings(arguments, lease)
        running = {name: start(name) for name in (f"r{index}" for index in range(REPLICAS))}
        _, record = sightings.await_(lambda record: bool(record.holder))
        for index in range(times):
            time.sleep(1.5 if number == signal.SIGTERM else 7)  # a standby that was just started has seen the Lease
            record = sightings.last or record
            leader = running.pop(record.holder)
            renewed = datetime.fromisoformat(record.renewed).timestamp()
            began = time.time()
            leader.send_signal(number)
            at, record = sightings.await_(lambda seen, old=record.holder: seen.holder not in ("", old))  # type: ignore[misc]
            if number == signal.SIGTERM:
                at, record = sightings.await_(lambda seen: bool(seen.holder))
            yield at - began, at - renewed
            name = f"r{REPLICAS + index}"
            running[name] = start(name)
        sightings.end()


def client_go(arguments: argparse.Namespace, number: int, times: int) -> Iterator[float]:
    """The same with client-go's elector: seconds from the signal until another says that it leads."""
    lease = f"bench-client-go-{number}-{time.time_ns()}"
    said: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()

    def start(name: str) -> subprocess.Popen[str]:
        place = ["-kubeconfig", arguments.kubeconfig, "-namespace", arguments.namespace, "-lease", lease]
        command = [arguments.client_go, *place, "-identity", name]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # built by whoever asks

        def listen() -> None:
            for line in process.stdout or ():
                if json.loads(line)["event"] == "leading":
                    said.put((name, time.time()))

        threading.Thread(target=listen, daemon=True).start()
        return process

    running = {name: start(name) for name in (f"g{index}" for index in range(REPLICAS))}
    try:
        for index in range(times):
            name, _ = said.get(timeout=PATIENCE_S)
            time.sleep(1.5 if number == signal.SIGTERM else 7)
            began = time.time()
            running.pop(name).send_signal(number)
            name, at = said.get(timeout=PATIENCE_S)
            yield at - began
            said.put((name, at))
            running[f"g{REPLICAS + index}"] = start(f"g{REPLICAS + index}")
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _tell(what: str, values: list[float]) -> None:
    values.sort()
    p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
    facts = f"min {values[0]:7.3f}  median {statistics.median(values):7.3f}  p99 {p99:7.3f}  max {values[-1]:7.3f}"
    print(f"{what:<52} n={len(values):<3} {facts}", flush=True)


def main() -> None:
    """Measure and print, in seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("-n", "--namespace", default="default")
    parser.add_argument("--stops", type=int, default=50)
    parser.add_argument("--crashes", type=int, default=10)
    parser.add_argument("--client-go")
    arguments = parser.parse_args()
    if arguments.stops:
        stops = list(changes_hands(arguments, signal.SIGTERM, arguments.stops))
        _tell("leasebeat: SIGTERM to the successor's first plan", [after for after, _ in stops])
        if arguments.client_go:
            _tell("client-go: SIGTERM to another leading", list(client_go(arguments, signal.SIGTERM, arguments.stops)))
    if arguments.crashes:
        crashes = list(changes_hands(arguments, signal.SIGKILL, arguments.crashes))
        _tell("leasebeat: last write to the successor's first", [after for _, after in crashes])
        _tell("leasebeat: SIGKILL to the successor's first write", [after for after, _ in crashes])
        if arguments.client_go:
            others = list(client_go(arguments, signal.SIGKILL, arguments.crashes))
            _tell("client-go: SIGKILL to another leading", others)


if __name__ == "__main__":
    main()

"""One Lease, contended for by leasebeat and by electors of other make: who led when, and every version of the Lease."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scheduler.clock import SystemClock
from tests.processes.cluster import Namespace
from tests.processes.history import JOBS, Deed, History
from tests.processes.replica import PATIENCE_S, POLL_S, ReplicaProcess

Found = TypeVar("Found")

LEASE_S, RENEW_S, RETRY_S = 4, 3, 1
REIGN_S = 2.5
LEASEBEAT, CLIENT_GO, PYTHON = "leasebeat", "client-go", "python"
CONFIG = """
lease: {{lease_duration: {lease}s, renew_deadline: {renew}s, retry_period: {retry}s, adopt: {adopt}}}
jobs:
  meter:
    every: {every}s
    catch_up: all
    max_catch_up: 1000
    python: {{call: history_jobs:append, kwargs: {{path: {history}, seconds: {takes}}}}}
"""


@dataclass(frozen=True)
class Ours:
    """What is peculiar to the leasebeats of a contest: whether they adopt, and their job's period and length."""

    adopt: bool = True
    every_s: int = 1
    takes_s: int = 0


@dataclass(frozen=True)
class Words:
    """The events by which a program says how it stands; `begins` and `ends` bound the spans in which it leads."""

    stands_by: str
    begins: tuple[str, ...]
    ends: tuple[str, ...]


WORDS = {
    LEASEBEAT: Words(
        "lead.standby", ("lead.acquired", "lead.resumed"), ("lead.suspended", "lead.lost", "lead.released")
    ),
    CLIENT_GO: Words("observed", ("leading",), ("stopped",)),
    PYTHON: Words("observed", ("leading",), ("stopped",)),
}


@dataclass(frozen=True)
class Span:
    """From when to when a process says that it leads, in Unix seconds."""

    who: str
    begin: float
    end: float


class Program(ReplicaProcess):
    """A process that tells JSON lines as a replica does, but is not one."""

    @classmethod
    def run(cls, name: str, *command: str) -> Program:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        program = cls(name, process)
        program._reader = threading.Thread(target=program._read, daemon=True)
        program._reader.start()
        return program


@dataclass
class Contender:
    """One process that wants the Lease, of whatever make."""

    kind: str
    process: ReplicaProcess
    ended_at: float | None = None

    @property
    def name(self) -> str:
        return self.process.name

    def stands_by(self, leader: str) -> None:
        self.process.wait_for(WORDS[self.kind].stands_by, leader=leader)

    def leads(self) -> dict[str, Any]:
        """Wait until it leads; returns the line that says so."""
        return self.process.wait_for(WORDS[self.kind].begins[0])

    def rules(self) -> None:
        """Give it time to lead: a leasebeat until its job runs on time, others while a few ticks fall due."""
        if self.kind == LEASEBEAT:
            self.process.wait_for("run.succeeded", count=2, cause="schedule")
        else:
            threading.Event().wait(REIGN_S)

    def release(self) -> None:
        """Ask it to stop, and wait until it says that it leads no more."""
        self.process.signal(signal.SIGTERM)
        self.ended_at = self.process.wait_for(WORDS[self.kind].ends[-1])["at"]

    def die(self) -> None:
        self.process.signal(signal.SIGKILL)
        self.process.process.wait(PATIENCE_S)
        self.ended_at = SystemClock().wall().timestamp()

    def spans(self) -> Iterator[Span]:
        """When it led, by its own word; one that was killed led until then."""
        words, begin = WORDS[self.kind], None
        for line in self.process.lines:
            if begin is None and line["event"] in words.begins:
                begin = line["at"]
            elif begin is not None and line["event"] in words.ends:
                yield Span(self.name, begin, line["at"])
                begin = None
        if begin is not None:
            yield Span(self.name, begin, self.ended_at or float("inf"))


@dataclass
class Contest:
    """A Lease and all who contend for it; `versions` has every state of the Lease while it was `followed`."""

    lease: str
    namespace: Namespace
    folder: Path
    client_go: Path
    kubeconfig: Path
    ours: Ours
    contenders: list[Contender] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def history(self) -> History:
        return History(self.folder / "history.log")

    @property
    def spans(self) -> list[Span]:
        """Who led when, in the order of time."""
        return sorted((span for one in self.contenders for span in one.spans()), key=lambda span: span.begin)

    def enter(self, kind: str) -> Contender:
        """Start another contender of this kind."""
        name = f"{kind}-{sum(one.kind == kind for one in self.contenders) + 1}"
        contender = Contender(kind, self._start(kind, name))
        self.contenders.append(contender)
        return contender

    def _start(self, kind: str, name: str) -> ReplicaProcess:
        if kind == LEASEBEAT:
            options = ("--kubeconfig", str(self.kubeconfig), "-n", self.namespace.name, "--lease", self.lease)
            return ReplicaProcess.start(name, self._config(), *options)
        flags: dict[str, object] = {
            "kubeconfig": self.kubeconfig,
            "namespace": self.namespace.name,
            "lease": self.lease,
            "identity": name,
        }
        if kind == PYTHON:
            times = {"lease-duration": LEASE_S, "renew-deadline": RENEW_S, "retry-period": RETRY_S}
            script = Path(__file__).with_name("elector.py")
            return Program.run(name, sys.executable, str(script), *_as_flags(flags | times))
        spans = {"lease-duration": f"{LEASE_S}s", "renew-deadline": f"{RENEW_S}s", "retry-period": f"{RETRY_S}s"}
        return Program.run(name, str(self.client_go), *_as_flags(flags | spans))

    def _config(self) -> Path:
        path = self.folder / "config.yaml"
        times = {"lease": LEASE_S, "renew": RENEW_S, "retry": RETRY_S}
        ours = {"adopt": str(self.ours.adopt).lower(), "every": self.ours.every_s, "takes": self.ours.takes_s}
        path.write_text(CONFIG.format(history=self.history.path, **times, **ours))
        (self.folder / "history_jobs.py").write_text(JOBS)
        return path

    def next_leader(self, after: float = 0.0) -> Contender:
        """Wait until somebody begins to lead later than this Unix time."""
        begun = self._eventually(lambda: [one for one in self.contenders for span in one.spans() if span.begin > after])
        return begun[0]

    def next_start(self, after: float = 0.0) -> Deed:
        """Wait until a run starts later than this Unix time."""
        return self._eventually(lambda: [deed for deed in self.history.starts("meter") if deed.at > after])[0]

    def _eventually(self, found: Callable[[], list[Found]]) -> list[Found]:
        pause = threading.Event()
        for _ in range(int(PATIENCE_S / POLL_S)):
            if some := found():
                return some
            pause.wait(POLL_S)
        raise AssertionError(f"it never came to that:\n{self.tale()}")

    def tale(self) -> str:
        """The last lines of everybody."""
        return "\n\n".join(f"{one.name}:\n{one.process.tail(8)}" for one in self.contenders)

    def state(self) -> dict[str, Any]:
        """The Lease as it is now."""
        return self.namespace.lease(self.lease)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Keep every version of the Lease, which must exist, in `versions`."""
        seen = self.folder / "versions.json"
        command = ["kubectl", "-n", self.namespace.name, "get", "lease", self.lease, "--watch", "-o", "json"]
        with seen.open("w") as sink, subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT) as watch:
            try:
                yield
            finally:
                watch.terminate()
                watch.wait()
                self.versions = list(_documents(seen.read_text()))


@contextmanager
def contest(namespace: Namespace, folder: Path, lease: str, client_go: Path, ours: Ours) -> Iterator[Contest]:
    """A Lease of this name to contend for; whoever still runs at the end is killed."""
    folder.mkdir()
    held = Contest(lease, namespace, folder, client_go, namespace.kubeconfig(lease), ours)
    try:
        yield held
    finally:
        for contender in held.contenders:
            if contender.process.process.poll() is None:
                contender.ended_at = contender.ended_at or SystemClock().wall().timestamp()
            contender.process.end()


def _as_flags(flags: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON documents that stand one after another in `text`; a last one that was cut off is left out."""
    decoder, at = json.JSONDecoder(), 0
    while (start := text.find("{", at)) >= 0:
        try:
            document, at = decoder.raw_decode(text, start)
        except ValueError:
            return
        yield document

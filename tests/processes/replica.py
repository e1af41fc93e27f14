"""One `leasebeat run` process: its log as it comes, and what can be done to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

PATIENCE_S = 30.0
POLL_S = 0.02


@dataclass
class ReplicaProcess:
    """A replica in a session of its own; its JSON lines are in `lines`, with `at`, their time."""

    name: str
    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False
    _reader: threading.Thread = field(default_factory=threading.Thread)

    @classmethod
    def start(
        cls, name: str, config: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> ReplicaProcess:
        command = ("run", "-c", str(config), "--id", name, "--log-format", "json", *options)
        return cls.start_command(*command, name=name, folder=config.parent, environment=environment)

    @classmethod
    def start_command(
        cls,
        *command: str,
        name: str = "leasebeat",
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ReplicaProcess:
        """Start any command line of leasebeat that prints JSON lines."""
        process = subprocess.Popen(
            [sys.executable, "-m", "scheduler", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        replica = cls(name, process)
        replica._reader = threading.Thread(target=replica._read, daemon=True)
        replica._reader.start()
        return replica

    def _read(self) -> None:
        for text in self.process.stdout or ():
            with self._changed:
                try:
                    line = json.loads(text)
                    line["at"] = datetime.fromisoformat(line["timestamp"]).timestamp()
                    self.lines.append(line)
                except ValueError:
                    self.strays.append(text)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def said(self, event: str, **facts: object) -> list[dict[str, Any]]:
        """The lines of this event with these facts, so far."""
        with self._changed:
            return _matching(self.lines, event, facts)

    def wait_for(self, event: str, /, count: int = 1, timeout_s: float = PATIENCE_S, **facts: object) -> dict[str, Any]:
        """Wait until it has told `count` such lines; returns the last of them."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: len(_matching(self.lines, event, facts)) >= count or self._ended, timeout_s
            )
            matching = _matching(self.lines, event, facts)
            if not found or len(matching) < count:
                raise AssertionError(f"{self.name} never told {event} {facts} x{count}; it told:\n{self.tail()}")
            return matching[count - 1]

    def wait_until_told(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait for the end of its log; it must have been ended."""
        self._reader.join(timeout_s)

    def tail(self, count: int = 25) -> str:
        return "\n".join([*map(json.dumps, self.lines[-count:]), *self.strays[-count:]])

    @staticmethod
    def kill(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def signal_tree(self, number: int) -> None:
        """Signal the process and all below it, whatever sessions they made."""
        for pid in (self.process.pid, *_below(self.process.pid)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    def stop(self, timeout_s: float = PATIENCE_S) -> int:
        """Ask for a clean stop and wait for it; returns the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def end(self) -> None:
        """End it whatever state it is in; for a test's clean-up."""
        if self.process.poll() is None:
            self.signal_tree(signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        if self.process.stdout:
            self.process.stdout.close()


def write_logs(replicas: Iterable[ReplicaProcess], folder: Path) -> list[Path]:
    """One file a process, with what it has told so far, as its stdout was."""
    paths = []
    for number, replica in enumerate(replicas):
        path = folder / f"{number:03}-{replica.name}.log"
        lines = [json.dumps({key: fact for key, fact in line.items() if key != "at"}) for line in list(replica.lines)]
        path.write_text("".join(f"{line}\n" for line in [*lines, *(stray.rstrip("\n") for stray in replica.strays)]))
        paths.append(path)
    return paths


def _matching(lines: Iterable[dict[str, Any]], event: str, facts: Mapping[str, object]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event and all(line.get(key) == facts[key] for key in facts)]


def _below(pid: int) -> list[int]:
    """All descendants of a process, by /proc."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def any_of(
    replicas: Iterable[ReplicaProcess], event: str, after: float, timeout_s: float = PATIENCE_S, **facts: object
) -> tuple[ReplicaProcess, dict[str, Any]]:
    """Wait until one of them has told this since the Unix time `after`; returns who, and the line."""
    pause = threading.Event()
    for _ in range(int(timeout_s / POLL_S)):
        for replica in replicas:
            for line in replica.said(event, **facts):
                if line["at"] > after:
                    return replica, line
        pause.wait(POLL_S)
    raise AssertionError(f"nobody told {event}:\n" + "\n\n".join(replica.tail() for replica in replicas))


def leader_among(replicas: Iterable[ReplicaProcess], timeout_s: float = PATIENCE_S) -> ReplicaProcess:
    """Wait until one of them has told that it leads, with none of them having lost the lead since."""
    pause = threading.Event()
    for _ in range(int(timeout_s / POLL_S)):
        for replica in replicas:
            if len(replica.said("lead.acquired")) > len(replica.said("lead.lost")) + len(replica.said("lead.released")):
                return replica
        pause.wait(POLL_S)
    raise AssertionError("nobody leads:\n" + "\n\n".join(replica.tail() for replica in replicas))

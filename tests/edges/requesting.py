"""What the tests of HTTP requests share: the receiver as a process to talk with, and runs that send to it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scheduler.core.actions import HttpAction
from scheduler.core.ports import RunEnded
from scheduler.running.supervisor.calls import modules_ahead
from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.supervision import CONFIG_FOLDER, PATIENCE_S, Ear, order, perform, trusted


class Receiver:
    """The other process: where it listens, and what it said."""

    def __init__(self, *options: str) -> None:
        self.said: list[dict[str, Any]] = []
        self._heard = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.edges.http_receiver", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        threading.Thread(target=self._read, daemon=True).start()
        ports = self.wait_for(lambda said: "plain" in said)
        self.authority: str = ports["authority"]
        self.url, self.tls = f"http://127.0.0.1:{ports['plain']}", f"https://127.0.0.1:{ports['tls']}"

    def wait_for(self, wanted: Any, among: int = 0) -> dict[str, Any]:
        """The first word of this kind, later than the first `among`."""
        found: list[dict[str, Any]] = []

        def hear() -> bool:
            found.extend(said for said in self.said[among:] if wanted(said))
            return bool(found)

        with self._heard:
            assert self._heard.wait_for(hear, PATIENCE_S), f"not heard among {self.said[among:]}"
        return found[0]

    def requests(self, path: str) -> list[dict[str, Any]]:
        """Those that came for this path up to now."""
        return [said for said in self.said if said.get("line", "").split(" ")[1:2] == [path]]

    def request(self, path: str) -> dict[str, Any]:
        """The first for this path, waited for."""
        return self.wait_for(lambda said: said.get("line", "").split(" ")[1:2] == [path])

    def go(self) -> None:
        """Let it accept."""
        assert self._process.stdin
        print("go", file=self._process.stdin, flush=True)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._heard:
                self.said.append(json.loads(line))
                self._heard.notify_all()


@contextmanager
def running(ear: Ear, log_level: str = "info") -> Iterator[SupervisorRunner]:
    """A runner whose workers are ready for requests."""
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER, log_level, grace_s=5.0))
    runner.open(modules_ahead([HttpAction("http://any")]))
    yield runner
    runner.close()


class Client:
    """Runs `http` actions."""

    def __init__(self, runner: SupervisorRunner, ear: Ear, url: str) -> None:
        self._runner, self._ear, self._url = runner, ear, url

    def end(self, path: str, timeout_s: float = 20, **action: Any) -> RunEnded:
        """How the run of a request for `path` ends."""
        run = order(HttpAction(action.pop("url", self._url + path), **action), timeout_s=timeout_s)
        return self._ear.ended(perform(self._runner, run))

    def failure(self, path: str, **action: Any) -> str:
        """Outcome, reason and error of a run that does not succeed."""
        ended = self.end(path, **action)
        return f"{ended.outcome} {ended.reason} {ended.error}".replace(self._url.removeprefix("http://"), "HOST")

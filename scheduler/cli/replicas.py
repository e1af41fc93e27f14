"""`run --replicas N`: several replicas on this machine, each a process of its own, their logs in one.

Each replica is an ordinary `leasebeat run` in a session of its own, so a Ctrl-C reaches this process alone, which
passes it on. They print JSON, which is rendered here as text with the replica's letter in front.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from string import ascii_lowercase

from scheduler.cli.stop import on_stop_signals
from scheduler.core.ports import Tell
from scheduler.telling.lines import LineWriter
from scheduler.telling.log import LogSettings
from scheduler.telling.shapes import harmless
from scheduler.telling.text import render_text

TOLD_ONCE = ("config.loaded", "config.warning")  # by this process, for all


class Replicas:
    """The replicas of one `run --replicas`, started as this very command line was, one letter each."""

    def __init__(self, arguments: Sequence[str], log: LogSettings, out: LineWriter, tell: Tell) -> None:
        self._arguments = arguments
        self._log = log
        self._out = out
        self._tell = tell

    def run(self, count: int) -> int:
        """Run until all have ended: 0 if each ended in good order, or was killed by somebody else."""
        children = {letter: self._start(letter, nth) for nth, letter in enumerate(ascii_lowercase[:count])}
        on_stop_signals(lambda number: self._pass_on(children.values(), number))
        followers = [threading.Thread(target=self._follow, args=child) for child in children.items()]
        for follower in followers:
            follower.start()
        for follower in followers:
            follower.join()
        codes = [child.wait() for child in children.values()]
        return 0 if all(code in (0, -signal.SIGKILL) for code in codes) else max(map(abs, codes))

    def _start(self, letter: str, nth: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "scheduler", "run", *self._arguments]
        return subprocess.Popen(  # noqa: S603  # this very program
            [
                *command,
                "--id",
                letter,
                "--log-format",
                "json",
                "--log-level",
                self._log.level,
                "--with-parent",
                f"--nth={nth}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def _follow(self, letter: str, child: subprocess.Popen[str]) -> None:
        """Copy the replica's lines until it ends, and say so if it was not asked to."""
        for line in child.stdout or ():
            self._copy(letter, line.rstrip("\n"))
        code = child.wait()
        if code < 0:
            name = signal.Signals(-code).name.removeprefix("SIG")
            self._tell("replica.died", replica=letter, pid=child.pid, signal=name)

    def _copy(self, letter: str, line: str) -> None:
        event = _event(line)
        if event and event["event"] in TOLD_ONCE:
            return
        if self._log.format == "json" and event:
            self._out.write(line)
        elif event:
            self._out.write(render_text(event, replace(self._log.style, prefix=letter)))
        else:
            self._out.write(f"{letter} {harmless(line)}")

    def _pass_on(self, children: Iterable[subprocess.Popen[str]], number: int) -> None:
        for child in children:
            if child.poll() is None:
                child.send_signal(number)


def _event(line: str) -> dict[str, object] | None:
    """The event that a line of JSON tells; None for what a job printed past the log."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and {"timestamp", "level", "event"} <= event.keys() else None

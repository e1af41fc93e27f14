"""What the tests of the runners share: an ear for their news, orders, and a way to see which processes still live."""

from __future__ import annotations

import os
import select
import threading
from itertools import count
from pathlib import Path
from typing import TypeVar

from scheduler.core.actions import Action, PythonAction, ShellAction
from scheduler.core.ports import RunEnded, Runner, RunNews, RunOrder, RunOutput, RunStarted
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.running.supervisor.times import boot_now

CONFIG_FOLDER = str(Path(__file__).parent)
FOR_EVER_S = 3600.0
PATIENCE_S = 10.0

_numbers = count(1)
_News = TypeVar("_News", RunStarted, RunOutput, RunEnded)


class Ear:
    """Hears a runner's news, and waits for what a test expects."""

    def __init__(self) -> None:
        self._news: list[RunNews] = []
        self._heard = threading.Condition()

    def __call__(self, news: RunNews) -> None:
        with self._heard:
            self._news.append(news)
            self._heard.notify_all()

    def started(self, key: str) -> RunStarted:
        """The run's start, waited for."""
        return self._first(RunStarted, key)

    def ended(self, key: str) -> RunEnded:
        """The run's end, waited for."""
        return self._first(RunEnded, key)

    def line(self, key: str) -> str:
        """The first line that the run wrote, waited for."""
        return self._first(RunOutput, key).text

    def outputs(self, key: str) -> list[RunOutput]:
        """All that the run wrote until it ended."""
        self.ended(key)
        return [news for news in self._news if isinstance(news, RunOutput) and news.key == key]

    def lines(self, key: str, stream: str = "stdout") -> list[str]:
        """The lines that the run wrote to this stream until it ended."""
        return [output.text for output in self.outputs(key) if output.stream == stream]

    def kinds(self, key: str) -> list[type]:
        """What was heard of the run until it ended, in order."""
        self.ended(key)
        return [type(news) for news in self._news if news.key == key]

    def _first(self, kind: type[_News], key: str) -> _News:
        found: list[_News] = []

        def hear() -> bool:
            found.extend(news for news in self._news if isinstance(news, kind) and news.key == key)
            return bool(found)

        with self._heard:
            assert self._heard.wait_for(hear, PATIENCE_S), f"no {kind.__name__} of {key} among {self._news}"
        return found[0]


class Fifo:
    """A named pipe that a run holds open: end of file shows that every process which held it is dead."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"fifo-{next(_numbers)}"
        os.mkfifo(self.path)
        self._go = folder / f"{self.path.name}.go"
        os.mkfifo(self._go)
        self._fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    @property
    def hold(self) -> str:
        """The shell command after which the shell, and all that it starts, holds it."""
        return f"exec 9>{self.path}; echo held >&9"

    @property
    def pause(self) -> str:
        """The shell command that waits for `go`."""
        return f"read word <{self._go}"

    def go(self) -> None:
        """Let a shell go on that pauses, or will."""
        self._go.write_text("go\n")

    def wait_until_held(self) -> None:
        """Returns when the command above was executed."""
        assert self._read() == b"held\n"

    def wait_until_released(self) -> None:
        """Returns when no process holds it any more."""
        assert self._read() == b""

    def is_held(self) -> bool:
        """Whether some process still holds it."""
        return not select.select([self._fd], [], [], 0)[0]

    def close(self) -> None:
        """Done with it."""
        os.close(self._fd)

    def _read(self) -> bytes:
        assert select.select([self._fd], [], [], PATIENCE_S)[0], f"nothing happens to {self.path}"
        return os.read(self._fd, 100)


def order(action: Action, *, timeout_s: float | None = None, exclusive: bool = True) -> RunOrder:
    """An order for a run of its own key."""
    key = f"hello@2026-11-22T02:15:00Z#{next(_numbers)}"
    return RunOrder(
        key=key,
        job="hello",
        run="hello@2026-11-22T02:15:00Z",
        tick="2026-11-22T02:15:00Z",
        attempt=2,
        term=7,
        fence="48211",
        action=action,
        timeout_s=timeout_s,
        exclusive=exclusive,
    )


def shell(command: str | tuple[str, ...], **rules: float | bool | None) -> RunOrder:
    """An order for a command."""
    return order(ShellAction(command), **rules)  # type: ignore[arg-type] # the names are order's


def python(function: str, *args: object, **kwargs: object) -> RunOrder:
    """An order for a function of `sample_jobs.py`."""
    return order(PythonAction("sample_jobs", function, args, kwargs))


def trusted(runner: SupervisorRunner) -> SupervisorRunner:
    """The runner of a leader that is sure of its lead."""
    runner.trust(boot_now() + FOR_EVER_S, boot_now() + FOR_EVER_S)
    return runner


def perform(runner: Runner, run: RunOrder) -> str:
    """Start the run; its key."""
    runner.start(run)
    return run.key

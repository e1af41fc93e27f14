"""The leader's end of the supervisor: the Runner for everything that runs in a process."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from scheduler.core.actions import ShellAction
from scheduler.core.ports import RunNews, RunOrder
from scheduler.core.references import FileReference, Secret, Value
from scheduler.core.views.trace import traceparent
from scheduler.running.supervisor.calls import call_of
from scheduler.running.supervisor.wire import Kill, KillExclusive, Setup, StartPython, StartShell, Stop, Trust

if TYPE_CHECKING:
    from scheduler.running.supervisor.link import Link

CALLS_A_WORKER = 1_000
"""What a library leaks with each call is then given back long before anybody sees it."""

_NO_TRUST = Trust(gate_until=0.0, exclusive_until=0.0)


class SupervisorRunner:
    """Runs `shell` commands, and in worker processes `python`, `http` and `celery`, all under a supervisor process.

    The supervisor is started by `open`, or by the first `start`; one that died is replaced at the next, and the runs it
    had end as failed, reason `crashed`. `news` is called in a thread of the supervisor's link, one call at a time; a
    replaced supervisor's thread may still be reporting the last ends while that of its successor reports the first
    starts. `news` must not raise, and must not call `close`.

    `config_folder` is where runs begin and what they import from first. Records of Python's logging below `log_level`
    are not passed on. A run that timed out has `grace_s` seconds between TERM and KILL. A worker is replaced after so
    many `calls`.
    """

    def __init__(
        self,
        news: Callable[[RunNews], None],
        config_folder: str,
        log_level: str = "info",
        grace_s: float = 10.0,
        calls: int = CALLS_A_WORKER,
    ) -> None:
        self._news = news
        self._config_folder = config_folder
        self._log_level = log_level
        self._grace_s = grace_s
        self._calls = calls
        self._modules: list[str] = []
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._trust = _NO_TRUST

    def open(self, modules: Sequence[str] = ()) -> None:
        """Start the supervisor, if there is none, and in it a worker that imports `modules` ahead of its first run."""
        with self._lock:
            self._modules = list(modules)
            if self._link is None or self._link.is_over:
                self._link = self._new_link()

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        """Let runs start until boot second `gate_until`, and exclusive ones live until `exclusive_until`."""
        with self._lock:
            self._trust = Trust(gate_until, exclusive_until)
            if self._link:
                self._link.send(self._trust)

    def start(self, order: RunOrder) -> None:
        """Hand the run over. TypeError or PicklingError when its arguments are nothing another process can be told."""
        message = _message(order)
        with self._lock:
            if self._link and self._link.start(message):
                return
            self._link = self._new_link(message)
            self._link.send(message)

    def stop(self, key: str) -> None:
        """Ask this run to end, and make it end `grace_s` later with all that it started, if it is still alive."""
        with self._lock:
            if self._link:
                self._link.send(Stop(key))

    def kill(self, key: str) -> None:
        """End this run and all that it started, if it is still alive."""
        with self._lock:
            if self._link:
                self._link.send(Kill(key))

    def kill_exclusive(self) -> None:
        """Shut the gate and end every exclusive run."""
        with self._lock:
            self._trust = _NO_TRUST
            if self._link:
                self._link.send(KillExclusive())

    def let_go(self, key: str) -> None:
        """No run of a process is adoptable."""

    def close(self) -> None:
        """End every run, reported as killed, and the supervisor; return once they are dead, after milliseconds."""
        with self._lock:
            link, self._link = self._link, None
        if link:
            link.close()

    def _new_link(self, *awaited: StartPython | StartShell) -> Link:
        from scheduler.running.supervisor.link import Link  # noqa: PLC0415 - a standby starts no process

        sys_path = [self._config_folder, *(entry for entry in sys.path if entry != self._config_folder)]
        setup = Setup(self._config_folder, sys_path, self._modules, self._log_level, self._grace_s, self._calls)
        link = Link(setup, self._news, awaited)
        link.send(self._trust)
        return link


def _told(value: Value) -> str | dict[str, str]:
    """A variable's value as the run's process is told it; from here on it is on its way there and nowhere else."""
    if isinstance(value, FileReference):
        return {"file": value.path}
    return value.reveal() if isinstance(value, Secret) else value


def _message(order: RunOrder) -> StartPython | StartShell:
    facts = (order.key, order.job, order.run, order.tick, order.attempt, order.term, order.fence)
    if isinstance(order.action, ShellAction):
        action = order.action
        command = action.command if isinstance(action.command, str) else list(action.command)
        return StartShell(*facts, *_rules(order, action.env), command, action.cwd)
    called = call_of(order)
    arguments = pickle.dumps((called.args, called.kwargs)).hex()
    return StartPython(*facts, *_rules(order, called.env), called.module, called.function, arguments)


def _rules(
    order: RunOrder, env: Mapping[str, Value]
) -> tuple[dict[str, str | dict[str, str]], float | None, bool, str]:
    told = {name: _told(value) for name, value in env.items()} | {
        "TRACEPARENT": traceparent(order.run, order.fence, order.attempt)
    }
    return told, order.timeout_s, order.exclusive, order.output.value

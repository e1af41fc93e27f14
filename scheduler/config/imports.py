"""Whether the Python functions that jobs name can be imported, and called as the table says.

Asked in short-lived processes (`probe.py`), never in this one: a module may print, exit, hang or take memory when it is
imported. One process looks at one module after another, so that what they share is imported once. Where a module takes
long, another process goes on with the rest; where one ends its process, a new one is started. All of it has one limit
of time.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from scheduler.config.mistakes import printable
from scheduler.config.settings import Loaded
from scheduler.core.errors import Problem
from scheduler.core.job import PythonAction
from scheduler.core.ports import Clock
from scheduler.core.references import FileReference, Secret, Value

LIMIT_S = 10.0
_PATIENCE = 0.1  # a module that takes this much of the limit does not hold up the others any more
_MOST_PROBES = 8
_LONGEST_SENTENCE = 200  # of a foreign exception
_PROBE = Path(__file__).with_name("probe.py")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportFault:
    """Why a call would fail, as a message and a hint; the code is `import` or `arguments`."""

    message: str
    hint: str | None
    code: str = "import"


def unimportable(
    loaded: Loaded, clock: Clock, limit_s: float = LIMIT_S, progress: Progress | None = None
) -> list[Problem]:
    """The Python functions of the table that cannot be called, each as a problem where the file names it.

    Takes at most about `limit_s` seconds; `progress` is told how many modules of how many were looked at.
    """
    calls = {name: job.action for name, job in loaded.table.jobs.items() if isinstance(job.action, PythonAction)}
    faults = import_faults(list(calls.values()), loaded.file.absolute().parent, clock, limit_s, progress)
    problems = []
    for name, fault in zip(calls, faults, strict=True):
        if fault:
            problems.append(replace(loaded.calls[name], message=fault.message, hint=fault.hint, code=fault.code))
    return problems


def import_faults(
    calls: Sequence[PythonAction],
    folder: Path,
    clock: Clock,
    limit_s: float = LIMIT_S,
    progress: Progress | None = None,
) -> list[ImportFault | None]:
    """What is wrong with each call, None where nothing is; modules in `folder` go before those on PYTHONPATH."""
    survey = _Survey(calls, folder, clock, limit_s)
    with survey.processes():
        for looked_at in survey.answers():
            if progress:
                progress(looked_at, len(survey.orders))
    return survey.faults()


@dataclass(slots=True, eq=False)
class _Probe:
    """One process, the module that it looks at and since when (boot seconds); None while it has nothing to do."""

    process: subprocess.Popen[str]
    module: str | None = None
    since: float = 0.0

    def kill(self) -> None:
        """End it with all that its modules started."""
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS says so of a zombie
            os.killpg(self.process.pid, signal.SIGKILL)
        with self.process:  # waits, and closes the pipes
            pass


@dataclass
class _Survey:
    """The orders, one a module, on their way through the processes."""

    calls: Sequence[PythonAction]
    folder: Path
    clock: Clock
    limit_s: float
    orders: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _faults: dict[int, ImportFault] = field(default_factory=dict)
    _waiting: deque[str] = field(default_factory=deque)
    _probes: list[_Probe] = field(default_factory=list)

    def __post_init__(self) -> None:
        for position, call in enumerate(self.calls):
            self.orders[call.module].append(position)
        self._waiting.extend(self.orders)

    @contextmanager
    def processes(self) -> Iterator[None]:
        """Leave no process behind, whatever happens."""
        try:
            yield
        finally:
            for probe in self._probes:
                probe.kill()

    def answers(self) -> Iterator[int]:
        """Work through the orders; how many answers there are, after each piece of news."""
        deadline, answered = self.clock.boot() + self.limit_s, 0
        with selectors.DefaultSelector() as ready:
            while self._waiting or any(probe.module for probe in self._probes):
                left = deadline - self.clock.boot()
                if left <= 0:
                    return
                self._hand_out(ready)
                for key, _ in ready.select(min(left, self.limit_s * _PATIENCE)):
                    answered += self._hear(key.data, ready)
                    yield answered

    def faults(self) -> list[ImportFault | None]:
        """What was found, in the order of the calls; a module that was not done with in time is a fault too."""
        for probe in self._probes:
            if probe.module:
                hint = "slow work belongs into a function, not into the import"
                self._blame(probe.module, f"module {probe.module} takes longer than {self.limit_s:g} s to import", hint)
        for module in self._waiting:
            self._blame(module, f"module {module} was not looked at, others took all of {self.limit_s:g} s", None)
        return [self._faults.get(position) for position in range(len(self.calls))]

    def _blame(self, module: str, message: str, hint: str | None) -> None:
        for position in self.orders[module]:
            self._faults[position] = ImportFault(message, hint)

    def _hand_out(self, ready: selectors.BaseSelector) -> None:
        now = self.clock.boot()
        for probe in self._probes:
            if self._waiting and probe.module is None:
                self._order(probe, self._waiting.popleft(), now)
        held_up = all(now - probe.since > self.limit_s * _PATIENCE for probe in self._probes)
        if self._waiting and held_up and len(self._probes) < _MOST_PROBES:
            probe = self._start()
            ready.register(_pipe(probe.process.stdout), selectors.EVENT_READ, probe)
            self._order(probe, self._waiting.popleft(), now)

    def _start(self) -> _Probe:
        ends_by_itself_s = int(self.limit_s) + 5
        command = [sys.executable, "-P", str(_PROBE), str(self.folder), json.dumps(sys.path), str(ends_by_itself_s)]
        process = subprocess.Popen(  # noqa: S603 - our own file, and a folder as an argument
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        probe = _Probe(process)
        self._probes.append(probe)
        return probe

    def _order(self, probe: _Probe, module: str, now: float) -> None:
        calls = [self.calls[position] for position in self.orders[module]]
        wanted = [{"function": call.function, "args": call.args, "kwargs": call.kwargs} for call in calls]
        env = {name: _told(value) for call in calls for name, value in call.env.items()}
        probe.module, probe.since = module, now
        with suppress(BrokenPipeError):  # it is gone, which reading its answer will tell
            orders = _pipe(probe.process.stdin)
            orders.write(json.dumps({"module": module, "env": env, "calls": wanted}) + "\n")
            orders.flush()

    def _hear(self, probe: _Probe, ready: selectors.BaseSelector) -> bool:
        """Take an answer; whether it was one."""
        line = _pipe(probe.process.stdout).readline()
        if not line:
            return self._bury(probe, ready)
        assert probe.module is not None
        positions, probe.module = self.orders[probe.module], None
        for position, fault in zip(positions, json.loads(line), strict=True):
            if fault:
                hint = printable(fault["hint"], _LONGEST_SENTENCE) if fault["hint"] else None
                message = printable(fault["message"], _LONGEST_SENTENCE)
                self._faults[position] = ImportFault(message, hint, fault["code"])
        return True

    def _bury(self, probe: _Probe, ready: selectors.BaseSelector) -> bool:
        """A process has ended; whether that is an answer."""
        ready.unregister(_pipe(probe.process.stdout))
        self._probes.remove(probe)
        probe.kill()
        if probe.module is None:
            return False
        message = f"module {probe.module} ends the process when it is imported"
        self._blame(probe.module, message, _ending(probe.process.returncode))
        return True


def _told(value: Value) -> str | dict[str, str]:
    """A variable as the probe is told it, which reads files itself: what hangs, hangs there."""
    match value:
        case Secret():
            return {"secret": value.reveal()}
        case FileReference(path):
            return {"file": path}
    return value


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None  # Popen was asked for it
    return pipe


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"exit {returncode}"
    names = {known.value: known.name for known in signal.Signals}
    return f"signal {names.get(-returncode, -returncode)}"

"""Whether the Python functions that jobs name can be imported, and called as the table says.

Asked in short-lived processes (`probe.py`), never in this one: a module may print, exit, hang or take memory when it is
imported. One process looks at one module after another, so that what they share is imported once. Where a module takes
long, another process goes on with the rest; where one ends its process, a new one is started. An answer is read as it
comes and believed only if it has the token of its order, since a module may write to our pipe. Where a process fails
that has looked at other modules before, those may have spoilt it: the module is asked once more, in a new one. All of
it has one limit of time.
"""

from __future__ import annotations

import json
import os
import secrets
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
from scheduler.config.probe import CANNOT_ANSWER
from scheduler.config.settings import Loaded
from scheduler.core.actions import PythonAction
from scheduler.core.errors import Problem
from scheduler.core.ports import Clock
from scheduler.core.references import FileReference, Secret, Value

LIMIT_S = 10.0
_PATIENCE = 0.1  # a module that takes this much of the limit does not hold up the others any more
_MOST_PROBES = 8
_LONGEST_SENTENCE = 200  # of a foreign exception
_ENDING_S = 0.5  # between the end of a process's answers and its own, if it has ended and not just closed the pipe
_CHUNK = 1 << 16  # bytes, what a pipe holds
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
    """The Python functions of jobs and hooks that cannot be called, each as a problem where the file names it.

    Takes at most about `limit_s` seconds; `progress` is told how many modules of how many were looked at.
    """
    actions = [call.action for call in loaded.calls]
    faults = import_faults(actions, loaded.file.absolute().parent, clock, limit_s, progress)
    return [
        replace(call.place, message=fault.message, hint=fault.hint, code=fault.code)
        for call, fault in zip(loaded.calls, faults, strict=True)
        if fault
    ]


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

    process: subprocess.Popen[bytes]
    module: str | None = None
    since: float = 0.0
    token: bytes = b""
    heard: bytes = b""
    answered: bool = False

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself; to be asked before `kill`, which would be told as its ending."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, seconds))
        return self.process.returncode is not None

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
    _deadline: float = 0.0

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
        self._deadline, answered = self.clock.boot() + self.limit_s, 0
        with selectors.DefaultSelector() as ready:
            while self._waiting or any(probe.module for probe in self._probes):
                left = self._left()
                if left <= 0:
                    return
                self._hand_out(ready)
                for key, _ in ready.select(min(left, self.limit_s * _PATIENCE)):
                    answered += self._hear(key.data, ready)
                    yield answered

    def _left(self) -> float:
        return self._deadline - self.clock.boot()

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
            self._order(self._start(ready), self._waiting.popleft(), now)

    def _start(self, ready: selectors.BaseSelector) -> _Probe:
        ends_by_itself_s = int(self.limit_s) + 5
        command = [sys.executable, "-P", str(_PROBE), str(self.folder), json.dumps(sys.path), str(ends_by_itself_s)]
        process = subprocess.Popen(  # noqa: S603 - our own file, and a folder as an argument
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # an order that cannot be written is not kept, to fail once more when the pipe is closed
            start_new_session=True,
        )
        probe = _Probe(process)
        self._probes.append(probe)
        ready.register(_pipe(probe.process.stdout), selectors.EVENT_READ, probe)
        return probe

    def _order(self, probe: _Probe, module: str, now: float) -> None:
        calls = [self.calls[position] for position in self.orders[module]]
        wanted = [{"function": call.function, "args": call.args, "kwargs": call.kwargs} for call in calls]
        env = {name: _told(value) for call in calls for name, value in call.env.items()}
        token = secrets.token_hex(8)
        probe.module, probe.since, probe.token, probe.heard = module, now, token.encode(), b""
        order = {"token": token, "module": module, "env": env, "calls": wanted}
        with suppress(BrokenPipeError):  # it is gone, which reading its answer will tell
            _pipe(probe.process.stdin).write(json.dumps(order).encode() + b"\n")

    def _hear(self, probe: _Probe, ready: selectors.BaseSelector) -> bool:
        """Take what a process says; whether that completes the answer for a module."""
        news = os.read(_pipe(probe.process.stdout).fileno(), _CHUNK)  # never waits, since there is something to read
        if not news or probe.module is None:
            return self._bury(probe, ready)
        probe.heard += news
        positions = self.orders[probe.module]
        try:
            answer = _answer(probe, len(positions))
        except (ValueError, RecursionError):
            return self._bury(probe, ready, garbled=True)
        if answer is None:
            return False
        self._faults.update({position: fault for position, fault in zip(positions, answer, strict=True) if fault})
        probe.module, probe.answered = None, True
        return True

    def _bury(self, probe: _Probe, ready: selectors.BaseSelector, *, garbled: bool = False) -> bool:
        """A process has ended or says what it should not; whether that is the answer for a module."""
        ready.unregister(_pipe(probe.process.stdout))
        self._probes.remove(probe)
        by_itself = not garbled and probe.ends_within(min(_ENDING_S, self._left()))
        probe.kill()
        if probe.module is None:
            return False
        if probe.answered:  # a module before this one may have spoilt it
            self._order(self._start(ready), probe.module, self.clock.boot())
            return False
        returncode = probe.process.returncode if by_itself else None
        self._blame(probe.module, *(_garbled(probe.module) if garbled else _ended(probe.module, returncode)))
        return True


def _answer(probe: _Probe, calls: int) -> list[ImportFault | None] | None:
    """What a process has found about the calls, None while there is more to come.

    Raises `ValueError` or `RecursionError` as soon as it cannot be the answer to its order.
    """
    heard, mark = probe.heard, probe.token + b" "
    if heard[: len(mark)] != mark[: len(heard)]:
        message = "not the token of the order"
        raise ValueError(message)
    if b"\n" not in heard:
        return None
    told = json.loads(heard.removeprefix(mark).decode())
    if not isinstance(told, list) or len(told) != calls:
        message = "not a list with a place for each call"
        raise ValueError(message)
    return [_fault(one) for one in told]


def _fault(told: object) -> ImportFault | None:
    """One part of an answer; raises `ValueError` for what is none."""
    match told:
        case None:
            return None
        case {"message": str(message), "hint": str() | None as hint, "code": "import" | "arguments" as code}:
            shown = printable(hint, _LONGEST_SENTENCE) if hint else None
            return ImportFault(printable(message, _LONGEST_SENTENCE), shown, code)
    message = "neither null nor a fault"
    raise ValueError(message)


def _garbled(module: str) -> tuple[str, str]:
    message = f"module {module} writes over the answer of the process that imports it"
    return message, "does it write to file descriptors that it did not open?"


def _ended(module: str, returncode: int | None) -> tuple[str, str]:
    """How a process without an answer is told; None: it closed the pipe and went on."""
    if returncode is None or returncode == CANNOT_ANSWER:
        message = f"module {module} keeps the process that imports it from answering"
        return message, "does it close file descriptors, or replace parts of Python, that are not its own?"
    return f"module {module} ends the process when it is imported", _ending(returncode)


def _told(value: Value) -> str | dict[str, str | list[str]]:
    """A variable as the probe is told it, which reads files itself: what hangs, hangs there."""
    match value:
        case Secret():
            return {"secret": value.reveal(), "variables": list(value.variables)}
        case FileReference(path):
            return {"file": path}
    return value


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # Popen was asked for it
    return pipe


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"exit {returncode}"
    names = {known.value: known.name for known in signal.Signals}
    return f"signal {names.get(-returncode, -returncode)}"

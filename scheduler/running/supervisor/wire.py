"""The messages between the leader, the supervisor and its children: one JSON line each.

    leader → supervisor   Setup, then Trust, StartPython, StartShell, Stop, Kill, KillExclusive
    supervisor → worker   Trust, StartPython
    child → supervisor    Ready, Started, Output, Ended
    supervisor → leader   Started, Output, Ended

A line is `["Kill", "hello@2026-11-22T19:41:05Z#1"]`: the message's name and its fields in order. Both ends are always
the same version of this program, so the format is nobody else's.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message. Children live in `config_folder` and import from `sys_path`, which begins with it.

    `modules` are imported by the worker that is started ahead of its first run; records below `log_level` are not
    passed on; a run that timed out has `grace_s` seconds between TERM and KILL. A worker is replaced after so many
    `calls`.
    """

    config_folder: str
    sys_path: list[str]
    modules: list[str]
    log_level: str
    grace_s: float
    calls: int


@dataclass(frozen=True, slots=True)
class Trust:
    """Runs may start until boot second `gate_until`, and exclusive ones live until `exclusive_until`."""

    gate_until: float
    exclusive_until: float


@dataclass(frozen=True, slots=True)
class Start:
    """What both kinds of run need: the facts that the job is told, and the rules that the supervisor keeps.

    `env` holds what the job's action adds to the environment: text, or `{"file": path}` for the content of a file,
    which the run's own process reads. It may hold secrets, so it is in no `repr`. `timeout_s` is None for no limit.
    `output` says what is told of what it writes: `log`, `tail` or `none`.
    """

    key: str
    job: str
    run: str
    tick: str
    attempt: int
    term: int
    fence: str
    env: dict[str, str | dict[str, str]] = field(repr=False)
    timeout_s: float | None
    exclusive: bool
    output: str

    def facts(self) -> dict[str, str]:
        """What every run is told, as variables of its environment."""
        facts = ("job", "run", "tick", "attempt", "term", "fence")
        return {f"LEASEBEAT_{fact.upper()}": str(getattr(self, fact)) for fact in facts}


@dataclass(frozen=True, slots=True)
class StartPython(Start):
    """Call `function` of `module`. `arguments` is the hex of a pickled `(args, kwargs)`: YAML knows more than JSON.

    They may hold secrets as well.
    """

    module: str
    function: str
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartShell(Start):
    """Execute `command`: text through sh, a list as it is, in `cwd` as seen from the config's folder."""

    command: str | list[str]
    cwd: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask this run to end, and make it end after the grace, as at a timeout."""

    key: str


@dataclass(frozen=True, slots=True)
class Kill:
    """End this run now."""

    key: str


@dataclass(frozen=True, slots=True)
class KillExclusive:
    """The lead is lost: shut the gate and end every exclusive run."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has its modules imported, or its call behind it, and can be given another.

    One that ends a call without this word ends itself.
    """


@dataclass(frozen=True, slots=True)
class Started:
    """The first statement was reached with the gate open, `at` this wall time (ISO) and this `boot` second.

    `session` is the run's session id, which is also the process id of its first process.
    """

    key: str
    at: str
    boot: float
    session: int


@dataclass(frozen=True, slots=True)
class Output:
    """Lines a run wrote to `stdout` or `stderr`, or one record of Python's logging, whose stream is `log`."""

    key: str
    stream: str
    lines: list[str]
    logger: str | None = None
    level: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, with the fields of `core.ports.RunEnded`."""

    key: str
    outcome: str
    took_ms: int
    reason: str | None = None
    error: str | None = None


Report = Started | Output | Ended
Message = Setup | Trust | StartPython | StartShell | Stop | Kill | KillExclusive | Ready | Report

_KINDS = {kind.__name__: kind for kind in Message.__args__}


def encode(message: Message) -> bytes:
    """The message as a line."""
    values = [getattr(message, each.name) for each in fields(message)]
    return json.dumps([type(message).__name__, *values]).encode() + b"\n"


class Decoder:
    """Turns bytes, however they were cut on their way, back into messages of at most so many bytes."""

    def __init__(self, most_bytes: int = sys.maxsize) -> None:
        self._most_bytes = most_bytes
        self._parts: list[bytes] = []
        self._bytes = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages completed by `data`; ValueError when a line is none of ours, or too long."""
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes > self._most_bytes + len(data):
            raise ValueError(f"not a message: {self._bytes} bytes without an end")
        if b"\n" not in data:
            return []
        *lines, rest = b"".join(self._parts).split(b"\n")
        self._parts, self._bytes = [rest], len(rest)
        return [_decode(line) for line in lines]


def _decode(line: bytes) -> Message:
    try:
        name, *values = json.loads(line)
        message: Message = _KINDS[name](*values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a message: {line[:16]!r}, {len(line)} bytes") from error  # more might show a secret
    return message

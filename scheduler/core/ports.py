"""What the rooms ask of one another, as protocols: they do not import each other, app/ introduces them.

Times come in two kinds. *Boot* seconds (`Clock.boot`) are a float from CLOCK_BOOTTIME: they never jump, go on while the
machine sleeps, and mean nothing on another machine; trust and deadlines use them. *Wall* time is an aware datetime in
UTC: ticks and log lines use it. The two are never compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from scheduler.core.actions import Action
from scheduler.core.job import Output


class Clock(Protocol):
    """The two clocks of this machine."""

    def boot(self) -> float:
        """Seconds since boot, sleep included (CLOCK_BOOTTIME)."""

    def wall(self) -> datetime:
        """Now, in UTC."""


class Tell(Protocol):
    """Writes one log event. The event's name decides its level and the order of its fields (`telling/events.py`)."""

    def __call__(self, event: str, /, **facts: object) -> None:
        """Write one line for `event` with these facts."""


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A Lease as one store holds it: the five fields of its spec, our annotation, and what a write over it must quote.

    `holder` is empty for a released Lease, whether the store says null or "". `ledger` is the text of the annotation
    `leasebeat/ledger`, None where there is none. `acquired` and `renewed` are MicroTime text (six digits and `Z`) and
    are only ever shown, never compared with a clock. `version` (resourceVersion) and `uid` are opaque and empty before
    the first write. `notes` are our other annotations by what follows `leasebeat/`: commands (`cmd-m-7f3a...`) and
    `paused`. `rest` is whatever else the store's object carries; it goes back unchanged with every write.
    """

    holder: str
    duration_s: int
    acquired: str
    renewed: str
    transitions: int
    ledger: str | None
    version: str = ""
    uid: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    rest: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


class LeaseStore(Protocol):
    """Where one Lease lives. Calls may come from two threads at once: the campaign's and the watch's.

    Every call raises only `StoreError`s and returns within about `timeout_s` seconds. A `Conflict`, an `Absent` or an
    `Unavailable` from a write does not prove that it was not applied.
    """

    @property
    def place(self) -> str:
        """The store's name for log lines: `kubernetes:ops/beat-leasebeat`, `sqlite:leasebeat.db`."""

    @property
    def is_local(self) -> bool:
        """Whether all replicas share this machine, so that a missing Lease may be created at once (rule 28)."""

    @property
    def server_time(self) -> datetime | None:
        """The store's own wall clock as its last answer told it, to the second (rule 13).

        None where the store has no clock but this machine's, or has not answered yet.
        """

    def log_command(self, holder: str) -> str | None:
        """The command that shows the log of this holder of the Lease; None where there is no such command."""

    def read(self, timeout_s: float) -> LeaseRecord | None:
        """The Lease as it is now, read from the store itself and never from a cache; None when there is none."""

    def create(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """Make the Lease, which must not exist (`Conflict`), and return it as stored."""

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """Write the whole Lease over the version and uid that `record` quotes, and return it as stored.

        Raises `Conflict` when it is no longer that version, `Absent` when it is gone.
        """

    def watch(self, seen: Callable[[LeaseRecord | None], None], stop: threading.Event) -> None:
        """Call `seen` with the Lease as it is now and again after each change, None standing for "there is none".

        Blocks. Returns when `stop` is set, or when the store ended the watch in good order, to be called again at
        once; raises `Unavailable` on a failure and `WatchForbidden` when the account may only read.
        """

    def close(self) -> None:
        """Give connections back; a watch that is under way returns soon."""


@dataclass(frozen=True, slots=True)
class Ring:
    """What the alarm rings for: ticks became `claimable`, and the latest that fell `due`. Neither: a mere heartbeat.

    A tick that cannot be claimed ahead of its time becomes claimable as it falls due.
    """

    claimable: bool = False
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunOrder:
    """All that a runner must know to start one attempt of one run.

    `key` names the attempt inside this process. `timeout_s` is None for no limit. `exclusive` runs die when the trust
    in the lead runs out (rule 11). The term and the fencing token are handed to the job. `output` says which of its
    lines are to be reported. `failures` counts the attempts whose failure was recorded. What `replaces` must not begin
    beside another run of its job. With `adopts` a run that was begun elsewhere is taken up, and not begun if there is
    none.
    """

    key: str
    job: str
    run: str
    tick: str
    attempt: int
    term: int
    fence: str
    action: Action
    timeout_s: float | None
    exclusive: bool
    output: Output = Output.LOG
    failures: int = 0
    replaces: bool = False
    adopts: bool = False

    @property
    def was_cut_off(self) -> bool:
        """Whether a leader was lost with it: what outlives a leader may be there already, under the same name."""
        return self.adopts or self.attempt > self.failures + 1


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run's first statement was reached with the gate open, `at` this wall time."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RunOutput:
    """One line that the run wrote; `logger` and `level` are set when it came through Python's `logging`."""

    key: str
    stream: str
    text: str
    logger: str | None = None
    level: str | None = None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over and nothing of it is left alive.

    `outcome` is `succeeded`, `failed`, `timed_out`, `killed` (by us, its right to run was gone), `gate_shut` (its
    first statement found the gate shut, so nothing of it was done) or `absent` (it was to be taken up, and there is
    nothing to take up). `reason` and `error` explain a failure.
    """

    key: str
    outcome: str
    took_ms: int
    reason: str | None = None
    error: str | None = None


RunNews = RunStarted | RunOutput | RunEnded


class Listener(Protocol):
    """Hears every event that this process tells, once it is logged."""

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Take note, in the thread that told it: at once, without I/O, without waiting, and raising nothing."""


class Runner(Protocol):
    """Starts runs and reports on them through a callback, from a thread of its own; no call waits for a job."""

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        """Let runs start until boot second `gate_until`, and exclusive ones live until `exclusive_until`."""

    def start(self, order: RunOrder) -> None:
        """Start the run unless the gate is shut when its first statement is reached."""

    def stop(self, key: str) -> None:
        """Ask this run to end, as at its timeout, and make it end where it does not, if it is killable."""

    def kill(self, key: str) -> None:
        """End this run and all that it started, if it is killable and still alive."""

    def kill_exclusive(self) -> None:
        """The lead is lost: shut the gate, and end every exclusive run that is killable.

        An adoptable one is not ended but let go of: it goes on, and the next leader takes it up.
        """

    def let_go(self, key: str) -> None:
        """Follow this adoptable run no longer: it goes on without us, and is not reported on any more."""

    def close(self) -> None:
        """End every killable run and the runner itself."""

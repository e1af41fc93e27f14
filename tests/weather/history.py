"""What a judge is told: which jobs were declared, what their runs did, what the log says, and what was done to it all.

Plain data. It comes from the simulated weather as well as from real processes, so nothing here knows either. All times
are float seconds since 1970 by the one true clock; where there is none, by the clock of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, nextafter


@dataclass(frozen=True, slots=True)
class Declared:
    """One definition of a job, as a user would write it, and the span in which it ruled.

    It ticks every `period_s` seconds since 1970, shifted by `offset_s`; or at what `ticks(after, until)` gives,
    ascending, later than the first and not later than the second instant; or, with neither, only when it is asked to.

    No tick up to `loaded` may run: that is when the first replica had the definition. From `since` on every tick owes a
    line: the instant of the first accepted plan of a table with it, None for the first `lead.acquired` of the log. No
    tick is claimed after `until`: the instant of the first accepted plan of a newer table without it. Ticks later than
    `owed_until` owe no line: what had not been decided by then went with the definition. An edited job is two of these
    under one name. What is `adoptable` outlives the replica that began it: its attempts are those that were begun, not
    those that took one up.
    """

    name: str
    period_s: int | None = None
    offset_s: int = 0
    ticks: Callable[[float, float], Iterable[float]] | None = None
    overlap: str = "skip"
    killable: bool = True
    adoptable: bool = False
    timeout_s: float = inf
    at_most_once: bool = False
    catch_up: str = "latest"
    window_s: float = 3600.0
    max_catch_up: int = 10
    retries: int = 0
    max_interruptions: int = 3
    jitter_s: float = 0.0
    loaded: float = -inf
    since: float | None = None
    until: float = inf
    owed_until: float = inf

    @property
    def exclusive(self) -> bool:
        """Whether it must never run beside itself."""
        return self.overlap != "allow"

    def between(self, after: float, until: float) -> Iterable[float]:
        """Its ticks later than `after` and not later than `until`."""
        if self.ticks:
            return self.ticks(after, until)
        if self.period_s is None or until <= after:
            return ()
        first = (int((after - self.offset_s) // self.period_s) + 1) * self.period_s + self.offset_s
        return range(first, int(until // 1) + 1, self.period_s)

    def has(self, tick: float) -> bool:
        """Whether this is one of its ticks."""
        if self.ticks is None and self.period_s:
            return (tick - self.offset_s) % self.period_s == 0
        return tick in tuple(self.between(nextafter(tick, -inf), tick))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One side effect: an attempt of a run, from its first statement to the last instant at which it did anything.

    `ended` is None where it lived on to the end of the history. `outcome` is `succeeded`, `failed`, `timed_out`,
    `killed` (its right to run was gone) or `died` (with its replica); None where nobody knows.
    """

    replica: str
    run: str
    number: int
    started: float
    ended: float | None = None
    outcome: str | None = None

    @property
    def job(self) -> str:
        return self.run.partition("@")[0]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a replica's log. `facts` are as in its JSON: `run`, `tick`, `to`, `reason`, `repeated`, ..."""

    at: float
    replica: str
    event: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Gate:
    """A span in which this replica was seen to believe that it may start runs."""

    replica: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Excused:
    """Ticks later than `since` and not later than `until` owe no line, and a ledger may be reported lost up to then.

    Only for what the promise itself declares void. Nothing may start twice all the same. `job` None: of all jobs.
    """

    since: float
    until: float
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Ticks of `job` (None: of all) between the commit of the pause and the command to resume must not run."""

    job: str | None
    since: float
    until: float = inf


@dataclass(slots=True)
class History:
    """All of it. Ticks later than `until` owe no line yet: whatever may hold them up must have had the time to end.

    `asked` holds the ids of the manual runs that somebody asked for, None where nobody kept count; those in `refused`
    owe no line. `early_s` is by how much a run may start before its tick, as far as wall clocks may differ.
    """

    declared: Iterable[Declared]
    attempts: list[Attempt] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    until: float = inf
    gates: list[Gate] = field(default_factory=list)
    excused: list[Excused] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    asked: set[str] | None = None
    refused: set[str] = field(default_factory=set)
    early_s: float = 0.05


@dataclass(frozen=True, slots=True)
class Objection:
    """What the judge has to say: which promise is broken, about what, and around which instant."""

    promise: str
    about: str
    at: float

    def __str__(self) -> str:
        return f"{self.promise}: {self.about}"

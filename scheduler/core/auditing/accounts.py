"""The accounts of an audit: what logs say became of each tick.

A log line speaks for a tick in one of three ways. A *final* line gives it its fate; of several, a plain one outweighs
one that a successor repeated, and that one outweighs an end that could not be recorded. A *sign* says that its run was
under way at some time. A *count* speaks for so many ticks without naming them. What is right and what is missing is
judged in `verdict.py`. Times and ticks are Unix seconds here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from itertools import chain
from typing import NamedTuple

from scheduler.core.auditing.pauses import Pauses
from scheduler.core.auditing.tick_map import Tick, TickMap
from scheduler.core.job import instant_text
from scheduler.core.ledger import MANUAL

ALL_JOBS = "*"  # stands for the job in a count that no longer says whose ticks they were
NEVER = -math.inf


class Fate(StrEnum):
    """What may become of a tick, in the order in which an audit counts them."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    DROPPED = "dropped"
    INTERRUPTED = "interrupted"


_FATES = tuple(Fate)
_NUMBERS = {fate: number for number, fate in enumerate(Fate)}
_ATTEMPTS = 1000  # more than any run may have


class Weight(IntEnum):
    """How much a final line counts beside another one of the same run."""

    UNRECORDED = 0
    REPEATED = 1
    PLAIN = 2


_WEIGHTS = tuple(Weight)


class Final(NamedTuple):
    """A final line; `where` is whatever number the reader knows the line by."""

    fate: Fate
    weight: Weight
    where: int

    def packed(self) -> int:
        """The same in one integer: there is one for every tick."""
        return self.where << 5 | self.weight << 3 | _NUMBERS[self.fate]

    def contradicts(self, other: Final) -> bool:
        """Whether one run cannot have both lines: two of them are plain, or they tell different fates."""
        if Weight.UNRECORDED in (self.weight, other.weight):
            return False
        return self.weight == other.weight == Weight.PLAIN or self.fate is not other.fate


def unpacked(number: int) -> Final:
    """The final line that `packed` gave this number."""
    return Final(_FATES[number & 7], _WEIGHTS[number >> 3 & 3], number >> 5)


@dataclass(frozen=True, slots=True)
class Span:
    """The time from `since` to just before `until`."""

    since: float
    until: float

    def __contains__(self, at: object) -> bool:
        return isinstance(at, int | float) and self.since <= at < self.until


@dataclass(slots=True)
class Count:
    """`left` ticks between `first` and `last` have this fate; which of them, the log does not say."""

    first: int
    last: int
    left: int
    fate: Fate


@dataclass(slots=True)
class JobAccount:
    """What the logs say about one job. Grows with its ticks, whatever the number of lines.

    `finals` has the weightiest final line of each run, `starts` the line in which each attempt started. `moved_at` is
    when its last final line was told, `blocked` its newest tick that was skipped behind a run, and that run.
    """

    finals: TickMap = field(default_factory=TickMap)
    signs: dict[Tick, float] = field(default_factory=dict)
    starts: TickMap = field(default_factory=TickMap)
    doubled: dict[tuple[Tick, int | None], list[int]] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    moved_at: float = NEVER
    blocked: tuple[float, Tick] = (NEVER, 0)

    def end(self, tick: Tick, final: Final, at: float) -> None:
        """Note a final line, told at `at`."""
        self.moved_at = max(self.moved_at, at)
        if self.signs and (final.weight > Weight.UNRECORDED or self.signs.get(tick, NEVER) <= at):
            self.signs.pop(tick, None)
        earlier = self.final(tick)
        if earlier and earlier.contradicts(final):
            self.doubled.setdefault((tick, None), [earlier.where]).append(final.where)
        if earlier is None or final.weight > earlier.weight:
            self.finals[tick] = final.packed()

    def start(self, tick: Tick, attempt: int, where: int) -> None:
        """Note that an attempt started; none does so twice."""
        key = tick * _ATTEMPTS + attempt if isinstance(tick, int) else f"{tick}#{attempt}"
        first = self.starts.get(key)
        if first is None:
            self.starts[key] = where
        elif first != where:
            self.doubled.setdefault((tick, attempt), [first]).append(where)

    def sign(self, tick: Tick, at: float) -> None:
        """Note that the run was under way at `at`."""
        final = self.finals.get(tick)
        if final is None or unpacked(final).weight is Weight.UNRECORDED:
            self.signs[tick] = max(at, self.signs.get(tick, NEVER))

    def block(self, tick: float, blocker: Tick, at: float) -> None:
        """Note that at `at` a tick was skipped behind `blocker`: that run, and no other, was under way."""
        if tick > self.blocked[0]:
            self.blocked = tick, blocker
        self.sign(blocker, at)

    def final(self, tick: Tick) -> Final | None:
        """The weightiest final line of the run."""
        packed = self.finals.get(tick)
        return None if packed is None else unpacked(packed)

    def first_told(self, span: Span) -> int | None:
        """The first tick of the span of which anything is told."""
        ended = next((tick for tick in self.finals.ticks() if tick in span), None)
        signs = (tick for tick in self.signs if isinstance(tick, int) and tick in span)
        return min(chain(signs, () if ended is None else (ended,)), default=None)

    def fate(self, tick: Tick) -> Final | None:
        """The final line, unless the run was under way again after an end that was not recorded."""
        return None if tick in self.signs else self.final(tick)


@dataclass(slots=True)
class Accounts:
    """What the logs say about all jobs and their pauses, and the intervals that a damaged ledger cannot account for."""

    jobs: dict[str, JobAccount] = field(default_factory=dict)
    lost: list[Span] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    pauses: Pauses = field(default_factory=Pauses)

    def of(self, job: str) -> JobAccount:
        """The account of this job; it is opened by being asked for."""
        account = self.jobs.get(job)
        if account is None:
            account = self.jobs[job] = JobAccount()
        return account

    def count(self, job: str, count: Count) -> None:
        """Note ticks that a line counts without naming them."""
        (self.counts if job == ALL_JOBS else self.of(job).counts).append(count)


def seconds(tick: Tick) -> float:
    """When a tick is, or when a manual run was asked for; raises ValueError for a text that is no such time."""
    return tick if isinstance(tick, int) else datetime.fromisoformat(tick.removeprefix(MANUAL)).timestamp()


def instant(at: float) -> datetime:
    """The same time as Python has it."""
    return datetime.fromtimestamp(at, UTC)


def tick_text(tick: int) -> str:
    """A tick as run ids have it: `2026-11-22T02:15:00Z`."""
    return instant_text(instant(tick))

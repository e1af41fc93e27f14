"""The verdict of an audit: the accounts held against the ticks that the schedules have.

Every tick must have exactly one fate. What has none is not lost for that alone, because logs end while jobs run: it is
under way as long as nothing in the logs speaks against it (`still_open.py`), and unaccounted for otherwise.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from heapq import merge
from itertools import chain, groupby, takewhile
from typing import NamedTuple

from scheduler.core.auditing.accounts import Accounts, Fate, JobAccount, Span, Weight, instant, seconds, tick_text
from scheduler.core.auditing.still_open import Horizon, StillOpen
from scheduler.core.auditing.tick_map import Tick
from scheduler.core.job import Job, run_id
from scheduler.core.schedule import ticks_between
from scheduler.core.wording.schedules import when_in_words

_JUST_BEFORE = timedelta(microseconds=1)


class Told(NamedTuple):
    """A new leader's line about a job's schedule: in which words, and whether the ledger had not known it before."""

    at: float
    when: str
    zone: str | None
    new: bool


def served(job: Job, told: Iterable[Told], span: Span, account: JobAccount) -> list[Span]:
    """The parts of `span` in which leaders served this very definition, by their lines about the job.

    A definition that was new had no ticks before its line. One that was known had, however long it was not told:
    what fell due under a replica with another table is caught up. The line of another definition ends it.
    """
    when = when_in_words(job.schedule, job.zone) if job.schedule else None
    in_order = sorted(told, key=lambda line: line.at)
    grouped = groupby(in_order, lambda line: line.when == when and line.zone in (None, job.zone))
    stretches = [(is_ours, list(lines)) for is_ours, lines in grouped]
    ends = [*(lines[0].at for _, lines in stretches[1:]), span.until]
    parts: list[Span] = []
    for (is_ours, lines), until in zip(stretches, ends, strict=False):
        if is_ours and lines[0].new:
            parts.append(Span(_beginning(lines, account), until))
        elif is_ours:
            parts.append(Span(parts.pop().since if parts else span.since, until))
    within = (Span(max(part.since, span.since), min(part.until, span.until)) for part in parts)
    return [part for part in within if part.since < part.until]


def _beginning(lines: list[Told], account: JobAccount) -> float:
    """When a new definition had its first tick: with the first leader whose plan got it into the ledger (P6).

    One to which it is new again was not preceded by such a leader. It decides on the ticks since it loaded its table,
    and nobody can know those before.
    """
    since = lines[0].at
    for line in takewhile(lambda line: line.new, lines[1:]):
        first = account.first_told(Span(since, line.at))
        since = line.at if first is None else first
    return since


class Run(NamedTuple):
    """One run, manual or of a tick."""

    job: str
    tick: Tick

    @property
    def id(self) -> str:
        """The run id, as logs have it."""
        return run_id(self.job, self.tick if isinstance(self.tick, str) else tick_text(self.tick))


class Doubled(NamedTuple):
    """A run with more than one fate, or (with `attempt`) an attempt that started more than once; and the lines."""

    run: Run
    attempt: int | None
    wheres: tuple[int, ...]


class Gap(NamedTuple):
    """Runs of one job, one after another, without a fate."""

    job: str
    ticks: list[Tick]


@dataclass(slots=True)
class Tally:
    """How many runs had which fate, and which had none or too many.

    `lost` fell into an interval that the ledger lost; `counted` is how many a line counted without naming them, and
    `unrecorded` how many of the fates the ledger never held.
    """

    fates: Counter[Fate] = field(default_factory=Counter)
    under_way: list[Run] = field(default_factory=list)
    unaccounted: list[Gap] = field(default_factory=list)
    lost: list[Gap] = field(default_factory=list)
    doubled: list[Doubled] = field(default_factory=list)
    counted: int = 0
    unrecorded: int = 0

    @property
    def total(self) -> int:
        """All runs there should have been."""
        missing = size(self.unaccounted) + size(self.lost)
        return self.fates.total() + self.counted + len(self.under_way) + missing

    @property
    def in_order(self) -> bool:
        """Whether each run has one fate, or is still under way."""
        return not (self.unaccounted or self.lost or self.doubled)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on ticks and on manual runs; `strays` counts by job the ticks that its schedule does not have."""

    ticks: Tally
    manual: Tally
    strays: Counter[str]

    @property
    def in_order(self) -> bool:
        """Whether nothing is to be objected to."""
        return self.ticks.in_order and self.manual.in_order


def size(gaps: Iterable[Gap]) -> int:
    """How many runs these are."""
    return sum(len(gap.ticks) for gap in gaps)


def judge(
    accounts: Accounts, expected: Mapping[str, tuple[Job | None, list[Span]]], span: Span, horizon: Horizon
) -> Verdict:
    """Judge the ticks of `span` of the jobs in `expected`: those of their schedules in the parts given, and those told.

    A job that is None is not in the table: only what the logs tell of it is judged.
    """
    verdict = Verdict(Tally(), Tally(), Counter())
    for name, (job, parts) in expected.items():
        account = accounts.of(name)
        due = chain.from_iterable(_due(job, part, account, span) for part in parts)
        strays = _Strays(parts)
        judge_one = _JobJudge(name, job, account, accounts, horizon)
        judge_one.judge(verdict.ticks, strays.counted(due, _told(account, span)))
        judge_one.judge(verdict.manual, _told_manual(account, span))
        verdict.strays[name] = strays.count
        _count_strangers(job, account, span, verdict.ticks)
        for (tick, attempt), wheres in account.doubled.items():
            if seconds(tick) in span:
                tally = verdict.manual if isinstance(tick, str) else verdict.ticks
                tally.doubled.append(Doubled(Run(name, tick), attempt, tuple(wheres)))
    return verdict


class _Strays:
    """Counts the ticks that logs tell of and that a schedule does not have, in the parts where it was served."""

    def __init__(self, parts: list[Span]) -> None:
        self._parts = parts
        self.count = 0

    def counted(self, due: Iterable[int], told: Iterable[int]) -> Iterator[int]:
        """The ticks of both, in order, each once; both are in order themselves."""
        waiting = iter(told)
        other = next(waiting, None)
        for tick in due:
            while other is not None and other < tick:
                yield self._seen(other)
                other = next(waiting, None)
            if other == tick:
                other = next(waiting, None)
            yield tick
        while other is not None:
            yield self._seen(other)
            other = next(waiting, None)

    def _seen(self, tick: int) -> int:
        self.count += any(tick in part for part in self._parts)
        return tick


def _told(account: JobAccount, span: Span) -> Iterator[int]:
    """The ticks of the span that have a final line, or only a sign, in order."""
    signs = sorted(tick for tick in account.signs if isinstance(tick, int) and tick not in account.finals)
    told = merge(account.finals.ticks(), signs) if signs else account.finals.ticks()
    return (tick for tick in told if tick in span)


def _told_manual(account: JobAccount, span: Span) -> list[str]:
    signs = (tick for tick in account.signs if isinstance(tick, str))
    return sorted(run for run in {*account.finals.manual(), *signs} if seconds(run) in span)


def _due(job: Job | None, part: Span, account: JobAccount, span: Span) -> Iterable[int]:
    """The ticks of this part that must have a fate.

    Where another definition follows, they end with the last that has a sign: what fell due later, with no leader, was
    gone with its definition when somebody did, and nobody knows it (rule 20).
    """
    if job is None or not job.enabled or job.schedule is None:
        return []
    after, until = (instant(at) - _JUST_BEFORE for at in (part.since, part.until))
    ticks = (int(tick.timestamp()) for tick in ticks_between(job.schedule, after, until))
    if part.until < span.until:
        known = array("q", ticks)
        last = max((tick for tick in known if tick in account.signs or account.fate(tick)), default=0)
        return (tick for tick in known if tick <= last)
    return ticks


def _count_strangers(job: Job | None, account: JobAccount, span: Span, tally: Tally) -> None:
    """Counts of a job that is not in the table: none of its ticks is expected, so they are taken at their word."""
    if job is None:
        for count in account.counts:
            tally.fates[count.fate] += count.left if count.first in span else 0


class _JobJudge:
    """Walks over one job's runs, oldest first."""

    def __init__(self, name: str, job: Job | None, account: JobAccount, accounts: Accounts, horizon: Horizon) -> None:
        self._name = name
        self._account = account
        self._counts = [*account.counts, *accounts.counts]
        self._lost = accounts.lost
        paused_until = accounts.pauses.until(name)
        self._still_open = cache(lambda: StillOpen(job, account, horizon, paused_until))  # most jobs miss nothing

    def judge(self, tally: Tally, ticks: Iterable[Tick]) -> None:
        """Enter each run in the tally."""
        before: list[Gap] | None = None
        for tick in ticks:
            now = self._enter(tally, tick)
            if now is not None and now is before:
                now[-1].ticks.append(tick)
            elif now is not None:
                now.append(Gap(self._name, [tick]))
            before = now

    def _enter(self, tally: Tally, tick: Tick) -> list[Gap] | None:
        """Count the run, or return the list of gaps that it belongs to."""
        final = self._account.fate(tick)
        if final:
            tally.fates[final.fate] += 1
            tally.unrecorded += final.weight is Weight.UNRECORDED
        elif isinstance(tick, int) and self._is_counted(tick):
            tally.counted += 1
        elif self._still_open().open(tick):
            tally.under_way.append(Run(self._name, tick))
        else:
            return tally.lost if any(seconds(tick) in span for span in self._lost) else tally.unaccounted
        return None

    def _is_counted(self, tick: int) -> bool:
        for count in self._counts:
            if count.left and count.first <= tick <= count.last:
                count.left -= 1
                return True
        return False

"""Reading logs into the accounts of an audit, line by line, however many there are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import IO

from scheduler.cli.auditing.common import Common, common_line
from scheduler.cli.auditing.lines import (
    CONFIG,
    FINAL,
    LEADS,
    LOST,
    PAUSED,
    RESUMED,
    SCHEDULE,
    SIGNS,
    Line,
    gap_of,
    read_line,
    run_of,
    time_of,
    with_dates,
)
from scheduler.cli.auditing.times import LineTimes
from scheduler.core.auditing.accounts import (
    ALL_JOBS,
    NEVER,
    Accounts,
    Count,
    Fate,
    Final,
    JobAccount,
    Span,
    Weight,
    instant,
    seconds,
)
from scheduler.core.auditing.pauses import Steer
from scheduler.core.auditing.verdict import Told
from scheduler.core.job import Job
from scheduler.core.schedule import ticks_between

LONGEST_LINE = 1 << 20  # bytes; a file without line ends must not fill the memory
_SECOND = timedelta(seconds=1)
_SOURCE = 1 << 40  # more lines than a file has
_NOW_AND_THEN = (1 << 14) - 1


@dataclass(slots=True)
class Logs:
    """All that the logs of an audit told.

    `led` is the time of the first line which only a leader writes, `led_since` that of the last lead acquired or
    resumed, which nobody had had for `gap_s` seconds after the leader before lost it or `released` it; times are Unix
    seconds, `times` those of all lines. `ignored` counts the lines that were no log lines. `told` has the schedule's
    lines by job, `hashes` those of the tables that replicas loaded.
    """

    accounts: Accounts = field(default_factory=Accounts)
    told: dict[str, set[Told]] = field(default_factory=dict)
    hashes: set[str] = field(default_factory=set)
    times: LineTimes = field(default_factory=LineTimes)
    led: float = math.inf
    led_since: float = NEVER
    gap_s: float = 0.0
    released: bool = False
    lines: int = 0
    ignored: int = 0
    sources: list[str] = field(default_factory=list)

    @property
    def first(self) -> float:
        """The time of the first line; infinity without any."""
        return self.times.first

    @property
    def last(self) -> float:
        """The time of the last line; minus infinity without any."""
        return self.times.last

    def place(self, where: int) -> str:
        """The file and the line, as an editor takes them."""
        source, number = divmod(where, _SOURCE)
        return f"{self.sources[source]}:{number}"


class LogReader:
    """Reads logs, one after another, into `logs`; `jobs` tell which ticks a line stands for that names two of many.

    `progress` is called with the number of lines read so far, now and then.
    """

    def __init__(self, jobs: Mapping[str, Job], progress: Callable[[int], None] = lambda _: None) -> None:
        self.logs = Logs()
        self._jobs = jobs
        self._progress = progress
        self._accounts: dict[bytes, JobAccount] = {}

    def read(self, name: str, stream: IO[bytes]) -> None:
        """Read one log to its end."""
        source = len(self.logs.sources) * _SOURCE
        self.logs.sources.append(name)
        for line in with_dates(self._uncommon(stream, source)):
            self._take(line, source + line.number)

    def _uncommon(self, stream: IO[bytes], source: int) -> Iterator[Line]:
        """The lines of which there are few; the others are taken note of as they come."""
        logs = self.logs
        for number, raw in _numbered(stream):
            if not number & _NOW_AND_THEN:
                self._progress(logs.lines)
            if common := common_line(raw):
                logs.lines += 1
                self._take_common(common, source + number)
                continue
            text = raw.decode(errors="replace").strip()
            if not text:
                continue
            logs.lines += 1
            line = read_line(text)
            if line is None:
                logs.ignored += 1
            else:
                line.number = number
                yield line

    def _take_common(self, line: Common, where: int) -> None:
        at, verb, job, tick = line
        account = self._accounts.get(job)
        if account is None:
            account = self._accounts[job] = self.logs.accounts.of(job.decode())
        if verb == b"succeeded":
            account.end(tick, Final(Fate.SUCCEEDED, Weight.PLAIN, where), at)
        else:
            account.sign(tick, at)
            if verb == b"started":
                account.start(tick, 1, where)
        self.logs.times.note(at)
        self.logs.led = min(self.logs.led, at)

    def _take(self, line: Line, where: int) -> None:
        logs = self.logs
        try:
            self._note(line, where)
        except (ValueError, TypeError, LookupError, OverflowError, OSError):  # another program's, or cut off
            logs.ignored += 1
            return
        logs.times.note(line.at)
        if line.event in LEADS or line.event.startswith("run."):
            logs.led = min(logs.led, line.at)

    def _note(self, line: Line, where: int) -> None:
        facts, logs = line.facts, self.logs
        if line.event in FINAL:
            self._end(line, where)
        elif line.event in SIGNS:
            self._sign(line, where)
        elif line.event in LEADS and line.at >= logs.led_since:
            logs.led_since, logs.gap_s, logs.released = line.at, gap_of(facts), facts.get("cause") == "released"
        elif line.event == SCHEDULE:
            self._schedule(line)
        elif line.event in (PAUSED, RESUMED):
            until = _until(facts.get("until")) if line.event == PAUSED else None
            logs.accounts.pauses.hear(_text(facts.get("job")), Steer(line.at, until))
        elif line.event == LOST:
            logs.accounts.lost.append(_lost(facts))
        elif line.event == CONFIG and facts.get("hash"):
            logs.hashes.add(str(facts["hash"]))

    def _schedule(self, line: Line) -> None:
        job, facts, logs = str(line.facts["job"]), line.facts, self.logs
        told = Told(line.at, str(facts["when"]), _text(facts.get("zone")), _is_new(facts))
        logs.told.setdefault(job, set()).add(told)
        if facts.get("paused"):
            logs.accounts.pauses.hear(job, Steer(line.at, _until(facts["paused"])))

    def _sign(self, line: Line, where: int) -> None:
        job, tick = run_of(str(line.facts["run"]))
        account = self.logs.accounts.of(job)
        account.sign(tick, line.at)
        if line.event == "run.started":
            account.start(tick, _number(line.facts.get("attempt")), where)

    def _end(self, line: Line, where: int) -> None:
        facts, accounts = line.facts, self.logs.accounts
        job, tick = run_of(str(facts["run"]))
        final = Final(FINAL[line.event], _weight(facts), where)
        if job == ALL_JOBS or facts.get("to"):
            self._fold(line, job, seconds(tick), final)
        else:
            accounts.of(job).end(tick, final, line.at)
        if facts.get("reason") == "paused":
            accounts.pauses.skip(job, time_of(str(facts["to"])) if facts.get("to") else seconds(tick))
        if facts.get("blocker"):
            accounts.of(job).block(seconds(tick), run_of(str(facts["blocker"]))[1], line.at)

    def _fold(self, line: Line, job: str, first: float, final: Final) -> None:
        """A line for many ticks: one by one where the schedule has as many in that time, else as their count."""
        count, last = (
            _number(line.facts.get("ticks")),
            time_of(str(line.facts["to"])) if line.facts.get("to") else first,
        )
        schedule = self._jobs[job].schedule if job in self._jobs else None
        span = (instant(first) - _SECOND, instant(last))
        if schedule and schedule.count(*span) == count:
            for tick in ticks_between(schedule, *span):
                self.logs.accounts.of(job).end(int(tick.timestamp()), final, line.at)
        else:
            self.logs.accounts.count(job, Count(int(first), int(last), count, final.fate))


def _numbered(stream: IO[bytes]) -> Iterable[tuple[int, bytes]]:
    """The lines with their numbers; of one that is too long, the beginning."""
    number, whole = 0, True
    while raw := stream.readline(LONGEST_LINE):
        if whole:
            number += 1
            yield number, raw
        whole = raw.endswith(b"\n")


def _weight(facts: Mapping[str, object]) -> Weight:
    if facts.get("recorded") in (False, "no"):
        return Weight.UNRECORDED
    return Weight.REPEATED if facts.get("repeated") in (True, "true") else Weight.PLAIN


def _is_new(facts: Mapping[str, object]) -> bool:
    return facts["settled"] in (None, "new")


def _lost(facts: Mapping[str, object]) -> Span:
    """The interval, its last instant included, from the beginning of time where nothing is known of the past."""
    since = facts.get("from")
    return Span(time_of(str(since)) if since else NEVER, math.nextafter(time_of(str(facts["to"])), math.inf))


def _until(value: object) -> float:
    """When a pause ends; infinity for one that somebody has to end."""
    return math.inf if value in (None, True, "true") else time_of(str(value))


def _number(value: object) -> int:
    """A number, of which text leaves out the usual one."""
    return 1 if value is None else int(str(value))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

"""A history as a judge's articles look things up in it: by run, by job, by replica and by time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf

from tests.weather.history import Attempt, Declared, History, Line

FINAL = frozenset(f"run.{fate}" for fate in ("succeeded", "failed", "timed_out", "skipped", "dropped", "interrupted"))
Key = tuple[str, float | str]  # a run: its job, and its tick or, of a manual run, what follows the @


def tick_of(run: str) -> Key:
    """The job and the tick that a run id names."""
    job, _, text = run.partition("@")
    return job, text if text.startswith("manual-") else instant_of(text)


class Spans:
    """Spans of time, asked which of them holds an instant; those that touch or overlap count as one."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self._since: list[float] = []
        self._until: list[float] = []
        for since, until in sorted(spans):
            if self._until and since <= self._until[-1]:
                self._until[-1] = max(self._until[-1], until)
            else:
                self._since.append(since)
                self._until.append(until)

    def meet(self, since: float, until: float) -> bool:
        """Whether any span holds an instant later than `since` and not later than `until`."""
        at = bisect_right(self._until, since) if since < until else bisect_left(self._until, until)
        return at < len(self._since) and self._since[at] < until

    def cover(self, since: float, until: float) -> bool:
        """Whether one span holds all of this."""
        at = bisect_left(self._since, since) - 1
        return at >= 0 and until <= self._until[at]


@dataclass(slots=True)
class Fate:
    """What the log says became of one run: plainly, again for a leader before, or without the ledger's knowing."""

    plain: tuple[Line, ...] = ()
    repeated: tuple[Line, ...] = ()
    unrecorded: tuple[Line, ...] = ()

    def add(self, line: Line) -> None:
        if line.facts.get("repeated"):
            self.repeated += (line,)
        elif line.facts.get("recorded") is False:
            self.unrecorded += (line,)
        else:
            self.plain += (line,)

    @property
    def recorded(self) -> tuple[Line, ...]:
        return self.plain + self.repeated


@dataclass(slots=True)
class Case:
    """The history, with what the articles look up in it."""

    history: History
    rows: dict[str, list[Declared]]
    attempts: dict[str, list[Attempt]]
    fates: dict[Key, Fate]
    strangers: list[Line]
    led: dict[str, list[float]]
    resumed: dict[str, list[float]]
    announced: dict[tuple[str, object], float]
    excused: dict[str | None, Spans]
    began: float
    until: float

    @classmethod
    def of(cls, history: History) -> Case:
        rows: dict[str, list[Declared]] = defaultdict(list)
        for row in history.declared:
            rows[row.name].append(row)
        attempts: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in sorted(history.attempts, key=lambda attempt: attempt.started):
            attempts[attempt.run].append(attempt)
        excused: dict[str | None, list[tuple[float, float]]] = defaultdict(list)
        for excuse in history.excused:
            excused[excuse.job].append((excuse.since, excuse.until))
        spans = {job: Spans(found) for job, found in excused.items()}
        until = min(history.until, max((line.at for line in history.lines), default=-inf))
        case = cls(history, dict(rows), attempts, {}, [], defaultdict(list), defaultdict(list), {}, spans, inf, until)
        case._read_the_log()
        return case

    def _read_the_log(self) -> None:
        for line in sorted(self.history.lines, key=lambda line: line.at):
            if line.event in FINAL:
                for key in self._runs_of(line):
                    self.fates.setdefault(key, Fate()).add(line)
            elif line.event == "lead.acquired":
                self.led[line.replica].append(line.at)
                self.began = min(self.began, line.at)
            elif line.event == "lead.resumed":
                self.resumed[line.replica].append(line.at)
            elif line.event == "run.retrying":
                self.announced.setdefault((str(line.facts["run"]), line.facts.get("next_attempt")), line.at)

    def _runs_of(self, line: Line) -> Iterator[Key]:
        """The runs of one line; many ticks of one fate share one."""
        key = tick_of(str(line.facts["run"]))
        if line.facts.get("to") is None:
            yield key
            return
        job, first, last = str(line.facts["job"]), key[1], instant_of(str(line.facts["to"]))
        assert isinstance(first, float)
        for row in self.rows.get(job, []):
            if row.has(first) and row.has(last):
                ticks = [first, *row.between(first, last)]
                if len(ticks) == line.facts["ticks"]:
                    yield from ((job, float(tick)) for tick in ticks)
                    return
        self.strangers.append(line)

    def rows_with(self, key: Key) -> list[Declared]:
        """The definitions that this run may be of."""
        job, tick = key
        rows = self.rows.get(job, [])
        return rows if isinstance(tick, str) else [row for row in rows if row.has(tick)]

    def is_excused(self, key: Key) -> bool:
        job, tick = key
        spans = (self.excused.get(job), self.excused.get(None))
        return isinstance(tick, float) and any(span is not None and span.meet(tick, tick) for span in spans)

    def was_all_lost(self, since: float, until: float) -> bool:
        """Whether the ledger was lost meanwhile, so that nobody knows any more of what goes on without its leader."""
        lost = self.excused.get(None)
        return lost is not None and lost.meet(since, until)

    def took_the_lead(self, replica: str, since: float, until: float) -> bool:
        """Whether this replica told so later than `since` and not later than `until`."""
        return _any_between(self.led.get(replica, []), since, until)

    def began_to_lead(self, replica: str, since: float, until: float) -> bool:
        """Whether its gate opened anew: what fell due before was missed."""
        return self.took_the_lead(replica, since, until) or self.resumed_the_lead(replica, since, until)

    def resumed_the_lead(self, replica: str, since: float, until: float) -> bool:
        """Whether this replica told that it went on in its term."""
        return _any_between(self.resumed.get(replica, []), since, until)


def _any_between(instants: list[float], since: float, until: float) -> bool:
    at = bisect_right(instants, since)
    return at < len(instants) and instants[at] <= until


def instant_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

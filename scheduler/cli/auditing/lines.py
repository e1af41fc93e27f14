"""One line of a log, text or JSON, behind whatever prefix kubectl or `run --replicas` gave it, as plain facts.

Only what an audit needs is read. A line is known by its head, `TIME LEVEL EVENT` or a JSON object with these three, so
what a job prints cannot pass for one: it comes as the text of a `run.output` line, whose own head is the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from scheduler.core.auditing.accounts import Fate, seconds
from scheduler.core.auditing.tick_map import Tick
from scheduler.core.job import UNITS
from scheduler.core.ledger import MANUAL

FINAL = {f"run.{fate}": fate for fate in Fate}
SIGNS = ("run.started", "run.output", "run.retrying")
LEADS = ("lead.acquired", "lead.resumed")
SCHEDULE, LOST, CONFIG = "schedule.job", "ledger.lost", "config.loaded"
PAUSED, RESUMED = "job.paused", "job.resumed"

_PREFIX = r"\s*(?:[^\s{]\S*\s+){0,6}?"  # `[pod/beat-x2k4q/leasebeat] `, `a `, a container runtime's, journalctl's
_TIME = r"(\d{4}-\d\d-\d\dT)?(\d\d):(\d\d):(\d\d(?:\.\d+)?)Z"  # a log on a terminal has no dates
_TEXT = re.compile(_PREFIX + _TIME + r" +(?:debug|info|warn|error) +([a-z]+(?:\.[a-z_]+)+)(?: +(.*))?$")
_JSON = re.compile(_PREFIX + r"(\{.*\})\s*$")
_PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)')
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_AMOUNT = re.compile(r"([0-9.]+)(ms|[dhms])")
_ESCAPED = re.compile(r"\\(.)")
_SUBJECTS = dict.fromkeys((SCHEDULE, PAUSED, RESUMED), "job") | dict.fromkeys((*FINAL, *SIGNS), "run")
_PAIRED = (*FINAL, *LEADS, SCHEDULE, PAUSED, LOST, CONFIG, "run.started")  # of others, facts are free text or unused

DAY = 86_400
CLOCKS_APART = 60.0  # seconds by which a run may seem to come before its tick


@dataclass(slots=True)
class Line:
    """What a log line tells. `at` is its time in Unix seconds; without a date (`dated`), in seconds of some day."""

    at: float
    event: str
    facts: Mapping[str, object]
    dated: bool = True
    number: int = 0


def read_line(text: str) -> Line | None:
    """The line, or None if it is no line of a log."""
    if text.startswith("{"):
        return _from_json(text)
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if head := _TEXT.match(text):
        return _from_text(head)
    found = _JSON.match(text) if "{" in text else None
    return _from_json(found[1]) if found else None


def _from_text(head: re.Match[str]) -> Line | None:
    date, hour, minute, second, event, rest = head.groups()
    at = int(hour) * 3600 + int(minute) * 60 + float(second)
    if date:
        try:
            at += time_of(date + "00:00:00Z")
        except ValueError:
            return None
    return Line(at, event, _facts(event, rest or ""), dated=bool(date))


def _facts(event: str, rest: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    name = _SUBJECTS.get(event)
    if name and "=" not in rest.partition(" ")[0]:  # what is done to all jobs at once names none
        facts[name], _, rest = rest.partition(" ")
    if event in _PAIRED and "=" in rest:
        facts |= {key: _plain(value) for key, value in _PAIR.findall(rest)}
    return facts


def _plain(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _from_json(text: str) -> Line | None:
    try:
        facts = json.loads(text)
        if not isinstance(facts, dict):
            return None
        at = time_of(facts["timestamp"])
        return Line(at, facts["event"], facts) if isinstance(facts["event"], str) and "level" in facts else None
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return None


@lru_cache(maxsize=1024)  # lines about one run stand close together
def run_of(run: str) -> tuple[str, Tick]:
    """The job and the tick of a run id; raises ValueError if it is none."""
    job, _, text = run.partition("@")
    at = time_of(text.removeprefix(MANUAL))
    if not job:
        raise ValueError(f"{run} is no run id")
    return job, text if text.startswith(MANUAL) else int(at)


@lru_cache(maxsize=1024)
def time_of(text: str) -> float:
    """The Unix seconds of a time as logs write it; raises ValueError if it is none."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return when.timestamp()


def gap_of(facts: Mapping[str, object]) -> float:
    """The seconds for which nobody led, of a line about the lead: `gap=15.2s`, or `took_ms` 15171."""
    told = facts.get("gap", facts.get("took"))
    if told is None:
        return float(str(facts.get("gap_ms") or facts.get("took_ms") or 0)) / 1000
    return sum(float(number) * UNITS[unit].total_seconds() for number, unit in _AMOUNT.findall(str(told)))


def with_dates(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines of one log, all of them with dates.

    A log without dates takes them from its run ids: a line about a run is not earlier than its tick. Lines before the
    first such are held back; when none follows, they have no date and are left out. Of the days that a time of day may
    belong to, the nearest to the line before is taken.
    """
    held: list[Line] = []
    day: int | None = None
    before = 0.0
    for line in lines:
        if line.dated:
            yield line
            continue
        turned = round((before - line.at) / DAY) if held or day is not None else 0
        before = line.at = line.at + turned * DAY
        tick = _tick_of(line)
        held.append(line)
        if tick is not None:
            day = max(day or 0, -int((line.at + CLOCKS_APART - tick) // DAY))
        if day is not None:
            yield from (_moved(one, day * DAY) for one in held)
            held = []


def _moved(line: Line, by: float) -> Line:
    return Line(line.at + by, line.event, line.facts, number=line.number)


def _tick_of(line: Line) -> float | None:
    run = line.facts.get("run")
    try:
        return seconds(run_of(str(run))[1]) if run else None
    except (ValueError, OverflowError):
        return None

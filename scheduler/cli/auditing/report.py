"""What an audit found, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from scheduler.cli.auditing.reading import Logs
from scheduler.config.settings import Loaded
from scheduler.core.auditing.accounts import Fate, Span, instant, seconds
from scheduler.core.auditing.verdict import Doubled, Gap, Run, Tally, Verdict, size
from scheduler.telling.values import stamp

MOST_NAMED = 50
FOLD_ABOVE = 10


def report(logs: Logs, verdict: Verdict) -> Iterator[str]:
    """The sum, and every run that is objected to by its name."""
    yield _sum(verdict.ticks, "tick expected", "ticks expected")
    if verdict.manual.total or verdict.manual.doubled:
        yield _sum(verdict.manual, "manual run", "manual runs")
    yield from _at_most(list(_objections(logs, verdict)))


def _sum(tally: Tally, one: str, many: str) -> str:
    counts = [(number, fate.replace("_", " ")) for fate, number in _by_fate(tally).items()]
    counts += [
        (tally.counted, "counted without their names"),
        (len(tally.under_way), "under way"),
        (size(tally.lost), "in an interval the ledger lost"),
    ]
    told = [f"{number:,} {name}" for number, name in counts if number or name == Fate.SUCCEEDED]
    told += [f"{size(tally.unaccounted):,} unaccounted", f"{len(tally.doubled):,} doubled"]
    return f"{tally.total:,} {one if tally.total == 1 else many}: {', '.join(told)}"


def _objections(logs: Logs, verdict: Verdict) -> Iterator[str]:
    for tally in (verdict.ticks, verdict.manual):
        for doubled in tally.doubled:
            yield _doubled(doubled, logs)
        for gap in tally.unaccounted:
            silence = _silence(logs, gap)
            yield from (f"{line}{silence}" for line in _gap("unaccounted", gap))
        for gap in tally.lost:
            yield from _gap("lost", gap)


def _doubled(doubled: Doubled, logs: Logs) -> str:
    what = "final lines at" if doubled.attempt is None else f"attempt={doubled.attempt} started at"
    return f"doubled: {doubled.run.id} {what} {', '.join(map(logs.place, doubled.wheres))}"


def _silence(logs: Logs, gap: Gap) -> str:
    """That the logs say nothing at all around these ticks, if so: then it is the log that is missing, perhaps."""
    found = logs.times.silence_around(seconds(gap.ticks[0]), seconds(gap.ticks[-1]) + 1)
    return f" (no line of any kind from {_text(found[0])} to {_text(found[1])})" if found else ""


def _gap(name: str, gap: Gap) -> Iterator[str]:
    """As in the log, more than ten ticks of one fate fold into one line."""
    if len(gap.ticks) > FOLD_ABOVE:
        last = Run(gap.job, gap.ticks[-1]).id.partition("@")[2]
        yield f"{name}: {Run(gap.job, gap.ticks[0]).id} to={last} ticks={len(gap.ticks)}"
    else:
        yield from (f"{name}: {Run(gap.job, tick).id}" for tick in gap.ticks)


def _at_most(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_NAMED
    return [*lines[:MOST_NAMED], f"and {more:,} more lines; --json names all"] if more > 1 else lines


def notes(logs: Logs, loaded: Loaded, verdict: Verdict, span: Span | None) -> Iterator[str]:
    """What to know about the sum, besides it; `span` is given where the reader wants to know that as well."""
    if span:
        yield f"audited from {_text(span.since)} to {_text(span.until)}"
    if logs.ignored:
        yield f"{_plural(logs.ignored, 'line was', 'lines were')} no log {'line' if logs.ignored == 1 else 'lines'}"
    yield from _differences(logs, loaded)
    for name, strays in sorted(verdict.strays.items()):
        if strays:
            yield f"{name}: {_plural(strays, 'tick', 'ticks')} that its schedule in {loaded.file} does not have"
    unrecorded = verdict.ticks.unrecorded + verdict.manual.unrecorded
    if unrecorded:
        yield f"{_plural(unrecorded, 'fate', 'fates')} the ledger did not hold (recorded=no), and nothing followed"


def _differences(logs: Logs, loaded: Loaded) -> Iterator[str]:
    """Where the table that is audited is not the one that ran."""
    if logs.hashes and loaded.hash not in logs.hashes:
        ran = ", ".join(sorted(logs.hashes))
        yield f"{loaded.file} (hash {loaded.hash}) is not what these replicas ran ({ran})"
    for job in loaded.table.ticking.values():
        if logs.told and job.name not in logs.told:
            yield f"{job.name}: no leader told its schedule, so none of its ticks is expected"
    for name in sorted(logs.told.keys() - loaded.table.jobs.keys()):
        yield f"{name}: not in {loaded.file}, so none of its ticks is expected"


def as_json(logs: Logs, verdict: Verdict, span: Span) -> str:
    """All of it as one object; fields are only ever added."""
    facts = {
        "since": _text(span.since),
        "until": _text(span.until),
        "expected": verdict.ticks.total,
        **_facts(verdict.ticks, logs),
        "manual": {"started": verdict.manual.total, **_facts(verdict.manual, logs)},
        "lines": logs.lines,
        "ignored_lines": logs.ignored,
        "in_order": verdict.in_order,
    }
    return json.dumps(facts, indent=1)


def _facts(tally: Tally, logs: Logs) -> dict[str, Any]:
    doubled = (
        {"run": row.run.id, "attempt": row.attempt, "lines": [logs.place(where) for where in row.wheres]}
        for row in tally.doubled
    )
    return {
        **_by_fate(tally),
        "counted": tally.counted,
        "unrecorded": tally.unrecorded,
        "under_way": [run.id for run in tally.under_way],
        "lost": list(_ids(tally.lost)),
        "unaccounted": list(_ids(tally.unaccounted)),
        "doubled": list(doubled),
    }


def _by_fate(tally: Tally) -> dict[str, int]:
    return {str(fate): tally.fates[fate] for fate in Fate}


def _ids(gaps: Iterable[Gap]) -> Iterator[str]:
    for job, ticks in gaps:
        yield from (Run(job, tick).id for tick in ticks)


def _text(at: float) -> str:
    return stamp(instant(at))


def _plural(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"

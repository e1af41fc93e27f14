"""The coming ticks as a table: an instant a row, by the local clock and in UTC, with the jobs that tick then.

WHEN (Europe/Berlin)        UTC                     IN         JOBS
Sun 28 Mar 01:30:00 CET     2027-03-28T00:30:00Z    124d13h    poll
  clocks go from 02:00 CET to 03:00 CEST
Sun 28 Mar 03:00:00 CEST    2027-03-28T01:00:00Z    124d14h    nightly (02:30 does not exist), poll
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from scheduler.cli.instants import clock_text, distance_text
from scheduler.core.job import Job, instant_text
from scheduler.core.schedule import CronSchedule
from scheduler.core.timing.zones import ClockChange, clock_changes, zone

GAP = "    "
INDENT = "    "  # of jobs that have lines of their own
NARROWEST = 16  # columns beside an instant that are worth filling with jobs
MOST_LINES = 3  # of jobs at one instant, on a terminal


@dataclass(frozen=True, slots=True)
class Coming:
    """The instants after `begin`, at least one, each with its jobs; and when that is asked."""

    instants: Sequence[tuple[datetime, Sequence[Job]]]
    begin: datetime
    now: datetime

    @property
    def zone(self) -> str:
        """The zone of most jobs; the others say theirs."""
        return Counter(job.zone for _, jobs in self.instants for job in jobs).most_common(1)[0][0]

    def changes(self, tz: ZoneInfo) -> list[ClockChange]:
        """The changes of the clocks in between."""
        return list(clock_changes(tz, self.begin, self.instants[-1][0]))


def fact(job: Job, tick: datetime) -> dict[str, object]:
    """One tick of one job, for machines: `skipped` is the local time that it makes up for, `repeated` the second time.

    Both are about clocks that change; null and false on any other day.
    """
    local = tick.astimezone(zone(job.zone))
    skipped = _skipped(job, tick)
    return {
        "job": job.name,
        "tick": instant_text(tick),
        "local": local.isoformat(),
        "zone": job.zone,
        "skipped": skipped.isoformat() if skipped else None,
        "repeated": bool(local.fold),
    }


def table_lines(coming: Coming, columns: int | None) -> Iterator[str]:
    """The lines of the table, as wide as a terminal of so many columns; None if nothing may be left out."""
    zone_name = coming.zone
    tz = zone(zone_name)
    changes = coming.changes(tz)
    rows = [(f"WHEN ({zone_name})", "UTC", "IN")]
    for tick, _ in coming.instants:
        rows.append(
            (_when(tick.astimezone(tz), exact=bool(changes)), instant_text(tick), distance_text(tick - coming.now))
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heads = [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    yield f"{heads[0]}{GAP}JOBS"
    for head, (tick, jobs) in zip(heads[1:], coming.instants, strict=True):
        while changes and changes[0].instant <= tick:
            yield f"  {_change(changes.pop(0), tz)}"
        yield from _row(head, [_named(job, tick, zone_name) for job in jobs], columns)


def _when(local: datetime, *, exact: bool) -> str:
    """What the clock shows; where clocks change in between, with the name of its time and whether it is seen again."""
    shown = f"{local:%a %d %b %H:%M:%S}"
    return f"{shown} {local:%Z}{' again' if local.fold else ''}" if exact else shown


def _change(change: ClockChange, tz: ZoneInfo) -> str:
    after = change.instant.astimezone(tz)
    before = (change.instant - after.resolution).astimezone(tz)
    return f"clocks go from {clock_text(change.clocks_from)} {before:%Z} to {clock_text(change.clocks_to)} {after:%Z}"


def _named(job: Job, tick: datetime, zone_name: str) -> str:
    """The job's name, and what its own clocks have to say."""
    local, skipped = tick.astimezone(zone(job.zone)), _skipped(job, tick)
    notes = [f"{local:%H:%M:%S} {job.zone}"] if job.zone != zone_name else []
    notes += [f"{clock_text(skipped)} does not exist"] if skipped else []
    return f"{job.name} ({', '.join(notes)})" if notes else job.name


def _skipped(job: Job, tick: datetime) -> datetime | None:
    """The local time, skipped by the clocks, that a tick makes up for."""
    if not isinstance(job.schedule, CronSchedule):
        return None
    meant = job.schedule.meant(tick)
    return None if meant == tick.astimezone(zone(job.zone)).replace(tzinfo=None, fold=0) else meant


def _row(head: str, names: Sequence[str], columns: int | None) -> Iterator[str]:
    """The instant and its jobs beside it, or below it where there is too little room for a name."""
    line = f"{head}{GAP}{', '.join(names)}"
    if columns is None or len(line) <= columns:
        yield line
        return
    room = columns - len(head) - len(GAP)
    beside = _wrapped(names, room)
    if room >= NARROWEST and max(map(len, beside)) <= room:
        yield f"{head}{GAP}{beside[0]}"
        yield from (" " * (len(head) + len(GAP)) + line for line in beside[1:])
    else:
        yield head.rstrip()
        yield from (INDENT + line for line in _wrapped(names, columns - len(INDENT)))


def _wrapped(names: Sequence[str], room: int) -> list[str]:
    """The names on a few lines of so many columns; what does not go there is counted."""
    lines, placed = [""], 0
    for name in names:
        left = len(names) - placed - 1
        word = name + ("," if left else "")
        space = " " if lines[-1] else ""
        # the last line keeps room for how many are left out
        tail = len(f" … and {left} more") if left and len(lines) == MOST_LINES else 0
        if lines[-1] and len(lines[-1]) + len(space) + len(word) + tail > room:
            if len(lines) == MOST_LINES:
                break
            lines.append("")
            space = ""
        lines[-1] += space + word
        placed += 1
    if placed < len(names):
        lines[-1] = f"{lines[-1]} … and {len(names) - placed:,} more"
    return lines

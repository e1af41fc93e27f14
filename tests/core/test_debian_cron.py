"""What we fire is what Debian's cron fires, as the real binary was seen to do (`debian_cron/record.py`).

Where we differ on purpose, docs/cron.md says why, and the tests here how far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scheduler.core.schedule import CronSchedule, ticks_between
from scheduler.core.timing.cron import NEVER, CronError
from scheduler.core.timing.zones import clock_changes, zone
from tests.core.debian_cron.notation import read, written

FIRES = Path(__file__).parent / "debian_cron" / "fires.txt"
MANUAL = Path(__file__).parents[2] / "docs" / "cron.md"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Section:
    """What became of some expressions in one zone, from just after `since` to just before `until`."""

    zone: str
    since: datetime
    until: datetime
    outcomes: dict[str, str]

    @property
    def title(self) -> str:
        return f"{self.zone} {self.since:%Y-%m-%d}"

    def ours(self, expression: str) -> list[int]:
        """Our ticks, as the recording counts minutes; none of an expression that we refuse for never firing."""
        try:
            schedule = CronSchedule(expression, self.zone, "a")
        except CronError as error:
            if error.code == NEVER:
                return []
            raise
        ticks = ticks_between(schedule, self.since, self.until - MINUTE)
        return [(tick - self.since) // MINUTE for tick in ticks]

    def changes(self, *, forward: bool) -> set[int]:
        """The minutes at which the clocks were put forward, or back."""
        changes = clock_changes(zone(self.zone), self.since, self.until)
        return {(change.instant - self.since) // MINUTE for change in changes if change.forward == forward}


def sections() -> Iterator[Section]:
    for text in FIRES.read_text(encoding="ascii").split("\n== ")[1:]:
        title, *lines = text.splitlines()
        zone_name, since, until = title.split()
        outcomes = dict(line.split(" | ") for line in lines)
        yield Section(zone_name, datetime.fromisoformat(since), datetime.fromisoformat(until), outcomes)


*CHANGES, LOST_DAY, DAY_RULES, ODD = sections()
AGREED = [*CHANGES, DAY_RULES]


@pytest.mark.parametrize("section", AGREED, ids=lambda section: section.title)
def test_we_fire_when_debian_does(section: Section) -> None:
    different = {}
    for expression, outcome in section.outcomes.items():
        ours, theirs = section.ours(expression), read(outcome)
        if ours != sorted(theirs):
            different[expression] = {"only we": set(ours) - set(theirs), "only Debian": set(theirs) - set(ours)}

    assert different == {}


def test_the_recording_is_about_changing_clocks() -> None:
    """In each of five zones the clocks go forward once and back once, under at least 300 expressions."""
    seen = {zone_name: Counter[bool]() for zone_name in {section.zone for section in CHANGES}}
    for section in CHANGES:
        seen[section.zone].update(forward for forward in (True, False) for _ in section.changes(forward=forward))
    fire = {expression for section in CHANGES for expression, outcome in section.outcomes.items() if outcome != "-"}

    assert list(seen.values()) == [{True: 1, False: 1}] * 5
    assert len(fire) >= 300


@pytest.mark.parametrize("section", CHANGES, ids=lambda section: section.title)
def test_debian_runs_a_job_once_for_each_time_that_was_skipped_and_we_once_for_all(section: Section) -> None:
    crowded = {minute for outcome in section.outcomes.values() for minute, runs in read(outcome).items() if runs > 1}

    assert crowded == section.changes(forward=True)


def test_debian_loses_what_is_skipped_by_more_than_three_hours_and_we_make_up_for_it() -> None:
    """Samoa had no 30 December 2011."""
    (change,) = LOST_DAY.changes(forward=True)
    only_ours = {
        minute
        for expression, outcome in LOST_DAY.outcomes.items()
        for minute in {*LOST_DAY.ours(expression)} ^ {*read(outcome)}
    }

    assert only_ours == {change}


def manual_rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading of docs/cron.md, by its first column; cells without their backquotes."""
    table = MANUAL.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n\n|")[1].split("\n\n")[0]
    rows = [[cell.strip().replace("`", "") for cell in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]
    return {first: rest for first, *rest in rows}


def reading(told: str) -> str:
    """What the manual says that Debian does, in the recording's notation."""
    if told.startswith("as "):
        return written(ODD.ours(told.removeprefix("as ")))
    return {"refused": "refused", "never fires": "-", "when the machine starts": "-"}[told]


def test_the_manual_is_right_about_what_debian_makes_of_unusual_expressions() -> None:
    told = {expression: cells[0] for expression, cells in manual_rows("What Debian reads otherwise").items()}

    assert {expression: reading(claim) for expression, claim in told.items()} == ODD.outcomes


def test_the_manual_is_right_about_what_we_make_of_unusual_expressions() -> None:
    told = {expression: cells[1] for expression, cells in manual_rows("What Debian reads otherwise").items()}
    found = {}
    for expression in told:
        try:
            CronSchedule(expression, "UTC", "a")
        except CronError:
            found[expression] = "refused"
        else:
            found[expression] = "read"

    assert {expression: "refused" if claim == "refused" else "read" for expression, claim in told.items()} == found

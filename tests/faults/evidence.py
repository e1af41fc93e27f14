"""What a judge is given: the record that the jobs kept, the logs, and the rows of the tables that ruled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from tests.faults.fleet import Fleet, Frost
from tests.faults.witness import Rule
from tests.processes.record import Lived, Stretch
from tests.processes.replica import ReplicaProcess
from tests.weather.history import Attempt, Excused, History, Line
from tests.weather.judge import FINAL

__all__ = ["FINAL", "history", "without_thawing", "write_story"]

A_KILL_TAKES_S = 0.25
LAPSE_IS_TOLD_WITHIN_S = 0.5
MADE_BACK_WITHIN_S = 30.0
UNDER_WAY_S = 10.0


def history(fleet: Fleet, rule: Rule, lived: Iterable[Lived], deleted: Iterable[float], until: float) -> History:
    """Ticks later than `until` owe no line yet. A ledger may be told lost only after one of the instants `deleted`."""
    lines = [line for replica in fleet.all for line in lines_of(replica)]
    return History(
        declared=rule.rows(fleet.loaded),
        attempts=attempts(lived, lines),
        lines=lines,
        until=until,
        excused=[*rule.excused, *lost(lines, list(deleted))],
    )


def lines_of(replica: ReplicaProcess) -> list[Line]:
    return [Line(line["at"], replica.name, line["event"], line) for line in list(replica.lines)]


def attempts(lived: Iterable[Lived], lines: Iterable[Line]) -> list[Attempt]:
    """As the jobs tell it, but for an end in the very moment in which the run's right was over.

    A run that was killed after its last statement believes that it succeeded. So where the trust ran out under it and
    no line tells its end, nobody knows what came of it.
    """
    told: set[tuple[object, object]] = set()
    lapses: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        if line.event in FINAL or (line.event == "run.retrying" and line.facts["reason"] != "leader_lost"):
            told.add((line.facts["run"], line.facts.get("attempt")))
        elif line.event in ("lead.suspended", "lead.lost"):
            lapses[line.replica].append(line.at)
    found = []
    for one in lived:
        lapsed = any(one.started < at < one.ended + LAPSE_IS_TOLD_WITHIN_S for at in lapses[one.replica])
        known = not lapsed or (one.run, one.attempt) in told
        outcome = one.outcome if known else None
        found.append(Attempt(one.replica, one.run, one.attempt, one.started, one.ended, outcome))
    return found


def lost(lines: Iterable[Line], deleted: list[float]) -> list[Excused]:
    """The interval that the log itself says cannot be accounted for, where the Lease had been deleted just before.

    Whoever knows nothing of the past cannot tell since when; then it is what was under way at the deletion.
    """
    found = []
    for line in lines:
        before = [at for at in deleted if at <= line.at <= at + MADE_BACK_WITHIN_S]
        if line.event == "ledger.lost" and before:
            since = line.facts.get("from")
            begun = datetime.fromisoformat(str(since)).timestamp() if since else before[-1] - UNDER_WAY_S
            found.append(Excused(begun, datetime.fromisoformat(str(line.facts["to"])).timestamp()))
    return found


def without_thawing(lived: Iterable[Lived], fleet: Fleet) -> tuple[list[Lived], list[float]]:
    """What a run did between the thaw of its whole replica and its kill, after another had taken the lead, is cut off.

    For that the promise gives it the time that SIGKILL takes. Also returned is how long each of those did something.
    """
    acquired = [(line["at"], replica.name) for replica in fleet.all for line in replica.said("lead.acquired")]
    found, cut_s = [], []
    for one in lived:
        frost = next((frost for frost in fleet.frosts if _ended_in_thawing(one, frost)), None)
        if frost is None or not _is_deposed(one, frost, acquired):
            found.append(one)
            continue
        before = [stretch for stretch in one.stretches if stretch.since <= frost.since]
        cut = [Stretch(stretch.since, min(stretch.until, frost.since)) for stretch in before]
        found.append(replace(one, stretches=cut or [Stretch(frost.since, frost.since)]))
        cut_s.append(one.ended - frost.until)
    return found, cut_s


def _ended_in_thawing(one: Lived, frost: Frost) -> bool:
    return one.replica == frost.replica and frost.until < one.ended < frost.until + A_KILL_TAKES_S


def _is_deposed(one: Lived, frost: Frost, acquired: list[tuple[float, str]]) -> bool:
    """Whether another took the lead meanwhile; and the run is not one of a new term of its own replica."""
    another = any(frost.since < at < one.ended and by != one.replica for at, by in acquired)
    anew = any(frost.until < at < one.started and by == one.replica for at, by in acquired)
    return another and not anew


def gone_with_their_definition(history: History) -> set[str]:
    """Ticks that fell due when nobody led, of definitions that the next leader's table no longer had.

    The promise leaves them without a line, so an audit of logs, which has no ledger to look into, misses them.
    """
    return {
        f"{row.name}@{datetime.fromtimestamp(tick, UTC):%Y-%m-%dT%H:%M:%SZ}"
        for row in history.declared
        if row.until < inf
        for tick in row.between(row.owed_until, row.until)
    }


def write_story(story: Iterable[tuple[float, str]], folder: Path) -> None:
    """What was done when, for whoever looks into a storm that went wrong."""
    lines = (f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f} {what}\n" for at, what in story)
    (folder / "story").write_text("".join(lines))

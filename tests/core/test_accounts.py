"""What logs say of a job's ticks, and what an audit makes of it: times are seconds after noon."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from scheduler.core.actions import ShellAction
from scheduler.core.auditing.accounts import ALL_JOBS, Accounts, Count, Fate, Final, JobAccount, Span, Weight
from scheduler.core.auditing.pauses import Steer
from scheduler.core.auditing.still_open import Horizon
from scheduler.core.auditing.verdict import Told, Verdict, judge, served, size
from scheduler.core.job import CatchUp, Job, Overlap, Policy, Schedule
from scheduler.core.schedule import EverySchedule

NOON = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp())
MOMENT, DRAIN = 20.0, 60.0
SUCCEEDED, FAILED, DROPPED, SKIPPED = Fate.SUCCEEDED, Fate.FAILED, Fate.DROPPED, Fate.SKIPPED
BEAT = "beat"
Line = Callable[[Accounts], None]
numbers = count(1)


def beat(period_s: int, **policy: Any) -> Job:
    return job(EverySchedule(period_s), **policy)


def job(schedule: Schedule | None, **policy: Any) -> Job:
    return Job(BEAT, schedule, "UTC", ShellAction("true"), Policy(**policy))


def ended(tick: int | str, fate: Fate = SUCCEEDED, weight: Weight = Weight.PLAIN, at: float | None = None) -> Line:
    """A final line; told half a second after the tick, unless it is late."""
    told_at = NOON + (at if at is not None else tick + 0.5 if isinstance(tick, int) else 0.0)
    final = Final(fate, weight, next(numbers))
    return lambda accounts: accounts.of(BEAT).end(_tick(tick), final, told_at)


def repeated(tick: int, fate: Fate = SUCCEEDED) -> Line:
    return ended(tick, fate, Weight.REPEATED)


def unrecorded(tick: int, fate: Fate = SUCCEEDED, at: float | None = None) -> Line:
    return ended(tick, fate, Weight.UNRECORDED, at)


def sign(tick: int | str, at: float) -> Line:
    return lambda accounts: accounts.of(BEAT).sign(_tick(tick), NOON + at)


def skipped(tick: int, behind: int) -> Line:
    def line(accounts: Accounts) -> None:
        ended(tick, SKIPPED)(accounts)
        accounts.of(BEAT).block(NOON + tick, NOON + behind, NOON + tick + 0.5)

    return line


def started(tick: int | str, attempt: int = 1) -> Line:
    where = next(numbers)
    return lambda accounts: accounts.of(BEAT).start(_tick(tick), attempt, where)


def counted(name: str, first: int, last: int, ticks: int) -> Line:
    return lambda accounts: accounts.count(name, Count(NOON + first, NOON + last, ticks, DROPPED))


def lost(since: float, until: float) -> Line:
    return lambda accounts: accounts.lost.append(Span(NOON + since, NOON + until))


def paused(at: float, until: float = math.inf, job: str | None = BEAT) -> Line:
    return lambda accounts: accounts.pauses.hear(job, Steer(NOON + at, NOON + until))


def resumed(at: float, job: str | None = BEAT) -> Line:
    return lambda accounts: accounts.pauses.hear(job, Steer(NOON + at, None))


def skipped_by_pause(tick: int) -> Line:
    def line(accounts: Accounts) -> None:
        ended(tick, SKIPPED)(accounts)
        accounts.pauses.skip(BEAT, NOON + tick)

    return line


def _tick(tick: int | str) -> int | str:
    return tick if isinstance(tick, str) else NOON + tick


def verdict_on(
    audited: Job | None, lines: list[Line], until: float, end: float | None = None, led: tuple[float, float] = (0, 0)
) -> Verdict:
    """The ticks from noon to `until`, by logs that go on to `end`; nobody led before the last leader, `led` from to."""
    accounts = Accounts()
    for line in lines:
        line(accounts)
    span = Span(NOON, NOON + until)
    free_since, led_since = led
    end = until if end is None else end
    horizon = Horizon(NOON + end, NOON + led_since, NOON + free_since, MOMENT, DRAIN)
    return judge(accounts, {BEAT: (audited, [span] if audited else [])}, span, horizon)


def in_short(verdict: Verdict) -> str:
    """`3 succeeded, 1 unaccounted`: what is not zero, ticks and manual runs alike."""
    parts = []
    for prefix, tally in (("", verdict.ticks), ("manual ", verdict.manual)):
        rows = [(tally.fates[fate], str(fate)) for fate in Fate]
        rows += [(tally.counted, "counted"), (len(tally.under_way), "under way")]
        rows += [(size(tally.lost), "lost"), (size(tally.unaccounted), "unaccounted"), (len(tally.doubled), "doubled")]
        parts += [f"{number} {prefix}{name}" for number, name in rows if number]
    return ", ".join(parts)


# ---------------------------------------------------------------------- final lines

LATER = 100_000  # the logs go on long enough to tell everything
ALL_FOUR = [ended(0), ended(10), ended(20), ended(30)]


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        pytest.param(ALL_FOUR, "4 succeeded", id="each tick has one final line"),
        pytest.param(
            [ended(0), ended(10, FAILED), ended(20, DROPPED), ended(30, SKIPPED)],
            "1 succeeded, 1 failed, 1 skipped, 1 dropped",
            id="fates are told apart",
        ),
        pytest.param([ended(0), ended(10), ended(30)], "3 succeeded, 1 unaccounted", id="a tick without a line"),
        pytest.param([*ALL_FOUR, ended(20)], "4 succeeded, 1 doubled", id="two plain lines for one run"),
        pytest.param([*ALL_FOUR, ended(20), ended(20)], "4 succeeded, 1 doubled", id="three of them are one objection"),
        pytest.param([*ALL_FOUR, ended(20, DROPPED)], "4 succeeded, 1 doubled", id="two plain lines of two fates"),
        pytest.param([*ALL_FOUR, repeated(20)], "4 succeeded", id="a line and its repetition are one"),
        pytest.param([repeated(30), *ALL_FOUR], "4 succeeded", id="a repetition read before its line"),
        pytest.param([*ALL_FOUR, repeated(20, FAILED)], "4 succeeded, 1 doubled", id="a repetition with another fate"),
        pytest.param([*ALL_FOUR[:3], repeated(30)], "4 succeeded", id="a repetition stands in for a lost line"),
        pytest.param([*ALL_FOUR[:3], repeated(30), repeated(30)], "4 succeeded", id="repeated by two successors"),
        pytest.param([*ALL_FOUR[:3], unrecorded(30)], "4 succeeded", id="unrecorded, and nothing followed"),
        pytest.param(
            [*ALL_FOUR[:3], unrecorded(30), ended(30, FAILED)], "3 succeeded, 1 failed", id="unrecorded, then run again"
        ),
        pytest.param(
            [*ALL_FOUR[:3], ended(30, FAILED), unrecorded(30)],
            "3 succeeded, 1 failed",
            id="unrecorded, then run again, the other way round",
        ),
        pytest.param(
            [*ALL_FOUR[:3], unrecorded(30), sign(30, at=45)],
            "3 succeeded, 1 unaccounted",
            id="unrecorded, then under way again and never seen since",
        ),
        pytest.param(
            [*ALL_FOUR[:3], sign(30, at=45), unrecorded(30)],
            "3 succeeded, 1 unaccounted",
            id="unrecorded, then under way again, the other way round",
        ),
        pytest.param(
            [*ALL_FOUR[:3], sign(30, at=30.1), unrecorded(30)],
            "4 succeeded",
            id="under way only before its unrecorded end",
        ),
        pytest.param([*ALL_FOUR, ended(40)], "4 succeeded", id="a tick after the audited time"),
        pytest.param([*ALL_FOUR, ended(40), ended(40)], "4 succeeded", id="doubled after the audited time"),
        pytest.param(
            [*ALL_FOUR, ended(5)], "5 succeeded", id="a tick that the schedule does not have has its fate too"
        ),
    ],
)
def test_final_lines_give_each_tick_its_fate(lines: list[Line], verdict: str) -> None:
    assert in_short(verdict_on(beat(10), lines, until=40, end=LATER)) == verdict


def test_an_attempt_that_started_twice_is_doubled() -> None:
    once = verdict_on(beat(10), [*ALL_FOUR, started(20, 1), started(20, 2)], until=40)
    twice = verdict_on(beat(10), [*ALL_FOUR, started(20, 1), started(20, 2), started(20, 2)], until=40)

    assert once.in_order
    assert not twice.in_order
    assert [(row.run.id, row.attempt) for row in twice.ticks.doubled] == [("beat@2026-11-22T12:00:20Z", 2)]


def test_what_is_missing_is_named_in_rows() -> None:
    verdict = verdict_on(beat(10), [ended(0), ended(30), ended(50)], until=60, end=LATER)

    assert [[tick - NOON for tick in gap.ticks if isinstance(tick, int)] for gap in verdict.ticks.unaccounted] == [
        [10, 20],
        [40],
    ]


def test_of_a_job_that_does_not_tick_nothing_is_expected() -> None:
    disabled = replace(beat(10), enabled=False)

    assert in_short(verdict_on(disabled, [ended(20)], until=40)) == "1 succeeded"
    assert in_short(verdict_on(job(None), [], until=40)) == ""


def test_ticks_of_no_schedule_are_strays() -> None:
    assert verdict_on(beat(10), [*ALL_FOUR, ended(5)], until=40).strays[BEAT] == 1
    assert verdict_on(None, [*ALL_FOUR, ended(5)], until=40).strays[BEAT] == 0


def test_what_fell_due_before_a_definition_was_replaced_and_after_its_last_leader_is_not_expected() -> None:
    """Nobody who still has the definition leads; a gap before its last sign of life is another matter."""
    accounts = Accounts()
    for line in (ended(0), ended(20)):
        line(accounts)
    span = Span(NOON, NOON + 100)
    parts = [Span(NOON, NOON + 50)]
    verdict = judge(accounts, {BEAT: (beat(10), parts)}, span, Horizon(span.until, NOON, NOON, MOMENT, DRAIN))

    assert [gap.ticks for gap in verdict.ticks.unaccounted] == [[NOON + 10]]


# ---------------------------------------------------------------------- counts, losses, manual runs


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        pytest.param(
            [ended(0), ended(30), counted(BEAT, 10, 20, 2)], "2 succeeded, 2 counted", id="a count covers its ticks"
        ),
        pytest.param(
            [ended(0), ended(30), counted(ALL_JOBS, 10, 20, 2)],
            "2 succeeded, 2 counted",
            id="a count of all jobs does as well",
        ),
        pytest.param(
            [ended(0), ended(30), counted(BEAT, 10, 20, 1)],
            "2 succeeded, 1 counted, 1 unaccounted",
            id="but no more than it counts",
        ),
        pytest.param(
            [ended(0), ended(20), counted(BEAT, 10, 20, 2)],
            "2 succeeded, 1 counted, 1 unaccounted",
            id="nor outside its time",
        ),
        pytest.param([*ALL_FOUR, counted(BEAT, 10, 20, 2)], "4 succeeded", id="what is named is not counted again"),
        pytest.param(
            [ended(0), ended(30), lost(5, 20.5)], "2 succeeded, 2 lost", id="in an interval that the ledger lost"
        ),
        pytest.param(
            [ended(0), ended(30), lost(15, 20.5)],
            "2 succeeded, 1 lost, 1 unaccounted",
            id="lost only within the interval",
        ),
        pytest.param([*ALL_FOUR, lost(5, 20.5)], "4 succeeded", id="a lost interval without a missing tick"),
        pytest.param(
            [*ALL_FOUR, ended("manual-2026-11-22T12:00:07.000Z")], "4 succeeded, 1 manual succeeded", id="a manual run"
        ),
        pytest.param(
            [*ALL_FOUR, sign("manual-2026-11-22T12:00:07.000Z", at=7.2)],
            "4 succeeded, 1 manual unaccounted",
            id="a manual run that never ended",
        ),
        pytest.param(
            [*ALL_FOUR, *(ended("manual-2026-11-22T12:00:07.000Z") for _ in range(2))],
            "4 succeeded, 1 manual succeeded, 1 manual doubled",
            id="a manual run with two final lines",
        ),
    ],
)
def test_counts_losses_and_manual_runs(lines: list[Line], verdict: str) -> None:
    assert in_short(verdict_on(beat(10), lines, until=40, end=LATER)) == verdict


def test_a_lost_interval_is_no_proof() -> None:
    assert not verdict_on(beat(10), [ended(0), ended(30), lost(5, 20.5)], until=40, end=LATER).in_order


def test_of_a_job_that_is_not_in_the_table_nothing_is_expected() -> None:
    verdict = verdict_on(None, [ended(0), ended(20), counted(BEAT, 30, 35, 7)], until=40, end=LATER)

    assert in_short(verdict) == "2 succeeded, 7 dropped"
    assert verdict.in_order


# ---------------------------------------------------------------------- where the logs end

HOURLY, TEN_S = 3600, 10
TIMEOUT = {"timeout": timedelta(minutes=20)}


@dataclass(frozen=True)
class Ending:
    """What is known of the only tick without a final line, where the logs end."""

    period_s: int
    open_tick: int
    end: float
    lines: list[Line] = field(default_factory=list)
    policy: dict[str, Any] = field(default_factory=lambda: dict(TIMEOUT))
    led: tuple[float, float] = (0, 0)


UNDER_WAY = [
    pytest.param(Ending(HOURLY, 3600, 3610), id="a tick due a moment ago"),
    pytest.param(Ending(HOURLY, 3600, 4000, [sign(3600, at=3600.1)]), id="a run that started within its timeout"),
    pytest.param(
        Ending(HOURLY, 3600, 6000, [sign(3600, at=3600.1)], {"timeout": None}), id="a run that may take for ever"
    ),
    pytest.param(
        Ending(HOURLY, 3600, 5500, [sign(3600, at=3600.1), sign(3600, at=4300)]), id="a run that was interrupted late"
    ),
    pytest.param(
        Ending(HOURLY, 3600, 4900, [sign(3600, at=3600.1)], TIMEOUT | {"retries": 3}),
        id="a run that waits to be retried",
    ),
    pytest.param(Ending(HOURLY, 3600, 5000, led=(3500, 4990)), id="a tick that was due before somebody led at last"),
    pytest.param(Ending(TEN_S, 30, 900), id="a frequent job's run, of which no start is told"),
    pytest.param(
        Ending(TEN_S, 20, 40, [ended(30)], TIMEOUT | {"overlap": Overlap.ALLOW}),
        id="a run beside others of its job",
    ),
    pytest.param(
        Ending(TEN_S, 20, 100, [skipped(tick, behind=20) for tick in range(30, 100, 10)]),
        id="a run behind which ticks are skipped",
    ),
    pytest.param(
        Ending(TEN_S, 20, 100, [ended(30, SKIPPED), ended(40, DROPPED)]),
        id="a run that nothing later is known to have overtaken",
    ),
    pytest.param(Ending(TEN_S, 20, 100, led=(15, 40)), id="a frequent job's tick that nobody led for, run since"),
    pytest.param(
        Ending(TEN_S, 20, 140, led=(100, 115), policy=TIMEOUT | {"overlap": Overlap.ALLOW}),
        id="a run that the leader before may still drain",
    ),
    pytest.param(
        Ending(TEN_S, 20, 2000, [ended(10, weight=Weight.REPEATED, at=1500)], TIMEOUT | {"catch_up": CatchUp.ALL}),
        id="a backlog that still moves",
    ),
]

UNACCOUNTED = [
    pytest.param(Ending(HOURLY, 3600, 3630), id="a tick due more than a moment ago, and no start"),
    pytest.param(
        Ending(HOURLY, 3600, 5000, [sign(3600, at=3600.1)]), id="a run that started longer ago than its timeout"
    ),
    pytest.param(Ending(TEN_S, 20, 40, [ended(30)]), id="a later tick of an exclusive job has run"),
    pytest.param(Ending(TEN_S, 20, 40, [skipped(30, behind=10)]), id="a later tick was skipped behind an earlier run"),
    pytest.param(Ending(TEN_S, 20, 40, [sign(20, at=21), ended(30)]), id="it was under way, but a later tick has run"),
    pytest.param(
        Ending(TEN_S, 20, 40, [sign(20, at=21), skipped(30, behind=10)]),
        id="it was under way, but another run is since",
    ),
    pytest.param(Ending(TEN_S, 30, 2000), id="a frequent job's run, older than its timeout"),
    pytest.param(
        Ending(TEN_S, 20, 200, led=(100, 115)),
        id="a frequent job's run, whose leader went and cannot drain it any more",
    ),
    pytest.param(Ending(TEN_S, 30, 80, [started(0)]), id="a frequent job's tick, where starts are told"),
    pytest.param(
        Ending(TEN_S, 20, 2000, [ended(30)], TIMEOUT | {"overlap": Overlap.ALLOW}),
        id="a run beside others, older than its timeout",
    ),
]


def ending(given: Ending) -> Verdict:
    """All ticks up to the end have their lines, but the open one and those after it that are told nothing of."""
    told = [ended(tick) for tick in range(0, given.open_tick, given.period_s)]
    until = given.open_tick + 1
    return verdict_on(beat(given.period_s, **given.policy), [*told, *given.lines], until, given.end, given.led)


@pytest.mark.parametrize("given", UNDER_WAY)
def test_what_may_still_end_is_under_way(given: Ending) -> None:
    verdict = ending(given)

    assert given.open_tick + NOON in [run.tick for run in verdict.ticks.under_way]
    assert verdict.in_order


@pytest.mark.parametrize("given", UNACCOUNTED)
def test_what_cannot_end_any_more_is_unaccounted_for(given: Ending) -> None:
    verdict = ending(given)

    assert [gap.ticks for gap in verdict.ticks.unaccounted] == [[given.open_tick + NOON]]


def test_only_one_run_at_a_time_is_believed_to_be_running_without_a_sign() -> None:
    verdict = verdict_on(beat(10, **TIMEOUT), [ended(0)], until=100)

    assert [run.tick for run in verdict.ticks.under_way] == [NOON + tick for tick in (10, 80, 90)]
    assert in_short(verdict) == "1 succeeded, 3 under way, 6 unaccounted"


def test_a_tick_between_a_run_under_way_and_those_skipped_behind_it_is_missing() -> None:
    paused = [ended(tick, SKIPPED) for tick in range(40, 100, 10)]
    verdict = verdict_on(beat(10, **TIMEOUT), [ended(0), ended(10), sign(20, at=21), *paused], until=100)

    assert in_short(verdict) == "2 succeeded, 6 skipped, 1 under way, 1 unaccounted"
    assert verdict.ticks.unaccounted[0].ticks == [NOON + 30]


def test_behind_a_run_under_way_a_backlog_may_wait() -> None:
    lines = [ended(0), sign(10, at=26)]
    waiting = verdict_on(beat(10, catch_up=CatchUp.ALL), lines, until=100, led=(9, 25))
    in_time = verdict_on(beat(10, catch_up=CatchUp.ALL), lines, until=100)
    decided = verdict_on(beat(10, catch_up=CatchUp.ALL), [*lines, ended(40, DROPPED)], until=100, led=(9, 25))
    taken_over = verdict_on(beat(10), lines, until=100, led=(15, 95))

    assert in_short(taken_over) == in_short(waiting) == "1 succeeded, 9 under way"
    assert in_short(in_time) == "1 succeeded, 3 under way, 6 unaccounted"
    assert in_short(decided) == "1 succeeded, 1 dropped, 6 under way, 2 unaccounted"


def test_a_backlog_goes_on_behind_a_run_that_itself_had_to_wait() -> None:
    """The run of second 20 began late, when the one before it ended, so what fell due meanwhile is still to come."""
    lines = [ended(0), ended(10, at=65), sign(20, at=66)]

    assert in_short(verdict_on(beat(10, catch_up=CatchUp.ALL), lines, until=150)) == "2 succeeded, 13 under way"


def test_a_backlog_that_moved_since_the_leader_changed_is_believed_to_go_on() -> None:
    """No start is told of the run of second 20, which the leader since second 500 has come to at last."""
    backlog = beat(10, catch_up=CatchUp.ALL, **TIMEOUT)
    moved = verdict_on(backlog, [ended(0), ended(10, at=600)], until=30, end=700, led=(400, 500))
    stood = verdict_on(backlog, [ended(0), ended(10, at=300)], until=30, end=700, led=(400, 500))

    assert in_short(moved) == "2 succeeded, 1 under way"
    assert in_short(stood) == "2 succeeded, 1 unaccounted"


def test_a_jittered_tick_is_not_late_before_it_is_due() -> None:
    jittered = beat(3600, jitter=timedelta(minutes=30))
    due = jittered.due(datetime.fromtimestamp(NOON, UTC)).timestamp() - NOON

    assert due > MOMENT
    assert in_short(verdict_on(jittered, [], until=1, end=due + MOMENT - 1)) == "1 under way"
    assert in_short(verdict_on(jittered, [], until=1, end=due + MOMENT + 1)) == "1 unaccounted"


# ---------------------------------------------------------------------- paused jobs

HOUR = 3600
SECONDS = timedelta(seconds=5)
RAN = [ended(0), ended(10), ended(20)]


@pytest.mark.parametrize(
    ("lines", "end", "told"),
    [
        pytest.param([*RAN, paused(25)], HOUR, "3 succeeded, 3 under way", id="they are told together, after an hour"),
        pytest.param([*RAN, paused(25)], HOUR + 65, "3 succeeded, 1 under way, 2 unaccounted", id="and no later"),
        pytest.param([*RAN, paused(25, job=None)], HOUR, "3 succeeded, 3 under way", id="all jobs are paused"),
        pytest.param([*RAN, paused(25, 45)], HOUR, "3 succeeded, 2 under way, 1 unaccounted", id="until a time"),
        pytest.param([*RAN, resumed(28), paused(25)], HOUR, "3 succeeded, 3 unaccounted", id="it has ended"),
        pytest.param([*RAN, paused(25), resumed(28, None)], HOUR, "3 succeeded, 3 unaccounted", id="as all have"),
        pytest.param([*RAN, paused(25), resumed(15)], HOUR, "3 succeeded, 3 under way", id="it was paused once more"),
        pytest.param(
            [ended(0), ended(20), paused(25)],
            HOUR,
            "2 succeeded, 3 under way, 1 unaccounted",
            id="none is below one that was decided",
        ),
        pytest.param(
            [*RAN, skipped_by_pause(30)],
            HOUR,
            "3 succeeded, 1 skipped, 2 under way",
            id="of a pause before the logs, only what it skipped is known",
        ),
        pytest.param(
            [*RAN, skipped_by_pause(30), resumed(35)],
            HOUR,
            "3 succeeded, 1 skipped, 2 unaccounted",
            id="those it skipped are told as it ends",
        ),
        pytest.param(
            [*RAN, paused(25, 45), skipped_by_pause(30)],
            HOUR,
            "3 succeeded, 1 skipped, 1 under way, 1 unaccounted",
            id="the first of them are told, and it lasts until a time",
        ),
    ],
)
def test_ticks_of_a_job_that_is_paused(lines: list[Line], end: float, told: str) -> None:
    """Ticks at 0, 10, ... 50."""
    assert in_short(verdict_on(beat(10, timeout=SECONDS), lines, until=60, end=end)) == told


def test_ticks_of_a_pause_wait_for_a_leader_to_tell_them() -> None:
    late = HOUR + 3 * MOMENT
    lines = [*RAN, paused(25)]

    assert (
        in_short(verdict_on(beat(10, timeout=SECONDS), lines, 60, late + 5, led=(25, late)))
        == "3 succeeded, 3 under way"
    )


# ---------------------------------------------------------------------- which definition was served

OURS, OTHER = "every 10 s", "every 5 s"


def known(at: float, when: str = OURS, zone: str | None = "UTC") -> Told:
    return Told(at, when, zone, new=False)


def new(at: float, when: str = OURS) -> Told:
    return Told(at, when, "UTC", new=True)


@pytest.mark.parametrize(
    ("told", "parts"),
    [
        pytest.param([known(50)], [(0, 100)], id="a known definition was served before its line"),
        pytest.param([new(50)], [(50, 100)], id="a new one was not"),
        pytest.param([new(50), known(70)], [(50, 100)], id="and is known from then on"),
        pytest.param([known(20), new(50)], [(0, 100)], id="forgotten meanwhile, which excuses nothing"),
        pytest.param([known(70), new(50)], [(50, 100)], id="in whatever order the files are read"),
        pytest.param([known(20, OTHER), new(50)], [(50, 100)], id="it took the place of another"),
        pytest.param([known(20), new(50, OTHER)], [(0, 50)], id="another took its place"),
        pytest.param([known(20, OTHER)], [], id="only another was served"),
        pytest.param([], [], id="no leader told of it"),
        pytest.param(
            [known(20), new(40, OTHER), new(70)], [(0, 40), (70, 100)], id="another for a while, and it was forgotten"
        ),
        pytest.param(
            [known(20), new(40, OTHER), known(70)], [(0, 100)], id="another for a while, and it was caught up"
        ),
        pytest.param([known(20, OTHER), known(70)], [(0, 100)], id="another replica's, and it was known all the time"),
        pytest.param([known(50, zone=None)], [(0, 100)], id="text does not tell the zone"),
        pytest.param([known(50, zone="Asia/Tokyo")], [], id="the same words in another zone"),
        pytest.param([new(150)], [], id="new after the audited time"),
    ],
)
def test_ticks_are_expected_while_their_definition_was_served(
    told: list[Told], parts: list[tuple[float, float]]
) -> None:
    assert served(beat(10), told, Span(0, 100), JobAccount()) == [Span(*part) for part in parts]


@pytest.mark.parametrize(
    ("told", "began"),
    [
        pytest.param([new(20), new(60)], 40, id="new to two leaders: the first never got it into the ledger"),
        pytest.param([new(20), new(30), new(60)], 40, id="new to three"),
        pytest.param([new(20), new(40), known(60)], 40, id="the second did"),
        pytest.param([new(20), new(35), known(60)], 35, id="the second did, and the first tick was due later"),
        pytest.param(
            [new(20), known(30), new(60)], 20, id="the first did, and it was forgotten, which excuses nothing"
        ),
    ],
)
def test_a_definition_begins_with_the_leader_that_got_it_into_the_ledger(told: list[Told], began: float) -> None:
    """Nobody after a leader that was lost before knows what fell due under it; ticks at 40 and 50 were told at 60."""
    account = JobAccount()
    for tick in (40, 50):
        account.end(tick, Final(SUCCEEDED, Weight.PLAIN, tick), at=61)

    assert served(beat(10), told, Span(0, 100), account) == [Span(began, 100)]


def test_a_definition_that_is_new_to_two_leaders_and_of_which_nothing_is_told_begins_with_the_second() -> None:
    account = JobAccount()
    account.sign(70, at=71)

    assert served(beat(10), [new(20), new(60)], Span(0, 100), account) == [Span(60, 100)]

"""Which due ticks a job's catch-up policy drops at once, and which are left to be decided one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.claims.catch_up import Backlog, Drop, backlog
from scheduler.core.job import CatchUp, Job
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from tests.fakes.tables import every, job

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEVER_LED = NOON + timedelta(days=1)
ALWAYS_LED = NOON - timedelta(days=1)


def noon(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("policy", "led_since", "dropped", "ticks"),
    [
        pytest.param(CatchUp.NONE, NEVER_LED, [(10, 40, "catch_up_none")], [], id="none, all missed: nothing is left"),
        pytest.param(CatchUp.NONE, noon(40), [(10, 30, "catch_up_none")], [40], id="none, the newest came due now"),
        pytest.param(CatchUp.NONE, noon(40.1), [(10, 40, "catch_up_none")], [], id="none, a moment too late"),
        pytest.param(CatchUp.LATEST, NEVER_LED, [(10, 30, "superseded")], [40], id="latest: the newest is left"),
        pytest.param(CatchUp.LATEST, ALWAYS_LED, [(10, 30, "superseded")], [40], id="latest, after a stall: the same"),
        pytest.param(CatchUp.ALL, NEVER_LED, [(10, 20, "max_catch_up")], [30, 40], id="all: the newest so many"),
    ],
)
def test_policies(policy: CatchUp, led_since: datetime, dropped: list[tuple[int, int, str]], ticks: list[int]) -> None:
    """Every 10 s, settled at noon, and now it is 45 s later; at most two are caught up."""
    one = every("a", 10, catch_up=policy, max_catch_up=2)

    assert backlog(one, NOON, noon(45), led_since) == Backlog(
        tuple(Drop(noon(first), noon(last), (last - first) // 10 + 1, reason) for first, last, reason in dropped),
        tuple(noon(tick) for tick in ticks),
    )


@pytest.mark.parametrize(
    ("one", "now", "expected"),
    [
        pytest.param(every("a", 10), noon(9.9), Backlog(), id="nothing is due yet"),
        pytest.param(every("a", 10), noon(10), Backlog((), (noon(10),)), id="due this very moment"),
        pytest.param(job("a", None), noon(10), Backlog(), id="it never ticks"),
        pytest.param(job("a", AtSchedule(noon(5))), noon(10), Backlog((), (noon(5),)), id="it ticked once"),
        pytest.param(job("a", AtSchedule(noon(0))), noon(10), Backlog(), id="its only tick is over"),
        pytest.param(
            job("a", AtSchedule(noon(5)), catch_up_window=timedelta(seconds=20)),
            noon(25),
            Backlog((), (noon(5),)),
            id="its only tick is as old as the window",
        ),
        pytest.param(
            job("a", AtSchedule(noon(5)), catch_up_window=timedelta(seconds=20)),
            noon(26),
            Backlog((Drop(noon(5), noon(5), 1, "too_old"),)),
            id="its only tick is too old",
        ),
        pytest.param(
            every("a", 10, catch_up_window=timedelta(seconds=20)),
            noon(45),
            Backlog((Drop(noon(10), noon(20), 2, "too_old"), Drop(noon(30), noon(30), 1, "superseded")), (noon(40),)),
            id="too old first, then its policy",
        ),
        pytest.param(
            every("a", 10, catch_up=CatchUp.ALL, catch_up_window=timedelta(seconds=20)),
            noon(50),
            Backlog((Drop(noon(10), noon(20), 2, "too_old"),), (noon(30), noon(40), noon(50))),
            id="as old as the window is not too old",
        ),
    ],
)
def test_what_is_due(one: Job, now: datetime, expected: Backlog) -> None:
    assert backlog(one, NOON, now, NEVER_LED) == expected


def test_jitter_postpones_a_tick() -> None:
    one = every("a", 60, jitter=timedelta(seconds=30))
    due = one.due(noon(60))
    assert due > noon(60)

    assert backlog(one, NOON, due - timedelta.resolution, ALWAYS_LED) == Backlog()
    assert backlog(one, NOON, due, ALWAYS_LED) == Backlog((), (noon(60),))


# ------------------------------------------------------------------ laws

SCHEDULES = st.one_of(
    st.builds(EverySchedule, st.integers(1, 900), st.integers(0, 900)),
    st.integers(-3600, 3600).map(lambda second: AtSchedule(noon(second))),
    st.sampled_from(["*/7 * * * *", "15 12 * * *", "5,50 * * * *"]).map(lambda cron: CronSchedule(cron, "UTC", "a")),
)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    schedule = draw(SCHEDULES)
    period = schedule.period_s if isinstance(schedule, EverySchedule) else 60
    policy = {
        "catch_up": draw(st.sampled_from(CatchUp)),
        "max_catch_up": draw(st.integers(1, 12)),
        "catch_up_window": timedelta(seconds=draw(st.integers(1, 3000))),
        "jitter": timedelta(seconds=draw(st.floats(0, period / 2))),
    }
    now = noon(draw(st.integers(0, 2500)) + draw(st.sampled_from([0, 0.25])))
    return {
        "job": job("a", schedule, **policy),
        "mark": noon(draw(st.integers(-600, 600))),
        "now": now,
        "lead_since": now - timedelta(seconds=draw(st.sampled_from([-1, 0, 1, 30, 10_000]))),
    }


@given(case=cases())
def test_every_due_tick_is_dropped_or_left(case: dict[str, Any]) -> None:
    """Once, in order, the dropped before the others; and the counts are those of an enumeration."""
    found = backlog(**case)
    due = due_ticks(case["job"], case["mark"], case["now"])
    dropped = [span(due, drop) for drop in found.drops]

    assert [tick for ticks in dropped for tick in ticks] + list(found.ticks) == due
    assert [drop.count for drop in found.drops] == [len(ticks) for ticks in dropped]


@given(case=cases())
def test_no_policy_leaves_more_than_it_promises(case: dict[str, Any]) -> None:
    one, found = case["job"], backlog(**case)
    policy = one.policy
    most = {CatchUp.NONE: 1, CatchUp.LATEST: 1, CatchUp.ALL: policy.max_catch_up}

    assert len(found.ticks) <= most[policy.catch_up]
    assert all(case["now"] - tick <= policy.catch_up_window for tick in found.ticks)
    if policy.catch_up is CatchUp.NONE:
        assert all(one.due(tick) >= case["lead_since"] for tick in found.ticks)


@given(case=cases(), later=st.integers(0, 500))
def test_what_was_dropped_stays_dropped(case: dict[str, Any], later: int) -> None:
    """As time goes by, a tick that was dropped is not left to be decided after all."""
    before = backlog(**case)
    after = backlog(**{**case, "now": case["now"] + timedelta(seconds=later)})
    gone = {tick for drop in before.drops for tick in span(due_ticks(case["job"], case["mark"], case["now"]), drop)}

    assert not gone & set(after.ticks)


def due_ticks(one: Job, mark: datetime, now: datetime) -> list[datetime]:
    assert one.schedule
    ticks, tick = [], one.schedule.after(mark)
    while tick and tick <= now:
        ticks += [tick] if one.due(tick) <= now else []
        tick = one.schedule.after(tick)
    return ticks


def span(ticks: list[datetime], drop: Drop) -> list[datetime]:
    return [tick for tick in ticks if drop.first <= tick <= drop.last]

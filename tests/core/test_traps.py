"""The surprises that schedules hold for their authors, and the schedules that hold none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.schedule import CronSchedule, EverySchedule, ticks_between
from scheduler.core.timing.cron import CronError
from scheduler.core.wording.traps import cron_traps, every_traps

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BOTH = "cron ORs the two day fields. For both at once run on one of them and test the other in the job."
AGAIN = "a step starts again with each round"
KEPT = "a time outside is kept every day"


def told(expression: str, zone: str = "Europe/Berlin") -> list[tuple[str, str, str]]:
    """The traps, each with the part of the expression that it is about."""
    schedule = CronSchedule(expression, zone, "nightly-report")
    return [
        (trap.code, trap.message, expression[slice(*trap.span)] if trap.span else "")
        for trap in cron_traps(schedule, NOW)
    ]


def hints(expression: str, zone: str = "Europe/Berlin") -> list[str]:
    return [trap.hint for trap in cron_traps(CronSchedule(expression, zone, "nightly-report"), NOW)]


# ---- the two day fields ----


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        pytest.param(
            "0 0 13 * 5",
            "runs on day 13 and on every Friday",
            "cron ORs the two day fields. For Friday the 13th run every Friday and test the date in the job.",
            id="Friday the 13th",
        ),
        pytest.param("0 0 1,15 * 0,6", "runs on days 1 and 15 and on every Sunday and Saturday", BOTH, id="several"),
        pytest.param(
            "0 0 L * MON#1",
            "runs on the days of the month that it names and on the weekdays that it names",
            BOTH,
            id="days without a short name",
        ),
    ],
)
def test_two_restricted_day_fields_are_a_trap(expression: str, message: str, hint: str) -> None:
    assert told(expression) == [("dom-dow-or", message, "")]
    assert hints(expression) == [hint]


@pytest.mark.parametrize("expression", ["0 0 13 * *", "0 0 * * 5", "0 0 13 * ?", "0 0 */2 * 5", "0 0 1-7 * */7"])
def test_one_restricted_day_field_is_none(expression: str) -> None:
    assert told(expression) == []


# ---- steps ----


@pytest.mark.parametrize(
    ("expression", "message", "part", "hint"),
    [
        pytest.param("*/7 * * * *", "*/7 fires at :56, then :00", "*/7", "every: 7m keeps the distance", id="minutes"),
        pytest.param(
            "0-59/7 * * * *", "0-59/7 fires at :56, then :00", "0-59/7", "every: 7m keeps the distance", id="all"
        ),
        pytest.param(
            "*/40 * * * *", "*/40 fires at :40, then :00", "*/40", "every: 40m keeps the distance", id="of two"
        ),
        pytest.param("H/7 * * * *", "H/7 fires at :58, then :02", "H/7", "every: 7m keeps the distance", id="hashed"),
        pytest.param("*/7 9-17 * * *", "*/7 fires at :56, then :00", "*/7", AGAIN, id="minutes of some hours"),
        pytest.param("*/7 * * * 1-5", "*/7 fires at :56, then :00", "*/7", AGAIN, id="minutes of some days"),
        pytest.param(
            "*/25 * * * * *", "*/25 fires at :50, then :00", "*/25", "every: 25s keeps the distance", id="seconds"
        ),
        pytest.param(
            "30 */5 * * *", "*/5 fires at 20:30, then 00:30", "*/5", "every: 5h keeps the distance", id="hours"
        ),
        pytest.param("0 */5 * * 1-5", "*/5 fires at 20:00, then 00:00", "*/5", AGAIN, id="hours of some days"),
        pytest.param("0 9 */2 * *", "*/2 fires on day 31, then day 1", "*/2", AGAIN, id="days"),
        pytest.param("0 9 1 */5 *", "*/5 fires in November, then January", "*/5", AGAIN, id="months"),
    ],
)
def test_a_step_that_does_not_divide_its_round_is_a_trap(expression: str, message: str, part: str, hint: str) -> None:
    assert told(expression, "UTC") == [("uneven-step", message, part)]
    assert hints(expression, "UTC") == [hint]


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("*/15 * * * *", id="a step that divides"),
        pytest.param("H/15 * * * *", id="an offset one that divides"),
        pytest.param("*/7 9 * * *", id="in one hour: no other follows"),
        pytest.param("*/7 9,11,13 * * *", id="in hours that do not follow one another"),
        pytest.param("*/25 5 * * * *", id="seconds of one minute"),
        pytest.param("0 */5 * * 1", id="hours of a day that no other follows"),
        pytest.param("0 9 */2 2 *", id="days of one month"),
        pytest.param("0 9 */2 * 5", id="odd days that are Fridays are meant"),
        pytest.param("0 9 1 */6 *", id="months that divide"),
        pytest.param("3-59/7 * * * *", id="a range that its author spelt out"),
        pytest.param("*/7,59 * * * *", id="a step among others"),
        pytest.param("@hourly", id="a macro"),
    ],
)
def test_steps_that_people_mean(expression: str) -> None:
    assert told(expression, "UTC") == []


# ---- clocks ----


@pytest.mark.parametrize(
    ("expression", "zone", "message", "hint"),
    [
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2027-03-28 02:30 does not exist, runs at 03:00",
            f"clocks go from 02:00 to 03:00; {KEPT}",
            id="a fixed time is moved",
        ),
        pytest.param(
            "30 2 * * 0",
            "Europe/Berlin",
            "2027-03-28 02:30 does not exist, runs at 03:00",
            f"clocks go from 02:00 to 03:00; {KEPT}",
            id="on Sundays, when clocks change",
        ),
        pytest.param(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2027-10-03 02:15 does not exist, runs at 02:30",
            f"clocks go from 02:00 to 02:30; {KEPT}",
            id="half an hour",
        ),
        pytest.param(
            "0 0 * * *",
            "Africa/Cairo",
            "2027-04-30 00:00 does not exist, runs at 01:00",
            f"clocks go from 00:00 to 01:00; {KEPT}",
            id="midnight",
        ),
        pytest.param(
            "*/30 2 * * *",
            "Europe/Berlin",
            "2027-03-28 02:00 does not exist, skipped that day",
            "clocks go from 02:00 to 03:00; with numbers for minute and hour it runs at 03:00",
            id="a wildcard does not run at all",
        ),
    ],
)
def test_a_time_that_clocks_will_skip_is_a_trap(expression: str, zone: str, message: str, hint: str) -> None:
    assert told(expression, zone) == [("dst-gap", message, "")]
    assert hints(expression, zone) == [hint]


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        pytest.param("30 2 * * *", "UTC", id="clocks that never change"),
        pytest.param("30 3 * * *", "Europe/Berlin", id="an hour that is always there"),
        pytest.param("30 2 * * 1-5", "Europe/Berlin", id="days on which clocks never change"),
        pytest.param("30 2 1 1 *", "Europe/Berlin", id="a month in which they do not"),
        pytest.param("0 2,3 * * *", "Europe/Berlin", id="there is a run at 03:00 anyway"),
        pytest.param("10 0-23 * * *", "Europe/Berlin", id="all day long"),
        pytest.param("*/15 * * * *", "Europe/Berlin", id="all day long, with a wildcard"),
        pytest.param("*/30 1-4 * * *", "Europe/Berlin", id="the wildcard runs before and after"),
        pytest.param("30 2 * * *", "Asia/Tokyo", id="a zone that gave it up"),
    ],
)
def test_changes_that_nobody_minds(expression: str, zone: str) -> None:
    assert told(expression, zone) == []


def test_a_change_that_is_far_off_is_not_told() -> None:
    """28 March 2027 is a Sunday; the next 28 March that is one, and a change, is in 2032."""
    late = datetime(2027, 4, 1, tzinfo=UTC)
    schedule = CronSchedule("30 2 28 3 *", "Europe/Berlin", "a")

    assert [trap.code for trap in cron_traps(schedule, NOW)] == ["dst-gap"]
    assert list(cron_traps(schedule, late)) == []


@given(
    minute=st.sampled_from(["0", "30", "15,45", "*/20", "*"]),
    hour=st.sampled_from(["0", "1", "2", "3", "1,2", "2,3", "*", "*/2"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_a_gap_is_told_only_of_a_day_that_lacks_a_tick_of_its_own(minute: str, hour: str, zone: str) -> None:
    """By the ticks themselves: on the named day one of them stands for a time that is skipped, or there are none."""
    try:
        schedule = CronSchedule(f"{minute} {hour} * * *", zone, "a")
    except CronError:
        return
    for trap in cron_traps(schedule, NOW):
        if trap.code != "dst-gap":
            continue
        missing = datetime.fromisoformat(trap.message[:16])
        around = [
            schedule.meant(tick)
            for tick in ticks_between(
                schedule,
                missing.replace(tzinfo=UTC) - timedelta(days=2),
                missing.replace(tzinfo=UTC) + timedelta(days=2),
            )
        ]

        if "skipped" in trap.message:
            assert missing.date() not in {meant.date() for meant in around}
        else:
            assert missing in around


# ---- periods ----


@pytest.mark.parametrize(
    ("period_s", "zone", "message", "hint"),
    [
        (86_400, "Europe/Berlin", "1d counts from 00:00 UTC, not local midnight", 'use cron: "0 0 * * *"'),
        (7 * 86_400, "Asia/Tokyo", "7d counts from 00:00 UTC, not local midnight", 'use cron: "0 0 * * MON"'),
        (2 * 86_400, "Asia/Tokyo", "2d counts from 00:00 UTC, not local midnight", "use cron"),
    ],
)
def test_days_that_are_not_local_ones_are_a_trap(period_s: int, zone: str, message: str, hint: str) -> None:
    (trap,) = every_traps(EverySchedule(period_s), zone)

    assert (trap.code, trap.message, trap.hint) == ("every-day", message, hint)


@pytest.mark.parametrize(
    ("period_s", "zone"), [(86_400, "UTC"), (86_400, "Etc/UTC"), (3_600, "Asia/Tokyo"), (90_000, "Asia/Tokyo")]
)
def test_other_periods_are_none(period_s: int, zone: str) -> None:
    assert list(every_traps(EverySchedule(period_s), zone)) == []

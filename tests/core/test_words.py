"""Schedules in words: right to the letter where there are words, the expression where there are none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.job import Schedule
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from scheduler.core.words import when_in_words


def cron(expression: str) -> CronSchedule:
    return CronSchedule(expression, "Europe/Berlin", "nightly-report")


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        pytest.param(EverySchedule(5), "every 5 s", id="seconds"),
        pytest.param(EverySchedule(900, 120), "every 15 min + 2 min", id="minutes with an offset"),
        pytest.param(EverySchedule(90), "every 90 s", id="a minute and a half"),
        pytest.param(EverySchedule(7200, 90), "every 2 h + 90 s", id="hours"),
        pytest.param(EverySchedule(86400), "every 1 d", id="a day of 24 hours"),
        pytest.param(AtSchedule(datetime(2026, 12, 1, 1, tzinfo=UTC)), "once at 2026-12-01T01:00:00Z", id="an instant"),
    ],
)
def test_periods_and_instants_in_words(schedule: Schedule, words: str) -> None:
    assert when_in_words(schedule) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("15 3 * * *", "at 03:15 every day"),
        ("0 15 3 * * *", "at 03:15 every day"),
        ("30 15 3 * * *", "at 03:15:30 every day"),
        ("0 9,17 * * *", "at 09:00 and 17:00 every day"),
        ("0,30 9,17 * * *", "at 09:00, 09:30, 17:00 and 17:30 every day"),
        ("H H(1-5) * * *", "at 02:07 every day"),
        ("@daily", "at 00:00 every day"),
        ("15 3 * * 1-5", "at 03:15 on weekdays"),
        ("15 3 ? * MON-FRI", "at 03:15 on weekdays"),
        ("0 2 * * 0", "at 02:00 on Sunday"),
        ("0 2 * * 7", "at 02:00 on Sunday"),
        ("0 2 * * sat,sun", "at 02:00 on Saturday and Sunday"),
        ("0 2 * * 0,1,3", "at 02:00 on Monday, Wednesday and Sunday"),
        ("0 9 * * MON#2", "at 09:00 on the 2nd Monday of the month"),
        ("0 9 * * 5L", "at 09:00 on the last Friday of the month"),
        ("0 9 * 1,7 7#1", "at 09:00 on the 1st Sunday of January and July"),
        ("0 0 13 * *", "at 00:00 on day 13 of the month"),
        ("0 0 13 * 5", "at 00:00 on day 13 of the month, or on Friday"),
        ("0 0 1,15 * *", "at 00:00 on days 1 and 15 of the month"),
        ("0 0 1-7 * *", "at 00:00 on days 1 to 7 of the month"),
        ("0 0 L * *", "at 00:00 on the last day of the month"),
        ("0 0 LW 3 *", "at 00:00 on the last weekday of March"),
        ("0 0 1 1 *", "at 00:00 on day 1 of January"),
        ("0 0 1 */3 *", "cron 0 0 1 */3 *"),
        ("0 0 * 7 *", "at 00:00 every day in July"),
        ("0 0 * 7,8 1", "at 00:00 on Monday in July and August"),
        ("* * * * *", "every minute"),
        ("* * * * * *", "every second"),
        ("*/5 * * * * *", "every 5 s"),
        ("*/15 * * * *", "every 15 min"),
        ("H/15 * * * *", "every 15 min + 7 min"),
        ("*/15 9-17 * * 1-5", "every 15 min from 09:00 to 17:59 on weekdays"),
        ("*/10 * * * 0", "every 10 min on Sunday"),
        ("0 * * * *", "every hour"),
        ("5 * * * *", "at minute 5 of every hour"),
        ("H * * * *", "at minute 7 of every hour"),
        ("0 */2 * * *", "every 2nd hour"),
        ("15 */6 * * 1-5", "at minute 15 of every 6th hour on weekdays"),
        ("0 9-17 * * *", "every hour from 09:00 to 17:00"),
    ],
    ids=str,
)
def test_common_expressions_in_words(expression: str, words: str) -> None:
    assert when_in_words(cron(expression)) == words


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("H/7 2-5 * * 1#2", id="several things at once"),
        pytest.param("*/7 * * * *", id="a step that does not divide the hour"),
        pytest.param("7-30/15 * * * *", id="a part of the hour"),
        pytest.param("0 */5 * * *", id="a step that does not divide the day"),
        pytest.param("30 */15 * * * *", id="a second beside a step"),
        pytest.param("0 1,2,3,4,6 * * *", id="many times of day"),
        pytest.param("0 0 */2 * *", id="odd days"),
        pytest.param("0 0 */2 * 1", id="odd days that are Mondays"),
        pytest.param("0 0 13 3 5", id="two day fields and a month"),
        pytest.param("0 0 1,5,9,13,17,21 * *", id="many days"),
        pytest.param("0 0 L,15 * *", id="a list with the last day"),
        pytest.param("0 0 * * 1,5L", id="a list with a last weekday"),
        pytest.param("0 0 13 * 0-6", id="every weekday by number"),
        pytest.param("*/5 9,11 * * *", id="steps in two hours"),
        pytest.param("* 5 * * * *", id="every second of a minute"),
    ],
)
def test_what_has_no_safe_wording_is_shown_as_it_was_written(expression: str) -> None:
    assert when_in_words(cron(expression)) == f"cron {expression}"


def test_the_expression_is_shown_as_written_and_not_as_resolved() -> None:
    assert when_in_words(cron("  h/7  2-5 * * mon#2")) == "cron h/7 2-5 * * mon#2"


FIELDS = (
    st.sampled_from(["0", "*", "*/10", "30"]),
    st.sampled_from(["0", "15", "*", "*/15", "0,30", "*/7", "H"]),
    st.sampled_from(["3", "*", "*/2", "9-17", "3,15", "0-23"]),
    st.sampled_from(["*", "1", "1,15", "1-7", "L", "LW", "*/2", "13"]),
    st.sampled_from(["*", "3", "1,7", "*/3"]),
    st.sampled_from(["*", "0", "7", "1-5", "6,0", "MON#2", "5L", "*/2"]),
)


@given(fields=st.tuples(*FIELDS), place=st.integers(0, 5), data=st.data())
def test_equal_words_stand_for_equal_ticks(fields: tuple[str, ...], place: int, data: st.DataObject) -> None:
    other = (*fields[:place], data.draw(FIELDS[place]), *fields[place + 1 :])
    first, second = cron(" ".join(fields)), cron(" ".join(other))
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC)
    if when_in_words(first) == when_in_words(second):
        assert [first.after(since), first.count(since, until)] == [second.after(since), second.count(since, until)]

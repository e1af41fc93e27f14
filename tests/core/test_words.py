"""Schedules in words: right to the letter, and true."""

from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.job import Schedule
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from scheduler.core.timing.cron import CronError
from scheduler.core.wording.schedules import in_words, when_in_words
from tests.core.sentences import DAYS, claimed


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
        pytest.param(EverySchedule(9999), "every 9999 s", id="seconds that are no minutes"),
        pytest.param(EverySchedule(90_061), "every 1 d 1 h 1 min 1 s", id="a bit of everything"),
        pytest.param(AtSchedule(datetime(2026, 12, 1, 1, tzinfo=UTC)), "once at 2026-12-01T01:00:00Z", id="an instant"),
    ],
)
def test_periods_and_instants_in_words(schedule: Schedule, words: str) -> None:
    assert when_in_words(schedule, "UTC") == words


def test_an_instant_is_said_by_the_clock_of_the_job() -> None:
    schedule = AtSchedule(datetime(2026, 12, 1, 1, tzinfo=UTC))

    assert when_in_words(schedule, "Europe/Berlin") == "once at 2026-12-01T02:00:00+01:00"


@given(
    instant=st.datetimes(datetime(1971, 1, 2), datetime(8999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    name=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Africa/Monrovia"]),
)
def test_the_words_of_an_instant_are_that_instant(instant: datetime, name: str) -> None:
    """So different instants have different words, also where the clock shows a time twice."""
    words = when_in_words(AtSchedule(instant.replace(microsecond=0)), name)

    assert datetime.fromisoformat(words.removeprefix("once at ")) == instant.replace(microsecond=0)


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
        ("0 0 1 */3 *", "at 00:00 on day 1 of January, April, July and October"),
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
        ("0-59 * * * *", "every minute"),
        ("0-59 3 * * *", "at minutes 0 to 59 of hour 3"),
        ("* 3 * * *", "every minute from 03:00 to 03:59"),
        ("10-20 3 * * *", "every minute from 03:10 to 03:20"),
        ("0-59/7 3 * * *", "every 7 min from 03:00 to 03:56"),
        ("*/7 3 * * *", "at every 7th minute from 0 to 56 of hour 3 (wildcard)"),
        ("*/7 * * * *", "at every 7th minute from 0 to 56 of every hour"),
        ("*/40 * * * *", "at minutes 0 and 40 of every hour"),
        ("*/30 2 * * *", "every 30 min from 02:00 to 02:59"),
        ("0,30 2-4 * * *", "at 02:00, 02:30, 03:00, 03:30, 04:00 and 04:30 every day"),
        ("0,30 9-17 * * *", "at minutes 0 and 30 of hours 9 to 17"),
        ("7-59/15 9-17 * * *", "every 15 min + 7 min from 09:00 to 17:59"),
        ("7-59/15 0-23 * * *", "every 15 min + 7 min from 00:00 to 23:59"),
        ("7-30/15 * * * *", "at minutes 7 and 22 of every hour"),
        ("*/5 9,11 * * *", "every 5 min of hours 9 and 11"),
        ("0 1,2,3,4,6 * * *", "at 01:00, 02:00, 03:00, 04:00 and 06:00 every day"),
        ("0 */5 * * *", "every 5th hour from 00:00 to 20:00 (wildcard)"),
        ("0 */12 * * *", "every 12th hour"),
        ("30 8-18/2 * * *", "every 2nd hour from 08:30 to 18:30"),
        ("30 */15 * * * *", "at second 30 of every 15th minute of every hour"),
        ("30 * * * * *", "at second 30 of every minute"),
        ("* 5 * * * *", "every second of minute 5 of every hour"),
        ("*/10 * 9-17 * * *", "every 10 s from 09:00 to 17:59"),
        ("*/10 0-5 3 * * *", "every 10 s from 03:00 to 03:05"),
        ("0 0 */2 * *", "at 00:00 on every 2nd day from 1 to 31 of the month"),
        ("0 0 */2 * 1", "at 00:00 on every 2nd day from 1 to 31 of the month, but only on Monday"),
        ("0 0 1-7 * */7", "at 00:00 on days 1 to 7 of the month, but only on Sunday"),
        ("0 0 13 3 5", "at 00:00 on day 13 of March, or on Friday in March"),
        ("0 0 13 * 0-6", "at 00:00 every day"),
        ("0 0 L,15 * *", "at 00:00 on day 15 and the last day of the month"),
        ("0 0 * * 1,5L", "at 00:00 on Monday, or on the last Friday of the month"),
        ("0 0 * * 1#1,3#3", "at 00:00 on the 1st Monday and the 3rd Wednesday of the month"),
        ("0 0 * * 1#1,1", "at 00:00 on Monday"),
        ("0 6 * * 1-6", "at 06:00 from Monday to Saturday"),
        ("0 6 1 4-9 *", "at 06:00 on day 1 of each month from April to September"),
        ("0 6 * 4-9 *", "at 06:00 every day from April to September"),
    ],
    ids=str,
)
def test_expressions_in_words(expression: str, words: str) -> None:
    assert when_in_words(cron(expression)) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (
            "H/7 2-5 * * 1#2",
            "at every 7th minute from 2 to 58 of hours 2 to 5 on the 2nd Monday of the month",
        ),
        (
            "0,30 9-17 * * 2,4,6,7",
            "at minutes 0 and 30 of hours 9 to 17 on Tuesday, Thursday, Saturday and Sunday",
        ),
    ],
    ids=str,
)
def test_eighty_characters_are_not_too_many_for_the_log(expression: str, words: str) -> None:
    assert (when_in_words(cron(expression)), len(words) <= 80) == (words, True)


def test_longer_words_are_left_to_explain_and_the_expression_is_shown_as_it_was_written() -> None:
    long = cron("  5,20   9-17 * 1-11/2  mon#2")

    assert when_in_words(long) == "cron 5,20 9-17 * 1-11/2 mon#2"
    assert in_words(long) == (
        "at minutes 5 and 20 of hours 9 to 17 on the 2nd Monday of every 2nd month from January to November"
    )


def test_the_comparison_with_other_words_shows_ours_as_they_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "schedules-in-words.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    shown = {expression.strip(" `"): words for expression, words, *_ in rows}

    assert shown == {expression: in_words(cron(expression)) for expression in shown}
    assert len(shown) >= 60


# ---- laws ----


def words_of(text: str) -> list[str]:
    return text.split()


SIXTY = words_of(
    "0 30 45 * */15 */7 */40 */30 */2 0,30 5,20 0,10,20 7-59/13 7-59/15 0-59 0-59/7 0-59/15 0-10 10-20/3 "
    "1,2,3,50-59 */40,7 8-12,30 1-59/2 H H/15"
)
HOURS = words_of("0 3 23 * */2 */5 */12 */23 9-17 0-23 2-3 3,15 1,5,9,20 1-5,9 22-23,0 8-18/2 0-20/5 0-23/2 *,5")
DAYS_OF_MONTH = words_of("* * * 1 13 31 1,15 1-7 28-31 1-31 1-31/2 2,4,6,8,10,15 */2 */10 *,13 L LW L,15 L,31 LW,L,1-3")
MONTHS = words_of("* * * 2 3 12 1,7 2,3 1-3,7 4-9 1-12 1-11/2 */2 */3")
WEEKDAYS = words_of("* * * 0 7 1-5 6,0 1-6 5-7 0-6 1-7/3 MON-THU 2,4,6 */2 */7 MON#2 5L 1,5L 1#1,3#3 1#1,1 0L,6#5")
FIELDS = tuple(map(st.sampled_from, (["0", "0", *SIXTY], SIXTY, HOURS, DAYS_OF_MONTH, MONTHS, WEEKDAYS)))
EXPRESSIONS = st.tuples(*FIELDS).map(" ".join)


def named(expression: str) -> CronSchedule | None:
    """The schedule, unless there is no such day."""
    try:
        return CronSchedule(expression, "UTC", "nightly-report")
    except CronError:
        return None


@settings(max_examples=200, deadline=None)
@given(expression=EXPRESSIONS)
def test_the_words_claim_what_the_schedule_does(expression: str) -> None:
    """The sentence is read back by a reader of English, and cronsim says what the fields mean."""
    if (schedule := named(expression)) is None:
        return
    fields = schedule.read.fields
    sim = CronSim(" ".join(astuple(fields)), datetime(2024, 1, 1, tzinfo=UTC))
    clocks = {hour * 3600 + minute * 60 for hour in sim.hours for minute in sim.minutes}

    claim = claimed(in_words(schedule))

    assert claim.seconds == {clock + second for clock in clocks for second in sim.seconds}
    assert claim.days == {day for day in DAYS if day.month in sim.months and sim.match_day(day)}
    assert claim.wildcard == fields.follows_real_time


@given(expression=EXPRESSIONS, place=st.integers(0, 5), data=st.data())
def test_equal_words_stand_for_equal_ticks(expression: str, place: int, data: st.DataObject) -> None:
    """`audit` relies on it."""
    fields = expression.split()
    other = " ".join([*fields[:place], data.draw(FIELDS[place]), *fields[place + 1 :]])
    if named(expression) is None or named(other) is None:
        return
    first, second = cron(expression), cron(other)
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC)
    if when_in_words(first) == when_in_words(second):
        assert [first.after(since), first.count(since, until)] == [second.after(since), second.count(since, until)]

"""Five fields of another scheduler as a cron expression: the author's words where they fit, else proven ones."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.schedule import CronSchedule, ticks_between
from scheduler.importing.expressions import FIRSTS, LASTS, Wanted, expression, spelled

ALL = tuple(frozenset(range(first, last + 1)) for first, last in zip(FIRSTS, LASTS, strict=True))
NO_WORDS = ("", "", "", "", "")


def wanted(
    days: set[int], weekdays: set[int], *, both: bool, words: tuple[str, ...] = NO_WORDS, months: set[int] | None = None
) -> Wanted:
    month = frozenset(months) if months else ALL[3]
    return Wanted((frozenset({0}), frozenset({9}), frozenset(days), month, frozenset(weekdays)), words, both)


@pytest.mark.parametrize(
    ("days", "weekdays", "written"),
    [
        pytest.param({*range(1, 8)}, {1}, "0 9 * * MON#1", id="the first Monday"),
        pytest.param({*range(1, 8), *range(15, 22)}, {1}, "0 9 * * MON#1,MON#3", id="the first and the third"),
        pytest.param({*range(8, 15)}, {1, 5}, "0 9 * * MON#2,FRI#2", id="two weekdays of the second week"),
        pytest.param({*range(29, 32)}, {0}, "0 9 * * SUN#5", id="the fifth Sunday, if there is one"),
        pytest.param({*range(1, 32, 2)}, {1}, "0 9 */2 * 1", id="odd days that are Mondays"),
        pytest.param({13}, {0, 6}, "0 9 13 * */6", id="the 13th on a weekend"),
        pytest.param({5, 6}, {0}, "0 9 5,6 * */7", id="two days that are Sundays"),
        pytest.param({13}, {5}, None, id="Friday the 13th"),
        pytest.param({*range(25, 32)}, {5}, None, id="Fridays from the 25th on are not always the last"),
        pytest.param({*range(1, 32)}, {5}, "0 9 * * 5", id="all days and Fridays"),
        pytest.param({13}, {*range(7)}, "0 9 13 * *", id="the 13th on any weekday"),
    ],
)
def test_both_day_fields_at_once_are_said_where_cron_can_say_it(
    days: set[int], weekdays: set[int], written: str | None
) -> None:
    assert expression(wanted(days, weekdays, both=True)) == written


@pytest.mark.parametrize(
    ("words", "days", "weekdays", "written"),
    [
        pytest.param(("0", "9", "13", "*", "FRI"), {13}, {5}, "0 9 13 * FRI", id="as cron has it"),
        pytest.param(("0", "9", "*/2", "*", "1"), {*range(1, 32, 2)}, {1}, "0 9 1-31/2 * 1", id="a star would AND"),
        pytest.param(("0", "9", "1", "*", "*/2"), {1}, {0, 2, 4, 6}, "0 9 1 * 0-6/2", id="in the weekday too"),
    ],
)
def test_either_day_field_keeps_its_words_unless_a_star_would_change_them(
    words: tuple[str, ...], days: set[int], weekdays: set[int], written: str
) -> None:
    assert expression(wanted(days, weekdays, both=False, words=words)) == written


@pytest.mark.parametrize(
    ("word", "values", "kept"),
    [
        pytest.param("mon-fri", {1, 2, 3, 4, 5}, "mon-fri", id="names"),
        pytest.param("monday", {1}, "1", id="a name that cron does not know"),
        pytest.param("fri-mon", {5, 6, 0, 1}, "0,1,5,6", id="a range that wraps"),
        pytest.param("1-5", {1, 2}, "1,2", id="words that mean something else"),
    ],
)
def test_a_word_is_kept_only_if_it_means_the_same_to_us(word: str, values: set[int], kept: str) -> None:
    words = ("0", "9", "*", "*", word)

    assert expression(wanted({*range(1, 32)}, values, both=True, words=words)) == f"0 9 * * {kept}"


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        pytest.param({*range(60)}, 0, "*", id="all"),
        pytest.param({*range(0, 60, 15)}, 0, "*/15", id="from the first to the last"),
        pytest.param({5, 20, 35, 50}, 0, "5-50/15", id="shifted"),
        pytest.param({0, 1, 2, 22, 23}, 1, "0-2,22,23", id="runs"),
        pytest.param({7}, 2, "7", id="one"),
        pytest.param({3, 9}, 3, "3,9", id="two are named"),
    ],
)
def test_values_are_spelt_shortly(values: set[int], field: int, text: str) -> None:
    assert spelled(frozenset(values), field) == text


def some(field: int) -> st.SearchStrategy[frozenset[int]]:
    first, last = FIRSTS[field], LASTS[field]
    runs = st.tuples(st.integers(first, last), st.integers(first, last)).map(
        lambda ends: range(min(ends), max(ends) + 1)
    )
    steps = st.integers(1, last).map(lambda step: range(first, last + 1, step))
    return st.one_of(st.just(range(first, last + 1)), runs, steps, st.sets(st.integers(first, last), min_size=1)).map(
        frozenset
    )


@settings(max_examples=60)
@given(values=st.tuples(*map(some, range(5))), both=st.booleans())
def test_an_expression_names_these_times_and_no_others(values: tuple[frozenset[int], ...], both: bool) -> None:
    want = Wanted(values, NO_WORDS, both)
    text = expression(want)
    if text is None:
        return
    start = datetime(2027, 2, 1, tzinfo=UTC)
    end = start + timedelta(days=60)
    schedule = CronSchedule(text, "UTC", "some-job")

    days = {tick.date() for tick in ticks_between(schedule, start - timedelta(seconds=1), end)}
    for day in (start + timedelta(days=number) for number in range(60)):
        assert (day.date() in days) == named(want, day)
        if named(want, day):
            today = ticks_between(schedule, day - timedelta(seconds=1), day + timedelta(hours=24, seconds=-1))
            assert [(tick.hour, tick.minute) for tick in today] == [
                (hour, minute) for hour in sorted(values[1]) for minute in sorted(values[0])
            ]


def named(want: Wanted, day: datetime) -> bool:
    in_days, in_weekdays = day.day in want.values[2], day.isoweekday() % 7 in want.values[4]
    on_day = in_days and in_weekdays if want.both_days else in_days or in_weekdays
    return day.month in want.values[3] and on_day


@settings(max_examples=60)
@given(values=st.tuples(*map(some, range(5))))
def test_either_of_two_day_fields_can_always_be_said(values: tuple[frozenset[int], ...]) -> None:
    want = Wanted(values, NO_WORDS, both_days=False)
    ever = any(
        want.names_day(day, 0) or want.names_day(day, 1)
        for month in values[3]
        for day in range(1, monthrange(2028, month)[1] + 1)
    )

    assert expression(want) or not ever

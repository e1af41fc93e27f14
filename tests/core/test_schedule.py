"""When jobs tick: tables for what crontab(5) says about changing clocks, laws for everything else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.job import Schedule
from scheduler.core.schedule import (
    AtSchedule,
    CronSchedule,
    EverySchedule,
    ticks_between,
)
from scheduler.core.timing.cron import CronError
from scheduler.core.timing.localtimes import day_rule
from scheduler.core.timing.zones import UnknownZone, zone

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def back_between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """What `ticks_between` gives, from its end and by `before`."""
    tick = schedule.before(until + timedelta.resolution)
    while tick is not None and tick > after:
        yield tick
        tick = schedule.before(tick)


def cron(expression: str, zone_name: str = "Europe/Berlin") -> CronSchedule:
    return CronSchedule(expression, zone_name, "nightly-report")


def ticks(schedule: Schedule, since: str, until: str) -> list[str]:
    """The ticks of a window, its first instant included, as `day hour:minute[:second]` of UTC."""
    found = ticks_between(schedule, at(since) - SECOND, at(until))
    return [f"{tick:%d %H:%M}" + (f":{tick.second:02}" if tick.second else "") for tick in found]


# ---- changing clocks, crontab(5): skipped fixed times run at once, repeated ones once; wildcards follow real time ----

SPRING = ("Europe/Berlin", "2027-03-28T00:00Z", "2027-03-28T02:00Z")  # at 01:00Z clocks go from 02:00 to 03:00
AUTUMN = ("Europe/Berlin", "2027-10-31T00:00Z", "2027-10-31T02:00Z")  # at 01:00Z clocks go from 03:00 to 02:00
HOWE_SPRING = ("Australia/Lord_Howe", "2026-10-03T15:00Z", "2026-10-03T16:00Z")  # at 15:30Z from 02:00 to 02:30
HOWE_AUTUMN = ("Australia/Lord_Howe", "2027-04-03T14:00Z", "2027-04-03T16:00Z")  # at 15:00Z from 02:00 to 01:30
ST_JOHNS = (
    "America/St_Johns",
    "2010-11-07T01:30Z",
    "2010-11-07T03:30Z",
)  # at 02:31Z from 00:01 to 23:01 the day before
APIA = ("Pacific/Apia", "2011-12-30T00:00Z", "2011-12-31T00:00Z")  # at 10:00Z from the end of 29 to the start of 31


@pytest.mark.parametrize(
    ("expression", "window", "expected"),
    [
        pytest.param("30 2 * * *", SPRING, ["28 01:00"], id="a skipped time runs right after the gap"),
        pytest.param("0 30 2 * * *", SPRING, ["28 01:00"], id="with six fields too"),
        pytest.param("15 30 2 * * *", SPRING, ["28 01:00"], id="and with another second"),
        pytest.param("0,30 2 * * *", SPRING, ["28 01:00"], id="two skipped times run as one"),
        pytest.param("30 2,3 * * *", SPRING, ["28 01:00", "28 01:30"], id="the time after the gap is not moved"),
        pytest.param("0 2,3 * * *", SPRING, ["28 01:00"], id="a skipped time joins one at the gap's end"),
        pytest.param("0 3 * * *", SPRING, ["28 01:00"], id="the gap's end itself"),
        pytest.param("59 1 * * *", SPRING, ["28 00:59"], id="the last minute before the gap"),
        pytest.param("*/30 2 * * *", SPRING, [], id="a wildcard minute of the skipped hour does not run"),
        pytest.param("30 * * * *", SPRING, ["28 00:30", "28 01:30"], id="a wildcard hour follows real time"),
        pytest.param("30 2 * * *", AUTUMN, ["31 00:30"], id="a repeated time runs the first time"),
        pytest.param("0 30 2 * * *", AUTUMN, ["31 00:30"], id="with six fields too, once"),
        pytest.param("0-59/30 2,3 * * *", AUTUMN, ["31 00:00", "31 00:30", "31 02:00"], id="several, each once"),
        pytest.param(
            "*/30 2 * * *",
            AUTUMN,
            ["31 00:00", "31 00:30", "31 01:00", "31 01:30"],
            id="a wildcard minute runs in both of the repeated hours",
        ),
        pytest.param("30 * * * *", AUTUMN, ["31 00:30", "31 01:30"], id="a wildcard hour never pauses for an hour"),
        pytest.param("15 2 * * *", HOWE_SPRING, ["03 15:30"], id="half an hour is skipped"),
        pytest.param("0,15,30,45 2 * * *", HOWE_SPRING, ["03 15:30", "03 15:45"], id="half an hour, both sides"),
        pytest.param("*/15 2 * * *", HOWE_SPRING, ["03 15:30", "03 15:45"], id="half an hour and a wildcard"),
        pytest.param("15,45 1 * * *", HOWE_AUTUMN, ["03 14:15", "03 14:45"], id="half an hour is repeated"),
        pytest.param(
            "*/15 1 * * *", HOWE_AUTUMN, ["14:00", "14:15", "14:30", "14:45", "15:00", "15:15"], id="both times"
        ),
        pytest.param("30 23 * * *", ST_JOHNS, ["07 02:00"], id="yesterday evening is repeated after midnight"),
        pytest.param("0 0 * * *", ST_JOHNS, ["07 02:30"], id="midnight comes twice"),
        pytest.param("0 * * * *", ST_JOHNS, ["07 01:30", "07 02:30", "07 03:30"], id="midnight twice and a wildcard"),
        pytest.param("0 12 * * *", APIA, ["30 10:00", "30 22:00"], id="a whole day is skipped"),
        pytest.param("*/30 12 * * *", APIA, ["30 22:00", "30 22:30"], id="a whole day and a wildcard"),
        pytest.param("0 12 30 * *", APIA, ["30 10:00"], id="the skipped day's own job runs right after it"),
    ],
)
def test_changing_clocks_are_treated_as_debian_does(
    expression: str, window: tuple[str, str, str], expected: list[str]
) -> None:
    zone_name, since, until = window

    found = ticks(cron(expression, zone_name), since, until)

    assert [tick[-len(wanted) :] for tick, wanted in zip(found, expected, strict=True)] == expected


def test_a_wildcard_job_whose_every_time_is_skipped_is_refused() -> None:
    """It is the zone's clock that never shows these times, so the front end alone could not tell."""
    with pytest.raises(CronError, match="never fires, the clocks in Europe/Berlin skip all these times") as caught:
        cron("*/5 2 * 3 0L")

    assert caught.value.code == "cron-never"
    assert ticks(cron("0 2 * 3 0L"), "2027-01-01T00:00Z", "2028-01-01T00:00Z") == ["28 01:00"]


@pytest.mark.parametrize(
    ("expression", "zone_name", "tick", "meant"),
    [
        pytest.param("30 2 * * *", "Europe/Berlin", "2027-03-28T01:00Z", "2027-03-28T02:30", id="a skipped time"),
        pytest.param("0,30 2 * * *", "Europe/Berlin", "2027-03-28T01:00Z", "2027-03-28T02:00", id="the first of two"),
        pytest.param("0 3 * * *", "Europe/Berlin", "2027-03-28T01:00Z", "2027-03-28T03:00", id="the gap's end itself"),
        pytest.param("*/30 * * * *", "Europe/Berlin", "2027-03-28T01:00Z", "2027-03-28T03:00", id="a wildcard job"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2027-03-29T00:30Z", "2027-03-29T02:30", id="any other day"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2027-10-31T00:30Z", "2027-10-31T02:30", id="a repeated time"),
        pytest.param(
            "*/30 * * * *", "Europe/Berlin", "2027-10-31T01:00Z", "2027-10-31T02:00", id="when clocks go back"
        ),
        pytest.param("0 12 30 * *", "Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T12:00", id="a skipped day"),
    ],
)
def test_a_tick_stands_for_a_local_time(expression: str, zone_name: str, tick: str, meant: str) -> None:
    assert cron(expression, zone_name).meant(at(tick)) == at(meant)


# ---- cron without changing clocks ----


@pytest.mark.parametrize(
    ("expression", "since", "until", "expected"),
    [
        pytest.param("15 3 * * *", "2026-11-22T00:00Z", "2026-11-24T00:00Z", ["22 02:15", "23 02:15"], id="each day"),
        pytest.param(
            "0 0 13 * 5", "2026-11-01T00:00Z", "2026-11-15T00:00Z", ["05 23:00", "12 23:00"], id="13 or Friday"
        ),
        pytest.param("0 0 */2 * 5", "2026-11-01T00:00Z", "2026-11-15T00:00Z", ["12 23:00"], id="odd days and Friday"),
        pytest.param("0 0 13 * ?", "2026-11-01T00:00Z", "2026-12-01T00:00Z", ["12 23:00"], id="13, whatever weekday"),
        pytest.param(
            "0 0 L * *", "2026-11-01T00:00Z", "2027-03-01T00:00Z", ["29 ", "30 ", "30 ", "27 "], id="last days"
        ),
        pytest.param("0 0 LW * *", "2026-10-01T00:00Z", "2026-11-01T00:00Z", ["29 23:00"], id="last working day"),
        pytest.param("0 0 * * 5L", "2026-11-01T00:00Z", "2026-12-01T00:00Z", ["26 23:00"], id="last Friday"),
        pytest.param("0 0 * * MON#2", "2026-11-01T00:00Z", "2026-12-01T00:00Z", ["08 23:00"], id="second Monday"),
        pytest.param("0 0 * * 7", "2026-11-22T00:00Z", "2026-11-30T00:00Z", ["28 23:00"], id="7 is Sunday"),
        pytest.param(
            "*/20 0 3 * * *", "2026-11-22T00:00Z", "2026-11-23T00:00Z", ["00", "00:20", "00:40"], id="seconds first"
        ),
        pytest.param("0 0 29 2 *", "2026-01-01T00:00Z", "2034-01-01T00:00Z", ["28 23:00", "28 23:00"], id="leap days"),
    ],
)
def test_cron_means_what_crontab_says(expression: str, since: str, until: str, expected: list[str]) -> None:
    found = ticks(cron(expression), since, until)

    assert [wanted in tick for tick, wanted in zip(found, expected, strict=True)] == [True] * len(expected)


@given(
    expression=st.tuples(
        st.sampled_from(["0", "0,30", "*/7", "5-10", "59"]),
        st.sampled_from(["*", "3", "9,17", "*/5", "22-23,0", "23"]),
        st.sampled_from(["*", "1", "31", "1,15", "*/2", "L"]),
        st.sampled_from(["*", "1,2", "12,1"]),
        st.sampled_from(["*", "*", "1-5", "MON#1"]),
    ).map(" ".join)
)
def test_no_two_ticks_are_nearer_than_the_shortest_gap(expression: str) -> None:
    """By six years in which nobody changes clocks."""
    schedule = cron(expression, "UTC")
    ticks_of_years = list(islice(ticks_between(schedule, at("2023-01-01T00:00Z"), at("2029-01-01T00:00Z")), 3000))
    gaps = {(later - sooner).total_seconds() for sooner, later in pairwise(ticks_of_years)}
    shortest = schedule.local_times.shortest_gap()

    assert shortest is not None
    assert min(gaps) >= shortest
    assert len(ticks_of_years) == 3000 or min(gaps) == shortest


def test_the_gaps_of_days_are_worked_out_once_for_all_jobs_that_share_them() -> None:
    assert day_rule("13", "*", "*").gaps() is day_rule("13", "*", "*").gaps()


def test_the_rarest_day_is_found() -> None:
    """2100 is no leap year, so that a 29 February that is a Monday may take 40 years to come round."""
    rare = cron("0 0 * 2 MON#5", "UTC")

    assert rare.after(at("2072-02-29T00:00Z")) == at("2112-02-29T00:00Z")
    assert rare.before(at("2112-02-29T00:00Z")) == at("2072-02-29T00:00Z")


def test_a_job_named_differently_ticks_at_another_time() -> None:
    since = at("2026-11-22T00:00Z")
    drawn = {CronSchedule("H H * * *", "UTC", job).after(since) for job in ("a", "b", "c", "d")}

    assert len(drawn) == 4


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(UnknownZone):
        cron("0 3 * * *", "Europe/Berln")


# ---- every and at ----


@pytest.mark.parametrize(
    ("schedule", "since", "until", "expected"),
    [
        pytest.param(
            EverySchedule(1200), "2026-11-22T00:00Z", "2026-11-22T01:00Z", "00:00 00:20 00:40 01:00", id="on the grid"
        ),
        pytest.param(EverySchedule(1800, 120), "2026-11-22T00:00Z", "2026-11-22T01:00Z", "00:02 00:32", id="shifted"),
        pytest.param(EverySchedule(7 * 86400), "2026-11-19T00:00Z", "2026-11-27T00:00Z", "00:00 00:00", id="Thursdays"),
        pytest.param(
            AtSchedule(at("2026-12-01T02:00+01:00")), "2026-11-01T00:00Z", "2027-01-01T00:00Z", "01:00", id="at"
        ),
        pytest.param(
            AtSchedule(at("2026-12-01T01:00Z")), "2026-12-01T01:00:01Z", "2027-01-01T00:00Z", "", id="at, over"
        ),
    ],
)
def test_periods_count_from_the_epoch_and_instants_come_once(
    schedule: Schedule, since: str, until: str, expected: str
) -> None:
    assert [tick[3:] for tick in ticks(schedule, since, until)] == expected.split()


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        pytest.param(EverySchedule(300), "every 300s", id="a period"),
        pytest.param(EverySchedule(300, 60), "every 300s+60s", id="with an offset"),
        pytest.param(EverySchedule(300, 660), "every 300s+60s", id="with an offset longer than the period"),
        pytest.param(EverySchedule(300, 600), "every 300s", id="with an offset that changes nothing"),
        pytest.param(AtSchedule(at("2026-12-01T02:00+01:00")), "at 2026-12-01T01:00:00Z", id="an instant"),
        pytest.param(cron("@daily"), "cron 0 0 * * *", id="a macro"),
        pytest.param(cron("H 3 * * mon"), "cron H 3 * * MON", id="H, which the job's name completes"),
    ],
)
def test_the_definition_has_one_text(schedule: Schedule, text: str) -> None:
    assert schedule.text == text


@pytest.mark.parametrize("period", [0, -5])
def test_a_period_is_at_least_a_second(period: int) -> None:
    with pytest.raises(ValueError, match=f"expected a period of at least 1s, got {period}s"):
        EverySchedule(period)


@pytest.mark.parametrize("instant", [datetime(2026, 12, 1), at("2026-12-01T01:00:00.5Z")])  # noqa: DTZ001 naive is the point
def test_an_instant_is_aware_and_of_whole_seconds(instant: datetime) -> None:
    with pytest.raises(ValueError, match="expected an instant of whole seconds"):
        AtSchedule(instant)


# ---- laws ----

ZONES = {
    "UTC": ["2026-01-01T00:00Z"],
    "Asia/Tokyo": ["2026-01-01T00:00Z"],
    "Europe/Berlin": ["2027-03-28T01:00Z", "2027-10-31T01:00Z"],
    "America/New_York": ["2026-03-08T07:00Z", "2026-11-01T06:00Z"],
    "Australia/Lord_Howe": ["2026-10-03T15:30Z", "2027-04-03T15:00Z"],
    "America/St_Johns": ["2010-03-14T03:31Z", "2010-11-07T02:31Z", "2027-11-07T04:30Z"],
    "America/Sao_Paulo": ["2018-11-04T03:00Z", "2018-02-18T02:00Z"],
    "Asia/Gaza": ["2040-10-20T00:00Z"],
    "Pacific/Apia": ["2011-12-30T10:00Z"],
    "Africa/Monrovia": ["1972-01-07T00:44:30Z"],
}
SIXTY = ["0", "30", "1", "59", "0,30", "*/15", "*/20", "7-59/13", "*", "H", "H/15"]
HOURS = ["0", "1", "2", "3", "2,3", "23", "0-3", "*/2", "*", "12", "H"]
DAYS = ["*", "*", "*", "1", "13", "28-31", "L", "LW", "*/2"]
MONTHS = ["*", "*", "*", "2", "3,10", "4-11"]
WEEKDAYS = ["*", "*", "*", "0", "1-5", "5L", "0L", "1#1", "*/2"]


def choices(*fields: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.sampled_from(field) for field in fields)).map(" ".join)


FIVE = choices(SIXTY, HOURS, DAYS, MONTHS, WEEKDAYS)
SIX = choices(SIXTY, SIXTY, HOURS, DAYS, MONTHS, WEEKDAYS)
PERIODS = st.builds(EverySchedule, st.integers(1, 10**7), st.integers(0, 10**8))


@st.composite
def moments(draw: st.DrawFn, zone_name: str) -> datetime:
    """An instant near a change of the zone's clocks, or any other; now and then between two seconds."""
    near = st.tuples(st.sampled_from(ZONES[zone_name]).map(at), st.integers(-30_000, 30_000))
    anywhere = st.tuples(st.just(at("1971-01-01T00:00Z")), st.integers(0, 4 * 10**9))
    base, seconds = draw(near | anywhere)
    return base + timedelta(seconds=seconds, milliseconds=draw(st.sampled_from([0, 0, 0, 1, 999])))


@st.composite
def scheduled(draw: st.DrawFn) -> tuple[Schedule, datetime]:
    zone_name = draw(st.sampled_from(sorted(ZONES)))
    expression = draw(FIVE | SIX)
    moment = draw(moments(zone_name))
    try:
        return draw(st.just(cron(expression, zone_name)) | PERIODS), moment
    except CronError:  # no such day, or only in a skipped hour
        return draw(PERIODS), moment


@given(case=scheduled())
def test_before_is_the_inverse_of_after(case: tuple[Schedule, datetime]) -> None:
    schedule, moment = case

    later, earlier = schedule.after(moment), schedule.before(moment)

    assert later is not None
    assert moment < later
    assert (back := schedule.before(later)) is None or back <= moment
    if earlier is not None:
        assert earlier < moment
        again = schedule.after(earlier)
        assert again is not None
        assert again >= moment


@given(case=scheduled())
def test_walking_back_meets_the_ticks_of_walking_on(case: tuple[Schedule, datetime]) -> None:
    schedule, moment = case

    on = list(islice(ticks_between(schedule, moment, moment + timedelta(days=3)), 200))
    back = list(back_between(schedule, moment, on[-1])) if on else []

    assert all(sooner < later for sooner, later in pairwise(on))
    assert back == on[::-1]
    assert all(tick.microsecond == 0 and tick.utcoffset() == timedelta(0) for tick in on)


@given(case=scheduled(), steps=st.lists(st.integers(-100, 100_000), max_size=20))
def test_what_was_asked_before_changes_no_answer(case: tuple[Schedule, datetime], steps: list[int]) -> None:
    schedule, moment = case
    for step in steps:
        moment += timedelta(seconds=step)
        fresh = cron(schedule.expression, schedule.zone) if isinstance(schedule, CronSchedule) else schedule

        assert schedule.after(moment) == fresh.after(moment)


@given(case=scheduled(), ahead=st.integers(-10, 10_000) | st.integers(0, 90_000))
def test_counting_is_walking(case: tuple[Schedule, datetime], ahead: int) -> None:
    schedule, moment = case
    until = moment + timedelta(seconds=ahead)

    assert schedule.count(moment, until) == sum(1 for _ in ticks_between(schedule, moment, until))


@given(case=scheduled(), days=st.lists(st.integers(0, 400), min_size=2, max_size=2))
def test_counts_of_neighbouring_stretches_add_up(case: tuple[Schedule, datetime], days: list[int]) -> None:
    schedule, moment = case
    middle = moment + timedelta(days=days[0], seconds=days[1])
    until = middle + timedelta(days=days[1], seconds=days[0])

    assert schedule.count(moment, middle) + schedule.count(middle, until) == schedule.count(moment, until)


def shown(instant: datetime, zone_name: str) -> datetime:
    return instant.astimezone(zone(zone_name)).replace(tzinfo=None, fold=0)


def by_the_book(expression: str, zone_name: str, minutes: list[datetime]) -> list[datetime]:
    """crontab(5) by brute force: look at the clock on the wall every minute, and at what it has jumped over."""
    sim = CronSim(expression, at("2000-01-01T00:00Z"))
    minute, hour, *_ = expression.split()
    wildcard = "*" in (minute[0], hour[0])
    found, furthest = [], shown(minutes[0], zone_name)
    for instant in minutes[1:]:
        now = shown(instant, zone_name)
        passed = [furthest + step * MINUTE for step in range(1, (now - furthest) // MINUTE + 1)]
        furthest = max(furthest, now)
        if any(
            local.minute in sim.minutes and local.hour in sim.hours and sim.match_day(local)
            for local in ([now] if wildcard else passed)
        ):
            found.append(instant)
    return found


@given(
    expression=choices(["0", "30", "1,59", "*/15", "7-59/13", "*", "0-59"], HOURS[:-1], DAYS, ["*"], WEEKDAYS),
    change=st.sampled_from([(name, change) for name in ZONES for change in ZONES[name] if name != "Africa/Monrovia"]),
)
def test_around_a_change_every_minute_is_judged_as_crontab_says(expression: str, change: tuple[str, str]) -> None:
    """Monrovia's change of 1972 left the minutes of its clocks out of step with those of UTC."""
    zone_name, moment = change
    minutes = [at(moment) + minute * MINUTE for minute in range(-13 * 60, 13 * 60)]
    try:
        schedule = cron(expression, zone_name)
    except CronError:
        return

    assert list(ticks_between(schedule, minutes[0], minutes[-1])) == by_the_book(expression, zone_name, minutes)


@given(expression=(FIVE | SIX).filter(lambda text: "H" not in text), moment=moments("UTC"))
def test_where_clocks_never_change_cronsim_agrees(expression: str, moment: datetime) -> None:
    try:
        schedule = cron(expression, "UTC")
    except CronError:
        return
    since, until = max(moment - timedelta(days=400), at("1970-01-01T00:00Z")), moment + timedelta(days=400)
    on = takewhile(lambda tick: tick <= until, CronSim(expression, moment))
    back = takewhile(lambda tick: tick > since, CronSim(expression, moment, reverse=True))

    assert list(islice(ticks_between(schedule, moment, until), 10)) == list(islice(on, 10))
    assert list(islice(back_between(schedule, since, moment - timedelta.resolution), 10)) == list(islice(back, 10))


@given(
    expression=choices(["0", "30", "1,59", "7-59/13", "0-59"], ["0", "1", "2,3", "23", "0-3"], DAYS, MONTHS, WEEKDAYS),
    change=st.sampled_from([(name, change) for name in ZONES for change in ZONES[name] if name != "Africa/Monrovia"]),
)
def test_where_clocks_change_cronsim_agrees_on_fixed_times(expression: str, change: tuple[str, str]) -> None:
    """Its treatment of them is Debian's, and right for five fields; it may give an instant twice."""
    zone_name, moment = change
    since, until = at(moment) - timedelta(days=2), at(moment) + timedelta(days=2)
    theirs = takewhile(lambda tick: tick <= until, CronSim(expression, since.astimezone(zone(zone_name))))
    try:
        schedule = cron(expression, zone_name)
    except CronError:
        return

    assert list(ticks_between(schedule, since, until)) == list(dict.fromkeys(tick.astimezone(UTC) for tick in theirs))


# ---- the ends of time ----

KINDS = [cron("30 2 * * *"), cron("*/5 * * * * *"), EverySchedule(7, 3), EverySchedule(10**6)]


@pytest.mark.parametrize("schedule", KINDS, ids=lambda schedule: schedule.text)
def test_ticks_begin_with_the_epoch_and_end_with_the_year_9000(schedule: Schedule) -> None:
    dawn, dusk = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    first, last = schedule.after(dawn), schedule.before(dusk)

    assert schedule.before(dawn) is None
    assert schedule.after(dusk) is None
    assert first is not None
    assert last is not None
    assert (first.year, schedule.before(first)) == (1970, None)
    assert (last.year, schedule.after(last)) == (8999, None)

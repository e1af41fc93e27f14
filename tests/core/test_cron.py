"""The front end of cron: what it reads, how it spells it, and each way in which it says no."""

import re
from datetime import UTC, datetime

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.timing.cron import MACROS, CronError, cron_problems, read_cron

JOB = "nightly-report"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)


def fields_of(expression: str, job: str = JOB) -> tuple[str, ...]:
    read = read_cron(expression, job).fields
    return (read.second, read.minute, read.hour, read.day, read.month, read.weekday)


def unmarked(marked: str) -> tuple[str, tuple[int, int]]:
    """Split «what the carets underline» from the expression."""
    start, end = marked.index("«"), marked.index("»") - 1
    return marked.replace("«", "").replace("»", ""), (start, end)


REFUSED = [
    # the five of the documentation, to the letter
    pytest.param(
        "«0 3 * *»",
        "expected 5 fields, or 6 with seconds first, got 4",
        "cron-fields",
        'minute hour day month weekday: "0 3 * * *"',
        id="a field is missing",
    ),
    pytest.param(
        "«60» * * * *",
        "expected minute 0-59, got 60",
        "cron-range",
        'on the hour is "0 * * * *"',
        id="minute 60",
    ),
    pytest.param(
        "0 «22-2» * * *",
        "hour range 22-2 runs backwards; Debian cron would never fire",
        "cron-range",
        "write 22-23,0-2",
        id="a range over midnight",
    ),
    pytest.param(
        "«TZ=Asia/Tokyo» 0 3 * * *",
        "expected no zone inside the expression",
        "cron-zone",
        "write: timezone: Asia/Tokyo",
        id="a zone inside",
    ),
    pytest.param(
        "0 0 «31» 2 *",
        "never fires, February has no day 31",
        "cron-never",
        'last day of February: "0 0 L 2 *"',
        id="31 February",
    ),
    # the number of fields
    pytest.param(
        "«0 0 12 * * ? 2026»",
        "expected 5 fields, or 6 with seconds first, got 7",
        "cron-fields",
        'second minute hour day month weekday, and nothing after them: "0 0 12 * * ?"',
        id="a year, as Quartz has it",
    ),
    pytest.param(
        "0 3 * * «MON, FRI»",
        "expected no space beside a comma",
        "cron-syntax",
        "write MON,FRI",
        id="a space in a list is not a sixth field",
    ),
    pytest.param(
        "«CRON_TZ=UTC» @daily",
        "expected no zone inside the expression",
        "cron-zone",
        "write: timezone: UTC",
        id="a zone before a macro",
    ),
    # values
    pytest.param(
        "0 «24» * * *", "expected hour 0-23, got 24", "cron-range", 'at midnight is "0 0 * * *"', id="hour 24"
    ),
    pytest.param(
        "«60» 0 3 * * *", "expected second 0-59, got 60", "cron-range", 'on the minute is "0 0 3 * * *"', id="second 60"
    ),
    pytest.param("0-«60» * * * *", "expected minute 0-59, got 60", "cron-range", None, id="a range up to minute 60"),
    pytest.param("0 0 «0» * *", "expected day 1-31, L or LW, got 0", "cron-range", None, id="day 0"),
    pytest.param("0 0 1 «13» *", "expected month 1-12 or JAN-DEC, got 13", "cron-range", None, id="month 13"),
    pytest.param(
        "0 0 * * «8»", "expected weekday 0-7 or SUN-SAT, got 8", "cron-range", "0 and 7 are Sunday", id="weekday 8"
    ),
    pytest.param(
        f"«{'9' * 5000}» * * * *", f"expected minute 0-59, got {'9' * 5000}", "cron-range", None, id="a huge number"
    ),
    pytest.param(
        "0 3 * * «monday»",
        "expected weekday 0-7 or SUN-SAT, got monday",
        "cron-syntax",
        "did you mean MON?",
        id="a weekday in full",
    ),
    pytest.param(
        "0 3 * «Okt» *",
        "expected month 1-12 or JAN-DEC, got Okt",
        "cron-syntax",
        "did you mean OCT?",
        id="a month in German",
    ),
    pytest.param(
        "0 3 * * «root»", "expected weekday 0-7 or SUN-SAT, got root", "cron-syntax", None, id="a user, as in /etc"
    ),
    pytest.param(
        "«MON» 3 * * *", "expected minute 0-59, got MON", "cron-syntax", None, id="a name in a number's field"
    ),
    pytest.param(
        "5«,»,6 3 * * *",
        "expected minute 0-59, got nothing",
        "cron-syntax",
        "a number is missing",
        id="nothing between two commas",
    ),
    pytest.param("«-5» * * * *", "expected minute 0-59, got -5", "cron-syntax", None, id="a negative number"),
    pytest.param("1-«2-3» * * * *", "expected minute 0-59, got 2-3", "cron-syntax", None, id="a range with two ends"),
    pytest.param(
        "«?» 3 * * *",
        "expected minute 0-59, got ?",
        "cron-syntax",
        "? stands for * in the two day fields only",
        id="a question mark outside the day fields",
    ),
    # ranges and steps
    pytest.param(
        "0 3 * * «FRI-MON»",
        "weekday range FRI-MON runs backwards; Debian cron would never fire",
        "cron-range",
        "write FRI-SAT,SUN-MON",
        id="a range over the weekend",
    ),
    pytest.param(
        "0 3 * * «sat-sun»",
        "weekday range sat-sun runs backwards; Debian cron would never fire",
        "cron-range",
        "write SAT,SUN",
        id="the weekend itself",
    ),
    pytest.param(
        "0 3 * * «7-2»",
        "weekday range 7-2 runs backwards; Debian cron would never fire",
        "cron-range",
        "write 0-2",
        id="from Sunday as 7",
    ),
    pytest.param(
        "0 «22-3/2» * * *",
        "hour range 22-3/2 runs backwards; Debian cron would never fire",
        "cron-range",
        "write 22,0,2",
        id="a backward range with a step",
    ),
    pytest.param("*/«0» * * * *", "expected minute step 1-59, got 0", "cron-range", None, id="step 0"),
    pytest.param(
        "*/«60» * * * *",
        "expected minute step 1-59, got 60",
        "cron-range",
        'on the hour is "0 * * * *"',
        id="every 60 minutes",
    ),
    pytest.param(
        "*/«90» * * * *",
        "expected minute step 1-59, got 90",
        "cron-range",
        "write: every: 90m",
        id="every 90 minutes is hourly to cron",
    ),
    pytest.param(
        "0 8-12/«6» * * *",
        "expected hour step 1-4, got 6",
        "cron-range",
        "only 8 would ever match: write 8",
        id="a step longer than its range",
    ),
    pytest.param(
        "«5/15» * * * *",
        "expected a range before the step, got 5/15",
        "cron-syntax",
        "write 5-59/15",
        id="a step without a range: Debian rejects it, others read three things",
    ),
    pytest.param(
        "*/«x» * * * *", "expected minute step 1-59, got x", "cron-syntax", None, id="a step that is no number"
    ),
    pytest.param("«*/» * * * *", "expected minute step 1-59, got nothing", "cron-syntax", None, id="no step at all"),
    # the specials
    pytest.param(
        "0 3 «15W» * *",
        "expected day 1-31, L or LW, got 15W",
        "cron-syntax",
        "LW is the last weekday of the month; other nearest weekdays are not known here",
        id="a nearest weekday",
    ),
    pytest.param("0 3 «L/2» * *", "expected no step after L, got L/2", "cron-syntax", None, id="a step after L"),
    pytest.param(
        "0 3 * * «L»",
        "expected weekday 0-7 or SUN-SAT, got L",
        "cron-syntax",
        "the last Friday of a month is 5L",
        id="L without its weekday",
    ),
    pytest.param("0 3 * * «friL»", "expected nL, got friL", "cron-syntax", "write 5L", id="L after a name"),
    pytest.param(
        "0 3 * * MON«#6»",
        "expected the 1st to 5th of a month as #1 to #5, got #6",
        "cron-range",
        "the last of a month is nL, such as 5L",
        id="the sixth Monday",
    ),
    pytest.param("«MON#1» 3 * * *", "expected minute 0-59, got MON#1", "cron-syntax", None, id="n#k elsewhere"),
    pytest.param(
        "«H(7-0)» * * * *", "minute range 7-0 runs backwards", "cron-range", "write H(0-7)", id="a backward H"
    ),
    pytest.param("H(0-«99») * * * *", "expected minute 0-59, got 99", "cron-range", None, id="H out of range"),
    pytest.param(
        "«H+5» * * * *", "expected H, H(a-b), H/n or H(a-b)/n, got H+5", "cron-syntax", None, id="arithmetic with H"
    ),
    pytest.param(
        "0 0 «L-3» * *",
        "expected day 1-31, L or LW, got L-3",
        "cron-syntax",
        "days before the last are not known here",
        id="days before the last, as Quartz has them",
    ),
    pytest.param(
        "«1h30m»",
        "expected 5 fields, or 6 with seconds first, got 1",
        "cron-fields",
        "write: every: 1h30m",
        id="a period",
    ),
    pytest.param(
        "«Daily»",
        "expected 5 fields, or 6 with seconds first, got 1",
        "cron-fields",
        'write "@daily"',
        id="a macro without its @",
    ),
    pytest.param(
        "0 9 * * «MON #1»", "expected no space before #", "cron-syntax", "write MON#1", id="a space within n#k"
    ),
    # macros
    pytest.param(
        "«@reboot»",
        "@reboot is not a time: replicas restart whenever they like",
        "cron-syntax",
        "write a time, or manual: true to start it by hand",
        id="@reboot",
    ),
    pytest.param(
        "«@every 5m»", "expected a macro, got @every", "cron-syntax", "write: every: 5m", id="@every, as robfig has it"
    ),
    pytest.param(
        "«@dayly»", "expected a macro, got @dayly", "cron-syntax", "did you mean @daily?", id="a misspelt macro"
    ),
    pytest.param("«@daily 5»", "expected nothing after @daily, got 5", "cron-syntax", None, id="more after a macro"),
    # what never comes
    pytest.param(
        "0 0 «31» 4,6 *",
        "never fires, April and June have no day 31",
        "cron-never",
        'last day of April and June: "0 0 L 4,6 *"',
        id="the 31st of short months",
    ),
    pytest.param(
        "0 0 «30,31» feb ?",
        "never fires, February has no day 30 or 31",
        "cron-never",
        'last day of February: "0 0 L feb ?"',
        id="two days that February lacks",
    ),
    pytest.param(
        "0 0 «30» 2 */2",
        "never fires, February has no day 30",
        "cron-never",
        'last day of February: "0 0 L 2 */2"',
        id="30 February, ANDed with a weekday that starts with a star",
    ),
    pytest.param(
        "0 0 «LW * */7»",
        "never fires, no date is day LW, month * and weekday */7 at once",
        "cron-never",
        "when a day field starts with *, both must match: write days, or weekdays",
        id="a Sunday that is a working day",
    ),
    pytest.param(
        "0 0 «*/10 2 MON#5»",
        "never fires, no date is day */10, month 2 and weekday MON#5 at once",
        "cron-never",
        "when a day field starts with *, both must match: write days, or weekdays",
        id="a fifth Monday that February has on the 29th only",
    ),
]


@pytest.mark.parametrize(("marked", "message", "code", "hint"), REFUSED)
def test_a_mistake_is_named_underlined_and_answered(marked: str, message: str, code: str, hint: str | None) -> None:
    expression, span = unmarked(marked)

    problems = cron_problems(expression, JOB)

    assert [(p.message, p.code, p.hint, (p.start, p.end)) for p in problems] == [(message, code, hint, span)]


def test_a_suggested_expression_is_a_good_one() -> None:
    hints = [str(row.values[3]) for row in REFUSED]
    suggested = [expression for hint in hints for expression in re.findall(r'"(.+)"', hint)]

    assert {expression: cron_problems(expression, JOB) for expression in suggested} == {good: [] for good in suggested}
    assert len(suggested) > 5


def test_a_comma_at_the_end_is_underlined() -> None:
    assert [(p.message, p.start, p.end) for p in cron_problems("0 3 * * MON,", JOB)] == [
        ("expected weekday 0-7 or SUN-SAT, got nothing", 11, 12)
    ]


def test_every_mistake_is_reported_from_left_to_right() -> None:
    problems = cron_problems("TZ=UTC 60,61 24 * 13 *", JOB)

    assert [(p.start, p.code) for p in problems] == [
        (0, "cron-zone"),
        (7, "cron-range"),
        (10, "cron-range"),
        (13, "cron-range"),
        (18, "cron-range"),
    ]


def test_a_suggestion_does_not_repeat_the_zone_that_was_refused() -> None:
    assert cron_problems("TZ=UTC 60 * * * *", JOB)[1].hint == 'on the hour is "0 * * * *"'


def test_nothing_at_all_is_no_schedule() -> None:
    assert [p.message for p in cron_problems("  ", JOB)] == ["expected 5 fields, or 6 with seconds first, got 0"]


def test_reading_raises_the_first_mistake() -> None:
    with pytest.raises(CronError, match="got 60") as caught:
        read_cron("60 24 * * *", JOB)

    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        pytest.param("15 3 * * *", "15 3 * * *", id="five fields stay"),
        pytest.param("  15   3 * *\t* ", "15 3 * * *", id="white space is squeezed"),
        pytest.param("0 3 * jan mon-Fri", "0 3 * JAN MON-FRI", id="names are upper case"),
        pytest.param("0 3 ? * 5", "0 3 * * 5", id="a question mark is a star"),
        pytest.param("0 15 3 * * *", "15 3 * * *", id="second 0 goes without saying"),
        pytest.param("30 15 3 * * *", "30 15 3 * * *", id="any other second is said"),
        pytest.param("@Daily", "0 0 * * *", id="a macro is expanded"),
        pytest.param("h h(0-7) * * *", "H H(0-7) * * *", id="H stays, since the definition holds the job's name"),
    ],
)
def test_equal_schedules_have_one_spelling(expression: str, text: str) -> None:
    assert read_cron(expression, JOB).text == text


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        pytest.param("15 3 * * *", ("0", "15", "3", "*", "*", "*"), id="seconds are 0 unless given"),
        pytest.param("*/10 15 3 * * *", ("*/10", "15", "3", "*", "*", "*"), id="seconds come first"),
        pytest.param("0 3 ? jan-mar ?", ("0", "0", "3", "*", "1-3", "*"), id="names become numbers"),
        pytest.param("0 3 * * sun,7,FRI#2", ("0", "0", "3", "*", "*", "0,7,5#2"), id="Sunday is 0 and 7"),
        pytest.param("0 3 L,15 * 5L", ("0", "0", "3", "L,15", "*", "5L"), id="the last ones"),
        pytest.param("0 3 lw * *", ("0", "0", "3", "LW", "*", "*"), id="the last working day"),
        pytest.param("5-5/1 3-3 * * *", ("0", "5", "3", "*", "*", "*"), id="a range of one value is that value"),
        pytest.param("*/1 0-20/5,22 * * *", ("0", "*", "0-20/5,22", "*", "*", "*"), id="steps and lists"),
        pytest.param("0 0 * * */7", ("0", "0", "0", "*", "*", "*/7"), id="every seventh weekday is Sunday"),
        pytest.param("0 0 31 2 MON", ("0", "0", "0", "31", "2", "1"), id="31 February ORed with a weekday does fire"),
        pytest.param("0 0 * 2 MON#5", ("0", "0", "0", "*", "2", "1#5"), id="once in 28 years is not never"),
    ],
)
def test_an_expression_is_read_as_plain_cron(expression: str, fields: tuple[str, ...]) -> None:
    assert fields_of(expression) == fields


def test_macros_mean_what_crontab_says() -> None:
    expected = {name: ("0", *plain.split()) for name, plain in MACROS.items()}

    assert {name: fields_of(name) for name in MACROS} == expected


def test_h_is_drawn_from_the_name_of_the_job_and_the_field_for_ever() -> None:
    """These numbers may never change: an upgrade would move the ticks of every table that uses H."""
    drawn = {job: fields_of("H H H H H H", job) for job in ("nightly-report", "hello", "a")}

    assert drawn == {
        "nightly-report": ("23", "7", "20", "14", "3", "5"),
        "hello": ("36", "59", "12", "28", "3", "6"),
        "a": ("36", "34", "18", "12", "5", "4"),
    }


@given(job=NAMES, low=st.integers(0, 58), width=st.integers(1, 59), step=st.integers(1, 59))
def test_h_stays_in_its_range_and_keeps_its_step(job: str, low: int, width: int, step: int) -> None:
    high = min(low + width, 59)
    step = min(step, high - low)

    one = read_cron(f"H({low}-{high}) * * * *", job).fields.minute
    stepped = read_cron(f"H({low}-{high})/{step} * * * *", job).fields.minute
    values = sorted(CronSim(f"{stepped} * * * *", EPOCH).minutes)

    assert low <= int(one) <= high
    assert values == list(range(values[0], high + 1, step))
    assert low <= values[0] < low + step


@given(job=NAMES)
def test_h_picks_a_day_that_every_month_has(job: str) -> None:
    read = read_cron("0 0 H * H", job).fields

    assert 1 <= int(read.day) <= 28
    assert 0 <= int(read.weekday) <= 6


GOOD = ["*", "1", "7", "12", "*/2", "1-5", "1-5/2", "2-2/1", "H", "H(1-7)", "H/2", "H(1-9)/3"]
SPECIAL = ["?", "L", "LW", "15W", "5L", "MON#1", "FRI", "jan-mar", "@daily", "TZ=UTC"]
BROKEN = ["", "0", "31", "60", "5-1", "9/3", "-", "/", "#", "h(a", "é", "٣"]
FIELDS = st.lists(st.sampled_from(GOOD) | st.sampled_from(GOOD + SPECIAL + BROKEN), min_size=1, max_size=2).map(
    ",".join
)
CRONLIKE = st.lists(FIELDS, min_size=4, max_size=7).map(" ".join)


@given(text=CRONLIKE | st.text("0123456789*/,-?#LWHh@ \t\u00a0", max_size=20))
def test_whatever_is_written_is_read_or_refused_with_its_place(text: str) -> None:
    problems = cron_problems(text, JOB)

    assert all(0 <= problem.start <= problem.end <= len(text) for problem in problems)
    if not problems:
        again = read_cron(read_cron(text, JOB).text, JOB)

        assert again == read_cron(text, JOB)
        CronSim(" ".join(fields_of(text)), EPOCH)

"""Schedules in words, for people who read the log: `at 03:15 every day`, `every 15 min on weekdays`.

Only common shapes are worded, and only where the words say neither more nor less than the schedule does. Everything
else is shown as it was written, `cron H/7 2-5 * * 1#2`, since a sentence that is nearly right is worse than none. `H`
shows as the time it stands for.
"""

from __future__ import annotations

import re
from itertools import product

from scheduler.core.job import Schedule
from scheduler.core.localtimes import MONTHS, WEEKDAYS, CronFields
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule

MOST_TIMES = 4  # more times of day than this read worse than the expression
MOST_DAYS = 5
OF_THE_MONTH = " of the month"


def when_in_words(schedule: Schedule) -> str:
    """The schedule as a person would say it; a cron expression that has no safe wording as it was written."""
    match schedule:
        case EverySchedule(period_s, offset_s):
            return f"every {_span(period_s)}" + (f" + {_span(offset_s)}" if offset_s else "")
        case AtSchedule():
            return f"once {schedule.text}"
        case CronSchedule():
            return _cron(schedule.read.fields) or f"cron {' '.join(schedule.expression.split())}"
    return schedule.text


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _cron(fields: CronFields) -> str | None:
    days = _days(fields)
    if days is None:
        return None
    if times := _times_of_day(fields):
        return f"at {times} {days or 'every day'}"
    if rhythm := _rhythm(fields):
        return f"{rhythm} {days}".rstrip()
    return None


def _times_of_day(fields: CronFields) -> str | None:
    seconds, minutes, hours = _listed(fields.second), _listed(fields.minute), _listed(fields.hour)
    if len(seconds) != 1 or not 1 <= len(hours) * len(minutes) <= MOST_TIMES:
        return None
    tail = f":{seconds[0]:02}" if seconds[0] else ""
    return _and([f"{hour:02}:{minute:02}{tail}" for hour, minute in product(hours, minutes)])


def _rhythm(fields: CronFields) -> str | None:
    """Word what repeats within the hour or from hour to hour."""
    if fields.minute == fields.hour == "*" and fields.second != "0":
        return _even_step(fields.second, "second", "s")
    if fields.second != "0":
        return None
    if step := _even_step(fields.minute, "minute", "min"):
        within = _within_hours(fields.hour)
        return None if within is None else step + within
    minutes = _listed(fields.minute)
    return _hourly(minutes[0], fields.hour) if len(minutes) == 1 else None


def _hourly(minute: int, hour: str) -> str | None:
    if step := re.fullmatch(r"\*(?:/(2|3|4|6|8|12))?", hour):
        which = f"every {_ordinal(int(step[1]))} hour" if step[1] else "every hour"
        return f"at minute {minute} of {which}" if minute else which
    hours = _listed(hour)
    return f"every hour from {hours[0]:02}:{minute:02} to {hours[-1]:02}:{minute:02}" if _is_run(hours) else None


def _even_step(text: str, unit: str, short: str) -> str | None:
    """Word a field of sixty whose values are equally far apart, also from the last to the first of the next round."""
    if text == "*":
        return f"every {unit}"
    step = re.fullmatch(r"(?:\*|(\d+)-59)/(\d+)", text)
    first, size = (int(step[1] or 0), int(step[2])) if step else (0, 0)
    if not step or 60 % size or first >= size:
        return None
    return f"every {size} {short}" + (f" + {first} {short}" if first else "")


def _within_hours(hour: str) -> str | None:
    """Say within which hours minutes repeat; empty for all."""
    if hour == "*":
        return ""
    hours = _listed(hour)
    return f" from {hours[0]:02}:00 to {hours[-1]:02}:59" if _is_run(hours) else None


def _days(fields: CronFields) -> str | None:
    """Word the days; empty for every day."""
    months = _months(fields.month)
    if months is None:
        return None
    of_month = f" of {months}" if months else OF_THE_MONTH
    if fields.day == fields.weekday == "*":
        return f"every day in {months}" if months else ""
    if fields.weekday == "*":
        return _days_of_month(fields.day, of_month)
    if fields.day == "*":
        return _weekdays(fields.weekday, months, of_month)
    # cron ORs the two day fields, unless one starts with a star
    if months or "*" in (fields.day[0], fields.weekday[0]):
        return None
    day, weekday = _days_of_month(fields.day, of_month), _weekdays(fields.weekday, months, of_month)
    return f"{day}, or {weekday}" if day and weekday else None


def _days_of_month(text: str, of_month: str) -> str | None:
    if text == "L":
        return f"on the last day{of_month}"
    if text == "LW":
        return f"on the last weekday{of_month}"
    days = _listed(text)
    if len(days) == 1:
        return f"on day {days[0]}{of_month}"
    if _is_run(days):
        return f"on days {days[0]} to {days[-1]}{of_month}"
    return f"on days {_and([str(day) for day in days])}{of_month}" if 1 < len(days) <= MOST_DAYS else None


def _weekdays(text: str, months: str, of_month: str) -> str | None:
    if nth := re.fullmatch(r"([0-7])#([1-5])", text):
        return f"on the {_ordinal(int(nth[2]))} {WEEKDAYS[int(nth[1]) % 7]}{of_month}"
    if last := re.fullmatch(r"([0-7])L", text):
        return f"on the last {WEEKDAYS[int(last[1]) % 7]}{of_month}"
    days = {day % 7 for day in _listed(text)}
    within = f" in {months}" if months else ""
    if days == {1, 2, 3, 4, 5}:
        return f"on weekdays{within}"
    from_monday = sorted(days, key=lambda day: (day - 1) % 7)
    return f"on {_and([WEEKDAYS[day] for day in from_monday])}{within}" if 1 <= len(days) <= MOST_DAYS else None


def _months(text: str) -> str | None:
    """Word the months; empty for all of them."""
    if text == "*":
        return ""
    months = _listed(text)
    return _and([MONTHS[month - 1] for month in months]) if 1 <= len(months) <= MOST_DAYS else None


def _listed(text: str) -> list[int]:
    """Spell out the values of a field of numbers and plain ranges, ascending; none of a field with anything else."""
    values: set[int] = set()
    for term in text.split(","):
        term_range = re.fullmatch(r"(\d+)(?:-(\d+))?", term)
        if not term_range:
            return []
        first = int(term_range[1])
        values.update(range(first, int(term_range[2] or first) + 1))
    return sorted(values)


def _is_run(values: list[int]) -> bool:
    """Whether these are three or more values without a gap."""
    return len(values) > 2 and values[-1] - values[0] == len(values) - 1  # noqa: PLR2004 two are better named both


def _ordinal(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

"""What a sentence about a cron schedule claims, read without any knowledge of the expression that it came from.

The reader knows English as docs/cron.md uses it, and nothing of how sentences are made.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
DAYS = [
    date(2024, 1, 1) + timedelta(days=number) for number in range(7 * 366)
]  # any month on any weekday, two leap years
ROUND = {"second": 60, "minute": 60, "hour": 24}
CLOCK = r"(?P<{0}h>\d\d):(?P<{0}m>\d\d)"
FROM_TO = f"from {CLOCK.format('from_')} to {CLOCK.format('to_')}"


@dataclass(frozen=True)
class Claim:
    """The seconds of a day, the days out of `DAYS`, and whether it is a wildcard job's sentence."""

    seconds: frozenset[int]
    days: frozenset[date]
    wildcard: bool


def claimed(sentence: str) -> Claim:
    """What a sentence says; raises ValueError for one that is no such sentence."""
    times, days = _parted(sentence)
    seconds, wildcard = _times(times.removesuffix(" (wildcard)"))
    return Claim(frozenset(seconds), _days(days), wildcard or times.endswith(" (wildcard)"))


def _parted(sentence: str) -> tuple[str, str]:
    """The times, and the days, which begin with `on`, with `every day`, or with `from` and a weekday."""
    begin = re.search(rf" (?:on |every day|from (?:{'|'.join(WEEKDAYS)}))", sentence)
    return (sentence[: begin.start()], sentence[begin.start() + 1 :]) if begin else (sentence, "every day")


# ---- times of day ----


def _times(text: str) -> tuple[set[int], bool]:
    if re.match(r"at \d", text):
        return {_clock(word) for word in _list(text.removeprefix("at "))}, False
    for shape in (_every_so_often, _hour_by_hour, _values):
        if (found := shape(text)) is not None:
            return found
    raise ValueError(f"no times of day: {text}")


def _clock(text: str) -> int:
    hour, minute, second = map(int, (text + ":00").split(":")[:3])
    return hour * 3600 + minute * 60 + second


def _every_so_often(text: str) -> tuple[set[int], bool] | None:
    """every minute · every 10 s · every 15 min + 7 min, and in which hours or minutes."""
    shape = re.fullmatch(
        rf"every (?:(?P<one>second|minute)|(?P<n>\d+) (?P<u>s|min))(?: \+ (?P<k>\d+) (?:s|min))?"
        rf"(?: (?P<span>{FROM_TO})| of (?P<of>.+))?",
        text,
    )
    if not shape:
        return None
    seconds = shape["one"] == "second" or shape["u"] == "s"
    size, step, offset = (1 if seconds else 60), int(shape["n"] or 1), int(shape["k"] or 0)
    if shape["of"]:
        places, wildcard = _of(shape["of"], {"second": seconds})
        units = range(offset, 60, step) if seconds else [0]
        if seconds:
            return {place * 60 + unit for place in places for unit in units}, wildcard
        minutes = range(offset, 60, step)
        return {hour * 3600 + minute * 60 for hour in places for minute in minutes}, wildcard or not offset
    first, last = 0, 86_399
    whole_hours = True
    if shape["span"]:
        first = int(shape["from_h"]) * 3600 + int(shape["from_m"]) * 60
        last = int(shape["to_h"]) * 3600 + int(shape["to_m"]) * 60 + 59
        whole_hours = shape["from_m"] == "00" and shape["to_m"] == "59"
    grid = range(first + offset * size, last + 1, step * size)
    wildcard = whole_hours and (seconds or not offset or not shape["span"])
    return set(grid), wildcard


def _hour_by_hour(text: str) -> tuple[set[int], bool] | None:
    shape = re.fullmatch(rf"every (?:(\d+)\w\w )?hour(?: ({FROM_TO}))?", text)
    if not shape:
        return None
    step = int(shape[1] or 1) * 3600
    if not shape[2]:
        return set(range(0, 86_400, step)), True
    first = int(shape["from_h"]) * 3600 + int(shape["from_m"]) * 60
    return set(range(first, int(shape["to_h"]) * 3600 + int(shape["to_m"]) * 60 + 1, step)), False


def _values(text: str) -> tuple[set[int], bool] | None:
    """at minute 5 of every hour · at second 30 of minutes 0 to 10 of hour 3."""
    if not text.startswith("at "):
        return None
    unit, _, rest = text.removeprefix("at ").partition(" of ")
    if "second" not in unit:
        places, wildcard = _of(text.removeprefix("at "), {"second": True})
        return {place * 60 for place in places}, wildcard
    places, wildcard = _of(rest, {"second": True})
    return {place * 60 + second for place in places for second in _unit(unit, "second")[0]}, wildcard


def _of(text: str, asked: dict[str, bool]) -> tuple[set[int], bool]:
    """Minutes of the day, or hours if that is all there is and seconds are not asked for."""
    parts = text.split(" of ")
    if len(parts) == 1 and "hour" in text and not asked["second"]:
        return _unit(text, "hour")
    minutes, counted = _unit(parts[0], "minute")
    hours, counted_too = _unit(parts[1], "hour") if len(parts) > 1 else (set(range(24)), False)
    return {hour * 60 + minute for hour in hours for minute in minutes}, counted or counted_too


def _unit(text: str, name: str) -> tuple[set[int], bool]:
    """The values of a unit, and whether they come right through from 0: `every 2nd hour`."""
    if row := re.fullmatch(rf"every (?:(\d+)\w\w )?{name}(?: from (\d+) to (\d+))?", text):
        step = int(row[1] or 1)
        if row[2]:
            return set(range(int(row[2]), int(row[3]) + 1, step)), False
        if ROUND[name] % step:
            raise ValueError(f"every {step} does not come round evenly: {text}")
        return set(range(0, ROUND[name], step)), True
    values = re.fullmatch(rf"{name}s? (.+)", text)
    if not values:
        raise ValueError(f"no {name}s: {text}")
    return _numbers(values[1]), False


def _numbers(text: str) -> set[int]:
    found: set[int] = set()
    for word in _list(text):
        first, _, last = word.partition(" to ")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _list(text: str) -> list[str]:
    return re.split(r", | and ", text)


# ---- days ----


def _days(text: str) -> frozenset[date]:
    """Parts joined by `, or`, each of which may be narrowed by `, but only`."""
    return frozenset(day for part in text.split(", or ") for day in _part(part))


def _part(text: str) -> set[date]:
    days, _, only = text.partition(", but only ")
    found = _on(days)
    if only:
        found &= set().union(*(_on(choice) for choice in only.split(" or ")))
    return found


def _on(text: str) -> set[date]:
    if shape := re.fullmatch(r"every day(?: ((?:in|from) .+))?", text):
        return {day for day in DAYS if day.month in _months(shape[1])}
    if shape := re.fullmatch(r"on (.+?) of (the month|.+)", text):
        named = _months(None if shape[2] == "the month" else shape[2])
        return {day for day in DAYS if day.month in named and _is_one_of(day, shape[1])}
    if shape := re.fullmatch(r"(?:on|from) (.+?)(?: ((?:in|from) .+))?", text):
        weekdays = WEEKDAYS[:5] if shape[1] == "weekdays" else _named(shape[1], WEEKDAYS)
        return {day for day in DAYS if day.month in _months(shape[2]) and WEEKDAYS[day.weekday()] in weekdays}
    raise ValueError(f"no days: {text}")


def _months(text: str | None) -> set[int]:
    if text is None:
        return set(range(1, 13))
    text = re.sub(r"^(each month from|in|from) ", "", text)
    if row := re.fullmatch(r"every (\d+)\w\w month from (\w+) to (\w+)", text):
        return set(range(MONTHS.index(row[2]) + 1, MONTHS.index(row[3]) + 2, int(row[1])))
    return {MONTHS.index(name) + 1 for name in _named(text, MONTHS)}


def _named(text: str, names: list[str]) -> list[str]:
    found: list[str] = []
    for word in _list(text):
        first, _, last = word.partition(" to ")
        found += names[names.index(first) : names.index(last or first) + 1]
    return found


def _is_one_of(day: date, text: str) -> bool:
    """Whether it is one of `days 1 to 7, the last day and the 2nd Monday`."""
    if row := re.fullmatch(r"every (\d+)\w\w day from (\d+) to (\d+)(?:, | and )?(.*)", text):
        inside = day.day in range(int(row[2]), int(row[3]) + 1, int(row[1]))
        return inside or (row[4] != "" and _is_one_of(day, row[4]))
    return any(_is(day, word) for word in _list(re.sub(r"^days? ", "", text)))


def _is(day: date, word: str) -> bool:
    if word[0].isdigit():
        return day.day in _numbers(word)
    following = [day + timedelta(days=ahead) for ahead in range(1, monthrange(day.year, day.month)[1] - day.day + 1)]
    if word == "the last day":
        return not following
    if word == "the last weekday":
        return day.weekday() < 5 and all(later.weekday() > 4 for later in following)
    counted = re.fullmatch(r"the (\w+) (\w+day)", word)
    if not counted:
        raise ValueError(f"no day: {word}")
    if WEEKDAYS.index(counted[2]) != day.weekday():
        return False
    return len(following) < 7 if counted[1] == "last" else (day.day + 6) // 7 == int(counted[1][0])

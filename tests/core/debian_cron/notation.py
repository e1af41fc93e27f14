"""What Debian's cron fired, as `fires.txt` writes it: for each set of days the minutes that fired on all of them.

120@2                        minute 120 of day 2; both are counted from 0, and from the beginning of the window
0+30*48@0+1*7                minute 0 and every 30 minutes from there, 48 in all; on day 0 and the six after it
9,12,24@1,5 540@0            several minutes on several days, and another on another
1500*3                       of minute 1500 of the window, counted right through, there were three runs
-                            nothing
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

DAY = 1440


def written(minutes: Iterable[int]) -> str:
    """The notation of these minutes of a window; a minute may be there several times."""
    runs = Counter(minutes)
    days_of: dict[int, list[int]] = defaultdict(list)
    for minute in sorted(runs):
        days_of[minute % DAY].append(minute // DAY)
    together: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for minute, days in sorted(days_of.items()):
        together[tuple(days)].append(minute)
    words = [f"{_listed(times)}@{_listed(days)}" for days, times in together.items()]
    crowded = [f"{minute}*{count}" for minute, count in sorted(runs.items()) if count > 1]
    return " ".join([*words, *crowded]) or "-"


def read(text: str) -> Counter[int]:
    """The minutes, and how many runs each had."""
    runs: Counter[int] = Counter()
    for word in text.split() if text != "-" else ():
        times, at, days = word.partition("@")
        if at:
            runs.update(day * DAY + minute for day in _values(days) for minute in _values(times))
        else:
            minute, count = map(int, word.split("*"))
            runs[minute] = count
    return runs


def _listed(values: Sequence[int]) -> str:
    """Ascending values, with even rows of at least three in short."""
    words: list[str] = []
    while values:
        steps = [later - sooner for sooner, later in pairwise(values)]
        count = 1 + next((at for at, step in enumerate(steps) if step != steps[0]), len(steps))
        if count < 3:  # two are no row, and the second may belong to the next one
            count = 1
        words.append(f"{values[0]}+{steps[0]}*{count}" if count > 1 else str(values[0]))
        values = values[count:]
    return ",".join(words)


def _values(text: str) -> list[int]:
    values: list[int] = []
    for word in text.split(","):
        first, _, row = word.partition("+")
        step, _, count = row.partition("*")
        values += range(int(first), int(first) + int(step) * int(count), int(step)) if row else [int(first)]
    return values

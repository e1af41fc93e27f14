"""The small change of sentences about schedules: lists, ordinals, and what ascending numbers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

A_FEW = 4  # as many values are listed; of more it is said what they have in common
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def joined(words: Sequence[str]) -> str:
    """Words as a sentence has them: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def ordinal(number: int) -> str:
    """The number as one counts: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    tens, ones = divmod(number % 100, 10)
    return f"{number}{'th' if tens == 1 else _ENDINGS.get(ones, 'th')}"


def step_of(values: Sequence[int]) -> int | None:
    """How far apart ascending values are, if all by the same; None of less than two values."""
    steps = {later - sooner for sooner, later in pairwise(values)}
    return steps.pop() if len(steps) == 1 else None


def is_run(values: Sequence[int]) -> bool:
    """Whether these are three or more values without a gap; two are better named both."""
    return len(values) > 2 and step_of(values) == 1  # noqa: PLR2004 as the line above says


def is_long_row(values: Sequence[int]) -> bool:
    """Whether these are so many values, evenly apart, that nobody wants them listed."""
    return len(values) > A_FEW and step_of(values) is not None


def ranged(values: Sequence[int], names: Sequence[str] | None = None) -> str:
    """The values as a list in which neighbours are ranges: `0 to 10, 20 and 30`; `names` has one for each value."""

    def name(value: int) -> str:
        return names[value] if names else str(value)

    parts: list[str] = []
    for run in _runs(values):
        parts += [f"{name(run[0])} to {name(run[-1])}"] if is_run(run) else [name(value) for value in run]
    return joined(parts)


def _runs(values: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for value in values:
        if run and value != run[-1] + 1:
            yield run
            run = []
        run.append(value)
    yield run

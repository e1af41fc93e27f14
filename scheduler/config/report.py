"""Problems as a person reads them: the place, the sentence, the line, and carets with the way out beside them.

    config.yaml:8:5: jobs.backup: unknown key "overlaps" [unknown-key]
    8 |     overlaps: skip
      |     ^^^^^^^^ did you mean "overlap"?

The shape `file:line:column:` is what compilers print, so editors and terminals make links of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category, east_asian_width

from scheduler.config.mistakes import MOST_TOLD, printable
from scheduler.core.errors import Problem

MOST_SHOWN = 50
MOST_COUNTED = MOST_TOLD // 2  # beyond that not all may have been found
_WIDEST = 120  # columns of a source line
_LONGEST_NAME = 4096  # letters of a path, Linux's PATH_MAX
_BEFORE = 40  # of these, at most so many before the carets when a line is cut


def problems_text(problems: Sequence[Problem]) -> str:
    """The problems and how many they are, without a line break at the end; warnings are not counted as errors."""
    shown = "\n".join(problem_text(problem) for problem in problems[:MOST_SHOWN])
    errors = sum(not problem.warning for problem in problems)
    if not errors:
        return shown
    cut = f", the first {MOST_SHOWN} shown" if len(problems) > MOST_SHOWN else ""
    count = f"over {MOST_COUNTED}" if errors > MOST_COUNTED else str(errors)
    return f"{shown}\n{count} error{'' if errors == 1 else 's'} in {_file(problems[0])}{cut}"


def problem_text(problem: Problem) -> str:
    """One problem on two or three lines."""
    place = f"{_file(problem)}:{problem.line}:{problem.column}" if problem.line else _file(problem)
    said = [place, "warning" if problem.warning else "", problem.path, f"{problem.message} [{problem.code}]"]
    # A broken syntax is the one mistake behind which nothing can be judged.
    first = ": ".join(filter(None, said)) + (" (rest of file not read)" if problem.code == "yaml" else "")
    if problem.source is None or problem.span is None:
        return first + (f"\n  {problem.hint}" if problem.hint else "")
    line, before, width = _window(problem.source, problem.span)
    gutter = str(problem.line)
    carets = f"{' ' * before}{'^' * width} {problem.hint or ''}".rstrip()
    return f"{first}\n{gutter} | {line}\n{' ' * len(gutter)} | {carets}"


def _file(problem: Problem) -> str:
    """Its name, which anybody may have chosen."""
    return printable(problem.file, _LONGEST_NAME)


def _window(source: str, span: tuple[int, int]) -> tuple[str, int, int]:
    """The source line, cut to what fits around the span, and the width before and of the carets on a terminal."""
    start, end = span[0] - 1, span[1] - 1
    left, first = "", 0
    if len(source) > _WIDEST and start > _BEFORE:
        left, first = "…", start - _BEFORE
    part = source[first : first + _WIDEST]
    line = left + _visible(part) + ("…" if len(source) > first + _WIDEST else "")
    before = len(left) + _width(source[first:start])
    return line.rstrip(), before, max(_width(source[start : min(end, first + _WIDEST)]), 1)


def _visible(text: str) -> str:
    """The same width letter by letter; a tab is seen, and nothing moves the cursor."""
    return "".join(char if char.isprintable() else "⇥" if char == "\t" else "·" for char in text)


def _width(text: str) -> int:
    """Columns on a terminal, where East Asian letters are two wide and accents stand on others."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if (
        category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff"
    ):  # accents, and the later parts of a Hangul letter
        return 0
    return 2 if east_asian_width(char) in "WF" else 1

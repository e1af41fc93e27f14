"""Problems as a person reads them: the place, the sentence, the line, and carets with the way out beside them.

    config.yaml:8:5: jobs.backup: unknown key "overlaps" [unknown-key]
    8 |     overlaps: skip
      |     ^^^^^^^^ did you mean "overlap"?

The shape `file:line:column:` is what compilers print, so editors and terminals make links of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from scheduler.core.errors import Problem

MOST_SHOWN = 50
_WIDEST = 120  # columns of a source line
_BEFORE = 40  # of these, at most so many before the carets when a line is cut


def problems_text(problems: Sequence[Problem]) -> str:
    """The problems and how many they are, without a line break at the end; warnings are not counted as errors."""
    shown = "\n".join(problem_text(problem) for problem in problems[:MOST_SHOWN])
    errors = sum(not problem.warning for problem in problems)
    if not errors:
        return shown
    cut = f", the first {MOST_SHOWN} shown" if len(problems) > MOST_SHOWN else ""
    return f"{shown}\n{errors} error{'' if errors == 1 else 's'} in {problems[0].file}{cut}"


def problem_text(problem: Problem) -> str:
    """One problem on two or three lines."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    said = [place, "warning" if problem.warning else "", problem.path, f"{problem.message} [{problem.code}]"]
    # A broken syntax is the one mistake behind which nothing can be judged.
    first = ": ".join(filter(None, said)) + (" (rest of file not read)" if problem.code == "yaml" else "")
    if problem.source is None or problem.span is None:
        return first + (f"\n  {problem.hint}" if problem.hint else "")
    line, before, width = _window(problem.source, problem.span)
    gutter = str(problem.line)
    carets = f"{' ' * before}{'^' * width} {problem.hint or ''}".rstrip()
    return f"{first}\n{gutter} | {line}\n{' ' * len(gutter)} | {carets}"


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
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)

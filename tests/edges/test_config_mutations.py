"""Whatever a file says, it is accepted or its mistakes are told, at places that it has; nothing else comes out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.config.loading import load
from scheduler.config.report import problems_text
from scheduler.core.errors import ConfigError, Problem
from tests.edges.config_text import LOADED_AT

EXAMPLE = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8")
LINES = EXAMPLE.splitlines(keepends=True)

# What YAML, JSON, cron, durations or our own keys make something of.
PIECES = (
    *("\n", "\t", "  ", " #", ": ", "- ", "? ", "| ", "> ", "*", "&a ", "*a", "!!str ", "<<: ", "---\n", "...\n", "%"),
    *("{", "}", "[", "]", ",", '"', "'", "\\", "\0", "\ufeff", "\x85", "\u2028", "é", "😀", "\ue000", "@", "~"),
    *("null", "true", "yes", "0", "-1", "1e999", "9" * 400, "1:30", "010", "5m", "0s", "99999999d", "${A}", "x" * 300),
    *("* * * * *", "0 0 31 2 *", "@daily", "H H * * *", "TZ=UTC", "2027-03-28T02:30:00", "Europe/Berln", "a.b:c"),
    *("jobs:\n", "lease: {lease_duration: 1s}\n", "defaults: {jitter: 1h}\n", "cron: */5 * * * *\n", "at: ", "http: "),
)  # fmt: skip

pieces = st.sampled_from(PIECES)
places = st.integers(0, len(EXAMPLE))


@st.composite
def edited(draw: st.DrawFn) -> str:
    """The example with a few pieces put in, in place of some of its letters."""
    text = EXAMPLE
    for _ in range(draw(st.integers(1, 4))):
        start = draw(places)
        text = text[:start] + draw(pieces) + text[start + draw(st.sampled_from([0, 0, 1, 5, 40])) :]
    return text


@st.composite
def rearranged(draw: st.DrawFn) -> str:
    """Lines of the example, some lost, some twice, some out of place, some with another value."""
    lines = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=30))
    position = draw(st.integers(0, len(lines) - 1))
    key, colon, _ = lines[position].partition(":")
    lines[position] = f"{key}{colon} {draw(pieces)}\n"
    return "".join(lines)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "config.yaml"


def problems_of(file: Path, raw: bytes) -> list[Problem]:
    """What is said about a file of these bytes; nothing if it is accepted."""
    file.write_bytes(raw)
    try:
        load(file, LOADED_AT)
    except ConfigError as error:
        return error.problems or [Problem(str(file), -1, 0, "", "refused without a word", "")]
    return []


def place_is_true(problem: Problem, lines: list[str]) -> bool:
    """Whether the file has the line that the problem shows, and the columns that it underlines."""
    if problem.line == 0:
        return problem.source is None
    assert problem.source is not None
    assert problem.span is not None
    start, end = problem.span
    return lines[problem.line - 1] == problem.source and 1 <= start < end <= len(problem.source) + 2


def judge(file: Path, raw: bytes) -> None:
    problems = problems_of(file, raw)
    lines = re.split("\r\n|\r|\n", raw.decode("utf-8", "replace").removeprefix("\ufeff"))

    assert [problem for problem in problems if not place_is_true(problem, lines)] == []
    assert not problems or f"\n{len(problems)} error" in problems_text(problems)


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(edited(), rearranged()))
def test_any_change_of_the_example_is_accepted_or_explained(file: Path, text: str) -> None:
    judge(file, text.encode())


@settings(max_examples=50, deadline=None)
@given(raw=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes_are_explained(file: Path, raw: bytes) -> None:
    judge(file, raw)

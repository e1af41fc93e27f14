"""How problems look on a terminal."""

from __future__ import annotations

import pytest

from scheduler.config.report import problem_text, problems_text
from scheduler.core.errors import Problem


def problem(source: str, span: tuple[int, int], **other: object) -> Problem:
    said = {"file": "config.yaml", "line": 7, "path": "jobs.a", "message": "wrong", "code": "type", **other}
    return Problem(column=span[0], source=source, span=span, **said)  # type: ignore[arg-type]


def test_the_hint_stands_beside_the_carets() -> None:
    assert (
        problem_text(problem("    every: 1:30", (12, 16), hint="write 90s"))
        == """\
config.yaml:7:12: jobs.a: wrong [type]
7 |     every: 1:30
  |            ^^^^ write 90s"""
    )


def test_a_warning_says_that_it_is_one() -> None:
    warning = problem('cron: "0 0 13 * 5"', (8, 18), warning=True, code="dom-dow-or", line=10)

    assert (
        problems_text([warning])
        == """\
config.yaml:10:8: warning: jobs.a: wrong [dom-dow-or]
10 | cron: "0 0 13 * 5"
   |        ^^^^^^^^^^"""
    )


def test_what_has_no_place_has_no_line() -> None:
    lost = Problem("config.yaml", 0, 0, "", "no such file", "no-file", "name it")

    assert problems_text([lost]) == "config.yaml: no such file [no-file]\n  name it\n1 error in config.yaml"


def test_fifty_are_shown_and_all_are_counted() -> None:
    lines = problems_text([problem("x", (1, 2), line=line) for line in range(1, 74)]).splitlines()

    assert len(lines) == 50 * 3 + 1
    assert lines[-1] == "73 errors in config.yaml, the first 50 shown"


def test_a_name_of_a_file_has_no_power_over_a_terminal() -> None:
    told = Problem("a\x1b[2J\n.yaml", 0, 0, "", "no such file", "no-file")

    assert problems_text([told]) == "a\\x1b[2J\\n.yaml: no such file [no-file]\n1 error in a\\x1b[2J\\n.yaml"


def test_of_very_many_it_is_not_said_how_many() -> None:
    """Beyond that, not all are looked for."""
    lines = [problems_text([problem("x", (1, 2), line=line) for line in range(count)]) for count in (500, 501)]

    assert [text.splitlines()[-1] for text in lines] == [
        "500 errors in config.yaml, the first 50 shown",
        "over 500 errors in config.yaml, the first 50 shown",
    ]


CARETS = {
    "a tab is seen": ("\tcron: x", (2, 6), "⇥cron: x", " ^^^^"),
    "wide letters take two columns": ("名前: 東京 x", (5, 7), "名前: 東京 x", "      ^^^^"),
    "accents that go together take none": ("e\u0323\u0301\ufe0f: x", (7, 8), "e\u0323\u0301\ufe0f: x", "   ^"),
    "the parts of a letter of Hangul are one": ("\u1112\u1161\u11ab: x", (6, 7), "\u1112\u1161\u11ab: x", "    ^"),
    "what turns the direction of text is a dot": ("a\u202eb: x", (6, 7), "a·b: x", "     ^"),
    "what commands a terminal is a dot": ("a\x9b2Jb: x", (8, 9), "a·2Jb: x", "       ^"),
    "accents take none": ("e\u0301: x", (5, 6), "e\u0301: x", "   ^"),
    "a letter that moves the cursor is a dot": ("a\x85: x", (5, 6), "a·: x", "    ^"),
    "a long line is cut on both sides": (
        "a" * 100 + "BAD" + "c" * 200,
        (101, 104),
        "…" + "a" * 40 + "BAD" + "c" * 77 + "…",
        " " * 41 + "^^^",
    ),
    "a long mistake is underlined as far as it shows": ("b" * 300, (1, 301), "b" * 120 + "…", "^" * 120),
}


@pytest.mark.parametrize(
    ("source", "span", "shown", "carets"), [pytest.param(*row, id=name) for name, row in CARETS.items()]
)
def test_carets_stand_under_what_they_mean(source: str, span: tuple[int, int], shown: str, carets: str) -> None:
    _, line, below = problem_text(problem(source, span)).splitlines()

    assert (line, below) == (f"7 | {shown}", f"  | {carets}")

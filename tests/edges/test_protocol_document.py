"""docs/protocol.md is kept true: each rule has a test that quotes it, each rule quoted exists, each case is tested.

Code and tests quote rules as "(rule 16)", "(rules 1, 3e)" or "Rules 27-29"; whoever quotes a letter quotes its rule.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text()
CASES = 36
PROMISES = tuple(f"P{number}" for number in range(1, 9))
RULES = (*(str(number) for number in range(1, 38)), *(f"3{letter}" for letter in "abcde"))
QUOTE = re.compile(r"\brules?\s+(\d+[a-e]?(?:(?:,\s*|-|\s+to\s+|\s+and\s+)(?:\d+[a-e]?|P\d)\b)*)", re.IGNORECASE)
ROW = re.compile(r"^\| (\d+) \| (\w+) \|.*\| ([^|]*) \|$", re.MULTILINE)


def rules_quoted(text: str) -> set[str]:
    """The rules that this text quotes, each by its own name, with the rules that lettered ones belong to."""
    found: set[str] = set()
    for quote in QUOTE.findall(text):
        for part in re.split(r",\s*|\s+and\s+", quote):
            found.update(_span(part))
    return found | {rule.rstrip("abcde") for rule in found}


def _span(part: str) -> Iterator[str]:
    ends = re.split(r"-|\s+to\s+", part)
    if len(ends) == 2 and all(end.isdecimal() for end in ends):
        yield from (str(number) for number in range(int(ends[0]), int(ends[1]) + 1))
    else:
        yield from (end for end in ends if not end.startswith("P"))


def rules_in(document: str) -> list[str]:
    """The rules as the document numbers them, in its order."""
    return [
        whole or lettered
        for whole, lettered in re.findall(r"^(?:(\d+)\. |   - \*\*(3[a-e])\.\*\* )", document, re.MULTILINE)
    ]


def cases_in(document: str) -> dict[int, tuple[str, list[str]]]:
    """The table of test cases: number, name, tests."""
    return {int(number): (name, re.findall(r"`([\w*]+)`", tests)) for number, name, tests in ROW.findall(document)}


def sources(*folders: str) -> dict[Path, str]:
    files = (file for folder in folders for file in sorted((ROOT / folder).rglob("*.py")))
    return {file.relative_to(ROOT): file.read_text() for file in files if file.resolve() != Path(__file__).resolve()}


SOURCES = sources("scheduler", "tests")
TESTS = {file: text for file, text in SOURCES.items() if file.parts[0] == "tests"}


def docstrings_by_test(tests: Mapping[Path, str]) -> dict[str, list[str]]:
    """The docstrings of the test functions of each name; more than one file may have it."""
    found: dict[str, list[str]] = {}
    for text in tests.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, []).append(ast.get_docstring(node) or "")
    return found


FUNCTIONS = docstrings_by_test(TESTS)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param("(rule 16)", {"16"}, id="one"),
        pytest.param("(rules 1, 3e)", {"1", "3e", "3"}, id="two, and whose letter it is"),
        pytest.param("Rules 27-29 say", {"27", "28", "29"}, id="a span"),
        pytest.param("(rules 15 to 17)", {"15", "16", "17"}, id="a span in words"),
        pytest.param("rules 3d and 3e", {"3", "3d", "3e"}, id="joined by and"),
        pytest.param("(rules 7, 10 and\n    28)", {"7", "10", "28"}, id="over a line's end"),
        pytest.param("(rule 20, P7)", {"20"}, id="beside a promise"),
        pytest.param("a rule of thumb, 3 rules, no rule", set(), id="none"),
    ],
)
def test_how_rules_are_quoted(text: str, quoted: set[str]) -> None:
    assert rules_quoted(text) == quoted


def test_rules_are_numbered_one_after_another() -> None:
    numbers = [rule for rule in rules_in(DOCUMENT) if rule.isdecimal()]

    assert numbers == [rule for rule in RULES if rule.isdecimal()]
    assert set(rules_in(DOCUMENT)) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_quoted_by_a_test(rule: str) -> None:
    assert [str(file) for file, text in TESTS.items() if rule in rules_quoted(text)]


def test_every_rule_quoted_exists() -> None:
    strangers = {(str(file), rule) for file, text in SOURCES.items() for rule in rules_quoted(text) - set(RULES)}

    assert strangers == set()


def test_what_the_document_itself_quotes_exists() -> None:
    assert rules_quoted(DOCUMENT) <= set(RULES)


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_is_made_and_quoted_by_a_test(promise: str) -> None:
    assert f"\n| {promise} | " in DOCUMENT
    assert [str(file) for file, text in TESTS.items() if re.search(rf"\b{promise}\b", text)]


def test_every_case_is_in_the_table() -> None:
    assert list(cases_in(DOCUMENT)) == list(range(1, CASES + 1))


@pytest.mark.parametrize("number", range(1, CASES + 1))
def test_every_case_has_its_tests(number: int) -> None:
    """Each name in the table is a test's, or with a star the beginning of one; one of them says the case's number."""
    name, patterns = cases_in(DOCUMENT)[number]
    tests = {pattern: _named(pattern) for pattern in patterns}
    docstrings = [text for found in tests.values() for test in found for text in FUNCTIONS[test]]

    assert patterns
    assert [pattern for pattern, found in tests.items() if not found] == []
    assert f"test_{name}".startswith(patterns[0].rstrip("*"))
    assert any(re.match(rf"{number}\b", docstring) for docstring in docstrings)


def _named(pattern: str) -> list[str]:
    if pattern.endswith("*"):
        return [test for test in FUNCTIONS if test.startswith(pattern[:-1])]
    return [pattern] if pattern in FUNCTIONS else []


def test_a_test_that_says_a_number_is_in_that_row() -> None:
    """In test_protocol.py a docstring begins with the number of its case: "17 (rule 17): ..."."""
    tree = ast.parse(TESTS[Path("tests/core/test_protocol.py")])
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    cases = cases_in(DOCUMENT)
    missing = []
    for function in functions:
        number = re.match(r"(\d+) \(", ast.get_docstring(function) or "")
        named = cases.get(int(number[1]), ("", []))[1] if number else ["test_*"]
        if not any(function.name in _named(pattern) for pattern in named):
            missing.append(f"{function.name}: {number and number[1]}")

    assert missing == []

"""Cases of faulty config.yaml files, written down as a person sees them.

    == a misspelt key
    jobs:
      backup: {every: 5m, shell: ls, «overlaps»: skip}
    >> jobs.backup: unknown key "overlaps" [unknown-key]
    >> did you mean "overlap"?

What stands between « and » is underlined by carets; the lines after >> are the sentence and, beside the carets, the way
out. In a title, `at 8:5` moves the file down until the marked line is line 8; `⇥` stands for a tab.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scheduler.config.loading import load
from scheduler.config.report import problems_text
from scheduler.config.settings import Loaded
from scheduler.core.errors import ConfigError, Problem
from tests.edges.config_agreement import disagreement

LOADED_AT = datetime(2026, 11, 22, 19, 41, tzinfo=UTC)


def loaded(folder: Path, text: str) -> Loaded:
    """What comes of a config.yaml with this text; its JSON Schema must agree."""
    file = folder / "config.yaml"
    file.write_bytes(text.encode())
    try:
        made = load(file, LOADED_AT, installed=lambda _: True)
    except ConfigError as error:
        _agree(file, error.problems)
        raise
    _agree(file, [])
    return made


def _agree(file: Path, problems: Sequence[Problem]) -> None:
    if said := disagreement(file, problems):
        pytest.fail(said)


def told(folder: Path, text: str) -> str:
    """What is said about a config.yaml with this text; empty if nothing is."""
    try:
        loaded(folder, text)
    except ConfigError as error:
        return problems_text(error.problems).replace(f"{folder}/", "")
    return ""


def cases(text: str) -> list[object]:
    """The cases as parameters: the text of the file, and what must be said about it."""
    return [_case(*part.split("\n", 1)) for part in text.removeprefix("== ").split("\n== ")]


def _case(title: str, rest: str) -> object:
    body, _, words = rest.partition(">> ")
    message, _, hint = words.rstrip().partition("\n>> ")
    start = body.index("«")
    line, column = body[:start].count("\n") + 1, start - body.rfind("\n", 0, start)
    if at := re.search(r"at (\d+):(\d+)", title):
        assert int(at[2]) == column, f"{title}: the mark is in column {column}"
        body = "#\n" * (int(at[1]) - line) + body
        line = int(at[1])
    marked = body.splitlines()[line - 1]
    carets = "^" * (marked.index("»") - marked.index("«") - 1)
    gutter = " " * len(str(line))
    # A broken syntax is the one mistake that ends the reading.
    unread = " (rest of file not read)" if message.endswith("[yaml]") else ""
    said = f"""\
config.yaml:{line}:{column}: {message}{unread}
{line} | {_plain(marked)}
{gutter} | {f"{' ' * (column - 1)}{carets} {hint}".rstrip()}
1 error in config.yaml"""
    return pytest.param(_plain(body).replace("⇥", "\t"), said, id=title)


def _plain(text: str) -> str:
    return text.replace("«", "").replace("»", "")


def blocks(file: Path) -> list[object]:
    """Cases written out as they look on a terminal: a title after ==, the file, and after >> all that is said about it.

    `, after 4 lines` at the end of a title puts as many lines before the file. `⇥` stands for a tab in it, and other
    letters that cannot be seen are written as `\\u00a0`.
    """
    parts = [part.split("\n", 1) for part in file.read_text(encoding="utf-8").removeprefix("== ").split("\n\n== ")]
    return [pytest.param(*_block(title, rest), id=title) for title, rest in parts]


def _block(title: str, rest: str) -> tuple[str, str]:
    text, _, said = rest.partition(">>\n")
    before = re.search(r", after (\d+) line", title)
    text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text).replace("⇥", "\t")
    return "#\n" * int(before[1] if before else 0) + text, said.rstrip("\n")

"""docs/errors.md: a heading for each code that the source can say, and examples that are what it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from scheduler.clock import SystemClock
from scheduler.config.imports import unimportable
from scheduler.config.loading import load
from scheduler.config.report import problem_text
from scheduler.core.errors import ConfigError, Problem
from tests.edges.config_text import LOADED_AT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
PARTS = {part.split("\n", 1)[0]: part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}
EXAMPLES = {
    code: (found[1], found[2])
    for code, part in PARTS.items()
    if (found := re.search(r"```yaml\n(.*?)```\n\n```text\n(.*?)\n```", part, re.DOTALL))
}

# What makes a mistake, and which of its arguments is the code, counted from 0.
MAKERS = {"Mistake": 1, "expected": 1, "CronError": 1, "whole_file": 2, "fault": 2, "text": 3, "Problem": 5, "Trap": 0}
MAKERS |= {"problem": 1, "_refuse": 1, "Finding": 1}
# Mistakes that belong to no place in the file: an example would show nothing.
WITHOUT_EXAMPLE = {"no-file", "directory", "no-regular-file", "unreadable", "too-large", "encoding", "empty"}
WITHOUT_EXAMPLE |= {"too-many-jobs", "fingerprint", "crontab", "celery"}
WITHOUT_EXAMPLE |= {"cluster", "rbac", "namespace", "foreign-lease", "newer-ledger", "ledger", "old-lock", "clock"}


def codes_of(source: Path) -> Iterator[str]:
    """The codes that a module hands to whatever makes a mistake, be it by the name of a constant."""
    module = ".".join(source.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        for argument in _code_arguments(node):
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value
            elif isinstance(argument, ast.Name) and argument.id.isupper():
                yield vars(import_module(module))[argument.id]


def _code_arguments(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.FunctionDef):  # a default of a parameter named code
        named = node.args.args[len(node.args.args) - len(node.args.defaults) :]
        yield from (value for name, value in zip(named, node.args.defaults, strict=True) if name.arg == "code")
    if isinstance(node, ast.Call):
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "code")
        maker = getattr(node.func, "id", getattr(node.func, "attr", ""))
        yield from node.args[MAKERS[maker] :][:1] if maker in MAKERS else ()


def test_each_code_has_its_heading_and_no_heading_is_of_a_code_that_is_gone() -> None:
    sources = [
        path for room in ("config", "core", "cli", "importing") for path in (ROOT / "scheduler" / room).rglob("*.py")
    ]
    codes = {code for source in sources for code in codes_of(source) if re.fullmatch("[a-z]+(-[a-z]+)*", code)}

    assert sorted(codes) == sorted(PARTS)


def test_each_code_has_an_example_where_one_can_show_it() -> None:
    assert set(PARTS) - set(EXAMPLES) == WITHOUT_EXAMPLE


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_is_what_is_said(tmp_path: Path, code: str) -> None:
    text, said = EXAMPLES[code]
    (tmp_path / "config.yaml").write_text(text)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "examples.py").write_text("def report(region='eu'): ...\n")
    problems = _problems(tmp_path / "config.yaml")

    assert "\n".join(map(problem_text, problems)).replace(f"{tmp_path}/", "") == said
    assert {problem.code for problem in problems} == {code}


def _problems(file: Path) -> list[Problem]:
    try:
        loaded = load(file, LOADED_AT, {})
    except ConfigError as error:
        return error.problems
    return unimportable(loaded, SystemClock()) or loaded.warnings


def test_links_on_the_page_lead_somewhere() -> None:
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)}
    inside = re.findall(r"\]\(#([^)]*)\)", PAGE)
    beside = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if not (ROOT / "docs" / link).exists()]

    assert (set(inside) - headings, beside) == (set(), [])

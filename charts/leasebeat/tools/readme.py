"""Write the table of values into README.md, from the comments of values.yaml.

    python charts/leasebeat/tools/readme.py

A comment that begins with `# --` describes the key below it and everything under that key. It may go on over several
lines, and a line `# @default -- text` says what an empty default stands for. helm-docs reads the same comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- values: made by tools/readme.py -->\n", "<!-- values: end -->"
LONGEST_DEFAULT = 60

_KEY = re.compile(r"( *)([A-Za-z][A-Za-z0-9]*):")
_COMMENT = re.compile(r" *# ?(.*)")


@dataclass(frozen=True, slots=True)
class Value:
    """A documented key: its path with dots, what it means, and what its default stands for, if that is said."""

    path: str
    meaning: str
    stands_for: str | None


def documented(text: str) -> Iterator[Value]:
    """The keys of values.yaml that have a `# --` comment, in the order of the file."""
    above: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if found := _COMMENT.fullmatch(line):
            comment.append(found[1])
            continue
        if found := _KEY.match(line):
            above = [*above[: len(found[1]) // 2], found[2]]
            if comment and comment[0].startswith("-- "):
                yield _value(".".join(above), comment)
        comment = []


def _value(path: str, comment: list[str]) -> Value:
    marker = "@default -- "
    stands_for = next((line.removeprefix(marker) for line in comment if line.startswith(marker)), None)
    meaning = " ".join(line for line in comment if not line.startswith(marker)).removeprefix("-- ")
    return Value(path, meaning, stands_for)


def table(text: str) -> str:
    """The Markdown table of all values."""
    defaults = yaml.safe_load(text)
    rows = ["| Value | Default | Meaning |", "|---|---|---|"]
    for value in documented(text):
        default = value.stands_for or _default(at(defaults, value.path))
        rows.append(f"| `{value.path}` | {default} | {value.meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def at(values: Any, path: str) -> Any:
    """What stands under a path with dots."""
    for key in path.split("."):
        values = values[key]
    return values


def _default(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= LONGEST_DEFAULT else "see values.yaml"


def with_table(readme: str, text: str) -> str:
    """The README with its table of values made anew."""
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{table(text)}{END}{after}"


def main() -> None:
    """Write README.md anew."""
    readme = CHART / "README.md"
    readme.write_text(with_table(readme.read_text(), (CHART / "values.yaml").read_text()))


if __name__ == "__main__":
    main()

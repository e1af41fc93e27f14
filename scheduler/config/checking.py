"""Is each value what its key may hold: pydantic's answer, in our words.

A faulty key is cut out of the data and the rest is looked at again until it stands. So all mistakes come at once, and
what remains is a sound piece of a file, on which the rules between keys can be tried too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scheduler.config.document import Document, ListNode, MapNode, Path, Scalar, content
from scheduler.config.keys import meant_key, unknown_key
from scheduler.config.mistakes import Mistake, expected
from scheduler.config.models import FileKeys, PolicyKeys
from scheduler.core.job import Policy

_KEY = "[key]"  # how pydantic ends the path of a mistake in a key

Finding = tuple[Path, Mistake]


@dataclass(frozen=True)
class Draft:
    """What is sound of a file: `keys` without the faulty ones, and `cut`, the ways to these."""

    document: Document
    keys: FileKeys
    cut: frozenset[Path]

    def intact(self, *path: str) -> bool:
        """Whether the value at this path is the file's own, or the default where the file has none."""
        return not any(path[:length] in self.cut for length in range(1, len(path) + 1))


def checked(document: Document) -> tuple[Draft, list[Finding]]:
    """The sound part of the document, and what is wrong with the rest."""
    data: Any = content(document.root)
    findings: list[Finding] = []
    cut: set[Path] = set()
    while True:
        try:
            return Draft(document, FileKeys.model_validate(data), frozenset(cut)), findings
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            findings.extend(_finding(document, detail) for detail in details if not _follows(document, detail))
            ways = {_way(data, detail["loc"]) for detail in details}
            for way in ways:
                _remove(data, way)
            cut |= ways


def policy_of(draft: Draft, name: str) -> Policy:
    """The job's policies: its own, else those of `defaults`, else the built-in ones."""
    stated: dict[str, Any] = {}
    for keys in (draft.keys.defaults, draft.keys.jobs[name]):
        stated |= {key: getattr(keys, key) for key in keys.model_fields_set if key in PolicyKeys.model_fields}
    return Policy(**stated)


def _follows(document: Document, detail: ErrorDetails) -> bool:
    """Whether the mistake only follows from another: a key is missing because it was misspelt."""
    *holder, key = detail["loc"]
    return detail["type"] == "missing" and key in slips(document, tuple(holder))


def slips(document: Document, path: Path) -> set[str | None]:
    """What the misspelt keys of the map at `path` were probably meant to be."""
    return {meant_key(path, key) for key in document.keys(*map(str, path))}


def _finding(document: Document, detail: ErrorDetails) -> Finding:
    path, kind = detail["loc"], detail["type"]
    if kind == "extra_forbidden":
        return path[:-1], unknown_key(path[:-1], str(path[-1]))
    mistake = detail.get("ctx", {}).get("error")
    if not isinstance(mistake, Mistake):
        return path, _structure(document, path, kind)
    if path[-1] == _KEY:
        mistake = Mistake(f"{mistake.message}, got {path[-2]}", mistake.code, mistake.hint, on_key=True)
        return path[:-1], mistake
    return path, mistake


def _structure(document: Document, path: Path, kind: str) -> Mistake:
    """The few mistakes that pydantic itself finds: a map or list is something else, or a key is missing."""
    if kind == "missing":
        return Mistake(f'key "{path[-1]}" is missing', "missing", f"add {path[-1]}:", on_key=True)
    if kind == "list_type":
        return expected("a list", "type", "write [...]")
    if path == ("jobs",):
        return expected("a map of name to job", "type", _names_first(document))
    if len(path) == 2 and path[0] == "jobs":  # noqa: PLR2004 - jobs, name
        return expected("a map of a job's keys", "type", "such as {every: 5m, shell: ./sync}")
    return expected("a map", "type")


def _names_first(document: Document) -> str | None:
    """For those who wrote the jobs as a list: how the first one would begin."""
    jobs = document.get("jobs")
    first = jobs.items[0] if isinstance(jobs, ListNode) and jobs.items else None
    named = first.entries.get("name") if isinstance(first, MapNode) else None
    name = named[1].text if named and isinstance(named[1], Scalar) else "a-name"
    return f"write `{name}:` and indent its keys below" if isinstance(jobs, ListNode) else None


def _way(data: Any, path: Path) -> Path:
    """The path as far as the data has it: to the key that must go."""
    way: list[str | int] = []
    for step in path:
        if not isinstance(data, dict) or step not in data:
            break
        data = data[step]
        way.append(step)
    return tuple(way)


def _remove(data: Any, way: Path) -> None:
    for step in way[:-1]:
        data = data.get(step, {})
    data.pop(way[-1], None)

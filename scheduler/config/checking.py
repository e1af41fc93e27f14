"""Is each value what its key may hold: pydantic's answer, in our words.

A faulty key is cut out of the data and the rest is looked at again until it stands. So all mistakes come at once, and
what remains is a sound piece of a file, on which the rules between keys can be tried too.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scheduler.config.document import Document, MapNode, Path, content, shown_key
from scheduler.config.keys import meant_key, unknown_key
from scheduler.config.mistakes import MOST_TOLD, Mistake, mistakes_of
from scheduler.config.models.file import FileKeys
from scheduler.config.models.policies import PolicyKeys
from scheduler.config.shapes import follows_from_indent, job_too_far_left, misshapen
from scheduler.config.values.references import Written
from scheduler.core.job import Notify, Policy

_MOST_KEYS = 100  # of a map, that are held against ours
_DECIDED_HERE = PolicyKeys.model_fields.keys() - {"ping", "notify"}
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
        return not self.cut or not any(path[:length] in self.cut for length in range(1, len(path) + 1))


def checked(document: Document) -> tuple[Draft, list[Finding]]:
    """The sound part of the document, and what is wrong with the rest."""
    data: Any = content(document.root)
    findings: list[Finding] = []
    cut: set[Path] = set()
    while True:
        try:
            return Draft(document, FileKeys.model_validate(data), frozenset(cut)), findings
        except ValidationError as error:
            every = error.errors(include_url=False, include_input=False)
            details = _first(document, every)
            findings += (found for detail in details for found in _findings(document, detail))
            ways = {_way(data, detail["loc"]) for detail in every}
            for way in ways:
                _remove(data, way)
            cut |= ways


def policy_of(draft: Draft, name: str) -> Policy:
    """The job's policies: its own, else those of `defaults`, else the built-in ones.

    Nobody is told of its runs yet: whom, `stated_ping` and `stated_notify` say.
    """
    stated: dict[str, Any] = {}
    for keys in (draft.keys.defaults, draft.keys.jobs[name]):
        stated |= {key: getattr(keys, key) for key in keys.model_fields_set & _DECIDED_HERE}
    return Policy(**stated)


def stated_ping(draft: Draft, name: str) -> Written | None:
    """The URL that is told of the job's runs, as written for the job, else in `defaults`."""
    job = draft.keys.jobs[name]
    return job.ping if "ping" in job.model_fields_set else draft.keys.defaults.ping


def stated_notify(draft: Draft, name: str) -> Notify | None:
    """Who is told of the job's runs: each moment as the job has it, else as in `defaults`; None for nobody."""
    stated: dict[str, Any] = {}
    for keys in (draft.keys.defaults.notify, draft.keys.jobs[name].notify):
        stated |= {key: getattr(keys, key) for key in keys.model_fields_set}
    return Notify(**stated) if stated else None


def _follows(document: Document, detail: ErrorDetails) -> bool:
    """Whether the mistake only follows from another: a key is missing as it was faulty, misspelt, merged, misplaced."""
    *holder, key = detail["loc"]
    if detail["type"] == "missing":
        place = tuple(map(str, holder))
        return key in document.keys(*place) or document.merged(*place) or key in slips(document, place)
    return follows_from_indent(document, detail["loc"])


def slips(document: Document, path: Path) -> set[str | None]:
    """What the misspelt keys of the map at `path` were probably meant to be."""
    return {meant_key(path, key) for key in document.keys(*map(str, path))[:_MOST_KEYS]}


def _findings(document: Document, detail: ErrorDetails) -> list[Finding]:
    path, kind = detail["loc"], detail["type"]
    if _follows(document, detail):
        return []
    if kind == "extra_forbidden":
        return [(path[:-1], job_too_far_left(document, path) or _unknown_key(document, path))]
    told = list(mistakes_of(detail.get("ctx", {}).get("error")))
    if path[-1:] == (_KEY,):
        return [(path[:-1], _of_key(mistake, str(path[-2]))) for mistake in told]
    return [(path, mistake) for mistake in told or [misshapen(document, path, kind)]]


def _of_key(mistake: Mistake, key: str) -> Mistake:
    got = f", got {shown_key(key)}" if mistake.got else ""
    return Mistake(f"{mistake.message}{got}", mistake.code, mistake.hint, on_key=True)


def _first(document: Document, details: list[ErrorDetails]) -> list[ErrorDetails]:
    """As many of the details as anyone will read, the first in the file's order."""
    if len(details) <= MOST_TOLD:
        return details
    return nsmallest(MOST_TOLD, details, key=lambda detail: document.offset(detail["loc"]))


def _unknown_key(document: Document, path: Path) -> Mistake:
    holder = document.get(*map(str, path[:-1]))
    return unknown_key(path[:-1], str(path[-1]), holder.entries if isinstance(holder, MapNode) else ())


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

"""One job before the rules: what is sound of it, and where its policies are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.config.checking import Draft, slips
from scheduler.config.document import Path
from scheduler.config.mistakes import Mistake, listing
from scheduler.config.models.file import JobKeys
from scheduler.core.job import Policy, Schedule

_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}


@dataclass(frozen=True)
class Case:
    """A job with its policies, those of `defaults` included, and its schedule if that is sound."""

    draft: Draft
    name: str
    job: JobKeys
    policy: Policy
    schedule: Schedule | None

    @property
    def path(self) -> Path:
        """The way to the job."""
        return ("jobs", self.name)

    def stated(self, key: str) -> Path | None:
        """Where this policy of the job is written; None for a built-in default."""
        if key in self.job.model_fields_set:
            return (*self.path, key)
        return ("defaults", key) if key in self.draft.keys.defaults.model_fields_set else None

    def intact(self, *keys: str) -> bool:
        """Whether none of these policies was found faulty."""
        return all(self.draft.intact("jobs", self.name, key) and self.draft.intact("defaults", key) for key in keys)


def present(draft: Draft, path: Path, keys: Sequence[str]) -> list[str]:
    """Those of the keys that the file has in the map at this path, in its order."""
    return [key for key in draft.document.keys(*map(str, path)) if key in keys]


def meant_there(draft: Draft, path: Path, keys: Sequence[str]) -> bool:
    """Whether a mistake that was told has one of the keys in it: a slip, or a merge."""
    return draft.document.merged(*map(str, path)) or not slips(draft.document, path).isdisjoint(keys)


def too_many(draft: Draft, path: Path, found: Sequence[str], what: str, keep: Mistake) -> Mistake:
    """The refusal of several keys where one is to be; `keep` has the code and the way out."""
    *others, last = found
    lines = [f"{key} (line {draft.document.line(*map(str, path), key)})" for key in others]
    message = f"{_NUMBERS[len(found)]} {what}, {listing([*lines, last], 'and')}"
    return Mistake(message, keep.code, keep.hint, key=last)

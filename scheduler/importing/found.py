"""What an import finds: each entry of another scheduler as a job of ours, or the reason why there is none.

Every origin ends in this shape, and the writer starts from it, so neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.core.errors import LeasebeatError, Problem

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
Keys = Mapping[str, Plain]


class CannotImport(LeasebeatError):
    """The origin could not be asked at all; `hint` is the way out."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(f"{message}\n  {hint}" if hint else message)


class NoCounterpart(Exception):
    """An entry, or a part of one, that a job table cannot say; the text is the reason."""


@dataclass(frozen=True, slots=True)
class ImportedJob:
    """One entry as a job.

    `entry` is its name where it comes from, `name` the wished name of the job: not yet valid, nor the only one of its
    kind. `source` are lines that show it as it was, `differs` what is no longer as it was; both become comments.
    """

    entry: str
    name: str
    keys: Keys
    source: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One entry without a counterpart, and why; with its place where it is the author's mistake."""

    entry: str
    reason: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """All of an import: its origin, the keys beside the jobs, the jobs; remarks and differences are about all jobs."""

    origin: str
    table: Keys
    jobs: tuple[ImportedJob, ...]
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many entries the origin has."""
        return len(self.jobs) + len(self.left_out)


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a text, each on one line."""
    return tuple(" ".join(part.split()) for part in text.strip().split("\n\n"))


def one_line(text: str, longest: int = 200) -> str:
    """A foreign text fit for a comment or a message: one line, not too long, without power over a terminal."""
    text = text[: longest + 1]
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _escaped(letter: str) -> str:
    return " " if letter in "\t\n" else letter.encode("unicode_escape").decode("ascii")

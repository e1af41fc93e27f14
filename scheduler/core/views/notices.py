"""The words of a notification: a template, which is JSON in whose texts the fields of a final line are filled in.

`{job}` stands for the field of that name, `{{` and `}}` for braces. There is nothing else to it: no attribute, index,
format or expression, so a template can show what a notification is about and nothing besides. What is filled in is
text inside a JSON string, whatever characters it has, and cannot become anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NAMED = ("json", "slack")  # templates that need not be written down

PLACEHOLDERS = (
    *("text", "job", "run", "outcome", "reason", "error", "took", "late"),
    *("timestamp", "level", "event", "replica", "tick", "to", "ticks", "attempt", "cause", "term"),
    *("late_ms", "took_ms", "previous", "hint", "recorded", "repeated"),
)
"""What may be filled in: the fields of the final lines, `took` and `late` as people read them, and in `text` all of it
as a sentence."""

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Slip:
    """A placeholder that does not exist, `name`, or a brace that belongs to none, where that is empty.

    `path` leads to the text, by keys and indexes; `span` is where in it the slip is.
    """

    path: tuple[str | int, ...]
    span: tuple[int, int]
    name: str

    @property
    def message(self) -> str:
        """What is wrong."""
        return f"there is no placeholder {{{self.name}}}" if self.name else "a brace that belongs to no placeholder"


def slips(template: object) -> Iterator[Slip]:
    """Every mistake in the texts of a template, in their order. Keys of maps are taken as they are."""
    for path, text in _texts(template, ()):
        for found in _PIECE.finditer(text):
            name = found[1] if found[1] is not None else ""
            if found[0] not in ("{{", "}}") and name not in PLACEHOLDERS:
                yield Slip(path, found.span(), name)


def filled(template: object, facts: Mapping[str, str]) -> object:
    """The template with the facts in their places; one that there is no fact for becomes nothing."""
    match template:
        case str():
            return _PIECE.sub(lambda found: _put(found, facts), template)
        case list() | tuple():
            return [filled(item, facts) for item in template]
        case Mapping():
            return {key: filled(item, facts) for key, item in template.items()}
    return template


def _put(found: re.Match[str], facts: Mapping[str, str]) -> str:
    if found[1] is not None:
        return facts.get(found[1], "")
    return found[0][:1]


def _texts(template: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    match template:
        case str():
            yield path, template
        case list() | tuple():
            for index, item in enumerate(template):
                yield from _texts(item, (*path, index))
        case Mapping():
            for key, item in template.items():
                yield from _texts(item, (*path, str(key)))

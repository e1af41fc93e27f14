"""Letters that look like something else, or like nothing, and what a file has in it that was meant for another program.

Office programs, chats and web pages write blanks that are none, quotes that are none, and letters that cannot be seen;
templates leave placeholders behind. All of them are right in a text for people and wrong in a schedule.
"""

from __future__ import annotations

import re

from scheduler.config.mistakes import Mistake

# Blanks of other widths, no-break spaces, zero-width letters, marks of direction, and the byte order mark.
ODD_SPACE = re.compile("[\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u206f\u3000\ufeff]+")
PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>|\{\{.*")
UNFILLED = "a template's placeholder was left unfilled"
RENDER = "render the file before it is read"
_CURLY = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b"


def refuse_odd_letters(value: object) -> None:
    """Raise a `Mistake` if a value with a meaning of its own, such as a duration, has letters that only look right."""
    if not isinstance(value, str) or value.isascii():
        return
    if odd := ODD_SPACE.search(value):
        message = f"{as_code_points(odd[0])} cannot be seen and does not belong here"
        raise Mistake(message, "odd-letter", "remove it, or write a plain space", span=odd.span())
    if value[0] in _CURLY:
        plain = value.strip(_CURLY)
        raise Mistake(f"{value[0]} is no quote to YAML", "odd-letter", f'write "{plain}"')


def as_code_points(letters: str) -> str:
    """Letters that cannot be shown, by their numbers, the first of a row: `U+200B`."""
    return f"U+{ord(letters[0]):04X}"

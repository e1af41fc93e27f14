"""What is wrong with a value, said without knowing where it stands in the file.

A `Mistake` is raised by whoever judges a value; it knows what was expected and the way out. Whoever walks the file
knows the place, and how the value was written, and makes a `Problem` of both (`document.py`). It is a ValueError, so
that pydantic carries it to its error list as it is. A value of several parts may have several: `Mistakes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, TypeVar

Got = Literal["content", "written"]
Part = TypeVar("Part")
Read = TypeVar("Read")

MOST_TOLD = 1000  # mistakes of one kind; whoever has more mends the first ones first
SHORTEST_MEANT = 3  # letters; shorter words are like too many others
LONGEST_SHOWN = 60  # characters of a foreign value in a message; more hides the sentence around it


@dataclass(eq=False)
class Mistake(ValueError):
    """One mistake: the sentence, its stable code and a hint at the fix, in which `{got}` stands for the value.

    `got` adds the offending value to the sentence: its `content`, or as it stands in the file, `written`, quotes and
    all. Underlined is the value; or, by `span`, only these characters of its content; or, by `on_key`, its own key, for
    what is missing below it; or, by `key`, this key of the map that the value is; or, by `item`, this item of the list
    that it is. `plain_hint` goes before the hint if
    the value has no quotes. `within` leads from the judged value to the part of it that is wrong.
    """

    message: str
    code: str
    hint: str | None = None
    got: Got | None = None
    span: tuple[int, int] | None = None
    on_key: bool = False
    key: str | None = None
    item: int | None = None
    plain_hint: str = ""
    within: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return self.message

    def below(self, step: str | int) -> Mistake:
        """The same mistake, seen from a value in which the judged one stands under `step`."""
        return replace(self, within=(step, *self.within))


class Mistakes(ValueError):
    """All that is wrong with the parts of one value, one mistake at least."""

    def __init__(self, several: Iterable[Mistake]) -> None:
        super().__init__()
        self.several = tuple(several)[:MOST_TOLD]


def refuse_if_any(wrong: Iterable[Mistake]) -> None:
    """Raise `Mistakes` if there are any."""
    if (told := Mistakes(wrong)).several:
        raise told


def each_read(parts: Iterable[tuple[str | int, Part]], read: Callable[[Part], Read]) -> list[Read]:
    """What `read` makes of each part of a value; raises `Mistakes`, each with the step that leads to its part."""
    made: list[Read] = []
    wrong: list[Mistake] = []
    for step, part in parts:
        try:
            made.append(read(part))
        except (Mistake, Mistakes) as refused:
            wrong += (mistake.below(step) for mistake in mistakes_of(refused))
    refuse_if_any(wrong)
    return made


def mistakes_of(refused: object) -> Iterator[Mistake]:
    """The mistakes that an exception tells of; none if it is no such one."""
    if isinstance(refused, Mistake):
        yield refused
    elif isinstance(refused, Mistakes):
        yield from refused.several


def expected(what: str, code: str, hint: str | None = None, got: Got = "content") -> Mistake:
    """Make the most frequent mistake: `expected what, got the value`."""
    return Mistake(f"expected {what}", code, hint, got)


def printable(text: str, longest: int = LONGEST_SHOWN) -> str:
    """A foreign text, fit for a message: one line, short, and without power over a terminal."""
    text = text[: longest + 1]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None; case and the two kinds of dash do not count."""
    if len(word) < SHORTEST_MEANT:
        return None
    return _nearest(word.casefold().replace("-", "_")[:LONGEST_SHOWN], tuple(known))


@lru_cache(maxsize=4096)  # a slip is often made again, once a job
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    folded = {name.casefold().replace("-", "_"): name for name in known}
    close = get_close_matches(word, folded, n=1)
    return folded[close[0]] if close else None


def listing(words: Iterable[str], last: str = "or") -> str:
    """Words as a sentence has them: `a, b or c`."""
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end

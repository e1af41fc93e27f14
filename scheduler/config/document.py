"""config.yaml as a tree of nodes that know where they stand, and the way from a mistake to its place in the file.

Nodes keep offsets into the text; lines and columns are worked out only for what is reported. Scalars are judged as
written: a plain one is a number, a truth value or null only if JSON would read it so, and text otherwise. YAML 1.1,
which reads `1:30` as 90, `010` as 8 and `yes` as true, has no say.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from scheduler.config.mistakes import Mistake, printable
from scheduler.config.text.passwords import covered
from scheduler.core.errors import Problem

Path = tuple[str | int, ...]  # the keys and list positions that lead to a node

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value: `text` is its content, `value` what it stands for; `plain` is one without quotes, `|` and `>`."""

    start: int
    end: int
    text: str
    value: str | int | float | bool | None
    plain: bool


@dataclass(slots=True, eq=False)
class ListNode:
    """A sequence of nodes."""

    start: int
    end: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class MapNode:
    """Keys, in the file's order, and their nodes; `merged` says that a merge key, reported, meant to add some."""

    start: int
    end: int
    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    merged: bool = False


@dataclass(slots=True, eq=False)
class Refused:
    """Something that the reader reported already, such as an alias; nothing more is said about it."""

    start: int
    end: int


Node = Scalar | ListNode | MapNode | Refused


def content(node: Node) -> object:
    """What the node stands for, in Python's own types; a `Refused` node stands for itself."""
    match node:
        case Scalar():
            return node.value
        case ListNode():
            return [content(item) for item in node.items]
        case MapNode():
            return {key: content(value) for key, (_, value) in node.entries.items()}
        case Refused():
            return node


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Every scalar at or below the node, keys left out, with the way to it."""
    match node:
        case Scalar():
            yield path, node
        case ListNode():
            for position, item in enumerate(node.items):
                yield from scalars(item, (*path, position))
        case MapNode():
            for key, (_, value) in node.entries.items():
                yield from scalars(value, (*path, key))


@dataclass(frozen=True)
class Source:
    """The file's text and name, and which line an offset lies in."""

    file: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    @cached_property
    def _lines(self) -> list[str]:
        return _LINE_BREAK.split(self.text)

    def line_of(self, offset: int) -> int:
        """The line, counted from 1, that the offset lies in."""
        return bisect_right(self._starts, offset)

    def line(self, number: int) -> tuple[int, str]:
        """Where the line of this number, counted from 1, begins, and its text."""
        return self._starts[number - 1], self._lines[number - 1]

    def problem(self, path: str, mistake: Mistake, start: int, end: int) -> Problem:
        """The mistake at this stretch of text, of which only the first line is underlined, one column at least."""
        line = self.line_of(start)
        shown = self._lines[line - 1]
        column = min(start - self._starts[line - 1], len(shown)) + 1
        beyond = max(column + 1, min(column + end - start, len(shown.rstrip()) + 1))
        return Problem(
            file=self.file,
            line=line,
            column=column,
            path=path,
            message=covered(mistake.message),
            code=mistake.code,
            hint=mistake.hint and covered(mistake.hint),
            source=covered(shown),
            span=(column, beyond),
        )


@dataclass(frozen=True)
class Document:
    """The tree of one file, `root`, with what the reader found wrong in it."""

    source: Source
    root: MapNode
    problems: list[Problem]

    def find(self, path: Path) -> tuple[Path, Scalar | None, Node]:
        """The deepest node on the path, its key, and the way to it.

        Steps into a short form are passed over: `python: jobs.mail:send` has no node for `call`.
        """
        way: list[str | int] = []
        key: Scalar | None = None
        node: Node = self.root
        for step in path:
            if isinstance(node, MapNode) and step in node.entries:
                key, node = node.entries[str(step)]
                way.append(step)
            elif isinstance(node, ListNode) and isinstance(step, int):
                key, node = None, node.items[step]
                way.append(step)
            elif isinstance(node, MapNode):
                break
        return tuple(way), key, node

    def get(self, *path: str) -> Node | None:
        """The node at exactly this path, None where the file has none."""
        way, _, node = self.find(path)
        return node if way == path else None

    def offset(self, path: Path) -> int:
        """Where in the text the deepest node on the path has its key, or begins."""
        _, key, node = self.find(path)
        return (key or node).start

    def keys(self, *path: str) -> Sequence[str]:
        """The keys that the map at this path has, in the file's order; none if there is no map."""
        node = self.get(*path)
        return tuple(node.entries) if isinstance(node, MapNode) else ()

    def merged(self, *path: str) -> bool:
        """Whether the map at this path was to have more keys, by a merge key that was reported."""
        node = self.get(*path)
        return isinstance(node, MapNode) and node.merged

    def line(self, *path: str) -> int:
        """The line of the key that ends this path."""
        return self.source.line_of(self.offset(path))

    def problem(self, path: Path, mistake: Mistake) -> Problem | None:
        """The mistake with its place; None if the reader already said that this node is unusable."""
        way, key, node = self.find((*path, *mistake.within))
        if mistake.item is not None and isinstance(node, ListNode):
            key, node = None, node.items[mistake.item]
        if isinstance(node, Refused):
            return None
        said = Mistake(_sentence(mistake, node), mistake.code, _hint(mistake, node))
        if mistake.key is not None and isinstance(node, MapNode):
            key, _ = node.entries[mistake.key]
        if key is not None and (mistake.on_key or mistake.key is not None or node.start == node.end):
            start, end = key.start, key.end
        else:
            start, end = self._stretch(node, mistake.span)
        return self.source.problem(path_text(way), said, start, end)

    def _stretch(self, node: Node, span: tuple[int, int] | None) -> tuple[int, int]:
        text = self.source.text
        match node:
            case Scalar():
                return self._part(node, span) if span else (node.start, node.end)
            case ListNode() if text[node.start] != "[":
                return node.start, node.start + 1
            case MapNode() if text[node.start] != "{" and node.entries:
                first, _ = next(iter(node.entries.values()))
                return first.start, first.end
        return node.start, node.end

    def _part(self, node: Scalar, span: tuple[int, int]) -> tuple[int, int]:
        """The span of the content, where the file has it letter by letter; else all of the scalar."""
        quote = 0 if node.plain else 1
        if self.source.text[node.start + quote : node.end - quote] != node.text:
            return node.start, node.end
        return node.start + quote + span[0], node.start + quote + span[1]


def path_text(path: Path) -> str:
    """A path as messages write it: `jobs.backup.python.args[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else "." + shown_key(step)
    return text.removeprefix(".")


def shown_key(key: str) -> str:
    """A key as messages write it; one without letters as its quotes."""
    return printable(key) or '""'


def _sentence(mistake: Mistake, node: Node) -> str:
    return f"{mistake.message}, got {_got(mistake, node)}" if mistake.got else mistake.message


def _got(mistake: Mistake, node: Node) -> str:
    match node:
        case Scalar(plain=True, text=""):
            return "nothing"
        case Scalar(plain=False, text=text) if mistake.got == "written" or not text:
            return f'"{printable(text)}"'
        case Scalar(text=text):
            return printable(text)
        case ListNode():
            return "a list"
    return "a map"


def _hint(mistake: Mistake, node: Node) -> str | None:
    if mistake.hint is None or not isinstance(node, Scalar):
        return mistake.hint
    hint = mistake.plain_hint + mistake.hint if node.plain else mistake.hint
    return hint.replace("{got}", printable(node.text))

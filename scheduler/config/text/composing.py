"""The tree of config.yaml, made from the events of YAML's parser.

libyaml's parser tells events, and the tree is made from them here, so that nothing is resolved, merged or nested
without bounds. What YAML can do and a job table must not (anchors, aliases, merge keys, tags, keys that are no text or
are written twice) is reported where it stands, and reading goes on: no replica may read two things out of one file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NoReturn

import yaml

from scheduler.config.document import Document, ListNode, MapNode, Node, Path, Refused, Scalar, Source, path_text
from scheduler.config.mistakes import MOST_TOLD, Mistake, printable
from scheduler.config.text.letters import PLACEHOLDER, RENDER, UNFILLED
from scheduler.config.text.strangers import stranger_by_text
from scheduler.core.errors import ConfigError, Problem

DEEPEST = 50  # nested maps and lists; a job table needs six
_MOST_DIGITS = 400  # a number that fits is exact; Python itself gives up at 4,300 digits

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, slower, where libyaml is missing
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_JSON_WORDS = {"true": True, "false": False, "null": None, "": None}
_UNUSABLE = re.compile("[\0\ud800-\udfff]")  # escapes can spell them; no process takes them as an argument
_TAG = re.compile(r"(?:&\S+\s+)?(!\S*)")
_LEADING = {
    "*": "YAML reads a leading * as an alias",
    "@": "YAML reserves a leading @",
    "?": "YAML reads a leading ? as a key",
}
_SHARE = "what jobs share goes under defaults"


@dataclass(slots=True)
class _Open:
    """A map or list whose end was not read yet.

    `key` is the key whose value comes next; `lost` says that this value has no place in the tree (a second use of a
    key, a merge), and `muted` that nothing is said about what is in here, because all of it is lost.
    """

    node: MapNode | ListNode
    path: Path
    muted: bool
    key: Scalar | None = None
    lost: bool = False


class Composer:
    """Makes the tree of one file. `text` is the source's own, or a mended copy in which `letters` are stand-ins."""

    def __init__(self, source: Source, text: str | None = None, letters: dict[str, str] | None = None) -> None:
        self.source, self.text = source, source.text if text is None else text
        self.letters = letters or {}
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._root: Node | None = None

    def document(self) -> Document:
        """Read it all; raises yaml's own errors, and `ConfigError` where there is no map at the top."""
        self._read()
        if not isinstance(self._root, MapNode):
            raise ConfigError(self.problems or [self._no_map()])
        return Document(self.source, self._root, self.problems)

    def _read(self) -> None:
        documents = 0
        for event in yaml.parse(self.text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "expected one document, a second starts here", "remove the ---")
            elif isinstance(event, yaml.CollectionEndEvent):
                closed = self._open.pop().node
                closed.end = max(closed.end, offsets(event)[1])
            elif isinstance(event, yaml.NodeEvent):
                self._take(event)

    def _take(self, event: yaml.NodeEvent) -> None:
        node = self._node(event)
        path, muted = self._place(node)
        if not muted:
            self._refuse_extras(event, node, path)
        if isinstance(event, yaml.CollectionStartEvent):
            inside = node if isinstance(node, MapNode | ListNode) else MapNode(node.start, node.end)
            self._open.append(_Open(inside, path, muted or inside is not node))
            if len(self._open) > DEEPEST:
                self._stop(event, f"maps and lists are nested more than {DEEPEST} deep", None)

    def _node(self, event: yaml.NodeEvent) -> Node:
        start, end = offsets(event)
        if isinstance(event, yaml.ScalarEvent):
            text, plain = str(event.value), not event.style
            for stand_in, letter in self.letters.items():
                text = text.replace(stand_in, letter)
            value = json_value(text) if plain else text
            return Refused(start, end) if value == math.inf else Scalar(start, end, text, value, plain)
        if isinstance(event, yaml.MappingStartEvent):
            placeholder = PLACEHOLDER.match(self.text, start)
            return Refused(*placeholder.span()) if placeholder else MapNode(start, end)
        if isinstance(event, yaml.SequenceStartEvent):
            return ListNode(start, end)
        return Refused(start, end)

    def _place(self, node: Node) -> tuple[Path, bool]:
        """Put the node where it belongs; the way to it, and whether nothing is to be said about it."""
        if not self._open:
            self._root = node
            return (), False
        top = self._open[-1]
        if isinstance(top.node, ListNode):
            top.node.items.append(node)
            return (*top.path, len(top.node.items) - 1), top.muted
        if top.key is None:
            top.key, top.lost = self._key(top, node)
            return top.path, top.muted or top.lost
        key, lost, top.key = top.key, top.lost, None
        if not lost:
            top.node.entries[key.text] = (key, node)
        return (*top.path, key.text), top.muted or lost

    def _key(self, top: _Open, node: Node) -> tuple[Scalar, bool]:
        """The node as a key of the map `top`, and whether its value is lost."""
        key = node if isinstance(node, Scalar) else Scalar(node.start, node.end, "", "", plain=True)
        mistake = self._wrong_key(top, node)
        if mistake and not top.muted:
            names_job = mistake.code == "duplicate-job"
            self._tell((*top.path, key.text) if names_job else top.path, mistake, node)
        return key, mistake is not None

    def _wrong_key(self, top: _Open, node: Node) -> Mistake | None:
        assert isinstance(top.node, MapNode)
        if not isinstance(node, Scalar):
            return Mistake("expected text as a key", "key")
        if node.plain and node.text == "<<":
            top.node.merged = True
            return Mistake("merge keys are not read here", "yaml-merge", _SHARE)
        if node.text not in top.node.entries:
            return None
        first = self.source.line_of(top.node.entries[node.text][0].start)
        only_last = "YAML would keep only the last"
        if top.path == ("jobs",):
            return Mistake(f"name used twice, first on line {first}", "duplicate-job", f"{only_last}; rename one")
        message = f'key "{printable(node.text)}" used twice, first on line {first}'
        return Mistake(message, "duplicate-key", f"{only_last}; remove one")

    def _refuse_extras(self, event: yaml.NodeEvent, node: Node, path: Path) -> None:
        """Report what YAML adds to a node and a job table must not have, and values that no program can use."""
        start = node.start
        if isinstance(event, yaml.AliasEvent):
            hint = f'{_SHARE}, text into quotes: "*{printable(event.anchor or "")}"'
            self._tell(path, Mistake("aliases are not read here", "yaml-alias", hint), node)
        elif isinstance(event, yaml.MappingStartEvent) and isinstance(node, Refused):
            self._tell(path, Mistake(UNFILLED, "template", RENDER), node)
        elif isinstance(node, Refused):
            self._tell(path, Mistake("expected a number of fewer digits", "type", "quote it if it is text"), node)
        elif event.anchor:
            end = start + 1 + len(event.anchor)
            self._tell(path, Mistake("anchors are not read here", "yaml-anchor", _SHARE), Refused(start, end))
        if getattr(event, "tag", None) and (tag := _TAG.match(self.text, start)):
            mistake = Mistake("tags are not read here", "yaml-tag", "text is quoted, numbers are plain")
            self._tell(path, mistake, Refused(*tag.span(1)))
        if isinstance(node, Scalar):
            self._refuse_value(node, path)

    def _refuse_value(self, node: Scalar, path: Path) -> None:
        letter = self.letters.get(self.text[node.start : node.start + 1])
        if node.plain and letter:
            mistake = Mistake(
                f"must be quoted, {_LEADING[letter]}", "cron-unquoted", f'write: cron: "{printable(node.text)}"'
            )
            self._tell(path, mistake, node)
        elif _UNUSABLE.search(node.text):
            self._tell(path, Mistake("expected text without NUL and half characters", "binary"), node)

    def _tell(self, path: Path, mistake: Mistake, node: Node) -> None:
        self.problems.append(self.source.problem(path_text(path), mistake, node.start, node.end))
        if len(self.problems) >= MOST_TOLD:
            raise ConfigError(self.problems)

    def _stop(self, event: yaml.Event, message: str, hint: str | None) -> NoReturn:
        """Read no further: what comes cannot be told from what was meant."""
        start, _ = offsets(event)
        problem = self.source.problem("", Mistake(message, "yaml", hint), start, start + 1)
        raise ConfigError([*self.problems, problem])

    def _no_map(self) -> Problem:
        root = self._root
        if root is None or (isinstance(root, Scalar) and root.plain and not root.text):
            hint = "the smallest one: jobs: {hello: {every: 1m, shell: date}}"
            return Problem(self.source.file, 0, 0, "", "the file is empty", "empty", hint)
        if stranger := stranger_by_text(self.source):
            return stranger
        got = printable(root.text) if isinstance(root, Scalar) else "a list"
        mistake = Mistake(f"expected a map of settings and jobs, got {got}", "type", "start with jobs:")
        end = root.start + 1 if isinstance(root, ListNode) else root.end
        return self.source.problem("", mistake, root.start, end)


def json_value(text: str) -> str | int | float | bool | None:
    """What a plain scalar stands for: a number, truth value or null as JSON would read it, else the text itself.

    A number that is too great for Python comes out as positive infinity.
    """
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    number = _JSON_NUMBER.fullmatch(text)
    if not number:
        return text
    if number[1] or number[2]:
        return abs(float(text)) if math.isinf(float(text)) else float(text)
    return int(text) if len(text) <= _MOST_DIGITS else math.inf


def offsets(event: yaml.Event) -> tuple[int, int]:
    """Where an event begins and ends in the text; the parser gives every event its marks."""
    assert event.start_mark is not None
    assert event.end_mark is not None
    return event.start_mark.index, event.end_mark.index

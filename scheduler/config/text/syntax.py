"""What YAML's parser says about broken syntax, as a sentence that names the mistake and not the parser's state.

A parser reports where it noticed, in words about tokens. The usual slips are recognised by the lines around that place
and by those words, libyaml's and the pure Python parser's; what is not recognised is told as the parser put it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from scheduler.config.document import Source
from scheduler.config.mistakes import Mistake, printable
from scheduler.config.text.letters import ODD_SPACE, PLACEHOLDER, RENDER, UNFILLED, as_code_points
from scheduler.core.errors import Problem

_LONGEST_REWRITTEN = 100  # characters of a value that a hint writes anew

_INDENT = re.compile(r"[ \t]*")
_CONFLICT = re.compile(r"^(?:<<<<<<<|=======|>>>>>>>)(?: .*)?$", re.MULTILINE)
_KEYED = re.compile(r"\s*(?:- )?([A-Za-z_][\w.-]*):[ \t]+(\S.*?)\s*$")  # a key and its value in one line
_TIGHT = re.compile(r"\s*(?:- )?([A-Za-z_][\w.-]*):(?![ /:])(\S+)\s*$")  # a key and its value without the blank
_LOOSE = re.compile(r"\s*([A-Za-z_][\w.-]*)(?:[ \t]+(\S.*?))?\s*$")  # words that may want a colon behind the first
_REFERENCE = re.compile(r"(?<![\"'\w])\$\{[^}\s]*\}")
_ODD_BLANK = re.compile(rf"(?:^[ \t]*|:[ \t]*)({ODD_SPACE.pattern})")  # where only a plain one would do
_COMMANDS = ("shell", "run")

# A word of the parser's sentence -> ours. Two sentences of the parser can match; the first row does.
_SLIPS = {
    "sequence entries are not allowed": ("a list cannot start here", "each - needs its own line"),
    "alphabetic or numeric": ("text that starts with * or & is quoted", None),
    "cannot start any token": ("text that starts with this character is quoted", None),
    "unknown escape": ("unknown escape", r"a backslash in double quotes is \\; in single quotes it is plain"),
    "Unicode character escape": ("no such character", None),
    "',' or '}'": ("this { is never closed", None),
    "',' or ']'": ("this [ is never closed", None),
    "node content": ("a value is missing before this", None),
    "expected key": ("the indentation fits no line above", "keys of one map start in one column"),
    "<block end>": ("the indentation fits no line above", "keys of one map start in one column"),
    "'-' indicator": ("the indentation fits no line above", "items of one list start in one column"),
    "':'": ("a key without a colon", "write key: value"),
}
_FROM_CONTEXT = ("this { is", "this [ is", "text that starts with * or &")
_WANTS_QUOTES = ("text that starts with",)

_Said = tuple[str, str | None, int, int]  # message, hint, and the stretch of text that is underlined


def explain(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    """The syntax error as a problem; code `yaml`, which says that the rest of the file was not read."""
    mark = error.problem_mark or error.context_mark
    noticed = min(mark.index, len(source.text)) if mark else 0
    began = error.context_mark.index if error.context_mark else noticed
    stumble = _Stumble(source, noticed, began, error.problem or "not YAML", error.context or "")
    for recognise in _RECOGNISED:
        if said := recognise(stumble):
            break
    else:
        said = _by_words(stumble)
    message, hint, start, end = said
    return source.problem("", Mistake(message, "yaml", hint), start, end)


@dataclass(frozen=True)
class _Stumble:
    """Where the parser gave up, in what text, and in which words; `began` is where what it was reading begins."""

    source: Source
    noticed: int
    began: int
    problem: str
    context: str

    @property
    def text(self) -> str:
        """All of the file."""
        return self.source.text

    @property
    def number(self) -> int:
        """The number of the line where it noticed."""
        return self.source.line_of(self.noticed)

    @property
    def line(self) -> tuple[int, str]:
        """The line where it noticed: its offset and its text."""
        return self.source.line(self.number)

    @property
    def before(self) -> tuple[int, str]:
        """The line before that has more than blanks and comments; an empty one where there is none."""
        for start, line in self._upwards():
            if line.strip() and not line.lstrip().startswith("#"):
                return start, line
        return 0, ""

    def above(self, indent: int) -> str:
        """The nearest line before that is indented less than `indent`."""
        lines = (line for _, line in self._upwards() if line.strip() and _width_of_indent(line) < indent)
        return next(lines, "")

    def _upwards(self) -> Iterator[tuple[int, str]]:
        return (self.source.line(number) for number in range(self.number - 1, 0, -1))


def _conflict(stumble: _Stumble) -> _Said | None:
    found = _CONFLICT.search(stumble.text)
    if not found or "<<<<<<<" not in stumble.text:
        return None
    return "a merge conflict was left in the file", "keep one side, and remove the marks", *found.span()


def _tab(stumble: _Stumble) -> _Said | None:
    """The first tab of the indentation of the line where the parser noticed."""
    start, line = stumble.line
    indent = _INDENT.match(line)
    tab = indent[0].find("\t") if indent else -1
    return ("tab used for indentation", "use spaces", start + tab, start + tab + 1) if tab >= 0 else None


def _odd_letter(stumble: _Stumble) -> _Said | None:
    """What looks like a blank or a colon and is none, as office programs and chats write them."""
    for start, line in (stumble.before, stumble.line):
        if odd := _ODD_BLANK.search(line):
            message = f"{as_code_points(odd[1])} looks like a space and is none"
            return message, "write plain spaces", start + odd.start(1), start + odd.end(1)
        if (colon := line.find("\uff1a")) >= 0:
            return "U+FF1A looks like a colon and is none", "write a plain :", start + colon, start + colon + 1
    return None


def _placeholder(stumble: _Stumble) -> _Said | None:
    for start, line in (stumble.line, stumble.before):
        if found := PLACEHOLDER.search(line):
            return UNFILLED, RENDER, start + found.start(), start + found.end()
    return None


def _open_quote(stumble: _Stumble) -> _Said | None:
    if "quoted scalar" in stumble.context and "end of" in stumble.problem:
        return "this quote is never closed", None, stumble.began, stumble.began + 1
    return None


def _early_quote(stumble: _Stumble) -> _Said | None:
    """A value in quotes with more text behind the second one: a quote inside it, or one missing lines before."""
    start, line = stumble.line
    keyed = _KEYED.match(line)
    if not keyed or keyed[2][0] not in "\"'" or not any(word in stumble.problem for word in ("expected key", "<block")):
        return None
    at = stumble.noticed - start
    if at <= keyed.start(2):
        return None
    for begin, text in _lines_before(stumble.text, start):
        if text.count(keyed[2][0]) % 2 and (quoted := _KEYED.match(text)) and quoted[2][0] == keyed[2][0]:
            return "this quote is never closed", None, begin + quoted.start(2), begin + quoted.start(2) + 1
    hint = "inside single quotes write '' for one" if keyed[2][0] == "'" else 'inside double quotes write \\" for one'
    return "text behind the closing quote", hint, stumble.noticed, start + len(line)


def _colon(stumble: _Stumble) -> _Said | None:
    """One colon too many in a line, or none in the line before."""
    if "mapping values are not allowed" not in stumble.problem:
        return None
    start, line = stumble.line
    keyed, hint = _KEYED.match(line), None
    if keyed and start + keyed.end(1) < stumble.noticed:
        hint = _rewritten(line) if keyed[1] in _COMMANDS else None
    elif missing := _no_colon(stumble):
        return missing
    hint = hint or 'text with ": " in it is quoted; each key has its line'
    return 'a ":" too many on this line', hint, stumble.noticed, stumble.noticed + 1


def _no_colon(stumble: _Stumble) -> _Said | None:
    start, line = stumble.before
    if tight := _TIGHT.match(line):
        return (
            "no space behind the colon",
            f"write {tight[1]}: {printable(tight[2])}",
            start + tight.start(1),
            start + tight.end(1) + 1,
        )
    loose = _LOOSE.match(line)
    if not loose:
        return None
    above = stumble.above(_width_of_indent(line)).strip()
    if above.removesuffix(":") in _COMMANDS:
        hint = f"commands of several lines: {above} |"
        return "a command of several lines without its |", hint, start + loose.start(1), start + len(line.rstrip())
    value = f" {loose[2]}" if loose[2] else ""
    hint = f"write {printable(f'{loose[1]}:{value}')}"
    return "a key without a colon", hint, start + loose.start(1), start + loose.end(1)


def _flow(stumble: _Stumble) -> _Said | None:
    """Between braces or brackets: a reference without quotes, or a comma that is missing."""
    if not re.search("',' or '[]}]'", stumble.problem):
        return None
    start, line = stumble.line
    for found in _REFERENCE.finditer(line):
        place = start + found.start(), start + found.end()
        return "a reference between { and } is quoted", f'write "{found[0]}"', *place
    if stumble.began >= start and stumble.noticed < start + len(line.rstrip()):
        closing = "}" if "}" in stumble.problem else "]"
        return f"expected a comma or {closing} before this", None, stumble.noticed, stumble.noticed + 1
    return None


def _beyond(stumble: _Stumble) -> _Said | None:
    """The map or list at the top has ended, and the file goes on."""
    if "<document start>" not in stumble.problem:
        return None
    start, line = stumble.line
    if stumble.before[1].rstrip() == "...":
        return "expected one document, a second starts here", "remove the ...", stumble.noticed, stumble.noticed + 1
    hint = "the file is one map, with jobs: as one of its keys"
    return "expected the end of the file", hint, stumble.noticed, start + max(len(line), 1)


_RECOGNISED: tuple[Callable[[_Stumble], _Said | None], ...] = (
    *(_conflict, _tab, _odd_letter, _placeholder, _open_quote, _early_quote, _colon, _flow, _beyond),
)


def _by_words(stumble: _Stumble) -> _Said:
    for words, (message, hint) in _SLIPS.items():
        if words in stumble.problem:
            start = stumble.began if message.startswith(_FROM_CONTEXT) else stumble.noticed
            wants_quotes = message.startswith(_WANTS_QUOTES)
            return message, (_rewritten(stumble.line[1]) if wants_quotes else None) or hint, start, start + 1
    return stumble.problem, None, stumble.noticed, stumble.noticed + 1


def _rewritten(line: str) -> str | None:
    """The line with its value in quotes; None where that cannot be done at a glance."""
    keyed = _KEYED.match(line)
    if not keyed or len(keyed[2]) > _LONGEST_REWRITTEN or not keyed[2].isprintable() or keyed[2][0] in "\"'":
        return None
    if "'" not in keyed[2]:
        return f"write {keyed[1]}: '{keyed[2]}'"
    return None if '"' in keyed[2] or "\\" in keyed[2] else f'write {keyed[1]}: "{keyed[2]}"'


def _lines_before(text: str, end: int) -> Iterator[tuple[int, str]]:
    """The lines of the text before `end`, the first first."""
    start = 0
    for line in text[:end].splitlines(keepends=True):
        yield start, line
        start += len(line)


def _width_of_indent(line: str) -> int:
    return len(line) - len(line.lstrip())

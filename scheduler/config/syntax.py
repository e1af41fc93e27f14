"""What YAML's parser says about broken syntax, as a sentence that names the mistake and not the parser's state.

A parser reports where it noticed, in words about tokens. The usual slips are recognised by those words, libyaml's and
the pure Python parser's; what is not recognised is told as the parser put it.
"""

from __future__ import annotations

import re

import yaml

from scheduler.config.document import Source
from scheduler.config.mistakes import Mistake
from scheduler.core.errors import Problem

_INDENT = re.compile(r"[ \t]*")

# A word of the parser's sentence -> ours. Two sentences of the parser can match; the first row does.
_SLIPS = {
    "<document start>": ("expected one document, a second starts here", "remove the ..."),
    "mapping values are not allowed": (
        'a ":" too many on this line',
        'text with ": " in it is quoted; each key has its line',
    ),
    "sequence entries are not allowed": ("a list cannot start here", "each - needs its own line"),
    "alphabetic or numeric": ("text that starts with * or & is quoted", None),
    "cannot start any token": ("text that starts with this character is quoted", None),
    "unknown escape": ("unknown escape", r"a backslash in double quotes is \\; in single quotes it is plain"),
    "Unicode character escape": ("no such character", None),
    "',' or '}'": ("this { is never closed", None),
    "',' or ']'": ("this [ is never closed", None),
    "expected key": ("the indentation fits no line above", "keys of one map start in one column"),
    "<block end>": ("the indentation fits no line above", "keys of one map start in one column"),
    "'-' indicator": ("the indentation fits no line above", "items of one list start in one column"),
    "':'": ("a key without a colon", "write key: value"),
}
_FROM_CONTEXT = ("this { is", "this [ is", "text that starts with * or &")


def explain(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    """The syntax error as a problem; code `yaml`, which says that the rest of the file was not read."""
    mark = error.problem_mark or error.context_mark
    noticed = min(mark.index, len(source.text)) if mark else 0
    if tab := _tab_before(source.text, noticed):
        mistake = Mistake("tab used for indentation", "yaml", "use spaces")
        return source.problem("", mistake, *tab)
    began = error.context_mark.index if error.context_mark else noticed
    message, hint, start = _slip(error, noticed, began)
    return source.problem("", Mistake(message, "yaml", hint), start, start + 1)


def _slip(error: yaml.MarkedYAMLError, noticed: int, began: int) -> tuple[str, str | None, int]:
    said = error.problem or "not YAML"
    if "quoted scalar" in (error.context or "") and "end of" in said:
        return "this quote is never closed", None, began
    for words, (message, hint) in _SLIPS.items():
        if words in said:
            return message, hint, began if message.startswith(_FROM_CONTEXT) else noticed
    return said, None, noticed


def _tab_before(text: str, offset: int) -> tuple[int, int] | None:
    """The first tab of the indentation of the line that the offset lies in."""
    line = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    indent = _INDENT.match(text, line)
    tab = indent[0].find("\t") if indent else -1
    return (line + tab, line + tab + 1) if tab >= 0 else None

"""From the text of config.yaml to a `Document`, the most frequent slip mended on the way.

In `cron: */5 * * * *` YAML takes the asterisk for an alias, in `cron: ? 3 * * *` the question mark for a key, and in
`cron: @daily` it takes offence at the `@`. They are read as if they were in quotes, so that the rest of the file is
still checked. Any other syntax error ends the reading.
"""

from __future__ import annotations

import re

import yaml

from scheduler.config.document import Document, Source
from scheduler.config.text.composing import Composer
from scheduler.config.text.strangers import stranger_by_keys, stranger_by_text
from scheduler.config.text.syntax import explain
from scheduler.core.errors import ConfigError

_BARE_CRON = re.compile(r"(?<=\bcron:) +(?:[*@]|\?(?= ))")


def read_document(source: Source) -> Document:
    """The tree of the file and what the reader found wrong; raises `ConfigError` where there is no tree."""
    composer = Composer(source)
    try:
        return _ours(composer.document())
    except yaml.MarkedYAMLError as error:
        if not _at_bare_cron(source.text, error):
            raise _broken(composer, error) from None
    return _ours(_read_mended(source))


def _ours(document: Document) -> Document:
    """The document, unless it is another program's as a whole."""
    mistake = stranger_by_keys(document.root)
    problem = document.problem((), mistake) if mistake else None
    if problem:
        raise ConfigError([problem])
    return document


def _broken(composer: Composer, error: yaml.MarkedYAMLError) -> ConfigError:
    stranger = stranger_by_text(composer.source)
    return ConfigError([stranger] if stranger else [*composer.problems, explain(composer.source, error)])


def _at_bare_cron(text: str, error: yaml.MarkedYAMLError) -> bool:
    """Whether YAML stumbled over the unquoted first character of a cron expression."""
    marks = [mark.index for mark in (error.context_mark, error.problem_mark) if mark]
    return any(found.end() - 1 in marks for found in _BARE_CRON.finditer(text))


def _read_mended(source: Source) -> Document:
    """Read again with a stand-in, which YAML takes for an ordinary letter, in place of each such `*`, `@` and `?`.

    One letter for one letter: all offsets stay. What was no cron key at all, but a line of a shell script, gets its
    letter back and is not reported.
    """
    private = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in source.text)
    stand_ins = {letter: next(private) for letter in "*@?"}
    mended = _BARE_CRON.sub(lambda found: found[0][:-1] + stand_ins[found[0][-1]], source.text)
    composer = Composer(source, mended, {stand_in: letter for letter, stand_in in stand_ins.items()})
    try:
        return composer.document()
    except yaml.MarkedYAMLError as error:
        raise _broken(composer, error) from None

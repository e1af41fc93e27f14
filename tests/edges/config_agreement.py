"""What loading says of a config.yaml, and what its JSON Schema says: each case of the config tests is given to both.

Whatever loading accepts, the schema accepts. What loading refuses, the schema refuses too, unless every mistake in it
is of a kind that no schema can see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, ValidationError
from jsonschema.validators import extend

from scheduler.config.document import content
from scheduler.config.schema import schema
from scheduler.config.text.files import read_source
from scheduler.config.text.reading import read_document
from scheduler.core.errors import ConfigError, Problem


def _pattern(_validator: object, pattern: str, text: object, _schema: object) -> Iterator[ValidationError]:
    """As Helm and editors read it: `$` is the end of the text, where Python's may stand before a last line break."""
    if isinstance(text, str) and not re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), text):
        yield ValidationError(f"{text!r} does not match {pattern}")


_Reader: Any = extend(Draft7Validator, {"pattern": _pattern})
VALIDATOR = _Reader(schema())

# Codes of mistakes, and how those of them read that no schema can see; an empty text stands for all of them.
BEYOND = {
    # durations and numbers compared with others, in the job, in defaults or under lease
    "lease-timing": "",
    "catch-up-window": "",
    "claim-ahead": "",
    "jitter": "",
    "offset": "less than every",
    "range": "at most 3650d|0s to 5m",
    "too-many-jobs": "",
    # what an expression, a date or a name comes to
    "cron-never": "",
    "cron-range": "",
    "cron-syntax": "",
    "cron-zone": "",
    "cron-fields": "comma|got words",
    "odd-letter": "",
    "at": "day is out of range",
    "dst-gap": "",
    "fingerprint": "",
    "import": "",
    # a job and defaults together
    "at-most-once": "",
    "thread-replace": "expected process",
    # how a value is written, when it stands for the same
    "type": r"expected (true|false|null) or text",
    # what a URL, a header or a range of statuses comes to, and what is twice there but for capitals
    "url": "",
    "header": "used twice|one line",
    "status": "goes up",
    "placeholder": "",
    # times compared with others, and what refers to another part of the file
    "ttl": "",
    "target": "",
    "celery-replace": "the defaults say",
    "one-image": "ttl said twice",
    # what is outside the file, and what is deep in arguments
    "env": "",
    "env-file": "",
    "reference": r"(python|celery)\.(args|kwargs|options)|\.(body|template)",
    "template": r"python\.(args|kwargs)",
}


def disagreement(file: Path, problems: Sequence[Problem]) -> str:
    """What loading, which found these problems, and the schema see differently; empty if nothing."""
    try:
        document = read_document(read_source(file))
    except ConfigError:
        return ""
    if document.problems:
        return ""  # anchors, duplicate keys: the YAML is at fault, and a schema sees only what it stands for
    errors = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(content(document.root))]
    if errors and not problems:
        return f"accepted, but not by the schema: {errors[0]}"
    visible = [problem for problem in problems if not _beyond(problem)]
    return f"refused, but not by the schema: {visible[0]}" if visible and not errors else ""


def _beyond(problem: Problem) -> bool:
    said = f"{problem.path}: {problem.message} {problem.hint}"
    return problem.code in BEYOND and re.search(BEYOND[problem.code], said) is not None

"""A job table as text, made for people: comments stay beside what they are about.

Written by hand rather than by a YAML library, which has no place for comments. What is text is quoted unless it is
plainly nothing else, so no reader of YAML takes it for a number, a date or a truth value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import wrap

from scheduler.importing.found import Found, ImportedJob, Keys, Plain, one_line
from scheduler.importing.names import unique

_WIDTH = 116
_BARE = re.compile(r"[A-Za-z/][A-Za-z0-9_./+@%=-]*(?: [A-Za-z0-9_./+@%=-]+)*(?::[A-Za-z0-9_./]+)?")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}  # to this reader of YAML or to another
_SCHEMA = "# yaml-language-server: $schema=config.schema.json"


def config_text(found: Found, version: str) -> str:
    """config.yaml of what was found."""
    return "\n".join(_lines(found, version)) + "\n"


def job_names(found: Found) -> list[str]:
    """The names of the jobs as written, in order."""
    return unique(job.name for job in found.jobs)


def _lines(found: Found, version: str) -> Iterator[str]:
    yield _SCHEMA
    yield from _comment(f"Imported from {one_line(found.origin)} by leasebeat {version}.", "")
    for remark in (*found.remarks, *(f"differs: {difference}" for difference in found.differs)):
        yield "#"
        yield from _comment(remark, "")
    yield from ["#"] if found.left_out else []
    for entry in found.left_out:
        yield from _comment(one_line(f"left out: {entry.entry} ({entry.reason})", 500), "")
    yield ""
    yield from _entries(found.table, "")
    yield from ("", "jobs:")
    for number, (name, job) in enumerate(zip(job_names(found), found.jobs, strict=True)):
        yield from ([""] if number else [])
        yield from _job(name, job)


def _job(name: str, job: ImportedJob) -> Iterator[str]:
    yield f"  {scalar(name)}:"
    for line in job.source:
        yield f"    # {line}".rstrip()
    for difference in job.differs:
        yield from _comment(f"differs: {one_line(difference, 500)}", "    ")
    yield from _entries(job.keys, "    ")


def _comment(text: str, indent: str) -> Iterator[str]:
    first, rest = f"{indent}# ", f"{indent}#   " if text.startswith(("differs:", "left out:")) else f"{indent}# "
    yield from wrap(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _entries(keys: Keys, indent: str) -> Iterator[str]:
    for key, value in keys.items():
        start = f"{indent}{scalar(key)}:"
        if isinstance(value, dict) and value and not _fits(key, value, indent):
            yield start
            yield from _entries(value, indent + "  ")
        elif isinstance(value, list) and any(_is_long(part) for part in value):
            yield start
            for part in value:
                yield from _item(part, indent + "  ")
        else:
            yield from _text(start, value, indent + "  ")


def _is_long(part: Plain) -> bool:
    """Whether an item of a list has lines of its own: text of several lines, or a map of more than a few words."""
    if isinstance(part, dict):
        return bool(part) and len(_flow(part)) > _WIDTH // 2
    return isinstance(part, str) and _is_block(part)


def _item(part: Plain, indent: str) -> Iterator[str]:
    """An item of a list behind its dash, with the first key of a map on the dash's own line."""
    if not isinstance(part, dict) or not _is_long(part):
        yield from _text(f"{indent}-", part, indent + "  ")
        return
    first, *rest = _entries(part, indent + "  ")
    yield f"{indent}- {first.lstrip()}"
    yield from rest


def _text(start: str, value: Plain, indent: str) -> Iterator[str]:
    """A value behind its key or dash; text of several lines as a literal block."""
    if isinstance(value, str) and _is_block(value):
        yield f"{start} |-"
        yield from (f"{indent}{line}" if line else "" for line in value.split("\n"))
    else:
        yield f"{start} {_flow(value, top=True)}"


def _fits(key: str, value: Mapping[str, Plain], indent: str) -> bool:
    """Whether a map is short enough for one line; an action never is, so that its parts are easy to change."""
    plain = all(not isinstance(part, dict | list) and "\n" not in str(part) for part in value.values())
    if key in ("celery", "kubernetes_job"):
        return False
    return key == "defaults" or (plain and bool(indent) and len(_flow(dict(value), top=True)) + len(key) < _WIDTH // 2)


def _flow(value: Plain, *, top: bool = False) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{scalar(key)}: {_flow(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(_flow(part) for part in value) + "]"
        case str():
            return scalar(value, alone=top)
        case _:
            return json.dumps(value)


def scalar(text: str, *, alone: bool = False) -> str:
    """Text as YAML has it: bare if it cannot be anything else, in single quotes if that saves escapes, else in double.

    `alone` says that it stands on its line by itself, not within braces.
    """
    if _BARE.fullmatch(text) and text.lower() not in _WORDS and (alone or " " not in text):
        return text
    if text.isprintable() and ('"' in text or "\\" in text) and "'" not in text:
        return f"'{text}'"
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    named = {"\n": "\\n", "\t": "\\t"}.get(letter)
    size, kind = (2, "x") if ord(letter) < 1 << 8 else (4, "u") if ord(letter) < 1 << 16 else (8, "U")
    return named or f"\\{kind}{ord(letter):0{size}x}"


def _is_block(text: str) -> bool:
    """Whether it has several lines, and a literal block gives back exactly this text."""
    lines = text.split("\n")
    sound = bool(lines[0]) and lines[0][0] != " " and bool(lines[-1]) and bool(lines[-1].strip(" "))
    return len(lines) > 1 and sound and all(line.isprintable() for line in lines)

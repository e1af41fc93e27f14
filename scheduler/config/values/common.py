"""The kinds of value that config.yaml holds: how each is read, what is said about a wrong one, and its JSON Schema.

pydantic walks the structure; each leaf is read by one of these, so that a message is about the file's words and not
about Python's types. `Annotated[timedelta, duration()]` reads text and gives a timedelta.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from scheduler.config.mistakes import Mistake, each_read, expected, listing, meant, printable
from scheduler.config.text.letters import refuse_odd_letters
from scheduler.config.values.durations import PATTERN, WHOLE_PATTERN, read_duration
from scheduler.config.values.references import (
    refuse_reference,
    refuse_whole_reference,
)
from scheduler.config.values.schemas import (
    JsonSchema,
    command_shape,
    duration_shape,
    function_shape,
    instant_shape,
    or_word,
    task_shape,
    text_shape,
    time_zone_shape,
)
from scheduler.core.job import duration_text
from scheduler.core.timing.zones import UnknownZone, zone

Choice = str | StrEnum

_TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_ABBREVIATED = {
    **dict.fromkeys(("CEST", "MESZ", "MEZ"), "Europe/Berlin"),
    **dict.fromkeys(("BST", "IST"), "Europe/London or Asia/Kolkata"),
    **dict.fromkeys(("PST", "PDT", "PT"), "America/Los_Angeles"),
    **dict.fromkeys(("CST", "CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("EDT", "ET"), "America/New_York"),
    **dict.fromkeys(("EEST", "MSK"), "Europe/Kyiv or Europe/Moscow"),
    **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
    **dict.fromkeys(("JST",), "Asia/Tokyo"),
}
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?",
)


def _as_it_is(value: Any) -> object:
    return value


@dataclass(frozen=True)
class Leaf:
    """How one kind of value is read: `read` returns it or raises a `Mistake`; `schema` is its JSON Schema.

    `write` turns a value that was read back into what the file would say; `word` is what it says for None, where None
    is a value and not only a key that is not there. A reference is refused before `read` sees it, unless `own_dollars`
    says that the value may hold references, or is text in which a `$` means something to somebody else.
    """

    read: Callable[[object], object]
    schema: JsonSchema
    write: Callable[[Any], object] = _as_it_is
    word: str | None = None
    own_dollars: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: the whole validation is ours."""
        return core_schema.no_info_plain_validator_function(self.read if self.own_dollars else self._read_constant)

    def _read_constant(self, value: object) -> object:
        refuse_reference(value)
        refuse_odd_letters(value)
        return self.read(value)


@dataclass(frozen=True)
class ShortForm:
    """A map that may be written as one value: `python: jobs.mail:send` is `python: {call: jobs.mail:send}`.

    `what` names both forms, `key` is what a value of one of the `forms` stands for, and `leaf` how that is read.
    """

    what: str
    key: str
    forms: tuple[type, ...]
    leaf: Leaf

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: write the value out before the model looks at it."""
        return core_schema.no_info_before_validator_function(self._written_out, handler(source))

    def _written_out(self, value: object) -> object:
        if isinstance(value, dict):
            if value and self.key not in value and all(inner is None for inner in value.values()):
                raise Mistake(f"expected {self.what}", "type", "text that starts with { is quoted")
            return value
        if isinstance(value, self.forms):
            return {self.key: value}
        raise expected(self.what, "type")


def text(
    what: str = "text", pattern: str = "", hint: str | None = None, code: str = "type", longest: int | None = None
) -> Leaf:
    """Text of 1 to `longest` characters that matches `pattern` as a whole; `hint` says what such text looks like."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise _quote_it(what, value)
        if not value or (pattern and not re.fullmatch(pattern, value)) or (longest and len(value) > longest):
            raise expected(what, code, hint)
        return value

    return Leaf(read, text_shape(hint or what, pattern, longest))


def optional(leaf: Leaf) -> Leaf:
    """The same, or null."""

    def read(value: object) -> object:
        return None if value is None else leaf.read(value)

    choices = leaf.schema["anyOf"] if leaf.schema.keys() == {"anyOf"} else [leaf.schema]
    return Leaf(read, {"anyOf": [*choices, {"type": "null"}]}, own_dollars=leaf.own_dollars)


def flag() -> Leaf:
    """True or false, in JSON's spelling only."""

    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        truth = _truth(value) if isinstance(value, str) else None
        raise expected("true or false", "type", f"write {truth}" if truth else None, got="written")

    return Leaf(read, {"type": "boolean"})


def always_true(instead: str) -> Leaf:
    """A key that says true by being there; `instead` is how to say the opposite."""

    def read(value: object) -> bool:
        if value is True:
            return True
        truly = isinstance(value, str) and _truth(value) == "true"
        raise expected("true", "type", "write true" if truly else instead, got="written")

    return Leaf(read, {"const": True})


def whole(low: int, high: int) -> Leaf:
    """A whole number from `low` to `high`; `1.0` is one, to JSON Schema and to editors."""

    def read(value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            bare = isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,8}|0", value)
            raise expected("a whole number", "type", f"without quotes: {value}" if bare else None, got="written")
        if not low <= value <= high:
            raise expected(f"{low} to {high}" if high > low else f"{low}", "range")
        return value

    return Leaf(read, {"type": "integer", "minimum": low, "maximum": high})


def choice(kind: type[Choice], words: str, foreign: Mapping[str, str] | None = None) -> Leaf:
    """One of `words`; `foreign` explains words of other schedulers."""
    known = words.split()

    def read(value: object) -> Choice:
        if isinstance(value, str) and value in known:
            return kind(value)
        hint = (foreign or {}).get(value) or _nearest(value, known) if isinstance(value, str) else None
        raise expected(listing(known), "choice", hint)

    return Leaf(read, {"enum": known})


def duration(at_least: timedelta = timedelta(0), at_most: timedelta | None = None, hint: str | None = None) -> Leaf:
    """A length of time, exact to the millisecond, within these bounds."""

    def read(value: object) -> timedelta:
        length = read_duration(value)
        if length < at_least or (at_most is not None and length > at_most):
            raise expected(_bounds(at_least, at_most), "range", hint)
        return length

    return Leaf(read, duration_shape(PATTERN, above_zero=at_least > timedelta(0)), duration_text)


def whole_seconds(at_least: int = 0) -> Leaf:
    """A length of time in whole seconds, `at_least` this many."""

    def read(value: object) -> int:
        length = read_duration(value)
        whole = not length % timedelta(seconds=1)
        if not whole or "ms" in str(value) or length < timedelta(seconds=at_least):
            hint = f"write {duration_text(length)}" if whole and length >= timedelta(seconds=at_least) else None
            raise expected("whole seconds" + (f", at least {at_least}s" if at_least else ""), "range", hint)
        return length // timedelta(seconds=1)

    return Leaf(read, duration_shape(WHOLE_PATTERN, above_zero=at_least > 0), lambda seconds: f"{seconds}s")


def duration_or(word: str, leaf: Leaf, hint: str) -> Leaf:
    """A length of time, or the word, which is read as None; `hint` is the way out for whoever wrote another word."""

    def read(value: object) -> object:
        if value == word:
            return None
        if value in (None, 0) or isinstance(value, bool) or (isinstance(value, str) and value.isalpha()):
            raise expected(f"a duration or {word}", "duration", hint)
        return leaf.read(value)

    return Leaf(read, or_word(leaf.schema, word), leaf.write, word)


def time_zone() -> Leaf:
    """The name of a time zone in the pinned tzdata."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise _quote_it("a time zone such as Europe/Berlin", value)
        try:
            zone(value)
        except UnknownZone as error:
            hint = _as_zone(value) or error.hint
            raise Mistake(f"unknown time zone {printable(value) or 'without a name'}", "timezone", hint) from None
        return value

    return Leaf(read, time_zone_shape())


def instant() -> Leaf:
    """A date and a time of day; naive where the file gives no offset from UTC."""
    what = "a time such as 2026-12-01T02:00:00"

    def read(value: object) -> datetime:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise expected(what, "at", _as_instant(str(value).strip()))
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            # Python's own sentence on offsets is about timedelta.
            hint = "an offset from UTC is less than 24 hours" if "offset" in str(error) else str(error)
            raise expected(what, "at", hint) from None
        if not 1971 <= moment.year <= 8999:  # noqa: PLR2004 - where schedules have ticks, whatever the offset
            raise expected(what, "at", "the year is 1971 to 8999")
        return moment

    return Leaf(read, instant_shape(what))


def function() -> Leaf:
    """`module:function`, read into the two names; the second may have dots too, for a method of a class."""

    def read(value: object) -> tuple[str, str]:
        module, colon, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if colon and all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            return module, name
        raise expected("module:function", "import", _as_function(str(value)))

    return Leaf(read, function_shape())


def task_name() -> Leaf:
    """The name of a task, which may be any text to whoever works on it."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not value:
            raise expected("the name of a task", "type", _quoted(value))
        refuse_whole_reference(value, "write the name itself")
        return value

    return Leaf(read, task_shape(), own_dollars=True)


def command() -> Leaf:
    """Text for the shell, or a list of words that is started as it is."""

    def read(value: object) -> str | tuple[str, ...]:
        if isinstance(value, str) and value.strip():
            return value
        if not isinstance(value, list) or not value:
            raise expected("a command", "type", _quoted(value))
        words = each_read(enumerate(value), _word)
        if not words[0]:
            raise expected("text", "type").below(0)
        return tuple(words)

    return Leaf(read, command_shape(), own_dollars=True)


def _word(word: object) -> str:
    if not isinstance(word, str):
        raise expected("text", "type", _quoted(word))
    refuse_whole_reference(word, "a list has no shell to fill it in: write the command as text")
    return word


def _as_zone(value: str) -> str | None:
    """The way out for abbreviations and offsets, which say nothing about when clocks change."""
    if place := _ABBREVIATED.get(value.upper()):
        return f"write a place, such as {place}: it knows when clocks change"
    if re.fullmatch(r"(?:UTC|GMT)?[+-][0-9]{1,2}(?::?[0-9]{2})?", value, re.IGNORECASE):
        return "write a place, such as Europe/Berlin: an offset does not know when clocks change"
    return None


def _quote_it(what: str, value: object) -> Mistake:
    return expected(what, "type", _quoted(value))


def _quoted(value: object) -> str | None:
    return 'quote it: "{got}"' if isinstance(value, bool | int | float) else None


def _nearest(word: str, known: list[str]) -> str | None:
    near = meant(word, known)
    return f"did you mean {near}?" if near else None


def _truth(value: str) -> str | None:
    """What a word is for that is true or false to other readers of YAML."""
    word = value.casefold()
    return _TRUTH.get(word, word if word in ("true", "false") else None)


def _bounds(at_least: timedelta, at_most: timedelta | None) -> str:
    low = duration_text(at_least)
    if at_most is None:
        return f"at least {low}"
    return f"{low} to {duration_text(at_most)}"


def _as_instant(value: str) -> str | None:
    """How a date with a blank, a date alone or a time of day alone would be written."""
    for respelled in (value.replace(" ", "T", 1), f"{value}T00:00:00"):
        if _INSTANT.fullmatch(respelled):
            return f"write {respelled}"
    if clock := re.fullmatch("([0-2]?[0-9]):([0-5][0-9])(:00)?", value):
        return f'for each day write cron: "{int(clock[2])} {int(clock[1])} * * *"'
    return None


def _as_function(value: str) -> str | None:
    """How `jobs.mail.send` or `jobs/mail.py:send` would be written."""
    value = value.strip().removesuffix("()")
    if value.endswith(".py"):
        module = value.removesuffix(".py").replace("/", ".").lstrip(".")
        return f"write {module}:FUNCTION, the name of the function in it"
    module, _, name = value.replace(".py", "").replace("/", ".").strip().replace(":", ".").rpartition(".")
    parts = [*module.split("."), name]
    return f"write {module}:{name}" if all(part.isidentifier() for part in parts) else "such as jobs.mail:send"

"""What the kinds of value in `common.py` look like to JSON Schema.

Patterns are read by Python, by JavaScript (editors) and by Go (Helm), so nothing in them looks ahead or back; `not` is
put as a pattern of its own where that can be, because an editor has no better words for it than "not allowed". It does
have words for the rest: it shows `errorMessage`, which other readers overlook.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

JsonSchema = dict[str, Any]

TIME_ZONE = "leasebeat-time-zone"  # the definition that has the names of all time zones
LONGEST_CRON = 1000  # characters; every minute of the hour spelt out needs 170

NO: JsonSchema = {"type": "string", "pattern": "^$", "minLength": 1}  # fits nothing, and may have an errorMessage

_CRON_FIELD = "[0-9A-Za-z*,/?#()-]+"
_TAKEN_FOR_REFERENCE = r"\$\{|\{\{|<%"
_ONLY_REFERENCE = r"^\$\{[A-Z_][A-Z0-9_]*\}$"

# A date and a time of day within a calendar's bounds, as far as a pattern knows them.
_INSTANT = (
    "(197[1-9]|19[89][0-9]|[2-8][0-9]{3})-"
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
    "T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)

# A name in Python, which may have letters of any alphabet: no digit first, of ASCII only letters, digits and _.
_NAME = r"[^\s!-/:-@\[-^`{-~0-9][^\s!-/:-@\[-^`{-~]*"
_DOTTED = rf"{_NAME}(\.{_NAME})*"


def text_shape(what: str, pattern: str, longest: int | None) -> JsonSchema:
    """Text that is not empty and matches `pattern` as a whole; free text without one must hold no reference."""
    shape: JsonSchema = {"type": "string", "minLength": 1, "errorMessage": f"expected {what}"}
    if longest:
        shape["maxLength"] = longest
    return shape | ({"pattern": f"^({pattern})$"} if pattern else {"not": {"pattern": _TAKEN_FOR_REFERENCE}})


def duration_shape(pattern: str, *, above_zero: bool) -> JsonSchema:
    """A length of time that matches `pattern`."""
    kind = "a duration" if "ms" in pattern else "whole seconds"
    message = f"expected {kind} such as 30s, 5m or 1h30m"
    shape: JsonSchema = {"type": "string", "minLength": 2, "pattern": f"^({pattern})$", "errorMessage": message}
    return shape | ({"allOf": [{"pattern": "[1-9]", "errorMessage": "expected more than 0s"}]} if above_zero else {})


def or_word(shape: JsonSchema, word: str) -> JsonSchema:
    """A length of time, or the word: one pattern for both, so that a message speaks of both."""
    more = {"allOf": [{**part, "pattern": f"{part['pattern']}|^{word}$"} for part in shape.get("allOf", ())]}
    either = {"pattern": f"^{word}$|{shape['pattern']}", "errorMessage": f"{shape['errorMessage']}, or {word}"}
    return shape | either | (more if more["allOf"] else {})


def time_zone_shape() -> JsonSchema:
    """The name of a time zone, from the one list."""
    return {"$ref": f"#/definitions/{TIME_ZONE}"}


def time_zone_definition(names: Sequence[str]) -> JsonSchema:
    """The list of time zones, in two forms: a pattern to judge by, and a list that editors complete from.

    The list alone would do both; but an editor shows all of a list that has the value in it, six hundred lines with
    every look at the key. So nothing is ever found valid by the list: its `not` sees to that.
    """
    pattern = "|".join(name.replace("+", r"\+") for name in names)
    return {
        "anyOf": [
            {"type": "string", "pattern": f"^({pattern})$", "errorMessage": "expected an IANA name: Europe/Berlin"},
            {"enum": list(names), "not": {"type": "string"}},
        ]
    }


def instant_shape(what: str) -> JsonSchema:
    """A date and a time of day."""
    return {"type": "string", "pattern": f"^({_INSTANT})$", "errorMessage": f"expected {what}"}


def function_shape() -> JsonSchema:
    """`module:function`."""
    return {"type": "string", "pattern": f"^{_DOTTED}:{_DOTTED}$", "errorMessage": "expected module:function"}


def command_shape() -> JsonSchema:
    """Text for the shell, or a list of words."""
    word = {"type": "string", "not": {"pattern": _ONLY_REFERENCE}}
    words = {"type": "array", "items": [{**word, "minLength": 1}], "additionalItems": word, "minItems": 1}
    return {"anyOf": [{"type": "string", "pattern": r"\S", "errorMessage": "expected a command"}, words]}


def task_shape() -> JsonSchema:
    """Any text that is not nothing but a reference."""
    message = "expected the name of a task"
    return {"type": "string", "minLength": 1, "not": {"pattern": _ONLY_REFERENCE}, "errorMessage": message}


def cron_shape() -> JsonSchema:
    """Five or six fields, or a macro; what they say is beyond a schema."""
    pattern = rf"^\s*(@[A-Za-z]+|{_CRON_FIELD}(\s+{_CRON_FIELD}){{4,5}})\s*$"
    message = "expected minute hour day month weekday, or six fields with seconds first, or @daily and the like"
    return {"type": "string", "maxLength": LONGEST_CRON, "pattern": pattern, "errorMessage": message}

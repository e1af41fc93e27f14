"""The kinds of value that refer to something: to the environment, a file or a Secret, or to a part of the file."""

from __future__ import annotations

from scheduler.config.mistakes import each_read, expected
from scheduler.config.values.common import Leaf
from scheduler.config.values.references import (
    REFERENCE_SCHEMA,
    SECRET_SCHEMA,
    read_reference,
    read_secret_reference,
    refuse_reference,
    written_reference,
)


def reference() -> Leaf:
    """Text, in which `${NAME}` stands for a variable of the environment, or `{file: PATH}`."""
    return Leaf(read_reference, REFERENCE_SCHEMA, written_reference, own_dollars=True)


def secret_reference() -> Leaf:
    """The same, or `{secret: NAME/KEY}`."""
    return Leaf(read_secret_reference, SECRET_SCHEMA, own_dollars=True)


def names(what: str) -> Leaf:
    """A list of names of things that the file has elsewhere."""

    def name(value: object) -> str:
        refuse_reference(value)
        if not isinstance(value, str) or not value:
            raise expected(what, "type")
        return value

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise expected("a list", "type", "write [{got}]" if isinstance(value, str) else None)
        return tuple(each_read(enumerate(value), name))

    word = {"type": "string", "minLength": 1}
    return Leaf(read, {"type": "array", "items": word}, list)

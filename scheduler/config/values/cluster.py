"""The kinds of value that a Kubernetes Job is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scheduler.config.mistakes import Mistake, each_read, expected, printable, refuse_if_any
from scheduler.config.values.common import Leaf, text
from scheduler.config.values.references import refuse_whole_reference
from scheduler.config.values.schemas import NO, JsonSchema

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
K8S_NAME = rf"{LABEL}(\.{LABEL})*"

_IMAGE = "[A-Za-z0-9][A-Za-z0-9._/:@-]*"
_QUANTITY = r"[0-9]+(\.[0-9]*)?([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?"
_QUANTITY_SCHEMA: JsonSchema = {
    "anyOf": [{"type": "string", "pattern": f"^{_QUANTITY}$"}, {"type": "number", "minimum": 0}],
}
_AMOUNTS: JsonSchema = {"type": "object", "additionalProperties": _QUANTITY_SCHEMA}
_CONTAINERS: JsonSchema = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["name", "image"],
        "properties": {"name": {"type": "string", "minLength": 1}, "image": {"type": "string", "minLength": 1}},
    },
}
_POD: JsonSchema = {
    "type": "object",
    "required": ["containers"],
    "properties": {"containers": _CONTAINERS, "restartPolicy": {"enum": ["Never", "OnFailure", None]}},
}
_NAMES = ("name", "generateName", "namespace")
_UNNAMED: JsonSchema = {"type": ["object", "null"], "properties": dict.fromkeys(_NAMES, NO)}
TEMPLATE_SCHEMA: JsonSchema = {
    "type": "object",
    "properties": {
        "metadata": _UNNAMED,
        "spec": {
            "type": "object",
            "required": ["template"],
            "properties": {
                "template": {"type": "object", "required": ["spec"], "properties": {"spec": _POD}},
                "suspend": {"not": {"const": True}},
            },
        },
    },
    "additionalProperties": False,
}
_RESOURCES_SCHEMA: JsonSchema = {
    "type": "object",
    "properties": {"requests": _AMOUNTS, "limits": _AMOUNTS},
    "additionalProperties": False,
}


def image_name() -> Leaf:
    """The name of an image."""
    return text("an image such as acme/indexer:4", _IMAGE, None, "image", 500)


def words() -> Leaf:
    """A list of text: a command or its arguments, started without a shell."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise expected("a list", "type", _as_list(value) if isinstance(value, str) else None)
        return tuple(each_read(enumerate(value), _word))

    word = {"type": "string", "not": {"pattern": r"^\$\{[A-Z_][A-Z0-9_]*\}$"}}
    return Leaf(read, {"type": "array", "items": word}, list, own_dollars=True)


def amounts() -> Leaf:
    """What a container needs and may take."""

    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise expected("a map", "type", "such as {requests: {cpu: 500m, memory: 1Gi}}")
        refuse_if_any(_wrong_amounts(value))
        return value

    return Leaf(read, _RESOURCES_SCHEMA)


def _as_list(command: str) -> str:
    """How words that need no quotes are written."""
    words = command.split()
    plain = words and all(re.fullmatch("[A-Za-z0-9./_-]+", word) for word in words)
    return f"write [{', '.join(words)}]" if plain else "one item a word, without a shell"


def _word(word: object) -> str:
    if not isinstance(word, str):
        raise expected("text", "type", 'quote it: "{got}"' if isinstance(word, bool | int | float) else None)
    refuse_whole_reference(word, "put it into env, and write $(NAME): Kubernetes fills that in")
    return word


def _wrong_amounts(resources: dict[str, object]) -> Iterator[Mistake]:
    for key, amounts in resources.items():
        if key not in ("requests", "limits"):
            yield Mistake(f'unknown key "{printable(key)}"', "unknown-key", "requests and limits are known", key=key)
        elif not isinstance(amounts, dict):
            yield expected("a map", "type", "such as {cpu: 500m, memory: 1Gi}").below(key)
        else:
            wrong = (name for name, amount in amounts.items() if not _is_amount(amount))
            yield from (expected("an amount such as 500m or 1Gi", "quantity").below(name).below(key) for name in wrong)


def _is_amount(value: object) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(_QUANTITY, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0

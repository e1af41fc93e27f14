"""The kinds of value that a Kubernetes Job is made of."""

from __future__ import annotations

import re

from scheduler.config.mistakes import Mistake, expected, printable
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
        for position, word in enumerate(value):
            try:
                _judge_word(word)
            except Mistake as mistake:
                mistake.within = (position,)
                raise
        return tuple(value)

    word = {"type": "string", "not": {"pattern": r"^\$\{[A-Z_][A-Z0-9_]*\}$"}}
    return Leaf(read, {"type": "array", "items": word}, list, own_dollars=True)


def amounts() -> Leaf:
    """What a container needs and may take."""

    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise expected("a map", "type", "such as {requests: {cpu: 500m, memory: 1Gi}}")
        for key, amounts in value.items():
            if key not in ("requests", "limits"):
                raise Mistake(
                    f'unknown key "{printable(key)}"', "unknown-key", "requests and limits are known", key=key
                )
            _judge_amounts(key, amounts)
        return value

    return Leaf(read, _RESOURCES_SCHEMA)


def _as_list(command: str) -> str:
    """How words that need no quotes are written."""
    words = command.split()
    plain = words and all(re.fullmatch("[A-Za-z0-9./_-]+", word) for word in words)
    return f"write [{', '.join(words)}]" if plain else "one item a word, without a shell"


def _judge_word(word: object) -> None:
    if not isinstance(word, str):
        raise expected("text", "type", 'quote it: "{got}"' if isinstance(word, bool | int | float) else None)
    refuse_whole_reference(word, "put it into env, and write $(NAME): Kubernetes fills that in")


def _judge_amounts(key: str, amounts: object) -> None:
    if not isinstance(amounts, dict):
        mistake = expected("a map", "type", "such as {cpu: 500m, memory: 1Gi}")
        mistake.within = (key,)
        raise mistake
    for name, amount in amounts.items():
        number = isinstance(amount, int | float) and not isinstance(amount, bool) and amount >= 0
        if not number and not (isinstance(amount, str) and re.fullmatch(_QUANTITY, amount)):
            mistake = expected("an amount such as 500m or 1Gi", "quantity")
            mistake.within = (key, str(name))
            raise mistake

"""The JSON Schema of config.yaml (draft-07, which editors and Helm read), made from the same models that loading uses.

It accepts what loading accepts, and refuses what a schema can refuse: what a cron expression means, that one duration
is longer than another, or what `defaults` and a job say together is beyond it. Patterns keep to what Python, JavaScript
and Go read alike, so nothing in them looks ahead. Every map stands where it belongs and not behind a reference, so that
an editor shows what is said about the key itself, and a chart can put the whole under a key of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from scheduler.config.keys import ACTIONS, HOOK_ACTIONS, SCHEDULES
from scheduler.config.models.actions import INSTEAD_OF_TEMPLATE, KubernetesJobKeys, PythonKeys
from scheduler.config.models.file import NAME, FileKeys, JobKeys
from scheduler.config.models.settings import HookKeys
from scheduler.config.models.strict import Strict, by_name, inner_map
from scheduler.config.values.common import Leaf, ShortForm
from scheduler.config.values.schemas import NO, TIME_ZONE, JsonSchema, time_zone_definition
from scheduler.core.timing.zones import zone_names

HOOK = "leasebeat-hook"  # the definition of what may be done at each of the three moments of an election
DIALECT = "http://json-schema.org/draft-07/schema#"


def schema() -> JsonSchema:
    """The schema, fit to be printed as JSON."""
    table = map_schema(FileKeys)
    table["properties"]["jobs"] |= {"minProperties": 1, "defaultSnippets": _NEW_JOBS}
    definitions = {TIME_ZONE: time_zone_definition(zone_names()), HOOK: map_schema(HookKeys)}
    return {"$schema": DIALECT, **table, "required": ["jobs"], "definitions": definitions}


def map_schema(model: type[Strict]) -> JsonSchema:
    """A map that has the model's keys and no other."""
    fields = model.model_fields
    made: JsonSchema = {
        "description": model.__doc__,
        "type": "object",
        "properties": {name: _described(field) for name, field in fields.items()},
        "additionalProperties": False,
    }
    if required := [name for name, field in fields.items() if field.is_required()]:
        made["required"] = required
    return made | _BETWEEN_KEYS.get(model, {})


def written_default(field: FieldInfo) -> object:
    """The default as the file would write it; None where it only stands for a key that is not there."""
    leaf = _only(field, Leaf)
    if leaf is None or field.is_required():
        return None
    return leaf.word if field.default is None else leaf.write(field.default)


def _described(field: FieldInfo) -> JsonSchema:
    default = written_default(field)
    return {
        "description": field.description,
        **_values(field),
        **({} if default is None else {"default": default}),
        "examples": field.examples,
    }


def _values(field: FieldInfo) -> JsonSchema:
    """What may stand under a key."""
    if leaf := _only(field, Leaf):
        return {"allOf": [leaf.schema]} if "$ref" in leaf.schema else leaf.schema
    if stated := _only(field, WithJsonSchema):
        return dict(stated.json_schema or {})
    model = inner_map(field)
    assert model is not None
    if short := _only(field, ShortForm):
        return {"anyOf": [*short.leaf.schema.get("anyOf", [short.leaf.schema]), map_schema(model)]}
    if model is HookKeys:
        return {"allOf": [{"$ref": f"#/definitions/{HOOK}"}]}
    if by_name(field):
        return {"type": "object", "propertyNames": _NAME, "additionalProperties": map_schema(model)}
    return {"allOf": [map_schema(model)]}  # an editor that found the keys right here would insert all their defaults


def _only(field: FieldInfo, kind: type[Any]) -> Any:
    return next((item for item in field.metadata if isinstance(item, kind)), None)


def _at_least_one(keys: Sequence[str]) -> JsonSchema:
    """Ask for a key that cannot be there: what a reader says is missing is then the choice, not the first key of it."""
    present = {"anyOf": [{"required": [key]} for key in keys]}
    return {"if": {"not": present}, "then": {"required": [f"one of {', '.join(keys)}"]}}


def _at_most_one(keys: Sequence[str]) -> JsonSchema:
    """Refuse each beside another, so that what a reader says is about these keys and not about alternatives."""
    none = {**NO, "errorMessage": f"expected only one of {', '.join(keys)}"}
    return {key: {"properties": {other: none for other in keys if other != key}} for key in keys}


def _where(condition: JsonSchema, key: str, message: str, **allowed: Any) -> JsonSchema:
    """Narrow down what `key` may say where the map fulfils the condition."""
    return {"if": condition, "then": {"properties": {key: {**allowed, "errorMessage": f"expected {message}"}}}}


def _says(key: str, what: JsonSchema) -> JsonSchema:
    return {"required": [key], "properties": {key: what}}


_NAME = {"pattern": f"^{NAME}$", "errorMessage": "expected a-z, 0-9 and -, at most 52 characters"}
_UNREPLACED = ["skip", "queue", "allow"]
_IN_THREAD = _says("isolation", {"const": "thread"})
_THREADED = _says("python", {"type": "object", **_IN_THREAD})

_BETWEEN_KEYS: dict[type[Strict], JsonSchema] = {
    JobKeys: {
        "dependencies": {**_at_most_one(SCHEDULES), **_at_most_one(ACTIONS), "offset": ["every"]},
        "allOf": [
            _at_least_one(SCHEDULES),
            _at_least_one(ACTIONS),
            _where(_says("delivery", {"const": "at_most_once"}), "retries", "0 with at_most_once", enum=[0]),
            _where(_THREADED, "overlap", "skip, queue or allow with a thread", enum=_UNREPLACED),
            _where({"required": ["celery"]}, "overlap", "skip, queue or allow with celery", enum=_UNREPLACED),
        ],
    },
    HookKeys: {
        "dependencies": _at_most_one(HOOK_ACTIONS),
        "allOf": [
            _at_least_one(HOOK_ACTIONS),
            {"properties": {"python": {"properties": {"isolation": {"enum": ["process"]}}}}},
        ],
    },
    KubernetesJobKeys: {
        "if": _says("template", {"type": "object", "minProperties": 1}),
        "then": {
            "properties": {
                "template": {"required": ["spec"]},
                **{key: {**NO, "errorMessage": "expected nothing beside template"} for key in INSTEAD_OF_TEMPLATE},
            }
        },
        "else": {"required": ["image"]},
    },
    PythonKeys: {"allOf": [_where(_IN_THREAD, "env", "none: a thread has no environment", enum=[{}])]},
}

_NEW_JOBS = [
    {
        "label": "job: shell",
        "description": "A command, every 15 minutes",
        "body": {"${1:name}": {"every": "${2:15m}", "shell": "${3:./command}"}},
    },
    {
        "label": "job: python",
        "description": "A Python function, at 03:15 every day",
        "body": {"${1:name}": {"cron": "${2:15 3 * * *}", "python": "${3:jobs.mail:send}"}},
    },
]

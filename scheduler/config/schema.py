"""The JSON Schema of config.yaml (draft-07, which editors and Helm read), made from the same models that loading uses.

It accepts what loading accepts, and refuses what a schema can refuse: which time zones there are, what cron means and
that one duration is longer than another is beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scheduler.config.keys import ACTIONS, SCHEDULES
from scheduler.config.models import (
    JOB_NAME,
    FileKeys,
    JobKeys,
    LeaseKeys,
    LoggingKeys,
    PolicyKeys,
    PythonKeys,
    ShellKeys,
    Strict,
)
from scheduler.config.values import Leaf

DIALECT = "http://json-schema.org/draft-07/schema#"
_INNER: Sequence[type[Strict]] = (LeaseKeys, LoggingKeys, PolicyKeys, JobKeys, PythonKeys, ShellKeys)


def schema() -> dict[str, Any]:
    """The schema, fit to be printed as JSON."""
    made = FileKeys.model_json_schema(ref_template="#/definitions/{model}")
    inner = made.pop("$defs")
    for model in _INNER:
        _state_defaults(model, inner[model.__name__])
    _state_defaults(FileKeys, made)
    job = inner["JobKeys"]
    job["allOf"] = [_exactly_one(SCHEDULES), _exactly_one(ACTIONS)]
    job["dependencies"] = {"offset": ["every"]}
    made["properties"]["jobs"] |= {"minProperties": 1, "propertyNames": {"pattern": f"^{JOB_NAME}$"}}
    tidied: dict[str, Any] = _tidy({"$schema": DIALECT, **made, "required": ["jobs"], "definitions": inner})
    return tidied


def _exactly_one(keys: Sequence[str]) -> dict[str, Any]:
    return {"oneOf": [{"required": [key]} for key in keys]}


def _state_defaults(model: type[Strict], made: dict[str, Any]) -> None:
    """Put each default as the file would write it, and none where it only stands for a key that is not there."""
    for name, field in model.model_fields.items():
        leaf = next((item for item in field.metadata if isinstance(item, Leaf)), None)
        made["properties"][name].pop("default", None)
        if not leaf or field.is_required():
            continue
        default = leaf.word if field.default is None else leaf.write(field.default)
        if default is not None:
            made["properties"][name]["default"] = default


def _tidy(node: Any) -> Any:
    """Drop pydantic's titles, which repeat the keys, and leave each $ref alone: draft-07 ignores what is beside it."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidied = {key: _tidy(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if "$ref" in tidied and len(tidied) > 1:
        tidied["allOf"] = [{"$ref": tidied.pop("$ref")}]
    return tidied

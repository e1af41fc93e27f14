"""The JSON Schema of the chart's `config:` block: config.yaml as it stands in Helm's values.

It differs where a chart does: jobs may be left out (the chart then runs its examples), what the chart or the cluster
decides cannot be set, and a null takes a job away that an earlier values file has put there, as is Helm's way. There is
no `$schema` in it, and one definition, which belongs beside those of the schema that this is put into.
"""

from __future__ import annotations

from typing import Any

from scheduler.config.models.file import FileKeys
from scheduler.config.models.settings import HookKeys
from scheduler.config.schema import HOOK, map_schema
from scheduler.config.values.schemas import TIME_ZONE, JsonSchema
from scheduler.core.timing.zones import zone_names

_NOT_SET_HERE = {
    "namespace": "Not set here: the Lease is kept where the pods are. To move both: helm -n NAMESPACE.",
    "path": "Not set here: pods share no file, the Lease is kept in the cluster. Leave it out.",
    "revision": "Not set here: a release that is rolled back would be taken for an outdated one. Leave it out.",
}
_SAID_OTHERWISE: dict[str, JsonSchema] = {
    "name": {
        "description": "Name of the Lease. Without it, that of the release. Releases in one namespace need two names.",
    },
    "store": {
        "enum": ["auto", "kubernetes"],
        "description": "Where the Lease is kept: in the cluster, whichever of the two you write. Pods share neither a "
        "file nor memory, so each of them would lead. For sqlite, run leasebeat without the chart.",
    },
    "jobs": {
        "description": "The jobs, by name; without any, the chart runs its examples. A name has a-z, 0-9 and -, at "
        "most 52 characters, and neither begins nor ends with -. null takes a job away that another values file has.",
    },
}

_ABOUT = ("description", "default", "examples")
_AS_THEY_ARE = (*_ABOUT, "propertyNames")


def chart_schema() -> JsonSchema:
    """The schema, fit to be printed as JSON and to be put under `properties` in a values.schema.json."""
    table = map_schema(FileKeys)
    keys = _unwrapped(table)["properties"]
    lease = keys["lease"]["properties"]
    for place in (keys, lease):
        for key, said in place.items():
            said.update(_SAID_OTHERWISE.get(key, {}))
            if key in _NOT_SET_HERE:
                place[key] = {"description": _NOT_SET_HERE[key], "type": "null", "errorMessage": _NOT_SET_HERE[key]}
    del lease["name"]["default"]
    for key in ("jobs", "notify"):
        keys[key]["additionalProperties"]["type"] = ["object", "null"]
    zones = {"enum": list(zone_names()), "errorMessage": "expected an IANA name: Europe/Berlin"}
    definitions = {TIME_ZONE: zones, HOOK: _unwrapped(map_schema(HookKeys))}
    made: JsonSchema = _in_words(table | {"properties": keys, "definitions": definitions})
    return made


def _unwrapped(schema: JsonSchema) -> JsonSchema:
    """Without the wrappers that are there for editors: Helm would say for every mistake in one that "allOf failed"."""
    wrapped = schema.get("allOf", ())
    if wrapped and schema.keys() <= {"allOf", *_ABOUT}:
        schema = {**wrapped[0], **{key: said for key, said in schema.items() if key != "allOf"}}
    inner = {key: _unwrapped(said) for key, said in schema.get("properties", {}).items()}
    more = schema.get("additionalProperties")
    return {
        **schema,
        **({"properties": inner} if inner else {}),
        **({"additionalProperties": _unwrapped(more)} if isinstance(more, dict) else {}),
    }


def _in_words(node: Any) -> Any:
    """Let Helm say the `errorMessage`, which it does not know: of a constant it says what it should have been."""
    if isinstance(node, list):
        return [_in_words(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: said if key in _AS_THEY_ARE else _in_words(said) for key, said in node.items()}
    if not isinstance(message := inner.pop("errorMessage", None), str):
        return inner
    about = {key: inner.pop(key) for key in _ABOUT if key in inner}
    return {**about, "if": inner, "else": {"const": message.removeprefix("expected ")}}

"""Write values.schema.json: root.schema.json, with the schema of config.yaml under `config`.

    leasebeat schema --helm | python charts/leasebeat/tools/schema.py > charts/leasebeat/values.schema.json

Helm resolves references from the root of the one file, so the definitions of both go there. The schema of config.yaml
is made fit for Helm in two places: where it would report a mistake under a wrong path, or would round a number.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).with_name("root.schema.json")
EXACT_IN_HELM = 2**53 - 1  # Helm reads every number of a values file as a float of 64 bits


def values_schema(own: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The schema of values.yaml as a whole. Raises ValueError where the two define one name differently."""
    inner = _for_helm({key: value for key, value in config.items() if key not in ("$schema", "$id", "definitions")})
    definitions, more = own["definitions"], _for_helm(config.get("definitions", {}))
    if shared := sorted(definitions.keys() & more.keys()):
        raise ValueError(f"root.schema.json and the schema of config.yaml both define {', '.join(shared)}")
    properties = own["properties"] | {"config": own["properties"]["config"] | inner}
    return own | {"properties": properties, "definitions": definitions | more}


def _for_helm(node: Any) -> Any:
    if isinstance(node, list):
        return [_for_helm(item) for item in node]
    if not isinstance(node, dict):
        return node
    return _keys_in_place(_exact({key: _for_helm(value) for key, value in node.items()}))


def _keys_in_place(node: dict[str, Any]) -> dict[str, Any]:
    """Patterns of keys beside their values: what breaks `propertyNames` is reported under a wrong path."""
    names, values = node.get("propertyNames"), node.get("additionalProperties")
    if not isinstance(names, dict) or "pattern" not in names or not isinstance(values, dict):
        return node
    kept = {key: value for key, value in node.items() if key != "propertyNames"}
    return kept | {"patternProperties": {names["pattern"]: values}, "additionalProperties": False}


def _exact(node: dict[str, Any]) -> dict[str, Any]:
    """No number in what is handed on that Helm would round: an id of 19 digits would reach the job as another."""
    handed_on = {"args", "kwargs", "options"} & node.keys()
    if not all(isinstance(node[key], dict) and node[key].get("type") in ("array", "object") for key in handed_on):
        handed_on = set()
    if "body" in node and "redirects" in node:  # of a request
        handed_on.add("body")
    return node | {key: {**node[key], "allOf": [{"$ref": "#/definitions/Exact"}]} for key in handed_on}


def root() -> dict[str, Any]:
    """root.schema.json, with the range in which Helm keeps numbers as they are."""
    read: dict[str, Any] = json.loads(ROOT.read_text())
    read["definitions"]["Exact"] |= {"minimum": -EXACT_IN_HELM, "maximum": EXACT_IN_HELM}
    return read


def main() -> None:
    """Read the schema of config.yaml from stdin, and print that of the values."""
    print(json.dumps(values_schema(root(), json.load(sys.stdin)), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

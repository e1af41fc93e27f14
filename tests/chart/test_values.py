"""values.yaml, its schema and its table in the README say the same, and every value does something."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from charts.leasebeat.tools import readme, schema
from scheduler import __version__
from scheduler.cli.main import cli
from tests.chart.rendering import CHART, EVERYTHING, at, leaves, only, render

VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
DOCUMENTED = [value.path for value in readme.documented((CHART / "values.yaml").read_text())]
LEAVES = [".".join(path) for path in leaves(VALUES)]


def test_the_readme_shows_all_values_as_they_are() -> None:
    text = (CHART / "README.md").read_text()

    assert text == readme.with_table(text, (CHART / "values.yaml").read_text()), (
        "python charts/leasebeat/tools/readme.py"
    )


def test_every_value_is_documented() -> None:
    assert [leaf for leaf in LEAVES if not any(f"{leaf}.".startswith(f"{path}.") for path in DOCUMENTED)] == []


def test_the_schema_is_made_of_its_root_and_of_that_of_config_yaml() -> None:
    said = CliRunner().invoke(cli, ["schema", "--helm"]).output
    made = schema.values_schema(schema.root(), json.loads(said))

    assert json.loads((CHART / "values.schema.json").read_text()) == made, "make schema"


def test_the_schema_knows_the_values_and_no_others() -> None:
    properties = json.loads((CHART / "values.schema.json").read_text())["properties"]

    assert properties.keys() == VALUES.keys() | {"enabled"}


# What needs more than itself to show: with its companions.
COMPANIONS: dict[str, dict[str, Any]] = {
    "networkPolicy": {"networkPolicy": {"enabled": True}},
    "serviceAccount.name": {"serviceAccount": {"create": False}},
    "openshift": {},
    **{f"metrics.{part}.enabled": {} for part in ("podMonitor", "serviceMonitor", "dashboard")},
    **{
        f"metrics.{part}": {"metrics": {part: {"enabled": True}}}
        for part in ("podMonitor", "serviceMonitor", "dashboard")
    },
    "metrics.rules": {"metrics": {"rules": {"enabled": True, "selector": 'job="beat"'}}},
    "metrics.rules.enabled": {"metrics": {"rules": {"selector": 'job="beat"'}}},
}
# What the file with everything leaves as it is, because more can be shown so.
OTHERS: dict[str, Any] = {
    "rbac.create": False,
    "serviceAccount.create": False,
    "podDisruptionBudget.enabled": False,
    "metrics.serviceMonitor.enabled": True,
    "existingConfigMap": "mine",
}


@pytest.mark.parametrize("path", DOCUMENTED)
def test_every_value_changes_what_is_rendered(path: str) -> None:
    keys = tuple(path.split("."))
    value = OTHERS[path] if path in OTHERS else at(yaml.safe_load(EVERYTHING.read_text()), keys)
    nearest = next((key for key in (path, ".".join(keys[:2]), keys[0]) if key in COMPANIONS), "openshift")
    with_it = COMPANIONS[nearest] if path != "networkPolicy.enabled" else {}

    assert value != at(VALUES, keys)
    assert render(_merged(with_it, only(keys, value))) != render(with_it)


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for key, value in other.items():
        both_maps = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both_maps else value
    return merged


def test_the_chart_runs_the_program_of_this_repository() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["appVersion"] == __version__
    assert chart["kubeVersion"] == ">=1.29.0-0"
    assert f"## {chart['version']}" in (CHART / "CHANGELOG.md").read_text()
    assert f"leasebeat:{__version__}" in chart["annotations"]["artifacthub.io/images"]

"""The schema of the chart's `config:` block: that of config.yaml, but for what a chart decides by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from scheduler.config.chart_schema import chart_schema
from scheduler.config.schema import schema
from tests.edges.test_config_schema import BOTH_REFUSE, VALIDATOR, content_of, objects, tables

CHART = chart_schema()
IN_CHART = Draft7Validator(CHART)
JOB = {"every": "5m", "shell": "ls"}


def test_it_is_a_schema_that_can_stand_in_another() -> None:
    Draft7Validator.check_schema(CHART)
    pointers = {node["$ref"] for node in objects(CHART) if "$ref" in node}

    assert {"$schema", "$id"}.isdisjoint(CHART)
    assert pointers == {f"#/definitions/{name}" for name in CHART["definitions"]}
    assert [name for name in CHART["definitions"] if not name.startswith("leasebeat-")] == []


def test_helm_is_told_in_its_own_way_what_editors_are_told_in_theirs() -> None:
    said = [error.message for error in IN_CHART.iter_errors({"jobs": {"a": {**JOB, "every": "500ms"}}})]

    assert said == ["'whole seconds such as 30s, 5m or 1h30m' was expected"]
    assert [node for node in objects(CHART) if "errorMessage" in node and "pattern" not in node] == []


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"jobs": {}}, id="no jobs, as in the chart's own values"),
        pytest.param({"jobs": {"a": None, "b": JOB}}, id="a job of another values file taken away"),
        pytest.param({"max_parallel": 16.0, "health": {"port": 8080.0}}, id="whole numbers as Helm hands them"),
        pytest.param({"lease": {"store": "kubernetes", "name": "beat", "drain_timeout": "5m"}}, id="the rest of lease"),
    ],
)
def test_a_chart_may_say(config: dict[str, Any]) -> None:
    assert [error.message for error in IN_CHART.iter_errors(config)] == []


@pytest.mark.parametrize(
    ("config", "way_out"),
    [
        ({"lease": {"store": "sqlite"}}, "run leasebeat without the chart"),
        ({"lease": {"store": "memory"}}, "run leasebeat without the chart"),
        ({"lease": {"path": "leasebeat.db"}}, "Leave it out"),
        ({"lease": {"namespace": "ops"}}, "helm -n NAMESPACE"),
        ({"revision": 7}, "Leave it out"),
    ],
)
def test_what_the_chart_decides_is_refused_with_a_way_out(config: dict[str, Any], way_out: str) -> None:
    ((key, said),) = config.items()
    place = CHART["properties"][key]
    place = place["properties"][next(iter(said))] if isinstance(said, dict) else place

    assert not IN_CHART.is_valid(config)
    assert way_out in place["description"]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in BOTH_REFUSE.items()])
def test_it_refuses_what_the_file_must_not_say(text: str) -> None:
    config = content_of(text)

    assert not IN_CHART.is_valid(config) or not config.get("jobs")


@settings(max_examples=100, deadline=None)
@given(table=tables, spoilt=st.sampled_from([None, "every", "timeout", "shell", "retries"]))
def test_it_judges_jobs_as_the_schema_of_the_file_does(table: dict[str, Any], spoilt: str | None) -> None:
    for key in ("store", "path", "namespace"):
        table["lease"].pop(key, None)
    table.pop("revision", None)
    if spoilt:
        table["jobs"]["a"][spoilt] = 1.5

    assert IN_CHART.is_valid(table) == VALIDATOR.is_valid(table)


def test_the_keys_are_those_of_the_file() -> None:
    assert list(CHART["properties"]) == list(schema()["properties"])

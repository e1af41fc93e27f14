"""The JSON Schema says what loading says, as far as a schema can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from scheduler.config.document import Source, content
from scheduler.config.models import FileKeys, JobKeys, LeaseKeys, LoggingKeys, PolicyKeys, PythonKeys, ShellKeys
from scheduler.config.reading import read_document
from scheduler.config.schema import schema
from tests.edges.config_text import told

ROOT = Path(__file__).parents[2]
SCHEMA = schema()
VALIDATOR = Draft7Validator(SCHEMA)


def accepts(text: str) -> bool:
    """Whether the schema finds nothing wrong with what the text stands for."""
    return bool(VALIDATOR.is_valid(content(read_document(Source("config.yaml", text)).root)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema in the schema."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from objects(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from objects(inner)


def test_it_is_a_schema_of_draft_07_and_plain_json() -> None:
    Draft7Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("model", [FileKeys, LeaseKeys, LoggingKeys, PolicyKeys, JobKeys, PythonKeys, ShellKeys])
def test_every_key_is_described_and_no_other_is_allowed(model: type[FileKeys]) -> None:
    place = SCHEMA if model is FileKeys else SCHEMA["definitions"][model.__name__]

    assert list(place["properties"]) == list(model.model_fields)
    assert [key for key, said in place["properties"].items() if not said.get("description")] == []
    assert place["additionalProperties"] is False


def test_no_word_stands_beside_a_reference_where_draft_07_would_not_read_it() -> None:
    assert [node for node in objects(SCHEMA) if "$ref" in node and len(node) > 1] == []


def test_defaults_are_written_as_the_file_would() -> None:
    keys = {**SCHEMA["definitions"]["JobKeys"]["properties"], **SCHEMA["definitions"]["LeaseKeys"]["properties"]}
    asked = ("timeout", "claim_ahead", "lease_duration", "release", "overlap", "every")
    stated = [keys[key].get("default", "none stated") for key in asked]

    assert stated == ["1h", "auto", "15s", "at_once", "skip", "none stated"]


@pytest.mark.parametrize(
    "key", [key for key, said in SCHEMA["definitions"]["JobKeys"]["properties"].items() if "default" in said]
)
def test_a_default_may_be_written_down(tmp_path: Path, key: str) -> None:
    default = json.dumps(SCHEMA["definitions"]["JobKeys"]["properties"][key]["default"])

    assert told(tmp_path, f"jobs: {{a: {{every: 1h, shell: ls, {key}: {default}}}}}") == ""


BOTH_REFUSE = {
    "no jobs": "timezone: UTC",
    "an empty table": "jobs: {}",
    "an unknown key": "jobs: {a: {every: 5m, shell: ls, zebra: 1}}",
    "a later key": "jobs: {a: {every: 5m, http: https://x}}",
    "another scheduler's word": "jobs: {a: {every: 5m, shell: ls, overlap: Forbid}}",
    "a word for a duration": "jobs: {a: {every: 5m, shell: ls, claim_ahead: none}}",
    "no interruption at all": "jobs: {a: {every: 5m, shell: ls, max_interruptions: 0}}",
    "another way to release": "lease: {release: drain}\njobs: {a: {every: 5m, shell: ls}}",
    "no schedule": "jobs: {a: {shell: ls}}",
    "two schedules": "jobs: {a: {every: 5m, manual: true, shell: ls}}",
    "no action": "jobs: {a: {every: 5m}}",
    "two actions": "jobs: {a: {every: 5m, shell: ls, python: a:b}}",
    "an offset alone": "jobs: {a: {manual: true, offset: 1m, shell: ls}}",
    "a bad name": "jobs: {Nightly: {every: 5m, shell: ls}}",
    "a long name": f"jobs: {{{'a' * 53}: {{every: 5m, shell: ls}}}}",
    "a number for a duration": "jobs: {a: {every: 300, shell: ls}}",
    "no duration": "jobs: {a: {every: 1:30, shell: ls}}",
    "an empty duration": 'jobs: {a: {every: "", shell: ls}}',
    "milliseconds of a period": "jobs: {a: {every: 500ms, shell: ls}}",
    "manual: false": "jobs: {a: {manual: false, shell: ls}}",
    "yes": "jobs: {a: {every: 5m, shell: ls, enabled: yes}}",
    "too many retries": "jobs: {a: {every: 5m, shell: ls, retries: 11}}",
    "null for a key": "jobs: {a: {every: 5m, shell: ls, python: null}}",
    "no function": "jobs: {a: {every: 5m, python: a.b.c}}",
    "no call": "jobs: {a: {every: 5m, python: {args: [1]}}}",
    "an empty command": 'jobs: {a: {every: 5m, shell: " "}}',
    "a command of numbers": "jobs: {a: {every: 5m, shell: [ls, 1]}}",
    "a number in the environment": "jobs: {a: {every: 5m, shell: {run: ls, env: {A: 1}}}}",
    "a reference": 'jobs: {a: {every: 5m, shell: {run: ls, env: {A: "${B}"}}}}',
    "a variable with a dash": "jobs: {a: {every: 5m, shell: {run: ls, env: {a-b: x}}}}",
    "a Lease's bad name": "lease: {name: A_B}\njobs: {a: {every: 5m, shell: ls}}",
    "a date without a time": "jobs: {a: {at: 2026-12-01, shell: ls}}",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in BOTH_REFUSE.items()])
def test_both_refuse(tmp_path: Path, text: str) -> None:
    assert (accepts(text), told(tmp_path, text) == "") == (False, False)


Values = dict[str, list[Any]]  # keys, and values that each of them may have

DURATIONS = ["1s", "30s", "5m", "1h30m", "1d2h"]
SCHEDULES: Values = {
    "every": DURATIONS,
    "cron": ["0 3 * * *", "@daily", "H H * * *", "*/5 * * * * *", "0 0 L * *"],
    "at": ["2026-12-01T02:00:00", "2026-12-01T02:00", "2026-12-01T02:00:00Z", "2026-12-01T02:00+01:00"],
    "manual": [True],
}
ACTIONS: Values = {
    "python": [
        *("a:b", "a.b:C.d", {"call": "a:b"}, {"call": "a:b", "isolation": "thread"}),
        {"call": "a:b", "args": [1, None], "kwargs": {"x": {"y": [1.5]}}, "env": {"A_1": ""}},
    ],
    "shell": ["ls", ["ls", "-l", ""], {"run": "ls", "cwd": None}, {"run": ["ls"], "cwd": "/", "env": {"A": "5$"}}],
}
POLICIES: Values = {
    "overlap": ["skip", "queue", "replace", "allow"],
    "catch_up": ["none", "latest", "all"],
    "catch_up_window": ["1h", "90s", "1d500ms"],
    "max_catch_up": [1, 1000],
    "delivery": ["at_least_once", "at_most_once"],
    "timeout": ["none", "500ms", "1h"],
    "retries": [0, 10],
    "retry_delay": ["0s", "5m"],
    "max_interruptions": [1, 100],
    "claim_ahead": ["auto", "0s", "1s500ms"],
    "jitter": ["0s", "500ms"],
}
LEASE: Values = {
    "store": ["auto", "kubernetes", "sqlite", "memory"],
    "name": ["a", "a.b-c", "0"],
    "namespace": [None, "ops"],
    "adopt": [True, False],
    "path": ["beat.db"],
    "lease_duration": ["15s", "1m"],
    "renew_deadline": ["5s"],
    "retry_period": ["1s"],
    "release": ["at_once", "drained"],
    "quiet_start": [True],
    "drain_timeout": ["0s", "1h"],
}
LOGGING: Values = {"level": ["debug", "info", "warning", "error"], "format": ["text", "json"]}
TOP: Values = {"version": [1], "timezone": ["UTC", "America/New_York"], "revision": [0, 7], "max_parallel": [1, 1000]}


def some(values: Values) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the keys, each with one of its values."""
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(those) for key, those in values.items()})


def one(values: Values) -> st.SearchStrategy[dict[str, Any]]:
    """One of the keys with one of its values."""
    return st.sampled_from([{key: value} for key, those in values.items() for value in those])


jobs = st.builds(
    lambda *parts: dict(pair for part in parts for pair in part.items()), one(SCHEDULES), one(ACTIONS), some(POLICIES)
)
tables = st.builds(
    lambda job, defaults, lease, logging, top: {
        "jobs": {"a": job},
        "defaults": defaults,
        "lease": lease,
        "logging": logging,
        **top,
    },
    *(jobs, some(POLICIES), some(LEASE), some(LOGGING), some(TOP)),
)


@settings(max_examples=100, deadline=None)
@given(table=tables)
def test_the_schema_accepts_what_loading_accepts(folder: Path, table: dict[str, Any]) -> None:
    refused = told(folder, json.dumps(table)) != ""

    assert VALIDATOR.is_valid(table) or refused


@pytest.mark.parametrize(
    "keys", [pytest.param({key: value}, id=f"{key}: {value}") for key, values in POLICIES.items() for value in values]
)
def test_each_of_these_values_is_accepted_by_both(folder: Path, keys: dict[str, Any]) -> None:
    """So the property above is about tables, and not about their refusal."""
    table = {"jobs": {"a": {"every": "5m", "shell": "ls", **keys}}}

    assert (told(folder, json.dumps(table)), VALIDATOR.is_valid(table)) == ("", True)


def test_the_schema_beside_the_example_is_todays() -> None:
    """The example's first line points editors to it; `leasebeat schema > config.schema.json` makes it anew."""
    written = json.loads((ROOT / "config.schema.json").read_text())

    assert written == schema()

"""docs/configuration.md says what the keys say of themselves, and what it says holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.reference import PAGE, default, filled, flow
from scheduler.config.composing import json_value
from scheduler.config.document import Source, content
from scheduler.config.models import FileKeys, JobKeys, PolicyKeys, PythonKeys, ShellKeys, Strict
from scheduler.config.reading import read_document
from scheduler.config.schema import inner_map
from tests.edges.config_text import told
from tests.edges.test_config_schema import MODELS

TEXT = PAGE.read_text(encoding="utf-8")
BESIDE = {"offset": {"every": "15m"}, "python": {}, "shell": {}, "cron": {}, "every": {}, "at": {}, "manual": {}}


def table_with(model: type[Strict], key: str, value: Any) -> dict[str, Any]:
    """A config.yaml in which this key of this map has the value, and else as little as can be."""
    job: dict[str, Any] = {"every": "15m", "shell": "ls"}
    if model is FileKeys:
        return {"jobs": {"a": job}} | {key: value}
    if model is JobKeys or model is PolicyKeys:
        for other in ("every", "shell"):
            if key in BESIDE and (key in ("python", "shell")) == (other == "shell"):
                job.pop(other)
        return {"jobs": {"a": {**job, **BESIDE.get(key, {}), key: value}}}
    if model in (PythonKeys, ShellKeys):
        short, action = ("call", "python") if model is PythonKeys else ("run", "shell")
        return {"jobs": {"a": {"every": "15m", action: {short: "a:b", key: value}}}}
    place = next(name for name, field in FileKeys.model_fields.items() if inner_map(field) is model)
    return {place: {key: value}, "jobs": {"a": job}}


def _examples() -> Iterator[Any]:
    for model in MODELS:
        for key, field in model.model_fields.items():
            for value in field.examples or []:
                yield pytest.param(model, key, value, id=f"{model.__name__}.{key}: {flow(value)}")


EXAMPLES = list(_examples())


@pytest.mark.parametrize(("model", "key", "value"), EXAMPLES)
def test_every_example_passes(tmp_path: Path, model: type[Strict], key: str, value: Any) -> None:
    assert told(tmp_path, json.dumps(table_with(model, key, value))) == ""


@pytest.mark.parametrize(("model", "key", "value"), EXAMPLES)
def test_every_example_is_written_as_it_is_read(model: type[Strict], key: str, value: Any) -> None:
    written = f"{key}: {flow(value)}"

    assert content(read_document(Source("config.yaml", written)).root) == {key: value}
    assert model is not None


@pytest.mark.parametrize("key", list(JobKeys.model_fields))
def test_an_example_says_something_else_than_the_default(key: str) -> None:
    field = JobKeys.model_fields[key]

    assert default(field) != f"`{flow((field.examples or [None])[0])}`"


def test_the_page_has_todays_tables() -> None:
    """`make schema` makes them anew."""
    assert filled(TEXT) == TEXT


@pytest.mark.parametrize("model", MODELS)
def test_the_page_has_a_row_for_every_key(model: type[Strict]) -> None:
    assert [key for key in model.model_fields if f"\n| `{key}` | " not in TEXT] == []


def test_the_files_on_the_page_pass(tmp_path: Path) -> None:
    blocks = [block.partition("```")[0] for block in TEXT.split("```yaml\n")[1:]]

    assert len(blocks) == 1
    assert [told(tmp_path, block) for block in blocks] == [""]


@pytest.mark.parametrize(
    "value",
    ["300", "1:30", "yes", "*/5 * * * *", "a: b", "a #b", "", " a", "null", "é", "${A}", "- a", "{", "a,b", "it's"],
)
def test_text_is_quoted_where_a_reader_would_take_it_for_something_else(value: str) -> None:
    assert content(read_document(Source("config.yaml", f"a: [{flow(value)}]")).root) == {"a": [value]}
    assert yaml.safe_load(f"a: [{flow(value)}]") == {"a": [value]} or json_value(value) == value

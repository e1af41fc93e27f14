"""docs/configuration.md says what the keys say of themselves, and what it says holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.reference import PAGE, default, filled, flow
from scheduler.config.document import Source, content
from scheduler.config.keys import ACTIONS
from scheduler.config.models.actions import CeleryKeys, HttpKeys, KubernetesJobKeys, PythonKeys, ShellKeys
from scheduler.config.models.file import FileKeys, JobKeys
from scheduler.config.models.policies import NotifyKeys, PolicyKeys
from scheduler.config.models.settings import HookKeys, HooksKeys, TargetKeys
from scheduler.config.models.strict import Strict, inner_map
from scheduler.config.text.composing import json_value
from scheduler.config.text.reading import read_document
from tests.edges.config_text import told
from tests.edges.test_config_schema import MODELS

TEXT = PAGE.read_text(encoding="utf-8")
SCHEDULED = {"every": "15m"}
TARGETS = {"ops": {"webhook": "https://chat/hook"}}
BESIDE: dict[str, dict[str, Any]] = {"offset": SCHEDULED, "cron": {}, "every": {}, "at": {}, "manual": {}}
LEAST: dict[type[Strict], tuple[str, dict[str, Any]]] = {
    PythonKeys: ("python", {"call": "a:b"}),
    ShellKeys: ("shell", {"run": "ls"}),
    HttpKeys: ("http", {"url": "https://crm/sync"}),
    KubernetesJobKeys: ("kubernetes_job", {"image": "acme/indexer:4"}),
    CeleryKeys: ("celery", {"task": "mail.trial", "broker": "redis://broker"}),
}


def table_with(model: type[Strict], key: str, value: Any) -> dict[str, Any]:
    """A config.yaml in which this key of this map has the value, and else as little as can be."""
    table: dict[str, Any] = {"jobs": {"a": {**SCHEDULED, "shell": "ls"}}}
    if model in (JobKeys, PolicyKeys):
        schedule = BESIDE.get(key, SCHEDULED)
        action = {} if key in ACTIONS else {"shell": "ls"}
        return {"notify": TARGETS, "jobs": {"a": {**schedule, **action, key: value}}}
    if model is NotifyKeys:
        return {"notify": TARGETS, "defaults": {"notify": {key: value}}, **table}
    if model in LEAST:
        action, least = LEAST[model]
        least = {} if key == "template" else least
        return {"jobs": {"a": {**SCHEDULED, action: {**least, key: value}}}}
    return {**table, **_at_the_top(model, key, value)}


def _at_the_top(model: type[Strict], key: str, value: Any) -> dict[str, Any]:
    if model is FileKeys:
        return {"notify": TARGETS, key: value}
    if model is TargetKeys:
        return {"notify": {"ops": {"webhook": "https://chat/hook", key: value}}}
    if model is HooksKeys:
        return {"lease": {"hooks": {key: value}}}
    if model is HookKeys:
        return {"lease": {"hooks": {"started": {key: value}}}}
    place = next(name for name, field in FileKeys.model_fields.items() if inner_map(field) is model)
    return {place: {key: value}}


def _examples() -> Iterator[Any]:
    for model in MODELS:
        for key, field in model.model_fields.items():
            for value in field.examples or []:
                yield pytest.param(model, key, value, id=f"{model.__name__}.{key}: {flow(value)}")


EXAMPLES = list(_examples())


@pytest.mark.parametrize(("model", "key", "value"), EXAMPLES)
def test_every_example_passes(tmp_path: Path, model: type[Strict], key: str, value: Any) -> None:
    assert told(tmp_path, json.dumps(table_with(model, key, value))) == ""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All the variables that the examples refer to."""
    for name in ("OPS_WEBHOOK", "PAGER_TOKEN"):
        monkeypatch.setenv(name, "https://chat/hook")
    for name in ("OPS_TOKEN", "CRM_TOKEN", "CRM_KEY", "PING_KEY"):
        monkeypatch.setenv(name, "a-value")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker/0")


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

    assert len(blocks) > 4
    assert [told(tmp_path, block) for block in blocks if "jobs:" in block] == [""] * len(blocks)


@pytest.mark.parametrize(
    "value",
    ["300", "1:30", "yes", "*/5 * * * *", "a: b", "a #b", "", " a", "null", "é", "${A}", "- a", "{", "a,b", "it's"],
)
def test_text_is_quoted_where_a_reader_would_take_it_for_something_else(value: str) -> None:
    assert content(read_document(Source("config.yaml", f"a: [{flow(value)}]")).root) == {"a": [value]}
    assert yaml.safe_load(f"a: [{flow(value)}]") == {"a": [value]} or json_value(value) == value

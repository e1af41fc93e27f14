"""The table: how `config` becomes the config.yaml that pods read, and when pods must start anew for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from scheduler.clock import SystemClock
from scheduler.config.loading import load
from tests.chart.rendering import CHART, EVERYTHING, Rendered, render

OF_THE_TABLE = ("config", "files", "nameOverride", "fullnameOverride")  # the names are the Lease's
JOB = {"every": "5s", "shell": "date"}


def _checksum(rendered: Rendered) -> str:
    return str(rendered.template["metadata"]["annotations"]["checksum/config"])


def test_without_jobs_the_examples_run_and_everything_else_of_config_holds() -> None:
    config = render({"config": {"timezone": "UTC", "max_parallel": 3}}).config

    assert list(config["jobs"]) == ["hello", "meter", "nightly-report"]
    assert config["timezone"] == "UTC"
    assert config["max_parallel"] == 3


def test_the_examples_are_those_of_the_repository() -> None:
    examples = yaml.safe_load((CHART / "files" / "examples.yaml").read_text())

    assert examples == yaml.safe_load((CHART.parents[1] / "config.yaml").read_text())


def test_with_jobs_nothing_of_the_examples_is_left() -> None:
    assert render({"config": {"jobs": {"mine": JOB}}}).config == {
        "jobs": {"mine": JOB},
        "lease": {"name": "beat-leasebeat"},
    }


@pytest.mark.parametrize("file", ["default", "one-replica", "everything", "openshift"])
def test_what_is_rendered_loads(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    rendered = render(file=CHART / "ci" / f"{file}-values.yaml")
    for name, text in rendered.all("ConfigMap")[0]["data"].items():
        (tmp_path / name).write_text(text)

    loaded = load(tmp_path / "config.yaml", SystemClock().wall())

    assert loaded.table.jobs.keys() == rendered.config["jobs"].keys()
    assert loaded.table.revision == 0, "a number of the chart would make a rolled back table an outdated one"


def test_numbers_nulls_and_texts_among_arguments_arrive_as_they_were_written() -> None:
    arguments = [None, 1, 10_000_000, 1.5, "08", "yes", "1e3", "{{ .Release.Name }}", {"deep": None}]
    job = {"every": "5s", "python": {"call": "a:b", "args": arguments, "kwargs": {"none": None}}}

    assert render({"config": {"jobs": {"it": job}}}).config["jobs"]["it"] == job


def test_a_job_that_is_null_is_no_job() -> None:
    assert list(render({"config": {"jobs": {"mine": JOB, "other": None}}}).config["jobs"]) == ["mine"]


def test_null_takes_a_file_and_a_variable_away_that_another_values_file_has() -> None:
    rendered = render({"files": {"mine.py": "", "other.py": None}, "env": {"MINE": 10_000_000, "OTHER": None}})

    assert rendered.one("ConfigMap")["data"].keys() == {"config.yaml", "mine.py"}
    assert rendered.container["env"][-1] == {"name": "MINE", "value": "10000000"}


def test_beside_an_existing_table_nothing_is_mounted_for_a_file_that_is_null() -> None:
    rendered = render({"existingConfigMap": "mine", "files": {"other.py": None}})

    assert not rendered.all("ConfigMap")
    assert rendered.volume("config")["projected"]["sources"] == [{"configMap": {"name": "mine"}}]


def test_the_lease_has_the_full_name_unless_config_says_another() -> None:
    assert render().config["lease"] == {"name": "beat-leasebeat"}
    assert render({"config": {"lease": {"name": "shop"}}}).config["lease"] == {"name": "shop"}


def test_a_table_is_never_changed_in_place() -> None:
    table = render().one("ConfigMap")

    assert table["immutable"] is True
    assert table["metadata"]["name"] == f"beat-leasebeat-{_checksum(render())[:8]}"
    assert render().volume("config")["configMap"]["name"] == table["metadata"]["name"]


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"jobs": {"mine": JOB}}},
        {"config": {"timezone": "UTC"}},
        {"config": {"lease": {"drain_timeout": "90s"}}},
        {"files": {"report.py": "def main(): pass"}},
        {"fullnameOverride": "other-lease"},
    ],
)
def test_the_checksum_changes_with_the_table_and_its_files(change: dict[str, Any]) -> None:
    assert _checksum(render(change)) != _checksum(render())


def test_the_checksum_changes_with_nothing_else() -> None:
    everything = yaml.safe_load(EVERYTHING.read_text())
    others = {key: value for key, value in everything.items() if key not in OF_THE_TABLE}

    assert others.keys() == yaml.safe_load((CHART / "values.yaml").read_text()).keys() - {
        *OF_THE_TABLE,
        "existingConfigMap",
    }
    assert _checksum(render(others)) == _checksum(render())


def test_a_new_release_of_the_chart_changes_no_checksum() -> None:
    assert "0.1.0" not in str(render().one("ConfigMap")["data"])


def test_an_existing_table_is_mounted_beside_the_files_of_the_values() -> None:
    rendered = render(file=CHART / "ci" / "existing-config-values.yaml")
    files = rendered.one("ConfigMap")

    assert files["data"].keys() == {"report.py"}
    assert [found["configMap"]["name"] for found in rendered.volume("config")["projected"]["sources"]] == [
        "shop-jobs",
        files["metadata"]["name"],
    ]
    assert rendered.pod["terminationGracePeriodSeconds"] == 135
    assert rendered.container["ports"][0]["containerPort"] == 9000


def test_an_existing_table_alone_leaves_nothing_to_make() -> None:
    rendered = render({"existingConfigMap": "{{ .Release.Name }}-jobs"})

    assert not rendered.all("ConfigMap")
    assert rendered.volume("config")["projected"]["sources"] == [{"configMap": {"name": "beat-jobs"}}]
    assert "checksum/config" not in rendered.template["metadata"]["annotations"]

"""What the chart renders is sound for Helm and for Kubernetes, for every file of values under ci/."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate
import pytest

from tests.chart.rendering import CHART, CI_VALUES, Manifest, helm, render

OLDEST, MIDDLE, NEWEST = "1.29", "1.33", kubernetes_validate.latest_version()
every_ci_file = pytest.mark.parametrize("file", CI_VALUES, ids=lambda file: file.stem)


def test_there_is_a_file_of_values_for_each_way_of_use() -> None:
    found = {file.stem.removesuffix("-values") for file in CI_VALUES}

    assert found == {"default", "one-replica", "everything", "existing-config", "openshift"}


@every_ci_file
def test_helm_finds_nothing_to_mend(file: Path) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), "--values", str(file))


@pytest.mark.parametrize("version", [OLDEST, MIDDLE, NEWEST])
@every_ci_file
def test_kubernetes_knows_every_field(file: Path, version: str) -> None:
    for manifest in render(file=file).objects:
        if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
            continue  # the Prometheus Operator's; test_metrics.py looks at them
        kubernetes_validate.validate(manifest, version, strict=True)


@every_ci_file
def test_names_and_namespaces_are_the_releases(file: Path) -> None:
    for manifest in _own(file):
        assert manifest["metadata"]["namespace"] == "ops", manifest["kind"]
        assert len(manifest["metadata"]["name"]) <= 63


@every_ci_file
def test_every_object_says_whose_it_is(file: Path) -> None:
    for manifest in _own(file):
        labels = manifest["metadata"]["labels"]

        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/version"]
        assert labels["helm.sh/chart"].startswith("leasebeat-")


def _own(file: Path) -> list[Manifest]:
    return [found for found in render(file=file).objects if found["metadata"]["name"] not in ("beat-extra", "beat-env")]


LONG = "a" * 53  # as long as Helm lets a release's name be


def test_a_long_name_is_cut_before_its_suffix_so_that_two_never_become_one() -> None:
    rendered = render({"fullnameOverride": "b" * 80}, release=LONG)
    deployment, table = rendered.one("Deployment")["metadata"]["name"], rendered.one("ConfigMap")["metadata"]["name"]

    assert deployment == "b" * 63
    assert table.startswith("b" * 54 + "-")
    assert len(table) == 63
    assert rendered.one("Pod")["metadata"]["name"] == "b" * 58 + "-test"


@pytest.mark.parametrize(
    ("release", "values", "name"),
    [
        ("beat", {}, "beat-leasebeat"),
        ("leasebeat", {}, "leasebeat"),
        ("my-leasebeat-2", {}, "my-leasebeat-2"),
        ("beat", {"nameOverride": "jobs"}, "beat-jobs"),
        ("beat", {"fullnameOverride": "jobs"}, "jobs"),
    ],
)
def test_the_full_name(release: str, values: Manifest, name: str) -> None:
    assert render(values, release=release).one("Deployment")["metadata"]["name"] == name


def test_as_part_of_a_parent_chart_it_gets_along_with_values_that_are_not_its_own(tmp_path: Path) -> None:
    parent = tmp_path / "shop"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / "leasebeat").symlink_to(CHART)
    dependency = '{"name": "leasebeat", "version": "0.x", "condition": "leasebeat.enabled"}'
    (parent / "Chart.yaml").write_text(f"apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{dependency}]\n")
    (parent / "values.yaml").write_text("global: {domain: shop.example.com, imageRegistry: mirror.example.com}\n")

    rendered = render({"leasebeat": {"enabled": True, "replicaCount": 2}}, chart=parent)

    assert rendered.one("Deployment")["spec"]["replicas"] == 2
    assert rendered.container["image"].startswith("mirror.example.com/")
    assert not render({"leasebeat": {"enabled": False}}, chart=parent).objects

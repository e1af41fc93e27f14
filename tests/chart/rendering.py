"""Renders the chart with the `helm` on the path (or $HELM), each set of values once."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "charts" / "leasebeat"
CI_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
EVERYTHING = CHART / "ci" / "everything-values.yaml"
HELM = os.environ.get("HELM", "helm")
RELEASE, NAMESPACE = "beat", "ops"
NEWEST = "1.36.0"

Manifest = dict[str, Any]
Values = Mapping[str, Any]


class Refused(Exception):
    """Helm refused the values; the text is what it said."""


@dataclass(frozen=True)
class Rendered:
    """All objects of one rendering."""

    objects: tuple[Manifest, ...]

    def all(self, kind: str) -> list[Manifest]:
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str) -> Manifest:
        (found,) = self.all(kind)
        return found

    @property
    def template(self) -> Manifest:
        return self.one("Deployment")["spec"]["template"]

    @property
    def pod(self) -> Manifest:
        return self.template["spec"]

    @property
    def container(self) -> Manifest:
        return next(found for found in self.pod["containers"] if found["name"] == "leasebeat")

    @property
    def config(self) -> Manifest:
        """The table that the pods read."""
        texts = [found["data"]["config.yaml"] for found in self.all("ConfigMap") if "config.yaml" in found["data"]]
        return yaml.safe_load(texts[0])

    def volume(self, name: str) -> Manifest:
        return next(found for found in self.pod["volumes"] if found["name"] == name)


def render(
    values: Values | None = None, *, file: Path | None = None, release: str = RELEASE, chart: Path = CHART
) -> Rendered:
    """What `helm template` makes of the values; raises Refused."""
    said = _template(json.dumps(values or {}), file, release, chart)
    return Rendered(tuple(found for found in yaml.safe_load_all(said) if found))


@cache
def _template(values: str, file: Path | None, release: str, chart: Path) -> str:
    files = ["--values", str(file)] if file else []
    return helm("template", release, str(chart), "--kube-version", NEWEST, *files, "--values", "-", stdin=values)


def helm(*arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> str:
    """What the command prints; raises Refused with what it says when it fails."""
    done = subprocess.run(
        [HELM, *arguments, "--namespace", NAMESPACE],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def leaves(values: Values, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all values that are no maps of further ones; an empty map is a value."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def only(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Values that hold one value, under its path."""
    for key in reversed(path):
        value = {key: value}
    return value

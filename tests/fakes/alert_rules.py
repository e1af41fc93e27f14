"""The chart's alerts as a file of rules, with the values that values.yaml has, filled in as the chart does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "leasebeat"
SELECTOR = 'namespace="ops",lease="beat-leasebeat"'


def alerts() -> list[dict[str, Any]]:
    """Every alert as a rule of Prometheus, in the order of their names."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())["metrics"]["rules"]
    said = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    return [_alert(name, said[name], values[name]) for name in sorted(said)]


def _alert(name: str, said: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    for word in ("threshold", "window"):
        said = {key: text.replace(word.upper(), str(values.get(word))) for key, text in said.items()}
    return {
        "alert": name,
        "expr": said["expr"].replace("SELECTOR", SELECTOR),
        "for": values["for"],
        "labels": {"severity": values["severity"], "namespace": "ops", "lease": "beat-leasebeat"},
        "annotations": {"summary": said["summary"], "description": said["description"]},
    }

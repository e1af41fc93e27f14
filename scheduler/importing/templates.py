"""A CronJob's `jobTemplate`, copied into a job table.

The API server has judged it already, unless it comes from a file: then what is certain never to start is left out here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from scheduler.importing.found import NoCounterpart, Plain, one_line

_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")
_OURS = ("name", "generateName", "namespace")
_DEEPEST = 30


def copied_template(template: object, differs: list[str]) -> dict[str, Plain]:
    """What of the template can be said; what was left out of it is added to `differs`.

    Raises `NoCounterpart` for one that no Job can be made of.
    """
    if not isinstance(template, Mapping) or not isinstance(template.get("spec"), Mapping):
        raise NoCounterpart("it has no jobTemplate with a spec")
    spec = _plain(template["spec"])
    assert isinstance(spec, dict)
    _refuse_what_never_starts(spec)
    metadata = _plain(template.get("metadata") or {})
    if not isinstance(metadata, dict):
        raise NoCounterpart("the metadata of its jobTemplate is no map")
    if named := [key for key in _OURS if key in metadata]:
        differs.append(f"left out of the jobTemplate's metadata: {', '.join(named)}; the Job is named after its run")
    kept: dict[str, Plain] = {key: value for key, value in metadata.items() if key not in _OURS and value is not None}
    made: dict[str, Plain] = {"metadata": kept} if kept else {}
    return made | {"spec": spec}


def _refuse_what_never_starts(spec: dict[str, Plain]) -> None:
    if spec.get("suspend") is True:
        raise NoCounterpart("its Jobs are suspended, and would never start")
    pod: Plain = spec
    for step in ("template", "spec"):
        pod = pod.get(step) if isinstance(pod, dict) else None
    if not isinstance(pod, dict):
        raise NoCounterpart("its jobTemplate has no template of a pod")
    if pod.get("restartPolicy") not in (None, "Never", "OnFailure"):
        raise NoCounterpart("the restartPolicy of a Job's pod is Never or OnFailure")
    containers = pod.get("containers")
    if not isinstance(containers, list) or not containers or not all(map(_has_image, containers)):
        raise NoCounterpart("its pod has no containers with name and image")


def _has_image(container: Plain) -> bool:
    said = [container.get(key) for key in ("name", "image")] if isinstance(container, dict) else [None]
    return all(isinstance(value, str) and value for value in said)


def _plain(value: object, depth: int = 0) -> Plain:
    """The value as a YAML file of ours can hold it."""
    if depth < _DEEPEST and isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {_text(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if depth < _DEEPEST and isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise NoCounterpart(f"its jobTemplate has a value of type {type(value).__name__}, which a job table cannot hold")


def _text(text: str) -> str:
    if _UNUSABLE.search(text):
        raise NoCounterpart("its jobTemplate has characters that a YAML file cannot hold")
    if _REFERENCE.fullmatch(text):
        raise NoCounterpart(f"{one_line(text, 60)} in its jobTemplate would be read as a reference")
    return text

"""Whether the template of a Kubernetes Job has the shape that a CronJob has under `jobTemplate`.

Only what would never start, or would be somebody else's, is looked at; the API server knows the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scheduler.config.checking import Finding
from scheduler.config.document import Path
from scheduler.config.mistakes import Mistake, expected, printable

_POLICIES = ("Never", "OnFailure")
_NAMED = "the Job is named after its run, and made where the Lease is"
_TOP = {
    "apiVersion": "here stands what a CronJob has under jobTemplate: metadata and spec alone",
    "kind": "here stands what a CronJob has under jobTemplate: metadata and spec alone",
    "jobTemplate": "here stands what is below jobTemplate",
    "file": "write the template itself; leasebeat import cronjobs does",
    "template": "it belongs under spec:",
    "containers": "it belongs under spec: {template: {spec: ...}}",
}


def misshapen_template(template: dict[str, Any], path: Path) -> Iterator[Finding]:
    """What is wrong with the template at this path."""
    for key in template:
        if key not in ("metadata", "spec"):
            yield path, Mistake(f'unknown key "{printable(key)}"', "unknown-key", _TOP.get(key), key=key)
    yield from _metadata(template.get("metadata"), (*path, "metadata"))
    if "spec" not in template:
        if template.keys() <= {"metadata"}:
            yield path, _missing("spec")
        return
    yield from _of_job(template["spec"], (*path, "spec"))


def _metadata(metadata: object, path: Path) -> Iterator[Finding]:
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        yield path, expected("a map", "type", "such as {labels: {team: crm}}")
        return
    for key in ("name", "generateName", "namespace"):
        if key in metadata:
            yield path, Mistake(f"{key} cannot be set here", "job-template", _NAMED, key=key)


def _of_job(spec: object, path: Path) -> Iterator[Finding]:
    if not isinstance(spec, dict):
        yield path, expected("a map", "type", "what a Job has under spec")
        return
    if spec.get("suspend") is True:
        hint = "a suspended Job never starts: enabled: false is a job's own key"
        yield (*path, "suspend"), expected("false", "job-template", hint)
    if "template" not in spec:
        inner = next((key for key in ("jobTemplate", "containers") if key in spec), None)
        known = inner and Mistake(f'unknown key "{inner}"', "unknown-key", _TOP[inner], key=inner)
        yield path, known or _missing("template")
        return
    pod = spec["template"]
    if not isinstance(pod, dict):
        yield (*path, "template"), expected("a map", "type", "what a Job has under spec.template")
    elif "spec" not in pod:
        yield (*path, "template"), _missing("spec")
    else:
        yield from _of_pod(pod["spec"], (*path, "template", "spec"))


def _of_pod(spec: object, path: Path) -> Iterator[Finding]:
    if not isinstance(spec, dict):
        yield path, expected("a map", "type", "such as {containers: [{name: main, image: acme/indexer:4}]}")
        return
    if spec.get("restartPolicy") not in (None, *_POLICIES):
        hint = "a Job's pods end; Never is the usual one"
        yield (*path, "restartPolicy"), expected("Never or OnFailure", "choice", hint)
    if "containers" not in spec:
        yield path, _missing("containers")
        return
    containers = spec["containers"]
    hint = "such as [{name: main, image: acme/indexer:4}]"
    if not isinstance(containers, list):
        yield (*path, "containers"), expected("a list of containers", "type", hint)
        return
    if not containers:
        yield (*path, "containers"), Mistake("expected at least one container", "type", hint)
    for position, container in enumerate(containers):
        yield from _container(container, (*path, "containers", position))


def _container(container: object, path: Path) -> Iterator[Finding]:
    if not isinstance(container, dict):
        yield path, expected("a container", "type", "such as {name: main, image: acme/indexer:4}")
        return
    for key in ("name", "image"):
        if key not in container:
            yield path, Mistake(f'key "{key}" is missing', "missing", f"add {key}:")
        elif not isinstance(container[key], str) or not container[key]:
            yield (*path, key), expected("text", "type", None)


def _missing(key: str) -> Mistake:
    return Mistake(f'key "{key}" is missing', "missing", f"add {key}:", on_key=True)

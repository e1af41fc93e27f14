"""CronJob objects from manifests: one or many YAML documents, JSON, or a List as `kubectl get -o yaml` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from scheduler.importing.found import CannotImport, one_line

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 5  # lists within lists


def cronjobs_in(file: str, text: str) -> list[Mapping[str, Any]]:
    """The CronJobs of the text, in order; what else is there is passed over. Raises `CannotImport` for broken YAML."""
    try:
        documents = list(yaml.load_all(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise CannotImport(f"{place}: {one_line(error.problem or 'not YAML')}") from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise CannotImport(f"{file}: not YAML: {one_line(str(error))}") from None
    return [found for document in documents for found in _cronjobs(document, _DEEPEST)]


def _cronjobs(document: object, depth: int) -> Iterator[Mapping[str, Any]]:
    if not isinstance(document, Mapping) or not depth:
        return
    kind, items = document.get("kind"), document.get("items")
    if kind == "CronJob" and str(document.get("apiVersion", "batch/v1")).startswith("batch/"):
        yield document
    elif isinstance(items, list) and str(kind).endswith("List"):
        for item in items:
            # the items of a CronJobList need not say what they are
            whole = {"kind": "CronJob", **item} if kind == "CronJobList" and isinstance(item, Mapping) else item
            yield from _cronjobs(whole, depth - 1)

"""Files that were meant for another program: what they are, and how to make a job table of them.

Whoever comes from another scheduler tries what he has. One sentence that knows the thing is worth more than a complaint
about each of its keys.
"""

from __future__ import annotations

import re

from scheduler.config.document import MapNode, Node, Scalar, Source
from scheduler.config.mistakes import Mistake, printable
from scheduler.core.errors import Problem

CRONTAB = "expected a map of settings and jobs, got a crontab"
_OF_CRONTAB = "leasebeat import crontab FILE writes one from it"
_OF_CELERY = "leasebeat import celery MODULE:APP writes one from it"

_FIELD = r"(?:\*|[0-9]+(?:-[0-9]+)?|[A-Za-z]{3}(?:-[A-Za-z]{3})?)(?:/[0-9]+)?"
_FIELDS = rf"{_FIELD}(?:,{_FIELD})*"
_CRONTAB_LINE = re.compile(rf"^[ \t]*(?:(?:{_FIELDS}[ \t]+){{5}}|@[a-z]+[ \t]+)[A-Za-z./~\[({{$\"'].*$", re.MULTILINE)
_CELERY = re.compile(r"beat_schedule|\bcrontab\(")
_OURS = re.compile(r"^[\"']?jobs[\"']?[ \t]*:|^[ \t]*\{", re.MULTILINE)


def stranger_by_text(source: Source) -> Problem | None:
    """The one problem of a text that is no YAML, or one long sentence to YAML, if it is known what it is instead."""
    if _OURS.search(source.text):
        return None
    if celery := _CELERY.search(source.text):
        mistake = Mistake("expected a map of settings and jobs, got Celery's", "stranger", _OF_CELERY)
        return source.problem("", mistake, *celery.span())
    if line := _CRONTAB_LINE.search(source.text):
        return source.problem("", Mistake(CRONTAB, "stranger", _OF_CRONTAB), *line.span())
    return None


def stranger_by_keys(root: MapNode) -> Mistake | None:
    """The one mistake of a map that is something else, told of its key; None if it may be ours."""
    if "jobs" in root.entries:
        return None
    kind = root.entries.get("kind")
    if kind and "apiVersion" in root.entries:
        name = kind[1].text if isinstance(kind[1], Scalar) else "object"
        return Mistake(
            f"expected a map of settings and jobs, got a {_kind(name)}", "stranger", _of_kind(name), key="kind"
        )
    if "config" in root.entries and _has(root.entries["config"][1], "jobs"):
        hint = "here stands what is under config:, without it; the chart takes it as it is"
        return Mistake("expected a map of settings and jobs, got values of the chart", "stranger", hint, key="config")
    for key in ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE"):
        if key in root.entries:
            return Mistake("expected a map of settings and jobs, got Celery's", "stranger", _OF_CELERY, key=key)
    return None


def is_crontab_line(text: str) -> bool:
    """Whether the text has five fields of time and then a command."""
    return bool(_CRONTAB_LINE.fullmatch(text))


def _kind(name: str) -> str:
    return f"Kubernetes {printable(name)}"


def _of_kind(name: str) -> str:
    match name:
        case "CronJob" | "CronJobList" | "List":
            return "leasebeat import cronjobs FILE writes one from it"
        case "ConfigMap":
            return "here stands what it has under data, without the |"
    return "the smallest one: jobs: {hello: {every: 1m, shell: date}}"


def _has(node: Node, key: str) -> bool:
    return isinstance(node, MapNode) and key in node.entries

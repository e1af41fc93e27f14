"""What is said about a key that is not one of ours: a later version's, another scheduler's, or a slip of the pen."""

from __future__ import annotations

from collections.abc import Collection

from scheduler.config.document import Path
from scheduler.config.mistakes import Mistake, meant, printable
from scheduler.config.models import (
    FileKeys,
    HealthKeys,
    JobKeys,
    LeaseKeys,
    LoggingKeys,
    PolicyKeys,
    PythonKeys,
    ShellKeys,
    Strict,
)
from scheduler.config.values import LATER

SCHEDULES = ("cron", "every", "at", "manual")
ACTIONS = ("python", "shell")
LATER_ACTIONS = ("http", "kubernetes_job", "celery")

_NOTIFY = "until then: watch the log, or let the job itself tell"
_LATER_OF_FILE = {"notify": _NOTIFY}
_LATER_OF_HEALTH = {"page": "until then there is no page, only probes"}
_LATER_OF_POLICY = {
    "notify": _NOTIFY,
    "ping": "until then: let the job itself call it",
    "output": "until then: output is logged line by line",
}
_LATER_OF_JOB = {
    **_LATER_OF_POLICY,
    "http": "until then: shell: curl -fsS URL",
    "kubernetes_job": "until then: python or shell, which run on the leader",
    "celery": "until then: a python function that calls send_task",
}

# What people know from CronJob, APScheduler and Celery (the table of words in docs) -> what they would write here.
_ELSEWHERE = {
    "schedule": "cron",
    "timeZone": "timezone",
    "suspend": "enabled",
    "concurrencyPolicy": "overlap",
    "max_instances": "overlap",
    "startingDeadlineSeconds": "catch_up_window",
    "misfire_grace_time": "catch_up_window",
    "coalesce": "catch_up",
    "activeDeadlineSeconds": "timeout",
    "time_limit": "timeout",
    "max_retries": "retries",
    "command": "shell",
    "func": "python",
    "task": "python",
}

# What has no key here, because something else says it.
_NO_KEY = {
    "name": "the key above is the name",
    "description": "write it behind a #",
    "comment": "write it behind a #",
    "image": "jobs run in the leader's own image",
    "jobTemplate": "leasebeat import cronjobs makes jobs of CronJobs",
}

# Keys at home one map further in, for those who left that map out.
_INNER: dict[type[Strict], dict[str, type[Strict]]] = {
    FileKeys: {"lease": LeaseKeys, "logging": LoggingKeys, "health": HealthKeys, "defaults": PolicyKeys},
    JobKeys: {"python": PythonKeys, "shell": ShellKeys},
}


def unknown_key(path: Path, key: str, siblings: Collection[str] = ()) -> Mistake:
    """The refusal of `key` in the map at `path`, which has the `siblings` too."""
    model = _model_at(path)
    later = _later(model)
    if key in later:
        return Mistake(f'key "{key}" is not in this version', LATER, later[key], key=key)
    return Mistake(f'unknown key "{printable(key)}"', "unknown-key", _way_out(model, key, siblings), key=key)


def meant_key(path: Path, key: str) -> str | None:
    """The key of ours that `key` in the map at `path` was probably meant to be; None if it is one, or like none."""
    known = _model_at(path).model_fields
    return None if key in known else _ELSEWHERE.get(key) or meant(key, known)


def _model_at(path: Path) -> type[Strict]:
    """The model that says which keys the map at this path has."""
    match path:
        case ():
            return FileKeys
        case ("jobs", _, "python"):
            return PythonKeys
        case ("jobs", _, "shell"):
            return ShellKeys
        case ("jobs", _):
            return JobKeys
    return _INNER[FileKeys][str(path[0])]


def _later(model: type[Strict]) -> dict[str, str]:
    later = {FileKeys: _LATER_OF_FILE, HealthKeys: _LATER_OF_HEALTH}
    return {**later, PolicyKeys: _LATER_OF_POLICY, JobKeys: _LATER_OF_JOB}.get(model, {})


def _way_out(model: type[Strict], key: str, siblings: Collection[str]) -> str | None:
    if (other := _ELSEWHERE.get(key)) and other in model.model_fields:
        return f'did you mean "{other}"?'
    if hint := _NO_KEY.get(key):
        return hint
    homes = [home for home, inner in _INNER.get(model, {}).items() if key in inner.model_fields]
    if homes:
        home = next((home for home in homes if home in siblings), homes[0])
        return f"it belongs under {home}:"
    if key in JobKeys.model_fields:
        return "it belongs to a job"
    near = meant(key, model.model_fields)
    return f'did you mean "{near}"?' if near else None

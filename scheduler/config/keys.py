"""What is said about a key that is not one of ours: a later version's, another scheduler's, or a slip of the pen."""

from __future__ import annotations

from collections.abc import Collection

from scheduler.config.document import Path
from scheduler.config.mistakes import Mistake, meant, printable
from scheduler.config.models.file import FileKeys, JobKeys
from scheduler.config.models.strict import Strict, by_name, inner_map

SCHEDULES = ("cron", "every", "at", "manual")
ACTIONS = ("python", "shell", "http", "kubernetes_job", "celery")
HOOK_ACTIONS = ("python", "shell", "http")

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
    "task": "celery",
    "jobTemplate": "kubernetes_job",
}

# What has no key here, because something else says it.
_NO_KEY = {
    "name": "the key above is the name",
    "description": "write it behind a #",
    "comment": "write it behind a #",
}


def unknown_key(path: Path, key: str, siblings: Collection[str] = ()) -> Mistake:
    """The refusal of `key` in the map at `path`, which has the `siblings` too."""
    model = _model_at(path)
    return Mistake(f'unknown key "{printable(key)}"', "unknown-key", _way_out(model, key, siblings), key=key)


def meant_key(path: Path, key: str) -> str | None:
    """The key of ours that `key` in the map at `path` was probably meant to be; None if it is one, or like none."""
    known = _model_at(path).model_fields
    return None if key in known else _ELSEWHERE.get(key) or meant(key, known)


def _model_at(path: Path) -> type[Strict]:
    """The model that says which keys the map at this path has."""
    model: type[Strict] = FileKeys
    steps = iter(path)
    for step in steps:
        field = model.model_fields[str(step)]
        model = inner_map(field) or model
        if by_name(field):
            next(steps, None)
    return model


def _inner(model: type[Strict]) -> dict[str, type[Strict]]:
    """The maps of keys of ours that the map has under keys of its own: homes for those who left one out."""
    fields = ((key, field) for key, field in model.model_fields.items() if not by_name(field))
    return {key: inner for key, field in fields if (inner := inner_map(field))}


def _way_out(model: type[Strict], key: str, siblings: Collection[str]) -> str | None:
    if (other := _ELSEWHERE.get(key)) and other in model.model_fields:
        return f'did you mean "{other}"?'
    if hint := _NO_KEY.get(key):
        return hint
    homes = [home for home, inner in _inner(model).items() if key in inner.model_fields]
    if homes:
        home = next((home for home in homes if home in siblings), homes[0])
        return f"it belongs under {home}:"
    if key in JobKeys.model_fields:
        return "it belongs to a job"
    near = meant(key, model.model_fields)
    return f'did you mean "{near}"?' if near else None

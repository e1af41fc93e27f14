"""What is said about a key that is not one of ours: a later version's, another scheduler's, or a slip of the pen."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from scheduler.config.document import Path
from scheduler.config.mistakes import Mistake, listing, meant, printable
from scheduler.config.models.actions import OPTIONS, CeleryKeys, HttpKeys, KubernetesJobKeys, PythonKeys, ShellKeys
from scheduler.config.models.file import FileKeys, JobKeys
from scheduler.config.models.policies import NotifyKeys
from scheduler.config.models.settings import HookKeys, HooksKeys, TargetKeys
from scheduler.config.models.strict import Strict, by_name, inner_map
from scheduler.config.values.web import METHODS

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
    "max_attempts": "retries",
    "backoffLimit": "retries",
    "backoff": "retry_delay",
    "command": "shell",
    "func": "python",
    "task": "celery",
    "jobTemplate": "kubernetes_job",
}

# The same for what lies deeper, by its map: words of client libraries, of manifests, and of client-go.
_BY_MAP: dict[type[Strict], dict[str, str]] = {
    PythonKeys: dict.fromkeys(("func", "function", "callable"), "call"),
    ShellKeys: {
        **dict.fromkeys(("command", "cmd", "script"), "run"),
        **dict.fromkeys(("dir", "workdir", "workingDir", "working_directory"), "cwd"),
    },
    HttpKeys: {
        **dict.fromkeys(("uri", "endpoint", "file", *METHODS.lower().split()), "url"),
        **dict.fromkeys(("verb", "type"), "method"),
        **dict.fromkeys(("data", "json", "payload", "content"), "body"),
        **dict.fromkeys(("status", "expected_status", "ok"), "expect"),
    },
    KubernetesJobKeys: {"spec": "template", "jobTemplate": "template", "ttlSecondsAfterFinished": "ttl"},
    CeleryKeys: {"name": "task"},
    TargetKeys: {"url": "webhook", "type": "template", "format": "template"},
    NotifyKeys: {"failure": "on_failure", "error": "on_failure", "success": "on_success", "missed": "on_missed"},
    HooksKeys: {
        "on_started_leading": "started",
        "on_stopped_leading": "stopped",
        "on_new_leader": "new_leader",
    },
}

# What has no key here, because something else says it.
_NO_KEY = {
    "name": "the key above is the name",
    "description": "write it behind a #",
    "comment": "write it behind a #",
    **dict.fromkeys(("after", "depends_on", "needs"), "jobs know nothing of each other: let one start the other"),
    **dict.fromkeys(("successfulJobsHistoryLimit", "failedJobsHistoryLimit"), "kubernetes_job has ttl: instead"),
}
_OF_CRONJOB = "template: takes what a CronJob has under jobTemplate, metadata and spec alone"
_NO_KEY_BY_MAP: dict[type[Strict], dict[str, str]] = {
    HttpKeys: {
        **{method.lower(): f"write url:, and method: {method}" for method in METHODS.split()},
        **dict.fromkeys(("params", "query"), "write it into url: https://crm/sync?full=1"),
        **dict.fromkeys(("verify", "insecure", "tls"), "certificates are verified, with SSL_CERT_FILE by your own"),
        **dict.fromkeys(("auth", "username", "token"), 'write headers: {Authorization: "Bearer ${TOKEN}"}'),
    },
    KubernetesJobKeys: {
        **dict.fromkeys(("apiVersion", "kind", "metadata"), _OF_CRONJOB),
        "namespace": "the Job is made where the Lease is",
        "backoffLimit": "the job's own retries: says it",
        "activeDeadlineSeconds": "the job's own timeout: says it",
    },
}
_FEW_KEYS = 9  # of a map; so many can be listed


def unknown_key(path: Path, key: str, siblings: Collection[str] = ()) -> Mistake:
    """The refusal of `key` in the map at `path`, which has the `siblings` too."""
    model = _model_at(path)
    return Mistake(f'unknown key "{printable(key)}"', "unknown-key", _way_out(model, key, siblings), key=key)


def meant_key(path: Path, key: str) -> str | None:
    """The key of ours that `key` in the map at `path` was probably meant to be; None if it is one, or like none."""
    model = _model_at(path)
    return None if key in model.model_fields else _synonym(model, key) or meant(key, model.model_fields)


def _synonym(model: type[Strict], key: str) -> str | None:
    """What others call something that the map has a key for."""
    return _BY_MAP.get(model, {}).get(key) or (other if (other := _ELSEWHERE.get(key)) in model.model_fields else None)


def _model_at(path: Path) -> type[Strict]:
    """The model that says which keys the map at this path has."""
    model: type[Strict] = FileKeys
    steps = iter(path)
    for step in steps:
        model, named = _below(model, str(step))
        if named:
            next(steps, None)
    return model


@cache  # a file in which nothing is right asks once for each mistake
def _below(model: type[Strict], key: str) -> tuple[type[Strict], bool]:
    """The model of the map below the key, and whether the name of one of several comes first."""
    field = model.model_fields[key]
    return inner_map(field) or model, by_name(field)


@cache
def _inner(model: type[Strict]) -> dict[str, type[Strict]]:
    """The maps of keys of ours that the map has under keys of its own: homes for those who left one out."""
    fields = ((key, field) for key, field in model.model_fields.items() if not by_name(field))
    return {key: inner for key, field in fields if (inner := inner_map(field))}


def _way_out(model: type[Strict], key: str, siblings: Collection[str]) -> str | None:
    if hint := _NO_KEY_BY_MAP.get(model, {}).get(key):
        return hint
    if other := _synonym(model, key):
        return f'did you mean "{other}"?'
    if hint := _NO_KEY.get(key):
        return hint
    if home := _home(model, key, siblings):
        return f"it belongs {home}"
    if near := meant(key, model.model_fields):
        return f'did you mean "{near}"?'
    return _known(model) if len(model.model_fields) <= _FEW_KEYS else None


def _home(model: type[Strict], key: str, siblings: Collection[str]) -> str | None:
    """Where the key would be right, if it is one of ours or of Celery's."""
    homes = [home for home, inner in _inner(model).items() if key in inner.model_fields]
    if homes:
        likely = {*siblings, *(_synonym(model, other) for other in siblings)}
        return f"under {next((home for home in homes if home in likely), homes[0])}:"
    if model is CeleryKeys and key in OPTIONS:
        return "under options:"
    if key in JobKeys.model_fields and model is not HookKeys:
        return "to a job"
    return "at the top of the file" if key in FileKeys.model_fields and key != "jobs" else None


def _known(model: type[Strict]) -> str:
    if model is KubernetesJobKeys:
        return "what else a Job has stands in its template:, instead of image"
    return f"{listing(model.model_fields, 'and')} are known"

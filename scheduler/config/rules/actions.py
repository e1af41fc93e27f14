"""What the keys of one action may not say together, or beside the policies of its job.

The same rules hold for what a job does and for what a hook does, as far as a hook has these actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from scheduler.config.checking import Draft, Finding
from scheduler.config.document import ListNode, MapNode, Path, scalars
from scheduler.config.keys import ACTIONS, HOOK_ACTIONS
from scheduler.config.mistakes import Mistake, expected
from scheduler.config.models.actions import (
    INSTEAD_OF_TEMPLATE,
    OF_CONNECTION,
    HttpKeys,
    KubernetesJobKeys,
    PythonKeys,
)
from scheduler.config.models.settings import HookKeys
from scheduler.config.rules.case import Case, meant_there, present, too_many
from scheduler.config.rules.job_templates import misshapen_template
from scheduler.config.rules.timings import timings_intact
from scheduler.config.values.durations import read_duration
from scheduler.config.values.references import refuse_whole_reference
from scheduler.core.celery_options import wanted_of
from scheduler.core.job import Overlap, duration_text

_ONE_ACTION = "exactly one of python, shell, http, kubernetes_job, celery"
_ONE_OF_HOOK = "exactly one of python, shell, http"

_AS_ENV = "give it to the job as env, and read it there"
_OF_WORKER = "the worker has an environment of its own: read it there"

# Where values of any kind stand that are handed on as they are, and how they are to take what is not in the file.
_HANDED_ON: dict[str, tuple[tuple[str, str | None], ...]] = {
    "python": (("args", _AS_ENV), ("kwargs", _AS_ENV)),
    "celery": (("args", _OF_WORKER), ("kwargs", _OF_WORKER), ("options", "write the value itself")),
    "kubernetes_job": (("template", "let the container have it as env, with valueFrom"),),
    "http": (("body", None),),
}

_ACTIONS_THAT_HAND_ON = tuple(_HANDED_ON)

# Text to us and to JSON, but a truth value or null to other readers of YAML. As an argument that is a trap: the text
# False is true.
_AMBIGUOUS = {
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
    **dict.fromkeys(("~", "Null", "NULL"), "null"),
}


def one_action(case: Case) -> Iterator[Finding]:
    """A job does exactly one thing."""
    found = present(case.draft, case.path, ACTIONS)
    if len(found) > 1:
        keep = Mistake("", "one-action", f"keep {_ONE_ACTION}")
        yield case.path, too_many(case.draft, case.path, found, "actions", keep)
    elif not found and not meant_there(case.draft, case.path, ACTIONS):
        yield case.path, Mistake("nothing to run", "one-action", f"add {_ONE_ACTION}", on_key=True)


def hooks(draft: Draft) -> Iterator[Finding]:
    """What is wrong with the actions of the lease's hooks."""
    for moment, hook in draft.keys.lease.hooks.stated().items():
        path = ("lease", "hooks", moment)
        yield from _one_of_hook(draft, path)
        yield from _of_hook(draft, hook, path)


def _one_of_hook(draft: Draft, path: Path) -> Iterator[Finding]:
    found = present(draft, path, HOOK_ACTIONS)
    if len(found) > 1:
        yield path, too_many(draft, path, found, "actions", Mistake("", "one-action", f"keep {_ONE_OF_HOOK}"))
    elif not draft.document.keys(*map(str, path)) and not draft.document.merged(*map(str, path)):
        yield path, Mistake("nothing to run", "one-action", f"add {_ONE_OF_HOOK}", on_key=True)


def _of_hook(draft: Draft, hook: HookKeys, path: Path) -> Iterator[Finding]:
    if hook.python and hook.python.isolation == "thread":
        hint = "a hook that hangs must be ended, which a thread cannot be"
        yield (*path, "python", "isolation"), expected("process", "hook-thread", hint)
    if hook.http:
        yield from twice((*path, "http", "headers"), hook.http.headers)
    yield from _handed_on(draft, path)


def handed_on(case: Case) -> Iterator[Finding]:
    """Arguments, bodies and templates: what in them is probably not what it looks like."""
    yield from _handed_on(case.draft, case.path)


def _handed_on(draft: Draft, path: Path) -> Iterator[Finding]:
    for action in present(draft, path, _ACTIONS_THAT_HAND_ON):
        for key, instead in _HANDED_ON[action]:
            yield from ambiguous(draft, (*path, action, key), instead)


def ambiguous(draft: Draft, path: Path, instead: str | None) -> Iterator[Finding]:
    """What in the map or list at this path is probably not what it looks like.

    `instead` is the way out for a reference where there can be none; None where there may be references.
    """
    node = draft.document.get(*map(str, path))
    if not isinstance(node, MapNode | ListNode):
        return
    for place, scalar in scalars(node, path):
        try:
            if instead:
                refuse_whole_reference(scalar.value, instead)
        except Mistake as mistake:
            yield place, mistake
        if scalar.plain and (clear := _AMBIGUOUS.get(scalar.text)):
            hint = f'write {clear}, or quote it: "{scalar.text}"'
            yield place, Mistake(f"expected {clear} or text, got {scalar.text}", "type", hint)


def thread(case: Case) -> Iterator[Finding]:
    """A thread has no environment of its own."""
    python = case.job.python
    if python and python.isolation == "thread" and python.env:
        hint = "isolation: process, or pass the values as kwargs"
        mistake = Mistake("a thread shares the leader's environment", "thread-env", hint, on_key=True)
        yield (*case.path, "python", "env"), mistake


def replaced(case: Case) -> Iterator[Finding]:
    """What cannot be ended cannot be replaced."""
    place = case.stated("overlap")
    if not place or case.policy.overlap is not Overlap.REPLACE or not case.intact("overlap"):
        return
    if _is_thread(case.job.python):
        yield _replaced_thread(case, place)
    elif case.job.celery:
        hint = "a task that was sent cannot be taken back: overlap: skip, queue or allow"
        told = expected("skip, queue or allow with celery", "celery-replace", hint)
        at_job = Mistake("the defaults say overlap: replace", "celery-replace", hint, on_key=True)
        yield (place, told) if place[0] == "jobs" else ((*case.path, "celery"), at_job)


def _is_thread(python: PythonKeys | None) -> bool:
    return python is not None and python.isolation == "thread"


def _replaced_thread(case: Case, place: Path) -> Finding:
    hint = "a thread cannot be ended: isolation: process, or overlap: skip, queue or allow"
    if place[0] == "jobs":
        return place, expected("skip, queue or allow with isolation: thread", "thread-replace", hint)
    isolation = (*case.path, "python", "isolation")
    return isolation, expected("process with overlap: replace", "thread-replace", hint)


def request(case: Case) -> Iterator[Finding]:
    """What a request says twice."""
    http: HttpKeys | None = case.job.http
    if http:
        yield from twice((*case.path, "http", "headers"), http.headers)


def twice(path: Path, headers: Mapping[str, object]) -> Iterator[Finding]:
    """Headers that are there in two spellings; HTTP knows no capitals in names."""
    first: dict[str, str] = {}
    for name in headers:
        if (other := first.setdefault(name.lower(), name)) != name:
            message = f"header used twice, first as {other}"
            yield (*path, name), Mistake(message, "header", "capitals do not count; remove one", on_key=True)


def celery_options(case: Case) -> Iterator[Finding]:
    """What has a place of its own, or is ours to say."""
    options = case.job.celery.options if case.job.celery else {}
    path = (*case.path, "celery", "options")
    if "task_id" in options:
        hint = "the run id is the task_id, so that a worker sees what was sent twice"
        yield path, Mistake("task_id is set by leasebeat", "celery-options", hint, key="task_id")
    for key in OF_CONNECTION:
        if key in options:
            hint = "how often to try is retries and retry_delay of the job"
            yield path, Mistake(f"{key} is set by leasebeat", "celery-options", hint, key=key)
    for key in ("args", "kwargs", "broker"):
        if key in options:
            yield path, Mistake(f'unknown key "{key}"', "unknown-key", "it belongs beside options", key=key)
    for key, value in options.items():
        if wanted := wanted_of(key, value):
            yield (*path, key), expected(wanted, "celery-options", None if key == "priority" else _in_seconds(value))


def _in_seconds(value: object) -> str | None:
    try:
        return f"Celery knows no units: write {read_duration(value) / timedelta(seconds=1):g}"
    except Mistake:
        return None


def kubernetes_job(case: Case) -> Iterator[Finding]:
    """A Job is made of an image, or of a whole template."""
    path, keys = (*case.path, "kubernetes_job"), case.job.kubernetes_job
    if keys is None:
        return
    beside = present(case.draft, path, INSTEAD_OF_TEMPLATE)
    if not keys.template:
        if not keys.image and "image" not in beside and not _template_is_faulty(case.draft, path):
            yield path, Mistake("neither image nor template", "one-image", "add image: or template:", on_key=True)
        return
    if beside:
        hint = "the template has all of it: keep one of them"
        yield path, Mistake(f"{beside[0]} beside template", "one-image", hint, key=beside[0])
    yield from misshapen_template(keys.template, (*path, "template"))
    if "ttl" in keys.model_fields_set and "ttlSecondsAfterFinished" in _spec(keys):
        hint = "the template has ttlSecondsAfterFinished: keep one of them"
        yield path, Mistake("ttl said twice", "one-image", hint, key="ttl")


def _template_is_faulty(draft: Draft, path: Path) -> bool:
    """Whether something was said about what was to be an image or a template."""
    return not draft.intact(*map(str, path), "template") or meant_there(draft, path, ("image", "template"))


def _spec(keys: KubernetesJobKeys) -> Mapping[str, object]:
    spec = keys.template.get("spec")
    return spec if isinstance(spec, dict) else {}


def kept_long_enough(case: Case) -> Iterator[Finding]:
    """A Job must still be there for the next leader, who would otherwise make it again."""
    keys = case.job.kubernetes_job
    if keys is None or keys.ttl is None or not timings_intact(case.draft):
        return
    lease = case.draft.keys.lease
    away = timedelta(seconds=lease.lease_duration + lease.retry_period)
    if timedelta(seconds=keys.ttl) > away:
        return
    path, rounder = (*case.path, "kubernetes_job", "ttl"), duration_text((away // _MINUTE + 1) * _MINUTE)
    message = f"more than lease_duration + retry_period ({duration_text(away)})"
    yield path, expected(message, "ttl", f"a Job gone before the next leader sees it is made again: write {rounder}")


_MINUTE = timedelta(minutes=1)
ACTION_RULES = (
    *(one_action, thread, replaced, handed_on),
    *(request, celery_options, kubernetes_job, kept_long_enough),
)

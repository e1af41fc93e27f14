"""From the keys of an action to the core's action, its references resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from scheduler.config.models.actions import CeleryKeys, HttpKeys, KubernetesJobKeys, PythonKeys, ShellKeys
from scheduler.config.models.file import JobKeys
from scheduler.config.models.settings import HookKeys
from scheduler.config.values.references import resolved, resolved_json
from scheduler.core.actions import (
    Action,
    CeleryAction,
    HookAction,
    HttpAction,
    KubernetesJobAction,
    PythonAction,
    ShellAction,
)
from scheduler.core.references import SecretKey, Value

Environment = Mapping[str, str]


def action_of(job: JobKeys, environment: Environment) -> Action:
    """The action of a job that has exactly one."""
    what = job.python or job.shell or job.http or job.kubernetes_job or job.celery
    assert what
    made: Action = _MADE[type(what)](what, environment)
    return made


def hook_action(hook: HookKeys, environment: Environment) -> HookAction:
    """The action of a hook that has exactly one."""
    what = hook.python or hook.shell or hook.http
    assert what
    made: HookAction = _MADE[type(what)](what, environment)
    return made


def _resolved(values: Mapping[str, Any], environment: Environment) -> dict[str, Value]:
    return {name: resolved(value, environment) for name, value in values.items()}


def _python(what: PythonKeys, environment: Environment) -> PythonAction:
    module, function = what.call
    env = _resolved(what.env, environment)
    return PythonAction(module, function, tuple(what.args), what.kwargs, env, what.isolation)


def _shell(what: ShellKeys, environment: Environment) -> ShellAction:
    return ShellAction(what.run, what.cwd, _resolved(what.env, environment))


def _http(what: HttpKeys, environment: Environment) -> HttpAction:
    return HttpAction(
        url=resolved(what.url, environment),
        method=what.method,
        headers=_resolved(what.headers, environment),
        body=resolved_json(what.body, environment),
        expect=what.expect,
        redirects=what.redirects,
    )


def _kubernetes_job(what: KubernetesJobKeys, environment: Environment) -> KubernetesJobAction:
    env: dict[str, Value | SecretKey] = {}
    for name, value in what.env.items():
        env[name] = value if isinstance(value, SecretKey) else resolved(value, environment)
    return KubernetesJobAction(
        image=what.image,
        command=what.command,
        args=what.args,
        env=env,
        resources=what.resources,
        service_account=what.service_account,
        wait=what.wait,
        ttl=None if what.ttl is None else timedelta(seconds=what.ttl),
        template=what.template,
    )


def _celery(what: CeleryKeys, environment: Environment) -> CeleryAction:
    broker = resolved(what.broker, environment)
    return CeleryAction(what.task, broker, tuple(what.args), what.kwargs, what.options)


_MADE: dict[type, Callable[[Any, Environment], Any]] = {
    PythonKeys: _python,
    ShellKeys: _shell,
    HttpKeys: _http,
    KubernetesJobKeys: _kubernetes_job,
    CeleryKeys: _celery,
}

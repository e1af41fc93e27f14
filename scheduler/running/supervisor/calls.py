"""What an action is in a worker: a function of a module, and the arguments that it is called with.

`python` names its own. `http` and `celery` are functions of this program that any worker can call, so they share what
every call has: the gate as its first statement, the timeout, the end with the lead, and a worker that is used again
and keeps its connections. Values from elsewhere (`Secret`, `FileReference`) travel in the arguments as what they are:
those are pickled, and shown nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.core.actions import Action, CeleryAction, HttpAction, PythonAction
from scheduler.core.ports import RunOrder
from scheduler.core.references import Value
from scheduler.core.views.trace import traceparent

_HTTP = "scheduler.running.runners.http"
_CELERY = "scheduler.running.runners.celery"


@dataclass(frozen=True, slots=True)
class WorkerCall:
    """Call `function` of `module`, with `env` added to the environment. The arguments may hold secrets."""

    module: str
    function: str
    args: tuple[object, ...] = field(default=(), repr=False)
    kwargs: Mapping[str, object] = field(default_factory=dict, repr=False)
    env: Mapping[str, Value] = field(default_factory=dict, repr=False)


def call_of(order: RunOrder) -> WorkerCall:
    """The call that performs the order. TypeError for an action that is none."""
    match order.action:
        case PythonAction() as act:
            return WorkerCall(act.module, act.function, act.args, dict(act.kwargs), act.env)
        case HttpAction() as act:
            return WorkerCall(_HTTP, "send", (act, _headers(order)))
        case CeleryAction() as act:
            return WorkerCall(_CELERY, "publish", (act, order.run, _message_headers(order)))
    raise TypeError(f"{type(order.action).__name__} is no call in a worker")


def modules_ahead(actions: Iterable[Action]) -> list[str]:
    """What the workers of a table with these actions import ahead of their first run."""
    return sorted({module for action in actions if (module := _module_of(action))})


def _module_of(action: Action) -> str | None:
    match action:
        case PythonAction(isolation="process"):
            return action.module
        case HttpAction():
            return _HTTP
        case CeleryAction():
            return _CELERY
    return None


def _headers(order: RunOrder) -> dict[str, str]:
    return {
        "Idempotency-Key": order.run,
        **{f"Leasebeat-{name.capitalize()}": str(fact) for name, fact in _facts(order).items()},
        "traceparent": traceparent(order.run, order.fence, order.attempt),
    }


def _message_headers(order: RunOrder) -> dict[str, object]:
    return {
        **{f"leasebeat_{name}": fact for name, fact in _facts(order).items()},
        "traceparent": traceparent(order.run, order.fence, order.attempt),
    }


def _facts(order: RunOrder) -> dict[str, str | int]:
    names = ("job", "run", "tick", "attempt", "term", "fence")
    return {name: getattr(order, name) for name in names}

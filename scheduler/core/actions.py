"""What a job does: one class an action of config.yaml, as plain values.

Two facts about an action decide how its runs are treated. A run is *killable* when it can be ended from outside. It is
*adoptable* when it is named by its run id at whoever performs it, outlives the leader that began it, and can be taken
up by the next one: starting it a second time finds it instead of making another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from scheduler.core.references import SecretKey, Value


class _Usual:
    """As most actions are: over when its process is, which can be ended from outside."""

    __slots__ = ()

    @property
    def killable(self) -> bool:
        """Whether the run can be ended from outside."""
        return True

    @property
    def adoptable(self) -> bool:
        """Whether the run outlives its leader, and the next one finds it."""
        return False


@dataclass(frozen=True, slots=True)
class PythonAction(_Usual):
    """Call `function` of `module` with the arguments, in a worker process or in a thread of the leader."""

    module: str
    function: str
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, Value] = field(default_factory=dict)
    isolation: Literal["process", "thread"] = "process"

    @property
    def killable(self) -> bool:
        """Whether the run can be ended from outside; a thread cannot."""
        return self.isolation == "process"


@dataclass(frozen=True, slots=True)
class ShellAction(_Usual):
    """Run a command: text goes to `sh -c`, a list is started as it is."""

    command: str | tuple[str, ...]
    cwd: str | None = None
    env: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpAction(_Usual):
    """Send one request, in a worker process, with which the exchange ends, whatever the other side does.

    `body` is text, or any JSON value, which is sent as application/json; None for no body. `expect` has the ranges of
    statuses, ends included, that mean success.
    """

    url: Value
    method: str = "POST"
    headers: Mapping[str, Value] = field(default_factory=dict)
    body: object = None
    expect: tuple[tuple[int, int], ...] = ((200, 299),)
    redirects: bool = False


@dataclass(frozen=True, slots=True)
class KubernetesJobAction(_Usual):
    """Create a batch/v1 Job and, with `wait`, follow it to its end.

    `template` is what a CronJob has under `jobTemplate`; where it is not empty, `image` and what belongs to it are
    not given. `ttl` is how long the finished Job is kept, None for ever.
    """

    image: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, Value | SecretKey] = field(default_factory=dict)
    resources: Mapping[str, object] = field(default_factory=dict)
    service_account: str | None = None
    wait: bool = True
    ttl: timedelta | None = timedelta(days=1)
    template: Mapping[str, object] = field(default_factory=dict)

    @property
    def adoptable(self) -> bool:
        """The Job's name is made from the run id, so whoever leads finds it."""
        return True


@dataclass(frozen=True, slots=True)
class CeleryAction(_Usual):
    """Send a task to a broker, in a worker process; the run has succeeded when the broker has it.

    What is killed is the sending; a task that was sent belongs to Celery.
    """

    task: str
    broker: Value
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)


Action = PythonAction | ShellAction | HttpAction | KubernetesJobAction | CeleryAction
HookAction = PythonAction | ShellAction | HttpAction

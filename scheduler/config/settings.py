"""What loading config.yaml gives: the job table, the settings of the program, and the file's fingerprint.

Plain values only, without a trace of YAML or pydantic, so that other rooms can be handed them and tests can write them
down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.core.actions import HookAction, PythonAction
from scheduler.core.errors import Problem
from scheduler.core.job import JobTable
from scheduler.core.references import Value


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Where the Lease lives (`auto`, `kubernetes`, `sqlite`, `memory`) and its times, in whole seconds.

    `namespace` is None for the pod's or the context's own. `path` is that of the sqlite file, `adopt` also contends for
    a Lease that another program made, and `quiet_start` makes a first start wait `lease_duration_s` (rule 28).
    `release` says when a leader that stops gives the Lease back: `at_once`, or `drained`, with its last run (rule 34).
    `hooks` are the actions of the moments `started`, `stopped` and `new_leader`.
    """

    store: str
    name: str
    namespace: str | None
    adopt: bool
    path: Path
    lease_duration_s: int
    renew_deadline_s: int
    retry_period_s: int
    release: str
    quiet_start: bool
    drain_timeout_s: int
    hooks: Mapping[str, HookAction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """`level` is debug, info, warning or error; `format` is text or json."""

    level: str
    format: str


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """`port` of the health server, 0 for none; outside a pod the first of the ports to choose from.

    `page` says whether the page and `/status.json` are served, which name the jobs.
    """

    port: int
    page: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where notifications go: a POST to `webhook` with these headers.

    `template` is `json` (the final line as it is), `slack`, or JSON in whose texts `{job}` and other fields of the line
    are filled in.
    """

    webhook: Value
    headers: Mapping[str, Value] = field(default_factory=dict)
    template: object = "json"


@dataclass(frozen=True, slots=True)
class Settings:
    """All of config.yaml that is not about jobs; how many runs go at a time is the table's `max_parallel`.

    `notify` has the targets of notifications by name.
    """

    lease: LeaseSettings
    logging: LoggingSettings
    health: HealthSettings
    notify: Mapping[str, Target] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A Python function that a job or a hook calls, and where the file names it: a problem without a message yet."""

    action: PythonAction
    place: Problem


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sound config.yaml.

    `hash` is the same for the same content, `revision` left out; comments do not count. `calls` are the
    Python functions of jobs and hooks, each with its place in the file.
    """

    file: Path
    table: JobTable
    settings: Settings
    hash: str
    calls: Sequence[Call] = ()
    warnings: list[Problem] = field(default_factory=list)

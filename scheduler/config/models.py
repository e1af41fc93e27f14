"""The keys of config.yaml, what each may hold, its default and its description.

The models are the one list of keys: loading, `leasebeat schema` and the documentation of the file come from here. Only
what one value may be is judged here; what values may not say together is in `rules.py`. Every field can be left out, so
that what remains of a faulty file, its faulty keys removed, can still be checked by the rules. Defaults of policies are
the core's own, stated once in `Policy`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from scheduler.config.values import (
    ShortForm,
    always_true,
    choice,
    command,
    duration,
    duration_or,
    env_value,
    flag,
    function,
    instant,
    optional,
    text,
    time_zone,
    whole,
    whole_seconds,
)
from scheduler.core.job import CatchUp, Delivery, Overlap, Policy

JOB_NAME = "[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?"
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_K8S_NAME = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"
_K8S_NAMESPACE = f"(?=.{{1,63}}$){_LABEL}"

_POLICY = Policy()
_MINUTE = timedelta(minutes=1)
_OVERLAP_ELSEWHERE = {
    "Forbid": "CronJob's Forbid is skip",
    "Allow": "CronJob's Allow is allow",
    "Replace": "CronJob's Replace is replace",
}

_VARIABLE = text("the name of a variable", "[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _", "env-name")
_ENV_SCHEMA = {"type": "object", "propertyNames": _VARIABLE.schema, "additionalProperties": env_value().schema}
Env = Annotated[
    dict[Annotated[str, _VARIABLE], Annotated[str, env_value()]],
    WithJsonSchema(_ENV_SCHEMA),
]


class Strict(BaseModel):
    """No key that is not listed, no value that is turned into another."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class LeaseKeys(Strict):
    """Where the Lease lives and how fast the lead changes hands."""

    store: Annotated[str, choice(str, "auto kubernetes sqlite memory")] = Field(
        "auto",
        description="Where the Lease lives. auto: kubernetes in a pod or with --context/--kubeconfig, else sqlite",
    )
    name: Annotated[
        str, text("a Kubernetes name", _K8S_NAME, "a-z, 0-9, - and ., at most 253 characters", "lease-name")
    ] = Field("leasebeat", description="Name of the Lease; two job tables in one namespace need two names")
    namespace: Annotated[
        str | None,
        optional(text("a namespace", _K8S_NAMESPACE, "a-z, 0-9 and -, at most 63 characters", "lease-name")),
    ] = Field(None, description="Namespace of the Lease; null: the pod's, else the context's")
    adopt: Annotated[bool, flag()] = Field(
        default=False, description="Also contend for a Lease that another program made (migration)"
    )
    path: Annotated[str, text("a file name")] = Field(
        "leasebeat.db", description="File of the sqlite store, beside config.yaml; replicas that share it contend"
    )
    lease_duration: Annotated[int, whole_seconds(1)] = Field(
        15, description="How long a lead holds without a renewal; a crash costs at most this and 0.6 s"
    )
    renew_deadline: Annotated[int, whole_seconds(1)] = Field(
        10, description="The leader starts nothing this long after its last good write"
    )
    retry_period: Annotated[int, whole_seconds(1)] = Field(
        2, description="Pause between attempts; lease_duration > renew_deadline > 1.2 x retry_period"
    )
    release: Annotated[str, choice(str, "at_once drained")] = Field(
        "at_once",
        description="On a stop. at_once: hand over at once, naming the runs that still drain; "
        "drained: keep the lead until they have ended",
    )
    quiet_start: Annotated[bool, flag()] = Field(
        default=False, description="A first start waits lease_duration before its first tick"
    )
    drain_timeout: Annotated[int, whole_seconds()] = Field(60, description="How long running jobs get to end on a stop")


class LoggingKeys(Strict):
    """How the log looks."""

    level: Annotated[str, choice(str, "debug info warning error", foreign={"warn": "did you mean warning?"})] = Field(
        "info", description="The least important events that are written"
    )
    format: Annotated[str, choice(str, "text json", foreign={"console": "text has colours on a terminal"})] = Field(
        "text", description="text for people, json for machines; the same facts"
    )


class PolicyKeys(Strict):
    """What happens when things go wrong: keys of a job, and of `defaults` for all jobs."""

    overlap: Annotated[
        Overlap,
        choice(Overlap, "skip queue replace allow", foreign=_OVERLAP_ELSEWHERE),
    ] = Field(
        _POLICY.overlap,
        description="What becomes of a tick that falls due while the job runs. queue: it waits, and a newer one takes "
        "its place; replace: the run is ended first, then the tick is run; allow: it runs beside",
    )
    catch_up: Annotated[CatchUp, choice(CatchUp, "none latest all")] = Field(
        _POLICY.catch_up, description="Which of the ticks that fell due while no one led are run after all"
    )
    catch_up_window: Annotated[timedelta, duration()] = Field(
        _POLICY.catch_up_window,
        description="Older ticks are dropped; must exceed lease_duration + retry_period unless catch_up is none",
    )
    max_catch_up: Annotated[int, whole(1, 1000)] = Field(
        _POLICY.max_catch_up, description="For catch_up: all, the newest this many"
    )
    delivery: Annotated[Delivery, choice(Delivery, "at_least_once at_most_once")] = Field(
        _POLICY.delivery,
        description="at_most_once: a run cut off by a crash is not started again (money, mail)",
    )
    timeout: Annotated[
        timedelta | None,
        duration_or(
            "none",
            duration(at_least=timedelta(milliseconds=1), hint="no limit is: timeout: none"),
            "no limit is the word none",
        ),
    ] = Field(_POLICY.timeout, description="Then TERM, 10 s later KILL, reported as timed out; none: no limit")
    retries: Annotated[int, whole(0, 10)] = Field(
        _POLICY.retries, description="How many more attempts follow one that failed or timed out"
    )
    retry_delay: Annotated[timedelta, duration(at_most=5 * _MINUTE)] = Field(
        _POLICY.retry_delay, description="Pause before the first retry; doubles each time, at most 5m"
    )
    max_interruptions: Annotated[int, whole(1, 100)] = Field(
        _POLICY.max_interruptions,
        description="A run cut off this often by its leader's death is dropped: a job that kills its leader must not "
        "kill every leader",
    )
    claim_ahead: Annotated[
        timedelta | None, duration_or("auto", duration(), "to claim a run only when it falls due, write 0s")
    ] = Field(
        _POLICY.claim_ahead,
        description="How long before its time a run is claimed. auto: at most 500ms, and 0s for at_most_once; or a "
        "duration, at most a tenth of lease_duration. With at_most_once, a crash between claim and tick loses the run",
    )
    jitter: Annotated[timedelta, duration()] = Field(
        _POLICY.jitter,
        description="Starts 0 to this much late, by a hash of job and tick; at most half the period",
    )


class PythonKeys(Strict):
    """A Python function, called in a worker process."""

    call: Annotated[tuple[str, str], function()] = Field(description="module:function, such as jobs.mail:send")
    args: list[Any] = Field([], description="Positional arguments")
    kwargs: dict[str, Any] = Field({}, description="Keyword arguments")
    env: Env = Field({}, description="Environment variables of the run, plain text")
    isolation: Annotated[Literal["process", "thread"], choice(str, "process thread")] = Field(
        "process",
        description="thread: in the leader's own process; faster to start, cannot be killed, can hold up the leader",
    )


class ShellKeys(Strict):
    """A command in a session of its own, so that a timeout ends all that it started."""

    run: Annotated[str | tuple[str, ...], command()] = Field(
        description="Text goes to sh -c; a list is started as it is, without a shell"
    )
    cwd: Annotated[str | None, optional(text("a folder"))] = Field(
        None, description="Folder to run in, seen from the folder of config.yaml; null: that folder itself"
    )
    env: Env = Field({}, description="Environment variables of the run, plain text")


class JobKeys(PolicyKeys):
    """A job: exactly one schedule, exactly one action, and policies where they differ from the defaults."""

    enabled: Annotated[bool, flag()] = Field(default=True, description="false: no ticks at all")
    timezone: Annotated[str | None, time_zone()] = Field(
        None, description="IANA time zone of this job's schedule; default: that of the table"
    )
    cron: Annotated[str | None, text("a cron expression in quotes", code="cron-fields")] = Field(
        None, description="Debian cron, five fields or six with seconds first; ? H @daily L LW n#k; always quote it"
    )
    every: Annotated[int | None, whole_seconds(1)] = Field(
        None, description="A period in whole seconds, counted from 1970-01-01T00:00Z"
    )
    offset: Annotated[int | None, whole_seconds()] = Field(None, description="Shifts every; less than the period")
    at: Annotated[datetime | None, instant()] = Field(
        None, description="Once; local to the job's time zone, or with Z or an offset such as +01:00"
    )
    manual: Annotated[bool | None, always_true("leave it out, or write enabled: false")] = Field(
        None, description="true: runs only when asked to"
    )
    python: Annotated[PythonKeys | None, ShortForm("module:function or a map", "call", (str,), function())] = Field(
        None, description="A Python function: module:function, or a map with its arguments"
    )
    shell: Annotated[ShellKeys | None, ShortForm("a command or a map", "run", (str, list), command())] = Field(
        None, description="A command: text for sh -c, a list without a shell, or a map"
    )


class FileKeys(Strict):
    """config.yaml: settings of the program and the jobs."""

    version: Annotated[int, whole(1, 1)] = Field(1, description="Version of this file's format")
    timezone: Annotated[str, time_zone()] = Field(
        "UTC", description="IANA time zone of every schedule; a job may override it"
    )
    lease: LeaseKeys = Field(LeaseKeys(), description="Where the Lease lives and how fast the lead changes hands")
    logging: LoggingKeys = Field(LoggingKeys(), description="How the log looks")
    defaults: PolicyKeys = Field(PolicyKeys(), description="Policies of all jobs that do not state their own")
    revision: Annotated[int, whole(0, 2**53)] = Field(
        0, description="Revision of this table, set by whoever rolls it out; greater is newer"
    )
    max_parallel: Annotated[int, whole(1, 1000)] = Field(16, description="How many runs the leader has at a time")
    jobs: dict[str, JobKeys] = Field({}, description="The jobs by name: a-z, 0-9 and -, at most 52 characters")

"""The keys of config.yaml, what each may hold, its default and its description.

The models are the one list of keys: loading, `leasebeat schema` and the documentation of the file come from here. Only
what one value may be is judged here; what values may not say together is in `rules.py`. Every field can be left out, so
that what remains of a faulty file, its faulty keys removed, can still be checked by the rules. Defaults of policies are
the core's own, stated once in `Policy`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from scheduler.config.references import VARIABLE, Written
from scheduler.config.value_schemas import cron_shape
from scheduler.config.values import (
    ShortForm,
    always_true,
    choice,
    command,
    duration,
    duration_or,
    flag,
    function,
    instant,
    optional,
    reference,
    text,
    time_zone,
    whole,
    whole_seconds,
)
from scheduler.core.job import CatchUp, Delivery, Overlap, Policy

JOB_NAME = "[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?"
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_K8S_NAME = rf"{_LABEL}(\.{_LABEL})*"

_POLICY = Policy()
_MINUTE = timedelta(minutes=1)
_OVERLAP_ELSEWHERE = {
    "Forbid": "CronJob's Forbid is skip",
    "Allow": "CronJob's Allow is allow",
    "Replace": "CronJob's Replace is replace",
}

_ENV = (
    "Environment variables of the run, beside those of the replica. ${NAME} stands for a variable of the replica, "
    "looked up when that starts; {file: PATH} for what is in a file, read when the run starts (without a line break at "
    "its end; the path is seen from the folder of config.yaml); $$ for a plain $. What they stand for is never shown "
    "in logs, errors or --json."
)
_ENV_EXAMPLE = {"REGION": "eu", "TOKEN": {"file": "/run/secrets/token"}}
_VARIABLE = text("the name of a variable", VARIABLE, "letters, digits and _", "env-name")
_ENV_SCHEMA = {"type": "object", "propertyNames": _VARIABLE.schema, "additionalProperties": reference().schema}
Env = Annotated[
    dict[Annotated[str, _VARIABLE], Annotated[Written, reference()]],
    WithJsonSchema(_ENV_SCHEMA),
]


class Strict(BaseModel):
    """No key that is not listed, no value that is turned into another."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class LeaseKeys(Strict):
    """Where the Lease is kept, by which the replicas agree who leads, and how fast the lead changes hands."""

    store: Annotated[str, choice(str, "auto kubernetes sqlite memory")] = Field(
        "auto",
        description="Where the Lease is kept. kubernetes: a Lease object in the cluster; sqlite: a file, for replicas "
        "on one machine; memory: nowhere, for a single replica that forgets all when it ends; auto: kubernetes in a "
        "pod or with --context or --kubeconfig, otherwise sqlite.",
        examples=["kubernetes"],
    )
    name: Annotated[
        str, text("a Kubernetes name", _K8S_NAME, "a-z, 0-9, - and ., at most 253 characters", "lease-name", 253)
    ] = Field(
        "leasebeat",
        description="Name of the Lease. Replicas that share it share their jobs: two files in one namespace need two "
        "names.",
        examples=["billing"],
    )
    namespace: Annotated[
        str | None,
        optional(text("a namespace", _LABEL, "a-z, 0-9 and -, at most 63 characters", "lease-name", 63)),
    ] = Field(
        None,
        description="Namespace of the Lease. null: the pod's own; outside a pod that of the kubeconfig's context.",
        examples=["ops"],
    )
    adopt: Annotated[bool, flag()] = Field(
        default=False,
        description="true: also take over a Lease that another program made. For a migration; otherwise such a Lease "
        "is left alone, even if it has expired.",
        examples=[True],
    )
    path: Annotated[str, text("a file name")] = Field(
        "leasebeat.db",
        description="File of the sqlite store, seen from the folder of config.yaml. Replicas must be given the same "
        "file.",
        examples=["/var/lib/leasebeat/beat.db"],
    )
    lease_duration: Annotated[int, whole_seconds(1)] = Field(
        15,
        description="How long the others wait for a leader that is silent before one of them takes over. After a crash "
        "nothing starts for at most this long and 0.6 s. Raise it together with the two keys below if the API server "
        "is slow. Whole seconds, more than renew_deadline.",
        examples=["30s"],
    )
    renew_deadline: Annotated[int, whole_seconds(1)] = Field(
        10,
        description="A leader that could not renew the Lease for this long starts nothing more. Whole seconds, less "
        "than lease_duration and more than 1.2 x retry_period.",
        examples=["12s"],
    )
    retry_period: Annotated[int, whole_seconds(1)] = Field(
        2,
        description="The leader renews the Lease this often. Whole seconds; 1.2 x retry_period must be less than "
        "renew_deadline.",
        examples=["3s"],
    )
    release: Annotated[str, choice(str, "at_once drained")] = Field(
        "at_once",
        description="What a leader that is stopped does while jobs still run. at_once: hands over at once, and the "
        "next leader starts everything but the jobs that still run here; drained: keeps the lead until they have "
        "ended.",
        examples=["drained"],
    )
    quiet_start: Annotated[bool, flag()] = Field(
        default=False,
        description="true: a leader that finds no Lease waits lease_duration before it starts anything. For when the "
        "Lease may be deleted while a leader is cut off.",
        examples=[True],
    )
    drain_timeout: Annotated[int, whole_seconds()] = Field(
        60,
        description="How long a replica that is stopped lets its running jobs go on before it ends them. Whole "
        "seconds. The chart gives pods 15 s more than this.",
        examples=["5m"],
    )


class LoggingKeys(Strict):
    """How the log looks."""

    level: Annotated[str, choice(str, "debug info warning error", foreign={"warn": "did you mean warning?"})] = Field(
        "info",
        description="The least important lines that are written. debug: also every write and wake-up; info: what was "
        "done; warning: what was not done, or only with difficulty; error: what a person must look at.",
        examples=["warning"],
    )
    format: Annotated[str, choice(str, "text json", foreign={"console": "text has colours on a terminal"})] = Field(
        "text",
        description="text: for people; json: one JSON object a line, for machines. Both say the same.",
        examples=["json"],
    )


class HealthKeys(Strict):
    """The HTTP server that probes ask: /livez, /readyz and /startupz."""

    port: Annotated[int, whole(0, 65535)] = Field(
        8080,
        description="The server's port. In a pod exactly this one, on all addresses; elsewhere the first free one of "
        "20 from this one on, on 127.0.0.1. 0: no server. Up to 65535.",
        examples=[9090],
    )


class PolicyKeys(Strict):
    """How jobs are run, and what happens when something goes wrong: keys of a job, and of `defaults` for all jobs."""

    overlap: Annotated[Overlap, choice(Overlap, "skip queue replace allow", foreign=_OVERLAP_ELSEWHERE)] = Field(
        _POLICY.overlap,
        description="What happens when the job is due while it still runs. skip: nothing; queue: it waits for the run "
        "to end, and if another tick comes meanwhile, that one waits instead; replace: the run is ended first; allow: "
        "both run.",
        examples=["queue"],
    )
    catch_up: Annotated[CatchUp, choice(CatchUp, "none latest all")] = Field(
        _POLICY.catch_up,
        description="Which ticks (times at which the job is due) are run after all if they were missed because nobody "
        "led. none: none of them; latest: the last one; all: all of them, oldest first.",
        examples=["all"],
    )
    catch_up_window: Annotated[timedelta, duration()] = Field(
        _POLICY.catch_up_window,
        description="Missed ticks older than this are dropped. Must be more than lease_duration + retry_period, or a "
        "crash would lose ticks; not with catch_up: none.",
        examples=["6h"],
    )
    max_catch_up: Annotated[int, whole(1, 1000)] = Field(
        _POLICY.max_catch_up,
        description="With catch_up: all, at most this many missed ticks are run, the newest ones. 1 to 1000.",
        examples=[100],
    )
    delivery: Annotated[Delivery, choice(Delivery, "at_least_once at_most_once")] = Field(
        _POLICY.delivery,
        description="What happens to a run that was interrupted, cut off by the crash of its replica. at_least_once: "
        "it is started again; at_most_once: it is not, for what must not happen twice (money, mail). Then retries must "
        "be 0.",
        examples=["at_most_once"],
    )
    timeout: Annotated[
        timedelta | None,
        duration_or(
            "none",
            duration(at_least=timedelta(milliseconds=1), hint="no limit is: timeout: none"),
            "no limit is the word none",
        ),
    ] = Field(
        _POLICY.timeout,
        description="How long a run may take. Then it is sent TERM, 10 s later KILL, and reported as timed out. none: "
        "no limit.",
        examples=["20m", "none"],
    )
    retries: Annotated[int, whole(0, 10)] = Field(
        _POLICY.retries,
        description="How many more attempts follow one that failed or timed out. 0 to 10.",
        examples=[2],
    )
    retry_delay: Annotated[timedelta, duration(at_most=5 * _MINUTE)] = Field(
        _POLICY.retry_delay,
        description="How long to wait before the first retry. Doubles with each further one, up to 5m; itself at most "
        "5m.",
        examples=["30s"],
    )
    max_interruptions: Annotated[int, whole(1, 100)] = Field(
        _POLICY.max_interruptions,
        description="A run that was interrupted this many times is dropped, so that a job that crashes its replica "
        "does not crash all of them for ever. 1 to 100.",
        examples=[1],
    )
    claim_ahead: Annotated[
        timedelta | None, duration_or("auto", duration(), "to claim a run only when it falls due, write 0s")
    ] = Field(
        _POLICY.claim_ahead,
        description="How long before its tick a run is claimed, that is, written into the Lease, without which it may "
        "not start. Earlier is more punctual, but an at_most_once run is lost if its replica crashes in between. auto: "
        "about as long as writes take, at most 500ms, and 0s with at_most_once. Or a duration, at most a tenth of "
        "lease_duration.",
        examples=["1s"],
    )
    jitter: Annotated[timedelta, duration()] = Field(
        _POLICY.jitter,
        description="Starts each run up to this much after its tick; the same tick always by the same time, on every "
        "replica. At most half the period. To spread many jobs, write H into cron instead.",
        examples=["30s"],
    )


class PythonKeys(Strict):
    """A Python function, called in a process of its own."""

    call: Annotated[tuple[str, str], function()] = Field(
        description="The function, as module:function. Modules are looked for beside config.yaml and on PYTHONPATH. A "
        "function with a parameter named run is told which run it is.",
        examples=["jobs.mail:send"],
    )
    args: Annotated[list[Any], WithJsonSchema({"type": "array"})] = Field(
        [], description="Arguments by position, of any type that YAML has.", examples=[["eu", 30]]
    )
    kwargs: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})] = Field(
        {}, description="Arguments by name, of any type that YAML has.", examples=[{"region": "eu", "days": 30}]
    )
    env: Env = Field({}, description=_ENV, examples=[_ENV_EXAMPLE])
    isolation: Annotated[Literal["process", "thread"], choice(str, "process thread")] = Field(
        "process",
        description="process: in a process of its own, which can be ended; thread: in the replica's own process, which "
        "starts faster. A thread cannot be ended, not even by a timeout, can keep the replica from renewing its lead, "
        "and has no env and no overlap: replace.",
        examples=["thread"],
    )


class ShellKeys(Strict):
    """A command. A timeout ends it with all that it started."""

    run: Annotated[str | tuple[str, ...], command()] = Field(
        description="The command. Text is given to sh -c; a list is a program with its arguments, started without a "
        "shell.",
        examples=["./purge --days 30"],
    )
    cwd: Annotated[str | None, optional(text("a folder"))] = Field(
        None,
        description="The folder to run it in, seen from the folder of config.yaml. null: that folder itself.",
        examples=["/srv/data"],
    )
    env: Env = Field({}, description=_ENV, examples=[_ENV_EXAMPLE])


class JobKeys(PolicyKeys):
    """A job: one schedule (cron, every, at, manual), one action (python, shell), and what differs from the defaults."""

    enabled: Annotated[bool, flag()] = Field(
        default=True,
        description="false: the job has no ticks, and what it misses meanwhile is not caught up.",
        examples=[False],
    )
    timezone: Annotated[str | None, time_zone()] = Field(
        None,
        description="Time zone of this job's cron or at, by its IANA name. Without it, that of the file.",
        examples=["Asia/Tokyo"],
    )
    cron: Annotated[
        str | None, replace(text("a cron expression in quotes", code="cron-fields"), schema=cron_shape())
    ] = Field(
        None,
        description="Schedule. Minute, hour, day, month, weekday, as Debian's cron reads them; six fields have seconds "
        "first. Also @daily and the like, L and LW (last day, last working day of the month), 5L and 5#2 (last, second "
        "Friday), and H (a number of the job's own, to spread jobs). Always in quotes.",
        examples=["15 3 * * MON-FRI"],
    )
    every: Annotated[int | None, whole_seconds(1)] = Field(
        None,
        description="Schedule. A fixed period in whole seconds, counted from 1970-01-01T00:00Z, so that all replicas "
        "agree; not from the start of the program.",
        examples=["15m"],
    )
    offset: Annotated[int | None, whole_seconds()] = Field(
        None,
        description="With every: each tick this much later. every: 15m with offset: 2m is :02, :17, :32 and :47. Whole "
        "seconds, less than every. Without it, 0s.",
        examples=["2m"],
    )
    at: Annotated[datetime | None, instant()] = Field(
        None,
        description="Schedule. Once, at this date and time in the job's time zone, or in another with Z or an offset "
        "from UTC such as +01:00.",
        examples=["2026-12-01T02:00:00"],
    )
    manual: Annotated[bool | None, always_true("leave it out, or write enabled: false")] = Field(
        None, description="Schedule. true: never by itself, only when somebody asks for it.", examples=[True]
    )
    python: Annotated[PythonKeys | None, ShortForm("module:function or a map", "call", (str,), function())] = Field(
        None,
        description="Action. A Python function: module:function, or a map with its arguments.",
        examples=["jobs.mail:send"],
    )
    shell: Annotated[ShellKeys | None, ShortForm("a command or a map", "run", (str, list), command())] = Field(
        None,
        description="Action. A command: text for sh -c, a list without a shell, or a map with its folder and "
        "environment.",
        examples=["./purge --days 30"],
    )


class FileKeys(Strict):
    """The file of a leasebeat: its settings, and the jobs that it runs."""

    version: Annotated[int, whole(1, 1)] = Field(
        1, description="Version of this file's format. There is only 1.", examples=[1]
    )
    timezone: Annotated[str, time_zone()] = Field(
        "UTC",
        description="Time zone of every schedule, by its IANA name. A job may have its own.",
        examples=["Europe/Berlin"],
    )
    lease: LeaseKeys = Field(
        LeaseKeys(),
        description="The Lease, by which the replicas agree who leads: where it is kept, and how fast the lead changes "
        "hands.",
        examples=[{"name": "billing", "drain_timeout": "5m"}],
    )
    logging: LoggingKeys = Field(LoggingKeys(), description="How the log looks.", examples=[{"format": "json"}])
    health: HealthKeys = Field(
        HealthKeys(),
        description="The HTTP server that probes ask how the replica is: /livez, /readyz and /startupz.",
        examples=[{"port": 9090}],
    )
    defaults: PolicyKeys = Field(
        PolicyKeys(),
        description="How jobs are run that do not say otherwise: any of overlap, timeout, retries and the other "
        "policies.",
        examples=[{"timeout": "20m", "retries": 2}],
    )
    revision: Annotated[int, whole(0, 2**53)] = Field(
        0,
        description="Number of this version of the file, raised by whatever rolls it out. While two versions run side "
        "by side, the replicas with the greater number are the first to take over. Up to 9007199254740992.",
        examples=[7],
    )
    max_parallel: Annotated[int, whole(1, 1000)] = Field(
        16,
        description="How many runs may go on at the same time. Further ones wait for a place. 1 to 1000.",
        examples=[4],
    )
    jobs: dict[str, JobKeys] = Field(
        {},
        description="The jobs, by name; at least one. A name has a-z, 0-9 and -, at most 52 characters, and neither "
        "begins nor ends with -.",
        examples=[{"hello": {"every": "30s", "shell": "date"}}],
    )

"""The keys of config.yaml, what each may hold, its default and its description.

The models are the one list of keys: loading, `leasebeat schema` and the documentation of the file come from here and
from the three modules beside it, for settings, policies and actions. Only what one value may be is judged here; what
values may not say together is in `config/rules/`. Every field can be left out, so that what remains of a faulty file,
its faulty keys removed, can still be checked by the rules. Defaults of policies are the core's own, stated once in
`Policy`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from scheduler.config.models.actions import (
    CeleryKeys,
    HttpKeys,
    KubernetesJobKeys,
    PythonKeys,
    ShellKeys,
    celery_form,
    http_form,
    kubernetes_job_form,
    python_form,
    shell_form,
)
from scheduler.config.models.policies import PolicyKeys
from scheduler.config.models.settings import HealthKeys, LeaseKeys, LoggingKeys, TargetKeys
from scheduler.config.models.strict import Strict
from scheduler.config.values.common import always_true, flag, instant, text, time_zone, whole, whole_seconds
from scheduler.config.values.schemas import cron_shape

NAME = "[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?"  # of a job, of a target


class JobKeys(PolicyKeys):
    """A job: one schedule (cron, every, at, manual), one action, and what differs from the defaults.

    The actions are python, shell, http, kubernetes_job and celery.
    """

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
    python: Annotated[PythonKeys | None, python_form()] = Field(
        None,
        description="Action. A Python function: module:function, or a map with its arguments.",
        examples=["jobs.mail:send"],
    )
    shell: Annotated[ShellKeys | None, shell_form()] = Field(
        None,
        description="Action. A command: text for sh -c, a list without a shell, or a map with its folder and "
        "environment.",
        examples=["./purge --days 30"],
    )
    http: Annotated[HttpKeys | None, http_form()] = Field(
        None,
        description="Action. A request: its URL, or a map with method, headers, body and the statuses to expect.",
        examples=["https://crm/sync"],
    )
    kubernetes_job: Annotated[KubernetesJobKeys | None, kubernetes_job_form()] = Field(
        None,
        description="Action. A Kubernetes Job: its image, or a map with command, environment, resources, or with the "
        "whole template.",
        examples=["acme/indexer:4"],
    )
    celery: Annotated[CeleryKeys | None, celery_form()] = Field(
        None,
        description="Action. A Celery task: its name, or a map with arguments, options and the broker's URL. Needs "
        "leasebeat[celery].",
        examples=["mail.trial"],
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
        description="The HTTP server that probes, browsers and Prometheus ask how the replica is.",
        examples=[{"port": 9090}],
    )
    notify: dict[str, TargetKeys] = Field(
        {},
        description="Targets of notifications, by name: webhooks that are told how runs have ended. Who is told of "
        "what, the policy notify says.",
        examples=[{"ops": {"webhook": "${OPS_WEBHOOK}"}}],
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

"""The keys of config.yaml that are not about jobs: Lease, log, health server, and where notifications go."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from scheduler.config.models.actions import Headers, HttpKeys, PythonKeys, ShellKeys, http_form, python_form, shell_form
from scheduler.config.models.strict import Strict
from scheduler.config.values.cluster import K8S_NAME, LABEL
from scheduler.config.values.common import choice, flag, optional, text, whole, whole_seconds
from scheduler.config.values.references import Written
from scheduler.config.values.web import message_form, web_address

_TOLD = "It is told LEASEBEAT_HOOK, LEASEBEAT_TERM, LEASEBEAT_FENCE and LEASEBEAT_HOLDER, and ended after 30 s."


class HookKeys(Strict):
    """What is done at a moment of the election: one action, python, shell or http."""

    python: Annotated[PythonKeys | None, python_form()] = Field(
        None,
        description="Action. A Python function: module:function, or a map with its arguments.",
        examples=["jobs.hooks:leading"],
    )
    shell: Annotated[ShellKeys | None, shell_form()] = Field(
        None,
        description="Action. A command: text for sh -c, a list without a shell, or a map with its folder and "
        "environment.",
        examples=["./switch-address"],
    )
    http: Annotated[HttpKeys | None, http_form()] = Field(
        None,
        description="Action. A request: its URL, or a map with method, headers and body.",
        examples=["https://proxy/leader"],
    )


class HooksKeys(Strict):
    """What else is done when the lead changes hands. None of it holds the election up."""

    def stated(self) -> dict[str, HookKeys]:
        """The hooks that the file has, by their moments."""
        return {moment: getattr(self, moment) for moment in HooksKeys.model_fields if moment in self.model_fields_set}

    started: HookKeys = Field(
        HookKeys(),
        description=f"When this replica has begun to lead. {_TOLD}",
        examples=[{"shell": "./switch-address"}],
    )
    stopped: HookKeys = Field(
        HookKeys(),
        description=f"When this replica leads no more. {_TOLD}",
        examples=[{"python": "jobs.hooks:stopped"}],
    )
    new_leader: HookKeys = Field(
        HookKeys(),
        description=f"When this replica learns that another one leads now, or begins to lead itself. {_TOLD}",
        examples=[{"http": "https://proxy/leader"}],
    )


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
        str, text("a Kubernetes name", K8S_NAME, "a-z, 0-9, - and ., at most 253 characters", "lease-name", 253)
    ] = Field(
        "leasebeat",
        description="Name of the Lease. Replicas that share it share their jobs: two files in one namespace need two "
        "names.",
        examples=["billing"],
    )
    namespace: Annotated[
        str | None,
        optional(text("a namespace", LABEL, "a-z, 0-9 and -, at most 63 characters", "lease-name", 63)),
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
    hooks: HooksKeys = Field(
        HooksKeys(),
        description="What else is done when the lead changes hands: an action for each of the moments started, stopped "
        "and new_leader.",
        examples=[{"started": {"shell": "./switch-address"}}],
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
    """The HTTP server that probes, browsers and Prometheus ask."""

    port: Annotated[int, whole(0, 65535)] = Field(
        8080,
        description="The server's port. In a pod exactly this one, on all addresses; elsewhere the first free one of "
        "20 from this one on, on 127.0.0.1. 0: no server. Up to 65535.",
        examples=[9090],
    )
    page: Annotated[bool, flag()] = Field(
        default=True,
        description="false: neither the page / nor /status.json is served, which name the jobs; probes and metrics "
        "are.",
        examples=[False],
    )


class TargetKeys(Strict):
    """Somebody who is told of runs: a webhook that takes a POST of JSON."""

    webhook: Annotated[Written, web_address()] = Field(
        description="The URL that is told. It may hold ${NAME}, a variable of the environment, or be {file: PATH}; "
        "then it is shown nowhere.",
        examples=["${OPS_WEBHOOK}"],
    )
    headers: Headers = Field(
        {}, description="Headers of the request, beside our own.", examples=[{"Authorization": "Bearer ${OPS_TOKEN}"}]
    )
    template: Annotated[Any, message_form()] = Field(
        "json",
        description="What is sent. json: the final line of the run, as a log in JSON has it; slack: a text for Slack "
        "and those who take the same; or JSON of your own, in whose texts {job}, {run}, {event}, {error} and the other "
        "fields of the line are filled in, and for {text} all of it as a sentence.",
        examples=["slack", {"text": "{job} {event}: {error}"}],
    )

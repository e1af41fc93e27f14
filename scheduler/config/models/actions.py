"""The keys of config.yaml that say what a job does: one map for each action."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from scheduler.config.models.strict import Strict
from scheduler.config.values.cluster import K8S_NAME, TEMPLATE_SCHEMA, amounts, image_name, words
from scheduler.config.values.common import (
    ShortForm,
    choice,
    command,
    duration_or,
    flag,
    function,
    optional,
    task_name,
    text,
    whole_seconds,
)
from scheduler.config.values.references import VARIABLE, Template, Written
from scheduler.config.values.referring import reference, secret_reference
from scheduler.config.values.schemas import NO
from scheduler.config.values.web import (
    METHODS,
    broker_address,
    header_name,
    header_value,
    payload,
    statuses,
    web_address,
)
from scheduler.core import celery_options
from scheduler.core.references import SecretKey

_ENV = (
    "Environment variables of the run, beside those of the replica. ${NAME} stands for a variable of the replica, "
    "looked up when that starts; {file: PATH} for what is in a file, read when the run starts (without a line break at "
    "its end; the path is seen from the folder of config.yaml); $$ for a plain $. What they stand for is never shown "
    "in logs, errors or --json."
)
_POD_ENV = (
    "Environment variables of the container. {secret: NAME/KEY} is a key of a Secret, which only the pod gets to see. "
    "${NAME} and {file: PATH} work as elsewhere, but what they stand for is then written into the Job, where whoever "
    "may read Jobs can read it."
)
_ENV_EXAMPLE = {"REGION": "eu", "TOKEN": {"file": "/run/secrets/token"}}
_POD_ENV_EXAMPLE = {"REGION": "eu", "TOKEN": {"secret": "crm/token"}}
_VARIABLE = text("the name of a variable", VARIABLE, "letters, digits and _", "env-name")
_ENV_SCHEMA = {"type": "object", "propertyNames": _VARIABLE.schema, "additionalProperties": reference().schema}
_POD_ENV_SCHEMA = {**_ENV_SCHEMA, "additionalProperties": secret_reference().schema}
_HEADERS_SCHEMA = {
    "type": "object",
    "propertyNames": header_name().schema,
    "additionalProperties": header_value().schema,
}
Env = Annotated[
    dict[Annotated[str, _VARIABLE], Annotated[Written, reference()]],
    WithJsonSchema(_ENV_SCHEMA),
]
PodEnv = Annotated[
    dict[Annotated[str, _VARIABLE], Annotated[Written | SecretKey, secret_reference()]],
    WithJsonSchema(_POD_ENV_SCHEMA),
]
Headers = Annotated[
    dict[Annotated[str, header_name()], Annotated[Written, header_value()]],
    WithJsonSchema(_HEADERS_SCHEMA),
]
Arguments = Annotated[list[Any], WithJsonSchema({"type": "array"})]
NamedArguments = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]

INSTEAD_OF_TEMPLATE = ("image", "command", "args", "env", "resources", "service_account")
OF_CONNECTION = ("retry", "retry_policy", "producer", "publisher", "connection")
OPTIONS = (  # what Celery's send_task takes beside what is ours to say, and what kombu makes of it
    *("queue", "exchange", "exchange_type", "routing_key", "priority", "countdown", "eta", "expires", "time_limit"),
    *("soft_time_limit", "serializer", "compression", "headers", "delivery_mode", "mandatory", "immediate"),
    *("ignore_result", "reply_to", "correlation_id", "root_id", "parent_id", "group_id", "group_index", "shadow"),
    *("link", "link_error", "chain", "chord", "add_to_parent", "router", "route_name", "task_type", "stamped_headers"),
    *("content_type", "content_encoding", "expiration", "timestamp", "user_id", "app_id", "declare", "origin"),
)
_OURS_TO_SAY = ("task_id", "args", "kwargs", "broker", *OF_CONNECTION)
_SECONDS = {"type": ["number", "null"], "minimum": 0}
_OPTIONS_SCHEMA = {
    "type": "object",
    "properties": {
        **dict.fromkeys(_OURS_TO_SAY, NO),
        **dict.fromkeys(celery_options.SECONDS, _SECONDS),
        "expires": {"anyOf": [_SECONDS, {"type": "string", "pattern": celery_options.DATE}]},
        "priority": {"type": ["integer", "null"], "minimum": 0, "maximum": celery_options.PRIORITIES[-1]},
    },
}
_BROKER = Template(("", "CELERY_BROKER_URL", ""))
_ACCOUNT = text("the name of a service account", K8S_NAME, "a-z, 0-9, - and .", "account-name", 253)


class PythonKeys(Strict):
    """A Python function, called in a process of its own."""

    call: Annotated[tuple[str, str], function()] = Field(
        description="The function, as module:function. Modules are looked for beside config.yaml and on PYTHONPATH. A "
        "function with a parameter named run is told which run it is.",
        examples=["jobs.mail:send"],
    )
    args: Arguments = Field([], description="Arguments by position, of any type that YAML has.", examples=[["eu", 30]])
    kwargs: NamedArguments = Field(
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


class HttpKeys(Strict):
    """A request, sent from a process of its own. The timeout bounds all of it, from the connection to the answer's end.

    The receiver is told the run by the headers Idempotency-Key, which is the run id, and Leasebeat-*.
    """

    url: Annotated[Written, web_address()] = Field(
        description="Where the request goes, http:// or https://. It may hold ${NAME}, a variable of the environment, "
        "or be {file: PATH}.",
        examples=["https://crm/sync"],
    )
    method: Annotated[str, choice(str, METHODS)] = Field(
        "POST",
        description="The method: POST, GET, PUT, PATCH, DELETE, HEAD, OPTIONS, or PURGE, which caches know.",
        examples=["PUT"],
    )
    headers: Headers = Field(
        {},
        description="Headers beside our own. Values may hold ${NAME} or be {file: PATH}.",
        examples=[{"Authorization": "Bearer ${CRM_TOKEN}"}],
    )
    body: Annotated[Any, payload()] = Field(
        None,
        description="What is sent. Text is sent as it is, and so is {file: PATH}; a map, a list or a number is sent as "
        "JSON. ${NAME} works in the text, and in the texts of JSON. null: nothing.",
        examples=[{"region": "eu", "key": "${CRM_KEY}"}],
    )
    expect: Annotated[tuple[tuple[int, int], ...], statuses()] = Field(
        ((200, 299),),
        description="The statuses that mean success: 2xx, 204, 200-204, or a list of such.",
        examples=["200-204", [200, 409]],
    )
    redirects: Annotated[bool, flag()] = Field(
        default=False,
        description="true: follow redirects. Otherwise one is an answer like any other, for expect to judge.",
        examples=[True],
    )


class KubernetesJobKeys(Strict):
    """A Kubernetes Job in the namespace of the Lease, named after the run, so that whoever leads next finds it."""

    image: Annotated[str | None, image_name()] = Field(
        None, description="The image of its only container.", examples=["acme/indexer:4"]
    )
    command: Annotated[tuple[str, ...], words()] = Field(
        (),
        description="What the container runs instead of the image's own command; a list, without a shell.",
        examples=[["./index", "--all"]],
    )
    args: Annotated[tuple[str, ...], words()] = Field(
        (), description="Arguments of the command. Kubernetes fills in $(NAME) from env.", examples=[["--region", "eu"]]
    )
    env: PodEnv = Field({}, description=_POD_ENV, examples=[_POD_ENV_EXAMPLE])
    resources: Annotated[dict[str, Any], amounts()] = Field(
        {},
        description="What the container needs and may take, as a pod has it.",
        examples=[{"requests": {"cpu": "500m", "memory": "1Gi"}}],
    )
    service_account: Annotated[str | None, optional(_ACCOUNT)] = Field(
        None, description="The pod's service account. null: the namespace's default one.", examples=["indexer"]
    )
    wait: Annotated[bool, flag()] = Field(
        default=True,
        description="true: the run lasts as long as the Job and ends as it does; false: it has succeeded once the "
        "cluster has accepted the Job, and overlap, timeout and retries are about that alone.",
        examples=[False],
    )
    ttl: Annotated[int | None, duration_or("none", whole_seconds(), "to keep it for ever write none")] = Field(
        86_400,
        description="How long a Job that has ended is kept, with its pods and their logs. Whole seconds, more than "
        "lease_duration + retry_period, so that the next leader still finds what ended while no one led. none: for "
        "ever.",
        examples=["2h"],
    )
    template: Annotated[dict[str, Any], WithJsonSchema(TEMPLATE_SCHEMA)] = Field(
        {},
        description="All of the Job, instead of image and what belongs to it: what a CronJob has under jobTemplate.",
        examples=[{"spec": {"template": {"spec": {"containers": [{"name": "index", "image": "acme/indexer:4"}]}}}}],
    )


class CeleryKeys(Strict):
    """A Celery task, sent to its broker. The run has succeeded when the broker has it; a worker does the rest."""

    task: Annotated[str, task_name()] = Field(
        description="The task's name, as its worker knows it.", examples=["mail.trial"]
    )
    args: Arguments = Field([], description="Arguments by position, of any type that JSON has.", examples=[["eu", 30]])
    kwargs: NamedArguments = Field(
        {}, description="Arguments by name, of any type that JSON has.", examples=[{"region": "eu"}]
    )
    options: Annotated[dict[str, Any], WithJsonSchema(_OPTIONS_SCHEMA)] = Field(
        {},
        description="Options of Celery's send_task: queue, priority, expires and the like. The task_id is the run id.",
        examples=[{"queue": "mail", "expires": 3600}],
    )
    broker: Annotated[Written, broker_address()] = Field(
        _BROKER,
        description="The broker's URL. It may hold ${NAME}, a variable of the environment, or be {file: PATH}.",
        examples=["redis://broker:6379/0"],
    )


def python_form() -> ShortForm:
    """`python: jobs.mail:send`."""
    return ShortForm("module:function or a map", "call", (str,), function())


def shell_form() -> ShortForm:
    """`shell: ./purge`."""
    return ShortForm("a command or a map", "run", (str, list), command())


def http_form() -> ShortForm:
    """`http: https://crm/sync`."""
    return ShortForm("a URL or a map", "url", (str,), web_address(as_text=True))


def kubernetes_job_form() -> ShortForm:
    """`kubernetes_job: acme/indexer:4`."""
    return ShortForm("an image or a map", "image", (str,), image_name())


def celery_form() -> ShortForm:
    """`celery: mail.trial`."""
    return ShortForm("the name of a task or a map", "task", (str,), task_name())

"""What a job may do besides python and shell, whom it tells, and what hooks do: as read, and as refused."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st
from kombu.messaging import Producer

from scheduler.clock import SystemClock
from scheduler.config.imports import unimportable
from scheduler.config.loading import load
from scheduler.config.models.actions import OF_CONNECTION, OPTIONS
from scheduler.config.report import problems_text
from scheduler.config.settings import Target
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.config.values.web import unfit_url
from scheduler.core.actions import (
    Action,
    CeleryAction,
    HttpAction,
    KubernetesJobAction,
    PythonAction,
    ShellAction,
)
from scheduler.core.errors import ConfigError
from scheduler.core.job import Notify, Output, Policy
from scheduler.core.references import FileReference, Secret, SecretKey
from tests.edges.config_text import LOADED_AT, cases, loaded, told

POD = {"containers": [{"name": "main", "image": "acme/x:1"}]}
TOKEN = "s3cret"  # noqa: S105 - an example


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("CRM", "https://crm/a")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker/0")


REST_OF_JOB = " resources: {limits: {cpu: 2}}, service_account: sa, wait: false, ttl: 2h}"
ACTIONS: dict[str, tuple[str, Action]] = {
    "a URL": ("http: https://crm/sync", HttpAction("https://crm/sync")),
    "a URL with variables": ('http: "${CRM}/b?t=${TOKEN}"', HttpAction(Secret("https://crm/a/b?t=s3cret"))),
    "a whole request": (
        "http: {url: {file: u}, method: PUT, headers: {A: 'b ${TOKEN}'}, body: x, expect: 204, redirects: true}",
        HttpAction(FileReference("u"), "PUT", {"A": Secret("b s3cret")}, "x", ((204, 204),), redirects=True),
    ),
    "JSON with variables in its texts": (
        'http: {url: "http://a", body: {a: ["${TOKEN}", 1, null, true, $$x], b: {file: c}}}',
        HttpAction("http://a", body={"a": [Secret(TOKEN), 1, None, True, "$x"], "b": {"file": "c"}}),
    ),
    "a file as the body": ("http: {url: http://a, body: {file: b}}", HttpAction("http://a", body=FileReference("b"))),
    "statuses": (
        "http: {url: http://a, expect: [2xx, 304, 400-404]}",
        HttpAction("http://a", expect=((200, 299), (304, 304), (400, 404))),
    ),
    "an image": ("kubernetes_job: acme/x:1", KubernetesJobAction("acme/x:1")),
    "a whole Job": (
        "kubernetes_job: {image: x, command: [./a], args: ['$(A)'], env: {A: {secret: crm/token}, B: '${TOKEN}'},"
        + REST_OF_JOB,
        KubernetesJobAction(
            image="x",
            command=("./a",),
            args=("$(A)",),
            env={"A": SecretKey("crm", "token"), "B": Secret(TOKEN)},
            resources={"limits": {"cpu": 2}},
            service_account="sa",
            wait=False,
            ttl=timedelta(hours=2),
        ),
    ),
    "a Job that is kept": ("kubernetes_job: {image: x, ttl: none}", KubernetesJobAction("x", ttl=None)),
    "a template": (
        "kubernetes_job: {template: {spec: {template: {spec: {containers: [{name: main, image: acme/x:1}]}}}}}",
        KubernetesJobAction(template={"spec": {"template": {"spec": POD}}}),
    ),
    "a task": ("celery: mail.trial", CeleryAction("mail.trial", Secret("redis://broker/0"))),
    "a whole task": (
        "celery: {task: a, args: [1, '$x'], kwargs: {b: {c: [null]}}, options: {queue: q}, broker: {file: b}}",
        CeleryAction("a", FileReference("b"), (1, "$x"), {"b": {"c": [None]}}, {"queue": "q"}),
    ),
}


@pytest.mark.parametrize(("text", "action"), [pytest.param(*row, id=name) for name, row in ACTIONS.items()])
def test_an_action_is_read(tmp_path: Path, text: str, action: Action) -> None:
    assert loaded(tmp_path, f"jobs: {{a: {{every: 1m, {text}}}}}").table.jobs["a"].action == action


NOTIFYING = """\
notify:
  ops: {webhook: "${CRM}"}
  chat: {webhook: {file: hook}, headers: {A: b}, template: {text: "{job}"}}
defaults: {notify: {on_failure: [ops], on_missed: [ops]}, ping: "https://hc/${TOKEN}", output: tail}
jobs:
  usual: {every: 1m, shell: ls}
  own: {every: 1m, shell: ls, notify: {on_failure: [], on_success: [chat]}, ping: null, output: none}
"""


def test_whom_runs_tell_is_read_moment_by_moment(tmp_path: Path) -> None:
    read = loaded(tmp_path, NOTIFYING)
    usual, own = (read.table.jobs[name].policy for name in ("usual", "own"))

    assert usual == Policy(
        output=Output.TAIL, ping=Secret(f"https://hc/{TOKEN}"), notify=Notify(on_failure=("ops",), on_missed=("ops",))
    )
    assert own == Policy(output=Output.NONE, notify=Notify(on_missed=("ops",), on_success=("chat",)))
    assert read.settings.notify == {
        "ops": Target(Secret("https://crm/a")),
        "chat": Target(FileReference("hook"), {"A": "b"}, {"text": "{job}"}),
    }


HOOKING = """\
lease:
  hooks:
    started: {shell: ./a}
    stopped: {python: {call: "hooks:stop", env: {A: "${TOKEN}"}}}
    new_leader: {http: {url: "${CRM}", body: {a: "${TOKEN}"}}}
health: {page: false}
jobs: {poll: {every: 5m, python: "hooks:go"}}
"""


def test_hooks_are_read(tmp_path: Path) -> None:
    settings = loaded(tmp_path, HOOKING).settings

    assert settings.lease.hooks == {
        "started": ShellAction("./a"),
        "stopped": PythonAction("hooks", "stop", env={"A": Secret(TOKEN)}),
        "new_leader": HttpAction(Secret("https://crm/a"), body={"a": Secret(TOKEN)}),
    }
    assert not settings.health.page


def test_the_functions_of_hooks_are_imported_as_those_of_jobs_are(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text("def go(): ...\n")
    problems = unimportable(loaded(tmp_path, HOOKING), SystemClock())

    assert problems_text(problems).replace(f"{tmp_path}/", "").splitlines()[0] == (
        "config.yaml:4:30: lease.hooks.stopped.python.call: module hooks has no function stop [import]"
    )


WRONG = """\
== a URL without its beginning
jobs: {a: {every: 1m, http: «crm/sync»}}
>> jobs.a.http: expected an http:// or https:// URL, got crm/sync [url]
>> write https://crm/sync

== a URL with a space
jobs: {a: {every: 1m, http: «"https://crm/a b"»}}
>> jobs.a.http: expected an http:// or https:// URL, got https://crm/a b [url]
>> a space is %20

== a URL with a port that there is not
jobs: {a: {every: 1m, http: {url: «"https://crm:99999"»}}}
>> jobs.a.http.url: expected an http:// or https:// URL, got https://crm:99999 [url]
>> port out of range 0-65535

== a URL whose host is a path
jobs: {a: {every: 1m, http: «"https:///${TOKEN}"»}}
>> jobs.a.http: expected an http:// or https:// URL, got https:///${TOKEN} [url]

== a variable that makes no URL is not shown
jobs: {a: {every: 1m, http: «"${TOKEN}/sync"»}}
>> jobs.a.http: with the value of ${TOKEN} it is not an http:// or https:// URL [url]
>> look at the variable's value

== a ping that is no URL
jobs: {a: {every: 1m, shell: ls, ping: «hc-ping.com/x»}}
>> jobs.a.ping: expected an http:// or https:// URL, got hc-ping.com/x [url]
>> write https://hc-ping.com/x

== a method in small letters
jobs: {a: {every: 1m, http: {url: "http://a", method: «post»}}}
>> jobs.a.http.method: expected POST, GET, PUT, PATCH, DELETE, HEAD, OPTIONS or PURGE, got post [choice]
>> did you mean POST?

== a header of ours
jobs: {a: {every: 1m, http: {url: "http://a", headers: {«idempotency-key»: x}}}}
>> jobs.a.http.headers.idempotency-key: header idempotency-key is set by leasebeat [header]
>> remove it

== a header of two lines
jobs: {a: {every: 1m, http: {url: "http://a", headers: {A: «"b\\nc"»}}}}
>> jobs.a.http.headers.A: expected one line of a header, got a line break [header]
>> a header carries no such letter

== a header twice
jobs: {a: {every: 1m, http: {url: "http://a", headers: {X-A: b, «x-a»: c}}}}
>> jobs.a.http.headers.x-a: header used twice, first as X-A [header]
>> capitals do not count; remove one

== a status that there is not
jobs: {a: {every: 1m, http: {url: "http://a", expect: [200, «600»]}}}
>> jobs.a.http.expect[1]: expected 2xx, 204, 200-204 or a list of such, got 600 [status]
>> a status is 100 to 599

== statuses from high to low
jobs: {a: {every: 1m, http: {url: "http://a", expect: «204-200»}}}
>> jobs.a.http.expect: expected a range that goes up, got 204-200 [status]
>> write 200-204

== a bare variable in a body
jobs: {a: {every: 1m, http: {url: "http://a", body: {x: [«$TOKEN»]}}}}
>> jobs.a.http.body.x[0]: expected ${TOKEN}, got $TOKEN [reference]
>> for this very text write $$TOKEN

== a variable of a body that is not set
jobs: {a: {every: 1m, http: {url: "http://a", body: {x: [«"${NOT_SET}"»]}}}}
>> jobs.a.http.body.x[0]: environment variable NOT_SET is not set [env]
>> set it (chart: env.NOT_SET); a plain $ is $$

== another reader's truth in a body
jobs: {a: {every: 1m, http: {url: "http://a", body: {x: «True»}}}}
>> jobs.a.http.body.x: expected true or text, got True [type]
>> write true, or quote it: "True"

== neither image nor template
jobs: {a: {every: 1m, «kubernetes_job»: {ttl: 1h}}}
>> jobs.a.kubernetes_job: neither image nor template [one-image]
>> add image: or template:

== an image beside a template
jobs: {a: {every: 1m, kubernetes_job: {«image»: x, template: {
  spec: {template: {spec: {containers: [{name: a, image: b}]}}}}}}}
>> jobs.a.kubernetes_job: image beside template [one-image]
>> the template has all of it: keep one of them

== two ways to say how long it is kept
jobs: {a: {every: 1m, kubernetes_job: {«ttl»: 1h, template: {
  spec: {ttlSecondsAfterFinished: 5, template: {spec: {containers: [{name: a, image: b}]}}}}}}}
>> jobs.a.kubernetes_job: ttl said twice [one-image]
>> the template has ttlSecondsAfterFinished: keep one of them

== a misspelt image is one mistake
jobs: {a: {every: 1m, kubernetes_job: {«imgae»: x}}}
>> jobs.a.kubernetes_job: unknown key "imgae" [unknown-key]
>> did you mean "image"?

== a Job that nobody finds again
jobs: {a: {every: 1m, kubernetes_job: {image: x, ttl: «17s»}}}
>> jobs.a.kubernetes_job.ttl: expected more than lease_duration + retry_period (17s), got 17s [ttl]
>> a Job gone before the next leader sees it is made again: write 1m

== a command as text
jobs: {a: {every: 1m, kubernetes_job: {image: x, command: «./a --all»}}}
>> jobs.a.kubernetes_job.command: expected a list, got ./a --all [type]
>> write [./a, --all]

== a number among arguments
jobs: {a: {every: 1m, kubernetes_job: {image: x, args: [«5»]}}}
>> jobs.a.kubernetes_job.args[0]: expected text, got 5 [type]
>> quote it: "5"

== a reference among arguments
jobs: {a: {every: 1m, kubernetes_job: {image: x, args: [«"${A}"»]}}}
>> jobs.a.kubernetes_job.args[0]: a reference cannot stand here [reference]
>> put it into env, and write $(NAME): Kubernetes fills that in

== a Secret without a key
jobs: {a: {every: 1m, kubernetes_job: {image: x, env: {A: {secret: «crm»}}}}}
>> jobs.a.kubernetes_job.env.A.secret: expected NAME/KEY, got crm [reference]
>> the Secret's name, then which of its keys: crm/token

== an amount that Kubernetes does not know
jobs: {a: {every: 1m, kubernetes_job: {image: x, resources: {limits: {memory: «1GB»}}}}}
>> jobs.a.kubernetes_job.resources.limits.memory: expected an amount such as 500m or 1Gi, got 1GB [quantity]

== resources that are neither asked for nor limited
jobs: {a: {every: 1m, kubernetes_job: {image: x, resources: {«cpu»: 1}}}}
>> jobs.a.kubernetes_job.resources: unknown key "cpu" [unknown-key]
>> requests and limits are known

== a whole Job as a template
jobs: {a: {every: 1m, kubernetes_job: {template: {
  «kind»: Job, spec: {template: {spec: {containers: [{name: a, image: b}]}}}}}}}
>> jobs.a.kubernetes_job.template: unknown key "kind" [unknown-key]
>> here stands what a CronJob has under jobTemplate: metadata and spec alone

== a pod as a template
jobs: {a: {every: 1m, kubernetes_job: {template: {
  spec: {«containers»: []}}}}}
>> jobs.a.kubernetes_job.template.spec: unknown key "containers" [unknown-key]
>> it belongs under spec: {template: {spec: ...}}

== a template with a name
jobs: {a: {every: 1m, kubernetes_job: {template: {
  metadata: {«name»: x}, spec: {template: {spec: {containers: [{name: a, image: b}]}}}}}}}
>> jobs.a.kubernetes_job.template.metadata: name cannot be set here [job-template]
>> the Job is named after its run, and made where the Lease is

== a template that never starts
jobs: {a: {every: 1m, kubernetes_job: {template: {
  spec: {suspend: «true», template: {spec: {containers: [{name: a, image: b}]}}}}}}}
>> jobs.a.kubernetes_job.template.spec.suspend: expected false, got true [job-template]
>> a suspended Job never starts: enabled: false is a job's own key

== a pod that starts again and again
jobs: {a: {every: 1m, kubernetes_job: {template: {
  spec: {template: {spec: {restartPolicy: «Always», containers: [{name: a, image: b}]}}}}}}}
>> jobs.a.kubernetes_job.template.spec.template.spec.restartPolicy: expected Never or OnFailure, got Always [choice]
>> a Job's pods end; Never is the usual one

== a pod without containers
jobs: {a: {every: 1m, kubernetes_job: {template: {
  spec: {template: {spec: {containers: «[]»}}}}}}}
>> jobs.a.kubernetes_job.template.spec.template.spec.containers: expected at least one container [type]
>> such as [{name: main, image: acme/indexer:4}]

== a container without an image
jobs: {a: {every: 1m, kubernetes_job: {template: {
  spec: {template: {spec: {containers: [«{name: a}»]}}}}}}}
>> jobs.a.kubernetes_job.template.spec.template.spec.containers[0]: key "image" is missing [missing]
>> add image:

== a task with an id of its own
jobs: {a: {every: 1m, celery: {task: x, options: {«task_id»: y}}}}
>> jobs.a.celery.options: task_id is set by leasebeat [celery-options]
>> the run id is the task_id, so that a worker sees what was sent twice

== a task that is sent again by Celery
jobs: {a: {every: 1m, celery: {task: x, options: {«retry»: true}}}}
>> jobs.a.celery.options: retry is set by leasebeat [celery-options]
>> how often to try is retries and retry_delay of the job

== arguments among the options
jobs: {a: {every: 1m, celery: {task: x, options: {«kwargs»: {}}}}}
>> jobs.a.celery.options: unknown key "kwargs" [unknown-key]
>> it belongs beside options

== a task to be replaced
jobs: {a: {every: 1m, celery: x, overlap: «replace»}}
>> jobs.a.overlap: expected skip, queue or allow with celery, got replace [celery-replace]
>> a task that was sent cannot be taken back: overlap: skip, queue or allow

== a task where the defaults replace
defaults: {overlap: replace}
jobs:
  a: {every: 1m, «celery»: x}
  b: {every: 1m, celery: x, overlap: skip}
  c: {every: 1m, http: "http://a"}
  d: {every: 1m, kubernetes_job: x}
>> jobs.a.celery: the defaults say overlap: replace [celery-replace]
>> a task that was sent cannot be taken back: overlap: skip, queue or allow

== a target that there is not
notify: {ops: {webhook: "http://a"}, chat: {webhook: "http://a"}}
jobs: {a: {every: 1m, shell: ls, notify: {on_missed: [ops, «pager»]}}}
>> jobs.a.notify.on_missed: no target pager under notify [target]
>> there is ops and chat

== a target where there is none
jobs: {a: {every: 1m, shell: ls, notify: {on_success: [«ops»]}}}
>> jobs.a.notify.on_success: no target ops under notify [target]
>> add it at the top: notify: {ops: {webhook: "${URL}"}}

== an address for a target
jobs: {a: {every: 1m, shell: ls, notify: {on_success: [«"https://chat/hook"»]}}}
>> jobs.a.notify.on_success: no target https://chat/hook under notify [target]
>> add it at the top by a name, notify: {ops: {webhook: "${URL}"}}, and write the name

== a file for a template
jobs: {a: {every: 1m, kubernetes_job: {template: «job.yaml»}}}
>> jobs.a.kubernetes_job.template: expected a map, got job.yaml [type]
>> what a CronJob has under jobTemplate; leasebeat import cronjobs writes it

== a reference for a template
jobs: {a: {every: 1m, kubernetes_job: {template: {«file»: job.yaml}}}}
>> jobs.a.kubernetes_job.template: unknown key "file" [unknown-key]
>> write the template itself; leasebeat import cronjobs does

== a target of the defaults is told once
notify: {ops: {webhook: "http://a"}}
defaults: {notify: {on_failure: [«osp»]}}
jobs: {a: {every: 1m, shell: ls}, b: {every: 1m, shell: ls}}
>> defaults.notify.on_failure: no target osp under notify [target]
>> did you mean ops?

== a target alone
notify: {ops: {webhook: "http://a"}}
jobs: {a: {every: 1m, shell: ls, notify: {on_failure: «ops»}}}
>> jobs.a.notify.on_failure: expected a list, got ops [type]
>> write [ops]

== a number for a target
notify: {ops: {webhook: "http://a"}}
jobs: {a: {every: 1m, shell: ls, notify: {on_failure: [ops, «5»]}}}
>> jobs.a.notify.on_failure[1]: expected the name of a target under notify, got 5 [type]

== whom to tell, without the moment
jobs: {a: {every: 1m, shell: ls, notify: «[ops]»}}
>> jobs.a.notify: expected a map, got a list [type]
>> such as {on_failure: [ops]}

== a target that is its address
notify: {ops: «"http://a"»}
jobs: {a: {every: 1m, shell: ls}}
>> notify.ops: expected a map of a target's keys, got http://a [type]
>> such as {webhook: https://chat/hook}

== targets as a list
notify: «[ops]»
jobs: {a: {every: 1m, shell: ls}}
>> notify: expected a map of name to target, got a list [type]
>> such as ops: {webhook: https://chat/hook}

== a field that no line has
notify: {ops: {webhook: "http://a", template: {text: "«{jbo}» failed"}}}
jobs: {a: {every: 1m, shell: ls}}
>> notify.ops.template.text: there is no placeholder {jbo} [placeholder]
>> did you mean {job}?

== a variable in a template
notify: {ops: {webhook: "http://a", template: {text: "$«{API_KEY}»"}}}
jobs: {a: {every: 1m, shell: ls}}
>> notify.ops.template.text: there is no placeholder {API_KEY} [placeholder]
>> a brace itself is {{ or }}; a field is {job}, {event}, {text}

== a broker without its scheme
jobs: {a: {every: 1m, celery: {task: a, broker: «"localhost:6379"»}}}
>> jobs.a.celery.broker: expected a broker's URL such as redis://broker:6379/0, got localhost:6379 [url]
>> write redis://localhost:6379

== a variable that is no broker's URL
jobs: {a: {every: 1m, celery: {task: a, broker: «"${TOKEN}"»}}}
>> jobs.a.celery.broker: with the value of ${TOKEN} it is not a broker's URL such as redis://broker:6379/0 [url]
>> look at the variable's value

== a time with a unit for Celery
jobs: {a: {every: 1m, celery: {task: a, options: {expires: «5m»}}}}
>> jobs.a.celery.options.expires: expected seconds, or a time such as 2026-12-01T02:00:00Z, got 5m [celery-options]
>> Celery knows no units: write 300

== a word for a time limit
jobs: {a: {every: 1m, celery: {task: a, options: {time_limit: «none»}}}}
>> jobs.a.celery.options.time_limit: expected seconds, as a number, got none [celery-options]

== a word for a priority
jobs: {a: {every: 1m, celery: {task: a, options: {priority: «high»}}}}
>> jobs.a.celery.options.priority: expected a whole number, 0 to 255, got high [celery-options]

== the reference that a pod would have
jobs: {a: {every: 1m, kubernetes_job: {image: a, env: {A: «{secretKeyRef: {name: crm, key: token}}»}}}}
>> jobs.a.kubernetes_job.env.A: expected text, {file: PATH} or {secret: NAME/KEY}, got a map [reference]
>> write {secret: NAME/KEY}

== a URL with a placeholder of Helm
jobs: {a: {every: 1m, http: "https://«{{ .Values.host }}»/sync"}}
>> jobs.a.http: a template's placeholder was left unfilled [template]
>> render the file before it is read

== a check by its UUID
jobs: {a: {every: 1m, shell: ls, ping: «7b3c1f9e-0000-4000-8000-000000000000»}}
>> jobs.a.ping: expected an http:// or https:// URL, got 7b3c1f9e-0000-4000-8000-000000000000 [url]
>> write https://hc-ping.com/7b3c1f9e-0000-4000-8000-000000000000, or what stands before it elsewhere

== a hook that is its command
lease: {hooks: {started: «./switch»}}
jobs: {a: {every: 1m, shell: ls}}
>> lease.hooks.started: expected a map with an action, got ./switch [type]
>> such as {shell: ./switch}

== truth for a choice
jobs: {a: {every: 1m, python: {call: "a:b", isolation: «true»}}}
>> jobs.a.python.isolation: expected process or thread, got true [choice]

== no for none
jobs: {a: {every: 1m, shell: ls, output: «no»}}
>> jobs.a.output: expected log, tail or none, got no [choice]
>> did you mean none?

== a hook without an action
lease: {hooks: {«started»: {}}}
jobs: {a: {every: 1m, shell: ls}}
>> lease.hooks.started: nothing to run [one-action]
>> add exactly one of python, shell, http

== a hook with two actions
lease: {hooks: {started: {shell: a, «http»: "http://a"}}}
jobs: {a: {every: 1m, shell: ls}}
>> lease.hooks.started: two actions, shell (line 1) and http [one-action]
>> keep exactly one of python, shell, http

== a hook that could not be ended
lease: {hooks: {started: {python: {call: "a:b", isolation: «thread»}}}}
jobs: {a: {every: 1m, shell: ls}}
>> lease.hooks.started.python.isolation: expected process, got thread [hook-thread]
>> a hook that hangs must be ended, which a thread cannot be

== a hook's variable that is not set
lease: {hooks: {started: {shell: {run: a, env: {A: «"${NOT_SET}"»}}}}}
jobs: {a: {every: 1m, shell: ls}}
>> lease.hooks.started.shell.env.A: environment variable NOT_SET is not set [env]
>> set it (chart: env.NOT_SET); a plain $ is $$

== three actions
jobs:
  a:
    every: 1m
    http: http://a
    shell: ls
    «celery»: x
>> jobs.a: three actions, http (line 4), shell (line 5) and celery [one-action]
>> keep exactly one of python, shell, http, kubernetes_job, celery
"""


@pytest.mark.parametrize(("text", "said"), cases(WRONG))
def test_what_an_action_must_not_say(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


def test_a_header_whose_variable_ends_with_a_line_break_is_found_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it comes from a file that an editor wrote."""
    monkeypatch.setenv("TOKEN", "s3cret\n")
    said = told(tmp_path, 'jobs: {a: {every: 1m, http: {url: "http://a", headers: {A: "Bearer ${TOKEN}"}}}}')

    assert said.splitlines()[0].endswith("headers.A: the value of ${TOKEN} has a line break in it [header]")
    assert "s3cret" not in said


def test_a_default_broker_that_is_not_there_is_told_of_the_action(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CELERY_BROKER_URL")

    assert told(tmp_path, "jobs:\n  a:\n    every: 1m\n    celery: {task: mail.trial}\n") == (
        "config.yaml:4:5: jobs.a.celery: environment variable CELERY_BROKER_URL is not set [env]\n"
        "4 |     celery: {task: mail.trial}\n"
        "  |     ^^^^^^ set it (chart: env.CELERY_BROKER_URL); a plain $ is $$; or write broker:\n"
        "1 error in config.yaml"
    )


TASKS = "jobs:\n  a: {every: 1m, celery: x}\n  b: {every: 1m, celery: y}\n"


def test_without_celery_the_first_task_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(TASKS)
    asked: list[str] = []
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "config.yaml", LOADED_AT, installed=lambda package: bool(asked.append(package)))

    (problem,) = refused.value.problems
    assert problem.message == "needs the package celery, which is not installed"
    assert 'pip install "leasebeat[celery]"' in str(problem.hint)
    assert set(asked) == {"celery"}


def test_whoever_starts_no_run_needs_no_celery(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(TASKS)
    read = load(tmp_path / "config.yaml", LOADED_AT, ANY_ENVIRONMENT, installed=lambda _: False)

    assert list(read.table.jobs) == ["a", "b"]


def test_a_table_without_tasks_does_not_ask_for_celery(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("jobs: {a: {every: 1m, http: http://a}}")

    assert load(tmp_path / "config.yaml", LOADED_AT, installed=lambda _: False).warnings == []


def test_references_everywhere_leave_the_hash_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'jobs: {a: {every: 1m, ping: "${CRM}", http: {url: "${CRM}", body: ["${TOKEN}"]}}}'
    first = loaded(tmp_path, text)
    monkeypatch.setenv("CRM", "https://other")
    monkeypatch.setenv("TOKEN", "other")
    second = loaded(tmp_path, text)

    assert first.hash == second.hash
    assert first.table.jobs != second.table.jobs
    assert not any(secret in repr(first) for secret in (TOKEN, "crm/a"))


def test_an_option_that_celery_does_not_know_is_a_warning(tmp_path: Path) -> None:
    """A router of one's own may know it."""
    options = "{que: mail, mine: 1, queue: mail, expires: 60, countdown: 0.5, priority: null}"
    warnings = loaded(tmp_path, f"jobs: {{a: {{every: 1m, celery: {{task: a, options: {options}}}}}}}").warnings

    assert [(problem.code, problem.message, problem.hint) for problem in warnings] == [
        ("celery-options", "Celery knows no option que", "did you mean queue?"),
        ("celery-options", "Celery knows no option mine", "only a router of your own would see it"),
    ]


def test_every_option_that_celery_takes_is_known() -> None:
    sent, published = inspect.signature(Celery.send_task), inspect.signature(Producer.publish)
    ours = {"self", "name", "args", "kwargs", "body", "task_id", "options", "properties", *OF_CONNECTION}
    within = {"result_cls", "retries", "replaced_task_nesting", "timeout", "confirm_timeout"}

    assert {*sent.parameters, *published.parameters} - ours - within <= {*OPTIONS}


FILES = """\
notify: {ops: {webhook: {file: gone-a}, headers: {A: {file: gone-b}}}}
lease: {hooks: {started: {http: {url: {file: gone-c}}}}}
defaults: {ping: {file: gone-d}}
jobs:
  a: {every: 1m, http: {url: {file: gone-e}, headers: {A: {file: gone-f}}, body: {file: gone-g}}}
  b: {every: 1m, kubernetes_job: {image: x, env: {A: {file: gone-h}, B: {secret: a/b}}}, ping: {file: gone-i}}
  c: {every: 1m, celery: {task: x, broker: {file: gone-j}}}
"""


def test_every_file_that_is_not_there_yet_is_a_warning(tmp_path: Path) -> None:
    warnings = loaded(tmp_path, FILES).warnings

    assert [problem.message for problem in warnings] == [f"no file gone-{letter} yet" for letter in "abcdefghij"]


@given(st.text(max_size=20) | st.from_regex(r"https?://[^\s]{0,10}", fullmatch=True))
def test_a_url_that_is_taken_has_a_host_and_nothing_that_splits_a_request(text: str) -> None:
    fit: Any = unfit_url(text) is None

    assert not fit or (text.isascii() and text.isprintable() and " " not in text and "//" in text)

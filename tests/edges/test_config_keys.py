"""What a person reads about keys that config.yaml does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edges.config_text import cases, told

UNKNOWN = """\
== a key of another scheduler
jobs:
  poll: {every: 5m, shell: ls, «concurrencyPolicy»: Forbid}
>> jobs.poll: unknown key "concurrencyPolicy" [unknown-key]
>> did you mean "overlap"?

== a key like no other
jobs:
  poll: {every: 5m, shell: ls, «zebra»: red}
>> jobs.poll: unknown key "zebra" [unknown-key]

== a dash for an underscore, and capitals
jobs:
  poll: {every: 5m, shell: ls, «Catch-Up-Window»: 1h}
>> jobs.poll: unknown key "Catch-Up-Window" [unknown-key]
>> did you mean "catch_up_window"?

== a key of the lease beside it
«lease_duration»: 20s
jobs: {poll: {every: 5m, shell: ls}}
>> unknown key "lease_duration" [unknown-key]
>> it belongs under lease:

== a policy at the top
«retries»: 2
jobs: {poll: {every: 5m, shell: ls}}
>> unknown key "retries" [unknown-key]
>> it belongs under defaults:

== arguments beside the function
jobs:
  poll: {every: 5m, python: a:b, «kwargs»: {}}
>> jobs.poll: unknown key "kwargs" [unknown-key]
>> it belongs under python:

== a key under logging
logging: {«levle»: info}
jobs: {poll: {every: 5m, shell: ls}}
>> logging: unknown key "levle" [unknown-key]
>> did you mean "level"?

== a key under lease
lease: {«nmae»: beat}
jobs: {poll: {every: 5m, shell: ls}}
>> lease: unknown key "nmae" [unknown-key]
>> did you mean "name"?

== a key under shell
jobs:
  poll: {every: 5m, shell: {run: ls, «cdw»: /}}
>> jobs.poll.shell: unknown key "cdw" [unknown-key]
>> did you mean "cwd"?

== a schedule among the defaults
defaults: {«every»: 5m}
jobs: {poll: {every: 5m, shell: ls}}
>> defaults: unknown key "every" [unknown-key]
>> it belongs to a job

== a schedule without a job
«cron»: "0 3 * * *"
jobs: {poll: {every: 5m, shell: ls}}
>> unknown key "cron" [unknown-key]
>> it belongs to a job

== a key that would move a terminal's cursor
jobs:
  poll: {every: 5m, shell: ls, «"a\\eb"»: 1}
>> jobs.poll: unknown key "a\\x1bb" [unknown-key]

== an action without its function
jobs:
  poll: {every: 5m, «python»: {args: [1]}}
>> jobs.poll.python: key "call" is missing [missing]
>> add call:

== no jobs at all
«timezone»: UTC
>> key "jobs" is missing [missing]
>> such as jobs: {hello: {every: 1m, shell: date}}

== a misspelt function is one mistake
jobs:
  poll: {every: 5m, python: {«cal»: a:b}}
>> jobs.poll.python: unknown key "cal" [unknown-key]
>> did you mean "call"?

== a misspelt schedule is one mistake
jobs:
  poll: {«evry»: 5m, shell: ls}
>> jobs.poll: unknown key "evry" [unknown-key]
>> did you mean "every"?

== a misspelt action is one mistake
jobs:
  poll: {every: 5m, «shel»: ls}
>> jobs.poll: unknown key "shel" [unknown-key]
>> did you mean "shell"?

== a key of a target
notify:
  ops: {webhook: https://chat/hook, «tempalte»: slack}
jobs: {poll: {every: 5m, shell: ls}}
>> notify.ops: unknown key "tempalte" [unknown-key]
>> did you mean "template"?

== a target that is missing what makes it one
notify:
  «ops»: {template: slack}
jobs: {poll: {every: 5m, shell: ls}}
>> notify.ops: key "webhook" is missing [missing]
>> add webhook:

== a moment that no election has
lease: {hooks: {«start»: {shell: ls}}}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.hooks: unknown key "start" [unknown-key]
>> did you mean "started"?

== a moment beside the lease's hooks
lease: {«stopped»: {shell: ls}}
jobs: {poll: {every: 5m, shell: ls}}
>> lease: unknown key "stopped" [unknown-key]
>> it belongs under hooks:

== an action that no hook has
lease: {hooks: {started: {«kubernetes_job»: acme/indexer}}}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.hooks.started: unknown key "kubernetes_job" [unknown-key]
>> python, shell and http are known

== a word of client-go's elector
lease: {hooks: {«on_started_leading»: {shell: ls}}}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.hooks: unknown key "on_started_leading" [unknown-key]
>> did you mean "started"?

== a method for the URL
jobs: {poll: {every: 5m, http: {«get»: "https://crm/sync"}}}
>> jobs.poll.http: unknown key "get" [unknown-key]
>> write url:, and method: GET

== a command's other name
jobs: {poll: {every: 5m, shell: {«cmd»: ls}}}
>> jobs.poll.shell: unknown key "cmd" [unknown-key]
>> did you mean "run"?

== an option of Celery beside the others
jobs: {poll: {every: 5m, celery: {task: a, broker: "redis://b", «queue»: mail}}}
>> jobs.poll.celery: unknown key "queue" [unknown-key]
>> it belongs under options:

== a key of a pod beside the image
jobs: {poll: {every: 5m, kubernetes_job: {image: a, «volumes»: []}}}
>> jobs.poll.kubernetes_job: unknown key "volumes" [unknown-key]
>> what else a Job has stands in its template:, instead of image

== the spec of a Job without the template
jobs: {poll: {every: 5m, kubernetes_job: {«spec»: {}}}}
>> jobs.poll.kubernetes_job: unknown key "spec" [unknown-key]
>> did you mean "template"?

== settings of the file in a job
jobs: {poll: {every: 5m, shell: ls, «health»: {port: 0}}}
>> jobs.poll: unknown key "health" [unknown-key]
>> it belongs at the top of the file

== a URL where there is a webhook
notify: {ops: {«url»: "https://chat/hook"}}
jobs: {poll: {every: 5m, shell: ls}}
>> notify.ops: unknown key "url" [unknown-key]
>> did you mean "webhook"?

== whom to tell, beside notify
jobs:
  poll: {every: 5m, shell: ls, «on_failure»: [ops]}
>> jobs.poll: unknown key "on_failure" [unknown-key]
>> it belongs under notify:

== an event that nobody is told of
jobs:
  poll: {every: 5m, shell: ls, notify: {«on_failed»: []}}
>> jobs.poll.notify: unknown key "on_failed" [unknown-key]
>> did you mean "on_failure"?

== headers beside the request
jobs:
  poll: {every: 5m, http: https://crm/sync, «headers»: {}}
>> jobs.poll: unknown key "headers" [unknown-key]
>> it belongs under http:

== a job's timeout within its request
jobs:
  poll: {every: 5m, http: {url: https://crm/sync, «timeout»: 5s}}
>> jobs.poll.http: unknown key "timeout" [unknown-key]
>> it belongs to a job

== a request that goes nowhere
jobs:
  poll: {every: 5m, «http»: {method: GET}}
>> jobs.poll.http: key "url" is missing [missing]
>> add url:

== the image of a CronJob's container
jobs:
  poll: {every: 5m, kubernetes_job: acme/x, «image»: acme/y}
>> jobs.poll: unknown key "image" [unknown-key]
>> it belongs under kubernetes_job:

== a CronJob's template
jobs:
  poll: {every: 5m, «jobTemplate»: {}}
>> jobs.poll: unknown key "jobTemplate" [unknown-key]
>> did you mean "kubernetes_job"?

== a task of Celery beat
jobs:
  poll: {every: 5m, «task»: mail.trial}
>> jobs.poll: unknown key "task" [unknown-key]
>> did you mean "celery"?

== a task without a name
jobs:
  poll: {every: 5m, «celery»: {args: [1]}}
>> jobs.poll.celery: key "task" is missing [missing]
>> add task:

== a broker that is not the default one
jobs:
  poll: {every: 5m, celery: {task: mail.trial, «brokre»: redis://broker/0}}
>> jobs.poll.celery: unknown key "brokre" [unknown-key]
>> did you mean "broker"?

== another scheduler's action is one mistake
jobs:
  poll: {every: 5m, «command»: ls}
>> jobs.poll: unknown key "command" [unknown-key]
>> did you mean "shell"?
"""


@pytest.mark.parametrize(("text", "said"), cases(UNKNOWN))
def test_a_key_that_is_not_ours(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said

"""What a person reads about keys that config.yaml does not have, or does not have yet."""

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

== another scheduler's action is one mistake
jobs:
  poll: {every: 5m, «command»: ls}
>> jobs.poll: unknown key "command" [unknown-key]
>> did you mean "shell"?
"""

LATER = """\
== at the top
«notify»: {}
jobs: {poll: {every: 5m, shell: ls}}
>> key "notify" is not in this version [not-in-this-version]
>> until then: watch the log, or let the job itself tell

== of the health server
health: {port: 0, «page»: false}
jobs: {poll: {every: 5m, shell: ls}}
>> health: key "page" is not in this version [not-in-this-version]
>> until then there is no page, only probes

== in a job
jobs:
  poll: {every: 5m, shell: ls, «ping»: https://hc.example/1}
>> jobs.poll: key "ping" is not in this version [not-in-this-version]
>> until then: let the job itself call it

== among the defaults
defaults: {«output»: tail}
jobs: {poll: {every: 5m, shell: ls}}
>> defaults: key "output" is not in this version [not-in-this-version]
>> until then: output is logged line by line

== an action, which is an action all the same
jobs:
  poll: {every: 5m, «http»: https://crm/sync}
>> jobs.poll: key "http" is not in this version [not-in-this-version]
>> until then: shell: curl -fsS URL
"""


@pytest.mark.parametrize(("text", "said"), cases(UNKNOWN))
def test_a_key_that_is_not_ours(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


@pytest.mark.parametrize(("text", "said"), cases(LATER))
def test_what_comes_in_a_later_version_is_refused_and_never_ignored(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


JOB = "jobs: {{poll: {{every: 5m, shell: ls, {key}: 1}}}}"
ACTION = "jobs: {{poll: {{every: 5m, {key}: 1}}}}"
DEFAULTS = "defaults: {{{key}: 1}}\njobs: {{poll: {{every: 5m, shell: ls}}}}"
HEALTH = "health: {{{key}: 1}}\njobs: {{poll: {{every: 5m, shell: ls}}}}"
TOP = "{key}: 1\njobs: {{poll: {{every: 5m, shell: ls}}}}"
LATER_KEYS = {
    TOP: ["notify"],
    HEALTH: ["page"],
    DEFAULTS: ["notify", "ping", "output"],
    JOB: ["notify", "ping", "output"],
    ACTION: ["http", "kubernetes_job", "celery"],
}


@pytest.mark.parametrize(
    ("shape", "key"),
    [pytest.param(shape, key, id=shape.format(key=key)) for shape, keys in LATER_KEYS.items() for key in keys],
)
def test_every_later_key_is_refused_as_such(tmp_path: Path, shape: str, key: str) -> None:
    first, *_, last = told(tmp_path, shape.format(key=key)).splitlines()

    assert first.endswith(f'key "{key}" is not in this version [not-in-this-version]')
    assert last == "1 error in config.yaml"

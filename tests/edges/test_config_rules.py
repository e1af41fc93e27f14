"""What a person reads where keys of config.yaml contradict one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edges.config_text import cases, loaded, told

JOBS = """\
== no job
jobs: «{}»
>> jobs: expected at least one job [no-jobs]
>> such as hello: {every: 1m, shell: date}

== no schedule
jobs:
  «poll»: {shell: ls}
>> jobs.poll: no schedule [one-schedule]
>> add exactly one of cron, every, at, manual

== a schedule that a merge key was to bring
jobs:
  poll: {«<<»: {every: 5m}, shell: ls}
>> jobs.poll: merge keys are not read here [yaml-merge]
>> what jobs share goes under defaults

== a function that a merge key was to bring
jobs:
  poll: {every: 5m, python: {«<<»: {call: a:b}, args: [1]}}
>> jobs.poll.python: merge keys are not read here [yaml-merge]
>> what jobs share goes under defaults

== three schedules
jobs:
  poll:
    every: 5m
    manual: true
    «cron»: "0 3 * * *"
    shell: ls
>> jobs.poll: three schedules, every (line 3), manual (line 4) and cron [one-schedule]
>> keep exactly one of cron, every, at, manual

== two actions
jobs:
  poll:
    every: 5m
    shell: ls
    «python»: a:b
>> jobs.poll: two actions, shell (line 4) and python [one-action]
>> keep exactly one of python, shell, http, kubernetes_job, celery

== an offset of nothing
jobs:
  poll: {cron: "0 3 * * *", «offset»: 2m, shell: ls}
>> jobs.poll.offset: counts only beside every [offset]
>> remove it

== an offset beyond the period
jobs:
  poll: {every: 5m, offset: «6m», shell: ls}
>> jobs.poll.offset: expected less than every (5m), got 6m [offset]

== retries of a job that must not start twice
jobs:
  poll: {every: 5m, shell: ls, delivery: at_most_once, retries: «2»}
>> jobs.poll.retries: expected 0 with delivery: at_most_once, got 2 [at-most-once]
>> a retry is another start: retries: 0, or delivery: at_least_once

== retries by default of a job that must not start twice
defaults: {retries: 2}
jobs:
  poll: {every: 5m, shell: ls, delivery: «at_most_once»}
>> jobs.poll.delivery: expected at_least_once with retries: 2, got at_most_once [at-most-once]
>> a retry is another start: retries: 0, or delivery: at_least_once

== a contradiction among the defaults is told once
defaults: {delivery: at_most_once, retries: «1»}
jobs:
  poll: {every: 5m, shell: ls}
  push: {every: 5m, shell: ls}
>> defaults.retries: expected 0 with delivery: at_most_once, got 1 [at-most-once]
>> a retry is another start: retries: 0, or delivery: at_least_once

== a window by default is told once
defaults: {catch_up_window: «17s»}
jobs:
  poll: {every: 5m, shell: ls}
  push: {every: 5m, shell: ls}
>> defaults.catch_up_window: expected more than lease_duration + retry_period (17s), got 17s [catch-up-window]
>> a crash would lose ticks: write 30s; or mean it: catch_up: none

== a claim further ahead than clocks may differ
jobs:
  poll: {every: 5m, shell: ls, claim_ahead: «2s»}
>> jobs.poll.claim_ahead: expected at most a tenth of lease_duration (1s500ms), got 2s [claim-ahead]
>> write auto or 1s500ms; 2s needs lease_duration: 20s

== a claim just too far ahead for another lease
lease: {lease_duration: 1m}
jobs:
  poll: {every: 5m, shell: ls, claim_ahead: «6s1ms»}
>> jobs.poll.claim_ahead: expected at most a tenth of lease_duration (6s), got 6s1ms [claim-ahead]
>> write auto or 6s; 6s1ms needs lease_duration: 1m1s

== a claim far ahead by default is told once
defaults: {claim_ahead: «1m»}
jobs:
  poll: {every: 5m, shell: ls}
  push: {every: 5m, shell: ls}
  soon: {every: 5m, shell: ls, claim_ahead: auto}
>> defaults.claim_ahead: expected at most a tenth of lease_duration (1s500ms), got 1m [claim-ahead]
>> write auto or 1s500ms; 1m needs lease_duration: 10m

== a claim ahead is not compared with a lease without a unit
lease: {lease_duration: «15»}
jobs: {poll: {every: 5m, shell: ls, claim_ahead: 2s}}
>> lease.lease_duration: expected a duration, got 15 [duration]
>> a unit is missing: 15s

== a thread to be replaced
jobs:
  poll: {every: 5m, python: {call: a:b, isolation: thread}, overlap: «replace»}
>> jobs.poll.overlap: expected skip, queue or allow with isolation: thread, got replace [thread-replace]
>> a thread cannot be ended: isolation: process, or overlap: skip, queue or allow

== a thread where the defaults replace
defaults: {overlap: replace}
jobs:
  pull: {every: 5m, python: a:b}
  poll: {every: 5m, python: {call: a:b, isolation: «thread»}}
  push: {every: 5m, python: {call: a:b, isolation: thread}, overlap: queue}
>> jobs.poll.python.isolation: expected process with overlap: replace, got thread [thread-replace]
>> a thread cannot be ended: isolation: process, or overlap: skip, queue or allow

== a jitter beyond half the period
jobs:
  poll: {every: 5m, shell: ls, jitter: «3m»}
>> jobs.poll.jitter: expected at most half the period (2m30s), got 3m [jitter]
>> to spread jobs, write H into cron

== a jitter beyond half the shortest step
jobs:
  poll: {cron: "*/7 * * * *", shell: ls, jitter: «3m»}
>> jobs.poll.jitter: expected at most half the period (2m), got 3m [jitter]
>> to spread jobs, write H into cron

== a jitter by default
defaults: {jitter: «3m»}
jobs:
  often: {every: 5m, shell: ls}
  rarely: {cron: "0 3 1 * *", shell: ls}
>> defaults.jitter: expected at most half the period of jobs.often (2m30s), got 3m [jitter]
>> to spread jobs, write H into cron

== an environment for a thread
jobs:
  poll: {every: 5m, python: {call: a:b, isolation: thread, «env»: {A: "1"}}}
>> jobs.poll.python.env: a thread shares the leader's environment [thread-env]
>> isolation: process, or pass the values as kwargs

== a disabled job is held to all of it
jobs:
  poll: {every: 5m, shell: ls, enabled: false, timeout: «300»}
>> jobs.poll.timeout: expected a duration, got 300 [duration]
>> a unit is missing: 300s or 5m

== a cron in a zone that there is not
timezone: «Mars/Olympus»
jobs:
  poll: {cron: "0 3 * * *", shell: ls}
  once: {at: 2027-03-28T02:30:00, shell: ls}
>> timezone: unknown time zone Mars/Olympus [timezone]
>> IANA names, no offsets

== a job name of nothing but dots
jobs:
  «...»: {every: 5m, shell: ls}
>> jobs....: not a job name [job-name]
>> a-z, 0-9 and -, at most 52 characters
"""

TIMINGS = """\
== a lease shorter than the deadline
lease: {lease_duration: «8s»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.lease_duration: expected more than renew_deadline (10s, the default), got 8s [lease-timing]
>> lease_duration > renew_deadline > 1.2 x retry_period; for 8s set renew_deadline: 5s

== a very short lease
lease: {lease_duration: «4s»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.lease_duration: expected more than renew_deadline (10s, the default), got 4s [lease-timing]
>> lease_duration > renew_deadline > 1.2 x retry_period; for 4s set renew_deadline: 2s, retry_period: 1s

== a lease too short for any deadline
lease: {lease_duration: «2s»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.lease_duration: expected more than renew_deadline (10s, the default), got 2s [lease-timing]
>> lease_duration > renew_deadline > 1.2 x retry_period; at least 3s

== both written
lease: {lease_duration: 20s, renew_deadline: «20s»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.renew_deadline: expected less than lease_duration (20s), got 20s [lease-timing]
>> lease_duration > renew_deadline > 1.2 x retry_period; for 20s set lease_duration: 30s

== a deadline without room for a second attempt
lease: {renew_deadline: «2s»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.renew_deadline: expected more than 1.2 x retry_period (2s, the default), got 2s [lease-timing]
>> lease_duration > renew_deadline > 1.2 x retry_period; for 2s set retry_period: 1s

== a long pause between attempts
lease: {retry_period: «9s»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.retry_period: expected 1.2 x retry_period less than renew_deadline (10s, the default), got 9s [lease-timing]
>> lease_duration > renew_deadline > 1.2 x retry_period; for 9s set lease_duration: 27s, renew_deadline: 18s

== a duration without a unit is not compared
lease: {lease_duration: «5», renew_deadline: 20s}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.lease_duration: expected a duration, got 5 [duration]
>> a unit is missing: 5s
"""


@pytest.mark.parametrize(("text", "said"), cases(JOBS))
def test_keys_of_a_job_that_contradict_one_another(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


@pytest.mark.parametrize(("text", "said"), cases(TIMINGS))
def test_timings_of_the_lease_that_contradict_one_another(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


def test_a_lease_beyond_the_window_that_nobody_wrote(tmp_path: Path) -> None:
    text = "lease: {lease_duration: 1h, renew_deadline: 30m}\njobs: {poll: {every: 5m, shell: ls}}\n"
    sentence = "expected lease_duration + retry_period (1h2s) below catch_up_window (1h, the default)"

    assert (
        told(tmp_path, text)
        == f"""\
config.yaml:1:25: lease.lease_duration: {sentence} [catch-up-window]
1 | lease: {{lease_duration: 1h, renew_deadline: 30m}}
  |                         ^^ set catch_up_window: 1d
1 error in config.yaml"""
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "defaults: {catch_up_window: 10s, catch_up: none}\njobs: {a: {every: 5s, shell: ls}}", id="no catch-up"
        ),
        pytest.param("jobs: {a: {every: 4s, jitter: 2s, shell: ls}}", id="a jitter of half the period"),
        pytest.param("jobs: {a: {at: 2026-12-01T02:00:00Z, jitter: 1d, shell: ls}}", id="a jitter without a period"),
        pytest.param("jobs: {a: {manual: true, jitter: 1d, shell: ls}}", id="a jitter without a schedule"),
        pytest.param(
            "defaults: {retries: 2}\njobs: {a: {every: 5s, delivery: at_most_once, retries: 0, shell: ls}}",
            id="no retries",
        ),
        pytest.param(
            "lease: {lease_duration: 3s, renew_deadline: 2s, retry_period: 1s}\njobs: {a: {every: 5s, shell: ls}}",
            id="the shortest lease",
        ),
        pytest.param("jobs: {a: {every: 5s, claim_ahead: 1s500ms, shell: ls}}", id="a claim a tenth of a lease ahead"),
        pytest.param(
            "jobs: {a: {every: 5s, delivery: at_most_once, claim_ahead: 1s, shell: ls}}",
            id="a claim ahead that a crash may cost its only run",
        ),
        pytest.param(
            "defaults: {overlap: replace}\njobs: {a: {every: 5s, python: {call: a:b, isolation: process}}}",
            id="a process to be replaced",
        ),
    ],
)
def test_what_looks_like_a_contradiction_and_is_none(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == ""


MOST_TICKING = 10_922  # of six bytes in 64 KiB


def many_jobs(last: str) -> str:
    """A table with one job more than can tick, of which `last` is the last."""
    rows = (f"  j{number}: {{every: 1h, shell: x}}\n" for number in range(MOST_TICKING))
    return f"jobs:\n{''.join(rows)}  last: {last}\n"


def test_the_ledger_has_room_for_so_many_jobs_and_no_more(tmp_path: Path) -> None:
    assert told(tmp_path, many_jobs("{every: 1h, shell: x}")) == (
        "config.yaml:1:1: jobs: expected at most 10,922 jobs that tick, got 10,923 [too-many-jobs]\n"
        "1 | jobs:\n"
        "  | ^^^^ a Lease has no room for more: make two releases of them, each with its own lease.name\n"
        "1 error in config.yaml"
    )


@pytest.mark.parametrize("last", ["{every: 1h, shell: x, enabled: false}", "{manual: true, shell: x}"])
def test_a_job_that_does_not_tick_takes_no_room_in_the_ledger(tmp_path: Path, last: str) -> None:
    table = loaded(tmp_path, many_jobs(last)).table

    assert (len(table.jobs), len(table.known)) == (MOST_TICKING + 1, 6 * MOST_TICKING)


def test_two_definitions_of_one_fingerprint_are_refused(tmp_path: Path) -> None:
    """The names were searched for; 36 bits collide by chance once in many thousand large tables."""
    text = "jobs:\n  job-17151: {every: 1h, shell: x}\n  job-114612: {every: 1h, shell: x}\n"

    assert told(tmp_path, text) == (
        "config.yaml:3:3: jobs.job-114612: has the same fingerprint as jobs.job-17151, by chance [fingerprint]\n"
        "3 |   job-114612: {every: 1h, shell: x}\n"
        "  |   ^^^^^^^^^^ give one another name\n"
        "1 error in config.yaml"
    )

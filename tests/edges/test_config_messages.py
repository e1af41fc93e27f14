"""What a person reads about the mistakes in config.yaml that the documentation shows, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edges.config_text import cases, told

TABLE = """\
== at 3:1 a misspelt key at the top
«job»:
  a: {every: 5m, shell: ls}
>> unknown key "job" [unknown-key]
>> did you mean "jobs"?

== at 7:11 a cron that starts with * and has no quotes
jobs:
  backup:
    cron: «*/5 * * * *»
    shell: ls
>> jobs.backup.cron: must be quoted, YAML reads a leading * as an alias [cron-unquoted]
>> write: cron: "*/5 * * * *"

== at 8:5 a misspelt key of a job
jobs:
  backup:
    every: 5m
    shell: ls
    «overlaps»: skip
>> jobs.backup: unknown key "overlaps" [unknown-key]
>> did you mean "overlap"?

== at 11:12 a duration that looks like a time of day
jobs:
  poll:
    every: «1:30»
    shell: ls
>> jobs.poll.every: expected a duration such as 90s, got 1:30 [duration]
>> YAML reads this as 90; write 90s, 1m30s or 1h30m

== at 21:3 one name for two jobs
jobs:
  backup:
    every: 5m
    shell: ls












  «backup»:
    every: 1m
>> jobs.backup: name used twice, first on line 6 [duplicate-job]
>> YAML would keep only the last; rename one

== at 9:14 a duration without a unit
jobs:
  poll:
    every: 5m
    shell: ls
    timeout: «300»
>> jobs.poll.timeout: expected a duration, got 300 [duration]
>> a unit is missing: 300s or 5m

== at 8:5 two schedules
jobs:
  poll:
    shell: ls
    cron: "0 3 * * *"
    «every»: 5m
>> jobs.poll: two schedules, cron (line 7) and every [one-schedule]
>> keep exactly one of cron, every, at, manual

== at 6:3 no action
jobs:
  «poll»:
    every: 5m
>> jobs.poll: nothing to run [one-action]
>> add exactly one of python, shell, http, kubernetes_job, celery

== at 5:3 jobs as a list
jobs:
  «-» name: backup
    every: 5m
>> jobs: expected a map of name to job, got a list [type]
>> write `backup:` and indent its keys below

== at 6:3 a name that no CronJob could have
jobs:
  «Nightly_Report»:
    every: 5m
    shell: ls
>> jobs.Nightly_Report: not a job name [job-name]
>> a-z, 0-9 and -, at most 52 characters: nightly-report

== at 7:1 a tab for indentation
jobs:
  backup:
«⇥»cron: "0 3 * * *"
>> tab used for indentation [yaml]
>> use spaces

== at 7:12 too few fields
jobs:
  backup:
    cron: "«0 3 * *»"
    shell: ls
>> jobs.backup.cron: expected 5 fields, or 6 with seconds first, got 4 [cron-fields]
>> minute hour day month weekday: "0 3 * * *"

== at 7:12 a minute that no hour has
jobs:
  backup:
    cron: "«60» * * * *"
    shell: ls
>> jobs.backup.cron: expected minute 0-59, got 60 [cron-range]
>> on the hour is "0 * * * *"

== at 7:14 hours over midnight
jobs:
  backup:
    cron: "0 «22-2» * * *"
    shell: ls
>> jobs.backup.cron: hour range 22-2 runs backwards; Debian cron would never fire [cron-range]
>> write 22-23,0-2

== at 7:12 a zone inside the expression
jobs:
  backup:
    cron: "«TZ=Asia/Tokyo» 0 3 * * *"
    shell: ls
>> jobs.backup.cron: expected no zone inside the expression [cron-zone]
>> write: timezone: Asia/Tokyo

== at 7:16 a day that never comes
jobs:
  backup:
    cron: "0 0 «31» 2 *"
    shell: ls
>> jobs.backup.cron: never fires, February has no day 31 [cron-never]
>> last day of February: "0 0 L 2 *"

== at 2:11 an unknown time zone
timezone: «Europe/Berln»
jobs:
  backup: {every: 5m, shell: ls}
>> timezone: unknown time zone Europe/Berln [timezone]
>> did you mean Europe/Berlin? IANA names, no offsets

== at 7:9 a local time that is skipped
timezone: Europe/Berlin
jobs:
  migrate:
    at: «2027-03-28T02:30:00»
    shell: ls
>> jobs.migrate.at: 2027-03-28 02:30 does not exist in Europe/Berlin, clocks go from 02:00 to 03:00 [dst-gap]
>> write 2027-03-28T03:30:00 or 2027-03-28T01:30:00Z

== at 5:19 a deadline beyond the lease
lease:
  renew_deadline: «20s»
jobs:
  backup: {every: 5m, shell: ls}
>> lease.renew_deadline: expected less than lease_duration (15s, the default), got 20s [lease-timing]
>> lease_duration > renew_deadline > 1.2 x retry_period; for 20s set lease_duration: 30s

== at 9:22 a window that a crash outlasts
jobs:
  beat:
    every: 5s
    shell: ls
    catch_up_window: «10s»
>> jobs.beat.catch_up_window: expected more than lease_duration + retry_period (17s), got 10s [catch-up-window]
>> a crash would lose ticks: write 30s; or mean it: catch_up: none

== at 8:13 a function named by dots alone
jobs:
  report:
    every: 5m
    python: «jobs.examples.report»
>> jobs.report.python: expected module:function, got jobs.examples.report [import]
>> write jobs.examples:report

== at 9:14 another scheduler's word
jobs:
  backup:
    every: 5m
    shell: ls
    overlap: «Forbid»
>> jobs.backup.overlap: expected skip, queue, replace or allow, got Forbid [choice]
>> CronJob's Forbid is skip
"""


@pytest.mark.parametrize(("text", "said"), cases(TABLE))
def test_the_documented_message_of_each_mistake(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
job: {}
timezone: Europe/Berln
jobs:
  backup:
    cron: */5 * * *
    overlaps: skip
  poll:
    every: 1:30
    shell: ls
"""

    assert (
        told(tmp_path, text)
        == """\
config.yaml:1:1: unknown key "job" [unknown-key]
1 | job: {}
  | ^^^ did you mean "jobs"?
config.yaml:2:11: timezone: unknown time zone Europe/Berln [timezone]
2 | timezone: Europe/Berln
  |           ^^^^^^^^^^^^ did you mean Europe/Berlin? IANA names, no offsets
config.yaml:4:3: jobs.backup: nothing to run [one-action]
4 |   backup:
  |   ^^^^^^ add exactly one of python, shell, http, kubernetes_job, celery
config.yaml:5:11: jobs.backup.cron: must be quoted, YAML reads a leading * as an alias [cron-unquoted]
5 |     cron: */5 * * *
  |           ^^^^^^^^^ write: cron: "*/5 * * *"
config.yaml:5:11: jobs.backup.cron: expected 5 fields, or 6 with seconds first, got 4 [cron-fields]
5 |     cron: */5 * * *
  |           ^^^^^^^^^ minute hour day month weekday: "*/5 * * * *"
config.yaml:6:5: jobs.backup: unknown key "overlaps" [unknown-key]
6 |     overlaps: skip
  |     ^^^^^^^^ did you mean "overlap"?
config.yaml:8:12: jobs.poll.every: expected a duration such as 90s, got 1:30 [duration]
8 |     every: 1:30
  |            ^^^^ YAML reads this as 90; write 90s, 1m30s or 1h30m
7 errors in config.yaml"""
    )


def test_a_sound_file_is_passed_in_silence(tmp_path: Path) -> None:
    assert told(tmp_path, "jobs: {hello: {every: 1m, shell: date}}\n") == ""

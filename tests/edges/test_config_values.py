"""What a person reads about values that a key of config.yaml cannot have; each is judged as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edges.config_text import cases, loaded, told

DURATIONS = """\
== an uneven number of minutes
jobs:
  poll: {every: 5m, shell: ls, retry_delay: «90»}
>> jobs.poll.retry_delay: expected a duration, got 90 [duration]
>> a unit is missing: 90s or 1m30s

== a quoted number
jobs:
  poll: {every: «"90"», shell: ls}
>> jobs.poll.every: expected a duration such as 90s, got 90 [duration]
>> a unit is missing: 90s

== a quoted time of day, which YAML leaves alone
jobs:
  poll: {every: «"1:30"», shell: ls}
>> jobs.poll.every: expected a duration such as 90s, got 1:30 [duration]
>> write 90s, 1m30s or 1h30m

== a time of day with seconds
jobs:
  poll: {every: «1:30:00», shell: ls}
>> jobs.poll.every: expected a duration such as 90s, got 1:30:00 [duration]
>> YAML reads this as 5400; write 5400s or 1h30m

== a space, and a capital
jobs:
  poll: {every: «5 M», shell: ls}
>> jobs.poll.every: expected a duration such as 90s, got 5 M [duration]
>> write 5m

== a decimal
jobs:
  poll: {every: 5m, shell: ls, jitter: «1.5s»}
>> jobs.poll.jitter: expected a duration such as 90s, got 1.5s [duration]
>> write 1s500ms

== the smaller unit first
jobs:
  poll: {every: «30m1h», shell: ls}
>> jobs.poll.every: expected a duration such as 90s, got 30m1h [duration]
>> write 1h30m

== nothing
jobs:
  poll:
    «every»:
    shell: ls
>> jobs.poll.every: expected a duration, got nothing [duration]

== a list
jobs:
  poll: {every: 5m, shell: ls, timeout: «[5m]»}
>> jobs.poll.timeout: expected a duration, got a list [duration]

== a period below a second
jobs:
  poll: {every: «500ms», shell: ls}
>> jobs.poll.every: expected whole seconds, at least 1s, got 500ms [range]

== a period of nothing
jobs:
  poll: {every: «0s», shell: ls}
>> jobs.poll.every: expected whole seconds, at least 1s, got 0s [range]

== more than a lifetime
jobs:
  poll: {every: «99999d», shell: ls}
>> jobs.poll.every: expected at most 3650d, got 99999d [range]

== a timeout of nothing
jobs:
  poll: {every: 5m, shell: ls, timeout: «0s»}
>> jobs.poll.timeout: expected at least 1ms, got 0s [range]
>> no limit is: timeout: none

== null for a timeout
jobs:
  poll: {every: 5m, shell: ls, timeout: «null»}
>> jobs.poll.timeout: expected a duration or none, got null [duration]
>> no limit is the word none

== another word for a timeout
jobs:
  poll: {every: 5m, shell: ls, timeout: «never»}
>> jobs.poll.timeout: expected a duration or none, got never [duration]
>> no limit is the word none

== false for a timeout
jobs:
  poll: {every: 5m, shell: ls, timeout: «false»}
>> jobs.poll.timeout: expected a duration or none, got false [duration]
>> no limit is the word none

== no claim ahead, as one says it of a timeout
jobs:
  poll: {every: 5m, shell: ls, claim_ahead: «none»}
>> jobs.poll.claim_ahead: expected a duration or auto, got none [duration]
>> to claim a run only when it falls due, write 0s

== a claim ahead without a unit
defaults: {claim_ahead: «1»}
jobs: {poll: {every: 5m, shell: ls}}
>> defaults.claim_ahead: expected a duration, got 1 [duration]
>> a unit is missing: 1s

== a longer delay than there ever is
jobs:
  poll: {every: 5m, shell: ls, retry_delay: «10m»}
>> jobs.poll.retry_delay: expected 0s to 5m, got 10m [range]

== a second spelt in thousandths, which its schema could not tell from a fraction
lease: {retry_period: «2000ms»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.retry_period: expected whole seconds, at least 1s, got 2000ms [range]
>> write 2s

== no drain, in thousandths
lease: {drain_timeout: «0ms»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.drain_timeout: expected whole seconds, got 0ms [range]
>> write 0s

== a fraction of a second for the lease
lease: {retry_period: «1500ms»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.retry_period: expected whole seconds, at least 1s, got 1500ms [range]
"""

OTHERS = """\
== yes
jobs:
  poll: {every: 5m, shell: ls, enabled: «yes»}
>> jobs.poll.enabled: expected true or false, got yes [type]
>> write true

== False
jobs:
  poll: {every: 5m, shell: ls, enabled: «False»}
>> jobs.poll.enabled: expected true or false, got False [type]
>> write false

== manual: false
jobs:
  poll: {manual: «false», shell: ls}
>> jobs.poll.manual: expected true, got false [type]
>> leave it out, or write enabled: false

== a number in quotes
jobs:
  poll: {every: 5m, shell: ls, retries: «"3"»}
>> jobs.poll.retries: expected a whole number, got "3" [type]
>> without quotes: 3

== an octal number
jobs:
  poll: {every: 5m, shell: ls, retries: «010»}
>> jobs.poll.retries: expected a whole number, got 010 [type]

== a decimal number
jobs:
  poll: {every: 5m, shell: ls, retries: «1.5»}
>> jobs.poll.retries: expected a whole number, got 1.5 [type]

== a whole number with a point in it, beyond the range
jobs:
  poll: {every: 5m, shell: ls, retries: «11.0»}
>> jobs.poll.retries: expected 0 to 10, got 11.0 [range]

== a number beyond all numbers
jobs:
  poll: {every: 5m, shell: ls, retries: «1e999»}
>> jobs.poll.retries: expected a number of fewer digits [type]
>> quote it if it is text

== one retry too many
jobs:
  poll: {every: 5m, shell: ls, retries: «11»}
>> jobs.poll.retries: expected 0 to 10, got 11 [range]

== no catching up at all
jobs:
  poll: {every: 5m, shell: ls, max_catch_up: «0»}
>> jobs.poll.max_catch_up: expected 1 to 1000, got 0 [range]

== not one interruption
jobs:
  poll: {every: 5m, shell: ls, max_interruptions: «0»}
>> jobs.poll.max_interruptions: expected 1 to 100, got 0 [range]

== another word for the release
lease: {release: «drain»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.release: expected at_once or drained, got drain [choice]
>> did you mean drained?

== CronJob's word for replacing
jobs:
  poll: {every: 5m, shell: ls, overlap: «Replace»}
>> jobs.poll.overlap: expected skip, queue, replace or allow, got Replace [choice]
>> CronJob's Replace is replace

== another version of the format
version: «2»
jobs: {poll: {every: 5m, shell: ls}}
>> version: expected 1, got 2 [range]

== a misspelt word
jobs:
  poll: {every: 5m, shell: ls, catch_up: «lastest»}
>> jobs.poll.catch_up: expected none, latest or all, got lastest [choice]
>> did you mean latest?

== a number for a word
logging: {level: «10»}
jobs: {poll: {every: 5m, shell: ls}}
>> logging.level: expected debug, info, warning or error, got 10 [choice]

== a Lease's name that Kubernetes refuses
lease: {name: «My_Beat»}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.name: expected a Kubernetes name, got My_Beat [lease-name]
>> a-z, 0-9, - and ., at most 253 characters

== an offset for a time zone
jobs:
  poll: {every: 5m, shell: ls, timezone: «+01:00»}
>> jobs.poll.timezone: unknown time zone +01:00 [timezone]
>> write a place, such as Europe/Berlin: an offset does not know when clocks change

== a number for a time zone
timezone: «1»
jobs: {poll: {every: 5m, shell: ls}}
>> timezone: expected a time zone such as Europe/Berlin, got 1 [type]
>> quote it: "1"

== a time without a date
jobs:
  poll: {at: «02:00», shell: ls}
>> jobs.poll.at: expected a time such as 2026-12-01T02:00:00, got 02:00 [at]
>> for each day write cron: "0 2 * * *"

== a date and a time with a space between
jobs:
  poll: {at: «2026-12-01 02:00», shell: ls}
>> jobs.poll.at: expected a time such as 2026-12-01T02:00:00, got 2026-12-01 02:00 [at]
>> write 2026-12-01T02:00

== a date that no calendar has
jobs:
  poll: {at: «2027-02-30T02:00:00», shell: ls}
>> jobs.poll.at: expected a time such as 2026-12-01T02:00:00, got 2027-02-30T02:00:00 [at]
>> day is out of range for month

== a year in which nobody schedules
jobs:
  poll: {at: «9999-12-31T23:59:59-01:00», shell: ls}
>> jobs.poll.at: expected a time such as 2026-12-01T02:00:00, got 9999-12-31T23:59:59-01:00 [at]
>> the year is 1971 to 8999

== the path to a Python file
jobs:
  poll: {every: 5m, python: «jobs/mail.py:send»}
>> jobs.poll.python: expected module:function, got jobs/mail.py:send [import]
>> write jobs.mail:send

== a number for a cron
jobs:
  poll: {cron: «5», shell: ls}
>> jobs.poll.cron: expected a cron expression in quotes, got 5 [type]
>> quote it: "5"

== a map for a number
jobs:
  poll: {every: 5m, shell: ls, retries: «{}»}
>> jobs.poll.retries: expected a whole number, got a map [type]

== a faulty cron behind an escape is underlined as a whole
jobs:
  poll: {cron: «"\\x30 0 31 2 *"», shell: ls}
>> jobs.poll.cron: never fires, February has no day 31 [cron-never]
>> last day of February: "0 0 L 2 *"

== a list for a function
jobs:
  poll: {every: 5m, python: «[a, b]»}
>> jobs.poll.python: expected module:function or a map, got a list [type]

== a command for a job
jobs:
  poll: «./sync»
>> jobs.poll: expected a map of a job's keys, got ./sync [type]
>> such as {every: 5m, shell: ./sync}

== a word for a map
lease: «leasebeat»
jobs: {poll: {every: 5m, shell: ls}}
>> lease: expected a map, got leasebeat [type]
>> such as {name: billing}

== one argument for a list
jobs:
  poll: {every: 5m, python: {call: a:b, args: «eu»}}
>> jobs.poll.python.args: expected a list, got eu [type]
>> write [eu]

== a command that says nothing
jobs:
  poll: {every: 5m, shell: «""»}
>> jobs.poll.shell: expected a command, got "" [type]

== a number among the words of a command
jobs:
  poll: {every: 5m, shell: [./purge, --days, «30»]}
>> jobs.poll.shell[2]: expected text, got 30 [type]
>> quote it: "30"

== a number in the environment, shown as it was written
jobs:
  poll: {every: 5m, shell: {run: ls, env: {VERSION: «1.10»}}}
>> jobs.poll.shell.env.VERSION: expected text, got 1.10 [type]
>> quote it: "1.10"

== an offset of more than a day
jobs:
  poll: {at: «2027-02-28T23:59:00+25:00», shell: ls}
>> jobs.poll.at: expected a time such as 2026-12-01T02:00:00, got 2027-02-28T23:59:00+25:00 [at]
>> an offset from UTC is less than 24 hours

== manual, as YAML 1.1 would say it
jobs:
  poll: {manual: «yes», shell: ls}
>> jobs.poll.manual: expected true, got yes [type]
>> write true

== a variable without a name
jobs:
  poll: {every: 5m, shell: {run: ls, env: {«""»: x}}}
>> jobs.poll.shell.env."": expected the name of a variable, got "" [env-name]
>> letters, digits and _

== a variable that no shell knows
jobs:
  poll: {every: 5m, shell: {run: ls, env: {«my-name»: x}}}
>> jobs.poll.shell.env.my-name: expected the name of a variable, got my-name [env-name]
>> letters, digits and _

== a truth value in Python's spelling, which would be a true text
jobs:
  poll: {every: 5m, python: {call: a:b, kwargs: {dry_run: «False»}}}
>> jobs.poll.python.kwargs.dry_run: expected false or text, got False [type]
>> write false, or quote it: "False"

== a tilde as an argument
jobs:
  poll: {every: 5m, python: {call: a:b, args: [1, [«~»]]}}
>> jobs.poll.python.args[1][0]: expected null or text, got ~ [type]
>> write null, or quote it: "~"
"""


@pytest.mark.parametrize(("text", "said"), cases(DURATIONS))
def test_a_duration_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


def test_a_whole_number_may_have_a_point_in_it_as_in_json_schema(tmp_path: Path) -> None:
    table = loaded(tmp_path, "version: 1.0\njobs: {poll: {every: 5m, shell: ls, retries: 2.0}}\n").table

    retries = table.jobs["poll"].policy.retries

    assert (retries, type(retries)) == (2, int)


@pytest.mark.parametrize(("text", "said"), cases(OTHERS))
def test_a_value_that_the_key_cannot_have(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(
            f"retries: {'9' * 5000}", "jobs.poll.retries: expected a number of fewer digits [type]", id="digits"
        ),
        pytest.param(
            f'cron: "{"0," * 600}0 * * * *"',
            "jobs.poll.cron: expected at most 1000 characters [cron-fields]",
            id="cron",
        ),
        pytest.param(
            f"overlap: {'x' * 9000}",
            f"jobs.poll.overlap: expected skip, queue, replace or allow, got {'x' * 59}… [choice]",
            id="word",
        ),
        pytest.param(
            f"timezone: {'x' * 9000}", f"jobs.poll.timezone: unknown time zone {'x' * 59}… [timezone]", id="zone"
        ),
    ],
)
def test_a_value_of_many_pages_is_cut_in_the_message(tmp_path: Path, value: str, sentence: str) -> None:
    schedule = "" if value.startswith("cron") else "every: 5m, "
    first, source, *_ = told(tmp_path, f"jobs: {{poll: {{{schedule}shell: ls, {value}}}}}").splitlines()

    assert first.endswith(sentence)
    assert len(source) < 130

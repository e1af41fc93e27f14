# ruff: noqa: E501 - a sample is one line, as it is on the screen
"""Every sample line of the documented log, to the letter, as text and as JSON."""

import io
import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduler.app.identity import pid_to_tell
from scheduler.core.actions import ShellAction
from scheduler.core.job import CatchUp, Job, Policy
from scheduler.core.schedule import CronSchedule, EverySchedule
from scheduler.telling.events import EVENTS
from scheduler.telling.lines import LineWriter
from scheduler.telling.log import LogSettings, open_log
from scheduler.telling.table import schedule_facts
from scheduler.telling.text import Style, render_text

Facts = dict[str, object]


class StoppedClock:
    """A clock that shows one time of 22 November 2026."""

    def __init__(self, time_of_day: str) -> None:
        self._wall = datetime.fromisoformat(f"2026-11-22T{time_of_day}+00:00")

    def boot(self) -> float:
        return 0.0

    def wall(self) -> datetime:
        return self._wall


def told(event: str, facts: Facts, time_of_day: str = "19:41:02.140", **settings: Any) -> str:
    """The one line that an event becomes."""
    stream = io.StringIO()
    open_log(LogSettings(strict=True, **settings), LineWriter(stream), StoppedClock(time_of_day))(event, **facts)
    return stream.getvalue()


def scheduled(job: Job, now: str, settled: str | None = None) -> Facts:
    return schedule_facts(job, utc(now), utc(settled) if settled else None)


def utc(time_of_day: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-22T{time_of_day}Z")


def run(run_id: str, **facts: object) -> Facts:
    job, _, tick = run_id.partition("@")
    return {"job": job, "run": run_id, "tick": tick, "attempt": 1, "cause": "schedule"} | facts


ZONE, ACTION = "Europe/Berlin", ShellAction("true")
HELLO = Job("hello", EverySchedule(5), ZONE, ACTION)
METER = Job("meter", EverySchedule(5), ZONE, ACTION, Policy(catch_up=CatchUp.ALL))
NIGHTLY = Job(
    "nightly-report",
    CronSchedule("15 3 * * *", ZONE, "nightly-report"),
    ZONE,
    ACTION,
    Policy(timeout=timedelta(minutes=20), retries=2),
)
LOADED = {"file": "config.yaml", "jobs": 3, "warnings": 0, "hash": "9f2c41d0", "writes_per_minute": 24}
LOCAL = {"version": "0.1.0", "store": "sqlite:leasebeat.db"}
POD, PEER = "beat-leasebeat-6d5f9c7b8-x2k4q", "beat-leasebeat-6d5f9c7b8-p9v7t"
IN_CLUSTER = {"version": "0.1.0", "store": "kubernetes:ops/beat-leasebeat", "health": ":8080"}
STORE = "kubernetes:ops/beat-leasebeat"

FIVE_MINUTES = [
    ("- 19:41:02.114Z info  config.loaded    config.yaml jobs=3 warnings=0 hash=9f2c41d0 writes=24/min", LOADED),
    (
        "a 19:41:02.131Z info  app.started      version=0.1.0 pid=4711 store=sqlite:leasebeat.db health=http://127.0.0.1:8080",
        LOCAL | {"pid": 4711, "replica": "a", "health": "http://127.0.0.1:8080"},
    ),
    ("a 19:41:02.140Z info  lead.acquired    term=1 fence=1 cause=new", {"term": 1, "fence": "1", "cause": "new"}),
    (
        'a 19:41:02.140Z info  schedule.job     hello           when="every 5 s" next="20:41:05, 20:41:10, 20:41:15 CET" settled=new',
        scheduled(HELLO, "19:41:02"),
    ),
    (
        'a 19:41:02.140Z info  schedule.job     meter           when="every 5 s" next="20:41:05, 20:41:10, 20:41:15 CET" settled=new catch_up=all',
        scheduled(METER, "19:41:02"),
    ),
    (
        'a 19:41:02.140Z info  schedule.job     nightly-report  when="at 03:15 every day" next="23 Nov 03:15, 24 Nov 03:15, 25 Nov 03:15 CET" settled=new timeout=20m retries=2',
        scheduled(NIGHTLY, "19:41:02"),
    ),
    ("b 19:41:02.151Z info  lead.standby     leader=a term=1", {"leader": "a", "term": 1}),
    (
        "a 19:41:05.004Z info  run.output       hello@2026-11-22T19:41:05Z hello from hello@2026-11-22T19:41:05Z",
        run("hello@2026-11-22T19:41:05Z", term=1, stream="stdout", text="hello from hello@2026-11-22T19:41:05Z"),
    ),
    (
        "a 19:41:05.062Z info  run.succeeded    hello@2026-11-22T19:41:05Z term=1 late=1ms took=5ms",
        run("hello@2026-11-22T19:41:05Z", term=1, late_ms=1, took_ms=5),
    ),
    (
        "- 19:41:06.480Z warn  replica.died     a pid=4711 signal=KILL",
        {"replica": "a", "pid": 4711, "signal": "KILL"},
    ),
    (
        "c 19:41:20.233Z info  lead.acquired    term=2 fence=4 cause=expired previous=a gap=15.2s missed=6",
        {"term": 2, "fence": "4", "cause": "expired", "previous": "a", "gap_ms": 15171, "missed": 6},
    ),
    (
        'c 19:41:20.233Z info  schedule.job     hello           when="every 5 s" next="20:41:25, 20:41:30, 20:41:35 CET" settled="20:41:05 CET"',
        scheduled(HELLO, "19:41:20", settled="19:41:05"),
    ),
    (
        "c 19:41:20.234Z warn  run.dropped      hello@2026-11-22T19:41:10Z term=2 reason=superseded",
        run("hello@2026-11-22T19:41:10Z", term=2, reason="superseded"),
    ),
    ("b 19:41:20.236Z info  lead.observed    leader=c term=2 previous=a", {"leader": "c", "term": 2, "previous": "a"}),
    (
        "c 19:41:20.296Z info  run.succeeded    hello@2026-11-22T19:41:20Z cause=catch_up term=2 late=236ms took=4ms",
        run("hello@2026-11-22T19:41:20Z", cause="catch_up", term=2, late_ms=236, took_ms=4),
    ),
    (
        "c 19:41:20.297Z info  run.succeeded    meter@2026-11-22T19:41:10Z cause=catch_up term=2 late=10.2s took=20ms",
        run("meter@2026-11-22T19:41:10Z", cause="catch_up", term=2, late_ms=10_237, took_ms=20),
    ),
]

IN_PODS = [
    (
        "2026-11-22T19:44:08.310Z info  config.loaded    config.yaml jobs=3 warnings=0 hash=9f2c41d0 writes=24/min",
        POD,
        LOADED,
    ),
    (
        "2026-11-22T19:44:08.344Z info  app.started      version=0.1.0 replica=beat-leasebeat-6d5f9c7b8-x2k4q store=kubernetes:ops/beat-leasebeat health=:8080",
        POD,
        IN_CLUSTER,
    ),
    (
        "2026-11-22T19:44:08.391Z info  lead.acquired    term=1 fence=48211 cause=new",
        POD,
        {"term": 1, "fence": "48211", "cause": "new", "missed": 0},
    ),
    (
        '2026-11-22T19:44:08.391Z info  schedule.job     hello           when="every 5 s" next="20:44:10, 20:44:15, 20:44:20 CET" settled=new',
        POD,
        scheduled(HELLO, "19:44:08"),
    ),
    (
        "2026-11-22T19:44:08.731Z info  app.started      version=0.1.0 replica=beat-leasebeat-6d5f9c7b8-p9v7t store=kubernetes:ops/beat-leasebeat health=:8080",
        PEER,
        IN_CLUSTER,
    ),
    (
        '2026-11-22T19:44:08.760Z info  lead.standby     leader=beat-leasebeat-6d5f9c7b8-x2k4q term=1 log="kubectl -n ops logs beat-leasebeat-6d5f9c7b8-x2k4q"',
        PEER,
        {"leader": POD, "term": 1, "log": f"kubectl -n ops logs {POD}"},
    ),
]

REFERENCE = [
    (
        "warn  config.warning   config.yaml:9:11 [dom-dow-or] jobs.pay.cron: runs on day 13 and on every Friday",
        {
            "file": "config.yaml",
            "line": 9,
            "column": 11,
            "path": "jobs.pay.cron",
            "code": "dom-dow-or",
            "message": "runs on day 13 and on every Friday",
        },
    ),
    ("info  app.stopping     signal=TERM running=2 drain=60s", {"signal": "TERM", "running": 2, "drain_ms": 60_000}),
    ("info  app.stopped      reason=signal took=4.1s", {"reason": "signal", "took_ms": 4100, "running": 0}),
    (
        "warn  app.stopped      reason=drain_timeout took=60s running=1",
        {"reason": "drain_timeout", "took_ms": 60_004, "running": 1},
    ),
    ("info  lead.released    term=7 drained=2", {"term": 7, "drained": 2}),
    ("info  lead.released    term=7 drained=0 draining=2", {"term": 7, "drained": 0, "draining": 2}),
    ("info  lead.released    term=7 drained=0", {"term": 7, "drained": 0, "draining": 0}),
    ("warn  ledger.full      bytes=196713 open=2497", {"bytes": 196_713, "open": 2497}),
    (
        'warn  command.refused  m-7f3a1b2c reason="there is no job metre, or it is disabled"',
        {"command": "m-7f3a1b2c", "reason": "there is no job metre, or it is disabled"},
    ),
    (
        'info  job.paused       meter           until=2027-01-14T23:00:00Z reason="vendor outage" by=jane',
        {"job": "meter", "until": "2027-01-14T23:00:00Z", "reason": "vendor outage", "by": "jane"},
    ),
    ("info  job.resumed      meter           by=jane", {"job": "meter", "reason": None, "by": "jane"}),
    ("info  job.resumed      meter           reason=until", {"job": "meter", "reason": "until"}),
    (
        "info  job.asked        meter           run=meter@manual-2026-11-22T19:43:17.204Z by=jane",
        {"job": "meter", "run": "meter@manual-2026-11-22T19:43:17.204Z", "reason": None, "by": "jane"},
    ),
    ("warn  leader.stalled   leader=a lag=31.2s", {"leader": "a", "lag_ms": 31_200}),
    (
        "warn  config.differs   peer=b hash=9f2c41d0 other=1a2b3c4d",
        {"peer": "b", "hash": "9f2c41d0", "other": "1a2b3c4d"},
    ),
    (
        "warn  lead.lost        term=7 reason=renew_deadline running=1",
        {"term": 7, "reason": "renew_deadline", "running": 1},
    ),
    (
        'warn  store.unavailable kubernetes:ops/beat-leasebeat error="timeout after 2s" trust=6.1s',
        {"store": STORE, "error": "timeout after 2s", "trust_ms": 6100},
    ),
    (
        "warn  runs.waiting     waiting=3 oldest=12.1s max_parallel=16",
        {"waiting": 3, "oldest_ms": 12_100, "max_parallel": 16},
    ),
    (
        'warn  store.degraded   kubernetes:ops/beat-leasebeat error="may not watch" hint="polling every 2s; grant watch"',
        {"store": STORE, "error": "may not watch", "hint": "polling every 2s; grant watch"},
    ),
    (
        "info  store.recovered  kubernetes:ops/beat-leasebeat took=8.2s attempts=5",
        {"store": STORE, "took_ms": 8200, "attempts": 5},
    ),
    ("warn  notify.dropped   ops count=12", {"target": "ops", "count": 12}),
    (
        'warn  notify.failed    ops job=sync error="status 410 gone"',
        {"target": "ops", "job": "sync", "count": 1, "error": "status 410 gone"},
    ),
    (
        'warn  notify.failed    ping job=sync count=7 error="timeout after 10s"',
        {"target": "ping", "job": "sync", "count": 7, "error": "timeout after 10s"},
    ),
    (
        'warn  tracing.unavailable error="OpenTelemetry is not installed" hint="pip install leasebeat[otel]"',
        {"error": "OpenTelemetry is not installed", "hint": "pip install leasebeat[otel]"},
    ),
    (
        "info  hook.output      started moved the address",
        {"hook": "started", "stream": "stdout", "text": "moved the address"},
    ),
    ("info  hook.succeeded   started term=7 took=120ms", {"hook": "started", "term": 7, "took_ms": 120}),
    (
        'error hook.failed      stopped term=7 took=41ms reason=exit error="exit 3"',
        {"hook": "stopped", "term": 7, "took_ms": 41, "reason": "exit", "error": "exit 3"},
    ),
    (
        "warn  hook.dropped     new_leader term=7 reason=queue_full",
        {"hook": "new_leader", "term": 7, "reason": "queue_full"},
    ),
    (
        "info  run.started      nightly-report@2026-11-23T02:15:00Z term=7 late=3ms",
        run("nightly-report@2026-11-23T02:15:00Z", term=7, late_ms=3),
    ),
    (
        'warn  run.retrying     sync@…T20:02:00Z term=7 reason=http_status error="502" next_attempt=2 in=10s',
        run("sync@…T20:02:00Z", term=7, reason="http_status", error="502", next_attempt=2, in_ms=10_000),
    ),
    (
        "warn  run.retrying     rebuild@…T01:00:00Z term=7 late=1ms took=3s reason=timeout next_attempt=2 in=12s",
        run("rebuild@…T01:00:00Z", term=7, late_ms=1, took_ms=3001, reason="timeout", next_attempt=2, in_ms=12_000),
    ),
    (
        "info  run.succeeded    nightly-report@2026-11-23T02:15:00Z term=7 late=3ms took=12m4s",
        run("nightly-report@2026-11-23T02:15:00Z", term=7, late_ms=3, took_ms=724_310),
    ),
    (
        'error run.failed       backup@…T00:30:00Z attempt=3 term=7 late=2ms took=41s reason=exit error="exit 1: disk full"',
        run(
            "backup@…T00:30:00Z",
            attempt=3,
            term=7,
            late_ms=2,
            took_ms=41_020,
            reason="exit",
            error="exit 1: disk full",
        ),
    ),
    (
        "error run.timed_out    rebuild@…T01:00:00Z term=7 late=1ms took=4h",
        run("rebuild@…T01:00:00Z", term=7, late_ms=1, took_ms=14_400_007),
    ),
    (
        "warn  run.skipped      sync@…T20:17:00Z term=7 reason=overlap blocker=sync@…T20:02:00Z",
        run("sync@…T20:17:00Z", term=7, reason="overlap", blocker="sync@…T20:02:00Z"),
    ),
    (
        "info  run.skipped      meter@2026-11-22T10:00:00Z to=2026-11-22T10:59:55Z ticks=720 reason=paused",
        run("meter@2026-11-22T10:00:00Z", to="2026-11-22T10:59:55Z", ticks=720, reason="paused"),
    ),
    (
        'error run.interrupted  invoice@…T05:00:00Z term=8 reason=leader_lost previous=beat-…-x2k4q hint="at_most_once: not run again"',
        run(
            "invoice@…T05:00:00Z",
            term=8,
            reason="leader_lost",
            previous="beat-…-x2k4q",
            hint="at_most_once: not run again",
        ),
    ),
]

JSON = [
    (
        '{"timestamp":"2026-11-22T19:41:05.062Z","level":"info","event":"run.succeeded","replica":"a","job":"hello","run":"hello@2026-11-22T19:41:05Z","tick":"2026-11-22T19:41:05Z","attempt":1,"cause":"schedule","term":1,"late_ms":1,"took_ms":5,"reason":null}',
        run("hello@2026-11-22T19:41:05Z", term=1, late_ms=1, took_ms=5),
    ),
    (
        '{"timestamp":"2026-11-22T19:41:20.233Z","level":"info","event":"lead.acquired","replica":"c","term":2,"fence":"4","cause":"expired","previous":"a","gap_ms":15171,"missed":6}',
        {"term": 2, "fence": "4", "cause": "expired", "previous": "a", "gap_ms": 15171, "missed": 6},
    ),
    (
        '{"timestamp":"2026-11-22T19:41:02.140Z","level":"info","event":"schedule.job","replica":"a","job":"nightly-report","when":"at 03:15 every day","zone":"Europe/Berlin","next":["2026-11-23T03:15:00+01:00","2026-11-24T03:15:00+01:00","2026-11-25T03:15:00+01:00"],"settled":null,"overlap":"skip","catch_up":"latest","catch_up_window":"1h","delivery":"at_least_once","timeout":"20m","retries":2}',
        scheduled(NIGHTLY, "19:41:02"),
    ),
    (
        '{"timestamp":"2026-11-22T19:41:02.114Z","level":"info","event":"config.loaded","replica":"a","file":"config.yaml","jobs":3,"warnings":0,"hash":"9f2c41d0","writes_per_minute":24}',
        LOADED,
    ),
    (
        '{"timestamp":"2026-11-22T19:51:07.300Z","level":"warning","event":"store.unavailable","replica":"a","store":"kubernetes:ops/beat-leasebeat","error":"timeout after 2s","trust_ms":6100,"hint":null}',
        {"store": STORE, "error": "timeout after 2s", "trust_ms": 6100},
    ),
    (
        '{"timestamp":"2026-11-22T19:52:00.130Z","level":"info","event":"lead.released","replica":"a","term":7,"drained":2}',
        {"term": 7, "drained": 2},
    ),
    (
        '{"timestamp":"2026-11-22T19:52:00.114Z","level":"info","event":"app.stopping","replica":"a","signal":"TERM","running":2,"drain_ms":60000}',
        {"signal": "TERM", "running": 2, "drain_ms": 60_000},
    ),
]

STYLE = Style(names=len("nightly-report"))


@pytest.mark.parametrize(("sample", "facts"), FIVE_MINUTES, ids=[sample for sample, _ in FIVE_MINUTES])
def test_a_line_on_the_terminal_of_three_replicas(sample: str, facts: Facts) -> None:
    prefix, time, _, event = sample.split()[:4]
    style = replace(STYLE, dated=False, prefix=prefix)

    line = told(event, facts, time.removesuffix("Z"), replica=prefix, style=style)

    assert line == sample + "\n"


@pytest.mark.parametrize(("sample", "replica", "facts"), IN_PODS, ids=[sample for sample, _, _ in IN_PODS])
def test_a_line_of_a_pod(sample: str, replica: str, facts: Facts) -> None:
    time, _, event = sample.split()[:3]

    line = told(event, facts, time[11:-1], replica=replica, style=STYLE)

    assert line == sample + "\n"


@pytest.mark.parametrize(("sample", "facts"), REFERENCE, ids=[sample for sample, _ in REFERENCE])
def test_a_line_of_the_reference(sample: str, facts: Facts) -> None:
    line = told(sample.split()[1], facts, level="info", replica="a", style=STYLE)

    assert line == f"2026-11-22T19:41:02.140Z {sample}\n"


@pytest.mark.parametrize(("sample", "facts"), JSON, ids=[json.loads(sample)["event"] for sample, _ in JSON])
def test_a_line_for_machines(sample: str, facts: Facts) -> None:
    line = json.loads(sample)
    time = line["timestamp"][11:-1]

    assert told(line["event"], facts, time, format="json", replica=line["replica"]) == sample + "\n"


@pytest.mark.parametrize(("sample", "facts"), FIVE_MINUTES, ids=[sample for sample, _ in FIVE_MINUTES])
def test_the_text_of_a_line_that_was_read_as_json(sample: str, facts: Facts) -> None:
    """`run --replicas` reads the lines of its replicas as JSON and shows them so."""
    prefix, time, _, event = sample.split()[:4]

    line = json.loads(told(event, facts, time.removesuffix("Z"), format="json", replica=prefix))

    assert render_text(line, replace(STYLE, dated=False, prefix=prefix)) == sample


def test_every_field_of_an_event_is_in_its_json_even_if_unknown() -> None:
    line = json.loads(told("run.failed", run("hello@2026-11-22T19:41:05Z"), format="json", replica="a"))

    expected = [field for field in EVENTS["run.failed"].fields if field not in EVENTS["run.failed"].optional]
    assert list(line) == ["timestamp", "level", "event", "replica", *expected]
    assert line["error"] is None


def test_a_replica_in_a_pod_does_not_tell_its_process_number() -> None:
    """It counts only inside the container."""
    assert pid_to_tell(in_pod=True) is None
    assert pid_to_tell(in_pod=False) == os.getpid()
    assert "pid" not in json.loads(told("app.started", IN_CLUSTER | {"pid": None}, format="json"))


def test_in_json_the_replica_that_died_takes_the_place_of_the_one_that_tells() -> None:
    line = json.loads(told("replica.died", {"replica": "b", "pid": 4712, "signal": "KILL"}, format="json"))

    assert list(line.items())[3:] == [("replica", "b"), ("pid", 4712), ("signal", "KILL")]

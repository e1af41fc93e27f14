"""Prometheus' own tool on what is scraped, on the alerts and on the dashboard."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.alert_rules import CHART, alerts
from tests.processes.replica import ReplicaProcess, leader_among

TABLE = """
health: {port: 18080}
jobs:
  works: {every: 1s, shell: "true"}
  fails: {every: 1s, shell: "false"}
  asked: {manual: true, shell: "true"}
"""
EVERY = "14s"  # no divisor of any window, so that increase() has to guess beyond its samples
A, B, C = (f'pod="beat-{letter}",namespace="ops",lease="beat-leasebeat"' for letter in "abc")
ELSEWHERE = 'pod="other-a",namespace="ops",lease="other"'
STATUS, INFO = "leader_election_master_status", "leasebeat_info"
TERM, TICKS = "leasebeat_term", "leasebeat_ticks_total"
LAG, DEADLINE = "leasebeat_lag_seconds", "leasebeat_job_deadline_seconds"
FAILURES, PAUSED = "leasebeat_job_failures_in_a_row", "leasebeat_job_paused"

Series = dict[str, str]
Case = tuple[str, Series, str, list[dict[str, str]]]


@pytest.fixture(autouse=True, scope="session")
def _promtool_is_here() -> None:
    if not shutil.which("promtool"):
        pytest.fail("these tests need promtool: apt-get install --no-install-recommends prometheus")


def promtool(*arguments: str, stdin: str = "") -> str:
    """What it says; it must find nothing to complain about."""
    done = subprocess.run(["promtool", *arguments], input=stdin, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def dropped(replica: str, reason: str = "too_old", outcome: str = "dropped") -> str:
    return f'{TICKS}{{{replica},job="sync",outcome="{outcome}",reason="{reason}"}}'


def lost(reason: str = "too_old", outcome: str = "dropped") -> dict[str, str]:
    return {"job": "sync", "outcome": outcome, "reason": reason}


# What Prometheus has scraped every 14 s, and which alerts fire at a time; `_` is a replica that was not there.
CASES: dict[str, list[Case]] = {
    "NoLeader": [
        ("nothing is scraped at all", {}, "2m", [{}]),
        ("all stand by", {f"{STATUS}{{{A}}}": "0x20", f"{STATUS}{{{B}}}": "0x20"}, "2m", [{}]),
        ("another release leads", {f"{STATUS}{{{A}}}": "0x20", f"{STATUS}{{{ELSEWHERE}}}": "1x20"}, "2m", [{}]),
        ("one leads", {f"{STATUS}{{{A}}}": "0x20", f"{STATUS}{{{B}}}": "1x20"}, "5m", []),
        ("a crash: nobody leads for 30 s", {f"{STATUS}{{{A}}}": "1x7 stale", f"{STATUS}{{{B}}}": "0x9 1x9"}, "3m", []),
    ],
    "TwoLeaders": [
        ("two lead", {f"{STATUS}{{{A}}}": "1x20", f"{STATUS}{{{B}}}": "1x20"}, "1m", [{}]),
        ("one leads", {f"{STATUS}{{{A}}}": "1x20", f"{STATUS}{{{B}}}": "0x20"}, "5m", []),
        ("another release leads as well", {f"{STATUS}{{{A}}}": "1x20", f"{STATUS}{{{ELSEWHERE}}}": "1x20"}, "5m", []),
        ("scrapes overlap at a hand-over", {f"{STATUS}{{{A}}}": "1x5 0x9", f"{STATUS}{{{B}}}": "0x4 1x9"}, "1m30s", []),
    ],
    "LeaderFlapping": [
        (
            "each leader crashes 30 s after it took the lead, and comes back in its pod",
            {
                f"{TERM}{{{A}}}": "7x20 8x2 _ 9x2 9x2 10x2 11x2 _ 12x3",
                f"{TERM}{{{B}}}": "7x20 8x3 9x2 _ 10x3 11x3 12x3",
            },
            "8m",
            [{}],
        ),
        (
            "four changes, each leader a new pod",
            {
                f"{TERM}{{{A}}}": "3x40 3x6 stale",
                f"{TERM}{{{B}}}": "_x42 4x6 5x6 stale",
                f"{TERM}{{{C}}}": "_x46 5x6 6x6 7x20",
            },
            "16m",
            [{}],
        ),
        (
            "four changes right after an installation",
            {f"{TERM}{{{A}}}": "1x4 2x4 3x4 4x4 5x20"},
            "5m",
            [{}],
        ),
        ("three changes", {f"{TERM}{{{A}}}": "5x200 6x4 7x4 8x20", f"{TERM}{{{B}}}": "5x200 6x4 7x4 8x20"}, "52m", []),
        ("a first lead", {f"{TERM}{{{A}}}": "1x80"}, "10m", []),
        ("many changes, an hour ago", {f"{TERM}{{{A}}}": "0+1x10 10x240"}, "62m", []),
        (
            "a replica that is cut off still knows an old term only",
            {f"{TERM}{{{A}}}": "2x80", f"{TERM}{{{B}}}": "9x80"},
            "17m",
            [],
        ),
        ("the Lease was deleted, and terms begin anew", {f"{TERM}{{{A}}}": "9x80 1x4 2x20"}, "22m", []),
        (
            "another release changes its leader",
            {f"{TERM}{{{A}}}": "1x80", f"{TERM}{{{ELSEWHERE}}}": "0+1x80"},
            "16m",
            [],
        ),
    ],
    "LeaderStalled": [
        ("the leader decides nothing", {f"{LAG}{{{A}}}": "0+15x20"}, "6m", [{}]),
        ("a busy leader", {f"{LAG}{{{A}}}": "30x20"}, "5m", []),
        ("a slow minute that is over", {f"{LAG}{{{A}}}": "0x4 70x2 0x20"}, "2m", []),
        ("another release's leader decides nothing", {f"{LAG}{{{ELSEWHERE}}}": "0+15x20"}, "5m", []),
    ],
    "JobFailing": [
        ("twice in a row", {f'{FAILURES}{{{A},job="sync"}}': "0x4 1x4 2x4"}, "3m", [{"job": "sync"}]),
        ("once", {f'{FAILURES}{{{A},job="sync"}}': "0x4 1x20"}, "5m", []),
        ("twice, and then a success", {f'{FAILURES}{{{A},job="sync"}}': "2x4 0x20"}, "3m", []),
        (
            "a job that is paused because of its failures",
            {f'{FAILURES}{{{A},job="sync"}}': "2x20", f'{PAUSED}{{{A},job="sync"}}': "0x4 1x16"},
            "3m",
            [],
        ),
        (
            "a job that goes on after its pause",
            {f'{FAILURES}{{{A},job="sync"}}': "2x20", f'{PAUSED}{{{A},job="sync"}}': "1x4 0x16"},
            "3m",
            [{"job": "sync"}],
        ),
        (
            "another job is paused, and another release's of that name",
            {
                f'{FAILURES}{{{A},job="sync"}}': "2x20",
                f'{PAUSED}{{{A},job="sync"}}': "0x20",
                f'{PAUSED}{{{A},job="mails"}}': "1x20",
                f'{PAUSED}{{{ELSEWHERE},job="sync"}}': "1x20",
            },
            "3m",
            [{"job": "sync"}],
        ),
    ],
    "JobOverdue": [
        ("the deadline has passed", {f'{DEADLINE}{{{A},job="sync"}}': "600x80"}, "15m30s", [{"job": "sync"}]),
        ("it has hardly passed", {f'{DEADLINE}{{{A},job="sync"}}': "600x80"}, "14m", []),
        ("a job that succeeds each minute", {f'{DEADLINE}{{{A},job="sync"}}': "3600+15x240"}, "60m", []),
        (
            "a new leader begins to wait anew",
            {f'{DEADLINE}{{{A},job="sync"}}': "60x20 stale", f'{DEADLINE}{{{B},job="sync"}}': "_x22 900x20"},
            "8m",
            [],
        ),
    ],
    "TicksLost": [
        ("a new leader drops what is too old", {dropped(A): "_x40 1x40"}, "11m", [lost()]),
        ("and crashes right after that", {dropped(A): "_x40 1 1 stale"}, "14m", [lost()]),
        ("a leader drops again", {dropped(A): "3x260 4x40"}, "70m", [lost()]),
        ("one that led before drops again", {dropped(A): "3x100 _x100 4x100"}, "60m", [lost()]),
        (
            "a run was cut off",
            {dropped(A, "leader_lost", "interrupted"): "_x4 1x20"},
            "5m",
            [lost("leader_lost", "interrupted")],
        ),
        ("it was more than an hour ago", {dropped(A): "_x40 1x600"}, "2h15m", []),
        ("its policy wants the latest only", {dropped(A, "superseded"): "_x4 1x20"}, "5m", []),
        ("its policy replaces runs", {dropped(A, "replaced", "interrupted"): "_x4 1x20"}, "5m", []),
        ("they were skipped", {dropped(A, "paused", "skipped"): "_x4 720x20"}, "5m", []),
    ],
    "ConfigMismatch": [
        (
            "a roll-out that is stuck",
            {f'{INFO}{{{A},config_hash="old"}}': "1x80", f'{INFO}{{{B},config_hash="new"}}': "1x80"},
            "16m",
            [{}],
        ),
        (
            "a roll-out",
            {f'{INFO}{{{A},config_hash="old"}}': "1x20 stale", f'{INFO}{{{B},config_hash="new"}}': "1x80"},
            "16m",
            [],
        ),
        ("one table", {f'{INFO}{{{A},config_hash="x"}}': "1x80", f'{INFO}{{{B},config_hash="x"}}': "1x80"}, "16m", []),
    ],
}


def test_every_alert_has_cases_in_which_it_fires_and_in_which_it_does_not() -> None:
    assert CASES.keys() == {rule["alert"] for rule in alerts()}
    for cases in CASES.values():
        assert {bool(fires) for *_, fires in cases} == {True, False}


@pytest.mark.parametrize(
    ("alert", "case"),
    [pytest.param(alert, case, id=f"{alert}: {case[0]}") for alert, cases in CASES.items() for case in cases],
)
def test_an_alert_fires_when_it_should_and_only_then(alert: str, case: Case, tmp_path: Path) -> None:
    _, series, at, fires = case
    rule = next(rule for rule in alerts() if rule["alert"] == alert) | {"annotations": {}}
    expected = [{"exp_labels": rule["labels"] | labels} for labels in fires]
    test = {
        "interval": EVERY,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": expected}],
    }
    _write(tmp_path / "rules.yaml", {"groups": [{"name": "leasebeat", "rules": [rule]}]})
    cases = {"rule_files": ["rules.yaml"], "evaluation_interval": EVERY, "tests": [test]}

    promtool("test", "rules", str(_write(tmp_path / "test.yaml", cases)))


def test_the_words_of_an_alert_name_job_and_count(tmp_path: Path) -> None:
    rules = _write(tmp_path / "rules.yaml", {"groups": [{"name": "leasebeat", "rules": alerts()}]})
    rule = next(rule for rule in alerts() if rule["alert"] == "TicksLost")
    expected = {
        "exp_labels": rule["labels"] | lost(),
        "exp_annotations": {
            "summary": "3 ticks of job sync were dropped in 1h: too_old",
            "description": rule["annotations"]["description"],
        },
    }
    test = {
        "interval": EVERY,
        "input_series": [{"series": dropped(A), "values": "_x4 3x20"}],
        "alert_rule_test": [{"eval_time": "5m", "alertname": "TicksLost", "exp_alerts": [expected]}],
    }
    cases = {"rule_files": [rules.name], "evaluation_interval": EVERY, "tests": [test]}

    promtool("test", "rules", str(_write(tmp_path / "test.yaml", cases)))


def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path) -> None:
    rules = _write(tmp_path / "rules.yaml", {"groups": [{"name": "leasebeat", "rules": alerts()}]})

    assert f"{len(alerts())} rules found" in promtool("check", "rules", str(rules))


def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    """Each as a rule that records it, because this promtool parses nothing else."""
    queries = list(_queries(json.loads((CHART / "files" / "dashboard.json").read_text())))
    rules = [{"record": f"query:{number}", "expr": _as_grafana_asks(query)} for number, query in enumerate(queries)]
    file = _write(tmp_path / "rules.yaml", {"groups": [{"name": "dashboard", "rules": rules}]})

    assert len(queries) > 20
    assert f"{len(queries)} rules found" in promtool("check", "rules", str(file))


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[list[ReplicaProcess]]:
    config = tmp_path / "config.yaml"
    config.write_text(TABLE)
    replicas = [ReplicaProcess.start(name, config) for name in "ab"]
    yield replicas
    for replica in replicas:
        replica.end()


def test_promtool_finds_nothing_wrong_with_what_a_leader_and_a_standby_are_scraped_for(
    replicas: list[ReplicaProcess],
) -> None:
    leader = leader_among(replicas)
    (standby,) = (one for one in replicas if one is not leader)
    leader.wait_for("run.failed")
    standby.wait_for("lead.standby")
    told, told_by_standby = _scraped(leader), _scraped(standby)

    promtool("check", "metrics", stdin=told)
    promtool("check", "metrics", stdin=told_by_standby)
    assert 'leader_election_master_status{name="leasebeat"} 1.0' in told
    assert 'leasebeat_ticks_total{job="fails",outcome="failed",reason="exit"}' in told
    assert 'leader_election_master_status{name="leasebeat"} 0.0' in told_by_standby
    assert "leasebeat_lease_age_seconds" in told_by_standby
    assert all("\nleasebeat_term 1.0\n" in text for text in (told, told_by_standby))
    assert "job=" not in told_by_standby


def _scraped(replica: ReplicaProcess) -> str:
    port = int(replica.wait_for("app.started")["health"].rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.status == http.HTTPStatus.OK
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.read().decode()


def _queries(node: Any) -> Iterator[str]:
    """Everything that Grafana would ask Prometheus; of a variable, the series whose labels are its choices."""
    if isinstance(node, list):
        for item in node:
            yield from _queries(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "expr":
                yield value
            elif key == "definition":
                yield value.removeprefix("label_values(").rpartition(",")[0]
            else:
                yield from _queries(value)


def _as_grafana_asks(query: str) -> str:
    return re.sub(r"\$\w+", "x", re.sub(r"\$__(rate_)?interval", "1m", query))


def _write(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path

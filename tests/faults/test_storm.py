"""Three real replicas on the real API server in a storm, judged as the weather is."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.core.job import fingerprint
from tests.faults import evidence
from tests.faults.fleet import Fleet
from tests.faults.form import Form
from tests.faults.jobs import Table
from tests.faults.storm import WEIGHTS, Blow, Storm, drawn
from tests.faults.witness import Rule, Witness
from tests.processes.cluster import Namespace
from tests.processes.record import Lived, Record, now
from tests.processes.replica import write_logs
from tests.weather.history import Declared, History, Objection
from tests.weather.judge import judge

SETTLES_WITHIN_S = 120.0
LOOK_EVERY_S = 2.0


@dataclass(frozen=True)
class Passed:
    """A storm that is over, and all its evidence."""

    storm: Storm
    history: History
    objections: list[Objection]
    logs: list[Path]
    config: Path
    left_alive: list[Lived]
    thawed_s: list[float]


def of_all_revisions(fleet: Fleet, plan: list[Blow]) -> dict[int, dict[str, Declared]]:
    """The rows of every revision that the plan brings, by fingerprint."""
    found = {}
    for revision in range(1, 2 + sum(blow.what == "roll" for blow in plan)):
        jobs = load(fleet.config(revision), SystemClock().wall()).table.jobs
        found[revision] = {fingerprint(jobs[row.name]): row.declared for row in fleet.table.revision(revision)}
    return found


@pytest.fixture(scope="module")
def passed(form: Form, namespace: Namespace, tmp_path_factory: pytest.TempPathFactory, tables: list[str]) -> Passed:
    folder = tmp_path_factory.mktemp(f"storm-{form.seed}")
    record = Record(folder)
    record.prepare()
    plan = drawn(form.seed, form.storm_s)
    lease = f"storm-{form.seed}"
    with Fleet(namespace, lease, Table(folder), form.seed) as fleet:
        rule = Rule(of_all_revisions(fleet, plan))
        with Witness(namespace, lease, rule) as witness:
            storm = Storm(fleet, witness, plan)
            try:
                storm.rage()
                calm_since = storm.calm()
                _wait_until_settled(storm, rule, record, calm_since)
                fleet.stop_all()
            finally:
                logs = write_logs(fleet.all, folder)
                evidence.write_story(storm.story, folder)
        lived, thawed_s = evidence.without_thawing(record.lived(), fleet)
        history = evidence.history(fleet, rule, lived, storm.deleted, calm_since)
    left_alive = [one for one in lived if Path(f"/proc/{one.pid}").exists()]
    result = Passed(storm, history, judge(history), logs, fleet.config(storm.revision), left_alive, thawed_s)
    tables.append(_summary(form, result))
    return result


def _wait_until_settled(storm: Storm, rule: Rule, record: Record, calm_since: float) -> None:
    """Until every tick up to the calm has its fate; if that never comes, the judge will say so."""
    pause, latest = threading.Event(), now() + SETTLES_WITHIN_S
    while now() < latest:
        pause.wait(LOOK_EVERY_S)
        found = judge(evidence.history(storm.fleet, rule, record.lived(), storm.deleted, calm_since))
        if now() > calm_since + 2 * LOOK_EVERY_S and not any(one.promise == "no final line" for one in found):
            return


def _summary(form: Form, passed: Passed) -> str:
    storm, history = passed.storm, passed.history
    fates = Counter(line.event for line in history.lines if line.event in evidence.FINAL)
    causes = Counter(str(line.facts["cause"]) for line in history.lines if line.event == "lead.acquired")
    longest_ms = max(passed.thawed_s, default=0.0) * 1000
    return "\n".join(
        (
            f"storm of seed {form.seed}: {storm.blows.total()} blows, {causes.total()} times somebody took the lead",
            f"  {len(history.attempts):,} attempts, {storm.witness.writes:,} writes seen",
            f"  blows: {_counted(storm.blows)}",
            f"  leads: {_counted(causes)}",
            f"  taken over after a release: {_gap(history, 'released')}, after an expiry: {_gap(history, 'expired')}",
            f"  fates: {_counted(fates)}",
            f"  {len(passed.thawed_s)} runs thawed with their replica, alive for at most {longest_ms:.1f} ms then",
            f"  {len(passed.objections)} objections; the evidence is in {passed.config.parent}",
        )
    )


def _gap(history: History, cause: str) -> str:
    """The median and the longest time without a leader, as new leaders tell it."""
    taken = [line.facts for line in history.lines if line.event == "lead.acquired" and line.facts["cause"] == cause]
    gaps_ms = sorted(int(str(facts["gap_ms"])) for facts in taken)
    return f"{gaps_ms[len(gaps_ms) // 2]} ms, at most {gaps_ms[-1]} ms" if gaps_ms else "-"


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def test_equal_seeds_give_equal_storms() -> None:
    storm = drawn(7, 900)

    assert storm == drawn(7, 900)
    assert storm != drawn(8, 900)
    assert {blow.what for blow in storm} == {*WEIGHTS, "roll"}


def test_a_storm_breaks_no_promise(passed: Passed, form: Form) -> None:
    assert [str(one) for one in passed.objections] == [], f"seed {form.seed}"


def test_a_storm_has_as_many_ticks_and_blows_as_it_should(passed: Passed, form: Form) -> None:
    """A storm in which nothing happens would prove nothing."""
    ticks = {line.facts["run"] for line in passed.history.lines if line.event in evidence.FINAL}

    assert len(ticks) >= form.ticks
    assert passed.storm.blows == Counter(blow.what for blow in passed.storm.plan)


def test_no_run_is_left_alive(passed: Passed) -> None:
    assert passed.left_alive == []


def test_the_audit_of_the_same_logs_agrees(passed: Passed) -> None:
    command = [sys.executable, "-m", "scheduler", "audit", "-c", str(passed.config), "--json", *map(str, passed.logs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    audit = json.loads(done.stdout)

    assert set(audit["unaccounted"]) - evidence.gone_with_their_definition(passed.history) == set(), done.stderr
    assert audit["doubled"] == []
    assert audit["manual"]["started"] == 0

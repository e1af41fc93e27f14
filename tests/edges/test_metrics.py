"""What `/metrics` says of a replica that stands by, leads, and has led."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from scheduler.core.job import JobTable, instant_text
from scheduler.core.ledger import Ledger, OpenRun, WriteId, first_ledger
from scheduler.core.notes.commands import PAUSED
from scheduler.core.views.outlook import Outlook
from scheduler.telling.metrics.counts import Counts, StoreRequests
from scheduler.telling.metrics.endpoint import Metrics
from scheduler.telling.metrics.families import Families
from scheduler.telling.metrics.sources import About, Sources
from scheduler.telling.metrics.text import LINES_AT_ONCE, Labels, text_of
from tests.fakes.alert_rules import CHART, alerts
from tests.fakes.tables import every, job, table
from tests.fakes.world import EPOCH

ABOUT = About("0.1.0", "kubernetes:ops/beat", "beat", "9f2c41d0")
JOBS = table(
    every("hello", 5),
    every("sync", 60, timeout=timedelta(minutes=20)),
    every("endless", 60, timeout=None),
    job("asked", None),
    job("off", None, enabled=False),
)
MINUTE = 60.0

# UX section 7, and the three gauges that alerts need besides: type and labels of each. Histograms have `le` as well.
PROMISED = {
    "leader_election_master_status": ("gauge", {"name"}),
    "leasebeat_info": ("gauge", {"version", "store", "config_hash"}),
    "leasebeat_lease_age_seconds": ("gauge", set()),
    "leasebeat_term": ("gauge", set()),
    "leasebeat_store_requests_total": ("counter", {"verb", "outcome"}),
    "leasebeat_store_request_seconds": ("histogram", {"verb"}),
    "leasebeat_lead_changes_total": ("counter", {"cause"}),
    "leasebeat_lag_seconds": ("gauge", set()),
    "leasebeat_ticks_total": ("counter", {"job", "outcome", "reason"}),
    "leasebeat_retries_total": ("counter", {"job"}),
    "leasebeat_run_seconds": ("summary", {"job"}),
    "leasebeat_late_seconds": ("histogram", set()),
    "leasebeat_job_due_seconds": ("gauge", {"job"}),
    "leasebeat_job_success_seconds": ("gauge", {"job"}),
    "leasebeat_job_next_seconds": ("gauge", {"job"}),
    "leasebeat_job_running": ("gauge", {"job"}),
    "leasebeat_job_paused": ("gauge", {"job"}),
    "leasebeat_job_deadline_seconds": ("gauge", {"job"}),
    "leasebeat_job_failures_in_a_row": ("gauge", {"job"}),
}
OF_EVERY_REPLICA = [name for name in PROMISED if not re.search("lead_|lag|ticks|retries|run_|late_|job_", name)]
COUNTED = [name for name in PROMISED if re.search("lead_changes|ticks|retries|run_s|late_", name)]


class Replica:
    """The metrics of one replica, its clock and what it knows of the Lease."""

    def __init__(self, jobs: JobTable = JOBS) -> None:
        self.now_s = self.slow_s = 0.0
        self.outlook = Outlook(leader="b", term=1, alive_at=-2.5)
        self.jobs = jobs
        self.requests = StoreRequests()
        self.sources = Sources(Counts(jobs.jobs), self.requests, lambda: self.outlook, self)
        self.metrics = Metrics(ABOUT, jobs, self.sources)
        self.families = Families(ABOUT, jobs, self.sources)

    def boot(self) -> float:
        self.now_s += self.slow_s
        return self.now_s

    def wall(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now_s)

    def at(self, seconds: float) -> Replica:
        """The same, later: all ticks up to then are settled."""
        self.now_s = seconds
        if self.outlook.ledger:
            self.outlook = replace(self.outlook, ledger=self.ledger())
        return self

    def ledger(self, *entries: OpenRun, settled: datetime | None = None) -> Ledger:
        ledger = first_ledger(WriteId(1, "n"), 0, self.jobs.known, settled or self.wall())
        return replace(ledger, open=entries)

    def leads(self, *entries: OpenRun, settled: datetime | None = None, **notes: str) -> Replica:
        """Has taken the lead, or goes on leading with these runs open."""
        if not self.outlook.proven:
            self.hears("lead.acquired", cause="expired")
        ledger = self.ledger(*entries, settled=settled)
        self.outlook = Outlook("a", leads=True, proven=True, term=2, alive_at=self.now_s, ledger=ledger, notes=notes)
        return self

    def loses(self) -> Replica:
        self.outlook = replace(self.outlook, leader="b", leads=False, proven=False)
        return self

    def hears(self, event: str, **facts: Any) -> Replica:
        self.metrics.heard(event, {"attempt": 1, **facts}, self.wall())
        return self

    def scraped(self) -> dict[str, float]:
        """The value of each series by its line."""
        text = text_of(self.families.collect(), lambda: None).decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {series: float(value) for series, _, value in lines}

    def jobs_of(self, name: str) -> dict[str, float]:
        """The values of one metric that has the label `job` and no other."""
        found = ((re.fullmatch(rf'{name}{{job="(.*)"}}', line), value) for line, value in self.scraped().items())
        return {match[1]: value for match, value in found if match}

    def names(self) -> set[str]:
        """Of the metrics that have a series."""
        families = text_string_to_metric_families(self.metrics.answer().body.decode())
        return {sample.name for family in families for sample in family.samples}


def seen_everything() -> Replica:
    """A leader that has something to say in every metric."""
    replica = Replica().leads()
    replica.requests.note("get", "ok", 0.01)
    replica.hears("run.started", job="sync", run="sync@1", late_ms=3)
    replica.hears("run.retrying", job="sync", run="sync@1")
    replica.hears("run.failed", job="sync", run="sync@1", reason="exit", took_ms=20)
    return replica.hears("run.succeeded", job="sync", run="sync@2", took_ms=20)


def entry(run: str, left: int = 0) -> OpenRun:
    name, _, tick = run.partition("@")
    return OpenRun(name, tick, 1, "n", "l", left)


def series_of(names: Iterable[str]) -> set[str]:
    """The names that these metrics' series have."""
    endings = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
    return {name + ending for name in names for ending in endings.get(PROMISED[name][0], ("",))}


# ---------------------------------------------------------------------- which metrics there are


def test_every_metric_that_is_promised_is_there_with_its_type_and_its_labels_and_no_other() -> None:
    text = seen_everything().metrics.answer().body.decode()
    told = {family.name: family for family in text_string_to_metric_families(text)}
    found = {
        f"{name}_total" if family.type == "counter" else name: (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for name, family in told.items()
    }

    assert found == PROMISED
    assert all(family.documentation.endswith(".") for family in told.values())


def test_a_standby_tells_nothing_of_jobs_not_even_zero() -> None:
    standby = Replica()
    standby.requests.note("get", "ok", 0.01)

    assert standby.names() == series_of(OF_EVERY_REPLICA)
    assert standby.scraped()['leader_election_master_status{name="beat"}'] == 0
    assert standby.scraped()['leasebeat_info{config_hash="9f2c41d0",store="kubernetes:ops/beat",version="0.1.0"}'] == 1


def test_a_leader_that_lost_its_lead_keeps_what_it_counted_and_nothing_else() -> None:
    replica = seen_everything()
    while_leading = replica.scraped()
    after = replica.loses().scraped()

    assert replica.names() == series_of([*OF_EVERY_REPLICA, *COUNTED])
    assert {line: value for line, value in after.items() if "_total" in line} == {
        line: value for line, value in while_leading.items() if "_total" in line
    }


def test_a_leader_whose_trust_ran_out_does_not_count_as_one() -> None:
    """Another may lead by now, and both of them telling of one job would be one too many."""
    replica = Replica().leads()
    replica.outlook = replace(replica.outlook, proven=False)

    assert replica.scraped()['leader_election_master_status{name="beat"}'] == 0
    assert replica.jobs_of("leasebeat_job_running") == {}


def test_a_replica_that_has_not_seen_the_lease_does_not_know_its_age() -> None:
    replica = Replica()
    replica.outlook = Outlook()

    assert not any("lease_age" in line for line in replica.scraped())


def test_every_replica_tells_the_number_of_the_term_that_it_knows_of() -> None:
    assert Replica().scraped()["leasebeat_term"] == 1
    assert Replica().leads().scraped()["leasebeat_term"] == 2


def test_the_age_of_the_lease_is_what_this_replica_has_seen() -> None:
    assert Replica().at(10).scraped()["leasebeat_lease_age_seconds"] == 10 + 2.5


# ---------------------------------------------------------------------- the leader's gauges


def test_ticks_are_told_as_unix_times_and_a_job_that_never_ticks_has_none() -> None:
    replica = Replica().leads().at(62)
    begun = EPOCH.timestamp()

    assert replica.jobs_of("leasebeat_job_due_seconds") == {
        "hello": begun + 60,
        "sync": begun + 60,
        "endless": begun + 60,
    }
    assert replica.jobs_of("leasebeat_job_next_seconds") == {
        "hello": begun + 65,
        "sync": begun + 120,
        "endless": begun + 120,
    }


def test_a_tick_is_the_last_one_from_its_very_instant_on_and_a_clock_that_is_set_back_undoes_it() -> None:
    replica = Replica().at(60).leads()
    begun = EPOCH.timestamp()

    assert replica.jobs_of("leasebeat_job_due_seconds")["sync"] == begun + 60
    assert replica.at(59).jobs_of("leasebeat_job_due_seconds")["sync"] == begun
    assert replica.jobs_of("leasebeat_job_next_seconds")["sync"] == begun + 60


def test_lag_is_the_age_of_the_oldest_tick_that_no_write_has_decided() -> None:
    replica = Replica().at(30).leads(settled=EPOCH + timedelta(seconds=20))

    assert replica.scraped()["leasebeat_lag_seconds"] == 5
    assert replica.at(31).scraped()["leasebeat_lag_seconds"] == 0


def test_runs_are_counted_from_their_first_statement_until_the_ledger_holds_their_end() -> None:
    run, other = f"hello@{instant_text(EPOCH)}", f"sync@{instant_text(EPOCH)}"
    replica = Replica().leads(entry(run))
    none = {"hello": 0, "sync": 0, "endless": 0, "asked": 0}

    assert replica.jobs_of("leasebeat_job_running") == none
    replica.hears("run.started", job="hello", run=run)
    assert replica.jobs_of("leasebeat_job_running") == none | {"hello": 1}
    assert replica.leads().jobs_of("leasebeat_job_running") == none
    assert replica.leads(entry(run), entry(other, left=30)).jobs_of("leasebeat_job_running") == none | {"sync": 1}


def test_a_run_that_a_removed_job_left_behind_is_not_counted() -> None:
    replica = Replica().leads(entry(f"removed@{instant_text(EPOCH)}", left=30))

    assert "removed" not in replica.jobs_of("leasebeat_job_running")


PAUSE = json.dumps({"sync": {"since": "2026-11-22T12:00:00Z", "until": None, "reason": None}})


def test_a_paused_job_says_so_and_has_no_deadline() -> None:
    paused = Replica().leads(**{PAUSED: PAUSE})

    assert paused.jobs_of("leasebeat_job_paused") == {"hello": 0, "sync": 1, "endless": 0, "asked": 0}
    assert paused.jobs_of("leasebeat_job_deadline_seconds").keys() == {"hello"}


def test_a_pause_that_is_over_is_none() -> None:
    until = (EPOCH + timedelta(seconds=10)).isoformat()
    note = json.dumps({"sync": {"since": EPOCH.isoformat(), "until": until, "reason": None}})

    assert Replica().at(5).leads(**{PAUSED: note}).jobs_of("leasebeat_job_paused")["sync"] == 1
    assert Replica().at(10).leads(**{PAUSED: note}).jobs_of("leasebeat_job_paused")["sync"] == 0


def deadline(replica: Replica) -> float:
    """Of `sync`, which may take 20 minutes; in minutes from the beginning."""
    return (replica.jobs_of("leasebeat_job_deadline_seconds")["sync"] - EPOCH.timestamp()) / 60


def test_the_deadline_is_that_of_the_first_tick_since_the_last_success() -> None:
    replica = Replica().at(0.5 * MINUTE).leads()

    assert deadline(replica) == 1 + 20
    assert deadline(replica.at(5.5 * MINUTE)) == 1 + 20
    assert deadline(replica.at(9.5 * MINUTE).hears("run.failed", job="sync")) == 1 + 20
    assert deadline(replica.hears("run.succeeded", job="sync")) == 10 + 20
    assert deadline(replica.at(10.5 * MINUTE)) == 10 + 20


def test_a_new_leader_waits_for_the_first_success_of_its_own() -> None:
    replica = Replica().at(0.5 * MINUTE).leads().at(5.5 * MINUTE).loses().at(7.5 * MINUTE).leads()

    assert deadline(replica) == 8 + 20


def test_after_a_pause_a_success_is_missing_from_then_on_only() -> None:
    replica = Replica().at(0.5 * MINUTE).leads().at(30.5 * MINUTE).leads(**{PAUSED: PAUSE})
    replica.scraped()

    assert deadline(replica.at(32.2 * MINUTE).leads()) == 31 + 20


def test_nor_is_a_success_of_before_missing_where_nobody_scraped_during_the_pause() -> None:
    resumed = Replica().at(0.5 * MINUTE).leads().at(30.5 * MINUTE).hears("job.resumed", job="sync")
    until = instant_text(EPOCH + timedelta(seconds=30.5 * MINUTE))
    note = json.dumps({"sync": {"since": EPOCH.isoformat(), "until": until, "reason": None}})
    ended = Replica().at(0.5 * MINUTE).leads().at(30.5 * MINUTE).leads(**{PAUSED: note})

    assert deadline(resumed.at(32.2 * MINUTE).leads()) == 31 + 20
    assert deadline(ended.at(32.2 * MINUTE)) == 31 + 20


def test_a_job_that_may_take_for_ever_is_never_overdue() -> None:
    assert "endless" not in Replica().leads().jobs_of("leasebeat_job_deadline_seconds")


# ---------------------------------------------------------------------- the answer


def test_the_answer_is_text_as_prometheus_reads_it() -> None:
    answer = seen_everything().metrics.answer()

    assert (answer.status, answer.content_type) == (HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8")


def test_an_answer_is_given_again_within_a_second_unless_the_lead_has_changed() -> None:
    replica = Replica().at(10.5).leads()
    first = replica.metrics.answer()

    assert replica.at(11.4).metrics.answer() is first
    second = replica.loses().metrics.answer()
    assert second is not first
    assert replica.at(12.5).metrics.answer() is not second


def test_close_to_a_tick_an_answer_is_given_for_a_second_longer() -> None:
    replica = Replica().at(10.5).leads()
    first = replica.metrics.answer()

    assert replica.at(11.9).metrics.answer() is first
    assert replica.at(12.05).metrics.answer() is first
    second = replica.at(12.1).metrics.answer()
    assert second is not first
    assert replica.at(15.9).metrics.answer() is not second


def test_an_answer_that_is_long_in_the_making_is_given_for_longer() -> None:
    replica = Replica().leads()
    replica.slow_s = 0.5
    first = replica.metrics.answer()
    replica.slow_s = 0

    assert replica.at(10.5).metrics.answer() is first
    assert replica.at(25.5).metrics.answer() is not first


class Fixed(list[Metric]):
    """A collector that has just these."""

    def collect(self) -> Fixed:
        return self


def test_the_text_is_that_of_the_library_byte_for_byte() -> None:
    replica = seen_everything()
    registry = CollectorRegistry()
    registry.register(Families(ABOUT, JOBS, replica.sources))

    assert text_of(registry.collect(), lambda: None) == generate_latest(registry)


NAMES = st.from_regex(r"[a-z]{1,5}", fullmatch=True)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.dictionaries(NAMES, st.text()), st.floats() | st.integers(-(10**9), 10**9)), max_size=5))
def test_the_text_of_any_labels_and_values_is_that_of_the_library(samples: list[tuple[dict[str, str], float]]) -> None:
    gauge, counter = GaugeMetricFamily("gauge", "Some."), CounterMetricFamily("counter", "Others.")
    for labels, value in samples:
        gauge.add_sample("gauge", labels, value)
        counter.add_sample("counter_total", Labels(labels), value)

    assert text_of([gauge, counter], lambda: None) == generate_latest(Fixed([gauge, counter]))  # type: ignore[arg-type]


def test_others_get_their_turn_every_few_hundred_lines() -> None:
    gauge = GaugeMetricFamily("gauge", "Many.", labels=["number"])
    for number in range(3 * LINES_AT_ONCE):
        gauge.add_metric([str(number)], number)
    breaths: list[None] = []
    text_of([gauge], lambda: breaths.append(None))

    assert len(breaths) == 3


def test_a_replica_that_nobody_scrapes_does_not_load_the_library() -> None:
    program = "import scheduler.app.replica, sys; sys.exit('prometheus_client' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# ---------------------------------------------------------------------- who asks for them

DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())
ALERTS_DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text()
NAME = re.compile(r"\b(?:leasebeat|leader_election)_[a-z_]+")


def test_alerts_and_dashboard_ask_for_metrics_that_there_are() -> None:
    asked = set(NAME.findall(json.dumps(DASHBOARD))) | set(
        NAME.findall(json.dumps([rule["expr"] for rule in alerts()]))
    )

    assert asked - series_of(PROMISED) == set()
    assert len(asked) > 15


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do_and_where_more_is_said(rule: dict[str, Any]) -> None:
    assert f"## {rule['alert']}\n" in ALERTS_DOCUMENT
    assert len(rule["annotations"]["description"]) > 100
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(NAME.findall(rule["annotations"]["description"])) <= series_of(PROMISED)


def test_the_document_of_alerts_has_their_defaults() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())["metrics"]["rules"]
    rows = re.findall(r"^\| \[(\w+)\]\(#\w+\) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", ALERTS_DOCUMENT, re.MULTILINE)

    assert {name: row for name, *row in rows} == {
        rule["alert"]: [str(values[rule["alert"]].get(key, "-")) for key in ("severity", "threshold", "window", "for")]
        for rule in alerts()
    }

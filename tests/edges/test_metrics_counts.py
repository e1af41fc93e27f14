"""What the lines of the log add up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.telling.metrics.counts import LATE_S, OUTCOMES, REASONS, Counts, Spread, StoreRequests, Sum, Sums

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN = {"job": "sync", "run": "sync@2026-11-22T12:00:00Z", "tick": "2026-11-22T12:00:00Z", "attempt": 1, "term": 1}
Told = tuple[str, dict[str, Any]]


def heard(*told: Told, jobs: tuple[str, ...] = ("sync", "meter")) -> Sums:
    """What was counted after these events, one a second from noon on."""
    counts = Counts(jobs)
    for second, (event, facts) in enumerate(told):
        counts.heard(event, facts, NOON + timedelta(seconds=second))
    return counts.so_far()


def run(what: str, **facts: Any) -> Told:
    return f"run.{what}", {**RUN, **facts}


@pytest.mark.parametrize(
    ("told", "ticks"),
    [
        pytest.param([run("succeeded", took_ms=5)], {("sync", "succeeded", ""): 1}, id="a success"),
        pytest.param(
            [run("failed", reason="exit"), run("failed", reason="exit"), run("timed_out", reason=None)],
            {("sync", "failed", "exit"): 2, ("sync", "timed_out", ""): 1},
            id="failures, each with its reason",
        ),
        pytest.param([run("skipped", reason="paused", ticks=720)], {("sync", "skipped", "paused"): 720}, id="a fold"),
        pytest.param([run("succeeded", repeated=True)], {}, id="a line that another leader told first"),
        pytest.param([run("dropped", reason="too_old", repeated=True, ticks=9)], {}, id="a fold of another leader"),
        pytest.param([run("succeeded", recorded=False)], {}, id="an end that the ledger does not hold"),
        pytest.param([run("started", late_ms=3), run("retrying", reason="exit")], {}, id="lines that are not final"),
        pytest.param([run("failed", job="removed", reason="exit")], {("other", "failed", "exit"): 1}, id="no such job"),
        pytest.param([run("failed", reason="e=mc2")], {("sync", "failed", "other"): 1}, id="no such reason"),
        pytest.param([run("exploded")], {}, id="no such outcome"),
        pytest.param([("run.succeeded", {})], {("other", "succeeded", ""): 1}, id="a line without any facts"),
    ],
)
def test_each_tick_is_counted_once_by_whoever_told_its_final_line_first(
    told: list[Told], ticks: dict[tuple[str, str, str], int]
) -> None:
    assert heard(*told).ticks == ticks


def test_leads_are_counted_by_cause() -> None:
    causes = ("new", "expired", "expired", "coup")

    assert heard(*(("lead.acquired", {"cause": cause}) for cause in causes)).leads == {
        "new": 1,
        "expired": 2,
        "other": 1,
    }


def test_attempts_that_are_followed_by_another_are_counted_by_job() -> None:
    assert heard(run("retrying"), run("retrying", job="meter"), run("retrying")).retries == {"sync": 2, "meter": 1}


def test_runs_take_the_time_that_their_own_line_says() -> None:
    sums = heard(run("succeeded", took_ms=1500), run("failed", took_ms=500), run("succeeded", repeated=True))

    assert sums.took == {"sync": Sum(2, 2.0)}


def test_only_first_attempts_are_late() -> None:
    late = heard(run("started", late_ms=4), run("started", late_ms=10_000, attempt=2), run("started")).late

    assert sum(late.counts) == 1
    assert late.total_s == 0.004


def test_a_run_counts_as_running_from_its_first_statement_until_its_attempt_is_over() -> None:
    other = "meter@2026-11-22T12:00:00Z"

    assert heard(run("started")).running == {RUN["run"]}
    assert heard(run("started"), run("retrying")).running == set()
    assert heard(run("started"), run("started", job="meter", run=other), run("failed")).running == {other}


def test_runs_of_which_no_end_was_told_can_be_forgotten() -> None:
    counts = Counts({"sync"})
    counts.heard(*run("started"), NOON)
    counts.forget({RUN["run"], "never@heard"})

    assert counts.so_far().running == set()


@pytest.mark.parametrize(
    ("told", "failures"),
    [
        ([run("failed"), run("timed_out")], 2),
        ([run("failed"), run("succeeded"), run("failed")], 1),
        ([run("failed"), run("skipped", reason="overlap"), run("failed")], 2),
        ([run("failed", repeated=True), run("failed")], 2),
        ([run("failed"), run("retrying"), run("succeeded", attempt=2)], 0),
    ],
)
def test_failures_in_a_row_are_those_since_the_last_success(told: list[Told], failures: int) -> None:
    assert heard(*told).failures == {"sync": failures}


def test_a_new_term_begins_with_no_success_and_no_failure_but_counters_go_on() -> None:
    lead: Told = ("lead.acquired", {"cause": "expired"})
    sums = heard(lead, run("failed", reason="exit"), run("succeeded"), lead)

    assert (sums.success, sums.failures) == ({}, {})
    assert sums.lead_since == NOON + timedelta(seconds=3)
    assert sum(sums.ticks.values()) == 2
    assert sums.leads == {"expired": 2}


def test_the_last_success_is_when_it_was_told() -> None:
    assert heard(run("succeeded"), run("failed"), run("succeeded")).success == {"sync": NOON + timedelta(seconds=2)}


def test_what_was_counted_does_not_change_in_the_hands_of_who_looks_at_it() -> None:
    counts = Counts({"sync"})
    counts.heard(*run("succeeded", took_ms=1), NOON)
    before = counts.so_far()
    counts.heard(*run("started", late_ms=1), NOON)
    counts.heard(*run("failed", took_ms=1), NOON)

    assert before.ticks == {("sync", "succeeded", ""): 1}
    assert (sum(before.late.counts), before.took, before.running) == (0, {"sync": Sum(1, 0.001)}, set())


def test_requests_are_counted_by_verb_and_outcome_and_timed_by_verb_but_a_watch_is_not() -> None:
    requests = StoreRequests()
    for note in (("get", "ok", 0.002), ("get", "timeout", 2.0), ("update", "conflict", 0.01), ("watch", "ok", 300.0)):
        requests.note(*note)
    outcomes, took = requests.so_far()

    assert outcomes == {("get", "ok"): 1, ("get", "timeout"): 1, ("update", "conflict"): 1, ("watch", "ok"): 1}
    assert {verb: (sum(spread.counts), spread.total_s) for verb, spread in took.items()} == {
        "get": (2, 2.002),
        "update": (1, 0.01),
    }


@given(st.lists(st.floats(min_value=0, max_value=100)))
def test_a_value_is_in_the_first_bucket_whose_bound_it_does_not_exceed(values: list[float]) -> None:
    spread = Spread(LATE_S)
    for value in values:
        spread.note(value)
    bounds = [*LATE_S, float("inf")]

    assert [sum(spread.counts[: place + 1]) for place in range(len(bounds))] == [
        sum(value <= bound for value in values) for bound in bounds
    ]


TEXTS = st.none() | st.text() | st.integers() | st.sampled_from(["sync", "exit", "paused", "*"])


@given(st.lists(st.tuples(st.sampled_from([*sorted(OUTCOMES), "retrying", "?"]), TEXTS, TEXTS, TEXTS)))
def test_no_line_whatever_it_says_brings_a_label_from_outside(told: list[tuple[str, Any, Any, Any]]) -> None:
    sums = heard(*(run(what, job=job, reason=reason, run=name) for what, job, reason, name in told), jobs=("sync",))
    jobs = {"sync", "other"}

    assert {*sums.retries, *sums.took, *sums.success, *sums.failures} <= jobs
    for job, outcome, reason in sums.ticks:
        assert (job in jobs, outcome in OUTCOMES, reason in REASONS | {"other"}) == (True, True, True)

"""What the page remembers of the log: each job's last runs, what runs, and what went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scheduler.telling.page.causes import brief_cause
from scheduler.telling.page.history import EVENTS_KEPT, FATES_KEPT, MOST_RUNNING, History, Past, Retrying
from tests.fakes.statuses import NOW, PRIVATE, Looked, every

LEAD = {"term": 8, "fence": "9", "cause": "expired", "previous": "b", "gap_ms": 15_171, "missed": 6}


@pytest.fixture
def looked() -> Looked:
    return Looked([every("sync", 900), every("hello", 5)])


def past(looked: Looked, job: str = "sync") -> Past:
    return looked.history.past(job)


FATES = {
    "a success": ("succeeded", {}, "."),
    "a success at a later attempt": ("succeeded", {"attempt": 2}, "r"),
    "a failure": ("failed", {"attempt": 3}, "f"),
    "a timeout": ("timed_out", {}, "t"),
    "a skipped tick": ("skipped", {"reason": "overlap"}, "s"),
    "a dropped tick": ("dropped", {"reason": "superseded"}, "d"),
    "several that share a line": ("dropped", {"reason": "too_old", "ticks": 3}, "ddd"),
    "very many that share a line": ("skipped", {"reason": "paused", "ticks": 720}, "s" * FATES_KEPT),
    "an interrupted run": ("interrupted", {"reason": "leader_lost"}, "i"),
    "one that was cut off with its leader and goes on": ("retrying", {"reason": "leader_lost"}, "i"),
    "a failure that is to be retried": ("retrying", {"reason": "exit"}, ""),
    "a start": ("started", {}, ""),
    "some output": ("output", {"text": "x"}, ""),
}


@pytest.mark.parametrize(("outcome", "facts", "fate"), FATES.values(), ids=FATES)
def test_each_tick_is_one_character(looked: Looked, outcome: str, facts: dict[str, object], fate: str) -> None:
    looked.ran("sync", outcome, **facts)

    assert past(looked).fates == fate


def test_the_last_twenty_are_kept(looked: Looked) -> None:
    for outcome in ("failed", *["succeeded"] * FATES_KEPT, "failed"):
        looked.ran("sync", outcome)

    assert past(looked).fates == "." * (FATES_KEPT - 1) + "f"


def test_the_last_final_line_without_a_word_that_may_be_private(looked: Looked) -> None:
    looked.ran("sync", "failed", attempt=3, took_ms=31_000, reason="http_status", error=f"502 {PRIVATE}")
    last = past(looked).last

    assert last is not None
    assert (last.outcome, last.attempt, last.took_ms, last.at) == ("failed", 3, 31_000, NOW)
    assert (last.reason, last.cause) == ("http_status", "http 502")


def test_a_job_fails_until_it_succeeds_whatever_is_decided_in_between(looked: Looked) -> None:
    told = []
    for outcome in ("succeeded", "failed", "skipped", "dropped", "retrying", "succeeded", "timed_out", "interrupted"):
        looked.ran("sync", outcome)
        told.append(past(looked).failing)

    assert told == [False, True, True, True, True, False, True, True]


def test_what_runs_is_known_from_its_start_to_its_end(looked: Looked) -> None:
    looked.ran("sync", "started", 10, run="sync@1")
    looked.ran("sync", "started", 5, run="sync@2")
    looked.ran("sync", "succeeded", run="sync@1")

    assert [(one.run, one.attempt) for one in past(looked).running] == [("sync@2", 1)]


def test_an_attempt_that_failed_does_not_run_while_the_next_one_waits(looked: Looked) -> None:
    looked.ran("sync", "started", run="sync@1")
    looked.ran("sync", "retrying", run="sync@1", reason="exit", next_attempt=2)
    assert past(looked).running == ()

    looked.ran("sync", "started", run="sync@1", attempt=2)
    assert [one.attempt for one in past(looked).running] == [2]


def test_the_next_attempt_is_waited_for_until_it_starts_or_the_run_is_over(looked: Looked) -> None:
    facts = {"run": "sync@1", "reason": "exit", "error": f"exit 3: {PRIVATE}", "in_ms": 8000}
    waits = Retrying("sync@1", 2, NOW + timedelta(seconds=8), "exit 3")
    looked.ran("sync", "retrying", next_attempt=2, **facts)
    looked.ran("sync", "skipped", run="sync@2", reason="overlap")
    assert past(looked).retrying == waits

    looked.ran("sync", "started", run="sync@1", attempt=2)
    assert past(looked).retrying is None

    looked.ran("sync", "retrying", next_attempt=3, **facts)
    looked.ran("sync", "interrupted", run="sync@1", attempt=2, reason="replaced")
    assert past(looked).retrying is None


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        pytest.param({"reason": "timeout", "error": None}, "timeout", id="it timed out"),
        pytest.param({"reason": "timeout", "error": PRIVATE}, "timeout", id="it timed out, and had words for it"),
        pytest.param({"reason": "leader_lost"}, "leader lost", id="it was cut off"),
    ],
)
def test_why_the_attempt_before_did_not_succeed(looked: Looked, facts: dict[str, Any], cause: str) -> None:
    looked.ran("sync", "retrying", run="sync@1", next_attempt=2, in_ms=8000, **facts)

    assert past(looked).retrying == Retrying("sync@1", 2, NOW + timedelta(seconds=8), cause)


def test_a_new_term_forgets_outcomes_but_not_what_runs(looked: Looked) -> None:
    looked.ran("hello", "succeeded")
    looked.ran("sync", "failed")
    looked.ran("sync", "started", run="sync@2")
    looked.told("lead.acquired", **LEAD)

    assert past(looked, "hello") == Past()
    assert past(looked) == Past(running=past(looked).running)
    assert len(past(looked).running) == 1


def test_a_line_that_is_repeated_for_a_predecessor_counts(looked: Looked) -> None:
    looked.ran("sync", "succeeded", repeated=True)

    assert past(looked).fates == "."
    assert past(looked).last is not None


def test_a_line_that_repeats_our_own_does_not(looked: Looked) -> None:
    looked.ran("sync", "succeeded", took_ms=5)
    before = past(looked)
    looked.ran("sync", "succeeded", repeated=True)

    assert past(looked) is before


def test_jobs_that_are_not_in_the_table_are_not_kept(looked: Looked) -> None:
    looked.ran("gone", "dropped", reason="not_in_table")
    looked.ran("*", "succeeded", ticks=4000, repeated=True)

    assert past(looked, "gone") == past(looked, "*") == Past()
    assert [one.event for one in looked.history.notable] == ["run.dropped"]


# ------------------------------------------------------------------ events


def events(history: History) -> list[tuple[str, int]]:
    return [(one.event, one.count) for one in history.notable]


def test_what_somebody_may_ask_about_is_kept_the_newest_first(looked: Looked) -> None:
    looked.told("lead.acquired", **LEAD)
    looked.told("schedule.job", job="sync", when="every 15 min")
    looked.ran("sync", "started")
    looked.ran("sync", "succeeded")
    looked.ran("sync", "output", text=PRIVATE)
    looked.told("store.unavailable", store="x", error="timeout after 2s", trust_ms=1, hint=None)
    looked.ran("hello", "timed_out", reason="timeout", error=None)

    assert events(looked.history) == [("run.timed_out", 1), ("store.unavailable", 1), ("lead.acquired", 1)]


def test_the_same_of_one_job_again_is_one_line(looked: Looked) -> None:
    """Or a job that fails every second would drive everything else out within half a minute."""
    looked.told("lead.acquired", **LEAD)
    for _ in range(3):
        looked.ran("sync", "failed", reason="exit")
        looked.ran("hello", "skipped", reason="overlap")
    looked.ran("hello", "skipped", reason="paused", ticks=720)

    assert events(looked.history) == [
        ("run.skipped", 720),
        ("run.skipped", 3),
        ("run.failed", 3),
        ("lead.acquired", 1),
    ]


def test_words_that_the_log_has_said_need_not_be_found_again(looked: Looked) -> None:
    assert looked.history.words("sync") is None

    looked.told("schedule.job", job="sync", when="every 15 min")
    looked.told("schedule.job", job="gone", when="every 15 min")
    assert (looked.history.words("sync"), looked.history.words("gone")) == ("every 15 min", None)


def test_changes_of_the_lead_are_told_one_by_one(looked: Looked) -> None:
    looked.told("lead.acquired", **LEAD)
    looked.told("lead.acquired", **LEAD)

    assert len(events(looked.history)) == 2


def test_it_holds_no_more_than_it_shows(looked: Looked) -> None:
    for number in range(1000):
        looked.told("lead.observed", leader=f"b{number}", term=number, previous=None)
        looked.ran("sync", "started", run=f"sync@{number}")
        looked.ran("sync", "failed", run=f"sync@x{number}", reason=f"r{number}")
        looked.ran(f"gone-{number}", "dropped")

    assert len(events(looked.history)) == EVENTS_KEPT
    assert len(past(looked).running) == MOST_RUNNING
    assert len(past(looked).fates) == FATES_KEPT


# ------------------------------------------------------------------ causes

CAUSES = {
    ("http_status", "502"): "http 502",
    ("http_status", f"expected 2xx, got 502: token={PRIVATE}"): "http 502",
    ("http_status", PRIVATE): "http status",
    ("exit", "exit 3"): "exit 3",
    ("exit", f"exit 3: {PRIVATE}"): "exit 3",
    ("exit", "signal KILL"): "signal KILL",
    ("exit", f"exit 1{PRIVATE}"): "exit",
    ("crashed", "signal RTMIN+1"): "signal RTMIN+1",
    ("crashed", f"OSError: {PRIVATE}"): "crashed",
    ("exception", f"KeyError: '{PRIVATE}'"): "KeyError",
    ("exception", "KeyError"): "KeyError",
    ("exception", f"password {PRIVATE}"): "exception",
    ("connect", f"https://user:{PRIVATE}@x refused"): "connect",
    ("overlap", None): "overlap",
    ("leader_lost", None): "leader lost",
    (None, PRIVATE): None,
    (f"Say {PRIVATE}", None): None,
}


@pytest.mark.parametrize(("reason", "error"), CAUSES, ids=str)
def test_a_cause_is_a_few_words_that_nobody_else_chose(reason: object, error: object) -> None:
    assert brief_cause(reason, error) == CAUSES[reason, error]  # type: ignore[index]

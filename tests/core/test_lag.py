"""The age of the oldest due tick that no write has decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.job import CatchUp, JobTable, Overlap
from scheduler.core.ledger import Ledger, OpenRun, WriteId
from scheduler.core.views.lag import Lag
from tests.fakes.tables import every, job, table
from tests.fakes.world import EPOCH

RUN = OpenRun("a", "2026-11-22T00:00:00Z", 1, "mine", "l")


def settled(jobs: JobTable, second: float, **more: object) -> Ledger:
    ledger = Ledger(WriteId(1, "mine"), settled=EPOCH + timedelta(seconds=second), known=jobs.known)
    return replace(ledger, **more)  # type: ignore[arg-type]


def lag_s(jobs: JobTable, ledger: Ledger, second: float, *paused: str) -> float:
    return Lag(jobs).at(ledger, paused, EPOCH + timedelta(seconds=second)).total_seconds()


def test_nothing_due_is_no_lag() -> None:
    jobs = table(every("a", 10))

    assert lag_s(jobs, settled(jobs, 10), 19.9) == 0


def test_it_is_the_age_of_the_oldest_tick_above_its_mark() -> None:
    jobs = table(every("a", 10), every("b", 60))

    assert lag_s(jobs, settled(jobs, 10), 75) == 55


def test_a_definition_that_lags_behind_counts_from_its_own_mark() -> None:
    jobs = table(every("a", 10), every("b", 10, offset=1))
    (first, _) = jobs.ticking
    ledger = settled(jobs, 30, behind={first: EPOCH + timedelta(seconds=10)})

    assert lag_s(jobs, ledger, 30) == 10


def test_a_tick_is_due_when_its_jitter_is_over() -> None:
    jobs = table(every("a", 10, jitter=timedelta(seconds=5)))
    due = jobs.jobs["a"].due(EPOCH + timedelta(seconds=10))

    assert lag_s(jobs, settled(jobs, 0), 10) == 0
    assert Lag(jobs).at(settled(jobs, 0), (), due + timedelta(seconds=3)) == timedelta(seconds=3)


def test_paused_jobs_do_not_lag() -> None:
    """Their ticks are settled once an hour."""
    jobs = table(every("a", 10), every("b", 30))

    assert lag_s(jobs, settled(jobs, 0), 65, "a") == 35
    assert lag_s(jobs, settled(jobs, 0), 65, "a", "b") == 0


def test_ticks_that_their_own_policy_holds_back_are_no_lag() -> None:
    for policy in ({"overlap": Overlap.QUEUE}, {"catch_up": CatchUp.ALL}):
        jobs = table(every("a", 10, **policy), every("b", 60))

        assert lag_s(jobs, settled(jobs, 0, open=(RUN,)), 65) == 5
        assert lag_s(jobs, settled(jobs, 0), 65) == 55  # nothing is in their way


def test_ticks_that_overlap_would_skip_are_a_lag() -> None:
    """A leader that works has skipped them long since."""
    jobs = table(every("a", 10))

    assert lag_s(jobs, settled(jobs, 0, open=(RUN,)), 65) == 55


def test_an_older_table_answers_only_for_what_the_newer_one_has() -> None:
    jobs = table(every("a", 10), every("b", 60))
    newer = settled(jobs, 0, rev=1, known=list(jobs.ticking)[1])

    assert lag_s(jobs, newer, 65) == 5


def test_manual_jobs_have_no_ticks() -> None:
    jobs = table(job("a", None))

    assert lag_s(jobs, settled(jobs, 0), 65) == 0


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100)), min_size=1, max_size=8))
def test_what_it_remembers_changes_nothing(questions: list[tuple[int, int]]) -> None:
    """Whatever was asked before, marks that went back and clocks that were set included."""
    jobs = table(every("a", 7), every("b", 60), every("c", 13, offset=5))
    remembering = Lag(jobs)

    for mark, age in questions:
        ledger, now = settled(jobs, mark), EPOCH + timedelta(seconds=mark + age)
        assert remembering.at(ledger, (), now) == Lag(jobs).at(ledger, (), now)

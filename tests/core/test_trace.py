"""The names of a run in tracing: equal wherever they are made, and in the form that W3C Trace Context asks for."""

import re

from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.views.trace import span_id, trace_id, traceparent

RUN, FENCE = "nightly-report@2026-11-22T02:15:00Z", "48211"
runs = st.text(min_size=1)
fences = st.text("0123456789", max_size=20)
attempts = st.integers(1, 10**6)


def test_a_known_run_keeps_its_names() -> None:
    assert traceparent(RUN, FENCE, 2) == "00-5759d5fa5b30d510a6ed893aa4719b9b-b3fe2a658fb651af-01"


@given(runs, fences, attempts)
def test_a_traceparent_is_well_formed(run: str, fence: str, attempt: int) -> None:
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", traceparent(run, fence, attempt))

    assert found
    assert set(found[1]) != {"0"}
    assert set(found[2]) != {"0"}
    assert (found[1], found[2]) == (trace_id(run, fence), span_id(run, fence, attempt))


@given(runs, fences, attempts, attempts)
def test_attempts_share_the_trace_and_not_the_span(run: str, fence: str, one: int, other: int) -> None:
    assert (span_id(run, fence, one) == span_id(run, fence, other)) is (one == other)


@given(st.tuples(runs, fences), st.tuples(runs, fences), attempts)
def test_runs_of_two_names_or_two_terms_share_nothing(one: tuple[str, str], other: tuple[str, str], nth: int) -> None:
    """A table that is installed twice has the same run ids; the fences of its Leases tell the runs apart."""
    assert (trace_id(*one) == trace_id(*other)) is (one == other)
    assert (span_id(*one, nth) == span_id(*other, nth)) is (one == other)

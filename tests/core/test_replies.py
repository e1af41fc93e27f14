"""What the leader answers, as a note: to whom, how many, and that no text does harm."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.ledger import Did
from scheduler.core.notes.replies import KEPT, LONGEST_ANSWER, answers_in, fates_of_manual_runs, with_answers

RUN = "manual-2026-11-22T12:00:03.250Z"


def test_an_answer_as_it_is_written() -> None:
    notes = with_answers({"paused": "{}"}, {"m-7f3a1b2c": "there is no job metre"})

    assert notes == {"paused": "{}", "answers": '{"m-7f3a1b2c":"there is no job metre"}'}
    assert answers_in(notes) == {"m-7f3a1b2c": "there is no job metre"}


def test_the_last_answers_are_kept() -> None:
    notes = with_answers({}, {f"m-{number:08}": "no" for number in range(KEPT)})
    notes = with_answers(notes, {"m-00000001": "yes", "m-new": "x" * 1000})

    assert list(answers_in(notes))[-2:] == ["m-00000001", "m-new"]
    assert len(answers_in(notes)) == KEPT
    assert "m-00000000" not in answers_in(notes)
    assert len(answers_in(notes)["m-new"]) == LONGEST_ANSWER


def test_without_anything_to_say_the_notes_are_the_same_notes() -> None:
    notes = {"answers": "broken"}

    assert with_answers(notes, {}) is notes


def test_only_runs_that_were_asked_for_are_answered() -> None:
    rows = [Did("a", RUN, RUN, 1, "failed"), Did("a", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", 1, "failed")]

    assert fates_of_manual_runs(rows) == {f"a@{RUN}": "failed"}


@given(st.text(max_size=40) | st.recursive(st.none() | st.integers() | st.text(max_size=4), st.lists).map(json.dumps))
def test_what_cannot_be_read_is_no_answer_and_gives_way_to_the_next(text: str) -> None:
    assert answers_in({"answers": text}) == {}
    assert answers_in(with_answers({"answers": text}, {"m-1": "no"})) == {"m-1": "no"}

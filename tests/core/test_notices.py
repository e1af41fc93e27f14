"""Templates of notifications: what may stand in them, and that what is filled in stays text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.views.notices import Slip, filled, slips

LINE = {"job": "sync", "error": 'no "such" order\n', "attempt": "3"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{job} failed", "sync failed"),
        (
            {"text": "{job}", "count": 3, "on": True, "none": None},
            {"text": "sync", "count": 3, "on": True, "none": None},
        ),
        ([{"labels": {"job": "{job}"}}], [{"labels": {"job": "sync"}}]),
        ({"{job}": "{attempt}"}, {"{job}": "3"}),
        ("{{job}} }} {{", "{job} } {"),
        ("{{{job}}}", "{sync}"),
        ("{took}", ""),
    ],
)
def test_what_a_template_becomes(template: object, expected: object) -> None:
    assert filled(template, LINE) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{jbo}", [Slip((), (0, 5), "jbo")]),
        ({"a": ["ok {job}", "x {jbo} {evnt}"]}, [Slip(("a", 1), (2, 7), "jbo"), Slip(("a", 1), (8, 14), "evnt")]),
        ("{job.__class__}", [Slip((), (0, 15), "job.__class__")]),
        ("{job[0]}", [Slip((), (0, 8), "job[0]")]),
        ("{job!r}", [Slip((), (0, 7), "job!r")]),
        ("{job:>99999999}", [Slip((), (0, 15), "job:>99999999")]),
        ("{}", [Slip((), (0, 2), "")]),
        ("a { b", [Slip((), (2, 3), "")]),
        ("a } b", [Slip((), (2, 3), "")]),
        ("{{{job}", []),
        ({"text": "{text}", "n": 1}, []),
    ],
)
def test_what_cannot_stand_in_a_template(template: object, expected: list[Slip]) -> None:
    assert list(slips(template)) == expected


@given(st.text())
def test_whatever_is_filled_in_is_text_and_nothing_else(error: str) -> None:
    made = json.loads(json.dumps(filled({"text": "{error}", "more": ["<{error}>"]}, {"error": error})))

    assert made == {"text": error, "more": [f"<{error}>"]}

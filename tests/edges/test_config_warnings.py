"""What a person reads about things that are allowed and probably not meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduler.config.report import problems_text
from tests.edges.config_text import loaded

BERLIN = "timezone: Europe/Berlin\njobs: {{a: {{{}, shell: ls}}}}\n"
EITHER = "cron ORs the two day fields; for both at once give one and test the other in the job"

SUSPECT = {
    "Friday the 13th": (
        'cron: "0 0 13 * FRI"',
        "cron: runs on day 13 and on every Friday [dom-dow-or]",
        EITHER,
    ),
    "several days": (
        'cron: "0 0 1,15 * 0,6"',
        "cron: runs on days 1 and 15 and on every Sunday and Saturday [dom-dow-or]",
        EITHER,
    ),
    "days that have no short name": (
        'cron: "0 0 L * MON#1"',
        "cron: runs on the days of the month that it names and on the weekdays that it names [dom-dow-or]",
        EITHER,
    ),
    "a day as a period": (
        "every: 1d",
        "every: 1d counts from 00:00 UTC, not from local midnight [every-day]",
        'for local time write cron: "0 0 * * *"',
    ),
    "a time gone by": (
        "at: 2026-11-22T19:40:59",
        "at: is past, and older than catch_up_window: never runs [past]",
        "remove it",
    ),
}

IN_ORDER = {
    "a star in a day field": 'cron: "0 0 */2 * FRI"',
    "a day in UTC": "every: 1d, timezone: UTC",
    "an hour as a period": "every: 25h",
    "a time that can be caught up": "at: 2026-11-22T19:41:00",
    "a comment behind a quoted cron": 'cron: "0 9 * * MON"',
}


@pytest.mark.parametrize(("keys", "sentence", "hint"), [pytest.param(*row, id=name) for name, row in SUSPECT.items()])
def test_what_is_probably_not_meant(tmp_path: Path, keys: str, sentence: str, hint: str) -> None:
    value = keys.split(": ", 1)[1]
    column = 12 + len(keys) - len(value)

    assert (
        problems_text(loaded(tmp_path, BERLIN.format(keys)).warnings).replace(f"{tmp_path}/", "")
        == f"""\
config.yaml:2:{column}: warning: jobs.a.{sentence}
2 | jobs: {{a: {{{keys}, shell: ls}}}}
  | {" " * (column - 1)}{"^" * len(value)} {hint}"""
    )


def test_the_number_behind_an_unquoted_weekday(tmp_path: Path) -> None:
    warnings = loaded(tmp_path, "jobs:\n  a:\n    cron: 0 9 * * MON #1\n    shell: ls\n").warnings

    assert (
        problems_text(warnings).replace(f"{tmp_path}/", "")
        == """\
config.yaml:3:11: warning: jobs.a.cron: #1 and what follows is a comment [lost-comment]
3 |     cron: 0 9 * * MON #1
  |           ^^^^^^^^^^^ meant MON#1? Always quote a cron"""
    )


@pytest.mark.parametrize("keys", [pytest.param(keys, id=name) for name, keys in IN_ORDER.items()])
def test_what_is_in_order(tmp_path: Path, keys: str) -> None:
    """At 20:41 in Berlin, with a window of an hour."""
    assert loaded(tmp_path, BERLIN.format(keys)).warnings == []

"""What a person reads about things that are allowed and probably not meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduler.config.report import problems_text
from tests.edges.config_text import loaded

BERLIN = "timezone: Europe/Berlin\njobs: {{a: {{{}, shell: ls}}}}\n"
THE_13TH = "cron ORs the two day fields. For Friday the 13th run every Friday and test the date in the job."

# What stands between « and » is underlined.
SUSPECT = {
    "Friday the 13th": (
        'cron: «"0 0 13 * FRI"»',
        "cron: runs on day 13 and on every Friday [dom-dow-or]",
        THE_13TH,
    ),
    "a step that does not divide the hour": (
        'cron: "«*/7» * * * *"',
        "cron: */7 fires at :56, then :00 [uneven-step]",
        "every: 7m keeps the distance",
    ),
    "a time that clocks will skip": (
        'cron: «"30 2 * * *"»',
        "cron: 2027-03-28 02:30 does not exist, runs at 03:00 [dst-gap]",
        "clocks go from 02:00 to 03:00; a time outside is kept every day",
    ),
    "a day as a period": (
        "every: «1d»",
        "every: 1d counts from 00:00 UTC, not local midnight [every-day]",
        'use cron: "0 0 * * *"',
    ),
    "a time gone by": (
        "at: «2026-11-22T19:40:59»",
        "at: is past, and older than catch_up_window: never runs [past]",
        "remove it",
    ),
    "a timeout longer than the period": (
        "every: 5m, timeout: «10m»",
        "timeout: 10m is longer than the period (5m) [period]",
        "ticks meanwhile are skipped; write at most 5m, or overlap: allow",
    ),
    "a timeout longer than the least time between two ticks": (
        'cron: "0 9,17 * * *", overlap: queue, timeout: «8h1s»',
        "timeout: 8h1s is longer than the period (8h) [period]",
        "of the ticks meanwhile only the latest runs; write at most 8h, or overlap: allow",
    ),
    "a timeout of a job that replaces its run": (
        'cron: "0 9 * * MON", overlap: replace, timeout: «8d»',
        "timeout: 8d is longer than the period (7d) [period]",
        "the next tick ends the run before that; write at most 7d, or overlap: allow",
    ),
}

IN_ORDER = {
    "a star in a day field": 'cron: "0 0 */2 * FRI"',
    "a step in one hour": 'cron: "*/7 9 * * *"',
    "an hour that clocks never skip": 'cron: "0 3 * * *"',
    "a day in UTC": "every: 1d, timezone: UTC",
    "an hour as a period": "every: 25h",
    "a time that can be caught up": "at: 2026-11-22T19:41:00",
    "a comment behind a quoted cron": 'cron: "0 9 * * MON"',
    "a timeout as long as the period": "every: 5m, timeout: 5m",
    "a timeout as long as a day that clocks shorten": 'cron: "0 9 * * *", timeout: 1d',
    "a timeout that nobody stated": "every: 5s",
    "no timeout at all": "every: 5s, timeout: none",
    "a long timeout of a job that may run beside itself": "every: 5m, timeout: 1h, overlap: allow",
    "a timeout of a job that ticks once": "at: 2026-11-22T20:41:00, timeout: 1d",
}


@pytest.mark.parametrize(("marked", "sentence", "hint"), [pytest.param(*row, id=name) for name, row in SUSPECT.items()])
def test_what_is_probably_not_meant(tmp_path: Path, marked: str, sentence: str, hint: str) -> None:
    keys = marked.replace("«", "").replace("»", "")
    column, width = 12 + marked.index("«"), marked.index("»") - marked.index("«") - 1

    assert (
        problems_text(loaded(tmp_path, BERLIN.format(keys)).warnings).replace(f"{tmp_path}/", "")
        == f"""\
config.yaml:2:{column}: warning: jobs.a.{sentence}
2 | jobs: {{a: {{{keys}, shell: ls}}}}
  | {" " * (column - 1)}{"^" * width} {hint}"""
    )


def test_the_number_behind_an_unquoted_weekday(tmp_path: Path) -> None:
    warnings = loaded(tmp_path, "jobs:\n  a:\n    cron: 0 9 * * MON #1\n    shell: ls\n").warnings

    assert (
        problems_text(warnings).replace(f"{tmp_path}/", "")
        == """\
config.yaml:3:11: warning: jobs.a.cron: MON #1: the rest is a comment [lost-comment]
3 |     cron: 0 9 * * MON #1
  |           ^^^^^^^^^^^ meant MON#1? Write cron: "0 9 * * MON#1\""""
    )


def test_a_timeout_for_the_whole_file_is_nobodys_in_particular(tmp_path: Path) -> None:
    text = "defaults: {timeout: 2h}\njobs: {a: {every: 5m, shell: ls}}\n"

    assert loaded(tmp_path, text).warnings == []


@pytest.mark.parametrize("keys", [pytest.param(keys, id=name) for name, keys in IN_ORDER.items()])
def test_what_is_in_order(tmp_path: Path, keys: str) -> None:
    """At 20:41 in Berlin, with a window of an hour."""
    assert loaded(tmp_path, BERLIN.format(keys)).warnings == []

"""What `leasebeat explain` answers."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from scheduler.cli.instants import distance_text, occasions
from scheduler.cli.main import main

THE_13TH = "cron ORs the two day fields. For Friday the 13th run every Friday and test the date in the job."
GAP = "2027-03-28 02:30 does not exist, runs at 03:00; clocks go from 02:00 to 03:00; a time outside is kept every day"
FROM = "2026-11-22T19:41:00Z"
UNITS = "units are d, h, m, s and ms, the largest first: 1h30m"


class Asked:
    """`leasebeat explain`, as somebody in Berlin types it in November."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["explain", "--from", FROM, "--timezone", "Europe/Berlin", *arguments])
        captured = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str]) -> Asked:
    return Asked(capsys)


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        pytest.param(
            ["0 0 13 * 5"],
            [
                "at 00:00 on day 13 of the month, or on Friday; next Fri 27 Nov, Fri 4 Dec, Fri 11 Dec 2026 00:00 CET",
                f"warning: {THE_13TH} [dom-dow-or]",
            ],
            id="Friday the 13th",
        ),
        pytest.param(
            ["*/7 * * * *", "-N", "2"],
            [
                "at every 7th minute from 0 to 56 of every hour; next Sun 22 Nov 2026 20:42, 20:49 CET",
                "warning: */7 fires at :56, then :00; every: 7m keeps the distance [uneven-step]",
            ],
            id="an uneven step",
        ),
        pytest.param(
            ["30 2 * * *", "--from", "2027-03-26T12:00:00Z"],
            [
                "at 02:30 every day; next Sat 27 Mar 02:30 CET, Sun 28 Mar 03:00 CEST, Mon 29 Mar 2027 02:30 CEST",
                f"warning: {GAP} [dst-gap]",
            ],
            id="a time that clocks skip",
        ),
        pytest.param(
            ["every 1d"],
            [
                "every 1 d; next Mon 23 Nov, Tue 24 Nov, Wed 25 Nov 2026 01:00 CET",
                'warning: 1d counts from 00:00 UTC, not local midnight; use cron: "0 0 * * *" [every-day]',
            ],
            id="a period of a day",
        ),
        pytest.param(
            ["every: 15m + 2m", "-N", "1"], ["every 15 min + 2 min; next Sun 22 Nov 2026 20:47 CET"], id="a period"
        ),
        pytest.param(
            ["H", "3", "*", "*", "*", "--job", "nightly-report", "-N", "1"],
            ["at 03:07 every day; next Mon 23 Nov 2026 03:07 CET"],
            id="H of a job, in words that were not quoted",
        ),
        pytest.param(["15 3 * * 1-5", "-N", "0"], ["at 03:15 on weekdays"], id="words only"),
        pytest.param(
            ["0 0 1 1 *", "-N", "2", "--timezone", "UTC"],
            ["at 00:00 on day 1 of January; next Fri 1 Jan 2027, Sat 1 Jan 2028 00:00 UTC"],
            id="another year and zone",
        ),
    ],
)
def test_a_schedule_is_said_in_words_with_its_ticks_and_traps(
    explain: Asked, arguments: list[str], lines: list[str]
) -> None:
    assert explain(*arguments) == (0, "".join(f"{line}\n" for line in lines), "")


def test_machines_are_told_the_same(explain: Asked) -> None:
    code, out, err = explain("0 0 13 * 5", "--json", "-N", "1")

    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "schedule": "cron 0 0 13 * 5",
        "words": "at 00:00 on day 13 of the month, or on Friday",
        "zone": "Europe/Berlin",
        "next": ["2026-11-27T00:00:00+01:00"],
        "warnings": [
            {
                "code": "dom-dow-or",
                "message": "runs on day 13 and on every Friday",
                "hint": THE_13TH,
            }
        ],
    }


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param(
            "60 24 * * *",
            """\
error: expected minute 0-59, got 60 [cron-range]
  60 24 * * *
  ^^ on the hour is "0 24 * * *"
error: expected hour 0-23, got 24 [cron-range]
  60 24 * * *
     ^^ at midnight is "60 0 * * *"
""",
            id="two mistakes, each in its place",
        ),
        pytest.param(
            "*/5 2 * 3 0L",
            """\
error: never fires, the clocks in Europe/Berlin skip all these times [cron-never]
  */5 2 * 3 0L
  ^^^^^^^^^^^^ with a number for minute and for hour it would run right after the clocks change
""",
            id="what only the zone knows",
        ),
        pytest.param(
            "every 1x",
            f"error: expected a duration such as 90s, got every 1x [duration]\n  {UNITS}\n",
            id="no duration",
        ),
        pytest.param("every 0s", "error: expected a period of at least 1s, got every 0s [duration]\n", id="no period"),
        pytest.param(
            "0 3 * * \x1b[31m",
            "error: expected weekday 0-7 or SUN-SAT, got \\x1b[31m [cron-syntax]\n",
            id="what would paint the terminal",
        ),
        pytest.param("1," * 600 + "1 * * * *", "error: expected at most 1000 characters", id="too long"),
    ],
)
def test_a_mistake_is_underlined_and_answered(explain: Asked, typed: str, told: str) -> None:
    code, out, err = explain(typed)

    assert (code, out) == (1, "")
    assert err.startswith(told)


def test_a_mistake_for_machines(explain: Asked) -> None:
    code, out, err = explain("60 3 * * *", "--json")

    assert (code, err) == (1, "")
    assert json.loads(out) == {
        "schedule": "60 3 * * *",
        "errors": [
            {
                "code": "cron-range",
                "message": "expected minute 0-59, got 60",
                "hint": 'on the hour is "0 3 * * *"',
            }
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["H 3 * * *"], "H stands for a number that is drawn from the name of the job: add --job NAME"),
        (["0 3 * * *", "--timezone", "Europe/Berln"], "did you mean Europe/Berlin? IANA names, no offsets"),
        (["0", "3", *"abcdef"], "expected one schedule, got 8 words; quote it: the shell replaces a bare *"),
        ([], "Missing argument"),
    ],
    ids=["H without a job", "a misspelt zone", "a star that the shell has replaced", "nothing"],
)
def test_wrong_usage_exits_2(explain: Asked, arguments: list[str], told: str) -> None:
    code, out, err = explain(*arguments)

    assert (code, out) == (2, "")
    assert told in err


def test_thursdays_are_no_h(explain: Asked) -> None:
    assert explain("0 3 * MAR THU", "-N", "0")[0] == 0


@pytest.mark.parametrize(
    ("ticks", "shown"),
    [
        pytest.param(["2026-11-22T20:00Z"], "Sun 22 Nov 2026 21:00 CET", id="one"),
        pytest.param(["2026-11-22T20:00Z", "2026-11-22T20:00:05Z"], "Sun 22 Nov 2026 21:00, 21:00:05 CET", id="a day"),
        pytest.param(["2026-11-22T20:00Z", "2026-11-24T20:00Z"], "Sun 22 Nov, Tue 24 Nov 2026 21:00 CET", id="a time"),
        pytest.param(
            ["2026-11-22T22:45Z", "2026-11-22T23:00Z"], "Sun 22 Nov 23:45, Mon 23 Nov 2026 00:00 CET", id="neither"
        ),
        pytest.param(
            ["2026-12-31T22:45Z", "2026-12-31T23:00Z"], "Thu 31 Dec 2026 23:45, Fri 1 Jan 2027 00:00 CET", id="years"
        ),
        pytest.param(
            ["2027-10-31T00:30Z", "2027-10-31T01:30Z"], "Sun 31 Oct 2027 02:30 CEST, 02:30 CET", id="twice the same"
        ),
    ],
)
def test_instants_say_once_what_they_share(ticks: list[str], shown: str) -> None:
    assert occasions([datetime.fromisoformat(tick) for tick in ticks], ZoneInfo("Europe/Berlin")) == shown


@pytest.mark.parametrize(
    ("since", "until", "shown"),
    [
        ("2026-11-22T20:00:00Z", "2026-11-22T20:00:04Z", "4s"),
        ("2026-11-22T20:00:00Z", "2026-11-22T20:05:54Z", "5m54s"),
        ("2026-11-22T20:00:00Z", "2026-11-28T20:00:00Z", "6d"),
        ("2026-11-22T20:00:00Z", "2026-11-22T20:00:00Z", "0s"),
        ("2026-11-22T20:00:00Z", "2026-11-22T18:57:00Z", "-1h3m"),
    ],
)
def test_distances_have_two_units(since: str, until: str, shown: str) -> None:
    assert distance_text(datetime.fromisoformat(until) - datetime.fromisoformat(since)) == shown

"""The status as people read it, to the letter of the mock-up, and what becomes of what does not fit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.cli.lease_state import LeaseState
from scheduler.cli.status_facts import Found
from scheduler.cli.status_table import COLUMNS, middle_cut, status_lines

NOW = datetime(2026, 11, 22, 19, 41, 6, tzinfo=UTC)
POD = "beat-leasebeat-6d5f9c7b8-x2k4q"
MOCK_UP = """\
leader  beat-leasebeat-6d5f9c7b8-x2k4q   term 7 since 2026-11-22T14:03:11Z (5h37m)   renewed 2s ago
lease   kubernetes:ops/beat-leasebeat   15s/10s/2s   config 9f2c41d0   settled 19:41:05Z, lag 0s

JOB             NEXT (Europe/Berlin)           LAST                             TOOK   RUNNING
hello           20:41:10          in 4s        succeeded  20:41:05              5ms    -
sync            20:47:00          in 5m54s     failed     20:32  http 502, 3/3  31s    -
nightly-report  Mon 03:15         in 6h33m     succeeded  Sun 03:15             12m4s  -
rebuild         Sun 29 Nov 02:00  in 6d5h      -          none in term 7        -      1h12m, 2nd
trial-mails     paused to 15 Jan  vendor out…  skipped    Fri 15:00  paused     -      -
"""


def job(name: str, *ticks: str, **facts: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"last": None, "running": [], "paused": None, "schedule": "every 5 s", "enabled": True}
    return {"name": name, "next": list(ticks), **usual, **facts}


def last(run: str, outcome: str = "succeeded", took_ms: int | None = None, **facts: Any) -> dict[str, Any]:
    return {"run": run, "outcome": outcome, "reason": None, "took_ms": took_ms, **facts}


HELLO = job("hello", "2026-11-22T19:41:10Z", last=last("hello@2026-11-22T19:41:05Z", took_ms=5))
SYNC = job(
    "sync",
    "2026-11-22T19:47:00Z",
    last=last("sync@2026-11-22T19:32:00Z", "failed", 31_000, error="http 502", attempt=3, attempts=3),
    failing=True,
)
NIGHTLY = job("nightly-report", "2026-11-23T02:15:00Z", last=last("n@2026-11-22T02:15:00Z", took_ms=724_000))
REBUILD = job(
    "rebuild",
    "2026-11-29T01:00:00Z",
    running=[{"run": "rebuild@2026-11-22T18:29:00Z", "attempt": 2, "since": "2026-11-22T18:29:00Z"}],
)
MAILS = job(
    "trial-mails",
    last=last("t@2026-11-20T14:00:00Z", "skipped", reason="paused"),
    paused={"until": "2027-01-14T23:00:00Z", "reason": "vendor outage"},
)


def found(
    *jobs: dict[str, Any], state: LeaseState | None = None, lease: dict[str, Any] | None = None, **facts: Any
) -> Found:
    usual_lease = {
        "store": "kubernetes:ops/beat-leasebeat",
        "name": "beat-leasebeat",
        "timings": "15s/10s/2s",
        "hash": "9f2c41d0",
        "settled": "2026-11-22T19:41:05Z",
        "lag_ms": 0,
    }
    document: dict[str, Any] = {
        "leader": {"replica": POD, "term": 7, "since": "2026-11-22T14:03:11Z", "renewed_ms": 2100},
        "lease": usual_lease | (lease or {}),
        "jobs": list(jobs),
        "complete": True,
        "why": None,
        "zone": "Europe/Berlin",
        "last_leader": None,
        "other_tables": [],
        "waiting": 0,
        **facts,
    }
    return Found(document, NOW, state or LeaseState("ours", f"leader {POD}", POD, POD))


def text(*jobs: dict[str, Any], **facts: Any) -> str:
    return "\n".join(status_lines(found(*jobs, **facts))) + "\n"


def row(one: dict[str, Any], **facts: Any) -> str:
    """The line of one job."""
    return " ".join(status_lines(found(one, **facts))[4].split())


def test_it_is_the_mock_up_to_the_letter() -> None:
    assert text(HELLO, SYNC, NIGHTLY, REBUILD, MAILS) == MOCK_UP


def test_colour_adds_nothing_but_colour() -> None:
    coloured = status_lines(found(HELLO, SYNC, MAILS), colour=True)
    plain = [line.replace("\x1b", "").replace("[0m", "") for line in coloured]
    for code in ("[1m", "[2m", "[31m", "[32m", "[33m"):
        assert any(code in line for line in coloured), code
        plain = [line.replace(code, "") for line in plain]

    assert plain == status_lines(found(HELLO, SYNC, MAILS))


# ------------------------------------------------------------------ each cell

BEFORE = last("a@2026-11-22T19:40:00Z", took_ms=9)
WAITS_SINCE_TIMEOUT = {
    "run": "a@2026-11-22T19:41:00Z",
    "attempt": 2,
    "at": "2026-11-22T19:41:31Z",
    "error": "timeout",
}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(job("a", schedule="manual"), "a manual - none in term 7 - -", id="runs only when asked"),
        pytest.param(job("a", "2026-11-22T19:41:10Z", enabled=False), "a disabled - none in term 7 - -", id="disabled"),
        pytest.param(job("a"), "a none to come - none in term 7 - -", id="its last tick is over"),
        pytest.param(
            job("a", "2026-11-22T19:41:05Z", "2026-11-22T19:41:10Z"),
            "a 20:41:10 in 4s - none in term 7 - -",
            id="a tick that has passed since the leader was asked is not next",
        ),
        pytest.param(job("a", "2027-02-01T08:00:00Z"), "a 1 Feb 2027 in 70d12h - none in term 7 - -", id="next year"),
        pytest.param(job("a", paused={"until": None, "reason": None}), "a paused - none in term 7 - -", id="for good"),
        pytest.param(
            job("a", paused={"until": "2026-11-22T21:00:00Z", "reason": "x"}),
            "a paused to 22:00 x - none in term 7 - -",
            id="paused until later today",
        ),
        pytest.param(
            job("a", paused={"until": "2026-11-23T07:00:00Z", "reason": "x"}),
            "a paused to 08:00 x - none in term 7 - -",
            id="paused until tomorrow morning",
        ),
        pytest.param(
            job("a", paused={"until": "2028-01-14T23:00:00Z", "reason": "x"}),
            "a paused to 2028 x - none in term 7 - -",
            id="paused for more than a year",
        ),
        pytest.param(
            job("a", last=last("a@manual-2026-11-22T19:40:00.123Z", "timed_out", 60_000, reason="timeout")),
            "a none to come timed out 20:40 timeout 60s -",
            id="a manual run",
        ),
        pytest.param(
            job("a", last=last("a@2026-11-22T19:40:00Z", took_ms=9, attempt=2, attempts=4)),
            "a none to come succeeded 20:40, 2/4 9ms -",
            id="the second attempt succeeded",
        ),
        pytest.param(
            job("a", running=[{"run": "a@1", "attempt": 1, "since": "2026-11-22T19:40:00Z"}] * 3),
            "a none to come - none in term 7 - 1m6s, 3 runs",
            id="three at a time",
        ),
        pytest.param(
            job("a", last=last("a@2026-11-22T19:40:00Z", "timed_out", 3000, attempt=2, attempts=2)),
            "a none to come timed out 20:40, 2/2 3s -",
            id="it timed out at its last attempt",
        ),
        pytest.param(
            job("a", last=last("a", "timed_out", 3000, attempt=2, attempts=2)),
            "a none to come timed out 2/2 3s -",
            id="nothing is known but the attempt",
        ),
        pytest.param(
            job("a", last=last("a@2026-11-22T19:40:00Z", "failed", 9, error="exit 3", attempt=3, attempts=2)),
            "a none to come failed 20:40 exit 3, att. 3 9ms -",
            id="an interruption in between was no retry",
        ),
        pytest.param(
            job("a", last=BEFORE, retrying=WAITS_SINCE_TIMEOUT),
            "a none to come retrying 20:41 timeout - 2nd in 25s",
            id="an attempt that waits for its delay",
        ),
        pytest.param(
            job("a", retrying={**WAITS_SINCE_TIMEOUT, "error": None}),
            "a none to come retrying 20:41 - 2nd in 25s",
            id="one that waits for it, and nobody knows why",
        ),
        pytest.param(
            job("a", last=BEFORE, retrying=WAITS_SINCE_TIMEOUT, running=[{"run": "a@1", "attempt": 1, "since": None}]),
            "a none to come succeeded 20:40 9ms yes",
            id="one that waits for it while another run runs",
        ),
        pytest.param(
            job("a", running=[{"run": "a@1", "attempt": 1, "since": None}]),
            "a none to come - none in term 7 - yes",
            id="a leaver's run",
        ),
        pytest.param(
            job("a", last=last("a@2026-11-22T19:40:00Z", "failed", 1, error="one\x1b[31m line")),
            r"a none to come failed 20:40 one\x1b[31m line 1ms -",
            id="what might paint the terminal",
        ),
    ],
)
def test_a_job(one: dict[str, Any], expected: str) -> None:
    assert row(one) == expected


def test_what_the_leader_cannot_be_asked_is_a_question_mark_and_one_line_says_why() -> None:
    lines = status_lines(found(HELLO, complete=False, why="the leader cannot be asked: 10.1.2.3:8080 refused"))

    assert lines[4].split() == ["hello", "20:41:10", "in", "4s", "?", "?", "?"]
    assert lines[-1] == "the leader cannot be asked: 10.1.2.3:8080 refused"


def test_only_what_failed() -> None:
    lines = status_lines(found(HELLO, SYNC, MAILS), failed=True)

    assert [line.split()[0] for line in lines[4:]] == ["sync"]
    assert status_lines(found(HELLO), failed=True)[-1] == "no job's last run failed"


# ------------------------------------------------------------------ who leads


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        pytest.param(
            LeaseState("ours", "nobody leads", POD),
            {"last_leader": {"replica": POD, "term": 7, "since": None, "renewed_ms": 22_400}},
            f"leader  none for 22s, last {POD} in term 7",
            id="it died",
        ),
        pytest.param(
            LeaseState("ours", "nobody leads", ""),
            {"last_leader": {"replica": "", "term": 7, "since": None, "renewed_ms": 900}},
            "leader  none for 0ms, released in term 7",
            id="it left",
        ),
        pytest.param(
            LeaseState("none", "no Lease yet"),
            {},
            "leader  none: there is no Lease kubernetes:ops/beat-leasebeat",
            id="there is no Lease",
        ),
        pytest.param(
            LeaseState("foreign", "held by kube-scheduler, shared by lease.adopt", "kube-scheduler"),
            {},
            "leader  none: held by kube-scheduler, shared by lease.adopt",
            id="another program's",
        ),
    ],
)
def test_nobody_leads(state: LeaseState, facts: dict[str, Any], expected: str) -> None:
    seen = found(HELLO, state=state, leader=None, complete=False, **facts)

    assert status_lines(seen)[0] == expected
    assert status_lines(seen, colour=True)[0] == f"\x1b[31m{expected}\x1b[0m"


def test_tables_that_differ_are_counted() -> None:
    others = [
        {"replica": "b", "hash": "1a2b3c4d"},
        {"replica": "c", "hash": "1a2b3c4d"},
        {"replica": "d", "hash": "ff"},
    ]

    assert "\nconfig  9f2c41d0; 1 replica has 1a2b3c4d\n" in text(HELLO, other_tables=others[:1])
    assert "\nconfig  9f2c41d0; 2 replicas have 1a2b3c4d, 1 replica has ff\n" in text(HELLO, other_tables=others)


def test_commands_that_wait_are_told() -> None:
    assert "\nasked   1 command waits for the leader\n" in text(HELLO, waiting=1)


def test_what_is_not_known_of_the_lease_is_left_out() -> None:
    unknown = {"timings": None, "hash": None, "settled": None, "lag_ms": None}

    assert status_lines(found(HELLO, lease=unknown))[1] == "lease   kubernetes:ops/beat-leasebeat"


# ------------------------------------------------------------------ what does not fit


def test_long_names_lose_their_middle() -> None:
    lines = status_lines(found(HELLO | {"name": "warehouse-" * 5}, SYNC, NIGHTLY, REBUILD, MAILS))

    assert max(map(len, lines)) == COLUMNS
    assert lines[4].startswith("warehous…rehouse-  20:41:10")


FAILED = last("a@2026-11-22T19:40:05Z", "failed", 5, error="JSONDecodeError", attempt=10, attempts=11)


def test_why_a_run_failed_has_what_names_leave() -> None:
    assert "  20:40:05  JSONDecodeError, 10/11  5ms" in text(job("a", "2026-11-22T19:41:10Z", last=FAILED))


def test_long_names_leave_it_a_part() -> None:
    line = row(job("warehouse-" * 5, "2026-11-22T19:41:10Z", last=FAILED))

    assert line.startswith("warehouse-ware…use-warehouse- 20:41:10")
    assert "20:40:05 JSONDecodeErr… 5ms" in line


@pytest.mark.parametrize(
    ("name", "width", "expected"), [("hello", 5, "hello"), ("abcdefghij", 7, "abc…hij"), ("abcdefghij", 6, "abc…ij")]
)
def test_the_middle_is_left_out(name: str, width: int, expected: str) -> None:
    assert middle_cut(name, width) == expected


NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=52)
TICKS = st.datetimes(datetime(2026, 11, 1), datetime(2029, 1, 1)).map(  # noqa: DTZ001  # hypothesis wants them naive
    lambda naive: naive.replace(microsecond=0).isoformat() + "Z"
)
WORDS = st.none() | st.text(max_size=60)
LASTS = st.none() | st.builds(
    lambda tick, outcome, took, error, attempt: last(
        f"j@{tick}", outcome, took, error=error, attempt=attempt, attempts=11
    ),
    TICKS,
    st.sampled_from(["succeeded", "failed", "timed_out", "skipped", "interrupted", "dropped"]),
    st.none() | st.integers(0, 10**11),
    WORDS,
    st.integers(1, 11),
)
PAUSES = st.none() | st.fixed_dictionaries({"until": st.none() | TICKS, "reason": WORDS})
RUNNING = st.lists(
    st.builds(lambda at, n: {"run": "j", "attempt": n, "since": at}, TICKS, st.integers(1, 400)), max_size=3
)
WAITS = st.none() | st.builds(
    lambda tick, at, n, error: {"run": f"j@{tick}", "attempt": n, "at": at, "error": error},
    TICKS,
    TICKS,
    st.integers(1, 400),
    WORDS,
)
JOBS = st.builds(
    lambda name, ticks, ended, paused, runs, waits: job(
        name, *ticks, last=ended, paused=paused, running=runs, retrying=waits
    ),
    NAMES,
    st.lists(TICKS, max_size=3),
    LASTS,
    PAUSES,
    RUNNING,
    WAITS,
)


@given(st.lists(JOBS, min_size=1, max_size=4), st.text(min_size=1, max_size=253), st.booleans())
def test_nothing_is_wider_than_a_hundred_columns(jobs: list[dict[str, Any]], leader: str, complete: bool) -> None:
    named = {"replica": leader, "term": 12345, "since": "2026-01-22T14:03:11Z", "renewed_ms": 21_000}
    lines = status_lines(found(*jobs, leader=named, complete=complete))

    assert max(map(len, lines)) <= COLUMNS
    assert not any(line != line.rstrip() for line in lines)
    assert json.dumps(lines)


def test_a_zone_that_this_machine_does_not_know_is_read_in_utc() -> None:
    assert "NEXT (UTC)" in text(HELLO, zone="Mars/Olympus")
    assert row(HELLO, zone="Mars/Olympus").split()[1] == "19:41:10"


def test_a_leader_whose_clock_is_ahead() -> None:
    """It began in what is the future here, and is shown so."""
    ahead = (NOW + timedelta(seconds=3)).isoformat().replace("+00:00", "Z")
    named = {"replica": POD, "term": 1, "since": ahead, "renewed_ms": 0}

    assert status_lines(found(HELLO, leader=named))[0].endswith("(-3s)   renewed 0s ago")

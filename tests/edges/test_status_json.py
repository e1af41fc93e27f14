"""`/status.json` and `/leader`: what machines are told of a replica."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from scheduler.core.ledger import OpenRun
from scheduler.core.notes.commands import Pause, with_pauses
from scheduler.core.views.outlook import Outlook
from tests.fakes.statuses import (
    FOLLOWING,
    LEADING,
    ME,
    NOW,
    OTHER,
    PRIVATE,
    Looked,
    cron,
    every,
    job,
    ledger,
    mock_up,
)


def document(looked: Looked) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(looked.body("/status.json"))
    return content


def of_job(looked: Looked, name: str) -> dict[str, Any]:
    return next(one for one in document(looked)["jobs"] if one["name"] == name)


def test_a_leader_tells_all() -> None:
    """Field by field as it is documented; fields are only ever added."""
    told = document(mock_up())

    assert told["leader"] == {"replica": ME, "term": 7, "since": "2026-11-22T14:03:11Z", "renewed_ms": 1500}
    assert told["lease"] == {
        "store": "kubernetes:ops/beat-leasebeat",
        "name": "beat-leasebeat",
        "timings": "15s/10s/2s",
        "hash": "9f2c41d0",
        "settled": "2026-11-22T19:41:06Z",
        "lag_ms": 0,
    }
    assert told["complete"] is True
    assert [one["name"] for one in told["jobs"]] == ["hello", "sync", "nightly-report", "rebuild", "trial-mails"]
    assert told["jobs"][1] == {
        "name": "sync",
        "next": ["2026-11-22T19:47:00Z", "2026-11-22T20:02:00Z", "2026-11-22T20:17:00Z"],
        "last": {
            "run": "sync@2026-11-22T19:32:00Z",
            "outcome": "failed",
            "reason": "http_status",
            "took_ms": 31000,
            "error": "http 502",
            "attempt": 3,
            "attempts": 3,
            "at": "2026-11-22T19:32:00Z",
        },
        "running": [],
        "retrying": None,
        "paused": None,
        "schedule": "every 15 min + 2 min",
        "zone": "Europe/Berlin",
        "enabled": True,
        "failing": True,
        "last20": "...r...s.ff",
    }


def test_it_is_one_line_of_json() -> None:
    answer = mock_up().routes["/status.json"]()

    assert (answer.status, answer.content_type) == (HTTPStatus.OK, "application/json")
    assert answer.body.count(b"\n") == 1
    assert answer.body.endswith(b"}\n")


def test_a_standby_tells_who_leads_and_no_more() -> None:
    told = document(mock_up(FOLLOWING))

    assert told["leader"]["replica"] == OTHER
    assert told["lease"]["store"] == "kubernetes:ops/beat-leasebeat"
    assert told["lease"]["lag_ms"] is None
    assert (told["jobs"], told["complete"]) == ([], False)
    assert (told["replica"], told["last_leader"]) == (ME, None)


SILENT = {"replica": OTHER, "term": 7, "since": "2026-11-22T14:03:11Z"}
NOBODY = {
    "a Lease that was given back": (replace(FOLLOWING, leader=None, last=OTHER), SILENT | {"renewed_ms": 1500}),
    "one that ran out": (replace(FOLLOWING, alive_at=984.9), SILENT | {"renewed_ms": 15_100}),
    "one that is not there": (Outlook(), None),
    "one of which nothing but the last leader is known": (
        Outlook(last=OTHER, alive_at=900.0),
        {"replica": OTHER, "term": 0, "since": None, "renewed_ms": 100_000},
    ),
}


@pytest.mark.parametrize(("outlook", "last"), NOBODY.values(), ids=NOBODY)
def test_nobody_leads(outlook: Outlook, last: dict[str, Any] | None) -> None:
    looked = Looked([every("hello", 5)], outlook)
    told = document(looked)

    assert (told["leader"], told["last_leader"], told["jobs"], told["complete"]) == (None, last, [], False)
    assert looked.routes["/leader"]().status == HTTPStatus.SERVICE_UNAVAILABLE
    assert looked.body("/leader") == "nobody leads\n"


def test_a_leader_whose_lease_ran_out_leads_no_more() -> None:
    told = document(Looked([every("hello", 5)], replace(LEADING, alive_at=984.9)))

    assert (told["leader"], told["last_leader"]["replica"], told["complete"]) == (None, ME, False)


def test_what_anybody_wrote_into_the_lease_by_hand_is_no_error() -> None:
    notes = {"paused": "{", "table-b": "[]", "table-c": '{"hash":1}', "table-d": '{"hash":"x","at":"soon"}'}
    told = document(Looked([every("hello", 5)], replace(LEADING, since="yesterday", leader="x" * 999, notes=notes)))

    assert told["leader"]["since"] is None
    assert len(told["leader"]["replica"]) == 253
    assert told["other_tables"] == []


def test_the_lag_is_that_of_the_oldest_undecided_tick() -> None:
    told = document(Looked([every("hello", 5)], replace(LEADING, ledger=ledger(settled=NOW - timedelta(seconds=30)))))

    assert told["lease"]["lag_ms"] == 26_500


def test_a_ledger_that_is_not_there_yet_lags_by_nothing() -> None:
    told = document(Looked([every("hello", 5)], replace(LEADING, ledger=None)))

    assert (told["lease"]["settled"], told["lease"]["lag_ms"], told["complete"]) == (None, None, True)


def test_replicas_of_another_table_are_named() -> None:
    notes = {"table-beat-b": '{"hash":"1a2b3c4d","at":"2026-11-22T19:00:00Z"}'}

    assert document(Looked([every("hello", 5)], replace(LEADING, notes=notes)))["other_tables"] == [
        {"replica": "beat-b", "hash": "1a2b3c4d", "at": "2026-11-22T19:00:00Z"}
    ]


# ------------------------------------------------------------------ jobs


def paused(pause: Pause) -> Looked:
    return Looked([every("hello", 5), every("sync", 900)], replace(LEADING, notes=with_pauses({}, {"sync": pause})))


def test_a_paused_job_has_its_reason_and_no_next_tick() -> None:
    told = of_job(paused(Pause(NOW, None, "vendor outage")), "sync")

    assert (told["paused"], told["next"]) == ({"until": None, "reason": "vendor outage"}, [])


def test_a_pause_with_an_end_has_next_ticks_after_it() -> None:
    told = of_job(paused(Pause(NOW, NOW + timedelta(hours=1))), "sync")

    assert told["paused"]["until"] == "2026-11-22T20:41:06.500Z"
    assert told["next"] == ["2026-11-22T20:45:00Z", "2026-11-22T21:00:00Z", "2026-11-22T21:15:00Z"]


def test_a_pause_ends_by_itself() -> None:
    looked = paused(Pause(NOW, NOW + timedelta(seconds=3)))
    assert of_job(looked, "sync")["paused"]

    looked.clock.passed = 3
    told = of_job(looked, "sync")
    assert (told["paused"], told["next"][0]) == (None, "2026-11-22T19:45:00Z")


def test_manual_disabled_and_ended_jobs_have_no_next_tick() -> None:
    looked = Looked([job("asked"), every("off", 60, enabled=False), cron("on", "0 0 * * *")])

    assert [(one["schedule"], one["enabled"], len(one["next"])) for one in document(looked)["jobs"]] == [
        ("manual", True, 0),
        ("every 1 min", False, 0),
        ("at 00:00 every day", True, 3),
    ]


def test_next_ticks_move_on() -> None:
    looked = Looked([every("hello", 5)])
    first = of_job(looked, "hello")["next"]
    looked.clock.passed = 5

    assert of_job(looked, "hello")["next"][0] == first[1]


def running(*runs: OpenRun) -> Any:
    looked = Looked([every("sync", 900)], replace(LEADING, ledger=ledger(*runs)))
    looked.ran("sync", "started", run="sync@1", attempt=2)
    return of_job(looked, "sync")["running"]


def test_what_runs_since_when_at_which_attempt() -> None:
    begun = {"run": "sync@1", "attempt": 2, "since": "2026-11-22T19:41:06.500Z"}

    assert running(OpenRun("sync", "1", 2, "mine", "l")) == [begun]


def test_a_run_that_the_ledger_does_not_list_runs_no_more() -> None:
    """Whatever became of it, nobody told; it must not stand there for ever."""
    assert running() == running(OpenRun("sync", "1", 3, "mine", "l")) == []


def test_an_attempt_that_waits_for_its_delay() -> None:
    """As long as the ledger lists its run: its end may never be told."""
    looked = Looked([every("sync", 900)], replace(LEADING, ledger=ledger(OpenRun("sync", "1", 1, "mine", "l"))))
    looked.ran("sync", "retrying", run="sync@1", reason="exit", error=PRIVATE, next_attempt=2, in_ms=8000)
    waits = {"run": "sync@1", "attempt": 2, "at": "2026-11-22T19:41:14.500Z", "error": "exit"}
    assert of_job(looked, "sync")["retrying"] == waits

    looked.outlook = replace(LEADING, ledger=ledger())
    looked.clock.passed = 5
    assert of_job(looked, "sync")["retrying"] is None


def test_a_run_that_a_leaver_is_ending_runs_too() -> None:
    assert running(OpenRun("sync", "0", 1, "theirs", "l", left=20)) == [{"run": "sync@0", "attempt": 1, "since": None}]


def test_nothing_is_told_of_what_jobs_are_made_of() -> None:
    """Neither commands nor environment nor errors, which may quote both."""
    looked = mock_up()
    looked.ran("sync", "failed", reason="exit", error=f"exit 3: {PRIVATE}")
    looked.ran("sync", "retrying", reason="exception", error=f"KeyError: {PRIVATE}", next_attempt=2)

    assert PRIVATE in looked.jobs[0].action.command  # type: ignore[union-attr]
    assert PRIVATE not in looked.body("/status.json") + looked.body("/")


# ------------------------------------------------------------------ /leader

UNPROVEN = {
    "a gate that is shut": replace(LEADING, proven=False),
    "a gate that time has shut": replace(LEADING, alive_at=990.0),
}


def test_the_leader_says_so() -> None:
    looked = Looked([every("hello", 5)])

    assert (looked.routes["/leader"]().status, looked.body("/leader")) == (HTTPStatus.OK, f"{ME} leads\n")


def test_a_standby_names_the_leader() -> None:
    looked = Looked([every("hello", 5)], FOLLOWING)

    assert looked.routes["/leader"]().status == HTTPStatus.SERVICE_UNAVAILABLE
    assert looked.body("/leader") == f"{OTHER} leads\n"


@pytest.mark.parametrize("outlook", UNPROVEN.values(), ids=UNPROVEN)
def test_a_leader_that_cannot_prove_it_does_not_count(outlook: Outlook) -> None:
    looked = Looked([every("hello", 5)], outlook)

    assert looked.routes["/leader"]().status == HTTPStatus.SERVICE_UNAVAILABLE
    assert looked.body("/leader") == f"{ME} holds the Lease, but cannot prove it at the moment\n"
    assert (document(looked)["proven"], document(looked)["complete"]) == (False, True)


# ------------------------------------------------------------------ how often it is made


def test_it_is_made_at_most_once_a_second() -> None:
    looked = Looked([every("hello", 5)])
    first = looked.routes["/status.json"]()
    looked.clock.passed = 0.9
    assert looked.routes["/status.json"]() is first

    looked.clock.passed = 1.0
    assert looked.routes["/status.json"]() is not first


def test_it_is_not_made_while_runs_start() -> None:
    """Ticks fall on whole seconds, so it is made between them."""
    looked = Looked([every("hello", 5)])
    first = looked.routes["/status.json"]()
    for passed in (1.45, 1.5, 1.65):  # it was half past the second
        looked.clock.passed = passed
        assert looked.routes["/status.json"]() is first

    looked.clock.passed = 1.75
    assert looked.routes["/status.json"]() is not first


def test_it_is_never_two_seconds_old() -> None:
    looked = Looked([every("hello", 5)])
    first = looked.routes["/status.json"]()
    looked.clock.passed = 2.5

    assert looked.routes["/status.json"]() is not first


def test_it_is_made_anew_when_the_lead_is_lost() -> None:
    looked = Looked([every("hello", 5)])
    assert document(looked)["complete"]
    looked.outlook = FOLLOWING

    assert not document(looked)["complete"]


@pytest.mark.parametrize("path", ["/", "/status.json"])
def test_names_of_jobs_can_be_hidden(path: str) -> None:
    looked = Looked([every("hello", 5)], page=False)

    assert looked.routes[path]().status == HTTPStatus.NOT_FOUND
    assert looked.body(path) == "not shown: config.yaml says health.page: false\n"
    assert looked.routes["/leader"]().status == HTTPStatus.OK

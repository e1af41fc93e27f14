"""Whom a final line is sent to, and as what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scheduler.cluster.exchange import Exchanges
from scheduler.config.settings import Target
from scheduler.core.actions import ShellAction
from scheduler.core.job import Job, JobTable, Notify, Policy
from scheduler.core.references import Secret
from scheduler.core.views.notices import PLACEHOLDERS
from scheduler.running.supervisor.times import boot_now
from scheduler.telling.events import EVENTS
from scheduler.telling.signals.delivery import Carrier
from scheduler.telling.signals.final_lines import FAILURES, MISSES, SUCCESSES, Told
from scheduler.telling.signals.mailbag import Letter
from scheduler.telling.signals.notify import Notifications, content
from scheduler.telling.signals.post import Post
from tests.fakes.receiver import Receiver, receiving

AT = datetime(2026, 11, 22, 2, 15, 31, 4000, UTC)
RUN = "sync@2026-11-22T02:15:00Z"
HOUR = "sync@2026-11-22T10:00:00Z to 2026-11-22T10:59:55Z"
Facts = dict[str, object]
FACTS: Facts = {
    "job": "sync",
    "run": "sync@2026-11-22T02:15:00Z",
    "tick": "2026-11-22T02:15:00Z",
    "attempt": 3,
    "cause": "schedule",
    "term": 7,
    "late_ms": 3,
    "took_ms": 31_000,
    "reason": None,
}
FAILED = FACTS | {"reason": "http_status", "error": "502"}
FOLDED: Facts = {
    "job": "sync",
    "run": "sync@2026-11-22T10:00:00Z",
    "tick": "2026-11-22T10:00:00Z",
    "to": "2026-11-22T10:59:55Z",
    "ticks": 720,
    "attempt": 1,
    "term": 7,
    "reason": "too_old",
}
WISHES = Notify(on_failure=("ops", "duty"), on_missed=("duty",), on_success=("chat",))


@dataclass
class Letters:
    """A post that keeps what is put into it."""

    kept: list[Letter] = field(default_factory=list)

    def put(self, letter: Letter) -> None:
        self.kept.append(letter)


def table(wishes: Notify = WISHES, jitter: timedelta = timedelta(0)) -> JobTable:
    jobs = [
        Job("sync", None, "UTC", ShellAction("true"), Policy(notify=wishes, jitter=jitter)),
        Job("other", None, "UTC", ShellAction("true")),
    ]
    return JobTable({job.name: job for job in jobs}, AT)


def line(event: str, facts: Facts) -> dict[str, object]:
    return Told(event, facts, AT, "beat-x2k4q").line()


@pytest.mark.parametrize(
    ("event", "facts", "expected"),
    [
        pytest.param("run.failed", FAILED, ["ops", "duty"], id="a failure"),
        pytest.param("run.timed_out", FACTS, ["ops", "duty"], id="a timeout"),
        pytest.param("run.interrupted", FACTS, ["ops", "duty"], id="an interruption"),
        pytest.param("run.failed", FAILED | {"repeated": True}, ["ops", "duty"], id="a failure told again"),
        pytest.param("run.dropped", FACTS, ["duty"], id="a tick that is dropped"),
        pytest.param("run.dropped", FOLDED, ["duty"], id="many ticks that are dropped"),
        pytest.param("run.succeeded", FACTS, ["chat"], id="a success"),
        pytest.param("run.retrying", FAILED, [], id="a failure that is not the end"),
        pytest.param("run.skipped", FACTS, [], id="a tick that is skipped"),
        pytest.param("run.started", FACTS, [], id="a start"),
        pytest.param("run.failed", FAILED | {"job": "other"}, [], id="a job that asks for nothing"),
        pytest.param("run.dropped", FOLDED | {"job": "*"}, [], id="a line for many jobs"),
        pytest.param("lead.lost", {"term": 7}, [], id="no run at all"),
    ],
)
def test_who_is_told(event: str, facts: Facts, expected: list[str]) -> None:
    letters = Letters()
    targets = {name: Target("http://x") for name in ("ops", "duty", "chat")}
    Notifications(table(), targets, "a", letters).heard(event, facts, AT)  # type: ignore[arg-type]

    assert [letter.target for letter in letters.kept] == expected


LEAD = datetime(2026, 11, 22, 2, 14, tzinfo=UTC)
TICK = LEAD + timedelta(minutes=1)
SUPERSEDED = FACTS | {"reason": "superseded"}
FOLD_SUPERSEDED = SUPERSEDED | {"to": "2026-11-22T02:20:00Z", "ticks": 40}


@pytest.mark.parametrize(
    ("leads", "facts", "expected"),
    [
        pytest.param({LEAD: "lead.acquired"}, SUPERSEDED, [], id="under this leader"),
        pytest.param({TICK: "lead.acquired"}, SUPERSEDED, [], id="at the very moment"),
        pytest.param({AT: "lead.acquired"}, SUPERSEDED, ["duty"], id="before it led"),
        pytest.param({LEAD: "lead.acquired", AT: "lead.resumed"}, SUPERSEDED, ["duty"], id="in a suspension"),
        pytest.param({LEAD: "lead.acquired", TICK: "lead.resumed"}, SUPERSEDED, [], id="after a suspension"),
        pytest.param({LEAD: "lead.acquired", AT: "lead.suspended"}, SUPERSEDED, [], id="no other line counts"),
        pytest.param({}, SUPERSEDED, ["duty"], id="nobody knows who led"),
        pytest.param({AT: "lead.acquired"}, SUPERSEDED | {"repeated": True}, ["duty"], id="told again"),
        pytest.param({LEAD: "lead.acquired"}, FOLD_SUPERSEDED, [], id="many under this leader"),
        pytest.param({AT: "lead.acquired"}, FOLD_SUPERSEDED, ["duty"], id="many, some of them before it led"),
        pytest.param({LEAD: "lead.acquired"}, SUPERSEDED | {"tick": "?"}, ["duty"], id="nobody knows when"),
        pytest.param({LEAD: "lead.acquired"}, FACTS | {"reason": "too_old"}, ["duty"], id="for another reason"),
    ],
)
def test_a_superseded_tick_was_missed_if_no_one_led(
    leads: dict[datetime, str], facts: Facts, expected: list[str]
) -> None:
    letters = Letters()
    notifications = Notifications(table(), {"duty": Target("http://x")}, "a", letters)  # type: ignore[arg-type]
    for at, event in leads.items():
        notifications.heard(event, {"term": 7}, at)
    notifications.heard("run.dropped", facts, AT)

    assert [letter.target for letter in letters.kept] == expected


def test_a_tick_falls_due_when_its_jitter_says() -> None:
    jobs = table(jitter=timedelta(minutes=10))
    due = jobs.jobs["sync"].due(TICK)
    letters = Letters()
    notifications = Notifications(jobs, {"duty": Target("http://x")}, "a", letters)  # type: ignore[arg-type]
    notifications.heard("lead.acquired", {"term": 7}, due)
    notifications.heard("run.dropped", SUPERSEDED, due)
    before = len(letters.kept)
    notifications.heard("lead.acquired", {"term": 8}, due + timedelta(seconds=1))
    notifications.heard("run.dropped", SUPERSEDED, due)

    assert due > TICK
    assert (before, len(letters.kept)) == (0, 1)


def test_json_is_the_line_as_the_log_has_it() -> None:
    assert json.dumps(content("json", line("run.failed", FAILED)), separators=(",", ":")) == (
        '{"timestamp":"2026-11-22T02:15:31.004Z","level":"error","event":"run.failed","replica":"beat-x2k4q",'
        '"job":"sync","run":"sync@2026-11-22T02:15:00Z","tick":"2026-11-22T02:15:00Z","attempt":3,"cause":"schedule",'
        '"term":7,"late_ms":3,"took_ms":31000,"reason":"http_status","error":"502"}'
    )


@pytest.mark.parametrize(
    ("event", "facts", "expected"),
    [
        (
            "run.failed",
            FAILED,
            "sync failed after 31s: 502\nsync@2026-11-22T02:15:00Z, attempt 3, term 7, on beat-x2k4q",
        ),
        (
            "run.succeeded",
            FACTS | {"attempt": 1, "took_ms": 5, "repeated": True},
            "sync succeeded after 5ms\nsync@2026-11-22T02:15:00Z, term 7, on beat-x2k4q, told again by a new leader",
        ),
        (
            "run.dropped",
            FOLDED,
            f"sync: 720 ticks were not run: too_old\n{HOUR}, term 7, on beat-x2k4q",
        ),
        (
            "run.failed",
            FAILED | {"error": "<!channel> a & b\nmore"},
            f"sync failed after 31s: &lt;!channel&gt; a &amp; b\\nmore\n{RUN}, attempt 3, term 7, on beat-x2k4q",
        ),
    ],
)
def test_slack_is_a_text_that_calls_nobody(event: str, facts: Facts, expected: str) -> None:
    assert content("slack", line(event, facts)) == {"text": expected}


def test_a_template_is_filled_in_with_what_people_read() -> None:
    template = {"summary": "{job} {outcome}: {error} after {took}, {late} late", "tags": ["{level}", "{to}"], "n": 1}

    assert content(template, line("run.failed", FAILED)) == {
        "summary": "sync failed: 502 after 31s, 3ms late",
        "tags": ["error", ""],
        "n": 1,
    }


def test_a_template_may_be_a_list_or_a_single_text() -> None:
    assert content(["{job}"], line("run.failed", FAILED)) == ["sync"]
    assert content("{text}", line("run.dropped", FOLDED)) == (
        f"sync: 720 ticks were not run: too_old ({HOUR}, term 7, on beat-x2k4q)"
    )


def test_there_is_a_placeholder_for_every_field_of_the_lines_that_are_sent() -> None:
    fields = {name for event in (*FAILURES, *MISSES, *SUCCESSES) for name in EVENTS[event].fields}

    assert set(PLACEHOLDERS) == fields | {"timestamp", "level", "event", "replica"} | {
        "text",
        "outcome",
        "took",
        "late",
    }


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_a_failure_as_three_receivers_see_it_one_of_them_dead(receiver: Receiver, tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    post = Post(
        lambda: Carrier(tmp_path, cache(lambda _: Exchanges())),
        lambda event, **facts: told.append((event, facts)),
        boot_now,
    )
    targets = {
        "ops": Target(Secret(receiver.url("/ok/json")), {"X-Key": Secret("s3cret")}),
        "duty": Target(receiver.url("/ok/slack"), {}, "slack"),
        "gone": Target(Secret(receiver.url("/status/410/gone")), {}, {"text": "{text}"}),
    }
    notifications = Notifications(table(Notify(on_failure=("ops", "duty", "gone"))), targets, "beat-x2k4q", post)
    notifications.heard("run.failed", FAILED, AT)
    post.close()
    (as_json,), (as_slack,) = receiver.got("/ok/json"), receiver.got("/ok/slack")

    assert json.loads(as_json["body"])["error"] == "502"
    assert (as_json["headers"]["content-type"], as_json["headers"]["x-key"]) == ("application/json", "s3cret")
    assert json.loads(as_slack["body"])["text"].startswith("sync failed")
    assert told == [("notify.failed", {"target": "gone", "job": "sync", "count": 1, "error": "status 410 gone"})]

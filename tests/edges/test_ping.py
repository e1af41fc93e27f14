"""Which lines of a run are pinged, where to, and that all of them can be matched."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from scheduler.cluster.exchange import Exchanges
from scheduler.core.actions import ShellAction
from scheduler.core.job import Job, JobTable, Policy
from scheduler.core.references import FileReference, Secret, Value
from scheduler.running.supervisor.times import boot_now
from scheduler.telling.signals.delivery import Carrier
from scheduler.telling.signals.mailbag import Letter
from scheduler.telling.signals.ping import Pings, ping_url, run_uuid
from scheduler.telling.signals.post import Post
from tests.fakes.receiver import Receiver, receiving

AT = datetime(2026, 11, 22, 2, 15, 31, 4000, UTC)
RUN = "sync@2026-11-22T02:15:00Z"
FACTS: dict[str, object] = {
    "job": "sync",
    "run": RUN,
    "tick": "2026-11-22T02:15:00Z",
    "attempt": 1,
    "cause": "schedule",
    "term": 7,
    "late_ms": 3,
}
ENDED = FACTS | {"took_ms": 31_000}


@dataclass
class Letters:
    """A post that keeps what is put into it."""

    kept: list[Letter] = field(default_factory=list)

    def put(self, letter: Letter) -> None:
        self.kept.append(letter)

    @property
    def urls(self) -> list[str]:
        return [mail.address(str(mail.url)) for mail in (letter.compose() for letter in self.kept)]


def table(ping: Value | None) -> JobTable:
    jobs = [
        Job("sync", None, "UTC", ShellAction("true"), Policy(ping=ping)),
        Job("other", None, "UTC", ShellAction("true")),
    ]
    return JobTable({job.name: job for job in jobs}, AT)


@pytest.mark.parametrize(
    ("event", "facts", "expected"),
    [
        pytest.param("run.started", FACTS, ["http://hc/id/start"], id="a start"),
        pytest.param(
            "run.started", FACTS | {"level": "debug"}, ["http://hc/id/start"], id="a start of a job that ticks often"
        ),
        pytest.param("run.started", FACTS | {"attempt": 2}, ["http://hc/id/start"], id="another attempt"),
        pytest.param("run.succeeded", ENDED, ["http://hc/id"], id="a success"),
        pytest.param("run.succeeded", FACTS | {"repeated": True}, ["http://hc/id"], id="a success told again"),
        pytest.param("run.failed", ENDED | {"reason": "exit"}, ["http://hc/id/fail"], id="a failure"),
        pytest.param("run.timed_out", ENDED, ["http://hc/id/fail"], id="a timeout"),
        pytest.param(
            "run.interrupted", FACTS | {"reason": "leader_lost"}, ["http://hc/id/fail"], id="cut off for good"
        ),
        pytest.param("run.interrupted", FACTS | {"reason": "replaced"}, [], id="replaced by the next run"),
        pytest.param("run.retrying", FACTS, [], id="a failure that is not the end"),
        pytest.param("run.skipped", FACTS | {"reason": "paused"}, [], id="a tick that is skipped"),
        pytest.param("run.dropped", FACTS | {"reason": "too_old"}, [], id="a tick that is dropped"),
        pytest.param("run.output", FACTS | {"text": "x"}, [], id="output"),
        pytest.param("run.failed", ENDED | {"job": "other"}, [], id="a job without a ping"),
        pytest.param("lead.acquired", {"term": 7}, [], id="no run at all"),
    ],
)
def test_what_is_pinged(event: str, facts: dict[str, object], expected: list[str]) -> None:
    letters = Letters()
    Pings(table("http://hc/id"), "a", letters).heard(event, facts, AT)  # type: ignore[arg-type]

    assert letters.urls == [f"{url}?rid={run_uuid(RUN)}" for url in expected]


def test_all_attempts_and_replicas_have_one_rid_and_other_runs_another() -> None:
    assert uuid.UUID(run_uuid(RUN)).version == 5
    assert run_uuid(RUN) == "ead0007b-4757-50d1-988c-6363f998e00c"
    assert run_uuid(RUN) != run_uuid("sync@2026-11-22T02:15:05Z")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hc-ping.com/id", "https://hc-ping.com/id/fail?rid="),
        ("https://hc-ping.com/id/", "https://hc-ping.com/id/fail?rid="),
        ("https://hc-ping.com/key/slug?create=1", "https://hc-ping.com/key/slug/fail?create=1&rid="),
        ("https://user:word@hc.acme:8000/ping/id#x", "https://user:word@hc.acme:8000/ping/id/fail?rid="),
    ],
)
def test_a_ping_url_keeps_what_it_has(url: str, expected: str) -> None:
    assert ping_url(url, "/fail", RUN) == expected + run_uuid(RUN)


def test_pings_of_one_host_are_known_to_share_it() -> None:
    letters = Letters()
    for url in ("http://hc:1/id", Secret("http://hc:1/other"), FileReference("url"), "http://[broken"):
        Pings(table(url), "a", letters).heard("run.started", FACTS, AT)  # type: ignore[arg-type]

    assert [letter.host for letter in letters.kept] == ["hc:1", "hc:1", "", ""]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_a_run_as_the_receiver_sees_it(receiver: Receiver, tmp_path: Path) -> None:
    post = Post(lambda: Carrier(tmp_path, cache(lambda _: Exchanges())), lambda *_, **__: None, boot_now)
    pings = Pings(table(Secret(receiver.url("/ok/id"))), "beat-x2k4q", post)
    pings.heard("run.started", FACTS, AT)
    pings.heard("run.retrying", FACTS | {"error": "no"}, AT)
    pings.heard("run.started", FACTS | {"attempt": 2}, AT)
    pings.heard("run.failed", ENDED | {"attempt": 2, "reason": "exit", "error": "exit 1: disk full"}, AT)
    post.close()
    start, again, fail = receiver.got("/ok/id", 3)

    assert [got["path"] for got in (start, again, fail)] == ["/ok/id/start", "/ok/id/start", "/ok/id/fail"]
    assert {got["query"] for got in (start, again, fail)} == {f"rid={run_uuid(RUN)}"}
    assert fail["headers"]["content-type"].startswith("text/plain")
    assert fail["body"] == (
        "sync failed after 31s: exit 1: disk full\nsync@2026-11-22T02:15:00Z, attempt 2, term 7, on beat-x2k4q"
    )

"""Events on the Lease: which, in which words, how many, and that nothing depends on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler.cluster.resource import Resource
from scheduler.core.errors import Absent, Refused, StoreError, Unavailable
from scheduler.telling.signals.lease_events import LeaseEvents
from scheduler.telling.signals.lease_story import BURST, KEPT, NEVER, Bucket, Said, Story, said_of
from tests.fakes.hand_clock import HandClock

AT = datetime(2026, 11, 22, 19, 41, 2, 140_000, UTC)
LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases", "ops", "beat")
ID, LEADS, STOPPED = "sync@2026-11-22T20:02:00Z", "a became leader", "a stopped leading"
RUN = {"job": "sync", "run": ID, "attempt": 1, "term": 7}
FAILED = RUN | {"reason": "http_status", "error": "502"}
ACQUIRED = {"term": 7, "fence": "48211", "cause": "expired", "previous": "b", "gap_ms": 15171, "missed": 6}
Facts = dict[str, object]
PATIENCE_S = 10.0


@pytest.mark.parametrize(
    ("event", "facts", "expected"),
    [
        ("lead.acquired", ACQUIRED, f"Normal LeaderElection {LEADS}: term 7, cause expired, previous b, gap 15.2s"),
        ("lead.acquired", {"term": 1, "cause": "new"}, f"Normal LeaderElection {LEADS}: term 1, cause new"),
        ("lead.released", {"term": 7}, f"Normal LeaderElection {STOPPED}: it gave term 7 back"),
        (
            "lead.lost",
            {"term": 7, "reason": "other_holder"},
            f"Warning LeaderLost {STOPPED}: it lost term 7, other_holder",
        ),
        ("lead.suspended", {"term": 7}, "Warning LeaderSuspended a starts nothing: it could not renew term 7 in time"),
        (
            "leader.stalled",
            {"leader": "b", "lag_ms": 61_000},
            "Warning LeaderStalled b renews the Lease but settles no ticks, as a sees it",
        ),
        ("run.failed", FAILED, f"Warning JobFailed {ID} failed: 502"),
        ("run.failed", FAILED | {"attempt": 3}, f"Warning JobFailed {ID} failed in attempt 3: 502"),
        ("run.timed_out", RUN | {"took_ms": 14_400_007}, f"Warning JobTimedOut {ID} timed out after 4h"),
        ("run.interrupted", RUN | {"reason": "stopped"}, f"Warning JobInterrupted {ID} was interrupted: stopped"),
        ("run.dropped", RUN | {"reason": "too_old"}, f"Warning TicksDropped {ID} was not run: too_old"),
        ("run.dropped", RUN | {"to": "21", "reason": "x"}, f"Warning TicksDropped {ID} to 21 was not run: x"),
        (
            "job.paused",
            {"job": "sync", "until": AT, "reason": "vendor"},
            "Normal JobPaused sync is paused until 2026-11-22T19:41:02.140Z: vendor",
        ),
        ("job.paused", {"job": "sync", "until": None, "reason": None}, "Normal JobPaused sync is paused"),
        ("job.resumed", {"job": "sync"}, "Normal JobResumed sync is resumed"),
        ("job.paused", {"job": None, "until": None, "reason": None}, "Normal JobPaused all jobs are paused"),
        ("job.resumed", {"job": None}, "Normal JobResumed all jobs are resumed"),
        ("run.failed", FAILED | {"repeated": True}, None),
        ("run.interrupted", RUN | {"reason": "replaced"}, None),
        ("run.succeeded", RUN, None),
        ("run.retrying", FAILED, None),
        ("lead.observed", {"leader": "b", "term": 7}, None),
        ("lead.refused", {"holder": "x"}, None),
    ],
)
def test_what_an_event_of_the_log_is_told_as(event: str, facts: Facts, expected: str | None) -> None:
    said = said_of(event, facts, "a")

    assert (said and f"{said.kind} {said.reason} {said.message}") == expected


def test_a_message_is_one_line_of_bounded_length() -> None:
    said = said_of("run.failed", FAILED | {"error": "x\n" * 5000}, "a")

    assert said
    assert len(said.message) == 1000
    assert said.message.isprintable()


# ---------------------------------------------------------------------- how many


def failure(job: str = "sync", ticks: int = 1) -> Said:
    return Said("JobFailed", "Warning", job, f"{job} failed", ticks)


def lead(term: int) -> Said:
    return Said("LeaderElection", "Normal", f"a {term}", f"a became leader: term {term}")


def written(story: Story, now: float) -> list[tuple[str, int]]:
    """Everything that may be written now, with its count."""
    found = []
    while entry := story.next(now):
        story.wrote(entry, entry.count + entry.unwritten)
        found.append((entry.said.message, entry.count))
    return found


def test_what_goes_on_is_one_event_with_a_count() -> None:
    story = Story()
    story.note(failure(), AT)
    first = story.next(0)
    story.note(failure(ticks=720), AT + timedelta(minutes=5))

    assert first
    story.wrote(first, 1)
    assert story.next(0) is first
    assert (first.first, first.last, first.unwritten) == (AT, AT + timedelta(minutes=5), 720)


def test_after_ten_quiet_minutes_it_is_another_event() -> None:
    story = Story()
    story.note(failure(), AT)
    assert written(story, 0) == [("sync failed", 1)]
    story.note(failure(), AT + timedelta(minutes=9))
    assert written(story, 0) == [("sync failed", 2)]
    story.note(failure(), AT + timedelta(minutes=20))

    assert written(story, 0) == [("sync failed", 1)]


def test_a_job_that_fails_all_the_time_is_written_once_a_minute_and_counted_in_full() -> None:
    story, writes, last = Story(), 0, 0
    for second in range(0, 3600, 5):
        story.note(failure(), AT + timedelta(seconds=second))
        for _, count in written(story, second):
            writes, last = writes + 1, count

    assert BURST + 59 <= writes <= BURST + 60
    assert last >= 3600 / 5 - 12


def test_a_flood_of_failures_does_not_hide_a_change_of_the_lead() -> None:
    story = Story()
    for number in range(2 * BURST):
        story.note(failure(f"job-{number}"), AT)
    assert len(written(story, 0)) == BURST
    story.note(lead(8), AT)

    assert written(story, 0) == [("a became leader: term 8", 1)]
    assert story.next_at(0) == 60


def test_terms_are_not_counted_together() -> None:
    story = Story()
    story.note(lead(7), AT)
    story.note(lead(8), AT)

    assert [message for message, _ in written(story, 0)] == ["a became leader: term 7", "a became leader: term 8"]


def test_memory_is_bounded_and_what_is_written_makes_room() -> None:
    story = Story()
    for number in range(2 * KEPT):
        story.note(failure(f"job-{number}"), AT)
    before = len(story._entries)
    assert len(written(story, 0)) == BURST
    story.note(failure("late"), AT)

    assert before == len(story._entries) == KEPT
    assert story.next_at(0) == 60


def test_a_bucket_gives_a_burst_and_then_one_a_minute() -> None:
    bucket, taken = Bucket(burst=3, refill_s=60), []
    for second in range(0, 300, 10):
        while bucket.next_at(second) <= second:
            bucket.take(second)
            taken.append(second)

    assert taken == [0, 0, 0, 60, 120, 180, 240]
    assert Story().next_at(0) == NEVER


# ---------------------------------------------------------------------- the API server


class Api:
    """An API server that keeps Events, and refuses what `refuse` says."""

    def __init__(self) -> None:
        self.uid: str | None = "u-1"
        self.refuse: StoreError | None = None
        self.hangs = threading.Event()
        self.hangs.set()
        self.events: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.closed = False
        self._changed = threading.Condition()

    def get(self, resource: Resource, timeout_s: float) -> dict[str, Any] | None:
        assert (str(resource), timeout_s) == ("Lease ops/beat", 5.0)
        self._note("get")
        return {"metadata": {"uid": self.uid}} if self.uid else None

    def create(self, resource: Resource, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert timeout_s
        self._note("create")
        self.events[resource.path] = body
        return body

    def patch(self, resource: Resource, changes: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert timeout_s
        self._note("patch")
        if resource.path not in self.events:
            raise Absent("404: there is no such Event")
        self.events[resource.path] |= changes
        return changes

    def close(self) -> None:
        self.closed = True

    def told(self) -> list[str]:
        return [f"{event['message']} x{event['count']}" for event in self.events.values()]

    def wait_for(self, *requests: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.requests == list(requests), PATIENCE_S), self.requests

    def _note(self, verb: str) -> None:
        with self._changed:
            self.requests.append(verb)
            self._changed.notify_all()
        self.hangs.wait(PATIENCE_S)
        if self.refuse and verb != "get":
            raise self.refuse


class Stage:
    def __init__(self) -> None:
        self.api = Api()
        self.clock = HandClock()
        self.told: list[tuple[str, Facts]] = []
        self.events = LeaseEvents(
            self.api, LEASE, "a", self.clock, lambda event, **facts: self.told.append((event, facts))
        )

    def hear(self, event: str, facts: Facts) -> None:
        self.events.heard(event, facts, AT)

    def ended(self) -> None:
        """Wait until nothing more is written."""
        assert self.events._thread
        self.events._thread.join(PATIENCE_S)

    def rested(self) -> None:
        """Wait until a failure was taken note of."""
        with self.events._changed:
            assert self.events._changed.wait_for(lambda: self.events._not_before, PATIENCE_S)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.api.hangs.set()
    stage.events.close(0)


def test_an_event_belongs_to_the_lease_and_says_who_tells(stage: Stage) -> None:
    stage.hear("lead.acquired", ACQUIRED)
    stage.events.close()
    ((path, event),) = stage.api.events.items()

    assert path.startswith("/api/v1/namespaces/ops/events/beat.")
    assert event == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": path.rpartition("/")[2], "namespace": "ops"},
        "involvedObject": {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "namespace": "ops",
            "name": "beat",
            "uid": "u-1",
        },
        "source": {"component": "leasebeat", "host": "a"},
        "reportingComponent": "leasebeat",
        "reportingInstance": "a",
        "type": "Normal",
        "reason": "LeaderElection",
        "message": "a became leader: term 7, cause expired, previous b, gap 15.2s",
        "count": 1,
        "firstTimestamp": "2026-11-22T19:41:02Z",
        "lastTimestamp": "2026-11-22T19:41:02Z",
    }
    assert stage.api.closed


def test_the_same_again_is_a_patch_and_a_new_term_asks_for_the_lease_again(stage: Stage) -> None:
    stage.hear("run.failed", FAILED)
    stage.api.wait_for("get", "create")
    stage.hear("run.failed", FAILED | {"error": "503"})
    stage.api.wait_for("get", "create", "patch")
    stage.hear("lead.acquired", ACQUIRED)
    stage.api.wait_for("get", "create", "patch", "get", "create")
    stage.events.close()

    assert stage.api.told()[0] == "sync@2026-11-22T20:02:00Z failed: 503 x2"


def test_an_event_that_has_expired_is_made_anew(stage: Stage) -> None:
    stage.hear("run.failed", FAILED)
    stage.api.wait_for("get", "create")
    stage.api.events.clear()
    stage.hear("run.failed", FAILED)
    stage.events.close()

    assert stage.api.told() == ["sync@2026-11-22T20:02:00Z failed: 502 x2"]


def test_without_the_right_nothing_more_is_tried_and_only_debuggers_hear_of_it(stage: Stage) -> None:
    stage.api.refuse = Refused("403: may not create Event ops/beat.1", "grant create on events in namespace ops")
    stage.hear("run.failed", FAILED)
    stage.ended()
    stage.hear("lead.acquired", ACQUIRED)
    stage.events.close()

    assert stage.api.requests == ["get", "create"]
    assert [event for event, _ in stage.told] == ["lease_events.refused"]


def test_a_server_that_is_away_is_asked_again_later(stage: Stage) -> None:
    stage.api.refuse = Unavailable("connection refused")
    stage.hear("run.failed", FAILED)
    stage.api.wait_for("get", "create")
    stage.rested()
    stage.api.refuse = None
    stage.clock.now += 11
    stage.hear("run.failed", FAILED)
    stage.events.close()

    assert stage.api.told() == ["sync@2026-11-22T20:02:00Z failed: 502 x2"]


def test_a_server_that_hangs_holds_up_neither_who_tells_nor_the_end(stage: Stage) -> None:
    stage.api.hangs.clear()
    for number in range(3 * KEPT):
        stage.hear("run.failed", FAILED | {"job": f"job-{number}"})
    stage.events.close(0.01)

    assert stage.api.closed
    assert stage.api.requests in ([], ["get"])


def test_without_a_lease_there_is_nothing_to_look_up(stage: Stage) -> None:
    stage.api.uid = None
    stage.hear("run.failed", FAILED)
    stage.events.close()

    assert stage.api.events == {}

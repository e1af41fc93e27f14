"""The two threads of `leading/`: the loop that contends, and the watch that tells it what it sees.

The clock is the real one and nothing waits for it: a leader that is told that a write is wanted writes at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from scheduler.clock import SystemClock
from scheduler.core.errors import StoreError, Unavailable, WatchForbidden
from scheduler.core.lease import Election
from scheduler.core.ledger import Ledger, decode
from scheduler.core.moves import Acquired, Candidate, Seen, Timings
from scheduler.core.ports import LeaseRecord
from scheduler.core.work import Renewal
from scheduler.leading.campaign import Campaign
from scheduler.leading.loop import SIGHTINGS, CampaignLoop, Inbox
from scheduler.leading.watch import FIRST_BACKOFF_S, POLL_JITTER, Watch
from scheduler.stores.memory import MemoryLease, MemoryStore
from tests.fakes.elections import Sheet
from tests.fakes.work import NotingWork

SOON = 5.0  # seconds until a test gives up hope
TIMINGS = Timings(3, 2, 1)
HELD = LeaseRecord("b", 60, "", "", 0, '{"v":1,"w":"1.b7"}')


class Waited:
    """Counts, and lets a test wait for the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.count = 0

    def __call__(self, *_: object) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def reaches(self, count: int, within_s: float = SOON) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, within_s)


class BrittleStore(MemoryStore):
    """Raises what `errors` holds, one a request, and then works.

    `hang` makes writes wait until it is set; a store that `hangs_up` ends each watch at once and in good order.
    """

    def __init__(self, lease: MemoryLease | None = None) -> None:
        super().__init__(lease)
        self.errors: dict[str, list[Exception]] = {"read": [], "create": [], "replace": [], "watch": []}
        self.hang: threading.Event | None = None
        self.hanging = threading.Event()
        self.hangs_up = False
        self.asked = Waited()
        self.watched = Waited()

    def read(self, timeout_s: float) -> LeaseRecord | None:
        self._ask("read")
        return super().read(timeout_s)

    def create(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        self._ask("create")
        return super().create(record, timeout_s)

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        self._ask("replace")
        if self.hang:
            self.hanging.set()
            self.hang.wait(SOON)
        return super().replace(record, timeout_s)

    def watch(self, seen: Callable[[LeaseRecord | None], None], stop: threading.Event) -> None:
        self.watched()
        self._fail("watch")
        if not self.hangs_up:
            super().watch(seen, stop)

    def _ask(self, what: str) -> None:
        self.asked()
        self._fail(what)

    def _fail(self, what: str) -> None:
        if self.errors[what]:
            raise self.errors[what].pop(0)


class IdleWork(NotingWork):
    """Lets a test wait for what it is told; `wanted` makes a leader write once."""

    def __init__(self) -> None:
        super().__init__()
        self.was_acquired = threading.Event()
        self.was_lost = threading.Event()
        self.was_released = threading.Event()
        self.landings = Waited()
        self.wanted = threading.Event()
        self.defects: list[Exception] = []

    def wanted_at(self, now: float) -> float:
        return now if self.wanted.is_set() else float("inf")

    def draft(self, base: Seen, now: float, wall: datetime) -> Renewal | None:
        self.wanted.clear()
        return super().draft(base, now, wall)

    def landed(self, draft: object, ledger: Ledger, now: float) -> None:
        super().landed(draft, ledger, now)
        self.landings()

    def acquired(self, news: Acquired, wall: datetime) -> None:
        if self.defects:
            raise self.defects.pop(0)
        super().acquired(news, wall)
        self.was_acquired.set()

    def released(self) -> None:
        super().released()
        self.was_released.set()

    def lost(self) -> None:
        super().lost()
        self.was_lost.set()


class Lines:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.told = Waited()

    def __call__(self, event: str, /, **facts: object) -> None:
        self.events.append((event, facts))
        self.told()

    def of(self, event: str) -> list[dict[str, object]]:
        return [facts for name, facts in self.events if name == event]


class Contender:
    """A loop with all that it needs, over a Lease of its own unless one is given."""

    def __init__(self, lease: MemoryLease | None = None) -> None:
        self.lease = lease or MemoryLease()
        self.store, self.work, self.lines, self.inbox = BrittleStore(self.lease), IdleWork(), Lines(), Inbox()
        clock = SystemClock()
        election = Election(Candidate("a", "n1", TIMINGS, creates_at_once=True), lambda: 0.5)
        campaign = Campaign(election, self.work, clock, self.lines, self.store)
        self.loop = CampaignLoop(campaign, self.store, clock, self.inbox)

    def write(self) -> None:
        self.work.wanted.set()
        self.inbox.wake()


@pytest.fixture
def contender() -> Iterator[Contender]:
    one = Contender()
    yield one
    if one.loop._thread.ident:
        one.loop.stop(SOON)


def held_by_another() -> MemoryLease:
    lease = MemoryLease()
    with lease.changed:
        lease.write(HELD, "u1")
    return lease


# ------------------------------------------------------------------ the loop


def test_it_leads_writes_when_asked_to_and_releases(contender: Contender) -> None:
    contender.loop.start()
    assert contender.work.was_acquired.wait(SOON)
    contender.write()
    assert contender.work.landings.reaches(1)

    assert contender.loop.stop(SOON)
    assert contender.lease.record
    assert contender.lease.record.holder == ""
    assert contender.lines.of("lead.released")


LIBRARY = [OSError("a socket's"), Unavailable("the store's")]


@pytest.mark.parametrize("error", LIBRARY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("request_", ["read", "create", "replace"])
def test_no_exception_of_a_request_ends_it(contender: Contender, request_: str, error: Exception) -> None:
    """It is a failed attempt, told of once, and the loop goes on."""
    contender.store.errors[request_] = [error, error]
    contender.loop.start()

    assert contender.work.was_acquired.wait(SOON)
    assert len(contender.lines.of("store.unavailable")) == (1 if request_ == "read" else 2)
    assert str(error.args[0]) in str(contender.lines.of("store.unavailable")[0]["error"])
    assert contender.lines.of("store.recovered")


def test_a_defect_of_our_own_does_not_end_it(contender: Contender) -> None:
    contender.work.defects = [ZeroDivisionError("ours")]
    contender.loop.start()
    contender.work.wanted.set()

    assert contender.work.landings.reaches(1)


def test_a_standby_stops_without_touching_the_lease() -> None:
    one = Contender(held_by_another())
    one.loop.start()
    assert one.store.asked.reaches(1)

    assert one.loop.stop(SOON)
    assert one.store.asked.count == 1
    assert one.lease.record
    assert one.lease.record.holder == "b"


def test_a_standby_stops_although_the_store_does_not_answer() -> None:
    one = Contender(held_by_another())
    one.store.errors["read"] = [Unavailable("away")] * 1000
    one.loop.start()
    assert one.store.asked.reaches(2)

    assert one.loop.stop(SOON)
    assert one.store.errors["read"]


def test_a_stop_that_takes_too_long_is_given_up(contender: Contender) -> None:
    """A write hangs; when it comes back after all, the loop ends and asks for nothing more."""
    contender.loop.start()
    assert contender.work.was_acquired.wait(SOON)
    contender.store.hang = threading.Event()
    contender.write()
    assert contender.store.hanging.wait(SOON)

    assert not contender.loop.stop(0.05)
    asked = contender.store.asked.count
    contender.store.hang.set()
    contender.loop._thread.join(SOON)
    assert not contender.loop._thread.is_alive()
    assert contender.store.asked.count == asked
    assert contender.lease.record
    assert contender.lease.record.holder == "a"


def test_it_releases_and_reports_until_it_is_stopped(contender: Contender) -> None:
    """Rule 34: the loop outlives the release, and what is reported then is over whatever somebody else wrote."""
    contender.loop.start()
    assert contender.work.was_acquired.wait(SOON)
    contender.loop.release()
    assert contender.work.was_released.wait(SOON)
    assert contender.lease.record
    assert contender.lease.record.holder == ""
    with contender.lease.changed:
        contender.lease.write(replace(HELD, holder="c"), contender.lease.record.uid)
    contender.work.reports = Sheet(decode(HELD.ledger or ""))
    landings = contender.work.landings.count
    contender.write()
    assert contender.work.landings.reaches(landings + 1)
    contender.work.wanted.clear()

    assert contender.loop._thread.is_alive()
    assert contender.loop.stop(SOON)
    assert contender.lease.record.holder == "c"


def test_what_the_watch_shows_ends_its_wait(contender: Contender) -> None:
    contender.loop.start()
    assert contender.work.was_acquired.wait(SOON)
    with contender.lease.changed:
        record = contender.lease.write(HELD, "u1")
    contender.inbox.put(record)

    assert contender.work.was_lost.wait(SOON)
    assert contender.lines.of("lead.lost") == [{"term": 1, "reason": "other_holder", "running": 0}]


@pytest.mark.parametrize(
    "how", [pytest.param(lambda i: i.wake(), id="bell"), pytest.param(lambda i: i.put(None), id="record")]
)
def test_the_inbox_wakes_whoever_waits(how: Callable[[Inbox], None]) -> None:
    inbox, woken = Inbox(), threading.Event()

    def wait() -> None:
        inbox.wait(SOON)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    how(inbox)

    assert woken.wait(SOON / 2)
    thread.join()


def test_the_inbox_keeps_the_order_and_gives_each_sighting_once() -> None:
    inbox = Inbox()
    for record in (HELD, None, HELD):
        inbox.put(record)

    assert inbox.take() == [HELD, None, HELD]
    assert inbox.take() == []


def test_a_loop_that_is_held_up_for_long_finds_the_latest_sightings_only() -> None:
    """By a reader of its log that has paused, say, while another leads and writes twice a second."""
    inbox = Inbox()
    for version in range(3 * SIGHTINGS):
        inbox.put(replace(HELD, version=str(version)))

    assert inbox.take() == [replace(HELD, version=str(version)) for version in range(2 * SIGHTINGS, 3 * SIGHTINGS)]


def test_a_bell_that_rang_before_the_wait_is_heard() -> None:
    inbox = Inbox()
    inbox.wake()
    inbox.wait(60)  # would exceed the suite's patience

    assert inbox.take() == []


# ------------------------------------------------------------------ the watch


class InstantEvent(threading.Event):
    """A stop that was not asked for, on which nobody has to wait; notes how long they would have."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._after = after

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        if len(self.waits) >= self._after:
            self.set()
        return self.is_set()


class Watcher:
    def __init__(self, retry_period_s: float = 2.0) -> None:
        self.store, self.inbox, self.lines = BrittleStore(held_by_another()), Inbox(), Lines()
        self.watch = Watch(self.store, self.inbox, self.lines, retry_period_s)

    def run_until_it_waited(self, times: int) -> list[float]:
        stop = self.watch._stop = InstantEvent(times)
        self.watch.start()
        self.watch._thread.join(SOON)
        assert not self.watch._thread.is_alive()
        return stop.waits


def test_it_shows_the_lease_and_each_change() -> None:
    one = Watcher()
    one.watch.start()
    one.inbox.wait(SOON)
    shown = one.inbox.take()
    one.store._lease.delete()
    one.inbox.wait(SOON)

    assert [record.holder if record else None for record in shown] == ["b"]
    assert one.inbox.take() == [None]
    one.watch.stop()
    one.watch._thread.join(SOON)
    assert not one.watch._thread.is_alive()


@pytest.mark.parametrize("error", LIBRARY, ids=lambda error: type(error).__name__)
def test_a_watch_that_fails_is_begun_again_later_and_later(error: Exception) -> None:
    one = Watcher()
    one.store.errors["watch"] = [error] * 8
    waits = one.run_until_it_waited(8)

    longest = [min(2.0, FIRST_BACKOFF_S * 2**failures) for failures in range(8)]
    assert [most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True)] == [True] * 8
    assert one.lines.events == []


def test_what_it_saw_forgets_its_failures() -> None:
    one = Watcher()
    one.watch._failures = 7
    one.watch._seen(HELD)

    assert one.watch._failures == 0


def test_a_watch_that_ended_in_good_order_is_begun_again_at_once() -> None:
    one = Watcher()
    one.store.hangs_up = True
    one.watch.start()

    assert one.store.watched.reaches(50)
    one.watch.stop()
    one.watch._thread.join(SOON)
    assert not one.watch._thread.is_alive()


def test_without_the_permission_to_watch_it_polls_and_says_so_once() -> None:
    one = Watcher()
    one.store.errors["watch"] = [WatchForbidden("may not watch")]
    waits = one.run_until_it_waited(5)

    assert one.lines.events == [
        ("store.degraded", {"store": "memory", "error": "may not watch", "hint": "polling every 2s; grant watch"})
    ]
    assert [2.0 <= wait <= 2.0 * POLL_JITTER for wait in waits] == [True] * 5
    assert [record.holder for record in one.inbox.take() if record] == ["b"] * 5


@pytest.mark.parametrize("error", [*LIBRARY, StoreError("x")], ids=lambda error: type(error).__name__)
def test_a_poll_that_fails_is_not_the_last(error: Exception) -> None:
    one = Watcher()
    one.store.errors |= {"watch": [WatchForbidden("may not watch")], "read": [error, error]}
    one.run_until_it_waited(4)

    assert len(one.inbox.take()) == 2

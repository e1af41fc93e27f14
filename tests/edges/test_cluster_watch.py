"""A watch: how it ends, what ends it, and that it reads lines wherever the network cuts them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import Configuration

from scheduler.cluster.access import Access
from scheduler.cluster.api import ApiServer
from scheduler.cluster.resource import Resource
from scheduler.cluster.watch import Event, lines
from scheduler.core.errors import StoreError, Unavailable, WatchForbidden
from tests.fakes.lease_api import Fault, LeaseApi, hang, lose_reply, nonsense, refuse, reset

LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases", "ops", "beat")
BODY = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "beat"}, "spec": {}}
SOON_S = 10.0
SILENCE_S = 0.5


@pytest.fixture
def server(lease_api: LeaseApi) -> Iterator[ApiServer]:
    server = ApiServer(Access("test", "ops", lambda: Configuration(host=lease_api.url)))
    yield server
    server.close()


def first(events: Iterator[Event]) -> Event:
    """The first event, which is a bookmark here: the state there is, is none."""
    return next(events)


def test_a_watch_asks_for_the_one_lease_and_for_bookmarks(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.meet("watch", refuse(410))
    with closing(server.watch(LEASE, "7", SOON_S, threading.Event())) as events:
        list(events)

    assert lease_api.requests[0].path == LEASE.collection
    assert lease_api.requests[0].query == {
        "watch": "1",
        "fieldSelector": "metadata.name=beat",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "300",
        "resourceVersion": "7",
    }


def test_a_watch_that_is_silent_for_too_long_ends_in_good_order(lease_api: LeaseApi, server: ApiServer) -> None:
    with closing(server.watch(LEASE, None, SILENCE_S, threading.Event())) as events:
        kinds = [event.kind for event in events]

    assert kinds == ["BOOKMARK"]
    assert lease_api.count("watch") == 1


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(LeaseApi.end_watches, id="when the server ends it"),
        pytest.param(LeaseApi.expire_watches, id="when its version is too old"),
    ],
)
def test_a_watch_ends_in_good_order(lease_api: LeaseApi, server: ApiServer, end: Callable[[LeaseApi], None]) -> None:
    with closing(server.watch(LEASE, None, SOON_S, threading.Event())) as events:
        first(events)
        end(lease_api)

        assert list(events) == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Fault(), id="as an event, which the server prefers"),
        pytest.param(refuse(410), id="as the reply's status"),
    ],
)
def test_a_watch_from_a_version_too_old_ends_in_good_order(
    lease_api: LeaseApi, server: ApiServer, answer: Fault
) -> None:
    lease_api.leases.compact()
    lease_api.meet("watch", answer)
    with closing(server.watch(LEASE, "1", SOON_S, threading.Event())) as events:
        assert list(events) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: refuse(401), "401: not logged in", id="401"),
        pytest.param(lambda: refuse(500), "500: the fault 500 was ordered", id="500"),
        pytest.param(lambda: refuse(429, retry_after=9), "429: too many requests", id="429"),
        pytest.param(reset, "connection reset", id="reset"),
        pytest.param(hang, "timeout after 0.5s", id="hang"),
    ],
)
def test_a_watch_that_does_not_begin_is_unavailable(
    lease_api: LeaseApi, server: ApiServer, make: Callable[[], Fault], message: str
) -> None:
    lease_api.meet("watch", make())
    with pytest.raises(Unavailable) as error:
        list(server.watch(LEASE, None, SILENCE_S, threading.Event()))

    assert str(error.value) == message


def test_a_watch_that_is_not_granted_is_forbidden(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.forbid("watch")
    with pytest.raises(WatchForbidden) as error:
        list(server.watch(LEASE, None, SOON_S, threading.Event()))

    assert str(error.value) == "403: may not watch Lease ops/beat"
    assert error.value.hint == (
        "grant watch on leases.coordination.k8s.io in namespace ops to system:serviceaccount:ops:beat"
    )


def test_a_watch_whose_connection_is_cut_is_unavailable(lease_api: LeaseApi, server: ApiServer) -> None:
    with closing(server.watch(LEASE, None, SOON_S, threading.Event())) as events:
        first(events)
        lease_api.cut_watches()
        with pytest.raises(Unavailable, match=r"^the reply was cut off$"):
            list(events)


@pytest.mark.parametrize("event", [{"kind": "no event"}, {"type": "ADDED", "object": 7}, ["ADDED"], "text"])
def test_a_line_that_is_no_event_is_unavailable(lease_api: LeaseApi, server: ApiServer, event: object) -> None:
    with closing(server.watch(LEASE, None, SOON_S, threading.Event())) as events:
        first(events)
        lease_api.tell_watches(event)
        with pytest.raises(Unavailable, match=r"^the watch brought a line that is not an event$"):
            list(events)


def test_an_error_event_is_the_error_it_stands_for(lease_api: LeaseApi, server: ApiServer) -> None:
    with closing(server.watch(LEASE, None, SOON_S, threading.Event())) as events:
        first(events)
        lease_api.tell_watches({"type": "ERROR", "object": {"code": 500, "message": "etcd is unwell"}})
        with pytest.raises(Unavailable, match=r"^500: etcd is unwell$"):
            list(events)


def test_bookmarks_are_handed_on(lease_api: LeaseApi, server: ApiServer) -> None:
    with closing(server.watch(LEASE, None, SOON_S, threading.Event())) as events:
        first(events)
        lease_api.leases.send_bookmarks()

        assert next(events).kind == "BOOKMARK"


def test_leaving_a_watch_ends_its_thread(lease_api: LeaseApi, server: ApiServer) -> None:
    before = set(threading.enumerate())
    with closing(server.watch(LEASE, None, SOON_S, threading.Event())) as events:
        first(events)
        readers = [thread for thread in set(threading.enumerate()) - before if thread.name == "api-watch"]
    for reader in readers:
        reader.join(SOON_S / 2)

    assert len(readers) == 1
    assert not readers[0].is_alive()
    assert lease_api.count("watch") == 1


def test_a_watch_can_be_stopped_while_the_server_hangs(lease_api: LeaseApi, server: ApiServer) -> None:
    fault = lease_api.meet("watch", hang())
    stop = threading.Event()

    def stop_when_it_hangs() -> None:
        fault.reached.wait(SOON_S)
        stop.set()

    threading.Thread(target=stop_when_it_hangs).start()

    assert list(server.watch(LEASE, None, SOON_S, stop)) == []


def test_requests_go_on_while_a_watch_is_under_way(lease_api: LeaseApi, server: ApiServer) -> None:
    with closing(server.watch(LEASE, None, SOON_S, threading.Event())) as events:
        first(events)
        server.create(LEASE, BODY, SOON_S)
        lease_api.meet("get", lose_reply())
        with pytest.raises(StoreError):
            server.get(LEASE, SOON_S)

        assert next(events).kind == "ADDED"


def test_a_reply_that_is_no_stream_of_lines_brings_nothing(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.meet("watch", nonsense())

    assert list(server.watch(LEASE, None, SOON_S, threading.Event())) == []


@given(
    whole=st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line)),
    cuts=st.lists(st.integers(min_value=0, max_value=200)),
)
def test_lines_are_the_same_wherever_they_are_cut(whole: list[bytes], cuts: list[int]) -> None:
    text = b"".join(line + b"\n" for line in whole)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = (text[start:end] for start, end in pairwise(places))

    assert list(lines(pieces)) == whole


def test_a_line_without_its_end_is_not_read() -> None:
    assert list(lines(iter([b"one\ntw", b"o\nthr", b"ee"]))) == [b"one", b"two"]

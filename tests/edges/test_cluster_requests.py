"""One request to the API server: what each answer and each failure becomes, and that it is over by its deadline."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import Configuration

from scheduler.cluster.access import Access
from scheduler.cluster.answers import date_of
from scheduler.cluster.api import ApiServer, _Call
from scheduler.cluster.exchange import MAX_UNDER_WAY, Exchanges
from scheduler.cluster.resource import Resource
from scheduler.core.errors import Absent, Conflict, Refused, StoreError, Unavailable
from tests.fakes.lease_api import (
    Fault,
    LeaseApi,
    dated,
    drip,
    hang,
    hold_commit,
    hold_reply,
    lose_reply,
    nonsense,
    refuse,
    reset,
    trickle,
)

LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases", "ops", "beat")
BODY = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "beat"}, "spec": {}}
CREDENTIAL = "right"
TIMEOUT_S = 5.0
SHORT_S = 0.1


def server_at(url: str, token: str | None = None) -> ApiServer:
    def load() -> Configuration:
        api_key = {"authorization": f"Bearer {token}"} if token is not None else {}
        return Configuration(host=url, api_key=api_key)

    return ApiServer(Access("test", "ops", load))


@pytest.fixture
def server(lease_api: LeaseApi) -> Iterator[ApiServer]:
    server = server_at(lease_api.url)
    yield server
    server.close()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(400, Refused("400: the fault 400 was ordered"), id="400"),
        pytest.param(401, Unavailable("401: not logged in"), id="401"),
        pytest.param(403, Refused("403: the fault 403 was ordered"), id="403 of something else than RBAC"),
        pytest.param(404, Refused("404: the fault 404 was ordered"), id="404 of something else than the Lease"),
        pytest.param(409, Conflict("409: the fault 409 was ordered"), id="409"),
        pytest.param(410, Unavailable("410: the fault 410 was ordered"), id="410"),
        pytest.param(422, Refused("422: the fault 422 was ordered"), id="422"),
        pytest.param(429, Unavailable("429: too many requests"), id="429"),
        pytest.param(500, Unavailable("500: the fault 500 was ordered"), id="500"),
        pytest.param(503, Unavailable("503: the fault 503 was ordered"), id="503"),
    ],
)
@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_a_refusal_becomes_an_error_after_one_request(
    lease_api: LeaseApi, server: ApiServer, verb: str, status: int, expected: StoreError
) -> None:
    lease_api.meet(verb, refuse(status), times=None)
    with pytest.raises(StoreError) as error:
        ask(server, verb)

    assert (type(error.value), str(error.value)) == (type(expected), str(expected))
    assert lease_api.count(verb) == 1


def ask(server: ApiServer, verb: str, timeout_s: float = TIMEOUT_S) -> object:
    if verb == "get":
        return server.get(LEASE, timeout_s)
    return (server.create if verb == "create" else server.update)(LEASE, BODY, timeout_s)


def test_a_redirect_is_not_followed(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.meet("get", Fault(status=302, headers={"Location": LEASE.path}))
    with pytest.raises(Unavailable, match="302"):
        server.get(LEASE, TIMEOUT_S)

    assert lease_api.count("get") == 1


def test_a_throttled_request_says_how_long_to_wait_and_does_not_wait_itself(
    lease_api: LeaseApi, server: ApiServer
) -> None:
    lease_api.meet("get", refuse(429, retry_after=3600))
    with pytest.raises(Unavailable) as error:
        server.get(LEASE, TIMEOUT_S)

    assert error.value.hint == "the server asks to wait 3600s"
    assert lease_api.count("get") == 1


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_what_the_role_does_not_grant_is_named_with_the_way_out(
    lease_api: LeaseApi, server: ApiServer, verb: str
) -> None:
    lease_api.forbid(verb)
    with pytest.raises(Unavailable) as error:
        ask(server, verb)

    assert str(error.value) == f"403: may not {verb} Lease ops/beat"
    assert error.value.hint == (
        f"grant {verb} on leases.coordination.k8s.io in namespace ops to system:serviceaccount:ops:beat"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(reset, "connection reset", id="reset"),
        pytest.param(lose_reply, "connection closed without a reply", id="lost reply"),
        pytest.param(nonsense, "200: the reply is not a JSON object, so not the API server's", id="captive portal"),
    ],
)
def test_a_broken_exchange_becomes_unavailable_after_one_request(
    lease_api: LeaseApi, server: ApiServer, make: Callable[[], Fault], message: str
) -> None:
    server.create(LEASE, BODY, TIMEOUT_S)
    lease_api.meet("get", make(), times=None)
    with pytest.raises(Unavailable) as error:
        server.get(LEASE, TIMEOUT_S)

    assert str(error.value) == message
    assert lease_api.count("get") == 1


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(hang, id="nothing comes back"),
        pytest.param(drip, id="the headers drip"),
        pytest.param(trickle, id="the body drips"),
        pytest.param(lambda: hold_commit(threading.Event()), id="held on the way in"),
        pytest.param(lambda: hold_reply(threading.Event()), id="held on the way out"),
    ],
)
def test_the_deadline_holds_whatever_the_server_does(
    lease_api: LeaseApi, server: ApiServer, make: Callable[[], Fault]
) -> None:
    fault = lease_api.meet("create", make())
    with pytest.raises(Unavailable) as error:
        server.create(LEASE, BODY, SHORT_S)
    for held in (fault.before, fault.after):
        if held is not None:
            held.set()
    lease_api.heal()

    assert str(error.value) == "timeout after 0.1s"
    assert lease_api.count("create") == 1


def test_after_a_timeout_the_next_request_goes_its_own_way(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.meet("get", hang())
    with pytest.raises(Unavailable):
        server.get(LEASE, SHORT_S)

    assert server.get(LEASE, TIMEOUT_S) is None


def test_a_lost_reply_does_not_undo_the_write(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.meet("create", lose_reply())
    with pytest.raises(Unavailable):
        server.create(LEASE, BODY, TIMEOUT_S)

    assert server.get(LEASE, TIMEOUT_S) is not None


def test_a_reset_request_was_not_done(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.meet("create", reset())
    with pytest.raises(Unavailable):
        server.create(LEASE, BODY, TIMEOUT_S)

    assert server.get(LEASE, TIMEOUT_S) is None


def test_a_missing_namespace_is_no_missing_lease(lease_api: LeaseApi, server: ApiServer) -> None:
    lease_api.meet("update", refuse(404))
    with pytest.raises(StoreError) as error:
        server.update(LEASE, BODY, TIMEOUT_S)

    assert not isinstance(error.value, Absent)


SEVEN = datetime(2026, 11, 22, 13, 0, 7, tzinfo=UTC)
DATE_OF_SEVEN = "Sun, 22 Nov 2026 13:00:07 GMT"


@pytest.mark.parametrize("verb", ["get", "create", "update"])
@pytest.mark.parametrize("status", [None, 401, 403, 404, 409, 429, 500])
def test_the_servers_clock_is_told_by_answers_of_any_kind(
    lease_api: LeaseApi, server: ApiServer, verb: str, status: int | None
) -> None:
    lease_api.meet(verb, replace(dated(DATE_OF_SEVEN), status=status))
    with suppress(StoreError):
        ask(server, verb)

    assert server.server_time == SEVEN


@pytest.mark.parametrize("fault", [None, refuse(500)], ids=["begun", "refused"])
def test_the_servers_clock_is_told_by_a_watch_too(lease_api: LeaseApi, server: ApiServer, fault: Fault | None) -> None:
    lease_api.meet("watch", replace(fault or Fault(), headers={"Date": DATE_OF_SEVEN}))
    with suppress(StoreError), closing(server.watch(LEASE, None, TIMEOUT_S, threading.Event())) as events:
        next(events)

    assert server.server_time == SEVEN


def test_the_servers_clock_is_the_last_one_told_also_when_it_went_back(lease_api: LeaseApi, server: ApiServer) -> None:
    """A clock that was mended must be believed: a greatest one would last until the world has caught up with it."""
    for date in ("Sun, 22 Nov 2026 13:00:07 GMT", "Sun, 22 Nov 2026 12:59:59 GMT"):
        lease_api.meet("get", dated(date))
        server.get(LEASE, TIMEOUT_S)

    assert server.server_time == datetime(2026, 11, 22, 12, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(dated(""), id="no Date"),
        pytest.param(dated("yesterday"), id="no date in words"),
        pytest.param(dated("Sun, 22 Nov 2026 25:00:00 GMT"), id="no such hour"),
        pytest.param(dated("2026-11-22T13:00:00Z"), id="another form of date"),
        pytest.param(reset(), id="no answer"),
        pytest.param(lose_reply(), id="an answer that was lost"),
    ],
)
def test_an_answer_without_a_date_leaves_the_servers_clock_as_it_was(
    lease_api: LeaseApi, server: ApiServer, fault: Fault
) -> None:
    lease_api.meet("get", dated(DATE_OF_SEVEN))
    lease_api.meet("get", fault)
    server.get(LEASE, TIMEOUT_S)
    with suppress(StoreError):
        server.get(LEASE, TIMEOUT_S)

    assert lease_api.count("get") == 2
    assert server.server_time == SEVEN


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(DATE_OF_SEVEN, SEVEN, id="as HTTP writes it"),
        pytest.param("Sunday, 22-Nov-26 13:00:07 GMT", SEVEN, id="as it once did"),
        pytest.param("Sun Nov 22 13:00:07 2026", SEVEN, id="without a zone"),
        pytest.param("Sun, 22 Nov 2026 15:00:07 +0200", SEVEN, id="of another zone"),
        pytest.param("Sun, 22 Nov 99999 13:00:07 GMT", None, id="of no year"),
    ],
)
def test_a_date_is_read_as_utc(header: str, expected: datetime | None) -> None:
    assert date_of({"Date": header}) == expected


PARTS = st.sampled_from(["Sun", ",", "22", "Nov", "2026", "13:00", ":", "GMT", "-", "+0200", "-0000", "9999999"])


@given(st.text() | st.lists(PARTS).map(" ".join))
def test_no_text_is_too_strange_for_a_date(header: str) -> None:
    date = date_of({"Date": header})

    assert date is None or date.tzinfo is UTC


def test_an_answer_after_its_deadline_does_not_turn_the_servers_clock_back(
    lease_api: LeaseApi, server: ApiServer
) -> None:
    held = replace(hold_commit(threading.Event()), headers={"Date": "Sun, 22 Nov 2026 12:00:00 GMT"})
    lease_api.meet("create", held)
    lease_api.meet("get", dated(DATE_OF_SEVEN))
    given_up = threading.Event()
    late = threading.Thread(target=server._exchange, args=(_Call("create", LEASE, body=BODY), TIMEOUT_S, given_up))
    late.start()
    held.reached.wait(TIMEOUT_S)
    server.get(LEASE, TIMEOUT_S)
    given_up.set()
    assert held.before is not None

    held.before.set()
    late.join()

    assert server.server_time == SEVEN


def test_one_connection_serves_many_requests(lease_api: LeaseApi, server: ApiServer) -> None:
    for _ in range(MAX_UNDER_WAY + 1):
        server.get(LEASE, TIMEOUT_S)

    assert len(lease_api.connections) == 1


def test_as_many_connections_as_are_needed_at_a_time_come_back_without_a_word(
    lease_api: LeaseApi, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The client would keep five for each processor, and urllib3 warns of each that finds no room."""
    go = threading.Event()
    at_a_time = range(MAX_UNDER_WAY)
    lease_api.meet("get", hold_reply(go), times=None)
    asking = [threading.Thread(target=server.get, args=(LEASE, TIMEOUT_S)) for _ in at_a_time]
    for each in asking:
        each.start()
    while lease_api.count("get") < len(at_a_time):
        threading.Event().wait(0.001)
    go.set()
    for each in asking:
        each.join()

    assert "pool is full" not in caplog.text


def test_a_port_where_nobody_listens_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match=r"^connection refused$") as error:
        server_at(f"http://127.0.0.1:{port}").get(LEASE, TIMEOUT_S)

    assert error.value.hint == "tried test"


def test_a_server_that_does_not_speak_tls_is_said_so(lease_api: LeaseApi) -> None:
    with pytest.raises(Unavailable, match=r"^TLS failed: wrong version number$"):
        server_at(lease_api.url.replace("http:", "https:")).get(LEASE, TIMEOUT_S)


def test_the_token_goes_with_every_request(lease_api: LeaseApi) -> None:
    lease_api.token = CREDENTIAL
    server = server_at(lease_api.url, CREDENTIAL)

    assert server.get(LEASE, TIMEOUT_S) is None
    assert lease_api.requests[0].headers["authorization"] == f"Bearer {CREDENTIAL}"
    assert lease_api.requests[0].headers["user-agent"].startswith("leasebeat/")


def test_after_a_401_the_credentials_are_loaded_again(lease_api: LeaseApi) -> None:
    credentials = iter(["old", CREDENTIAL])

    def load() -> Configuration:
        return Configuration(host=lease_api.url, api_key={"authorization": f"Bearer {next(credentials)}"})

    server = ApiServer(Access("test", "ops", load))
    lease_api.token = CREDENTIAL
    with pytest.raises(Unavailable, match="401: not logged in"):
        server.get(LEASE, TIMEOUT_S)

    assert server.get(LEASE, TIMEOUT_S) is None


@pytest.mark.parametrize("token", ["sec\nret", "secrét", "sec\x00ret"])
def test_no_message_quotes_a_token(lease_api: LeaseApi, token: str) -> None:
    with pytest.raises(Unavailable) as error:
        server_at(lease_api.url, token).get(LEASE, TIMEOUT_S)

    assert str(error.value) == "the token has characters that no header can carry"


def test_a_token_may_end_in_a_newline(lease_api: LeaseApi) -> None:
    lease_api.token = CREDENTIAL

    assert server_at(lease_api.url, f"{CREDENTIAL}\n").get(LEASE, TIMEOUT_S) is None


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(
            FileNotFoundError(2, "No such file or directory", "/var/run/token"),
            "/var/run/token: no such file or directory",
            id="a file is missing",
        ),
        pytest.param(OSError(101, "Network is unreachable"), "network is unreachable", id="no network"),
        pytest.param(KeyError("token: s3cret"), "no connection (KeyError)", id="a plugin breaks"),
    ],
)
def test_credentials_that_cannot_be_had_fail_the_request_alone(error: Exception, message: str) -> None:
    def load() -> Configuration:
        raise error

    with pytest.raises(Unavailable) as raised:
        ApiServer(Access("test", "ops", load)).get(LEASE, TIMEOUT_S)

    assert str(raised.value) == message


def test_a_request_that_nobody_waits_for_any_more_is_not_sent(lease_api: LeaseApi) -> None:
    """A credential plugin that hangs must not let out a heap of old writes when it comes back."""
    plugin = threading.Event()

    def load() -> Configuration:
        plugin.wait(TIMEOUT_S)
        return Configuration(host=lease_api.url)

    server = ApiServer(Access("test", "ops", load))
    with pytest.raises(Unavailable, match=r"^timeout after 0\.05s$"):
        server.create(LEASE, BODY, 0.05)
    plugin.set()

    assert server.get(LEASE, TIMEOUT_S) is None
    assert lease_api.count("create") == 0


@pytest.mark.timeout(TIMEOUT_S * 0.8)  # less than the plugin hangs
def test_closing_does_not_wait_for_a_plugin_that_hangs() -> None:
    plugin = threading.Event()

    def load() -> Configuration:
        plugin.wait(TIMEOUT_S)
        raise ConnectionRefusedError

    server = ApiServer(Access("test", "ops", load))
    with pytest.raises(Unavailable):
        server.get(LEASE, 0.01)
    server.close()
    plugin.set()

    with pytest.raises(Unavailable):
        server.get(LEASE, TIMEOUT_S)


def test_more_requests_at_once_than_there_is_room_for_wait_their_turn() -> None:
    """As many Kubernetes Jobs as are due at one instant are asked for at once, and none of them hangs."""
    exchanges, pause = Exchanges(turn_s=TIMEOUT_S), threading.Event()
    with ThreadPoolExecutor(3 * MAX_UNDER_WAY) as threads:
        asked = [
            threads.submit(exchanges.within, TIMEOUT_S, lambda _: pause.wait(0.01)) for _ in range(3 * MAX_UNDER_WAY)
        ]

    assert [one.exception() for one in asked] == [None] * len(asked)


def test_requests_that_hang_do_not_pile_up_without_end() -> None:
    plugin = threading.Event()

    def load() -> Configuration:
        plugin.wait(TIMEOUT_S)
        raise ConnectionRefusedError

    server = ApiServer(Access("test", "ops", load))
    messages = []
    for _ in range(MAX_UNDER_WAY + 1):
        with pytest.raises(Unavailable) as error:
            server.get(LEASE, 0.01)
        messages.append(str(error.value))
    plugin.set()

    assert messages == ["timeout after 0.01s"] * MAX_UNDER_WAY + [f"{MAX_UNDER_WAY} earlier requests still hang"]


def test_a_closed_way_sends_nothing(lease_api: LeaseApi, server: ApiServer) -> None:
    server.close()
    with pytest.raises(Unavailable):
        server.get(LEASE, TIMEOUT_S)

    assert lease_api.requests == []

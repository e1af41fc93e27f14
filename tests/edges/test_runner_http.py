"""`http` actions, run by real supervisors against a receiver in another process that misbehaves in every way."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import SSLError

from scheduler.core.actions import HttpAction
from scheduler.core.job import Job, Overlap, Policy
from scheduler.core.ledger import OpenRun
from scheduler.core.moves import Term
from scheduler.core.references import FileReference, Secret
from scheduler.core.views.trace import traceparent
from scheduler.running.held import HeldRun
from scheduler.running.runners.http_exchange import reason_of
from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.requesting import Client, Receiver, running
from tests.edges.supervision import PATIENCE_S, Ear, order, perform, python

RUN = "hello@2026-11-22T02:15:00Z"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="module")
def runner(ear: Ear) -> Iterator[SupervisorRunner]:
    with running(ear) as runner:
        yield runner


@pytest.fixture
def client(runner: SupervisorRunner, ear: Ear, receiver: Receiver) -> Client:
    return Client(runner, ear, receiver.url)


@pytest.mark.parametrize(
    ("path", "expect"),
    [
        ("/200", ((200, 299),)),
        ("/204", ((200, 299),)),
        ("/299", ((200, 299),)),
        ("/404", ((404, 404),)),
        ("/410", ((200, 204), (404, 410))),
        ("/302", ((300, 399),)),
    ],
)
def test_an_expected_status_is_success(client: Client, path: str, expect: tuple[tuple[int, int], ...]) -> None:
    assert client.end(path, expect=expect).outcome == "succeeded"


@pytest.mark.parametrize(
    ("path", "action", "failure"),
    [
        pytest.param("/500", {}, "failed http_status 500: fine", id="another status"),
        pytest.param("/200", {"expect": ((201, 204),)}, "failed http_status 200: fine", id="not the expected one"),
        pytest.param("/403", {"method": "HEAD"}, "failed http_status 403", id="an answer without a body"),
        pytest.param(
            "/to/302/200",
            {},
            "failed http_status 302: redirects to http://HOST/200 (redirects: true follows) over there",
            id="a redirect",
        ),
        pytest.param("/reset", {}, "failed connect waiting for an answer from HOST: Connection reset by peer"),
        pytest.param(
            "/close",
            {},
            "failed connect waiting for an answer from HOST: Remote end closed connection without response",
        ),
        pytest.param("/babble", {}, "failed connect waiting for an answer from HOST: not HTTP: 220 mail.example ESMTP"),
        pytest.param(
            "/cut",
            {},
            "failed connect reading the answer of HOST, 200 and 5 bytes of it so far: "
            "IncompleteRead(5 bytes read, 94 more expected)",
        ),
        pytest.param(
            "", {"url": "http://127.0.0.1:9/"}, "failed connect connecting to 127.0.0.1:9: Connection refused"
        ),
        pytest.param("", {"url": "ftp://crm/"}, "failed rejected url: expected http://HOST or https://HOST"),
        pytest.param("", {"url": "http://"}, "failed rejected url: expected http://HOST or https://HOST"),
        pytest.param(
            "/200",
            {"headers": {"X": Secret("two\nlines")}},
            "failed rejected headers.X: holds a line break, which no header can",
        ),
        pytest.param(
            "/200",
            {"headers": {"X": FileReference("no/such")}},
            "failed rejected headers.X: no/such: No such file or directory",
        ),
    ],
)
def test_all_else_is_failure_and_says_why(client: Client, path: str, action: dict[str, Any], failure: str) -> None:
    assert client.failure(path, **action) == failure


def test_a_name_that_nobody_knows_is_a_failure_to_connect(client: Client) -> None:
    ended = client.end("", url="http://nobody.invalid/")

    assert ended.reason == "connect"
    assert (ended.error or "").startswith("connecting to nobody.invalid:80: ")


def test_the_receiver_is_told_which_run_it_is(client: Client, receiver: Receiver) -> None:
    client.end("/200?told", headers={"idempotency-key": "my own", "X-Shop": "ä"})
    headers = receiver.request("/200?told")["headers"]

    assert receiver.request("/200?told")["line"] == "POST /200?told HTTP/1.1"
    assert {name: value for name, value in headers.items() if name.startswith(("leasebeat", "idem", "trace"))} == {
        "idempotency-key": RUN,
        "leasebeat-job": "hello",
        "leasebeat-run": RUN,
        "leasebeat-tick": "2026-11-22T02:15:00Z",
        "leasebeat-attempt": "2",
        "leasebeat-term": "7",
        "leasebeat-fence": "48211",
        "traceparent": traceparent(RUN, "48211", 2),
    }
    assert headers["user-agent"].startswith("leasebeat/")
    assert headers["x-shop"] == "ä"
    assert headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("body", "kind", "sent"),
    [
        ("Grüße", "text/plain; charset=utf-8", "Grüße"),
        (Secret("k=v"), "text/plain; charset=utf-8", "k=v"),
        ({"a": [1, None, "ü"]}, "application/json", '{"a": [1, null, "ü"]}'),
        ({"a": [Secret("b")]}, "application/json", '{"a": ["b"]}'),
        ([], "application/json", "[]"),
        (False, "application/json", "false"),
        (None, None, ""),
    ],
)
def test_a_body_is_text_or_json(client: Client, receiver: Receiver, body: object, kind: str | None, sent: str) -> None:
    path = f"/200?body={len(receiver.said)}"
    client.end(path, body=body, method="PUT")
    request = receiver.request(path)

    assert (request["body"], request["headers"].get("content-type")) == (sent, kind)


def test_the_password_of_a_url_is_sent_as_a_header(client: Client, receiver: Receiver) -> None:
    client.end("", url=receiver.url.replace("//", "//ann:p%40ss@") + "/200?auth")

    assert receiver.request("/200?auth")["headers"]["authorization"] == "Basic YW5uOnBAc3M="


def test_a_redirect_is_followed_if_the_job_says_so(client: Client, receiver: Receiver) -> None:
    assert client.end("/to/303/200?after", redirects=True, body="b").outcome == "succeeded"
    assert receiver.request("/200?after")["line"].startswith("GET ")
    assert client.end("/to/307/200?again", redirects=True, body="b", headers={"X": "y"}).outcome == "succeeded"
    again = receiver.request("/200?again")
    assert (again["line"].split()[0], again["body"], again["headers"]["x"]) == ("POST", "b", "y")


def test_another_place_is_not_told_the_jobs_headers(client: Client, receiver: Receiver) -> None:
    away = f"/to/307/{receiver.url.replace('127.0.0.1', 'localhost')}/200?away"
    client.end(away, redirects=True, headers={"X-Token": Secret("t")})

    headers = receiver.request("/200?away")["headers"]
    assert "x-token" not in headers
    assert headers["idempotency-key"] == RUN


@pytest.mark.parametrize("redirects", [False, True])
def test_a_redirect_to_nowhere_is_an_answer_like_any_other(client: Client, redirects: bool) -> None:
    failure = client.failure("/to/302/http://no-such-port:99999", redirects=redirects)

    assert failure == "failed http_status 302: redirects to what is no URL"


def test_redirects_come_to_an_end(client: Client) -> None:
    assert client.failure("/to/307/to/307/to/307/to/307/to/307/to/307/200", redirects=True) == (
        "failed http_status 307: redirects to http://HOST/200 (after 5 redirects) over there"
    )


@pytest.mark.parametrize(
    ("path", "waits_for"),
    [
        ("/hang", "waiting for an answer from HOST"),
        ("/drip-head", "waiting for an answer from HOST"),
        ("/drip-body", "reading the answer of HOST, 200 and "),
    ],
)
def test_the_timeout_bounds_whatever_is_waited_for(client: Client, path: str, waits_for: str) -> None:
    client.end("/200")  # in the worker that is used next, so that the time does not pass with imports
    failure = client.failure(path, timeout_s=0.3)

    assert failure.startswith(f"timed_out None ended while {waits_for}")


def test_a_timeout_ends_at_once(client: Client) -> None:
    assert client.end("/hang?long", timeout_s=0.2).took_ms < 3000  # far less than the grace


def test_a_failure_does_not_wait_for_all_its_words(client: Client) -> None:
    assert client.failure("/mute-error") == "failed http_status 503: not yet, because"


def test_a_kept_connection_is_used_again(client: Client, receiver: Receiver) -> None:
    for _ in range(3):
        assert client.end("/200?kept").outcome == "succeeded"

    assert len({request["wire"] for request in receiver.requests("/200?kept")}) == 1


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/leave", id="it is closed already"),
        pytest.param("/promise", id="it may be closed before a request arrives"),
        pytest.param("/huge", id="most of the last answer is still on its way"),
    ],
)
def test_a_connection_that_may_not_last_is_not_used_again(client: Client, receiver: Receiver, path: str) -> None:
    for _ in range(2):
        assert client.end(path).outcome == "succeeded"
    receiver.wait_for(lambda _: len(receiver.requests(path)) > 1)
    first, second, *more = receiver.requests(path)

    assert first["wire"] != second["wire"]
    assert not more


def test_a_request_without_an_answer_is_not_sent_again(client: Client, receiver: Receiver) -> None:
    client.end("/200")
    client.end("/close?once", method="GET")
    client.end("/200?after")
    receiver.request("/200?after")

    assert len(receiver.requests("/close?once")) == 1


def test_a_huge_answer_takes_no_memory(ear: Ear, receiver: Receiver) -> None:
    grown = HttpAction(receiver.url + "/huge"), HttpAction(receiver.url + "/huge", expect=((500, 500),))
    with running(ear) as runner:
        client = Client(runner, ear, receiver.url)
        client.end("/200")
        before = _peak_kb(ear, runner)
        ends = [ear.ended(perform(runner, order(action))).outcome for action in grown]
        after = _peak_kb(ear, runner)

    assert ends == ["succeeded", "failed"]
    assert after - before < 5_000


def _peak_kb(ear: Ear, runner: SupervisorRunner) -> int:
    return int(ear.lines(perform(runner, python("peak_kb")))[0])


AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.mark.parametrize(
    ("stands_in", "way_out"),
    [
        pytest.param((), "SSL_CERT_FILE", id="the system's CAs do not know it"),
        pytest.param(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), "REQUESTS_CA_BUNDLE", id="nor do those of a variable"),
        pytest.param(("SSL_CERT_FILE", "CURL_CA_BUNDLE"), "CURL_CA_BUNDLE", id="which hides what another names"),
    ],
)
def test_an_unknown_certificate_is_refused_and_the_variable_in_force_is_named(
    monkeypatch: pytest.MonkeyPatch, stands_in: tuple[str, ...], way_out: str
) -> None:
    for name in AUTHORITIES:
        monkeypatch.setenv(name, "some.pem") if name in stands_in else monkeypatch.delenv(name, raising=False)

    assert _words(_refused_certificate(20, "unable to get local issuer certificate")) == (
        f"its certificate is refused: unable to get local issuer certificate; {way_out} names other CAs"
    )


def test_no_cas_help_where_a_certificate_is_for_another_name() -> None:
    error = _refused_certificate(62, "Hostname mismatch, certificate is not valid for 'crm'.")

    assert _words(error) == "its certificate is refused: Hostname mismatch, certificate is not valid for 'crm'"


def _refused_certificate(code: int, words: str) -> SSLError:
    cause = ssl.SSLCertVerificationError()
    cause.verify_code, cause.verify_message = code, words
    return SSLError(cause)


def _words(error: SSLError) -> str:
    """Without what was being waited for."""
    reason, words = reason_of(error)
    assert reason == "connect"
    return words.partition(": ")[2]


def test_tls_with_a_port_that_speaks_none_says_so() -> None:
    cause = ssl.SSLError()
    cause.reason = "WRONG_VERSION_NUMBER"

    assert _words(SSLError(cause)) == "TLS: WRONG_VERSION_NUMBER; does this port speak TLS at all?"


def test_a_certificate_of_nobody_is_refused(client: Client, receiver: Receiver) -> None:
    assert client.failure("", url=f"{receiver.tls}/200").startswith(
        f"failed connect connecting to {receiver.tls.removeprefix('https://')}: its certificate is refused: unable to"
    )


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_environment_names_other_cas(
    ear: Ear, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, receiver.authority)
    with running(ear) as runner:
        right = Client(runner, ear, "").end("", url=f"{receiver.tls}/200?{variable}").outcome
        away = Client(runner, ear, "").end("", url=f"{receiver.tls}/to/307/{receiver.url}/200", redirects=True)

    assert right == "succeeded"
    assert away.error == "307: redirects to http://, which is not followed"


def test_the_environment_names_a_proxy(ear: Ear, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = receiver.url.replace("//", "//ann:pa55@")
    for name, value in {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": "127.0.0.0/8"}.items():
        monkeypatch.setenv(name, value)
    with running(ear) as runner:
        client = Client(runner, ear, receiver.url)
        ends = [client.end("", url="http://crm.invalid/200?proxied"), client.end("/200?direct")]
        tunnel = client.end("", url="https://crm.invalid/")

    assert [end.outcome for end in ends] == ["succeeded", "succeeded"]
    assert receiver.request("http://crm.invalid/200?proxied")["headers"]["proxy-authorization"] == "Basic YW5uOnBhNTU="
    assert receiver.requests("/200?direct")
    place = receiver.url.removeprefix("http://")
    assert tunnel.error == f"connecting to crm.invalid:443 by the proxy {place}: Tunnel connection failed: 403 Whatever"


def test_a_proxy_that_is_away_is_named_as_one(ear: Ear, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with running(ear) as runner:
        client = Client(runner, ear, receiver.url)
        failures = [client.failure("", url=f"{scheme}://crm.invalid/") for scheme in ("http", "https")]

    assert failures == [
        "failed connect connecting to the proxy 127.0.0.1:9: Connection refused",
        "failed connect connecting to crm.invalid:443 by the proxy 127.0.0.1:9: Connection refused",
    ]


def test_losing_the_lead_cancels_a_request_of_any_job(receiver: Receiver) -> None:
    ear = Ear()
    job = Job("hello", None, "UTC", HttpAction(f"{receiver.url}/hang?lost"), Policy(overlap=Overlap.ALLOW))
    held = HeldRun(OpenRun("hello", "2026-11-22T02:15:00Z", 1, "me", "l"), job, "schedule")
    with running(ear) as runner:
        key = perform(runner, held.order(Term(7, "48211")))
        receiver.request("/hang?lost")
        runner.kill_exclusive()

        assert ear.ended(key).outcome == "killed"


@pytest.mark.parametrize(
    ("path", "moment"),
    [("/200?early", "before accept"), ("/hang?late", "after accept"), ("/early?midway", "while answering")],
)
def test_after_kill_9_of_the_leader_the_receiver_sees_one_key(path: str, moment: str) -> None:
    receiver = Receiver("later") if moment == "before accept" else Receiver()
    first = _leader(receiver.url + path, 1)
    assert first.stdout
    assert first.stdout.readline() == "started\n"
    if moment != "before accept":
        receiver.request(path)
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    if moment != "before accept":
        receiver.wait_for(lambda said: "gone" in said)
    second = _leader(receiver.url + path, 2)
    receiver.go()
    said, _ = second.communicate(timeout=PATIENCE_S)
    seen = [each for each in receiver.said if "line" in each or "gone" in each]
    receiver.close()

    assert said == "started\nsucceeded\n"
    assert {each["headers"]["idempotency-key"] for each in seen if "line" in each} == {RUN}
    assert [each["headers"]["leasebeat-attempt"] for each in seen if "line" in each] in (["1", "2"], ["2"])
    assert moment == "before accept" or list(seen[1]) == ["gone"]


def _leader(url: str, attempt: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.edges.request_leader", url, str(attempt)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )

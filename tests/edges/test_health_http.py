"""What the health server understands of HTTP, and what it answers: bytes in, bytes out."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.telling.health_http import (
    LONGEST_HEAD,
    Answer,
    Routes,
    answer_to,
    can_be_answered,
    plain_answer,
)

END = b"\r\n\r\n"


def fails() -> Answer:
    raise ZeroDivisionError("ours")


ROUTES: Routes = {
    "/livez": lambda: plain_answer(HTTPStatus.OK, "ok"),
    "/readyz": lambda: plain_answer(HTTPStatus.SERVICE_UNAVAILABLE, "stopping"),
    "/page": lambda: Answer(HTTPStatus.OK, "<p>größer".encode(), "text/html; charset=utf-8"),
    "/fails": fails,
}


def answered(request: bytes) -> bytes:
    head, body = answer_to(request, ROUTES)
    return head + body


def status(request: bytes) -> int:
    return int(answered(request).split(b" ", 2)[1])


def test_a_whole_answer() -> None:
    assert answered(b"GET /livez HTTP/1.1\r\nHost: a" + END) == (
        b"HTTP/1.1 200 OK\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 3\r\n"
        b"Cache-Control: no-store\r\n"
        b"X-Content-Type-Options: nosniff\r\n"
        b"Connection: close\r\n"
        b"\r\n"
        b"ok\n"
    )


def test_the_answer_to_head_is_the_one_to_get_without_its_body() -> None:
    assert answered(b"HEAD /livez HTTP/1.1" + END) + b"ok\n" == answered(b"GET /livez HTTP/1.1" + END)


def test_a_routes_own_body_and_type() -> None:
    head, _, body = answered(b"GET /page HTTP/1.1" + END).partition(END)

    assert b"Content-Type: text/html; charset=utf-8\r\nContent-Length: 11\r\n" in head
    assert body.decode() == "<p>größer"


def test_a_route_may_add_headers() -> None:
    policy = {"Content-Security-Policy": "default-src 'none'"}
    routes = {"/": lambda: Answer(HTTPStatus.OK, b"x", "text/html; charset=utf-8", policy)}

    for method in (b"GET", b"HEAD"):
        assert (
            b"\r\nContent-Security-Policy: default-src 'none'\r\n"
            in answer_to(method + b" / HTTP/1.1" + END, routes)[0]
        )


ANSWERS = {
    "a probe": (b"GET /livez HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nUser-Agent: kube-probe/1.36", 200),
    "what is not well": (b"GET /readyz HTTP/1.1", 503),
    "HTTP/1.0": (b"GET /livez HTTP/1.0", 200),
    "an empty line first, as old clients send": (b"\r\nGET /livez HTTP/1.1", 200),
    "a query": (b"GET /livez?verbose=1 HTTP/1.1", 200),
    "a proxy's form": (b"GET http://10.0.0.1:8080/livez HTTP/1.1", 200),
    "a page that there is not": (b"GET / HTTP/1.1", 404),
    "one with two dots": (b"GET /livez/../../etc/passwd HTTP/1.1", 404),
    "one in percents": (b"GET /%2e%2e/etc/passwd HTTP/1.1", 404),
    "one below a page": (b"GET /livez/x HTTP/1.1", 404),
    "two slashes": (b"GET //livez HTTP/1.1", 404),
    "a POST": (b"POST /livez HTTP/1.1\r\nContent-Length: 3", 405),
    "a method in small letters, which is another": (b"get /livez HTTP/1.1", 405),
    "OPTIONS of everything": (b"OPTIONS * HTTP/1.1", 400),
    "a tunnel": (b"CONNECT a:443 HTTP/1.1", 400),
    "no path": (b"GET livez HTTP/1.1", 400),
    "no version": (b"GET /livez", 400),
    "the next version": (b"PRI * HTTP/2.0", 400),
    "a version with a tail": (b"GET /livez HTTP/1.1x", 400),
    "two spaces": (b"GET  /livez HTTP/1.1", 400),
    "a tab": (b"GET\t/livez HTTP/1.1", 400),
    "a space in the path": (b"GET /li vez HTTP/1.1", 400),
    "a byte that no path has": (b"GET /\xff HTTP/1.1", 400),
    "a NUL": (b"GET /livez\0 HTTP/1.1", 400),
    "a carriage return in the path": (b"GET /livez\rX: y HTTP/1.1", 400),
    "a head that is too long": (b"GET /livez HTTP/1.1\r\nCookie: " + b"x" * LONGEST_HEAD, 431),
    "a path that is too long": (b"GET /" + b"x" * LONGEST_HEAD + b" HTTP/1.1", 431),
}


@pytest.mark.parametrize(("request_", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_the_status(request_: bytes, expected: int) -> None:
    assert status(request_ + END) == expected


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\n\n"])
def test_a_head_ends_with_an_empty_line(end: bytes) -> None:
    """However the client breaks its lines: people type requests too."""
    head = b"GET /livez HTTP/1.1"

    assert not can_be_answered(head + end[:-1])
    assert can_be_answered(head + end)
    assert status(head + end) == 200


WORTH_WAITING = [b"", b"\r\n", b"\r\n\r\n", b"G", b"GET", b"GET ", b"GET /livez HTTP/1.1\r\nHost: a\r\n"]
HOPELESS = [b"\x16\x03\x01\x02\x00\x01", b"\0", b"GET\r\n", b"x" * 33, b" GET", b"x" * (LONGEST_HEAD + 1)]


@pytest.mark.parametrize("received", WORTH_WAITING)
def test_it_waits_for_the_rest(received: bytes) -> None:
    assert not can_be_answered(received)


@pytest.mark.parametrize("received", HOPELESS)
def test_it_does_not_wait_for_the_rest_of_what_is_no_request(received: bytes) -> None:
    """TLS to a port without TLS, say: whoever does that learns at once that it is wrong."""
    assert can_be_answered(received)
    assert status(received) in (400, 431)


def test_405_names_the_methods() -> None:
    assert b"\r\nAllow: GET, HEAD\r\n" in answered(b"DELETE /livez HTTP/1.1" + END)


def test_404_names_what_there_is_and_repeats_nothing_of_the_request() -> None:
    answer = answered(b"GET /<script> HTTP/1.1" + END)

    assert answer.endswith(b"\r\n\r\nnot here; there is /livez /readyz /page /fails\n")


def test_a_route_that_fails_is_a_500_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answered(b"GET /fails HTTP/1.1" + END)

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"ZeroDivision" not in answer
    assert "ZeroDivisionError: ours" in caplog.text


PIECES = st.sampled_from([b"GET", b"POST", b" ", b"/livez", b"/", b"HTTP/1.1", b"\r\n", b"\n", b"Host: a", b"\0", b"%"])


@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=12).map(b"".join)))
def test_whatever_comes_is_answered_with_one_sound_answer(received: bytes) -> None:
    head, end, body = answered(received).partition(END)

    assert end
    assert re.match(rb"HTTP/1\.1 (200|400|404|405|431|500|503) [A-Za-z ]+\r\n", head)
    length = int(re.findall(rb"Content-Length: (\d+)", head)[0])
    assert len(body) == (0 if received.lstrip(b"\r\n").startswith(b"HEAD ") else length)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_what_can_be_answered_is_not_waited_for_again(received: bytes, more: bytes) -> None:
    """Whatever else comes, the answer is due: nobody can talk the server out of it."""
    if can_be_answered(received):
        assert can_be_answered(received + more)

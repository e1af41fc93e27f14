"""As much of HTTP/1.1 (RFC 9112) as a probe, a scraper and a browser need: one GET or HEAD, one answer, good-bye.

Every answer ends its connection, so whatever follows the first request is of no consequence: no bodies, no pipelining,
no chunks, and nothing that two parsers could understand in two ways. Nor is any header looked at. That leaves one line
to understand, which is why there is no HTTP library here: they all bring more rules than this server has.

Pure functions from bytes to bytes; the sockets are in `health_server.py`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

LONGEST_HEAD = 8192  # bytes; browsers and proxies send some 1000
METHODS = ("GET", "HEAD")
PLAIN = "text/plain; charset=utf-8"

_REQUEST = re.compile(rb"([A-Za-z]{1,32}) (?:http://[^/ ]*)?(/[!-~]*) HTTP/1\.[01]\r?\n")
_BEGINS_LIKE_ONE = re.compile(rb"[A-Za-z]{1,32}(?: |\Z)")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")

_log = logging.getLogger("leasebeat.health")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a GET; a body that is text for people ends its lines. `headers` are added to the usual ones."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)


Routes = Mapping[str, Callable[[], Answer]]
"""What makes the answer for each path. They are called one at a time, and hold up every other answer while they run."""


def plain_answer(status: HTTPStatus, sentence: str) -> Answer:
    """An answer of one line."""
    return Answer(status, f"{sentence}\n".encode())


def can_be_answered(received: bytes) -> bool:
    """Whether there is no point in waiting for more: the head is there, or too long, or not HTTP (TLS, say)."""
    head = received.lstrip(b"\r\n")
    return bool(
        len(received) > LONGEST_HEAD or _END_OF_HEAD.search(head) or (head and not _BEGINS_LIKE_ONE.match(head))
    )


def answer_to(received: bytes, routes: Routes) -> tuple[bytes, bytes]:
    """The answer to what was received: its head, and its body, which may be long and is not copied; raises nothing."""
    request = _REQUEST.match(received.lstrip(b"\r\n"))
    if len(received) > LONGEST_HEAD:
        sentence = f"expected at most {LONGEST_HEAD} bytes before the empty line"
        return _written(plain_answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, sentence))
    if not request:
        return _written(plain_answer(HTTPStatus.BAD_REQUEST, "expected an HTTP/1.1 request such as GET /livez"))
    method, target = (part.decode("ascii") for part in request.groups())
    if method not in METHODS:
        return _written(plain_answer(HTTPStatus.METHOD_NOT_ALLOWED, f"only {' and '.join(METHODS)} work here"))
    return _written(_routed(target.partition("?")[0], routes), with_body=method == "GET")


def _routed(path: str, routes: Routes) -> Answer:
    if path not in routes:
        return plain_answer(HTTPStatus.NOT_FOUND, f"not here; there is {' '.join(routes)}")
    try:
        return routes[path]()
    except Exception:  # noqa: BLE001  # logged with its traceback; the other answers must go on
        _log.exception("the answer to %s failed", path)
        return plain_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "this answer failed; the log says why")


def _written(answer: Answer, *, with_body: bool = True) -> tuple[bytes, bytes]:
    status = answer.status
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
        *([f"Allow: {', '.join(METHODS)}"] if status is HTTPStatus.METHOD_NOT_ALLOWED else []),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii"), answer.body if with_body else b""

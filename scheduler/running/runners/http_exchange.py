"""One exchange over HTTP: the request goes out once, and its answer is read no further than it matters."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import BadStatusLine, HTTPException
from urllib.parse import urljoin

from urllib3 import BaseHTTPResponse, HTTPHeaderDict
from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

from scheduler.core.actions import HttpAction
from scheduler.running.runners.call import RunFailure
from scheduler.running.runners.http_ways import Kept, Ways, progress, variable_of_cas
from scheduler.running.runners.values import Values
from scheduler.running.supervisor.times import boot_now

DRAINED_BYTES = 1024 * 1024
"""A longer answer is cut off, and its connection closed: its status has said what there is to know."""
EXCERPT_BYTES = 4096
EXCERPT_S = 1.0
"""How long the words of a failure are waited for, whose status is known."""
REDIRECTS = 5

_UNKNOWN_CA = (18, 19, 20, 21)  # OpenSSL's X509_V_ERR_… of a signature by nobody who is trusted
_CHUNK_BYTES = 64 * 1024
_SEE_OTHER = (301, 302, 303)
_SAME_AGAIN = (307, 308)
_OF_A_BODY = ("Content-Type", "Content-Length", "Content-Encoding")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; each header's value is latin-1."""

    url: Url
    method: str
    headers: HTTPHeaderDict
    body: bytes | None

    @property
    def place(self) -> str:
        """Where it goes, without what only the receiver should read."""
        return f"{self.url.host}:{self.url.port}" if self.url.port else str(self.url.host)


class Exchange:
    """Performs one request of `action`."""

    def __init__(self, ways: Ways, action: HttpAction, values: Values) -> None:
        self._ways = ways
        self._action = action
        self._values = values

    def perform(self, request: Request) -> None:
        """Send it, and follow redirects if the job says so; RunFailure when the answer is none of those expected."""
        answer = _ask(self._ways, request)
        for _ in range(REDIRECTS if self._action.redirects else 0):
            if _location(answer) is None:
                break
            answer.close()
            request = _redirected(request, answer, self._action.headers)
            answer = _ask(self._ways, request)
        if any(first <= answer.status <= last for first, last in self._action.expect):
            _drain(answer, request)
        else:
            raise RunFailure("http_status", self._unexpected(answer, request))

    def _unexpected(self, answer: BaseHTTPResponse, request: Request) -> str:
        text, is_cut_off = _excerpt(answer)
        words = self._values.shown(text, cut_off=is_cut_off)
        if _location(answer) is not None:
            target = _target(request, answer)
            place = f"{target.scheme}://{target.netloc}{target.path or ''}"
            words = f"redirects to {place}{self._why_not_followed(request, target)} {words}"
        return f"{answer.status}: {words}" if words else str(answer.status)

    def _why_not_followed(self, request: Request, target: Url) -> str:
        if self._action.redirects:
            return f" (after {REDIRECTS} redirects)"
        return " (redirects: true follows)" if _may_follow(request, target) else ""


def reason_of(error: BaseException) -> tuple[str, str]:
    """Why there was no whole answer, as a run's `reason` and `error`; the words may still hold secrets."""
    cause = _first_cause(error)
    if not isinstance(error, HTTPError | HTTPException | OSError):
        return "exception", f"{type(error).__name__}: {error}"
    match cause:
        case ssl.SSLCertVerificationError():
            hint = f"; {variable_of_cas()} names other CAs" if cause.verify_code in _UNKNOWN_CA else ""
            words = f"its certificate is refused: {cause.verify_message.rstrip('.')}{hint}"
        case ssl.SSLError():
            hint = "; does this port speak TLS at all?" if cause.reason == "WRONG_VERSION_NUMBER" else ""
            words = f"TLS: {cause.reason or cause}{hint}"
        case OSError():
            words = cause.strerror or str(cause)
        case BadStatusLine():
            words = f"not HTTP: {cause}"
        case _:
            words = str(cause) or type(cause).__name__
    return "connect", f"{progress.doing}: {words}"


def _first_cause(error: BaseException) -> BaseException:
    inner = error.__cause__ or next((each for each in error.args if isinstance(each, BaseException)), None)
    return _first_cause(inner) if inner else error


def _ask(ways: Ways, request: Request) -> BaseHTTPResponse:
    """The answer's status and headers; its body is still on its way."""
    url = Url(request.url.scheme, None, request.url.host, request.url.port, request.url.path, request.url.query)
    progress.doing = f"sending to {request.place}"
    return ways.to(url).urlopen(
        request.method,
        url.url,
        body=request.body,
        headers=request.headers,
        redirect=False,
        retries=False,
        timeout=None,
        preload_content=False,
        decode_content=False,
    )


def _location(answer: BaseHTTPResponse) -> str | None:
    """Where it sends the client to, if it does."""
    return answer.headers.get("Location") if answer.status in (*_SEE_OTHER, *_SAME_AGAIN) else None


def _target(request: Request, answer: BaseHTTPResponse) -> Url:
    """The URL that this answer's location means; RunFailure when it is none."""
    try:
        return parse_url(urljoin(request.url.url, _location(answer)))
    except ValueError:
        answer.close()
        raise RunFailure("http_status", f"{answer.status}: redirects to what is no URL") from None


def _may_follow(request: Request, target: Url) -> bool:
    """Whether a redirect leads to HTTP, and does not give up TLS."""
    return target.scheme in ("http", "https") and (request.url.scheme, target.scheme) != ("https", "http")


def _redirected(request: Request, answer: BaseHTTPResponse, own: Iterable[str]) -> Request:
    """The request that follows this answer, as browsers have it; another place is told none of the job's `own` headers.

    RunFailure when that would give up TLS.
    """
    url = _target(request, answer)
    if not _may_follow(request, url):
        raise RunFailure("http_status", f"{answer.status}: redirects to {url.scheme}://, which is not followed")
    headers = request.headers.copy()
    if (url.scheme, url.host, url.port) != (request.url.scheme, request.url.host, request.url.port):
        for name in (*own, "Authorization"):
            headers.discard(name)
    if answer.status in _SAME_AGAIN or request.method in ("GET", "HEAD"):
        return replace(request, url=url, headers=headers)
    for name in _OF_A_BODY:
        headers.discard(name)
    return Request(url, "GET", headers, None)


def _drain(answer: BaseHTTPResponse, request: Request) -> None:
    """Read the answer to its end and throw it away, so that the connection can be used again; not if it is long."""
    used, taken = answer.connection, 0
    while taken <= DRAINED_BYTES:
        progress.doing = f"reading the answer of {request.place}, {answer.status} and {taken} bytes of it so far"
        data = answer.read1(_CHUNK_BYTES, decode_content=False)
        if not data:
            if isinstance(used, Kept):
                used.keep(answer.headers.get("Keep-Alive"))
            return
        taken += len(data)
    answer.close()


def _excerpt(answer: BaseHTTPResponse) -> tuple[str, bool]:
    """The beginning of its text, as far as it comes soon, and whether there would be more; the answer is done with."""
    raw, is_whole, until = b"", False, boot_now() + EXCERPT_S
    wire = answer.connection.wire if isinstance(answer.connection, Kept) else None
    with suppress(HTTPError, HTTPException, OSError):
        while len(raw) < EXCERPT_BYTES and not is_whole and (left := until - boot_now()) > 0:
            if wire:
                wire.settimeout(left)
            data = answer.read1(EXCERPT_BYTES, decode_content=False)
            raw, is_whole = raw + data, not data
    answer.close()
    is_text = answer.headers.get("Content-Encoding", "identity") == "identity"
    return raw.decode(errors="replace") if is_text else "", not is_whole

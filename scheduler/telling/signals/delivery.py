"""One try to deliver a mail: a POST with its own deadline, and what became of it in words that hide the URL.

The URL of a webhook is a password. So no error quotes it, and neither the other side's answer, which may quote it in
its turn. urllib3 writes the path of each request into its debug log; for the threads that send, that is kept from it.

By requests, which the Kubernetes client brings along: it finds proxies and CAs by the environment, and for that the
`http` runner, which has to know what it waits for and must send nothing twice, needs a hundred lines over urllib3.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests

from scheduler import __version__
from scheduler.cluster.exchange import Exchanges
from scheduler.core.errors import StoreError
from scheduler.core.references import FileReference, Secret, Value
from scheduler.referred_files import Unreadable, content_of
from scheduler.telling.signals.mailbag import Failure, Mail

TIMEOUT_S = 10.0
SUCCESSES = range(200, 300)
REFUSALS = range(300, 500)  # a redirect too: where it leads is not where the mail was to go
TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_LONGEST_NUMBER = 9  # digits
_SHORT = 4096  # bytes of an answer that is read

_HEADERS = {"Content-Type": "application/json", "User-Agent": f"leasebeat/{__version__}"}
_sending = threading.local()


class Carrier:
    """Delivers for one thread, over connections that are kept. `folder` is what paths of files are relative to.

    `exchanges_with` a place are those of all threads: whoever lets answers trickle for hours uses up only his own.
    """

    def __init__(self, folder: Path, exchanges_with: Callable[[str], Exchanges], timeout_s: float = TIMEOUT_S) -> None:
        self._folder = folder
        self._exchanges_with = exchanges_with
        self._timeout_s = timeout_s
        self._session = _session()

    def __call__(self, mail: Mail, place: str) -> Failure | None:
        """Send it; why that failed, None if it did not."""
        exchange = partial(self._exchange, mail, self._session)
        try:
            answer = self._exchanges_with(place).within(self._timeout_s, exchange)
        except Exception as error:  # noqa: BLE001 - whatever a library raises for whatever is written in a table
            self._session = _session()  # the old one may still be at work
            return _failure(error, self._timeout_s)
        return _judged(answer)

    def _exchange(self, mail: Mail, session: requests.Session, given_up: threading.Event) -> requests.Response:
        _sending.now = True
        url = mail.address(_text(mail.url, self._folder))
        headers = _HEADERS | {name: _text(value, self._folder) for name, value in mail.headers.items()}
        if given_up.is_set():
            raise TimeoutError
        with session.post(
            url,
            data=mail.body,
            headers={name: value.encode() for name, value in headers.items()},
            timeout=self._timeout_s,
            allow_redirects=False,
            auth=_no_auth,
            stream=True,
        ) as answer:
            if _number(answer.headers.get("Content-Length")) in range(_SHORT):
                assert answer.content is not None  # read to its end, so that the connection can be used again
        return answer


def _session() -> requests.Session:
    """Proxies and certificates by the environment, as everywhere; cookies are forgotten."""
    session = requests.Session()
    session.verify = os.environ.get("SSL_CERT_FILE") or True  # which requests does not know; its own two come first
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """With any `auth` of ours, requests leaves ~/.netrc alone, whose password would take our header's place."""
    return request


def _judged(answer: requests.Response) -> Failure | None:
    if answer.status_code in SUCCESSES:
        return None
    error = f"status {answer.status_code}{_phrase(answer.status_code)}"
    lasting = answer.status_code in REFUSALS and answer.status_code not in TRANSIENT
    return Failure(error, lasting=lasting, after_s=_number(answer.headers.get("Retry-After")) or 0)


def _phrase(status: int) -> str:
    """What the status means, in the words of HTTP and not of the other side."""
    try:
        return f" {HTTPStatus(status).phrase.lower()}"
    except ValueError:
        return ""


def _number(text: str | None) -> int | None:
    return int(text) if text and len(text) < _LONGEST_NUMBER and text.isascii() and text.isdigit() else None


def _failure(error: Exception, timeout_s: float) -> Failure:
    causes = list(_causes(error))
    match error:
        case Unreadable() | StoreError():
            return Failure(str(error))
        case TimeoutError() | requests.Timeout():
            return Failure(f"timeout after {timeout_s:g}s")
        case requests.exceptions.InvalidProxyURL() | requests.exceptions.ProxyError():
            return Failure("no way through the proxy")
        case requests.exceptions.SSLError():
            untrusted = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
            return Failure("the certificate is not trusted" if untrusted else "TLS failed")
        case ValueError():  # of requests: a URL, a scheme or a header that cannot be
            return Failure("not a URL, or a header that cannot be sent", lasting=True)
    return Failure(next(filter(None, map(_plain_words, causes)), f"no connection ({type(error).__name__})"))


def _plain_words(cause: BaseException) -> str | None:
    match cause:
        case ConnectionRefusedError():
            return "connection refused"
        case socket.gaierror():
            return "the name cannot be resolved"
        case ConnectionResetError() | BrokenPipeError():
            return "connection reset"
        case OSError(strerror=str(words)) if not isinstance(cause, requests.RequestException):
            return words.lower()
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, innermost first: libraries hide the telling one in arguments and causes."""
    for inner in (error.__cause__ or error.__context__, getattr(error, "reason", None), *error.args):
        if isinstance(inner, BaseException):
            yield from _causes(inner)
    yield error


def _text(value: Value, folder: Path) -> str:
    match value:
        case FileReference(path):
            return content_of(path, str(folder), utf8=True)
        case Secret():
            return value.reveal()
    return value


class _Discreet(logging.Filter):
    """Lets through what is said of any exchange but ours."""

    def filter(self, _record: logging.LogRecord) -> bool:
        return not getattr(_sending, "now", False)


for _name in ("urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_Discreet())

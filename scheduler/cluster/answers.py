"""What the API server said, or why it said nothing, as one of this program's errors.

Foreign errors end here: nothing above `cluster/` catches an exception of urllib3, ssl, json or the Kubernetes client.
Messages are short, made for a log line, and never carry a header, a credential or a piece of a kubeconfig.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import IncompleteRead, RemoteDisconnected
from typing import Any

import urllib3.exceptions
from kubernetes.config import ConfigException

from scheduler.cluster.resource import Resource
from scheduler.core.errors import Absent, Conflict, Refused, StoreError, Unavailable, WatchForbidden

JsonObject = dict[str, Any]
LONGEST_MESSAGE = 200
_JUDGED = (400, 403, 404, 405, 413, 415, 422)

_PLAIN_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (RemoteDisconnected, "connection closed without a reply"),
    (ConnectionResetError, "connection reset"),
    (BrokenPipeError, "connection reset"),
    (socket.gaierror, "the server's name cannot be resolved"),
    (urllib3.exceptions.NameResolutionError, "the server's name cannot be resolved"),
    (IncompleteRead, "the reply was cut off"),
    (urllib3.exceptions.ProtocolError, "the reply was cut off"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `headers` are those of HTTP, by names of any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> JsonObject:
        """The body as the JSON object it must be, else `Unavailable`: some proxy answered, not the API server."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Unavailable(f"{self.status}: the reply is not a JSON object, so not the API server's")
        return value


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """The server's clock when it answered, in UTC and to the second; None where no `Date` says it."""
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)  # HTTP's dates are of UTC, said or not


def refusal(verb: str, resource: Resource, reply: Reply) -> StoreError:
    """The error for a reply that is not a success."""
    try:
        status = reply.json()
    except Unavailable:
        status = {}
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = reply.headers.get("Retry-After")
        return Unavailable("429: too many requests", f"the server asks to wait {wait_s}s" if wait_s else None)
    return refusal_of_status(verb, resource, {**status, "code": reply.status})


def refusal_of_status(verb: str, resource: Resource, status: JsonObject) -> StoreError:
    """The error for a Kubernetes `Status` object, which is a refusal's body and also comes as a watch event."""
    code, message = status.get("code") or 0, _told(status)
    if code == HTTPStatus.UNAUTHORIZED:
        return Unavailable("401: not logged in", "the token or certificate was refused; it is read again")
    if code == HTTPStatus.FORBIDDEN and f"cannot {verb} resource" in message:
        error = WatchForbidden if verb == "watch" else Refused
        return error(f"403: may not {verb} {resource}", _grant(verb, resource, message))
    if code == HTTPStatus.CONFLICT:
        return Conflict(f"409: {message}")
    if code == HTTPStatus.NOT_FOUND and _is_about(resource, status):
        return Absent(f"404: there is no {resource}")
    return (Refused if code in _JUDGED else Unavailable)(f"{code}: {message}")


def failure(error: Exception, timeout_s: float, tried: str) -> Unavailable:
    """The error for an exchange that brought no reply; anything a credential plugin may raise is understood too.

    `tried` says which way was taken, for the hint.
    """
    causes = list(_causes(error))
    words = next(filter(None, map(_words, causes)), None)
    if words is None:
        is_late = any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes)
        words = f"timeout after {timeout_s:g}s" if is_late else f"no connection ({type(error).__name__})"
    return Unavailable(words, f"tried {tried}")


def _told(status: JsonObject) -> str:
    """The server's own sentence, kept to a line's length, or else what the code means in HTTP."""
    message = status.get("message")
    if isinstance(message, str) and message:
        line = " ".join(message.split())
        return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"
    try:
        return HTTPStatus(status.get("code") or 0).phrase.lower()
    except ValueError:
        return "no reason given"


def _grant(verb: str, resource: Resource, message: str) -> str:
    """What is missing, in a Role's words; the server's message says whom it took us for."""
    account = re.search(r'User "([^"]+)"', message)
    whom = f" to {account[1]}" if account else ""
    return f"grant {verb} on {resource.rbac} in namespace {resource.namespace}{whom}"


def _is_about(resource: Resource, status: JsonObject) -> bool:
    """Whether a 404 speaks of this object, and not of its namespace or of a path that some proxy does not know."""
    details = status.get("details")
    return isinstance(details, dict) and (details.get("kind"), details.get("name")) == (resource.plural, resource.name)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, innermost first: urllib3 hides the telling one in arguments and causes."""
    inner = [error.__cause__, getattr(error, "reason", None), *error.args]
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
    yield error


def _words(error: BaseException) -> str | None:
    for kind, words in _PLAIN_WORDS:
        if isinstance(error, kind):
            return words
    match error:
        case ssl.SSLCertVerificationError():
            return f"the server's certificate is not trusted: {error.verify_message}"
        case ssl.SSLError(reason=str(reason)):
            return f"TLS failed: {reason.replace('_', ' ').lower()}"
        case ConfigException():
            return f"no credentials: {without_values(error)}"
        case OSError(strerror=str(reason), filename=place) if not isinstance(error, TimeoutError):
            return f"{place}: {reason.lower()}" if isinstance(place, str) else reason.lower()
    return None


def without_values(error: Exception) -> str:
    """The client's complaint about a kubeconfig, cut where it begins to quote it: what it quotes may be a token."""
    return re.split(r" in |[{\[\n]", str(error))[0][:LONGEST_MESSAGE]

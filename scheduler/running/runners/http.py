"""An `http` action, in a worker: what is sent, and what the end of the exchange means.

The exchange has no clock of its own. The run's timeout bounds all of it, from the look-up of the name to the last byte
of the answer, because the supervisor ends this process then, whatever it waits for. A request is sent once: whether a
repetition is harmless only the receiver knows, so it is left to the job's `retries`, with the same `Idempotency-Key`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import date, datetime, time
from urllib.parse import unquote

from urllib3 import HTTPHeaderDict
from urllib3.exceptions import LocationValueError, SSLError
from urllib3.util import Url, parse_url

from scheduler import __version__
from scheduler.core.actions import HttpAction
from scheduler.running.runners.call import RunFailure
from scheduler.running.runners.http_exchange import Exchange, Request, reason_of
from scheduler.running.runners.http_ways import Ways, progress
from scheduler.running.runners.values import Values
from scheduler.running.runners.waiting import heedful

_ways = Ways()


def send(action: HttpAction, facts: Mapping[str, str]) -> None:
    """Send the request, and return when its answer is one of those expected; RunFailure in every other case.

    `facts` are the headers by which the receiver knows the run; none of the job's own takes their place.
    """
    values = Values()

    def exchange() -> None:
        Exchange(_ways, action, values).perform(request_of(action, facts, values))

    try:
        heedful(exchange, progress)
    except RunFailure as failure:
        raise RunFailure(failure.reason, values.shown(str(failure))) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, its words may quote what must not be shown
        if isinstance(error, SSLError):
            _ways.forget()  # the CAs may be new by the next run
        reason, words = reason_of(error)
        raise RunFailure(reason, values.shown(words)) from None


def request_of(action: HttpAction, facts: Mapping[str, str], values: Values) -> Request:
    """What is sent for this action, with every value from elsewhere in its place."""
    url = _url(values.text("url", action.url))
    body, kind = _body(action.body, values)
    headers = HTTPHeaderDict({"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"leasebeat/{__version__}"})
    if kind:
        headers["Content-Type"] = kind
    if url.auth:
        words = b64encode(unquote(url.auth).encode()).decode()
        headers["Authorization"] = f"Basic {words}"
        values.hide(words)
    for name, value in action.headers.items():
        headers[name] = _header(f"headers.{name}", value, values)
    for name, fact in facts.items():
        headers[name] = fact
    return Request(url, action.method, headers, body)


def _url(text: str) -> Url:
    try:
        url = parse_url(text.strip())
    except LocationValueError:
        raise RunFailure("rejected", "url: cannot be read as one") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise RunFailure("rejected", "url: expected http://HOST or https://HOST")
    return url


def _header(name: str, value: object, values: Values) -> str:
    """The value as the bytes of UTF-8, each a character, which is how headers are handed over."""
    text = values.text(name, value).strip()
    if any(each in text for each in "\r\n\0"):
        raise RunFailure("rejected", f"{name}: holds a line break, which no header can")
    return text.encode(errors="surrogateescape").decode("latin-1")


def _body(body: object, values: Values) -> tuple[bytes | None, str | None]:
    """The bytes, and what to call them; text is sent as it is, all else as JSON."""
    plain = values.plain("body", body)
    if plain is None:
        return None, None
    if isinstance(plain, str):
        return plain.encode(errors="surrogateescape"), "text/plain; charset=utf-8"
    return json.dumps(plain, ensure_ascii=False, default=_as_text).encode(errors="replace"), "application/json"


def _as_text(value: object) -> str:
    """YAML knows times, which JSON writes as text."""
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)

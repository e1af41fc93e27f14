"""The kinds of value that requests are made of: URLs, headers, bodies, and the statuses that mean success.

What a variable or a file stands for is not known here. So a value with references is judged as far as its own text
goes; what it comes to is looked at when the variables are (`config/rules/lookups.py`).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from scheduler.config.mistakes import Mistake, each_read, expected, meant, printable, refuse_if_any
from scheduler.config.text.letters import PLACEHOLDER, RENDER, UNFILLED, refuse_odd_letters
from scheduler.config.values.common import Leaf
from scheduler.config.values.references import (
    FILE_SCHEMA,
    REFERENCE_SCHEMA,
    Template,
    Written,
    read_reference,
    written_reference,
)
from scheduler.config.values.schemas import JsonSchema
from scheduler.core.views.notices import PLACEHOLDERS, Slip, slips

METHODS = "POST GET PUT PATCH DELETE HEAD OPTIONS PURGE"
NO_URL = "an http:// or https:// URL"
BROKER_URL = "a broker's URL such as redis://broker:6379/0"

_TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110, 5.6.2
_UNFIT = re.compile(r"[^\x21-\x7e]")  # of a URL
_CONTROL = re.compile(r"[^\t\x20-\x7e\x80-\xff]")  # of a header's value: what HTTP/1.1 does not carry
_OURS = re.compile(
    "leasebeat-.*|idempotency-key|traceparent|content-length|transfer-encoding|connection", re.IGNORECASE
)
_OURS_PATTERN = (
    "^([Ll][Ee][Aa][Ss][Ee][Bb][Ee][Aa][Tt]-.*|[Ii][Dd][Ee][Mm][Pp][Oo][Tt][Ee][Nn][Cc][Yy]-[Kk][Ee][Yy]"
    "|[Tt][Rr][Aa][Cc][Ee][Pp][Aa][Rr][Ee][Nn][Tt]|[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh]"
    "|[Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr]-[Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]|[Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn])$"
)
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STATUS = re.compile("([1-5])xx|([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", re.IGNORECASE)
_STATUS_SCHEMA: JsonSchema = {
    "anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": "^([1-5][xX][xX]|[1-5][0-9][0-9](-[1-5][0-9][0-9])?)$"},
    ]
}
_TEXT_OF_URL: JsonSchema = {
    **REFERENCE_SCHEMA["anyOf"][0],
    "allOf": [
        {"pattern": r"^([hH][tT][tT][pP][sS]?://[^/?#\s]|\$\{)", "errorMessage": f"expected {NO_URL}, or ${{NAME}}"},
        {"not": {"pattern": r"\{\{|\{%.*%\}|<%.*%>"}},
    ],
}


def web_address(*, as_text: bool = False) -> Leaf:
    """The URL of a request, in which variables may stand; or `{file: PATH}`, unless it is to be written `as_text`."""
    shape = _TEXT_OF_URL if as_text else {"anyOf": [_TEXT_OF_URL, FILE_SCHEMA]}
    return Leaf(_read_url, shape, own_dollars=True)


def broker_address() -> Leaf:
    """The URL of a broker, of whatever scheme, in which variables may stand; or `{file: PATH}`."""

    def read(value: object) -> Written:
        written = read_reference(value)
        text = "".join(written.pieces[::2]) if isinstance(written, Template) and written.pieces[0] else written
        if isinstance(text, str) and "://" not in text:
            scheme = "amqp" if ":5672" in text else "redis"
            raise expected(BROKER_URL, "url", f"write {scheme}://{printable(text)}" if text else None)
        return written

    return Leaf(read, REFERENCE_SCHEMA, written_reference, own_dollars=True)


def header_name() -> Leaf:
    """The name of a header that is not ours to set."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(_TOKEN, value):
            raise expected("the name of a header", "header", "letters, digits and -, such as X-Api-Key")
        if _OURS.fullmatch(value):
            raise Mistake(f"header {printable(value)} is set by leasebeat", "header", "remove it")
        return value

    shape = {"pattern": f"^{_TOKEN}$", "not": {"pattern": _OURS_PATTERN}, "errorMessage": "expected a header's name"}
    return Leaf(read, shape, own_dollars=True)


def header_value() -> Leaf:
    """The value of a header: one line of text, in which variables may stand; or `{file: PATH}`."""

    def read(value: object) -> Written:
        written = read_reference(value)
        text = written if isinstance(written, str) else "".join(getattr(written, "pieces", ())[::2])
        if fault := unfit_header(text):
            raise Mistake(f"expected one line of a header, got {fault}", "header", "a header carries no such letter")
        return written

    return Leaf(read, REFERENCE_SCHEMA, own_dollars=True)


def statuses() -> Leaf:
    """The statuses of an answer: one, a hundred of them, a range, or a list of such; ends included."""

    def read(value: object) -> tuple[tuple[int, int], ...]:
        if not isinstance(value, list):
            return (_status(value),)
        if not value:
            raise expected("2xx, 204, 200-204 or a list of such", "status", "any answer is [1xx, 2xx, 3xx, 4xx, 5xx]")
        return tuple(each_read(enumerate(value), _status))

    several = {"type": "array", "minItems": 1, "items": _STATUS_SCHEMA}
    return Leaf(read, {"anyOf": [*_STATUS_SCHEMA["anyOf"], several]}, _written_statuses)


def payload() -> Leaf:
    """What a request carries: text, `{file: PATH}`, or JSON with variables in its texts."""
    shape = {"anyOf": [*REFERENCE_SCHEMA["anyOf"], {"type": ["object", "array", "number", "boolean", "null"]}]}
    return Leaf(_read_body, shape, own_dollars=True)


def message_form() -> Leaf:
    """What a notification carries: a word for a known form, or JSON with fields of the final line in its texts."""

    def read(value: object) -> object:
        if value in ("json", "slack"):
            return value
        if isinstance(value, dict) and value:
            refuse_if_any(map(_misplaced, slips(value)))
            return value
        hint = 'your own is JSON: {text: "{job} {event}"}' if isinstance(value, str) else None
        raise expected("json, slack or a map", "choice", hint)

    return Leaf(
        read, {"anyOf": [{"enum": ["json", "slack"]}, {"type": "object", "minProperties": 1}]}, own_dollars=True
    )


def unfit_url(text: str) -> str | None:
    """Why no request could go to this URL; None if one could."""
    if unfit := _UNFIT.search(text):
        return f"{_shown(unfit[0])} in it"
    try:
        parts = urlsplit(text)
        sound = parts.scheme.lower() in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError as error:  # a port that is none, a bracket that is not closed
        return str(error).lower()
    return None if sound else "none"


def unfit_header(text: str) -> str | None:
    """Which letter keeps this text from being the value of a header; None if none does."""
    if unfit := _CONTROL.search(text):
        return "a line break" if unfit[0] in "\r\n" else _shown(unfit[0])
    return None


def _misplaced(slip: Slip) -> Mistake:
    near = meant(slip.name, PLACEHOLDERS)
    hint = f"did you mean {{{near}}}?" if near else "a brace itself is {{ or }}; a field is {job}, {event}, {text}"
    return Mistake(printable(slip.message), "placeholder", hint, span=slip.span, within=slip.path)


def _shown(letter: str) -> str:
    return "a space" if letter == " " else "a line break" if letter in "\r\n" else f"U+{ord(letter):04X}"


def _read_url(value: object) -> Written:
    if not isinstance(value, str) and not (isinstance(value, dict) and value.keys() == {"file"}):
        raise expected(f"{NO_URL}, or {{file: PATH}}", "url")
    if isinstance(value, str) and (placeholder := PLACEHOLDER.search(value)):
        raise Mistake(UNFILLED, "template", RENDER, span=placeholder.span())
    written = read_reference(value)
    if isinstance(written, Template):
        # A variable is as good as a number anywhere in a URL; one that stands first may bring the scheme with it.
        text = "1".join(written.pieces[::2]) if "://" in written.pieces[0] else "http://1"
    elif isinstance(written, str):
        refuse_odd_letters(written)
        text = written
    else:
        return written
    if fault := unfit_url(text):
        raise expected(NO_URL, "url", _way_out(str(value), fault))
    return written


def _way_out(written: str, fault: str) -> str | None:
    if fault == "a space in it":
        return "a space is %20"
    if fault != "none":
        return fault
    if _UUID.fullmatch(written):
        return f"write https://hc-ping.com/{written}, or what stands before it elsewhere"
    return None if "://" in written else f"write https://{printable(written.strip('/'))}" if written else None


def _status(value: object) -> tuple[int, int]:
    found = _STATUS.fullmatch(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
    if not found:
        raise expected("2xx, 204, 200-204 or a list of such", "status", "a status is 100 to 599")
    if found[1]:
        return int(found[1]) * 100, int(found[1]) * 100 + 99
    low, high = int(found[2]), int(found[3] or found[2])
    if low > high:
        raise expected("a range that goes up", "status", f"write {high}-{low}")
    return low, high


def _written_statuses(ranges: tuple[tuple[int, int], ...]) -> object:
    return ", ".join(f"{low // 100}xx" if high == low + 99 else f"{low}-{high}" for low, high in ranges)


def _read_body(value: object, *, top: bool = True) -> Any:
    if isinstance(value, dict):
        if top and value.keys() == {"file"}:
            return read_reference(value)
        return dict(zip(value, each_read(value.items(), _inside), strict=True))
    if isinstance(value, list):
        return each_read(enumerate(value), _inside)
    return read_reference(value) if isinstance(value, str) else value


def _inside(value: object) -> Any:
    return _read_body(value, top=False)

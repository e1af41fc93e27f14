"""The values of one request as its run needs them, and what of them must not be shown.

Whatever comes back, an error page or a library's own words, may quote what was sent, and mostly the part that it does
not like. So what goes into a failure's sentence passes through `shown`, which knows every value from elsewhere that
this request was made of and the pieces that it is made of, also as URLs, JSON and HTML write them.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from scheduler.core.references import HIDDEN, FileReference, Secret
from scheduler.referred_files import Unreadable
from scheduler.running.runners.call import RunFailure
from scheduler.running.runners.environment import content_of

SENTENCE_CHARACTERS = 300

# A value is hidden however short it is, a piece of it not: of the words and numbers of a body most short ones are
# ordinary (`hello`, `error`, a year, a port, the brace of an indented file), and with them hidden a failure would say
# nothing. A token or password worth its name is longer.
_PIECE_CHARACTERS = 6
# Of one value, so that one of any length costs a moment; a file has at most 128 KiB, and is looked at in whole.
_PIECES = 32 * 1024
_LOOKED_AT_CHARACTERS = 1024 * 1024

_SCHEMES = {"bearer", "digest", "negotiate", "apikey", "api-key"}  # those as long as a piece
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_BASE64 = re.compile(r"[\w+/-]{6,}={0,2}", re.ASCII)
_BETWEEN_FIELDS = re.compile("[&;?,]")
_BETWEEN_TOKENS = re.compile(r"""["'`<>(){}\[\],;&?|/]+""")
_AROUND_WORDS = "\"'`.,:;!?()[]{}<>"
_UNCHANGED = re.compile("[A-Za-z0-9]+")  # by all `_forms`, but for the case
_GROWTH = 12  # of one character in any of the `_forms`: a pair of surrogates in JSON

_IN_URL = re.compile("%[0-9A-F]{2}")
_JSON_OF_GO = str.maketrans({each: f"\\u{ord(each):04x}" for each in "&<>"})
_HTML_OF_GO = str.maketrans({each: f"&#{ord(each)};" for each in "'\""} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Values:
    """Reads the values of one request; file paths are as seen from the current folder."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._composed: set[str] = set()

    def text(self, name: str, value: object) -> str:
        """The text that `value`, a `core.references.Value`, stands for; RunFailure when its file cannot be read."""
        match value:
            case Secret():
                self._composed.add(value.reveal())
                self._secrets.update(value.variables or (value.reveal(),))
                return value.reveal()
            case FileReference():
                try:
                    content = content_of(name, value.path, "")
                except Unreadable as error:
                    raise RunFailure("rejected", str(error)) from None
                self.hide(content)
                return content
        assert isinstance(value, str), f"{name} is a {type(value).__name__}"
        return value

    def plain(self, name: str, value: object) -> object:
        """JSON with every value from elsewhere in it replaced by its text."""
        match value:
            case dict():
                return {key: self.plain(f"{name}.{key}", item) for key, item in value.items()}
            case list() | tuple():
                return [self.plain(f"{name}[{place}]", item) for place, item in enumerate(value)]
            case Secret() | FileReference():
                return self.text(name, value)
        return value

    def hide(self, secret: str) -> None:
        """Show this nowhere, in none of the ways to write it; nor a piece of it that says anything."""
        self._secrets.add(secret)

    def shown(self, text: str, *, cut_off: bool = False) -> str:
        """What may be shown of `text`, in one line of printable characters.

        Of a text that was `cut_off` the end is left out, for it may be the first half of a secret.
        """
        parts = self._parts() if text else set()  # only here, for most runs succeed and have nothing to hide it in
        if cut_off and parts:
            text = text[: -_longest_form(parts, len(text))]
        for form in sorted(_forms_in(text, parts), key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
        return line if len(line) <= SENTENCE_CHARACTERS else f"{line[: SENTENCE_CHARACTERS - 1]}…"

    def _parts(self) -> set[str]:
        """All that is hidden. What a value says beside its variables is config.yaml's, so its pieces are shown."""
        parts = {part for whole in self._composed | self._secrets for part in (whole, *_lines(whole))}
        for secret in self._secrets:
            parts.update(_parts_of_url(secret))
            parts.update(_pieces(secret))
        return parts - {""}


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if len(line.strip()) >= _PIECE_CHARACTERS)


def _pieces(secret: str) -> Iterator[str]:
    """What a receiver may quote of it, and of the pieces in turn; the larger ones first, where there are too many."""
    left, found, waiting = _LOOKED_AT_CHARACTERS, {secret}, deque([secret])
    while waiting and left > 0:
        text = waiting.popleft()[:left]
        left -= len(text)
        pieces = (piece.strip() for piece in _pieces_at_once(text))
        new = (piece for piece in pieces if len(piece) >= _PIECE_CHARACTERS and piece not in found)
        for piece in islice(new, _PIECES + 1 - len(found)):
            found.add(piece)
            waiting.append(piece)
            yield piece


def _pieces_at_once(text: str) -> Iterable[str]:
    """The pieces by the first thing that the text can be read as."""
    if (document := _json(text)) is not None:
        return _leaves(document)
    if _URL.match(text):
        return _parts_of_url(text)
    if len(lines := text.splitlines()) > 1:
        return lines
    words = text.split()
    return _pieces_of_line(text, words) if len(words) > 1 else _pieces_of_word(text)


def _json(text: str) -> object:
    """The values of a document, those of objects as lists, numbers as they are written; None if it is no JSON."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        return json.loads(
            text,
            parse_int=str,
            parse_float=str,
            object_pairs_hook=lambda pairs: [value for _, value in pairs],  # a name may be said twice
        )
    except (ValueError, RecursionError):
        return None


def _leaves(document: object) -> Iterator[str]:
    """Its texts and numbers; the names are of the receiver's making, and tell what it misses."""
    waiting = [document]
    while waiting:
        match waiting.pop():
            case list(values):
                waiting.extend(reversed(values))
            case str(leaf):
                yield leaf


def _pieces_of_line(line: str, words: list[str]) -> Iterator[str]:
    yield from _said(line)
    yield from words[1:] if words[0].lower() in _SCHEMES else words


def _pieces_of_word(word: str) -> Iterator[str]:
    yield from _said(word)
    yield word.strip(_AROUND_WORDS)
    yield from _BETWEEN_TOKENS.split(word)
    yield from (unquote(word), unquote_plus(word))
    yield _decoded(word)


def _said(text: str) -> Iterator[str]:
    """The values of a query, form or cookie, and both halves of a user and a password."""
    yield from (field.partition("=")[2] for field in _BETWEEN_FIELDS.split(text))
    user, _, password = text.partition(":")
    yield from (user, password)


def _decoded(word: str) -> str:
    """What it says in base64, as Basic credentials do; nothing if that is no text."""
    if not _BASE64.fullmatch(word):
        return ""
    try:
        raw = b64decode(word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4), altchars=b"-_")
    except NoBase64:
        return ""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1") if b":" in raw else "\0"  # older clients write credentials so; all else is no text
    return text if all(each.isprintable() or each.isspace() for each in text) else ""


def _parts_of_url(text: str) -> Iterator[str]:
    """What may be the secret of a URL, in whole and in pieces; nothing for a text that is none."""
    if "://" not in text:
        return
    place, _, after = text.partition("://")[2].partition("#")[0].partition("/")
    path, _, query = after.partition("?")
    words = unquote(place.rpartition("@")[0])
    yield from (words, words.partition(":")[2])
    yield from (f"/{part}" for part in (after, path) if part)
    yield query
    pieces = [*path.split("/"), *(each.partition("=")[2] for each in query.split("&"))]
    yield from (piece for piece in pieces if len(piece) >= _PIECE_CHARACTERS)


def _longest_form(parts: set[str], enough: int) -> int:
    """How long the longest way to write any of them is, if that is less than `enough`."""
    longest = 0
    for part in sorted(parts, key=len, reverse=True):
        longest = max(longest, len(part))
        if longest >= min(enough, _GROWTH * len(part)):
            break
        longest = max(longest, *map(len, _forms(part)))
    return longest


def _forms_in(text: str, parts: set[str]) -> set[str]:
    """The ways to write the parts which are found in the text."""
    lowered = text.lower()
    possible = (part for part in parts if len(part) <= len(text) or len(part.strip()) <= len(text))
    near = (part for part in possible if max(_UNCHANGED.findall(part), key=len, default="").lower() in lowered)
    return {form for part in near for form in _forms(part) if form and form in text}


def _forms(secret: str) -> Iterator[str]:
    """The ways in which requests, and programs that quote them, write it."""
    yield from (secret, secret.strip())
    raw = _bytes(secret)
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield from (quoted, _IN_URL.sub(lambda found: found[0].lower(), quoted))
    for quoted in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (quoted, quoted.translate(_JSON_OF_GO), quoted.replace("/", "\\/"))
    yield from (html.escape(secret), html.escape(secret, quote=False), secret.translate(_HTML_OF_GO))
    yield secret.lower()  # as part of a host's name


def _bytes(secret: str) -> bytes:
    try:
        return secret.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # JSON can say half a pair
        return secret.encode(errors="surrogatepass")

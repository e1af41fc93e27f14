"""The values of one request as its run needs them, and what of them must not be shown.

Whatever comes back, an error page or a library's own words, may quote what was sent. So what goes into a failure's
sentence passes through `shown`, which knows every value from elsewhere that this request was made of, also as URLs,
JSON and HTML write it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote

from scheduler.core.references import HIDDEN, FileReference, Secret
from scheduler.referred_files import Unreadable
from scheduler.running.runners.call import RunFailure
from scheduler.running.runners.environment import content_of

SENTENCE_CHARACTERS = 300
_TELLING_CHARACTERS = 8  # a shorter line may be the brace of a JSON file, which would hide every other one

_IN_URL = re.compile("%[0-9A-F]{2}")
_JSON_OF_GO = str.maketrans({each: f"\\u{ord(each):04x}" for each in "&<>"})
_HTML_OF_GO = str.maketrans({each: f"&#{ord(each)};" for each in "'\""} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Values:
    """Reads the values of one request; file paths are as seen from the current folder."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def text(self, name: str, value: object) -> str:
        """The text that `value`, a `core.references.Value`, stands for; RunFailure when its file cannot be read."""
        match value:
            case Secret():
                self.hide(value.reveal())
                for secret in value.variables or (value.reveal(),):
                    self._hide_from_elsewhere(secret)
                return value.reveal()
            case FileReference():
                try:
                    content = content_of(name, value.path, "")
                except Unreadable as error:
                    raise RunFailure("rejected", str(error)) from None
                self._hide_from_elsewhere(content)
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
        """Show this nowhere, in none of the ways to write it; nor a line of it that says anything."""
        lines = [line for line in secret.splitlines() if len(line) >= _TELLING_CHARACTERS]
        self._secrets.update(form for part in (secret, *lines) for form in _forms(part) if form)

    def _hide_from_elsewhere(self, secret: str) -> None:
        """Hide it; and if it is a URL, what it says beside the host, for receivers quote the path they do not know."""
        self.hide(secret)
        for part in _parts_of_url(secret):
            self.hide(part)

    def shown(self, text: str, *, cut_off: bool = False) -> str:
        """What may be shown of `text`, in one line of printable characters.

        Of a text that was `cut_off` the end is left out, for it may be the first half of a secret.
        """
        secrets = sorted(self._secrets, key=len, reverse=True)
        if cut_off and secrets:
            text = text[: -len(secrets[0])]
        for secret in secrets:
            text = text.replace(secret, HIDDEN)
        line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
        return line if len(line) <= SENTENCE_CHARACTERS else f"{line[: SENTENCE_CHARACTERS - 1]}…"


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
    yield from (piece for piece in pieces if len(piece) >= _TELLING_CHARACTERS)


def _forms(secret: str) -> Iterator[str]:
    """The ways in which requests, and programs that quote them, write it."""
    yield from (secret, secret.strip())
    raw = secret.encode(errors="surrogateescape")
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield from (quoted, _IN_URL.sub(lambda found: found[0].lower(), quoted))
    for quoted in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (quoted, quoted.translate(_JSON_OF_GO), quoted.replace("/", "\\/"))
    yield from (html.escape(secret), html.escape(secret, quote=False), secret.translate(_HTML_OF_GO))
    yield secret.lower()  # as part of a host's name

"""Passwords that were written into config.yaml itself, which no message is to spread any further.

The file may say what it likes, and whoever may read it knows. Its lines are quoted in logs, though, which others read:
so what is a password by its shape alone (in a URL, or behind a scheme of authorization) is covered, letter by letter,
for carets stand below the line.
"""

from __future__ import annotations

import re

_IN_URL = re.compile(r"(://[^\s/?#@:\"']*:)(?!\$\{)([^\s/?#@…\"']+)(?=[@…])")
_BEHIND_SCHEME = re.compile(r"(\b(?:Bearer|Basic)[ ]+)(?!\$\{|\{)([^\s\"',}\]]+)", re.IGNORECASE)


def covered(text: str) -> str:
    """The text with `*` for each letter of a password in it; references are none."""
    if "://" in text:
        text = _IN_URL.sub(_stars, text)
    return _BEHIND_SCHEME.sub(_stars, text)


def _stars(found: re.Match[str]) -> str:
    return found[1] + "*" * len(found[2])

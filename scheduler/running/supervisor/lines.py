"""Cuts what a run writes into lines of text, whatever it writes."""

from __future__ import annotations

import codecs

LINE_CHARACTERS = 16 * 1024
"""A longer line comes in pieces of this length, so that no job can make a log line of a gigabyte."""

_utf8 = codecs.getincrementaldecoder("utf-8")


class LineCutter:
    """The lines of one stream. LF ends a line, a CR before it is dropped; bytes that are not UTF-8 become U+FFFD."""

    def __init__(self) -> None:
        self._decoder = _utf8("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        text = self._rest + self._decoder.decode(data)
        *lines, self._rest = text.replace("\r\n", "\n").split("\n")
        if len(text) > LINE_CHARACTERS and max(map(len, (*lines, self._rest))) > LINE_CHARACTERS:
            lines = [piece for line in lines for piece in _pieces(line)]
            *pieces, self._rest = _pieces(self._rest)
            lines += pieces
        return lines

    def rest(self) -> list[str]:
        """What came after the last LF: one line or none."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return [rest] if rest else []


def _pieces(line: str) -> list[str]:
    """At least one piece, of LINE_CHARACTERS at most."""
    return [line[start : start + LINE_CHARACTERS] for start in range(0, len(line) or 1, LINE_CHARACTERS)]

r"""The streams that this process was given: some may be closed, some may not know all letters.

Where a stream's encoding lacks a letter of ours, a plain one of the same width stands for it, so that tables and
carets stay in line. Other letters, which are the user's, become `\u00fc`: as Python and JSON write them, and never an
error. A stream in UTF-8 is left as it is, but for file names that are not UTF-8, which would be errors too.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from pathlib import Path

PLAIN = {"·": "|", "…": "~", "→": ">", "⇥": ">", "–": "-", "—": "-", "×": "x"}  # noqa: RUF001 - the letters meant
_WAY = "leasebeat-plain"
_ASCII = "leasebeat_ascii"
_BEYOND_16_BITS = 0x10000


def prepare_streams() -> None:
    """Make the three streams fit for all that is written to them; what is closed reads empty and writes to nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  # for as long as this process lives
    codecs.register_error(_WAY, plainly)
    codecs.register(_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # click takes an ASCII stream for a mistake and writes UTF-8 to it, unless ASCII goes by another name.
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ASCII if is_ascii else None, errors=_WAY)


def plainly(error: UnicodeError) -> tuple[str, int]:
    """How `codecs` asks for what shall stand in place of the letters that cannot be written."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(PLAIN.get(letter) or _escaped(letter) for letter in letters), error.end


def _escaped(letter: str) -> str:
    number = ord(letter)
    if number < _BEYOND_16_BITS:
        return f"\\u{number:04x}"
    number -= _BEYOND_16_BITS  # JSON has two escapes for these
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"


def _ascii(name: str) -> codecs.CodecInfo | None:
    if name != _ASCII:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        name=_ASCII,
        encode=known.encode,
        decode=known.decode,
        incrementalencoder=known.incrementalencoder,
        incrementaldecoder=known.incrementaldecoder,
        streamreader=known.streamreader,
        streamwriter=known.streamwriter,
    )

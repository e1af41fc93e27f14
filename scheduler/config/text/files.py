"""The bytes of config.yaml, and whether they are text at all."""

from __future__ import annotations

import codecs
import os
import re
import stat
from pathlib import Path

from scheduler.config.document import Source
from scheduler.config.mistakes import Mistake
from scheduler.core.errors import ConfigError, Problem

LARGEST = 1 << 20  # bytes; what a ConfigMap can hold, and far more than a ledger's worth of jobs

_WIDE = {
    "UTF-32": codecs.BOM_UTF32_LE + b"|" + codecs.BOM_UTF32_BE,  # before UTF-16, whose mark begins theirs
    "UTF-16": codecs.BOM_UTF16_LE + b"|" + codecs.BOM_UTF16_BE,
    "UTF-32BE": rb"\0\0\0[^\0]",
    "UTF-32LE": rb"[^\0]\0\0\0",
    "UTF-16BE": rb"\0[^\0]\0[^\0]",
    "UTF-16LE": rb"[^\0]\0[^\0]\0",
}

# What YAML 1.2 (5.1, c-printable) leaves out; a NUL or an escape sequence means that this is no configuration.
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_source(path: Path) -> Source:
    """The text of the file. Raises `ConfigError` with the one thing that is wrong with the file as a whole."""
    raw = _bytes(path)
    if wide := _wide_encoding(raw):
        raise whole_file(path, f"the file is {wide}, expected UTF-8", "encoding", f"iconv -f {wide} -t UTF-8 {path}")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = Source(str(path), raw.decode("utf-8", "replace"))
        # Everything before the first bad byte decodes to what it would be alone.
        offset = len(raw[: error.start].decode("utf-8", "ignore"))
        mistake = Mistake(f"byte 0x{raw[error.start]:02x} is not UTF-8", "encoding", "save the file as UTF-8")
        raise ConfigError([before.problem("", mistake, offset, offset + 1)]) from None
    source = Source(str(path), text)
    if found := _NOT_TEXT.search(text):
        mistake = Mistake(f"character U+{ord(found[0]):04X} is not text", "binary", "is this a configuration file?")
        raise ConfigError([source.problem("", mistake, found.start(), found.end())])
    return source


def whole_file(path: Path, message: str, code: str, hint: str | None = None) -> ConfigError:
    """A mistake that has no place in the file; its line is 0."""
    return ConfigError([Problem(str(path), 0, 0, "", message, code, hint)])


def _bytes(path: Path) -> bytes:
    try:
        # Not to wait for whoever writes to a pipe, and not to take a device's endless bytes.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - see above
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(LARGEST + 1) if stat.S_ISREG(mode) else b""
    except FileNotFoundError:
        raise whole_file(path, "no such file", "no-file", "name it with --config FILE or LEASEBEAT_CONFIG") from None
    except IsADirectoryError:
        raise whole_file(path, "expected a file, got a directory", "directory", f"{path}/config.yaml?") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise whole_file(path, f"cannot be read: {reason}", "unreadable") from None
    if not stat.S_ISREG(mode):
        raise whole_file(path, f"expected a file, got a {_kind(mode)}", "no-regular-file", "save it as a file first")
    if len(raw) > LARGEST:
        raise whole_file(path, "larger than 1 MiB", "too-large", "a job table is text; what fills this file?")
    return raw


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _wide_encoding(raw: bytes) -> str | None:
    """UTF-16 or UTF-32, by its mark or by the NULs in its first letters (YAML 1.2, 5.2)."""
    return next((name for name, start in _WIDE.items() if re.match(start, raw, re.DOTALL)), None)

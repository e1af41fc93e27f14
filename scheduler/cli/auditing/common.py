"""The lines of which logs are full: a run that started, wrote or succeeded, exactly as this program tells it.

They are read from the bytes by one pattern each, five times as fast as a line of any kind, and say the same. Whatever
is unusual about a line (another prefix, a fold, an end not recorded) fits neither pattern, and is read with care
(`lines.py`).
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

_SECOND = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"
_PREFIX = rb"(?:\[[^\s\]]+\] )?"  # kubectl logs --prefix
_RUN = rb"([a-z0-9-]+)@" + _SECOND + rb"Z"
_EVENT = rb"run\.(output|started|succeeded)"
_TEXT = re.compile(
    _PREFIX + _SECOND + rb"\.(\d{3})Z [a-z]+ +" + _EVENT + rb" +" + _RUN + rb"(?: (?!attempt=)(?:[^\n]*))?\r?\n"
)
_JSON = re.compile(
    _PREFIX + rb'\{"timestamp":"' + _SECOND + rb'\.(\d{3})Z","level":"[a-z]+","event":"' + _EVENT + rb'",'
    rb'"replica":(?:null|"[^"\\]*"),"job":"[a-z0-9-]+","run":"' + _RUN + rb'","tick":"[0-9TZ:-]+","attempt":1,'
    rb"[^\n]*\}\r?\n"
)
_UNUSUAL = re.compile(rb' (?:recorded|repeated|to)=|"(?:recorded|repeated)":')

Common = tuple[float, bytes, bytes, int]
"""A line about attempt 1 of a tick: its time, `output`, `started` or `succeeded`, the job, the tick."""


def common_line(raw: bytes) -> Common | None:
    """The line, its end included, if it is one of these."""
    found = _TEXT.match(raw) or _JSON.match(raw)
    if found is None:
        return None
    second, milliseconds, verb, job, tick = found.groups()
    if verb == b"succeeded" and _UNUSUAL.search(raw, found.end(5)):
        return None
    try:
        return _seconds(second) + int(milliseconds) / 1000, verb, job, _seconds(tick)
    except ValueError:
        return None


@lru_cache(maxsize=4096)  # lines of one time stand close together
def _seconds(text: bytes) -> int:
    return int(datetime.fromisoformat(f"{text.decode()}+00:00").timestamp())

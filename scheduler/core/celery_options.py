"""What Celery's `send_task` accepts as the value of an option, for whoever reads or writes a table."""

from __future__ import annotations

import re

SECONDS = ("countdown", "time_limit", "soft_time_limit")
PRIORITIES = range(256)
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"


def wanted_of(name: str, value: object) -> str | None:
    """What this option of a Celery task has to be, if Celery would refuse the value whenever it is sent; else None."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if value is None:
        return None
    if name in SECONDS and not number >= 0:
        return "seconds, as a number"
    if name == "expires" and not number >= 0 and not (isinstance(value, str) and re.match(DATE, value)):
        return "seconds, or a time such as 2026-12-01T02:00:00Z"
    if name == "priority" and number not in PRIORITIES:
        return f"a whole number, 0 to {PRIORITIES[-1]}"
    return None

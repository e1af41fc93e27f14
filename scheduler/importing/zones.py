"""The time zone of this machine, which is what cron and an app without a zone of its own go by."""

from __future__ import annotations

import os
from pathlib import Path

from scheduler.core.timing.zones import UnknownZone, zone

_LINK = Path("/etc/localtime")
_NAME = Path("/etc/timezone")


def known_zone(name: str | None) -> str | None:
    """The name, if it is that of a time zone we have; UTC by its shortest name."""
    try:
        return zone("UTC" if name == "Etc/UTC" else name).key if name else None
    except UnknownZone:
        return None


def zone_here() -> str | None:
    """The zone that `TZ`, /etc/timezone or the link /etc/localtime name; None if none of them does."""
    return known_zone(os.environ.get("TZ", "").removeprefix(":")) or known_zone(_file()) or known_zone(_linked())


def _file() -> str | None:
    try:
        return _NAME.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _linked() -> str | None:
    try:
        return str(_LINK.readlink()).partition("zoneinfo/")[2]
    except OSError:
        return None

"""Instants as people read them: by the clock of a zone, and how far away they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def occasions(ticks: Sequence[datetime], tz: ZoneInfo) -> str:
    """Some instants in a row, saying once what they share: `Fri 27 Nov, Fri 4 Dec 2026 00:00 CET`."""
    shown = [tick.astimezone(tz) for tick in ticks]
    one_year, one_zone = _shared(shown, "%Y"), _shared(shown, "%Z")
    dates = [day_text(local) + ("" if one_year else f"{local: %Y}") for local in shown]
    times = [clock_text(local) + ("" if one_zone else f"{local: %Z}") for local in shown]
    year, abbreviation = (f"{shown[0]: %Y}" if one_year else ""), (f"{shown[0]: %Z}" if one_zone else "")
    if _shared(shown, "%H:%M:%S %Z"):
        return f"{', '.join(dates)}{year} {times[0]}{abbreviation}"
    if _shared(shown, "%Y-%m-%d"):
        return f"{dates[0]}{year} {', '.join(times)}{abbreviation}"
    *most, last = zip(dates, times, strict=True)
    return ", ".join([*(f"{date} {clock}" for date, clock in most), f"{last[0]}{year} {last[1]}{abbreviation}"])


def _shared(shown: Sequence[datetime], part: str) -> bool:
    return len({local.strftime(part) for local in shown}) == 1


def day_text(local: datetime) -> str:
    """The day without its year: `Fri 4 Dec`."""
    return f"{local:%a} {local.day} {local:%b}"


def clock_text(local: datetime) -> str:
    """The time of day, with seconds if there are any."""
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def distance_text(span: timedelta) -> str:
    """The two leading units: `4s`, `5m54s`, `6h33m`, `6d5h`."""
    seconds = round(abs(span.total_seconds()))
    units = [("d", seconds // 86400), ("h", seconds // 3600 % 24), ("m", seconds // 60 % 60), ("s", seconds % 60)]
    leading = next((index for index, (_, amount) in enumerate(units) if amount), 3)
    text = "".join(f"{amount}{unit}" for unit, amount in units[leading : leading + 2] if amount) or "0s"
    return f"-{text}" if span < timedelta(0) else text

"""Small parts of the page: escaped text, names, times, events."""

from __future__ import annotations

import html
from datetime import datetime, timedelta
from math import ceil

from scheduler.core.job import instant_text
from scheduler.telling.events import kind_of
from scheduler.telling.page.history import Notable
from scheduler.telling.shapes import elapsed, harmless, pair

TAIL = 8  # characters of a long name that are always shown: of a pod's, what tells it from its siblings
FITS_ANYWHERE = 16
LONGEST_DETAIL = 160
ALL_JOBS = "all jobs"  # are meant by a pause or its end that names none
YEAR_SHOWN_FROM = timedelta(days=300)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in any locale
_BAD = ("run.failed", "run.timed_out", "run.interrupted", "lead.lost", "lead.refused", "ledger.lost", "leader.stalled")
_UNTOLD = ("run", "job", "repeated", "ticks", "to")
_FINE = ("lead.acquired", "lead.released", "lead.resumed", "lead.standby", "lead.observed", "store.recovered")


def escape(text: str) -> str:
    """Text that is nothing but text, wherever it stands, and whatever characters it has."""
    return html.escape(harmless(text))


def shortened(text: str, longest: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def named(name: str) -> str:
    """A name that loses its middle where it is too long for its place; it can be copied and found as a whole."""
    if len(name) <= FITS_ANYWHERE:
        return f'<span class="name">{escape(name)}</span>'
    head, tail = escape(name[:-TAIL]), escape(name[-TAIL:])
    return f'<span class="name" title="{escape(name)}"><i>{head}</i>{tail}</span>'


def linked(name: str) -> str:
    """A job's name that leads to its row."""
    return f'<a href="#job-{escape(name)}">{escape(name)}</a>'


def lasted(span: timedelta) -> str:
    """A span in whole seconds: `0s`, `4s`, `5m54s`, `6d5h`."""
    seconds = span // timedelta(seconds=1)
    return elapsed(seconds * 1000) if seconds else "0s"


def ahead(span: timedelta) -> str:
    """How far away something is that will come: `in 4s`."""
    seconds = ceil(span.total_seconds())
    return f"in {elapsed(seconds * 1000)}" if seconds > 0 else "now"


def face(local: datetime, here: datetime) -> str:
    """A time as the page shows it `here` and now: the time of day, of another day with that day."""
    if local.date() == here.date():
        return f"{local:%H:%M:%S}"
    return f"{day(local, here)} {local:%H:%M}"


def day(local: datetime, here: datetime) -> str:
    """The day of a time: `29 Nov`, and of one that lies most of a year away `29 Nov 2028`."""
    year = f" {local.year}" if abs(local - here) > YEAR_SHOWN_FROM else ""
    return f"{local.day} {_MONTHS[local.month - 1]}{year}"


def event_line(event: Notable, here: datetime) -> str:
    """When, what, and about whom."""
    at = event.at.astimezone(here.tzinfo)
    tone = "bad" if event.event in _BAD else "dim" if event.event in _FINE else "warn"
    times = f" {event.count} times" if event.count > 1 else ""
    return (
        f'<time datetime="{instant_text(event.at)}">{face(at, here)}</time> '
        f'<span class="{tone}">{escape(event.event)}{times}</span> '
        f"<span>{escape(shortened(_about(event), LONGEST_DETAIL))}</span>"
    )


def _about(event: Notable) -> str:
    """The facts as a log line has them; what a run failed of, and the name of a thing, stand for themselves."""
    usual = kind_of(event.event).usual
    words = [str(event.facts[name] or ALL_JOBS) for name in ("run", "job") if name in event.facts]
    for name, fact in event.facts.items():
        if name in _UNTOLD or fact == usual.get(name) or (name == "reason" and "cause" in event.facts):
            continue
        if name == "cause" and event.event.startswith("run."):
            words.append(str(fact))
        elif told := pair(name, fact, event.facts):
            words.append(f"{told[0]} {told[1]}")
    return " ".join(words)

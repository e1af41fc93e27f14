"""The status page: one HTML file without a script, in five columns or, on a telephone, three lines a job.

Whatever comes from the Lease, from a job or from a person is escaped; nothing is shown that the log keeps from others
(`causes.py`). Every word stands for itself, so the page can be read without colours, aloud, or in a text browser.
"""

from __future__ import annotations

from datetime import datetime

from scheduler.core.timing.zones import zone
from scheduler.telling.page.head import lead_line, verdict
from scheduler.telling.page.history import FATES_KEPT
from scheduler.telling.page.overview import Identity, Overview
from scheduler.telling.page.parts import ahead, escape, event_line, linked
from scheduler.telling.page.pieces import in_pieces
from scheduler.telling.page.rows import WORDS, Rows
from scheduler.telling.page.style import STYLE

NAMED_FAILING = 10
_HEADS = ("job", "schedule", "next ({})", "last", f"last {FATES_KEPT}")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header>
<h1>leasebeat <span>{store}</span></h1>
{lead}
</header>
{main}</body>
</html>
"""

_MAIN = """<main>
<div class="sums">
{sums}
</div>
<table role="table">
<caption>Jobs</caption>
<thead role="rowgroup"><tr role="row">{heads}</tr></thead>
<tbody role="rowgroup">
{rows}
</tbody>
</table>
<div class="legend"><span>last {kept}, the newest at the end:</span> {legend}</div>
<h2 id="events">Last events</h2>
{events}
</main>
"""


class Page:
    """Makes the page."""

    def __init__(self, me: Identity, zone_name: str) -> None:
        self._me = me
        self._zone_name = zone_name
        self._zone = zone(zone_name)
        self._rows = Rows(self._zone)

    def html(self, overview: Overview) -> bytes:
        """The page as it is now; a standby's has its top line alone."""
        place = self._me.store.partition(":")[2] or self._me.store
        return _PAGE.format(
            title=escape(f"{verdict(overview)[0]}: leasebeat {place}"),
            style=STYLE,
            store=escape(place),
            lead=lead_line(self._me, overview),
            main=self._main(overview) if overview.leads else "",
        ).encode()

    def _main(self, overview: Overview) -> str:
        here = overview.now.astimezone(self._zone)
        heads = (head.format(self._zone_name) for head in _HEADS)
        return _MAIN.format(
            sums="\n".join(f"<p>{part}</p>" for part in self._sums(overview)),
            heads="".join(f'<th role="columnheader" scope="col" class="c{n}">{h}</th>' for n, h in enumerate(heads, 1)),
            rows="\n".join(self._rows.row(status, overview.now) for status in in_pieces(overview.jobs)),
            kept=FATES_KEPT,
            legend=" ".join(f"<span><b>{escape(sign)}</b> {word}</span>" for sign, word in WORDS.items()),
            events=_events(overview, here),
        )

    def _sums(self, overview: Overview) -> list[str]:
        jobs = overview.jobs
        failing = [status.name for status in jobs if status.past.failing]
        counts = [
            (sum(status.pause is not None for status in jobs), "paused"),
            (sum(not status.job.enabled for status in jobs), "disabled"),
            (sum(len(status.running) for status in jobs), "running"),
            (sum(status.retrying is not None for status in jobs), "retrying"),
        ]
        parts = [f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}"]
        parts += [_failing(failing)] if failing else []
        parts += [f"{count} {word}" for count, word in counts if count]
        parts += _next_of_all(overview)
        parts.append(f"config {escape(self._me.hash)}")
        parts.append('<a href="#events">last events</a>')
        if overview.others:
            others = ", ".join(f"{escape(one.replica)} has {escape(one.hash)}" for one in overview.others)
            parts.append(f'<span class="warn">another config: {others}</span>')
        return parts


def _failing(names: list[str]) -> str:
    shown = ", ".join(linked(name) for name in names[:NAMED_FAILING])
    more = f" and {len(names) - NAMED_FAILING} more" if len(names) > NAMED_FAILING else ""
    return f'<span class="bad">{len(names)} failing</span>: {shown}{more}'


def _next_of_all(overview: Overview) -> list[str]:
    coming = [(status.next[0], status.name) for status in overview.jobs if status.next and not status.pause]
    if not coming:
        return []
    tick, name = min(coming, key=lambda one: one[0])
    return [f"next: {linked(name)} {ahead(tick - overview.now)}"]


def _events(overview: Overview, here: datetime) -> str:
    if not overview.notable:
        return '<p class="dim">none</p>'
    lines = "\n".join(f"<li>{event_line(event, here)}</li>" for event in overview.notable)
    return f'<ol class="events">\n{lines}\n</ol>'

"""The top line of the page: who leads, since when, and whether all is well with that, in a word."""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduler.telling.page.overview import Identity, Leader, Overview
from scheduler.telling.page.parts import lasted, named

LAG_IS_LONG = timedelta(seconds=60)  # as the alert about a stalled leader has it


def verdict(overview: Overview) -> tuple[str, str]:
    """One word about the scheduler itself, as opposed to its jobs, and its tone."""
    if overview.leader is None:
        return "no leader", "bad"
    if not overview.leads:
        return "standby", "ok"
    if not overview.proven:
        return "unproven", "bad"
    if overview.lag and overview.lag > LAG_IS_LONG:
        return "lagging", "warn"
    return "ok", "ok"


def lead_line(me: Identity, overview: Overview) -> str:
    """Paragraphs: who, for how long, and the verdict."""
    word, tone = verdict(overview)
    parts = [f"<p>{part}</p>" for part in _facts(me, overview) if part]
    return "\n".join([*parts, f'<p class="badge {tone}">{word}</p>'])


def _facts(me: Identity, overview: Overview) -> list[str]:
    leader, last = overview.leader, overview.last
    if leader is None:
        ago = f" for {_seconds(last.renewed_ms)}" if last and last.renewed_ms is not None else ""
        return [f"<b>NO LEADER</b>{ago}", f"last {named(last.replica)} in term {last.term}" if last else ""]
    facts = [f"<b>LEADER</b> {named(leader.replica)}", _term(leader, overview.now)]
    if not overview.leads:
        return [*facts, _renewed(leader), f"this is {named(me.replica)}"]
    if not overview.proven:
        return [*facts, f"{_renewed(leader)}, so nothing starts"]
    return [*facts, f"lag {lasted(overview.lag)}" if overview.lag is not None else ""]


def _term(leader: Leader, now: datetime) -> str:
    since = leader.since
    return f"term {leader.term} for {lasted(now - since)}" if since and since <= now else f"term {leader.term}"


def _renewed(leader: Leader) -> str:
    return "" if leader.renewed_ms is None else f"renewed {_seconds(leader.renewed_ms)} ago"


def _seconds(ms: int) -> str:
    return lasted(timedelta(milliseconds=ms))

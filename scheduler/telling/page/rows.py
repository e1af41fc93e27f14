"""The rows of the page, one a job.

Most of a row stays what it is: of a job that ticks every night only the minutes until then change. So a row is kept,
with the moment up to which it looks the same, and of those that count seconds most of the text is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from math import ceil
from zoneinfo import ZoneInfo

from scheduler.core.notes.commands import Pause
from scheduler.telling.page.history import FATES, FATES_KEPT, RUNNING, Ended, Retrying
from scheduler.telling.page.overview import JobStatus
from scheduler.telling.page.parts import ahead, day, escape, face, lasted, named, shortened
from scheduler.telling.shapes import elapsed
from scheduler.telling.values import tick_of

LONGEST_REASON = 80
MIDNIGHT = time()
DAY = timedelta(days=1)
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
WORDS = {
    **{character: outcome.replace("_", " ") for outcome, character in FATES.items()},
    FATES["retried"]: "succeeded after a retry",
    RUNNING: "running",
}
"""What each character of the last column stands for."""
_TONES = {**dict.fromkeys("fti", "bad"), **dict.fromkeys("rsd", "warn"), RUNNING: "run"}
_OUTCOME_TONES = {"succeeded": "ok", "skipped": "warn", "dropped": "warn"}


@dataclass(slots=True)
class _Made:
    """A row as it looks from `since` until just before `until`; the parts `before` and `after` its next tick.

    The latter shows a time, so it holds for one `day` only.
    """

    status: JobStatus
    before: str
    after: str
    day: date
    text: str
    since: datetime
    until: datetime


class Rows:
    """Makes rows with times by the clock of one zone; for one thread."""

    def __init__(self, tz: ZoneInfo) -> None:
        self._zone = tz
        self._made: dict[str, _Made] = {}

    def row(self, status: JobStatus, now: datetime) -> str:
        """The job's row at this instant, in UTC."""
        made = self._made.get(status.name)
        if made and made.status is status and made.since <= now < made.until:
            return made.text
        here = now.astimezone(self._zone)
        if made is None or made.status is not status or made.day != here.date() or _counts(status):
            after = _after(status, here)
            made = self._made[status.name] = _Made(status, _before(status), after, here.date(), "", now, now)
        made.text = f"{made.before}{_following(status, now, self._zone)}{made.after}"
        made.since, made.until = now, _shown_until(status, now, self._zone)
        return made.text


def _counts(status: JobStatus) -> bool:
    """Whether seconds are counted of what it does now."""
    return bool(status.running or status.retrying)


def _before(status: JobStatus) -> str:
    return (
        f'<tr role="row" id="job-{escape(status.name)}">'
        f'<th role="rowheader" scope="row" aria-label="{escape(status.name)}">{named(status.name)}</th>'
        f'<td role="cell">{escape(status.words)}</td><td role="cell">'
    )


def _after(status: JobStatus, here: datetime) -> str:
    return f'</td><td role="cell">{_last(status, here)}</td><td role="cell">{_strip(status)}</td></tr>'


def _shown_until(status: JobStatus, now: datetime, tz: ZoneInfo) -> datetime:
    """When the row will look different, be it that a time is shown by its day no more; `now` if in a second."""
    if _counts(status):
        return now
    midnight = datetime.combine(now.astimezone(tz).date() + DAY, MIDNIGHT, tz).astimezone(UTC)
    if status.pause or not status.next:
        return midnight
    seconds = ceil((status.next[0] - now).total_seconds())
    if seconds < _HOUR_S:
        return now
    unit = _MINUTE_S if seconds < _DAY_S else _HOUR_S
    return min(midnight, status.next[0] - timedelta(seconds=seconds // unit * unit - 1))


def _following(status: JobStatus, now: datetime, tz: ZoneInfo) -> str:
    """When the job ticks next, or why it does not."""
    here = now.astimezone(tz)
    if not status.job.enabled:
        return '<span class="dim">disabled</span>'
    if status.pause:
        return _paused(status.pause, here, tz)
    if not status.next:
        return f'<span class="dim">{"no more" if status.job.schedule else "when asked"}</span>'
    tick = status.next[0].astimezone(tz)
    moment = f'<time datetime="{tick.isoformat()}">{face(tick, here)}</time>'
    return f'<span class="next">{moment} <span class="dim">{ahead(status.next[0] - now)}</span></span>'


def _paused(pause: Pause, here: datetime, tz: ZoneInfo) -> str:
    text, until = "paused", pause.until and pause.until.astimezone(tz)
    if until:
        is_day = until.time() == MIDNIGHT and until.date() != here.date()
        text += f" to {day(until, here) if is_day else face(until, here)}"
    reason = pause.reason and f' <span class="dim">{escape(shortened(pause.reason, LONGEST_REASON))}</span>'
    return f'<span class="warn">{text}</span>{reason or ""}'


def _last(status: JobStatus, here: datetime) -> str:
    """What runs, or waits for its next attempt, or else what became of the last tick."""
    if status.running:
        return _running(status, here)
    if status.retrying:
        return _retrying(status, status.retrying, here)
    last = status.past.last
    if last is None:
        return '<span class="dim">none in this term</span>'
    tone = _OUTCOME_TONES.get(last.outcome, "bad")
    details = [last.cause or _took(last)]
    if last.attempt > 1 and last.outcome != "interrupted":
        details.append(_of_attempts(status, last.attempt))
    outcome = f'<span class="{tone}">{escape(last.outcome.replace("_", " "))}</span>'
    return f"{outcome} {_tick(last.run, here)} {_joined(details)}".rstrip()


def _took(last: Ended) -> str:
    if last.took_ms is None:
        return ""
    return f"{'in' if last.outcome == 'succeeded' else 'after'} {elapsed(last.took_ms)}"


def _tick(run: str, here: datetime) -> str:
    instant = tick_of(run)
    if instant is None:
        return ""
    tick = instant.astimezone(here.tzinfo)
    return f'<time datetime="{tick.isoformat()}">{face(tick, here)}</time>'


def _of_attempts(status: JobStatus, attempt: int) -> str:
    most = status.job.policy.retries + 1
    return f"{attempt}/{most}" if attempt <= most else f"att. {attempt}"


def _joined(details: Iterable[str]) -> str:
    return escape(", ".join(detail for detail in details if detail))


def _retrying(status: JobStatus, waiting: Retrying, here: datetime) -> str:
    next_one = f"{_of_attempts(status, waiting.attempt)} {ahead(waiting.at - here)}"
    return f'<span class="warn">retrying</span> {_joined([waiting.cause or "", next_one])}'


def _running(status: JobStatus, now: datetime) -> str:
    _run, attempt, since = status.running[0]
    word = "running" if len(status.running) == 1 else f"{len(status.running)} running"
    details = [lasted(now - since) if since and since <= now else ""]
    details += [f"att. {attempt}"] if attempt > 1 else []
    return f'<span class="run">{word}</span> {_joined(details)}'.rstrip()


def _strip(status: JobStatus) -> str:
    """The last fates, the newest last, then what runs."""
    signs = (status.past.fates + RUNNING * len(status.running))[-FATES_KEPT:]
    if not signs:
        return ""
    counted = ", ".join(f"{count} {WORDS[sign]}" for sign, count in Counter(signs).items())
    pieces = ((_TONES.get(sign), "".join(same)) for sign, same in groupby(signs))
    shown = "".join(f'<span class="{tone}">{escape(text)}</span>' if tone else text for tone, text in pieces)
    return f'<span class="strip" role="img" aria-label="{counted}">{shown}</span>'

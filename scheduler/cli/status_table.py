"""The status for people: who leads, what the Lease says, and a line a job, in 100 columns.

JOB             NEXT (Europe/Berlin)           LAST                             TOOK   RUNNING
hello           20:41:10          in 4s        succeeded  20:41:05              5ms    -
rebuild         Sun 29 Nov 02:00  in 6d5h      -          none in term 7        -      1h12m, 2nd

Times of day are by the clock of the table's zone, alone for today and within half a day, else with their day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.cli.instants import clock_text, day_text, distance_text
from scheduler.cli.status_facts import Found
from scheduler.core.timing.zones import UnknownZone, zone
from scheduler.telling.shapes import elapsed, harmless
from scheduler.telling.values import instant_of, tick_of

COLUMNS = 100
WIDEST = (52, 16, 11, 11, 60, 6, 13)  # of each column; what is longer is cut short
NARROWEST_NAME, NARROWEST_WHY = 12, 24
GAP = "  "
UNKNOWN = "?"
NOTHING = "-"
SOON = timedelta(hours=12)
ALMOST_A_YEAR = timedelta(days=360)  # within it the day and the month are enough
A_DAY = timedelta(days=1)
A_WEEK = timedelta(days=6)  # within it a weekday is enough
_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"
_COLOURS = {
    **dict.fromkeys(("failed", "timed out", "interrupted"), _RED),
    **dict.fromkeys(("skipped", "dropped", "retrying"), _YELLOW),
    "succeeded": _GREEN,
}
FAILURES = ("failed", "timed_out", "interrupted")

JsonObject = Mapping[str, Any]
Row = tuple[str, str, str, str, str, str, str]
"""A line's cells: the job, the next tick and how far it is, the last outcome and its tick, how long, what runs."""


def status_lines(found: Found, *, failed: bool = False, colour: bool = False) -> list[str]:
    """All lines; with `failed` only the jobs whose last run did not succeed."""
    paint = _painted if colour else _plain
    page = _Page(found)
    jobs = [job for job in found.document["jobs"] if not failed or _is_failing(job)]
    lines = [*page.head(paint), ""]
    if jobs:
        lines += _table([page.header, *(page.row(job) for job in jobs)], paint)
    elif failed and found.document["complete"]:
        lines.append("no job's last run failed")
    else:
        lines.append("what ran is not known" if failed else "the jobs are not known: there is no config.yaml here")
    why = found.document["why"]
    return [*lines, *(["", paint(harmless(why), _YELLOW)] if why else [])]


def _is_failing(job: JsonObject) -> bool:
    last = job.get("last") or {}
    return bool(job.get("failing")) or last.get("outcome") in FAILURES


def _waiting(job: JsonObject) -> JsonObject | None:
    """A run that waits for its next attempt, in the shape of a last run; none while another run of the job runs."""
    waiting = job.get("retrying")
    if not waiting or job.get("running"):
        return None
    return {"run": waiting.get("run"), "outcome": "retrying", "error": waiting.get("error")}


def _of_attempts(last: JsonObject) -> list[str]:
    """Which of its attempts it was, if not the first; after an interruption, which is no retry, there may be more."""
    attempt = last.get("attempt", 1)
    if attempt <= 1:
        return []
    most = last.get("attempts", attempt)
    return [f"{attempt}/{most}" if attempt <= most else f"att. {attempt}"]


def _plain(text: str, _colour: str) -> str:
    return text


def _painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


class _Page:
    """The words of one status."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._document = found.document
        self._now = found.now
        self._zone_name, self._zone = _zone(str(self._document["zone"]))

    @property
    def header(self) -> Row:
        return ("JOB", f"NEXT ({self._zone_name})", "", "LAST", "", "TOOK", "RUNNING")

    def head(self, paint: Any) -> list[str]:
        leader = self._leader_line()
        lines = [leader if self._found.leads else paint(leader, _RED), self._lease_line()]
        return [*lines, *self._other_lines()]

    def _leader_line(self) -> str:
        leader = self._document["leader"]
        if leader is None:
            return f"leader  {self._nobody()}"
        since = instant_of(leader["since"])
        term = f"term {leader['term']}"
        if since:
            term += f" since {leader['since']} ({distance_text(self._now - since)})"
        facts = [term, *([f"renewed {_ago(leader['renewed_ms'])}"] if leader["renewed_ms"] is not None else [])]
        tail = "".join(f"{GAP} {fact}" for fact in facts)
        return f"leader  {middle_cut(leader['replica'], COLUMNS - len('leader  ') - len(tail))}{tail}"

    def _nobody(self) -> str:
        state, last = self._found.lease, self._document["last_leader"]
        match state.word:
            case "none":
                return f"none: there is no Lease {self._document['lease']['store']}"
            case "foreign" | "adopted" | "newer":
                return f"none: {state.sentence}"
        if last is None:
            return f"none: {state.sentence}"
        silent = f" for {elapsed(last['renewed_ms'] // 1000 * 1000)}" if last["renewed_ms"] is not None else ""
        if not last["replica"]:
            return f"none{silent}, released in term {last['term']}"
        tail = f" in term {last['term']}"
        head = f"none{silent}, last "
        return head + middle_cut(last["replica"], COLUMNS - len("leader  ") - len(head) - len(tail)) + tail

    def _lease_line(self) -> str:
        lease = self._document["lease"]
        settled, lag = instant_of(lease["settled"]), lease["lag_ms"]
        facts = [lease["timings"]]
        if not self._document["other_tables"]:
            facts.append(f"config {lease['hash']}" if lease["hash"] else None)
        if settled:
            lagging = "" if lag is None else f", lag {distance_text(timedelta(seconds=lag // 1000))}"
            facts.append(f"settled {self._utc(settled)}{lagging}")
        tail = "".join(f"{GAP} {fact}" for fact in facts if fact)
        return f"lease   {middle_cut(lease['store'], COLUMNS - len('lease   ') - len(tail))}{tail}"

    def _other_lines(self) -> list[str]:
        lines = []
        if others := self._document["other_tables"]:
            counts = Counter(str(one["hash"])[:16] for one in others)
            told = ", ".join(
                f"{_count(count, 'replica has', 'replicas have')} {table}" for table, count in counts.items()
            )
            lines.append(_cut(f"config  {self._document['lease']['hash'] or UNKNOWN}; {told}", COLUMNS))
        if waiting := self._document["waiting"]:
            lines.append(f"asked   {_count(waiting, 'command waits', 'commands wait')} for the leader")
        return lines

    def _utc(self, instant: datetime) -> str:
        """The time of day, and the day where that is not today."""
        today = instant.date() == self._now.astimezone(UTC).date()
        return f"{instant:%H:%M:%SZ}" if today else f"{instant:%Y-%m-%dT%H:%M:%SZ}"

    def row(self, job: JsonObject) -> Row:
        """A job's line."""
        if not self._document["complete"]:
            return (str(job["name"]), *self._next(job), UNKNOWN, "", UNKNOWN, UNKNOWN)
        return (str(job["name"]), *self._next(job), *self._last(job), self._running(job))

    def _next(self, job: JsonObject) -> tuple[str, str]:
        if pause := job.get("paused"):
            until = instant_of(pause.get("until"))
            return f"paused to {self._end(until)}" if until else "paused", _word(pause.get("reason"))
        if job.get("enabled") is False:
            return "disabled", ""
        ticks = [tick for tick in map(instant_of, job.get("next") or ()) if tick and tick > self._now]
        if ticks:
            return self._when(ticks[0], exact=True), f"in {distance_text(ticks[0] - self._now)}"
        return ("manual" if job.get("schedule") == "manual" else "none to come"), ""

    def _last(self, job: JsonObject) -> tuple[str, str, str]:
        """What became of the last run; of one that waits for its next attempt, why the one before failed."""
        last = _waiting(job) or job.get("last")
        if not last:
            leader = self._document["leader"]
            return NOTHING, f"none in term {leader['term']}" if leader else "", NOTHING
        outcome, tick = str(last["outcome"]).replace("_", " "), tick_of(str(last["run"]))
        why = "" if outcome == "succeeded" else _word(last.get("error") or last.get("reason"))
        words = [word for word in (self._when(tick, exact=False) if tick else "", why) if word]
        words[-1:] = [", ".join([*words[-1:], *_of_attempts(last)])]
        took = last.get("took_ms")
        return _word(outcome), GAP.join(words), NOTHING if took is None else elapsed(took)

    def _running(self, job: JsonObject) -> str:
        runs = job.get("running") or ()
        if not runs:
            return self._retrying(job.get("retrying") or {})
        begins = [since for since in (instant_of(one.get("since")) for one in runs) if since]
        words = [distance_text(max(self._now - min(begins), timedelta(0)))] if begins else []
        attempt = runs[0].get("attempt", 1)
        if len(runs) > 1:
            words.append(f"{len(runs)} runs")
        elif attempt > 1:
            words.append(_ordinal(attempt))
        return ", ".join(words) or "yes"

    def _retrying(self, waiting: JsonObject) -> str:
        """Which attempt begins when, after one that failed."""
        at = instant_of(waiting.get("at"))
        if at is None:
            return NOTHING
        return f"{_ordinal(waiting.get('attempt', 0))} in {distance_text(max(at - self._now, timedelta(0)))}"

    def _when(self, instant: datetime, *, exact: bool) -> str:
        local, today = instant.astimezone(self._zone), self._now.astimezone(self._zone)
        distance = abs(instant - self._now)
        if local.date() == today.date() and distance < SOON:
            return f"{local:%H:%M:%S}" if exact else clock_text(local)
        if distance < A_WEEK:
            return f"{local:%a} {clock_text(local)}"
        if local.year != today.year:
            return f"{local.day} {local:%b %Y}"
        return f"{day_text(local)} {clock_text(local)}"

    def _end(self, until: datetime) -> str:
        """The end of a pause: within a day the time, else the day, and where that is far away the year."""
        local = until.astimezone(self._zone)
        if until - self._now < A_DAY:
            return f"{local:%H:%M}"
        return f"{local.day} {local:%b}" if until - self._now < ALMOST_A_YEAR else f"{local.year}"


def _table(rows: Sequence[Row], paint: Any) -> list[str]:
    cells = [[_cut(cell, widest) for cell, widest in zip(row, WIDEST, strict=True)] for row in rows[1:]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    header = rows[0]
    # A heading of two columns is as wide as both.
    widths[0] = max(widths[0], len(header[0]))
    widths[2] = max(widths[2], len(header[1]) - widths[1] - len(GAP))
    widths[4] = max(widths[4], len(header[3]) - widths[3] - len(GAP))
    widths[5] = max(widths[5], len(header[5]))
    widths[6] = max(widths[6], len(header[6]))
    # Names and why a run failed share what the others leave; the latter takes what is left of it, and a fair part.
    left = COLUMNS - len(GAP) * (len(widths) - 1) - sum(widths) + widths[0] + widths[4]
    widths[4] = min(widths[4], max(NARROWEST_WHY, left - widths[0]), left - NARROWEST_NAME)
    widths[0] = min(widths[0], left - widths[4])
    lines = [paint(_header(header, widths), _DIM)]
    for row in cells:
        row[0], row[4] = middle_cut(row[0], widths[0]), _cut(row[4], widths[4])
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        padded[0] = paint(padded[0], _BOLD)
        if colour := _COLOURS.get(row[3]):
            padded[3] = paint(padded[3], colour)
        lines.append(GAP.join(padded).rstrip())
    return lines


def _header(header: Row, widths: Sequence[int]) -> str:
    two = len(GAP)
    spans = (widths[0], widths[1] + two + widths[2], widths[3] + two + widths[4], widths[5], widths[6])
    words = (header[0], header[1], header[3], header[5], header[6])
    return GAP.join(word.ljust(span) for word, span in zip(words, spans, strict=True)).rstrip()


def middle_cut(text: str, width: int) -> str:
    """The text in so many columns, without its middle where it is longer: what begins alike may end differently."""
    if len(text) <= width:
        return text
    kept = max(width - 1, 2)
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _word(text: object) -> str:
    return "" if text is None else harmless(str(text))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _ordinal(number: int) -> str:
    teens = 10 <= number % 100 < 20  # noqa: PLR2004 - eleventh to nineteenth
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _ago(ms: int) -> str:
    return f"{distance_text(timedelta(seconds=ms // 1000))} ago"


def _zone(name: str) -> tuple[str, ZoneInfo]:
    """The zone, by a name that another version wrote; UTC where this machine does not know it."""
    try:
        return name, zone(name)
    except UnknownZone:
        return "UTC", zone("UTC")

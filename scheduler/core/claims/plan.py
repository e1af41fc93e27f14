"""The plan of one write: what becomes of every tick that is due, decided from the ledger and nothing else that lasts.

A leader that wants to write asks this module what the next ledger says. In this order (rules 14 to 19): our own open
runs, runs that others left open, what people asked for, then the ticks that fell due, oldest first over all jobs. Each
tick is claimed, which entitles to start it once the write is accepted, or decided against with a reason, or left for a
later plan by leaving its mark below it. Nothing here has an effect: if the write is refused, the plan is forgotten and
made again from what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from scheduler.core.claims.asked import acks_after, answer_commands, notes_after
from scheduler.core.claims.open_runs import review_open_runs
from scheduler.core.claims.planning import Page, Plan, Situation
from scheduler.core.claims.ticks import decide_ticks
from scheduler.core.job import JobTable
from scheduler.core.ledger import MANY_JOBS, Did, Ledger, OpenRun, fingerprints_in, size_of
from scheduler.core.notes.commands import Pause

FULL_BYTES = 192 * 1024  # an object's annotations end at 256 KiB, and others have some
CROWDED_BYTES = 96 * 1024


def plan(ledger: Ledger, situation: Situation) -> Plan:
    """Decide what can be decided now; a pure function of its arguments.

    A ledger that would be too long claims nothing new (rule 31): what is due stays above its mark.
    """
    made = _plan(ledger, situation)
    size = size_of(made.ledger)
    if size > FULL_BYTES and made.claims:
        made = _plan(ledger, replace(situation, slots=0, full=True))
    return replace(made, full_bytes=size) if size > FULL_BYTES else made


def missed(ledger: Ledger, table: JobTable, now: datetime, pauses: Mapping[str, Pause]) -> int:
    """How many ticks are due and undecided: what a new leader finds undone, of jobs that it may serve (rule 20).

    Those that fell due in a pause are not missed by anybody.
    """
    outdated, known = table.revision < ledger.rev, fingerprints_in(ledger.known)
    count = 0
    for fingerprint, job in table.ticking.items():
        if job.schedule and not (outdated and fingerprint not in known):
            mark, pause = ledger.mark(fingerprint, table.loaded_at), pauses.get(job.name)
            count += job.schedule.count(max(mark, pause.until or now) if pause else mark, now)
    return count


def _plan(ledger: Ledger, situation: Situation) -> Plan:
    page = Page(ledger, situation)
    review_open_runs(page)
    answer_commands(page)
    if not situation.leaving:
        decide_ticks(page)
    made = _fair_copy(page)
    is_crowded = size_of(made.ledger) > CROWDED_BYTES
    return replace(made, ledger=replace(made.ledger, did=_counted(made.ledger.did))) if is_crowded else made


def _fair_copy(page: Page) -> Plan:
    """The plan as a whole: the ledger with its runs and marks as they shall be, and what this write did."""
    fates = (Did(fate.job, fate.first, fate.last, fate.count, fate.reason) for fate in page.fates)
    marked = page.ledger if page.at.leaving else _with_marks_moved(page)
    ledger = replace(marked, open=_as_claimed(page), did=(*fates, *page.recorded), acks=acks_after(page))
    notes = notes_after(page)
    return Plan(
        ledger=ledger,
        notes=notes,
        claims=tuple(page.claims),
        ended=tuple(page.ended),
        failed=tuple(page.failed),
        fates=tuple(page.fates),
        answers=tuple(page.answers),
        pauses_over=tuple(page.pauses_over),
        declined=tuple(page.declined),
        undecided=page.undecided,
        too_early=page.too_early,
        waiting=page.waiting,
        vain=_is_vain(page, ledger, notes),
    )


def _as_claimed(page: Page) -> tuple[OpenRun, ...]:
    """The open runs in the order in which they were claimed first, for the last of a job replaces those before it."""
    places = {entry.run: place for place, entry in enumerate(page.ledger.open)}
    return tuple(sorted(page.open, key=lambda entry: places.get(entry.run, len(places))))


def _is_vain(page: Page, ledger: Ledger, notes: Mapping[str, str]) -> bool:
    """Whether writing this would change nothing; a claim or an end always does."""
    if page.at.first_of_term or page.claims or page.ended:
        return False
    return notes == page.at.notes and ledger == replace(page.ledger, did=())


def _with_marks_moved(page: Page) -> Ledger:
    """Rule 19: `settled` moves to the greatest tick decided, and who lags behind it is named."""
    at, table = page.at, page.at.table
    settled = max(page.settled, page.decided_up_to or page.settled)
    if at.first_of_term:
        settled = max(settled, at.now.replace(microsecond=0))
    behind = _behind(page, settled)
    if page.outdated:
        return replace(page.ledger, settled=settled, behind=behind | _frozen(page, settled))
    return replace(page.ledger, rev=table.revision, settled=settled, known=table.known, behind=behind)


def _behind(page: Page, settled: datetime) -> dict[str, datetime]:
    """Who has an undecided tick at or below `settled`.

    A mark may be anywhere from the last tick decided to just before the next, so definitions share as few as they can:
    thousands with a mark of their own each would outgrow the annotation.
    """
    lagging = []
    for fingerprint, mark in page.marks.items():
        schedule = page.at.table.ticking[fingerprint].schedule
        undecided = schedule.after(mark) if schedule else None
        if undecided and undecided <= settled:
            lagging.append((undecided, mark, fingerprint))
    behind: dict[str, datetime] = {}
    for _, group in groupby(sorted(lagging), key=_Groups()):
        members = list(group)
        shared = max(mark for _, mark, _ in members)
        behind |= {fingerprint: shared for *_, fingerprint in members}
    return behind


class _Groups:
    """Groups spans, from a mark to the next tick, given in the order of their ends, by an instant that they share."""

    def __init__(self) -> None:
        self._ends: datetime | None = None

    def __call__(self, span: tuple[datetime, datetime, str]) -> datetime:
        undecided, mark, _ = span
        if self._ends is None or mark >= self._ends:
            self._ends = undecided
        return self._ends


def _frozen(page: Page, settled: datetime) -> dict[str, datetime]:
    """Rule 20: what a newer table has and ours has not keeps its mark until that table leads again."""
    strangers = fingerprints_in(page.ledger.known) - page.at.table.ticking.keys()
    marks = {fingerprint: page.mark(fingerprint) for fingerprint in strangers}
    return {fingerprint: mark for fingerprint, mark in marks.items() if mark < settled}


def _counted(did: Iterable[Did]) -> tuple[Did, ...]:
    """One row for all ticks of one fate, of whatever job: `*` (rule 31)."""
    counted: dict[str, Did] = {}
    for row in did:
        known = counted.setdefault(row.fate, Did(MANY_JOBS, row.first, row.last, 0, row.fate))
        first, last = min(known.first, row.first), max(known.last, row.last)
        counted[row.fate] = Did(MANY_JOBS, first, last, known.count + row.count, row.fate)
    return tuple(counted.values())

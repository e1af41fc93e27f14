"""What becomes of ticks that fell due: claimed, skipped, dropped, or left for a later plan (rules 18, 23, 25).

The oldest of all jobs goes first, unless a job was left waiting for long: else one that has more to do than ever gets
done would keep the others behind its backlog. A tick that cannot be decided yet leaves its job's mark below it, and
what follows it waits as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from scheduler.core.claims.catch_up import Backlog, Drop, backlog, drop_all
from scheduler.core.claims.planning import Fate, Page
from scheduler.core.job import CatchUp, Job, Overlap, instant_text
from scheduler.core.ledger import OpenRun, fingerprints_in
from scheduler.core.notes.commands import Pause

PAUSED_TICKS_SHARE_A_LINE = timedelta(hours=1)

_NO_RANK = (True, 0.0)


class _Due(NamedTuple):
    """A tick to be decided.

    `newest`: its job has none newer that is due. `early`: it is not due yet, but may be claimed ahead of its time.
    """

    tick: datetime
    job: str
    fingerprint: str
    newest: bool
    early: bool = False


def decide_ticks(page: Page) -> None:
    """Decide what can be decided now of all that is due, and soon will be, above its mark."""
    due: list[deque[_Due]] = []
    horizon = max(page.at.now + page.at.longest_ahead, page.settled)
    served = _served(page)
    for (fingerprint, job), mark in zip(served, page.marks_of(served), strict=True):
        first = job.schedule.after(mark) if job.schedule else None
        if first and first <= horizon:
            page.marks[fingerprint] = mark
            due.append(deque(_due(page, fingerprint, job, page.at.ahead_of(job))))
    for ticks in _in_turn(page, [ticks for ticks in due if ticks]):
        job = page.at.table.jobs[ticks[0].job]
        if _decide(page, ticks, job):
            ticks.popleft()
        else:
            page.undecided = True
            page.too_early = page.too_early or any(due.early for due in ticks)
            ticks.clear()


def _in_turn(page: Page, due: Collection[deque[_Due]]) -> Iterator[deque[_Due]]:
    """The ticks of the job whose first is next, again and again; what is due goes before what is not.

    Whoever takes them decides on the first, and leaves those that are to have another turn.
    """
    turns = [(ticks[0].early, *_rank(page, ticks[0].job), ticks[0], ticks) for ticks in due]
    heapify(turns)
    while turns:
        *_, first, ticks = heappop(turns)
        claims = len(page.claims)
        yield ticks
        if ticks:
            rank = _NO_RANK if len(page.claims) > claims else _rank(page, first.job)
            heappush(turns, (ticks[0].early, *rank, ticks[0], ticks))


def _rank(page: Page, job: str) -> tuple[bool, float]:
    """What goes before the age of its tick: whether the job was left waiting for long, and since when."""
    since = page.at.starved.get(job)
    return _NO_RANK if since is None else (False, since)


def _served(page: Page) -> Collection[tuple[str, Job]]:
    """Rule 20: an older table than the ledger's serves only what the newer one has as well."""
    ticking = page.at.table.ticking
    if not page.outdated:
        return ticking.items()
    known = fingerprints_in(page.ledger.known)
    return [(fingerprint, job) for fingerprint, job in ticking.items() if fingerprint in known]


def _due(page: Page, fingerprint: str, job: Job, ahead: timedelta) -> Iterable[_Due]:
    """Drop what nobody wants, and list the rest."""
    pause = page.pauses.get(job.name) or page.resumed.get(job.name)
    if (page.reset or pause) and not _drop_unwanted(page, fingerprint, job, pause):
        return ()
    mark = page.marks[fingerprint]
    found = _backlog(page, job, mark)
    _drop(page, fingerprint, job, found.drops)
    due = [_Due(tick, job.name, fingerprint, newest=tick == found.ticks[-1]) for tick in found.ticks]
    latest = found.ticks[-1] if found.ticks else page.marks[fingerprint]
    upcoming = job.schedule.after(latest) if job.schedule and ahead else None
    if upcoming and job.due(upcoming) <= page.at.now + ahead:
        due.append(_Due(upcoming, job.name, fingerprint, newest=True, early=True))
    return due


def _backlog(page: Page, job: Job, mark: datetime) -> Backlog:
    """What the job has due; found once for all jobs of one rhythm, policy and mark."""
    key = (job.rhythm, job.policy, mark)
    if key not in page.backlogs:
        page.backlogs[key] = backlog(job, mark, page.at.now, page.at.lead_since)
    return page.backlogs[key]


def _drop_unwanted(page: Page, fingerprint: str, job: Job, pause: Pause | None) -> bool:
    """Drop what fell due while the job was paused or before a reset; False while it is paused.

    The ticks of a pause share a line an hour: until then their job's mark stays below them.
    """
    mark, now = page.marks[fingerprint], page.at.now
    reason, until, lasts = "reset", now, False
    if pause and not page.reset:
        resumed = job.name in page.resumed and job.name not in page.pauses
        reason, until = "paused", min(pause.until or now, now)
        lasts = not resumed and not pause.is_over(now)
    drop = drop_all(job, mark, until, reason)
    if drop and not (lasts and drop.first > now - PAUSED_TICKS_SHARE_A_LINE):
        _drop(page, fingerprint, job, [drop])
    if pause and not lasts and not page.reset and job.name in page.pauses:
        page.end_pause(job.name)
    # A tick after its end may fall due before the next plan: then that must not think that this one has looked at it.
    page.too_early = page.too_early or (lasts and pause is not None and pause.until is not None)
    stays = page.reset and pause is not None and job.name in page.pauses and not pause.is_over(now)
    return not (lasts or stays)  # a reset leaves the job paused, so nothing is claimed ahead either


def _drop(page: Page, fingerprint: str, job: Job, drops: Iterable[Drop]) -> None:
    for drop in drops:
        first, last = instant_text(drop.first), instant_text(drop.last)
        page.fates.append(Fate(job.name, first, last, drop.count, drop.reason))
        page.settle(fingerprint, drop.last)


def _decide(page: Page, ticks: deque[_Due], job: Job) -> bool:
    """Claim or skip the first of a job's ticks; False leaves it, and what follows it, for a later plan."""
    due, blocker = ticks[0], page.blocker(job)
    if due.early:
        return _claim_early(page, due, job, blocker)
    missed = job.due(due.tick) < page.at.lead_since
    takes_slot = not (blocker and page.holds_slot(blocker))
    if (blocker is None or page.replaceable(job, blocker)) and not _has_place(page, takes_slot=takes_slot):
        page.wait_for_place(job.name, sum(not one.early for one in ticks), job.due(due.tick))
        return False
    if blocker and not page.replaceable(job, blocker) and _waits(due, job):
        return False
    if blocker and (missed or _is_catching_up(page, job, blocker)):
        return False
    text = instant_text(due.tick)
    if blocker is None or page.replaceable(job, blocker):
        cause = "catch_up" if missed or not due.newest else "schedule"
        page.claim_first(job, text, cause, takes_slot=takes_slot)
    else:
        reason = "superseded" if job.policy.overlap is Overlap.QUEUE else "overlap"
        page.fates.append(Fate(job.name, text, text, 1, reason, blocker=blocker.run))
    page.settle(due.fingerprint, due.tick)
    return True


def _has_place(page: Page, *, takes_slot: bool) -> bool:
    """Whether a worker is free; or one whose run is to be replaced, unless others have come first and wait for it."""
    return page.slots > 0 if takes_slot else page.waiting is None


def _claim_early(page: Page, due: _Due, job: Job, blocker: OpenRun | None) -> bool:
    """Claim a tick ahead of its time only if it can start outright; if not, it is decided when it is due."""
    if blocker or page.slots < 1:
        page.too_early = True
        return True
    page.claim_first(job, instant_text(due.tick), "schedule")
    page.settle(due.fingerprint, due.tick)
    return True


def _waits(due: _Due, job: Job) -> bool:
    """Whether the tick waits for the run before: the newest of a `queue` job, or one that must not end that run.

    The run that a `replace` job may not end is another replica's that drains; it ends in the time it was left.
    """
    return job.policy.overlap is Overlap.REPLACE or (job.policy.overlap is Overlap.QUEUE and due.newest)


def _is_catching_up(page: Page, job: Job, blocker: OpenRun) -> bool:
    """Whether a job that wants all its ticks is still at its backlog.

    Overlap judges ticks of this term only, and what is caught up runs one after another (rule 25). A tick of this
    term that falls due behind such a run waits as well, or catching up would cost the ticks that it is there for.
    """
    held = page.at.held.get(blocker.key) or page.at.held.get(blocker.earlier_key)
    claimed = next((claim.cause for claim in page.claims if claim.entry is blocker and claim.cause != "retry"), None)
    cause = claimed or (held.cause if held else "rerun")  # another's open run is still to be repeated
    return job.policy.catch_up is CatchUp.ALL and cause in ("catch_up", "rerun")

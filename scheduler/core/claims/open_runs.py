"""What becomes of the runs that the ledger has open: ours first (rule 15), then those that others left (16, 17).

An adoptable run, such as a Kubernetes Job, goes on without the leader that began it. So whoever leads next claims it
again, however old it is, however often that happened, and whatever was promised: the claim is to take up what there
is. Only where the rules forbid to *start* it again does the claim say so, and why.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import timedelta

from scheduler.core.claims.planning import Held, Page, State
from scheduler.core.claims.retries import rests
from scheduler.core.job import Delivery, Job, Overlap
from scheduler.core.ledger import Did, OpenRun

STRANGERS_KEPT = timedelta(days=7)


def review_open_runs(page: Page) -> None:
    """Record what ended, keep what lives, and repeat or give up what was cut off."""
    replaced = _replaced(page)
    for entry in page.ledger.open:
        if entry.owner == page.at.nonce:
            _review_ours(page, entry, replaced)
    for entry in sorted(page.ledger.open, key=lambda entry: entry.instant):
        if entry.owner != page.at.nonce:
            _review_foreign(page, entry, replaced)


def _replaced(page: Page) -> AbstractSet[str]:
    """The runs of `overlap: replace` jobs that have a newer one beside them, and must give way to it (rule 25).

    The newest is the one claimed last, which is last in the ledger: somebody may have asked for it before a tick that
    was claimed ahead of its time.
    """
    newest: dict[str, OpenRun] = {}
    for entry in page.ledger.open:
        job = page.served(entry.job)
        if job and job.policy.overlap is Overlap.REPLACE:
            newest[entry.job] = entry
    return {one.key for one in page.ledger.open if one.job in newest and one is not newest[one.job]}


def _review_ours(page: Page, entry: OpenRun, replaced: AbstractSet[str]) -> None:
    held = page.at.held.get(entry.key, Held(State.KILLED))
    if held.state is State.ENDED:
        page.ended.append(entry)
        page.recorded.append(Did(entry.job, entry.tick, entry.tick, 1, held.outcome))
    elif held.state is State.ABSENT:
        page.give_up(entry, held.outcome)
    elif entry.key in replaced and held.state is not State.ALIVE:
        page.give_up(entry, "replaced")
    elif page.at.leaving and held.state is not State.FAILED:
        page.keep(entry)
    else:
        _go_on(page, entry, held)


def _go_on(page: Page, entry: OpenRun, held: Held) -> None:
    match held.state:
        case State.KILLED:
            _interrupt(page, entry)
        case State.FAILED:
            recorded = entry.failed_again()
            page.failed.append(recorded)
            page.keep(recorded)
        case State.READY if page.served(entry.job) is None:  # a newer table has led meanwhile (rule 20)
            page.declined.append(entry.key)
            page.keep(entry)
        case State.READY if page.slots > 0:
            page.claim(replace(entry, attempt=entry.attempt + 1), "retry")
        case _:
            page.keep(entry)


def _review_foreign(page: Page, entry: OpenRun, replaced: AbstractSet[str]) -> None:
    """Whoever claimed these does not lead any more; a run that still drains is left to its owner (rule 16)."""
    drains = entry.left > 0 and entry.key not in page.at.overdue
    if drains or page.at.leaving:
        page.keep(entry)
    elif entry.key in replaced:
        page.give_up(entry, "replaced")
    elif entry.key in page.at.resting:
        page.keep(entry)
    else:
        _interrupt(page, entry)


def _interrupt(page: Page, entry: OpenRun) -> None:
    job = page.served(entry.job)
    reason = _why_not_again(page, entry, job)
    if reason and not _may_go_on(entry, job):
        page.give_up(entry, reason)
    elif job is None or page.slots < 1 or page.blocker(job):
        page.keep(entry)
    else:
        # An entry of which every attempt failed was not cut off: it waited for its next attempt.
        cause = "retry" if rests(entry) else "rerun"
        page.claim(replace(entry, attempt=entry.attempt + 1, owner=page.at.nonce, left=0), cause, adopts=reason)


def _may_go_on(entry: OpenRun, job: Job | None) -> bool:
    """Whether this attempt may live without the leader that claimed it; one whose failure is recorded does not."""
    return job is not None and job.action.adoptable and entry.failures < entry.attempt


def _why_not_again(page: Page, entry: OpenRun, job: Job | None) -> str | None:
    """The stricter of the claim's promise and today's table decides whether a cut-off run is started again."""
    age = page.at.now - entry.instant
    if job is None:  # whoever serves it knows whether it may go on elsewhere
        return "not_in_table" if age > STRANGERS_KEPT else None
    if entry.delivery == "m" or job.policy.delivery is Delivery.AT_MOST_ONCE:
        return "leader_lost"
    if entry.interruptions >= job.policy.max_interruptions:
        return "max_interruptions"
    return "too_old" if age > job.policy.catch_up_window else None

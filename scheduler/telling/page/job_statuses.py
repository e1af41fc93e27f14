"""What each job of a table did, does and will do next.

A job of which nothing has changed since the last look comes as the very same object. By that, whoever makes text of it
knows what is made already: of a thousand jobs only a few change in a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice

from scheduler.core.job import Job, JobTable
from scheduler.core.ledger import Ledger
from scheduler.core.notes.commands import Pause
from scheduler.core.schedule import ticks_between
from scheduler.core.views.next_ticks import NextTicks
from scheduler.core.wording.schedules import when_in_words
from scheduler.telling.page.history import History, Retrying
from scheduler.telling.page.overview import Attempt, JobStatus
from scheduler.telling.page.pieces import in_pieces

NEXT_SHOWN = 3
_NEVER = datetime.max.replace(tzinfo=UTC)


class JobStatuses:
    """Looks at the jobs of one table, in their order; for one thread."""

    def __init__(self, table: JobTable, history: History) -> None:
        self._jobs = tuple(table.jobs.values())
        self._history = history
        self._next = NextTicks(NEXT_SHOWN)
        self._known: dict[str, JobStatus] = {}

    def at(self, now: datetime, ledger: Ledger | None, paused: Mapping[str, Pause]) -> tuple[JobStatus, ...]:
        """All of them at the wall time `now`; `paused` has the pauses that hold."""
        claims = _Claims(ledger) if ledger else None
        return tuple(self._status(job, now, claims, paused.get(job.name)) for job in in_pieces(self._jobs))

    def _status(self, job: Job, now: datetime, claims: _Claims | None, pause: Pause | None) -> JobStatus:
        past, known = self._history.past(job.name), self._known.get(job.name)
        ticks = known.next if known and pause and pause == known.pause else self._next_ticks(job, pause, now)
        running: tuple[Attempt, ...] = tuple((one.run, one.attempt, one.since) for one in past.running)
        retrying = past.retrying
        if claims:
            running, retrying = claims.alive(job.name, running), claims.waiting(retrying)
        seen = (past, ticks, running, pause, retrying)
        if known and (known.past, known.next, known.running, known.pause, known.retrying) == seen:
            return known
        known = self._known[job.name] = JobStatus(job, self._in_words(job), ticks, past, running, pause, retrying)
        return known

    def _next_ticks(self, job: Job, pause: Pause | None, now: datetime) -> tuple[datetime, ...]:
        """What will run next; of a paused job that is what comes after the pause, if that has an end."""
        if not job.enabled or job.schedule is None:
            return ()
        if pause is None:
            return self._next.after(job, now)
        if pause.until is None:
            return ()
        return tuple(islice(ticks_between(job.schedule, pause.until, _NEVER), NEXT_SHOWN))

    def _in_words(self, job: Job) -> str:
        known = self._known.get(job.name)
        if known:
            return known.words
        return self._history.words(job.name) or (when_in_words(job.schedule, job.zone) if job.schedule else "manual")


class _Claims:
    """The runs that the ledger lists.

    What it lists no more is over: an end that was never told must not leave a run on the page for ever.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._attempts = {(entry.run, entry.attempt) for entry in ledger.open}
        self._runs = {entry.run for entry in ledger.open}
        self._draining: dict[str, tuple[Attempt, ...]] = {}
        for entry in ledger.open:
            if entry.left:
                others = self._draining.get(entry.job, ())
                self._draining[entry.job] = (*others, (entry.run, entry.attempt, None))

    def alive(self, job: str, running: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """Those `running` that are listed, and those that a leaver is about to end, which never started here."""
        listed = tuple(one for one in running if one[:2] in self._attempts)
        draining = self._draining.get(job)
        if not draining:
            return listed
        known = {run for run, *_ in listed}
        return (*listed, *(one for one in draining if one[0] not in known))

    def waiting(self, retrying: Retrying | None) -> Retrying | None:
        """The same, if its run is listed."""
        return retrying if retrying and retrying.run in self._runs else None

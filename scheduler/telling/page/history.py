"""What this replica's own log said lately, kept for whoever looks: each job's last runs, what runs, what went wrong.

It holds as much as the page shows and no more: twenty fates a job, twenty events in all. What became of a job's last
run is known from this term's lines only, so it is forgotten when a new term begins.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from scheduler.telling.page.causes import brief_cause
from scheduler.telling.values import plain

FATES_KEPT = 20
EVENTS_KEPT = 20
MOST_RUNNING = 100  # of one job; more than that nobody reads, and an end that was never told must not add up

FATES = {
    "succeeded": ".",
    "retried": "r",
    "skipped": "s",
    "failed": "f",
    "timed_out": "t",
    "dropped": "d",
    "interrupted": "i",
}
"""One character for what became of one tick; `retried` is a success at a later attempt."""
RUNNING = ">"

_RAN = ("succeeded", "failed", "timed_out", "interrupted")  # as opposed to ticks that were only decided against
_RUN_FACTS = ("run", "attempt", "reason", "to", "ticks", "repeated")
_NOTABLE: Mapping[str, tuple[str, ...]] = {
    "lead.acquired": ("term", "cause", "previous", "gap_ms", "missed"),
    "lead.released": ("term", "drained"),
    "lead.lost": ("term", "reason"),
    "lead.suspended": ("term", "reason"),
    "lead.resumed": ("term", "took_ms"),
    "lead.standby": ("leader", "term"),
    "lead.observed": ("leader", "term", "previous"),
    "lead.refused": ("holder",),
    "leader.stalled": ("leader", "lag_ms"),
    "store.unavailable": ("error",),
    "store.degraded": ("error",),
    "store.recovered": ("took_ms", "attempts"),
    "config.differs": ("peer", "hash", "other"),
    "job.paused": ("job", "until", "reason"),
    "job.resumed": ("job",),
    "ledger.lost": ("from", "to"),
    "ledger.full": ("bytes", "open"),
    "ledger.reset": (),
    "clock.stepped": ("step_ms",),
    "command.refused": ("command", "reason"),
    "notify.dropped": ("target", "count"),
}
"""The events worth keeping besides final lines, each with the facts that may be shown: none of these holds a secret."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A job's last final line. `cause` is what failed in a few words that cannot hold a secret; None where nothing did.

    `took_ms` is None where nothing ran, or where the line was repeated for a predecessor.
    """

    run: str
    outcome: str
    at: datetime
    attempt: int = 1
    reason: str | None = None
    cause: str | None = None
    took_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt under way, and when its first statement was reached."""

    run: str
    attempt: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt that waits until about `at`, since the one before it failed of `cause`."""

    run: str
    attempt: int
    at: datetime
    cause: str | None


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one job. Replaced, never changed, so two looks at the same past are one object.

    `fates` has one character a tick, the newest last; `failing` says that the last run, as opposed to the last tick
    decided against, did not succeed; `retrying` is the last run that failed and has another attempt to come.
    """

    last: Ended | None = None
    fates: str = ""
    failing: bool = False
    running: tuple[Running, ...] = ()
    retrying: Retrying | None = None


@dataclass(frozen=True, slots=True)
class Notable:
    """An event that somebody may ask about, `count` times in a row, the last of them at `at`."""

    event: str
    at: datetime
    facts: Mapping[str, object] = field(default_factory=dict)
    count: int = 1


_NOTHING = Past()


class History:
    """A `Listener` that remembers; any thread may ask."""

    def __init__(self, jobs: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._pasts = dict.fromkeys(jobs, _NOTHING)
        self._notable: tuple[Notable, ...] = ()
        self._words: dict[str, str] = {}

    def past(self, job: str) -> Past:
        """What is known of this job."""
        return self._pasts.get(job, _NOTHING)

    def words(self, job: str) -> str | None:
        """The job's schedule in words, if a `schedule.job` line has said it: to find the words takes a while."""
        return self._words.get(job)

    @property
    def notable(self) -> tuple[Notable, ...]:
        """The last events worth a look, the newest first."""
        return self._notable

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Take note of one event."""
        kind, _, what = event.partition(".")
        with self._lock:
            if event in _NOTABLE:
                self._keep(Notable(event, at, {name: plain(facts[name]) for name in _NOTABLE[event] if name in facts}))
            if event == "lead.acquired":
                self._begin_term()
            elif event == "schedule.job" and facts.get("job") in self._pasts:
                self._words[str(facts["job"])] = str(facts.get("when"))
            elif kind == "run":
                self._hear_of_run(what, facts, at)

    def _begin_term(self) -> None:
        """Runs that outlived a lost lead still run."""
        self._pasts = {
            job: Past(running=past.running) if past.running else _NOTHING for job, past in self._pasts.items()
        }

    def _hear_of_run(self, what: str, facts: Mapping[str, object], at: datetime) -> None:
        job, run = str(facts.get("job")), str(facts.get("run"))
        if what in FATES and what != "succeeded":
            self._keep(_notable_end(f"run.{what}", facts, at))
        past = self._pasts.get(job)
        if past is None:
            return
        if what == "started":
            self._pasts[job] = _with_started(past, Running(run, _attempt(facts), at))
        elif what == "retrying":
            self._pasts[job] = _with_retry(past, run, facts, at)
        elif what in FATES:
            self._pasts[job] = _with_end(past, what, _ended(what, facts, at), facts)

    def _keep(self, event: Notable) -> None:
        """The same thing happening to the same job again and again must not drive all else out."""
        for place, known in enumerate(self._notable):
            if _about(known) == _about(event) and event.event.startswith("run."):
                others = self._notable[:place] + self._notable[place + 1 :]
                self._notable = (replace(event, count=known.count + event.count), *others)
                return
        self._notable = (event, *self._notable[: EVENTS_KEPT - 1])


def _about(event: Notable) -> tuple[object, ...]:
    job = str(event.facts.get("run")).partition("@")[0]
    return (event.event, job, event.facts.get("reason"))


def _notable_end(event: str, facts: Mapping[str, object], at: datetime) -> Notable:
    shown: dict[str, object] = {name: plain(facts[name]) for name in _RUN_FACTS if facts.get(name) is not None}
    if cause := brief_cause(facts.get("reason"), facts.get("error")):
        shown["cause"] = cause
    return Notable(event, at, shown, _ticks(facts))


def _with_started(past: Past, run: Running) -> Past:
    others = tuple(one for one in past.running if one.run != run.run)
    return replace(past, running=(*others, run)[-MOST_RUNNING:], retrying=_unless(past.retrying, run.run))


def _with_retry(past: Past, run: str, facts: Mapping[str, object], at: datetime) -> Past:
    """An attempt is over and another follows; only one that was lost with its leader is worth a character."""
    lost = FATES["interrupted"] if facts.get("reason") == "leader_lost" else ""
    return replace(
        past,
        running=_without(past.running, run),
        fates=(past.fates + lost)[-FATES_KEPT:],
        retrying=_retrying(run, facts, at),
    )


def _retrying(run: str, facts: Mapping[str, object], at: datetime) -> Retrying | None:
    attempt, in_ms = facts.get("next_attempt"), facts.get("in_ms")
    if not (isinstance(attempt, int) and isinstance(in_ms, int)):
        return None
    cause = brief_cause(facts.get("reason"), facts.get("error"))
    return Retrying(run, attempt, at + timedelta(milliseconds=in_ms), cause)


def _with_end(past: Past, outcome: str, ended: Ended, facts: Mapping[str, object]) -> Past:
    if facts.get("repeated") and past.last and past.last.run == ended.run:
        return past  # told by this very replica before
    fate = FATES["retried" if outcome == "succeeded" and ended.attempt > 1 else outcome]
    return Past(
        last=ended,
        fates=(past.fates + fate * min(_ticks(facts), FATES_KEPT))[-FATES_KEPT:],
        failing=outcome != "succeeded" if outcome in _RAN else past.failing,
        running=_without(past.running, ended.run),
        retrying=_unless(past.retrying, ended.run),
    )


def _without(running: tuple[Running, ...], run: str) -> tuple[Running, ...]:
    return tuple(one for one in running if one.run != run)


def _unless(retrying: Retrying | None, run: str) -> Retrying | None:
    return None if retrying is None or retrying.run == run else retrying


def _ended(outcome: str, facts: Mapping[str, object], at: datetime) -> Ended:
    reason, took_ms = facts.get("reason"), facts.get("took_ms")
    return Ended(
        run=str(facts.get("run")),
        outcome=outcome,
        at=at,
        attempt=_attempt(facts),
        reason=None if reason is None else str(reason),
        cause=brief_cause(reason, facts.get("error")),
        took_ms=took_ms if isinstance(took_ms, int) else None,
    )


def _attempt(facts: Mapping[str, object]) -> int:
    attempt = facts.get("attempt")
    return attempt if isinstance(attempt, int) else 1


def _ticks(facts: Mapping[str, object]) -> int:
    ticks = facts.get("ticks")
    return ticks if isinstance(ticks, int) else 1

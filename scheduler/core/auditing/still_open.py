"""Whether a run without a fate may still have been under way, or have waited, where the logs end."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import NamedTuple

from scheduler.core.auditing.accounts import NEVER, Fate, JobAccount, instant, unpacked
from scheduler.core.auditing.tick_map import Tick
from scheduler.core.claims.retries import LONGEST_RETRY_DELAY
from scheduler.core.claims.ticks import PAUSED_TICKS_SHARE_A_LINE
from scheduler.core.job import CatchUp, Job, Policy

RAN = (Fate.SUCCEEDED, Fate.FAILED, Fate.TIMED_OUT)
OFTEN = timedelta(minutes=1)  # of a job that ticks more often than this, starts are told for whoever debugs only
TERM_TO_KILL = timedelta(seconds=10)
CLAIMING_TAKES_S = 2.0


class Horizon(NamedTuple):
    """Where the logs end, and what came before it.

    Somebody last took the lead at `led_since`, after nobody had had it since `free_since`. `moment` is how many seconds
    a hand-over may take, `drain` how many the runs of the leader before may have gone on since.
    """

    end: float
    led_since: float
    free_since: float
    moment: float
    drain: float


class StillOpen:
    """Tells whether a run without a fate may still have been under way, or have waited, where the logs end.

    In favour speaks a sign of life no older than the longest time until the next one or the final line; against it,
    that a later tick of a job that never runs beside itself has run, or was skipped behind another run. Where starts
    are not told (`OFTEN`), one run at a time is believed to be running without a sign, unless its leader has gone: the
    next one would have told that it is repeated. Ticks before `paused_until` wait for the line that those of a pause
    share. Asked about ticks in order.
    """

    def __init__(
        self, job: Job | None, account: JobAccount, horizon: Horizon, paused_until: float | None = None
    ) -> None:
        self._job = job
        self._account = account
        self._at = horizon
        self._paused_until = paused_until
        self._patience = _patience(job.policy if job else Policy(), horizon.moment)
        self._newest_decided = max(account.finals.ticks(), default=NEVER)
        finals = account.finals.ticks_and_numbers()
        self._newest_ran = max((tick for tick, number in finals if unpacked(number).fate in RAN), default=NEVER)
        alive = (tick for tick, at in account.signs.items() if isinstance(tick, int) and self._is_recent(at))
        self._running = min(alive, default=math.inf)

    def open(self, tick: Tick) -> bool:
        """Whether the run may end after the logs do."""
        sign, job = self._account.signs.get(tick), self._job
        if job and job.exclusive and isinstance(tick, int) and self._is_overtaken(tick):
            return False
        if sign is not None:
            return self._is_recent(sign)
        if job is None or isinstance(tick, str):
            return False
        if self._is_paused(job, tick):
            return True
        return self._may_run(job, tick) if job.exclusive else self._is_patient(job, tick)

    def _is_paused(self, job: Job, tick: int) -> bool:
        """Whether it is one of those that are skipped together; none is that lies below one decided."""
        due = job.due(instant(tick)).timestamp()
        if self._paused_until is None or tick < self._newest_decided or due > self._paused_until:
            return False
        to_be_told_at = max(due + PAUSED_TICKS_SHARE_A_LINE.total_seconds(), self._at.led_since)
        return self._at.end - to_be_told_at <= self._at.moment

    def _is_overtaken(self, tick: int) -> bool:
        later, runner = self._account.blocked
        return tick < self._newest_ran or (tick < later and tick != runner)

    def _is_recent(self, at: float) -> bool:
        return self._at.end - at <= self._patience

    def _waited(self, job: Job, tick: int) -> float:
        """Seconds for which the run could have gone on, had nothing gone wrong."""
        free_at = self._account.moved_at if job.exclusive else NEVER
        return self._at.end - max(job.due(instant(tick)).timestamp(), self._at.led_since, free_at)

    def _is_patient(self, job: Job, tick: int) -> bool:
        waited = self._waited(job, tick)
        return waited <= self._at.moment or (waited <= self._patience and self._may_have_started(job, tick))

    def _may_have_started(self, job: Job, tick: int) -> bool:
        """Whether its start would not have been told, nor that its leader was lost."""
        at, due = self._at, job.due(instant(tick)).timestamp()
        its_leader_leads = due >= at.free_since - CLAIMING_TAKES_S or (
            job.exclusive and self._account.moved_at >= at.led_since
        )
        return not self._starts_are_told() and (its_leader_leads or at.end - at.led_since <= at.moment + at.drain)

    def _may_run(self, job: Job, tick: int) -> bool:
        if tick > self._running:
            return self._may_wait(job, tick)
        if not self._is_patient(job, tick):
            return False
        self._running = tick
        return True

    def _may_wait(self, job: Job, tick: int) -> bool:
        """Behind a run that is under way, ticks are decided at once, but for the newest and those of a backlog."""
        if tick < self._newest_decided:
            return False
        following = job.schedule.after(instant(tick)) if job.schedule else None
        newest = following is None or self._waited(job, int(following.timestamp())) < self._at.moment
        runner_was_late = self._running < max(self._at.led_since, self._account.moved_at)
        return newest or (job.policy.catch_up is CatchUp.ALL and runner_was_late)

    def _starts_are_told(self) -> bool:
        """Whether a run of this job cannot have started without a line."""
        schedule = self._job.schedule if self._job else None
        if self._account.starts or schedule is None:
            return True
        first = schedule.after(instant(self._at.end) - OFTEN)
        second = schedule.after(first) if first else None
        return first is None or second is None or second - first >= OFTEN


def _patience(policy: Policy, moment: float) -> float:
    """Seconds between a sign of a run and its next sign or its end, at most: a leader may be lost at its very end."""
    if policy.timeout is None:
        return math.inf
    retry: timedelta = min(policy.retry_delay * 2**policy.retries, LONGEST_RETRY_DELAY) * bool(policy.retries)
    return (policy.timeout + TERM_TO_KILL + retry).total_seconds() + moment

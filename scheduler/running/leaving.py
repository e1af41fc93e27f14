"""How a replica leaves: what it waits for, and what it writes down about the runs that outlive its lead (rules 32-35).

It claims nothing more and starts what is claimed. Then it either keeps the lead until its runs have ended, or releases
the Lease at once, naming the runs that still drain, and reports on each as it ends. Whoever calls holds the dispatch's
lock.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

from scheduler.core.claims.farewell import parting, reported
from scheduler.core.claims.planning import Plan, State
from scheduler.core.ledger import Ledger
from scheduler.core.moves import Seen
from scheduler.core.notes.replies import fates_of_manual_runs, with_answers
from scheduler.running.held import HeldRun, HeldRuns

LEAST_LEFT_S = 1
BEGIN_WITHIN_S = 5.0  # what was handed to a runner; a request may wait for its place for longer
LAST_WORDS_S = 5  # to kill what is late and to report on it, before the process ends and with it its threads' runs


@dataclass(frozen=True, slots=True)
class Report:
    """What became of runs that drained; over the Lease as it was read, which may be another's by now."""

    ledger: Ledger
    notes: Mapping[str, str]
    runs: tuple[HeldRun, ...]


class Leaving:
    """How far this replica has got with leaving; `drained` counts the runs that ended meanwhile."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self.until = 0.0
        self.began = False
        self.released = False
        self.killing = False
        self.drained = 0
        self._release_from = 0.0
        self._given_time: set[str] = set()
        self._all_started = threading.Event()
        self._idle = threading.Event()

    def begin(self, now: float, drain_s: float) -> None:
        """Leave; runs have so many seconds to end by themselves."""
        self.began, self.until = True, now + drain_s
        self._release_from = now + BEGIN_WITHIN_S

    def left_s(self, now: float) -> int:
        """Whole seconds that the runs have left, rounded up: the successor counts on them."""
        return max(LEAST_LEFT_S, ceil(self.until - now))

    def parting(self, made: Plan, runs: HeldRuns, now: float) -> Plan:
        """The plan of a leader that goes, with the time left to its living runs.

        What cannot be killed ends with the process, which takes its time for a few last words. What outlives us is
        left no time: the successor takes it up at once.
        """
        living = [run for run in runs if run.state is State.ALIVE and not run.outlives_us]
        extra_s = {run.entry.key: 0 if run.job.action.killable else LAST_WORDS_S + 1 for run in living}
        left_s = {key: self.left_s(now) + extra for key, extra in extra_s.items()}
        self._given_time |= left_s.keys()
        return replace(made, ledger=parting(made.ledger, self._nonce, left_s))

    def give_up_what_never_began(self, runs: HeldRuns) -> None:
        """The gate shut before the first statement of a run that was given time: nobody is to wait for it."""
        for run in runs:
            if run.state is State.UNSTARTED and run.entry.key in self._given_time:
                run.state = State.KILLED

    def report(self, base: Seen, runs: HeldRuns, now: float) -> Report | None:
        """The Lease as read without the runs that are over; None when it knows of none of them."""
        listed = {entry.key for entry in base.ledger.open if entry.owner == self._nonce} if base.ledger else set()
        over, held = tuple(run for run in runs if run.is_over and run.entry.key in listed), runs.for_plan(now)
        states = {run.entry.key: held[run.entry.key] for run in over}
        ledger = reported(base.ledger, self._nonce, states) if base.ledger else None
        if ledger is None or base.ledger is None:
            return None
        ended = fates_of_manual_runs(ledger.did[len(base.ledger.did) :])
        return Report(ledger, with_answers(base.record.notes, ended), over)

    def note(self, runs: HeldRuns, now: float, *, claiming: bool, leads: bool) -> None:
        """Tell who waits: no claim is left that was not started or may land yet, or nothing at all is left to do."""
        if not self.began or claiming or (leads and not self.killing and self._has_to_start(runs, now)):
            return
        self._all_started.set()
        to_write = runs.to_report if self.released else leads and runs.to_record
        if not (to_write or runs.alive > len(runs.outliving)):
            self._idle.set()

    def _has_to_start(self, runs: HeldRuns, now: float) -> bool:
        return bool(runs.unstarted) or runs.settling or (runs.beginning and now < self._release_from)

    def wait_until_all_started(self, timeout_s: float) -> bool:
        """Wait until no claim is left that was not started; False when that took too long."""
        return self._all_started.wait(timeout_s)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until nothing runs and no end is left to record; False when that took too long."""
        return self._idle.wait(timeout_s)

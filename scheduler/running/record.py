"""What an accepted write says, entered into the runs in hand and told in the log: each final line is printed here.

Whoever calls holds the dispatch's lock.
"""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.core.claims.planning import Plan, State
from scheduler.core.job import JobTable
from scheduler.core.ledger import attempt_key
from scheduler.core.ports import Tell
from scheduler.running.held import HeldRun, HeldRuns
from scheduler.running.leaving import Report
from scheduler.running.lines import RunLines


class Recorder:
    """Takes claims in hand and lets go of runs that are over, each with its line."""

    def __init__(self, table: JobTable, runs: HeldRuns, lines: RunLines, tell: Tell) -> None:
        self._table = table
        self._runs = runs
        self._lines = lines
        self._tell = tell
        self._is_full = False

    def enter(self, made: Plan, now: float) -> list[HeldRun]:
        """The plan was accepted; returns what it claimed."""
        self._tell_when_full(made)
        for answer in made.answers:
            self._lines.answered(answer)
        for job in made.pauses_over:
            self._lines.pause_is_over(job)
        for fate in made.fates:
            self._runs.drop(attempt_key(fate.job, fate.first, fate.attempt))
            self._lines.decided(fate)
        self._enter_ends(made, now)
        claimed = [self._runs.claim(claim, self._table.jobs[claim.entry.job]) for claim in made.claims]
        for run in claimed:
            if run.cause == "rerun":
                self._lines.rerun(run)
        return claimed

    def _enter_ends(self, made: Plan, now: float) -> None:
        for entry in made.ended:
            run = self._runs.drop(entry.key)
            if run and not run.told:
                self._lines.ended(run)
        for entry in made.failed:
            if run := self._runs.get(entry.key):
                self._lines.retrying(run, run.wait_for_retry(entry, now))

    def enter_report(self, report: Report, now: float) -> None:
        """The new leader has been told what became of these runs."""
        for run in report.runs:
            self._runs.drop(run.entry.key)
            if run.state is State.ENDED:
                self._lines.ended(run)
            elif run.state is State.FAILED:
                self._lines.retrying(run, run.wait_for_retry(run.entry.failed_again(), now))

    def let_go(self, runs: Iterable[HeldRun]) -> None:
        """These can be neither started nor recorded any more."""
        for run in runs:
            self._runs.drop(run.entry.key)
            self.tell_unrecorded(run)

    def tell_unrecorded(self, run: HeldRun) -> None:
        """Tell the end of a run, if it has ended, that the ledger will not hold; of an adoptable one, others will."""
        if run.state is State.ENDED and not run.told and not run.job.action.adoptable:
            run.told = True
            self._lines.ended(run, recorded=False)

    def _tell_when_full(self, made: Plan) -> None:
        if made.full_bytes and not self._is_full:
            self._tell("ledger.full", bytes=made.full_bytes, open=len(made.ledger.open))
        self._is_full = bool(made.full_bytes)

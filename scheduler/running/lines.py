"""The log lines of runs: which event stands for which fate, with which facts.

Every tick ends in exactly one final line, printed once the ledger holds it. More than ten ticks of one job that share a
fate share a line.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduler.core.claims.planning import Answer, Fate
from scheduler.core.job import JobTable, instant_text, run_id
from scheduler.core.ledger import MANUAL, MANY_JOBS, OUTCOMES, Did
from scheduler.core.notes.commands import Do
from scheduler.core.ports import RunOutput, Tell
from scheduler.core.schedule import ticks_between
from scheduler.running.held import HeldRun

FOLD_ABOVE = 10
JUST_BEFORE = timedelta(seconds=1)
OFTEN = timedelta(minutes=1)
SKIPPED = ("overlap", "paused")
INTERRUPTED = ("leader_lost", "replaced")
TIMEOUT = "timeout"
NOT_AGAIN = "at_most_once: not run again"


class RunLines:
    """Tells what became of runs; `previous` is the leader before this one, as far as it is known."""

    def __init__(self, tell: Tell, table: JobTable) -> None:
        self._tell = tell
        self._table = table
        self.term = 0
        self.previous: str | None = None
        self._often: dict[str, bool] = {}

    def started(self, run: HeldRun) -> None:
        """Tell that a run reached its first statement; of a job that ticks often, for whoever debugs only."""
        often = {"level": "debug"} if self._ticks_often(run) else {}
        self._tell("run.started", **self._facts(run), **often)

    def output(self, run: HeldRun, output: RunOutput) -> None:
        """Tell one line that a run wrote."""
        level = {"level": output.level} if output.level else {}
        facts = {"stream": output.stream, "text": output.text, "logger": output.logger}
        self._tell("run.output", **self._facts(run), **facts, **level)

    def ended(self, run: HeldRun, *, recorded: bool = True) -> None:
        """Tell the final line of a run; `recorded` is False when the ledger could not be told of its end."""
        ended = run.ended
        if ended is None or ended.outcome not in OUTCOMES:
            return
        error = {} if ended.outcome == "succeeded" else {"error": ended.error}
        unrecorded = {} if recorded else {"recorded": False}
        facts = self._facts(run) | {"took_ms": ended.took_ms, "reason": ended.reason}
        self._tell(f"run.{ended.outcome}", **facts, **error, **unrecorded)

    def stopped(self, run: HeldRun) -> None:
        """Tell that a run was ended by whoever asked for it."""
        if run.ended and run.ended.outcome == "killed":
            self._tell("run.interrupted", **self._facts(run), took_ms=run.ended.took_ms, reason="stopped")

    def retrying(self, run: HeldRun, delay_s: float) -> None:
        """Tell that an attempt failed or timed out, and another will follow."""
        facts = self._facts(run) | {"next_attempt": run.entry.attempt + 1, "in_ms": round(delay_s * 1000)}
        if ended := run.ended:
            # Unlike a final line, this one does not say by its name that the attempt timed out.
            reason = TIMEOUT if ended.outcome == "timed_out" else ended.reason
            facts |= {"took_ms": ended.took_ms, "reason": reason, "error": ended.error}
        self._tell("run.retrying", **facts)

    def rerun(self, run: HeldRun) -> None:
        """Tell that a run which was cut off with its leader is started again."""
        facts = self._facts(run) | {"attempt": run.entry.attempt - 1, "late_ms": None}
        facts |= {"reason": "leader_lost", "next_attempt": run.entry.attempt, "in_ms": 0}
        self._tell("run.retrying", **facts)

    def decided(self, fate: Fate) -> None:
        """Tell the final line of ticks that will not run."""
        did = Did(fate.job, fate.first, fate.last, fate.count, fate.reason)
        self._fate(did, {"attempt": fate.attempt, "blocker": fate.blocker})

    def answered(self, answer: Answer) -> None:
        """Tell what became of a command, and who gave it; what becomes of a run that was asked for tells the run."""
        command = answer.command
        if answer.is_repeated:
            return
        if answer.refusal or command is None:
            by = command.by if command else None
            self._tell("command.refused", command=answer.id, reason=answer.refusal, by=by)
            return
        who = {"reason": command.reason, "by": command.by}
        match command.do:
            case Do.RUN:
                run = run_id(command.job or "", MANUAL + command.at_text)
                self._tell("job.asked", job=command.job, run=run, **who)
            case Do.PAUSE:
                self._tell("job.paused", job=command.job, until=command.until, **who)
            case Do.RESUME:
                self._tell("job.resumed", job=command.job, **who)
            case Do.RESET:
                self._tell("ledger.reset", **who)

    def pause_is_over(self, job: str) -> None:
        """Tell that a pause has ended by itself."""
        self._tell("job.resumed", job=job, reason="until")

    def repeat(self, did: Did) -> None:
        """Tell again what a predecessor decided, who may have died before it said so (rule 5)."""
        self._fate(did, {"repeated": True})

    def _fate(self, did: Did, facts: dict[str, object]) -> None:
        event = _event(did.fate)
        reason = None if did.fate in OUTCOMES else did.fate
        common: dict[str, object] = {"job": did.job, "term": self.term, "reason": reason, **facts}
        if event != "run.skipped":
            common.pop("blocker", None)
        if reason == "leader_lost":
            common |= {"previous": self.previous, "hint": NOT_AGAIN}
        ticks = self._ticks(did)
        if len(ticks) != did.count:
            self._tell(event, run=run_id(did.job, did.first), tick=did.first, to=did.last, ticks=did.count, **common)
            return
        for tick in ticks:
            self._tell(event, run=run_id(did.job, tick), tick=tick, **common)

    def _ticks(self, did: Did) -> list[str]:
        """Every tick of the span; none if they are many, or if this replica's table does not have these ticks."""
        if did.count == 1 and did.job != MANY_JOBS:
            return [did.first]
        job = self._table.jobs.get(did.job)
        if did.count > FOLD_ABOVE or job is None or job.schedule is None:
            return []
        first, last = datetime.fromisoformat(did.first), datetime.fromisoformat(did.last)
        ticks = [instant_text(tick) for tick in ticks_between(job.schedule, first - JUST_BEFORE, last)]
        return ticks if ticks[:1] == [did.first] and ticks[-1:] == [did.last] else []

    def _facts(self, run: HeldRun) -> dict[str, object]:
        entry = run.entry
        return {
            "job": entry.job,
            "run": entry.run,
            "tick": None if entry.is_manual else entry.tick,
            "attempt": entry.attempt,
            "cause": run.cause,
            "term": self.term,
            "late_ms": run.late_ms,
        }

    def _ticks_often(self, run: HeldRun) -> bool:
        """Whether the job ticks more than once a minute, judged by the first of its runs."""
        if run.job.name not in self._often:
            schedule, tick = run.job.schedule, run.entry.instant
            following = schedule.after(tick) if schedule else None
            self._often[run.job.name] = following is not None and following - tick < OFTEN
        return self._often[run.job.name]


def _event(fate: str) -> str:
    if fate in OUTCOMES:
        return f"run.{fate}"
    if fate in SKIPPED:
        return "run.skipped"
    return "run.interrupted" if fate in INTERRUPTED else "run.dropped"

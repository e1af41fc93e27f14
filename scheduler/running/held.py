"""The runs this process has in hand, from the claim to the moment the ledger holds their end.

A run's state changes on the word of the campaign's thread (claimed, recorded) and of the runners' (started, ended), and
of nobody else. Whoever calls holds the dispatch's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduler.core.actions import HttpAction
from scheduler.core.claims.planning import LONG_AGO, Claim, Held, State
from scheduler.core.claims.retries import retry_delay
from scheduler.core.job import Job, Overlap
from scheduler.core.ledger import OpenRun, attempt_key
from scheduler.core.moves import Term
from scheduler.core.ports import RunEnded, RunOrder

NOT_AGAIN = "leader_lost"  # why a run that is nowhere is not begun, where its claim does not say it


@dataclass(slots=True)
class HeldRun:
    """One claimed attempt and what is known of it; `adopts` is as in its claim."""

    entry: OpenRun
    job: Job
    cause: str
    adopts: str | None = None
    state: State = State.UNSTARTED
    started_at: datetime | None = None
    ended: RunEnded | None = None
    retry_at: float = float("inf")
    told: bool = False
    due: datetime = field(init=False)
    _order: RunOrder | None = None

    def __post_init__(self) -> None:
        instant = self.entry.instant
        self.due = LONG_AGO if self.entry.is_manual else self.job.due(instant)  # asked for by whatever clock

    @property
    def is_over(self) -> bool:
        """Whether this attempt is, whatever is to follow."""
        return self.state in (State.ENDED, State.FAILED, State.KILLED, State.ABSENT)

    @property
    def outlives_us(self) -> bool:
        """Whether it goes on when nobody here follows it any more."""
        return self.state is State.ALIVE and self.job.action.adoptable

    @property
    def is_settling(self) -> bool:
        """Whether it is on its way to where it goes on without us: nobody else could find it yet."""
        return self.outlives_us and self.started_at is None

    @property
    def late_ms(self) -> int | None:
        """Milliseconds from the due instant to the run's first statement; None when it never got there."""
        if self.started_at is None or self.entry.is_manual:
            return None
        return max(0, round((self.started_at - self.due) / timedelta(milliseconds=1)))

    def order(self, term: Term) -> RunOrder:
        """What the runner must know to start this attempt; made once for each term, and best before it is due."""
        if self._order is None or (self._order.term, self._order.fence) != (term.number, term.fence):
            self._order = self._new_order(term)
        return self._order

    def _new_order(self, term: Term) -> RunOrder:
        entry, timeout = self.entry, self.job.policy.timeout
        return RunOrder(
            key=entry.key,
            job=entry.job,
            run=entry.run,
            tick=entry.nominal,
            attempt=entry.attempt,
            term=term.number,
            fence=term.fence,
            action=self.job.action,
            timeout_s=timeout.total_seconds() if timeout else None,
            exclusive=self.job.exclusive or isinstance(self.job.action, HttpAction),  # a request ends with the lead
            output=self.job.policy.output,
            failures=entry.failures,
            replaces=self.job.policy.overlap is Overlap.REPLACE,
            adopts=self.adopts is not None,
        )

    def end(self, ended: RunEnded) -> None:
        """Note how the attempt ended; a failure with a retry left is not the end of the run."""
        self.ended = ended
        if ended.outcome == "gate_shut":
            self.state = State.UNSTARTED
        elif ended.outcome == "killed":
            self.state = State.KILLED
        elif ended.outcome == "absent":
            self.state = State.ABSENT
        elif ended.outcome != "succeeded" and self._may_be_tried_again:
            self.state = State.FAILED
        else:
            self.state = State.ENDED

    @property
    def _may_be_tried_again(self) -> bool:
        """Not what was claimed at most once, though another table ruled then (rule 17)."""
        return self.entry.delivery == "l" and self.entry.failures < self.job.policy.retries

    def wait_for_retry(self, entry: OpenRun, now: float) -> float:
        """Wait for the next attempt, now that the failure is recorded; returns the delay in seconds."""
        delay_s = retry_delay(self.job.policy, entry).total_seconds()
        self.entry, self.state = entry, State.WAITING
        self.retry_at = now + delay_s
        return delay_s


class HeldRuns:
    """All runs in hand, by the key of their attempt."""

    def __init__(self) -> None:
        self._runs: dict[str, HeldRun] = {}

    def __iter__(self) -> Iterator[HeldRun]:
        return iter(list(self._runs.values()))

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, key: str) -> HeldRun | None:
        """The run of this attempt, if it is in hand."""
        return self._runs.get(key)

    def claim(self, claim: Claim, job: Job) -> HeldRun:
        """Take in hand what an accepted write claimed; an earlier attempt of the same run is over."""
        entry = claim.entry
        earlier = self._runs.pop(attempt_key(entry.job, entry.tick, entry.attempt - 1), None)
        cause = claim.cause
        if cause == "retry":  # goes on for the reason that its first attempt had, if that was ours
            cause = earlier.cause if earlier else "schedule"
        run = self._runs[claim.entry.key] = HeldRun(claim.entry, job, cause, claim.adopts)
        return run

    def decline(self, keys: Iterable[str]) -> None:
        """The next attempts of these are not ours to start, so nothing is to be wanted when they are due."""
        for run in filter(None, map(self._runs.get, keys)):
            run.retry_at = float("inf")

    def drop(self, key: str) -> HeldRun | None:
        """Let go of a run whose end the ledger holds."""
        return self._runs.pop(key, None)

    def keep_only(self, entries: tuple[OpenRun, ...], nonce: str) -> list[HeldRun]:
        """Let go of what the ledger no longer lists as ours and is not alive; returns what was let go of (rule 15)."""
        ours = {entry.key for entry in entries if entry.owner == nonce}
        gone = [run for key, run in self._runs.items() if key not in ours and run.state is not State.ALIVE]
        self._runs = {key: run for key, run in self._runs.items() if key in ours or run.state is State.ALIVE}
        return gone

    def for_plan(self, now: float) -> dict[str, Held]:
        """What the plan must know of each."""
        return {key: Held(_state_at(run, now), run.cause, _outcome(run)) for key, run in self._runs.items()}

    @property
    def alive(self) -> int:
        """Runs that were handed to a runner and are not over."""
        return sum(run.state is State.ALIVE for run in self._runs.values())

    @property
    def outliving(self) -> list[HeldRun]:
        """Runs under way that go on without us."""
        return [run for run in self._runs.values() if run.outlives_us]

    @property
    def settling(self) -> bool:
        """Whether a run is on its way to where a successor finds it; one that finds nothing may give it up."""
        return any(run.is_settling for run in self._runs.values())

    @property
    def beginning(self) -> bool:
        """Whether a run that ends with us was handed over and has not come to its first statement."""
        alive = (run for run in self._runs.values() if run.state is State.ALIVE and not run.job.action.adoptable)
        return any(run.started_at is None for run in alive)

    @property
    def unstarted(self) -> int:
        """Runs that are claimed and wait for the gate."""
        return sum(run.state is State.UNSTARTED for run in self._runs.values())

    @property
    def to_record(self) -> bool:
        """Whether an end waits to be written."""
        return any(run.state in (State.ENDED, State.FAILED, State.ABSENT) for run in self._runs.values())

    @property
    def to_report(self) -> bool:
        """Whether a run is over of which the new leader has to hear."""
        return any(run.is_over for run in self._runs.values())

    def startable(self, wall: datetime) -> list[HeldRun]:
        """Runs that are claimed and due; of a job whose runs replace one another, only the newest, once it is alone."""
        ready = [run for run in self._runs.values() if run.state is State.UNSTARTED and run.due <= wall]
        return [run for run in ready if run.job.policy.overlap is not Overlap.REPLACE or self._is_alone(run)]

    def replaced_by(self, entry: OpenRun) -> list[str]:
        """The keys of the living runs of the same job that must end before this one starts, if they must (rule 25)."""
        run = self._runs.get(entry.key)
        if run is None or run.job.policy.overlap is not Overlap.REPLACE:
            return []
        return [one.entry.key for one in self._others(entry) if one.state is State.ALIVE]

    def _is_alone(self, run: HeldRun) -> bool:
        """Whether no other run of its job lives, and none was claimed after it."""
        others = self._others(run.entry)
        is_newest = next(one for one in reversed(self._runs.values()) if one.entry.job == run.entry.job) is run
        return is_newest and not any(one.state is State.ALIVE for one in others)

    def _others(self, entry: OpenRun) -> list[HeldRun]:
        return [one for one in self._runs.values() if one.entry.job == entry.job and one.entry.run != entry.run]

    @property
    def to_repeat(self) -> bool:
        """Whether a run was killed because its right to run was gone, and the lead is ours again."""
        return any(run.state is State.KILLED for run in self._runs.values())

    @property
    def next_retry_at(self) -> float:
        """The boot second at which the next retry delay ends; infinity when nothing waits."""
        return min((run.retry_at for run in self._runs.values() if run.state is State.WAITING), default=float("inf"))


def _state_at(run: HeldRun, now: float) -> State:
    return State.READY if run.state is State.WAITING and now >= run.retry_at else run.state


def _outcome(run: HeldRun) -> str:
    if run.state is State.ABSENT:
        return run.adopts or NOT_AGAIN
    return run.ended.outcome if run.ended else ""

"""When the leader wants to write, and what: ticks that became claimable, ends to be recorded, retries that are due.

Whoever calls holds the dispatch's lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.core.claims.planning import LONG_AGO, Plan
from scheduler.core.ledger import Ledger
from scheduler.core.work import NEVER

ENDS_SHARE_A_WRITE_S = 0.05
HURRIED_ENDS_SHARE_A_WRITE_S = 0.01  # while ticks wait for a slot or for the run before: their claim is due by itself
END_WRITES_APART_S = 1.0
WRITES_A_SECOND = 2  # then ends wait for the next claim and join it, unless something waits for them (rule 24)
REST_S = 0.1


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, when it looked at what is due (the boot second and the wall time), and how far ahead."""

    plan: Plan
    made_at: float
    as_of: datetime
    ahead: timedelta

    @property
    def ledger(self) -> Ledger:
        """What the plan would write."""
        return self.plan.ledger

    @property
    def notes(self) -> Mapping[str, str]:
        """What it would write beside it."""
        return self.plan.notes

    @property
    def vain(self) -> bool:
        """Whether writing it would change nothing."""
        return self.plan.vain

    @property
    def claimed_until(self) -> datetime:
        """Everything due by then is decided: ahead of its time, unless a tick was left until it is due."""
        return self.as_of if self.plan.too_early else self.as_of + self.ahead


class Wanted:
    """The occasions for a write, as boot seconds. `claiming` says that a plan with claims may be on its way."""

    def __init__(self) -> None:
        self.claiming = False
        self._opens_term = False
        self._rang_at: float | None = None
        self._undecided = False
        self._end_seen_at = NEVER
        self._ends_written_at = -NEVER
        self._claimed_until = self._due = LONG_AGO
        self._rests_until = -NEVER
        self._wrote_at = deque([-NEVER, -NEVER], maxlen=WRITES_A_SECOND)

    @property
    def opens_term(self) -> bool:
        """Whether the first plan of the term is still to be accepted."""
        return self._opens_term

    def begin_term(self) -> None:
        """The lead is ours: its first plan is wanted at once."""
        self._opens_term, self._due = True, LONG_AGO

    def forget(self) -> None:
        """The lead is lost, and with it every occasion but what has still to be recorded."""
        self._opens_term = self._undecided = self.claiming = False
        self._rang_at = None

    def ring(self, now: float) -> None:
        """Something is to be decided."""
        self._rang_at, self._rests_until = now, -NEVER

    def fell_due(self, due: datetime | None, wall: datetime) -> bool:
        """Take note of what fell due; whether anything has that the last plan did not look at.

        A plan goes by the bounded wall clock (rule 13), so it may look at a tick only some time after that is due.
        """
        known = self._due if self._due <= wall else LONG_AGO  # the clock was set back since
        self._due = max(known, due or known)
        return self._due > self._claimed_until

    def see_end(self, now: float) -> bool:
        """A run ended; says whether it is the first to wait for a write, which others then share."""
        first = self._end_seen_at == NEVER
        self._end_seen_at, self._rests_until = min(self._end_seen_at, now), -NEVER
        return first

    @property
    def at_once(self) -> bool:
        """Whether ticks want a write."""
        return self._rang_at is not None or self._opens_term

    def record_ends_at(self, *, hurried: bool) -> float:
        """When to record the ends seen; `hurried` when more waits for it than the log."""
        if hurried or self._undecided:
            return self._end_seen_at + HURRIED_ENDS_SHARE_A_WRITE_S
        not_before = max(self._ends_written_at + END_WRITES_APART_S, self._wrote_at[0] + 1.0)
        return max(self._end_seen_at + ENDS_SHARE_A_WRITE_S, not_before)

    @property
    def end_seen_at(self) -> float:
        """When the first end was seen that is not recorded yet."""
        return self._end_seen_at

    def planned(self, draft: Planned) -> None:
        """A plan was accepted, or would change nothing."""
        self._opens_term, self._undecided, self._claimed_until = False, draft.plan.undecided, draft.claimed_until
        if self._rang_at is not None and self._rang_at <= draft.made_at:
            self._rang_at = None

    def rest(self, now: float) -> None:
        """A plan was in vain: whatever wants another is to wait a little, unless it rings."""
        self._rests_until = now + REST_S

    def not_in_vain(self, at: float) -> float:
        """When to want what is wanted `at` this time, after a plan in vain."""
        return max(at, self._rests_until)

    def wrote(self, now: float, *, ends_alone: bool) -> None:
        """A plan was accepted, be it of ends alone."""
        self._wrote_at.append(now)
        if ends_alone:
            self._ends_written_at = now

    def recorded(self, made_at: float, now: float, *, more: bool) -> None:
        """The ends known to the plan made at `made_at` are dealt with; `more` are to be recorded."""
        if self._end_seen_at <= made_at:  # an end heard of since then is not in this plan
            self._end_seen_at = now if more else NEVER

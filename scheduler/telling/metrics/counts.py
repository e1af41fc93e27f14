"""What the log's lines add up to, for `/metrics`: how many ticks ended how, how late runs began, how long they took.

Plain numbers in plain dicts, so that a replica that nobody scrapes pays next to nothing for them.

Over all replicas together each tick is counted once, by the replica that told its final line first. So a line that is
`repeated` for a predecessor counts nothing, and no more does one that the ledger does not hold (`recorded=no`): whoever
leads next has yet to decide that run. What a crashed leader counted after its last scrape is gone with it; the log is
the account, this is the picture.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scheduler.core.auditing.accounts import Fate

OUTCOMES = frozenset(Fate)
REASONS = frozenset(
    {
        *("", "exit", "exception", "http_status", "connect", "job_failed", "rejected", "crashed"),  # of a failure
        *("overlap", "paused"),  # of a skip
        *("superseded", "too_old", "max_catch_up", "catch_up_none", "max_interruptions", "not_in_table", "reset"),
        *("leader_lost", "replaced", "stopped"),  # of an interruption
    }
)
CAUSES = frozenset({"new", "released", "expired", "recreated"})
OTHER = "other"

LATE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

WATCH = "watch"  # lasts as long as nothing goes wrong, so its time says nothing

Tick = tuple[str, str, str]  # job, outcome, reason


@dataclass(slots=True)
class Spread:
    """How values in seconds spread over buckets; a bucket holds what is at most its bound, the last one the rest."""

    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    total_s: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def note(self, seconds: float) -> None:
        """Take note of one value."""
        place = next((place for place, bound in enumerate(self.bounds) if seconds <= bound), len(self.bounds))
        self.counts[place] += 1
        self.total_s += seconds

    def copy(self) -> Spread:
        """The same, to be looked at while the original goes on."""
        other = Spread(self.bounds)
        other.counts, other.total_s = list(self.counts), self.total_s
        return other


@dataclass(frozen=True, slots=True)
class Sum:
    """How many runs, and how many seconds they took together."""

    count: int = 0
    total_s: float = 0.0

    def plus(self, seconds: float) -> Sum:
        """The sum with one more run."""
        return Sum(self.count + 1, self.total_s + seconds)


class StoreRequests:
    """The requests to the Lease's store, by verb and by what came of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: dict[tuple[str, str], int] = {}
        self._took: dict[str, Spread] = {}

    def note(self, verb: str, outcome: str, seconds: float) -> None:
        """Take note of one request, from any thread."""
        with self._lock:
            self._outcomes[verb, outcome] = self._outcomes.get((verb, outcome), 0) + 1
            if verb != WATCH:
                self._took.setdefault(verb, Spread(REQUEST_S)).note(seconds)

    def so_far(self) -> tuple[dict[tuple[str, str], int], dict[str, Spread]]:
        """How many of each (verb, outcome), and how long those of each verb took."""
        with self._lock:
            return dict(self._outcomes), {verb: spread.copy() for verb, spread in self._took.items()}


@dataclass(slots=True)
class Sums:
    """All that was counted. What is of this term only is empty again when the next begins; the rest only grows.

    `failures` counts runs, of one job and one after another, that failed or timed out. `running` are the ids of the
    runs that began here and of which no end was told. `resumed` tells when a job's last pause ended.
    """

    leads: dict[str, int] = field(default_factory=dict)
    ticks: dict[Tick, int] = field(default_factory=dict)
    retries: dict[str, int] = field(default_factory=dict)
    took: dict[str, Sum] = field(default_factory=dict)
    late: Spread = field(default_factory=lambda: Spread(LATE_S))
    lead_since: datetime | None = None
    success: dict[str, datetime] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    resumed: dict[str, datetime] = field(default_factory=dict)

    def copy(self) -> Sums:
        """The same, to be looked at while the original goes on."""
        return Sums(
            dict(self.leads),
            dict(self.ticks),
            dict(self.retries),
            dict(self.took),
            self.late.copy(),
            self.lead_since,
            dict(self.success),
            dict(self.failures),
            set(self.running),
            dict(self.resumed),
        )


class Counts:
    """A `Listener` that counts. No label has a value from outside: what is not known by name counts as `other`."""

    def __init__(self, jobs: Collection[str]) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._sums = Sums()

    def so_far(self) -> Sums:
        """All that was counted, as it is now."""
        with self._lock:
            return self._sums.copy()

    def forget(self, runs: Iterable[str]) -> None:
        """These do not run any more, although no end of them was told: they were killed, or are somebody else's."""
        with self._lock:
            self._sums.running.difference_update(runs)

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Count one event."""
        kind, _, what = event.partition(".")
        with self._lock:
            if kind == "run":
                self._hear_of_run(what, facts, at)
            elif event == "lead.acquired":
                self._begin_term(_known(facts.get("cause"), CAUSES), at)
            elif event == "job.resumed":
                self._sums.resumed[_known(facts.get("job"), self._jobs)] = at

    def _begin_term(self, cause: str, at: datetime) -> None:
        sums = self._sums
        sums.leads[cause] = sums.leads.get(cause, 0) + 1
        sums.lead_since, sums.success, sums.failures = at, {}, {}

    def _hear_of_run(self, what: str, facts: Mapping[str, object], at: datetime) -> None:
        job, run = _known(facts.get("job"), self._jobs), str(facts.get("run"))
        if what == "started":
            self._sums.running.add(run)
            self._note_lateness(facts)
        elif what == "retrying":
            self._sums.running.discard(run)
            self._sums.retries[job] = self._sums.retries.get(job, 0) + 1
        elif what in OUTCOMES:
            self._sums.running.discard(run)
            self._end(job, what, facts, at)

    def _note_lateness(self, facts: Mapping[str, object]) -> None:
        """Of first attempts only: a later one is not late, it waited for the one before."""
        late_ms = facts.get("late_ms")
        if isinstance(late_ms, int) and facts.get("attempt") == 1:
            self._sums.late.note(late_ms / 1000)

    def _end(self, job: str, outcome: str, facts: Mapping[str, object], at: datetime) -> None:
        sums, took_ms = self._sums, facts.get("took_ms")
        if outcome == "succeeded":
            sums.success[job], sums.failures[job] = at, 0
        elif outcome in ("failed", "timed_out"):
            sums.failures[job] = sums.failures.get(job, 0) + 1
        if facts.get("repeated"):
            return
        if isinstance(took_ms, int):
            sums.took[job] = sums.took.get(job, Sum()).plus(took_ms / 1000)
        if facts.get("recorded") is not False:
            tick = (job, outcome, _known(facts.get("reason") or "", REASONS))
            ticks = facts.get("ticks")
            sums.ticks[tick] = sums.ticks.get(tick, 0) + (ticks if isinstance(ticks, int) else 1)


def _known(value: object, known: Collection[str]) -> str:
    return value if isinstance(value, str) and value in known else OTHER

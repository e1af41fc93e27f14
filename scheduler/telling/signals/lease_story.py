"""What is told of a Lease in Events: which log events, in which words, and how many of the same kind are one.

No thread and no request is in here; `lease_events.py` brings them. What happens to one job for one reason is one Event
with a count, as long as it goes on within ten minutes. How often an Event may be written is limited as client-go limits
it: a burst, and then one a minute. What has to wait is counted meanwhile, so nothing is lost but detail. Changes of the
lead have a limit of their own, so that a failing job cannot hide them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.telling.shapes import elapsed, harmless, shown
from scheduler.telling.values import plain

SAME_WITHIN = timedelta(minutes=10)
BURST = 25
REFILL_S = 60.0
KEPT = 512  # different Events that are remembered
LONGEST = 1000  # characters of a message
NORMAL, WARNING = "Normal", "Warning"
NEVER = float("inf")

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Said:
    """One thing to tell. What is equal in `reason` and `about` is told together; `ticks` is for how many it stands."""

    reason: str
    kind: str
    about: str
    message: str
    ticks: int = 1

    @property
    def is_of_the_lead(self) -> bool:
        """Whether it is about who leads, not about a job."""
        return self.reason.startswith("Lead")


def said_of(event: str, facts: Facts, me: str) -> Said | None:
    """What this log event is told as; None for most. `me` is the replica that tells."""
    tale = _TALES.get(event)
    if tale is None or facts.get("repeated") or facts.get("reason") == "replaced":
        return None
    reason, kind, words = tale
    line = {name: plain(fact) for name, fact in facts.items()}
    about = shown(line["job"]) if line.get("job") else f"{event} {me} {line.get('term')}"
    ticks = facts.get("ticks")
    message = harmless(words(line, me))
    return Said(reason, kind, about, message[:LONGEST], ticks if isinstance(ticks, int) else 1)


@dataclass(slots=True)
class Entry:
    """An Event as it is, or is to be: `name` is empty before it was first written, `unwritten` what it does not say."""

    said: Said
    first: datetime
    last: datetime
    count: int = 0
    unwritten: int = 0
    name: str = ""


class Bucket:
    """How often something may be done: so many times at once, and then once in a while."""

    def __init__(self, burst: int = BURST, refill_s: float = REFILL_S) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._full_at = 0.0

    def next_at(self, now: float) -> float:
        """When it may be done again, `now` or later."""
        return max(now, self._full_at - (self._burst - 1) * self._refill_s)

    def take(self, now: float) -> None:
        """It is done."""
        self._full_at = max(self._full_at, now) + self._refill_s


class Story:
    """All there is to tell; whoever calls holds one lock. `now` is in boot seconds."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._leads, self._jobs = Bucket(), Bucket()

    def note(self, said: Said, at: datetime) -> None:
        """Have it told."""
        key = said.reason, said.about
        entry = self._entries.get(key)
        if entry is None or (not entry.unwritten and at - entry.last > SAME_WITHIN):
            if not self._has_room(key):
                return
            entry = self._entries[key] = Entry(said, at, at)
        if not entry.unwritten:
            self._entries.move_to_end(key)
        entry.said, entry.last = said, at
        entry.unwritten += said.ticks

    def next(self, now: float) -> Entry | None:
        """What is to be written now, changes of the lead first; `wrote` must follow."""
        for bucket, entry in self._due():
            if bucket.next_at(now) <= now:
                bucket.take(now)
                return entry
        return None

    def next_at(self, now: float) -> float:
        """When something may be written, `now` or later; never, if there is nothing."""
        return min((bucket.next_at(now) for bucket, _ in self._due()), default=NEVER)

    def wrote(self, entry: Entry, count: int) -> None:
        """Take note that the Event says so much."""
        entry.unwritten -= count - entry.count
        entry.count = count

    def _due(self) -> list[tuple[Bucket, Entry]]:
        waiting = [entry for entry in self._entries.values() if entry.unwritten]
        lead = next((entry for entry in waiting if entry.said.is_of_the_lead), None)
        job = next((entry for entry in waiting if not entry.said.is_of_the_lead), None)
        return [pair for pair in ((self._leads, lead), (self._jobs, job)) if pair[1]]  # type: ignore[misc] # no None left

    def _has_room(self, key: tuple[str, str]) -> bool:
        """Forget the oldest Event that says all there is to say, if there are too many."""
        if key in self._entries or len(self._entries) < KEPT:
            return True
        written = next((key for key, entry in self._entries.items() if not entry.unwritten), None)
        if written:
            del self._entries[written]
        return written is not None


def _acquired(line: Facts, me: str) -> str:
    parts = [f"term {line.get('term')}", f"cause {line.get('cause')}"]
    parts += [f"previous {line['previous']}"] if line.get("previous") else []
    parts += [f"gap {elapsed(gap)}"] if isinstance(gap := line.get("gap_ms"), int | float) else []
    return f"{me} became leader: {', '.join(parts)}"


def _released(line: Facts, me: str) -> str:
    return f"{me} stopped leading: it gave term {line.get('term')} back"


def _lost(line: Facts, me: str) -> str:
    return f"{me} stopped leading: it lost term {line.get('term')}, {line.get('reason')}"


def _suspended(line: Facts, me: str) -> str:
    return f"{me} starts nothing: it could not renew term {line.get('term')} in time"


def _stalled(line: Facts, me: str) -> str:
    return f"{line.get('leader')} renews the Lease but settles no ticks, as {me} sees it"


def _failed(line: Facts, _me: str) -> str:
    why = line.get("error") or line.get("reason")
    attempt = line.get("attempt")
    tries = f" in attempt {attempt}" if attempt not in (None, 1) else ""
    return f"{line.get('run')} failed{tries}" + (f": {shown(why)}" if why else "")


def _timed_out(line: Facts, _me: str) -> str:
    took = line.get("took_ms")
    return f"{line.get('run')} timed out" + (f" after {elapsed(took)}" if isinstance(took, int | float) else "")


def _interrupted(line: Facts, _me: str) -> str:
    return f"{line.get('run')} was interrupted: {line.get('reason')}"


def _dropped(line: Facts, _me: str) -> str:
    until = f" to {line['to']}" if line.get("to") else ""
    return f"{line.get('run')}{until} was not run: {line.get('reason')}"


def _paused(line: Facts, _me: str) -> str:
    until = f" until {line['until']}" if line.get("until") else ""
    return f"{_jobs_are(line)} paused{until}" + (f": {line['reason']}" if line.get("reason") else "")


def _resumed(line: Facts, _me: str) -> str:
    return f"{_jobs_are(line)} resumed"


def _jobs_are(line: Facts) -> str:
    return f"{line['job']} is" if line.get("job") else "all jobs are"


def _ledger_lost(_line: Facts, me: str) -> str:
    return f"{me} found no ledger on the Lease: some ticks cannot be accounted for, see its log"


_TALES: Mapping[str, tuple[str, str, Callable[[Facts, str], str]]] = {
    "lead.acquired": ("LeaderElection", NORMAL, _acquired),
    "lead.released": ("LeaderElection", NORMAL, _released),
    "lead.lost": ("LeaderLost", WARNING, _lost),
    "lead.suspended": ("LeaderSuspended", WARNING, _suspended),
    "leader.stalled": ("LeaderStalled", WARNING, _stalled),
    "ledger.lost": ("LedgerLost", WARNING, _ledger_lost),
    "run.failed": ("JobFailed", WARNING, _failed),
    "run.timed_out": ("JobTimedOut", WARNING, _timed_out),
    "run.interrupted": ("JobInterrupted", WARNING, _interrupted),
    "run.dropped": ("TicksDropped", WARNING, _dropped),
    "job.paused": ("JobPaused", NORMAL, _paused),
    "job.resumed": ("JobResumed", NORMAL, _resumed),
}

"""A final line as others are told it: its fields as the JSON log has them, and as words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from scheduler.telling.events import kind_of, lay_out
from scheduler.telling.shapes import elapsed, harmless, shown
from scheduler.telling.values import plain

FAILURES = ("run.failed", "run.timed_out", "run.interrupted")
MISSES = ("run.dropped",)
SUCCESSES = ("run.succeeded",)
SENT = frozenset((*FAILURES, *MISSES, *SUCCESSES))

_VERBS = {"timed_out": "timed out", "interrupted": "was interrupted", "dropped": "was not run"}

Line = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as a listener hears it; what it becomes is made later, in another thread."""

    event: str
    facts: Mapping[str, object]
    at: datetime
    replica: str

    @property
    def job(self) -> str:
        """The job's name; empty where the line is about many."""
        return str(self.facts.get("job") or "")

    def line(self) -> dict[str, object]:
        """The line's content, field by field as the JSON log has it."""
        kind = kind_of(self.event)
        timestamp = self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level = self.facts.get("level") or kind.level_for(self.facts)
        head = {"timestamp": timestamp, "level": level, "event": self.event, "replica": self.replica}
        return lay_out(head, {name: plain(fact) for name, fact in self.facts.items() if name != "level"})


def in_words(line: Line) -> str:
    """What happened, in a sentence: `sync failed after 31s: status 502`."""
    outcome = _outcome(line)
    verb = _VERBS.get(outcome, outcome)
    if line.get("ticks"):
        subject = f"{line['job']}: {line['ticks']} ticks"
        verb = verb.replace("was ", "were ")
    else:
        subject = str(line["job"])
    after = f" after {_elapsed(line, 'took_ms')}" if line.get("took_ms") is not None else ""
    why = line.get("error") or line.get("reason")
    return harmless(f"{subject} {verb}{after}" + (f": {shown(why)}" if why else ""))


def circumstances(line: Line) -> str:
    """Which run it was, and where: `sync@2026-11-22T20:02:00Z, attempt 3, term 7, on beat-x2k4q`."""
    attempt = line.get("attempt")
    parts = [
        shown(line["run"]) + (f" to {line['to']}" if line.get("to") else ""),
        f"attempt {attempt}" if attempt not in (None, 1) else "",
        f"term {line['term']}" if line.get("term") is not None else "",
        f"on {line['replica']}",
        "told again by a new leader" if line.get("repeated") else "",
    ]
    return harmless(", ".join(part for part in parts if part))


def placeholders(line: Line) -> dict[str, str]:
    """The texts that a template's placeholders stand for (core/views/notices.py)."""
    facts = {name: shown(value) for name, value in line.items() if value is not None}
    return facts | {
        "text": f"{in_words(line)} ({circumstances(line)})",
        "outcome": _outcome(line),
        "took": _elapsed(line, "took_ms"),
        "late": _elapsed(line, "late_ms"),
    }


def _outcome(line: Line) -> str:
    return str(line["event"]).removeprefix("run.")


def _elapsed(line: Line, name: str) -> str:
    value = line.get(name)
    return elapsed(value) if isinstance(value, int | float) else ""

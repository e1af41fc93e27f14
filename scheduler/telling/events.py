"""Every event this program can tell: its level, its fields in order, and what its text line shows of them.

The names, fields and levels are an interface: people filter by them, `audit` proves by them that no tick was lost, and
other programs parse them. Fields are only ever added. JSON carries all fields of an event, null where a fact was not
given; the optional ones appear with their fact only. Text leads with the subject and leaves out what is usual, so that
a short line means that all is as configured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.core.job import Policy
from scheduler.telling.table import policy_facts


class UnknownEvent(LookupError):
    """An event, or a fact of one, that the table does not have: a slip of the programmer."""


@dataclass(frozen=True, slots=True)
class Event:
    """How one kind of event is told.

    With the fact `unless` = (name, value, level) the event has that level instead of its own. In text, the facts in
    `subject` lead, joined by colons, and those in `tail` end the line as they are; neither is repeated as `key=value`.
    `hidden` facts are never in the text, `usual` ones only with another value than this one.
    """

    level: str
    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()
    unless: tuple[str, object, str] | None = None
    subject: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    usual: Mapping[str, object] = field(default_factory=dict)

    def level_for(self, facts: Mapping[str, object]) -> str:
        """The level that these facts give the event."""
        if self.unless and facts.get(self.unless[0]) == self.unless[1]:
            return self.unless[2]
        return self.level


def kind_of(event: str) -> Event:
    """The event's row in the table. One that has none is a warning with whatever facts it has."""
    return EVENTS.get(event, _UNKNOWN)


def lay_out(head: Mapping[str, object], facts: Mapping[str, object]) -> dict[str, object]:
    """A line's content in its order: the head, the event's fields (null where not given), any facts not in the table.

    A fact cannot replace what is in the head, except `replica`, which for `replica.died` is the one that died.
    """
    kind = kind_of(str(head["event"]))
    given = {name: fact for name, fact in facts.items() if not (name in kind.optional and fact is None)}
    spare = (*kind.optional, "replica")
    fields = {name: given.get(name) for name in kind.fields if name in given or name not in spare}
    return {**head, **fields, **given, **{name: head[name] for name in ("timestamp", "level", "event")}}


def check(event: str, facts: Iterable[str]) -> None:
    """Raise `UnknownEvent` unless the table has this event with all these facts; `level` overrides its own."""
    if event not in EVENTS:
        raise UnknownEvent(f"no event {event} in telling/events.py")
    if unknown := set(facts) - {*EVENTS[event].fields, "level"}:
        raise UnknownEvent(f"event {event} has no {', '.join(sorted(unknown))} in telling/events.py")


def _mistake(level: str) -> Event:
    """Something wrong in a file. Its text reads as a compiler's message does."""
    place, words = ("file", "line", "column"), ("path", "code", "message", "hint")
    return Event(level, place + words, subject=place, tail=("code", "path", "message", "hint"))


_RUN = ("job", "run", "tick", "attempt", "cause", "term", "late_ms", "took_ms", "reason")
_FOLD = ("to", "ticks")  # the last tick and how many, on one line for many ticks of one fate
_SEQUEL = ("recorded", "repeated")  # the ledger does not have it; told again, for the leader before


def _run(level: str, *fields: str, unless: tuple[str, object, str] | None = None) -> Event:
    """Something that became of a run, or of many at once; its id says which job and which tick."""
    job, run, tick, *rest = _RUN
    return Event(
        level,
        (job, run, tick, *_FOLD, *rest, *fields, *_SEQUEL),
        optional=(*_FOLD, *_SEQUEL),
        unless=unless,
        subject=("run",),
        hidden=("job", "tick"),
        usual={"attempt": 1, "cause": "schedule"},
    )


_POLICIES = ("overlap", "catch_up", "catch_up_window", "max_catch_up", "delivery", "timeout", "retries")
_RARE_POLICIES = ("retry_delay", "max_interruptions", "claim_ahead", "jitter")

_UNKNOWN = Event("warning", ())

EVENTS: Mapping[str, Event] = {
    "config.loaded": Event("info", ("file", "jobs", "warnings", "hash", "writes_per_minute"), subject=("file",)),
    "config.warning": _mistake("warning"),
    "config.invalid": _mistake("error"),
    "app.started": Event(
        "info",
        ("version", "replica", "pid", "store", "health"),
        optional=("pid", "health"),  # no process number in a pod
    ),
    "app.stopping": Event("info", ("signal", "running", "drain_ms")),
    "app.stopped": Event(
        "info",
        ("reason", "took_ms", "running"),
        unless=("reason", "drain_timeout", "warning"),
        usual={"running": 0},
    ),
    "replica.died": Event("warning", ("replica", "pid", "signal"), subject=("replica",)),
    "schedule.job": Event(
        "info",
        ("job", "when", "zone", "next", "settled", "paused", *_POLICIES, *_RARE_POLICIES),
        optional=("paused", "max_catch_up", *_RARE_POLICIES),
        subject=("job",),
        hidden=("zone",),  # the next ticks carry its abbreviation
        usual=policy_facts(Policy()),
    ),
    "lead.standby": Event("info", ("leader", "term", "log")),
    "lead.observed": Event("info", ("leader", "term", "previous")),
    "lead.acquired": Event("info", ("term", "fence", "cause", "previous", "gap_ms", "missed"), usual={"missed": 0}),
    "lead.released": Event("info", ("term", "drained", "draining"), optional=("draining",), usual={"draining": 0}),
    "lead.lost": Event("warning", ("term", "reason", "running")),
    "lead.suspended": Event("warning", ("term", "reason", "running")),
    "lead.resumed": Event("info", ("term", "took_ms")),
    "lead.refused": Event("error", ("holder", "hint")),
    "leader.stalled": Event("warning", ("leader", "lag_ms")),
    "config.differs": Event("warning", ("peer", "hash", "other")),
    "ledger.full": Event("warning", ("bytes", "open")),
    "ledger.lost": Event("error", ("from", "to")),
    "ledger.reset": Event("warning", ("reason", "by"), optional=("reason", "by")),
    "job.asked": Event("info", ("job", "run", "reason", "by"), optional=("reason", "by"), subject=("job",)),
    "job.paused": Event("info", ("job", "until", "reason", "by"), optional=("by",), subject=("job",)),
    "job.resumed": Event("info", ("job", "reason", "by"), optional=("reason", "by"), subject=("job",)),
    "clock.stepped": Event("warning", ("step_ms",)),
    "command.refused": Event("warning", ("command", "reason", "by"), optional=("by",), subject=("command",)),
    "store.unavailable": Event("warning", ("store", "error", "trust_ms", "hint"), subject=("store",)),
    "store.degraded": Event("warning", ("store", "error", "hint"), subject=("store",)),
    "health.unavailable": Event("warning", ("error", "hint")),
    "store.recovered": Event("info", ("store", "took_ms", "attempts"), subject=("store",)),
    "notify.dropped": Event("warning", ("target", "count"), subject=("target",)),
    "notify.failed": Event("warning", ("target", "job", "count", "error"), subject=("target",), usual={"count": 1}),
    "tracing.unavailable": Event("warning", ("error", "hint")),
    "lease_events.refused": Event("debug", ("error", "hint")),
    "hook.output": Event(
        "info", ("hook", "stream", "logger", "text"), ("logger",), None, ("hook",), ("text",), ("stream",)
    ),
    "hook.succeeded": Event("info", ("hook", "term", "took_ms"), subject=("hook",)),
    "hook.failed": Event("error", ("hook", "term", "took_ms", "reason", "error"), subject=("hook",)),
    "hook.dropped": Event("warning", ("hook", "term", "reason"), subject=("hook",)),
    "runs.waiting": Event("warning", ("waiting", "oldest_ms", "max_parallel")),
    "run.started": _run("info"),
    "run.output": Event(
        "info",
        (*_RUN, "stream", "logger", "text"),
        optional=("logger",),
        subject=("run",),
        tail=("text",),
        hidden=("job", "tick", "cause", "term", "late_ms", "took_ms", "reason", "stream"),
        usual={"attempt": 1},
    ),
    "run.retrying": _run("warning", "error", "next_attempt", "in_ms"),
    "run.succeeded": _run("info"),
    "run.failed": _run("error", "error"),
    "run.timed_out": _run("error", "error"),
    "run.skipped": _run("warning", "blocker", unless=("reason", "paused", "info")),
    "run.dropped": _run("warning"),
    "run.interrupted": _run("error", "previous", "hint", unless=("reason", "replaced", "warning")),
    "library.log": Event(
        "info",
        ("logger", "text", "traceback"),
        optional=("traceback",),
        subject=("logger",),
        tail=("text", "traceback"),
    ),
}

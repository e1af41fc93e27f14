"""Traces: each attempt of a run as one span, under the names that the job was told (core/views/trace.py).

So what a job sends to the same collector, by the `traceparent` it was handed, hangs below the attempt that it was. The
standard variables of OpenTelemetry switch it on; nothing of its SDK is imported otherwise. A span is made from the
run's start and its end, as this replica tells them: an attempt that dies with its leader has none. Ticks that are not
run are no spans.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Protocol

from scheduler.core.ports import Tell
from scheduler.core.views.trace import span_id, trace_id

SWITCHES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
HINT = "install it, pip install 'leasebeat[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT"
FLUSH_S = 3.0
MOST_BEGUN = 10_000  # attempts whose end has not been told
MOST_WAITING = 2048  # spans, before the SDK is imported

_OUTCOMES = ("succeeded", "failed", "timed_out", "interrupted")
_TOLD = frozenset(("lead.acquired", "run.started", "run.retrying", *(f"run.{outcome}" for outcome in _OUTCOMES)))
_ATTRIBUTES = ("job", "run", "tick", "attempt", "cause", "term", "late_ms", "reason")


@dataclass(frozen=True, slots=True)
class Span:
    """One attempt. `error` is None where it succeeded."""

    trace: str
    id: str
    name: str
    start: datetime
    end: datetime
    attributes: Mapping[str, str | int]
    error: str | None


class Exporter(Protocol):
    """Whoever takes spans away."""

    def export(self, span: Span) -> None:
        """Take it, at once."""

    def close(self) -> None:
        """Send what is left; may take long."""


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the environment asks for traces, in the words of OpenTelemetry."""
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporters = environment.get("OTEL_TRACES_EXPORTER", "otlp").split(",")
    return not off and "otlp" in exporters and any(environment.get(name) for name in SWITCHES)


def missing() -> str | None:
    """The module of the SDK that is not installed, if one is not."""
    for name in NEEDED:
        try:
            if find_spec(name) is None:
                return name
        except ModuleNotFoundError:
            return name
    return None


class Attempts:
    """Makes spans of starts and ends, in the term that was acquired last."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, int], tuple[datetime, str]] = {}  # with the fence that the job was told
        self._fence = ""

    def span_of(self, event: str, facts: Mapping[str, object], at: datetime) -> Span | None:
        """The span that this event completes, if it does."""
        if event == "lead.acquired":
            self._fence = str(facts.get("fence") or "")
        run, attempt = facts.get("run"), facts.get("attempt")
        if not (isinstance(run, str) and isinstance(attempt, int)):
            return None
        if event == "run.started":
            self._begin(run, attempt, at)
        outcome = _outcome(event, facts)
        if outcome not in _OUTCOMES or facts.get("repeated"):
            return None
        begun = self._begun.pop((run, attempt), None)
        return _span(*begun, at, outcome, facts) if begun else None

    def _begin(self, run: str, attempt: int, at: datetime) -> None:
        """Some never end: what is killed with the lead has no line."""
        self._begun.pop((run, attempt - 1), None)
        self._begun[run, attempt] = at, self._fence
        if len(self._begun) > MOST_BEGUN:
            del self._begun[next(iter(self._begun))]


class Tracing:
    """The listener that has spans exported. `load` makes the exporter, which takes a while, in a thread of its own."""

    def __init__(self, load: Callable[[], Exporter], tell: Tell) -> None:
        self._load = load
        self._tell = tell
        self._attempts = Attempts()
        self._waiting: deque[Span] = deque(maxlen=MOST_WAITING)
        self._exporter: Exporter | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._bring_in, name="tracing", daemon=True)

    def start(self) -> None:
        """Import the SDK, while spans wait; if there is none, say what to do about it."""
        if name := missing():
            error = f"OpenTelemetry is not installed: there is no {name}"
            self._tell("tracing.unavailable", error=error, hint=HINT)
        else:
            self._thread.start()

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Export the span that this event completes."""
        if event not in _TOLD:
            return
        with self._lock:
            span = self._attempts.span_of(event, facts, at)
            if span and self._exporter:
                self._exporter.export(span)
            elif span:
                self._waiting.append(span)

    def close(self, within_s: float = FLUSH_S) -> None:
        """Send what is left, for so long at most."""
        closing = threading.Thread(target=self._close, name="tracing-end", daemon=True)
        closing.start()
        closing.join(within_s)

    def _bring_in(self) -> None:
        try:
            exporter = self._load()
        except Exception as error:  # noqa: BLE001 - a setting that the SDK does not take
            self._tell("tracing.unavailable", error=f"{type(error).__name__}: {error}", hint="see the OTEL_ variables")
            return
        with self._lock:
            self._exporter = exporter
            for span in self._waiting:
                exporter.export(span)
            self._waiting.clear()

    def _close(self) -> None:
        if self._thread.ident:
            self._thread.join()
        if self._exporter:
            self._exporter.close()


def _outcome(event: str, facts: Mapping[str, object]) -> str:
    """What became of the attempt; of one that another follows, only the reason says that it timed out."""
    if event != "run.retrying":
        return event.removeprefix("run.")
    return "timed_out" if facts.get("reason") == "timeout" else "failed"


def _span(start: datetime, fence: str, at: datetime, outcome: str, facts: Mapping[str, object]) -> Span:
    run, attempt, took_ms = str(facts["run"]), facts["attempt"], facts.get("took_ms")
    assert isinstance(attempt, int)
    told = {f"leasebeat.{name}": value for name in _ATTRIBUTES if isinstance(value := facts.get(name), str | int)}
    return Span(
        trace=trace_id(run, fence),
        id=span_id(run, fence, attempt),
        name=str(facts.get("job")),
        start=start,
        end=start + timedelta(milliseconds=took_ms) if isinstance(took_ms, int) else at,
        attributes=told | {"leasebeat.outcome": outcome},
        error=None if outcome == "succeeded" else str(facts.get("error") or facts.get("reason") or outcome),
    )

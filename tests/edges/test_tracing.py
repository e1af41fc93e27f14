"""Traces: one span an attempt, under the names that the job was told, and never in anybody's way."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from scheduler.core.views.trace import span_id, trace_id, traceparent
from scheduler.telling.signals.tracing import MOST_BEGUN, Attempts, Exporter, Span, Tracing, is_wanted, missing
from scheduler.telling.signals.tracing_export import OtlpExporter

AT = datetime(2026, 11, 22, 2, 15, 0, 3000, UTC)
LATER = AT + timedelta(seconds=32)
RUN = "sync@2026-11-22T02:15:00Z"
FENCE = "48211"
ACQUIRED: dict[str, object] = {"term": 7, "fence": FENCE, "cause": "expired"}
STARTED: dict[str, object] = {
    "job": "sync",
    "run": RUN,
    "tick": "2026-11-22T02:15:00Z",
    "attempt": 1,
    "cause": "schedule",
    "term": 7,
    "late_ms": 3,
}
ENDED = STARTED | {"took_ms": 31_000, "reason": None}


def spans(*told: tuple[str, dict[str, object]]) -> list[Span]:
    """The spans that these events of a leader complete; the first is told at AT, all others later."""
    attempts = Attempts()
    attempts.span_of("lead.acquired", ACQUIRED, AT)
    made = [attempts.span_of(event, facts, LATER if index else AT) for index, (event, facts) in enumerate(told)]
    return [span for span in made if span]


def test_a_span_is_the_attempt_that_the_job_was_told() -> None:
    (span,) = spans(("run.started", STARTED), ("run.succeeded", ENDED))

    assert traceparent(RUN, FENCE, 1) == f"00-{span.trace}-{span.id}-01"
    assert (span.name, span.start, span.end, span.error) == ("sync", AT, AT + timedelta(seconds=31), None)
    assert span.attributes == {
        "leasebeat.job": "sync",
        "leasebeat.run": RUN,
        "leasebeat.tick": "2026-11-22T02:15:00Z",
        "leasebeat.attempt": 1,
        "leasebeat.cause": "schedule",
        "leasebeat.term": 7,
        "leasebeat.late_ms": 3,
        "leasebeat.outcome": "succeeded",
    }


@pytest.mark.parametrize(
    ("event", "facts", "outcome", "error"),
    [
        ("run.failed", {"reason": "exit", "error": "exit 1: disk full"}, "failed", "exit 1: disk full"),
        ("run.retrying", {"reason": "http_status", "error": "502"}, "failed", "502"),
        ("run.retrying", {"reason": "leader_lost"}, "failed", "leader_lost"),
        ("run.retrying", {"reason": "timeout", "error": None}, "timed_out", "timeout"),
        ("run.timed_out", {"error": None}, "timed_out", "timed_out"),
        ("run.interrupted", {"reason": "stopped"}, "interrupted", "stopped"),
    ],
)
def test_what_did_not_succeed_is_an_error(event: str, facts: dict[str, object], outcome: str, error: str) -> None:
    (span,) = spans(("run.started", STARTED), (event, STARTED | facts))

    assert (span.attributes["leasebeat.outcome"], span.error, span.end) == (outcome, error, LATER)


def test_attempts_are_spans_of_one_trace() -> None:
    second = STARTED | {"attempt": 2}
    first, last = spans(
        ("run.started", STARTED), ("run.retrying", STARTED), ("run.started", second), ("run.succeeded", second)
    )

    assert first.trace == last.trace == trace_id(RUN, FENCE)
    assert (first.id, last.id) == (span_id(RUN, FENCE, 1), span_id(RUN, FENCE, 2))


def test_a_span_keeps_the_fence_that_its_job_was_told() -> None:
    """A run that drains may end in a term that began after it."""
    (span,) = spans(("run.started", STARTED), ("lead.acquired", ACQUIRED | {"fence": "5"}), ("run.succeeded", ENDED))

    assert (span.trace, span.id) == (trace_id(RUN, FENCE), span_id(RUN, FENCE, 1))


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([("run.succeeded", ENDED)], id="an attempt that another replica began"),
        pytest.param([("run.started", STARTED), ("run.succeeded", ENDED | {"repeated": True})], id="told again"),
        pytest.param([("run.started", STARTED), ("run.output", STARTED)], id="output"),
        pytest.param([("run.skipped", STARTED)], id="a tick that is not run"),
        pytest.param([("lead.acquired", {"term": 7})], id="no run"),
        pytest.param([("run.dropped", {"run": RUN, "ticks": 720})], id="many ticks"),
    ],
)
def test_what_is_no_span(told: list[tuple[str, dict[str, object]]]) -> None:
    assert spans(*told) == []


def test_attempts_that_never_end_are_forgotten() -> None:
    attempts = Attempts()
    for number in range(MOST_BEGUN + 5):
        attempts.span_of("run.started", STARTED | {"run": f"sync@{number}"}, AT)

    assert len(attempts._begun) == MOST_BEGUN


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_what_switches_it_on(environment: dict[str, str], expected: bool) -> None:
    assert is_wanted(environment) is expected


# ---------------------------------------------------------------------- the listener


class Kept:
    """An exporter that keeps spans, and may take for ever to end."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.may_end = threading.Event()

    def export(self, span: Span) -> None:
        self.spans.append(span)

    def close(self) -> None:
        self.may_end.wait(10)


def test_spans_wait_for_the_exporter_and_the_end_does_not() -> None:
    may_load, exporter = threading.Event(), Kept()

    def load() -> Exporter:
        may_load.wait(10)
        return exporter

    tracing = Tracing(load, lambda *_, **__: None)
    tracing.start()
    tracing.heard("lead.acquired", ACQUIRED, AT)
    tracing.heard("run.started", STARTED, AT)
    tracing.heard("run.succeeded", ENDED, LATER)
    tracing.close(within_s=0.01)
    assert exporter.spans == []
    may_load.set()
    tracing._thread.join()

    assert [(span.name, span.trace) for span in exporter.spans] == [("sync", trace_id(RUN, FENCE))]
    exporter.may_end.set()


def test_settings_that_the_sdk_does_not_take_are_told() -> None:
    told = []

    def load() -> Exporter:
        raise ValueError("max_queue_size must be a positive integer.")

    tracing = Tracing(load, lambda event, **facts: told.append((event, facts["error"])))
    tracing.start()
    tracing.close()

    assert told == [("tracing.unavailable", "ValueError: max_queue_size must be a positive integer.")]


def test_the_sdk_is_known_to_be_here() -> None:
    assert missing() is None


def test_without_the_sdk_there_is_one_line_that_says_what_to_do() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from scheduler.telling.signals.tracing import Tracing\n"
        "tracing = Tracing(lambda: 1 / 0, lambda event, **facts: print(event, facts['error'], '|', facts['hint']))\n"
        "tracing.start(); tracing.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == (
        "tracing.unavailable OpenTelemetry is not installed: there is no opentelemetry.sdk | "
        "install it, pip install 'leasebeat[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    assert done.stderr == ""


# ---------------------------------------------------------------------- the collector


class Collector(BaseHTTPRequestHandler):
    received: ClassVar[list[tuple[str, ExportTraceServiceRequest]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.received.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Collector]]:
    Collector.received.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield Collector
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_collector_gets_the_span_under_its_name(collector: type[Collector]) -> None:
    exporter = OtlpExporter("beat-x2k4q", "kubernetes:ops/beat")
    made = spans(("run.started", STARTED), ("run.failed", ENDED | {"reason": "exit", "error": "exit 1"}))
    exporter.export(made[0])
    exporter.close()
    ((path, request),) = collector.received
    (resource_spans,) = request.resource_spans
    (span,) = resource_spans.scope_spans[0].spans

    assert path == "/v1/traces"
    assert f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" == traceparent(RUN, FENCE, 1)
    assert (span.name, span.parent_span_id, span.status.code, span.status.message) == ("sync", b"", 2, "exit 1")
    assert (span.end_time_unix_nano - span.start_time_unix_nano, span.start_time_unix_nano % 10**9) == (
        31 * 10**9,
        3 * 10**6,
    )
    assert texts(span.attributes)["leasebeat.outcome"] == "failed"
    of_resource = texts(resource_spans.resource.attributes)
    assert (of_resource["service.name"], of_resource["service.instance.id"]) == ("leasebeat", "beat-x2k4q")


def test_a_service_that_has_a_name_keeps_it(collector: type[Collector], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "beat")
    exporter = OtlpExporter("a", "sqlite:leasebeat.db")
    exporter.export(spans(("run.started", STARTED), ("run.succeeded", ENDED))[0])
    exporter.close()
    ((_, request),) = collector.received

    assert texts(request.resource_spans[0].resource.attributes)["service.name"] == "beat"
    assert request.resource_spans[0].scope_spans[0].spans[0].status.code == 1


def texts(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}

"""Spans by OpenTelemetry's SDK and OTLP over HTTP: the only module that imports it.

The SDK's own tracer would make up the names of a span; ours are known before it begins. So finished spans are handed to
its batch processor directly, which exports them in the background. Endpoint, headers, certificates, timeouts, batches
and attributes of the resource are configured by the standard variables (OTEL_...).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from scheduler import __version__
from scheduler.telling.signals.tracing import Span

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_EPOCH = datetime.fromtimestamp(0, UTC)


class OtlpExporter:
    """Exports spans of this replica, which contends for the Lease at `place`."""

    def __init__(self, replica: str, place: str) -> None:
        found = Resource.create({"service.instance.id": replica, "leasebeat.store": place})
        is_named = not str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
        if not is_named:  # by neither variable of the standard
            found = found.merge(Resource({SERVICE_NAME: "leasebeat", "service.version": __version__}))
        self._resource = found
        self._scope = InstrumentationScope("leasebeat", __version__)
        self._processor = BatchSpanProcessor(OTLPSpanExporter())

    def export(self, span: Span) -> None:
        """Have it sent with the next batch; when too many wait, the SDK drops some and logs it."""
        status = Status(StatusCode.OK) if span.error is None else Status(StatusCode.ERROR, span.error)
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=SpanContext(int(span.trace, 16), int(span.id, 16), is_remote=False, trace_flags=_SAMPLED),
                resource=self._resource,
                attributes=dict(span.attributes),
                status=status,
                start_time=_nanoseconds(span.start),
                end_time=_nanoseconds(span.end),
                instrumentation_scope=self._scope,
            )
        )

    def close(self) -> None:
        """Send what is left. An export that is under way may take as long as its timeout."""
        self._processor.shutdown()  # type: ignore[no-untyped-call] # theirs


def _nanoseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000

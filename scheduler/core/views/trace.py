"""The names by which tracing knows a run: W3C Trace Context, made from the run id, the attempt and the term's fence.

A run's attempts of one term are one trace, and each attempt is a span of it. Whoever knows the three knows both names:
the job is told them before it starts, and the span that is exported when it has ended bears the same ones. The fence
keeps apart what has the same run id, such as the same table's runs in staging and in production. The format is that of
https://www.w3.org/TR/trace-context/, version 00.
"""

from __future__ import annotations

import hashlib

_TRACE_BYTES = 16
_SPAN_BYTES = 8
_SAMPLED = "01"


def trace_id(run: str, fence: str) -> str:
    """32 hex digits, the same for every attempt of the run in the term with this fence."""
    return _digest(f"trace {run} {fence}", _TRACE_BYTES)


def span_id(run: str, fence: str, attempt: int) -> str:
    """16 hex digits, of this attempt alone."""
    return _digest(f"span {run} {fence}#{attempt}", _SPAN_BYTES)


def traceparent(run: str, fence: str, attempt: int) -> str:
    """The header `traceparent` as the attempt hands it on: what the job does becomes part of the attempt's span."""
    return f"00-{trace_id(run, fence)}-{span_id(run, fence, attempt)}-{_SAMPLED}"


def _digest(text: str, size: int) -> str:
    """Never all zeros, which the format forbids: no text is known, nor can be found, that has such a hash."""
    return hashlib.sha256(text.encode()).digest()[:size].hex()

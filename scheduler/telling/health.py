"""The probes of a replica: `/startupz`, `/livez`, `/readyz`. Each is 200, or 503 with the reason in one sentence.

Startup: the server answers, so config.yaml is sound and the modules it names were imported. Liveness: the campaign's
loop turns (`leading/heartbeat.py`); a replica that drains is alive. Readiness: this replica has found its place and is
not about to leave it (`leading/readiness.py`); a standby is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from scheduler.telling.health_http import Answer, Routes, plain_answer

Complaint = Callable[[], str | None]
"""Says in a sentence what is wrong; None if nothing is."""


def probes(stuck: Complaint, unready: Complaint) -> Routes:
    """The three routes that a kubelet asks for."""
    return {
        "/livez": lambda: _verdict(stuck()),
        "/readyz": lambda: _verdict(unready()),
        "/startupz": lambda: _verdict(None),
    }


def _verdict(complaint: str | None) -> Answer:
    if complaint is None:
        return plain_answer(HTTPStatus.OK, "ok")
    return plain_answer(HTTPStatus.SERVICE_UNAVAILABLE, " ".join(complaint.split()))

"""`/status.json`: how things stand, for machines, and for `leasebeat status`. Fields are only ever added.

Times are UTC, written as run ids and log lines have them, so that they match digit for digit.
"""

from __future__ import annotations

import json
from datetime import datetime

from scheduler.core.job import instant_text
from scheduler.telling.page.history import Ended, Notable, Retrying
from scheduler.telling.page.overview import Identity, JobStatus, Leader, Overview
from scheduler.telling.page.pieces import in_pieces
from scheduler.telling.values import stamp

_SEPARATORS = (",", ":")


class StatusJson:
    """Makes the document; the text of a job is kept and used again as long as the job's status is the same object.

    It is put together from pieces: one call that encodes a thousand jobs would hold up every other thread meanwhile.
    """

    def __init__(self, me: Identity, zone: str) -> None:
        self._me = me
        self._zone = zone
        self._pieces: dict[str, tuple[JobStatus, str]] = {}

    def document(self, overview: Overview) -> bytes:
        """The document, on one line."""
        jobs = ",".join(self._piece(status) for status in in_pieces(overview.jobs))
        head = _text(self._head(overview))
        tail = _text({"complete": overview.leads, **self._additions(overview)})
        return f'{head[:-1]},"jobs":[{jobs}],{tail[1:]}\n'.encode()

    def _head(self, overview: Overview) -> dict[str, object]:
        me, lag = self._me, overview.lag
        lease = {
            "store": me.store,
            "name": me.lease,
            "timings": "/".join(f"{seconds}s" for seconds in me.timings),
            "hash": me.hash,
            "settled": _optional(overview.settled),
            "lag_ms": None if lag is None else round(lag.total_seconds() * 1000),
        }
        return {"leader": _leader(overview.leader), "lease": lease}

    def _additions(self, overview: Overview) -> dict[str, object]:
        return {
            "replica": self._me.replica,
            "version": self._me.version,
            "now": stamp(overview.now),
            "zone": self._zone,
            "proven": overview.proven,
            "last_leader": _leader(overview.last),
            "other_tables": [
                {"replica": one.replica, "hash": one.hash, "at": stamp(one.at)} for one in overview.others
            ],
            "recent": [_event(one) for one in overview.notable],
        }

    def _piece(self, status: JobStatus) -> str:
        known = self._pieces.get(status.name)
        if known is None or known[0] is not status:
            known = self._pieces[status.name] = (status, _text(_job(status)))
        return known[1]


def _job(status: JobStatus) -> dict[str, object]:
    pause = status.pause
    return {
        "name": status.name,
        "next": [instant_text(tick) for tick in status.next],
        "last": _ended(status.past.last, status.job.policy.retries + 1),
        "running": [
            {"run": run, "attempt": attempt, "since": _optional(since)} for run, attempt, since in status.running
        ],
        "retrying": _retrying(status.retrying),
        "paused": {"until": _optional(pause.until), "reason": pause.reason} if pause else None,
        "schedule": status.words,
        "zone": status.job.zone,
        "enabled": status.job.enabled,
        "failing": status.past.failing,
        "last20": status.past.fates,
    }


def _ended(last: Ended | None, attempts: int) -> dict[str, object] | None:
    if last is None:
        return None
    return {
        "run": last.run,
        "outcome": last.outcome,
        "reason": last.reason,
        "took_ms": last.took_ms,
        "error": last.cause,
        "attempt": last.attempt,
        "attempts": attempts,
        "at": stamp(last.at),
    }


def _retrying(waiting: Retrying | None) -> dict[str, object] | None:
    if waiting is None:
        return None
    return {"run": waiting.run, "attempt": waiting.attempt, "at": stamp(waiting.at), "error": waiting.cause}


def _leader(leader: Leader | None) -> dict[str, object] | None:
    if leader is None:
        return None
    since = _optional(leader.since)
    return {"replica": leader.replica, "term": leader.term, "since": since, "renewed_ms": leader.renewed_ms}


def _event(event: Notable) -> dict[str, object]:
    return {"at": stamp(event.at), "event": event.event, "times": event.count, **event.facts}


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else stamp(instant)


def _text(content: dict[str, object]) -> str:
    return json.dumps(content, separators=_SEPARATORS)

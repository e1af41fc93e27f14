"""What `status` knows: the Lease says who leads and who is paused, the leader itself what ran, the table what is next.

It is one JSON document, of the shape that the leader's `/status.json` has, whoever could be asked. Where the leader
could not, `complete` is false and `why` says why; then nothing is known of past runs, and the ticks to come are those
of the table at hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from scheduler.cli.asking.leader import leaders_status
from scheduler.cli.asking.place import Standpoint
from scheduler.cli.lease_state import LONGEST_NAME, LeaseState, state_of
from scheduler.config.mistakes import printable
from scheduler.core.errors import LedgerError, StoreError
from scheduler.core.job import Job, instant_text
from scheduler.core.ledger import Ledger, decode
from scheduler.core.notes.commands import Pause, commands_in, pauses_in
from scheduler.core.notes.tables import CONFIG, other_tables
from scheduler.core.ports import Clock, LeaseRecord
from scheduler.core.schedule import ticks_between
from scheduler.core.views.lag import Lag
from scheduler.telling.values import instant_of, stamp

JsonObject = dict[str, Any]
NEXT = 3  # ticks of each job
LATEST = datetime.max.replace(tzinfo=UTC)
TIMEOUT_S = 3.0
NO_LEASE = "the first replica makes it; if there are replicas, it has another name: {}"
OTHERS_TABLE = "config.yaml here ({}) is not the leader's table ({}); NEXT is by the one here"


@dataclass(frozen=True, slots=True)
class Found:
    """The document, when it was made, and how the Lease was judged."""

    document: JsonObject
    now: datetime
    lease: LeaseState

    @property
    def leads(self) -> bool:
        """Whether anybody does."""
        return self.document["leader"] is not None


def found(stand: Standpoint, clock: Clock) -> Found:
    """Look at everything once; raises StoreError where not even the Lease can be read."""
    record = stand.store.read(TIMEOUT_S)
    now = clock.wall()
    server_now = stand.store.server_time if stand.in_cluster else now
    state = state_of(record, server_now, adopt=stand.lease.adopt)
    said, why = _asked(stand, record, state)
    paused = {job: pause for job, pause in _pauses(record).items() if not pause.is_over(now)}
    jobs = said["jobs"] if said else _jobs_of_the_table(stand, paused, now)
    document: JsonObject = {
        "leader": _leader(record, now) if record and state.leader else None,
        "lease": _lease(stand, record, said, now),
        "jobs": [{**job, "paused": _pause(paused.get(str(job.get("name"))))} for job in jobs if isinstance(job, dict)],
        "complete": said is not None,
        "why": why,
        "now": stamp(now.replace(microsecond=0)),
        "zone": said.get("zone") if said else _zone(stand),
        "last_leader": _leader(record, now) if record and not state.leader and state.word == "ours" else None,
        "other_tables": [{"replica": name, "hash": one.hash} for name, one in _others(record).items()],
        "waiting": len(commands_in(record.notes)[0]) if record else 0,
    }
    return Found(document, now, state)


def _asked(stand: Standpoint, record: LeaseRecord | None, state: LeaseState) -> tuple[JsonObject | None, str | None]:
    """What the leader says, or why it says nothing."""
    if record is None and stand.in_cluster:
        return None, NO_LEASE.format(f"kubectl -n {stand.namespace} get leases")
    if record is None or not state.leader:
        return None, None
    try:
        return leaders_status(stand, record), None
    except StoreError as error:
        why = f"the leader cannot be asked: {error}"
    if stand.loaded and not stand.has_table_of(record) and (theirs := record.notes.get(CONFIG)):
        why = f"{why}; {OTHERS_TABLE.format(stand.loaded.hash, theirs[:16])}"
    return None, why


def _leader(record: LeaseRecord, now: datetime) -> JsonObject:
    renewed, since = instant_of(record.renewed), instant_of(record.acquired)
    return {
        "replica": printable(record.holder, LONGEST_NAME),
        "term": record.transitions + 1,
        "since": stamp(since.replace(microsecond=0)) if since else None,
        "renewed_ms": max(0, round((now - renewed).total_seconds() * 1000)) if renewed else None,
    }


def _lease(stand: Standpoint, record: LeaseRecord | None, said: JsonObject | None, now: datetime) -> JsonObject:
    theirs: Mapping[str, Any] = said["lease"] if said and isinstance(said.get("lease"), dict) else {}
    ledger = _ledger(record)
    return {
        "store": stand.store.place,
        "name": theirs.get("name") or stand.options.lease or stand.lease.name,
        "timings": theirs.get("timings") or _timings(stand, record),
        "hash": record.notes.get(CONFIG) if record else None,
        "settled": instant_text(ledger.settled) if ledger and ledger.settled else None,
        "lag_ms": theirs.get("lag_ms", _lag_ms(stand, record, ledger, now)),
    }


def _timings(stand: Standpoint, record: LeaseRecord | None) -> str | None:
    """The three times; of a table that is not at hand only the first is known."""
    if stand.loaded:
        lease = stand.lease
        return f"{lease.lease_duration_s}s/{lease.renew_deadline_s}s/{lease.retry_period_s}s"
    return f"{record.duration_s}s" if record and record.duration_s else None


def _lag_ms(stand: Standpoint, record: LeaseRecord | None, ledger: Ledger | None, now: datetime) -> int | None:
    if record is None or ledger is None or not ledger.settled or not stand.loaded or not stand.has_table_of(record):
        return None
    lag = Lag(stand.loaded.table).at(ledger, _pauses(record), now)
    return round(lag.total_seconds() * 1000)


def _jobs_of_the_table(stand: Standpoint, paused: Mapping[str, Pause], now: datetime) -> list[JsonObject]:
    jobs = stand.loaded.table.jobs.values() if stand.loaded else ()
    return [_job(job, paused.get(job.name), now) for job in jobs]


def _job(job: Job, pause: Pause | None, now: datetime) -> JsonObject:
    """The job as far as the table tells."""
    since = (pause.until or LATEST) if pause else now
    ticks = ticks_between(job.schedule, since, LATEST) if job.schedule and job.enabled else ()
    return {
        "name": job.name,
        "next": [instant_text(tick) for tick in islice(ticks, NEXT)],
        "last": None,
        "running": [],
        "schedule": "manual" if job.schedule is None else None,
        "zone": job.zone,
        "enabled": job.enabled,
    }


def _pause(pause: Pause | None) -> JsonObject | None:
    if pause is None:
        return None
    until = stamp(pause.until) if pause.until else None
    return {"until": until, "reason": pause.reason, "by": pause.by}


def _zone(stand: Standpoint) -> str:
    jobs = stand.loaded.table.jobs.values() if stand.loaded else ()
    zones = Counter(job.zone for job in jobs).most_common(1)
    return zones[0][0] if zones else "UTC"


def _pauses(record: LeaseRecord | None) -> Mapping[str, Pause]:
    return pauses_in(record.notes) if record else {}


def _others(record: LeaseRecord | None) -> Mapping[str, Any]:
    return other_tables(record.notes) if record else {}


def _ledger(record: LeaseRecord | None) -> Ledger | None:
    try:
        return decode(record.ledger) if record and record.ledger else None
    except LedgerError:
        return None

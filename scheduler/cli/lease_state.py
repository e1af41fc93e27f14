"""What a Lease as it was read once tells of who leads: a look, from which nothing follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from scheduler.config.mistakes import printable
from scheduler.core.errors import LedgerTooNew, LedgerUnreadable
from scheduler.core.ledger import decode
from scheduler.core.ports import LeaseRecord
from scheduler.telling.shapes import elapsed
from scheduler.telling.values import instant_of

SILENCE_IS_DEATH = 2  # s, beyond the lease duration: renewals may come late, and clocks differ
LONGEST_NAME = 253  # as Kubernetes has it

Word = Literal["none", "unused", "ours", "foreign", "adopted", "newer", "damaged"]


@dataclass(frozen=True, slots=True)
class LeaseState:
    """What the Lease tells, by `word` and as a `sentence`.

    none: there is no Lease; foreign, adopted: it is another program's, and the latter is meant; newer, damaged: of its
    ledger. `holder` is as written, `leader` only one of ours that renews, `format` the newer ledger's.
    """

    word: Word
    sentence: str
    holder: str = ""
    leader: str | None = None
    renewed: str | None = None
    format: int = 0


def state_of(record: LeaseRecord | None, now: datetime | None, *, adopt: bool) -> LeaseState:
    """Judge a Lease; `now` is by the server's clock, None if that is not known."""
    if record is None:
        return LeaseState("none", "no Lease yet: the first replica makes it")
    holder, renewed = printable(record.holder, LONGEST_NAME), record.renewed or None
    if record.ledger is None:
        if not (record.holder or record.renewed):
            return LeaseState("unused", "the Lease was never used")
        kept = f"by {holder}" if holder else "and given back by another program"
        word: Word = "adopted" if adopt else "foreign"
        return LeaseState(word, f"held {kept}, shared by lease.adopt", holder, None, renewed)
    try:
        decode(record.ledger)
    except LedgerTooNew as error:
        return LeaseState("newer", "written by a newer leasebeat", holder, None, renewed, error.version)
    except LedgerUnreadable:
        return LeaseState("damaged", _leadership(record, holder, now), holder, None, renewed)
    silent = _silent_ms(record, now) is not None
    leader = holder if holder and not silent else None
    return LeaseState("ours", _leadership(record, holder, now), holder, leader, renewed)


def _leadership(record: LeaseRecord, holder: str, now: datetime | None) -> str:
    silent_ms = _silent_ms(record, now)
    if silent_ms is not None:
        return f"nobody leads, {holder} did {elapsed(silent_ms)} ago" if holder else "nobody leads"
    return f"leader {holder}" if holder else "nobody leads"


def _silent_ms(record: LeaseRecord, now: datetime | None) -> int | None:
    """For how long the holder has not renewed, if that is too long for one that lives."""
    renewed = instant_of(record.renewed)
    if now is None or renewed is None:
        return None
    age_s = (now - renewed).total_seconds()
    return round(age_s) * 1000 if age_s > record.duration_s + SILENCE_IS_DEATH else None

"""Which table each replica goes by, as notes on the Lease: the leader's for all to compare, and those that differ.

    config           9f2c41d0                                       the hash of the holder's table
    address          10.1.2.3:8080                                  where the holder's health server can be asked
    table-web-2      {"hash":"1a2b3c4d","at":"2026-11-22T19:43:17Z"}   that of a standby which has another

The first two are the holder's: they come with the write that takes the Lease, and go with the one that gives it back.
The last is written by a standby, seldom, and only while it goes by another table than the leader. The leader takes it
away when it is old or true no more. In a roll-out tables differ as they should; what lasts is a mistake.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scheduler.core.job import instant_text

ADDRESS = "address"
CONFIG = "config"
TABLE = "table-"
MOST_TABLES = 20  # notes of tables that differ; more would crowd the Lease, and tell nothing new
SAID_ANEW_AFTER = timedelta(minutes=5)
STALE_AFTER = timedelta(minutes=12)  # said anew twice by then, if it were still true
LONGEST_KEY = 63  # of an annotation, as Kubernetes has it, after the slash
_DIGEST = 8
_PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class OtherTable:
    """The hash of the table that a standby goes by, and when it last said so."""

    hash: str
    at: datetime


def signed(notes: Mapping[str, str], *, address: str, config: str, now: datetime) -> Mapping[str, str]:
    """The notes as a holder writes them: its own address and table, and without what others said that is over."""
    own = {key: text for key, text in ((ADDRESS, address), (CONFIG, config)) if text}
    kept = {key: text for key, text in notes.items() if key not in (ADDRESS, CONFIG) and not _is_over(key, notes)}
    stale = [key for key, other in _notes_in(kept).items() if other.hash == config or _is_stale(other, now)]
    made = {key: text for key, text in kept.items() if key not in stale} | own
    return notes if made == notes else made


def unsigned(notes: Mapping[str, str]) -> Mapping[str, str]:
    """The notes of a Lease that nobody holds."""
    return {key: text for key, text in notes.items() if key not in (ADDRESS, CONFIG)}


def table_note(replica: str, table_hash: str, now: datetime) -> tuple[str, str]:
    """The note by which a standby says that it goes by this table, key and text."""
    said = {"hash": table_hash, "at": instant_text(now)}
    return f"{TABLE}{_short(replica)}", json.dumps(said, separators=(",", ":"))


def other_tables(notes: Mapping[str, str]) -> dict[str, OtherTable]:
    """What standbys said about their tables, by replica; a name that is no part of a note's key is cut short."""
    return {key.removeprefix(TABLE): other for key, other in _notes_in(notes).items()}


def has_room(notes: Mapping[str, str], replica: str) -> bool:
    """Whether this standby may say, too, which table it goes by."""
    own = f"{TABLE}{_short(replica)}"
    return sum(key.startswith(TABLE) and key != own for key in notes) < MOST_TABLES


def _notes_in(notes: Mapping[str, str]) -> dict[str, OtherTable]:
    found = ((key, _table(text)) for key, text in notes.items() if key.startswith(TABLE))
    return {key: other for key, other in found if other}


def _is_over(key: str, notes: Mapping[str, str]) -> bool:
    """Whether this is a note about a table that says nothing, or one more than there may be."""
    if not key.startswith(TABLE):
        return False
    tables = sorted(one for one in notes if one.startswith(TABLE))
    return _table(notes[key]) is None or key in tables[MOST_TABLES:]


def _is_stale(other: OtherTable, now: datetime) -> bool:
    return abs(now - other.at) > STALE_AFTER


def _table(text: str) -> OtherTable | None:
    """What such a note says; None for what cannot be understood, for anybody may write one."""
    try:
        said = json.loads(text)
        at = datetime.fromisoformat(said["at"]).astimezone(UTC)
        return OtherTable(said["hash"], at) if isinstance(said["hash"], str) else None
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return None


def _short(replica: str) -> str:
    """The name as part of a key; one that does not fit is told from others by its digest."""
    room = LONGEST_KEY - len(TABLE)
    if len(replica) <= room and _PLAIN.fullmatch(replica):
        return replica
    digest = hashlib.sha256(replica.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]
    return f"{_NOT_PLAIN.sub('-', replica)[: room - _DIGEST - 1]}-{digest}"

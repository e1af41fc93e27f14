"""Replicas that go by different tables: said on the Lease by whoever follows, and told in the log once it lasts.

In a roll-out tables differ for a while, as they should. So a standby waits a little before it says so, and says it
seldom; the warning comes after minutes, on the leader for each replica that differs, and on that replica for itself.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from datetime import timedelta

from scheduler.core.errors import Conflict, StoreError
from scheduler.core.moves import Candidate
from scheduler.core.notes.tables import CONFIG, SAID_ANEW_AFTER, has_room, other_tables, table_note
from scheduler.core.ports import Clock, LeaseStore, Tell
from scheduler.core.views.outlook import Outlook

TOLD_AFTER_S = timedelta(minutes=5).total_seconds()
SAID_AFTER_S = 30.0
LOOKS_APART_S = 15.0
TRIES = 3  # a write that meets another's is made again at once, but not for ever

_log = logging.getLogger("leasebeat.leading")


class TableSkew:
    """Tells `config.differs` once for each table that lasts beside ours; for one thread."""

    def __init__(self, me: Candidate, tell: Tell) -> None:
        self._me = me
        self._tell = tell
        self._since: dict[tuple[str, str], float] = {}
        self._told: set[tuple[str, str]] = set()

    def look(self, outlook: Outlook, now: float) -> None:
        """Take note of the tables that the Lease names by boot second `now`."""
        found = _others(outlook, self._me.config)
        self._since = {other: self._since.get(other, now) for other in found}
        self._told &= found
        for replica, other in sorted(found - self._told):
            if now - self._since[replica, other] >= TOLD_AFTER_S:
                self._told.add((replica, other))
                self._tell("config.differs", peer=replica, hash=self._me.config, other=other)


def _others(outlook: Outlook, own: str) -> set[tuple[str, str]]:
    """Who goes by another table than we do: to a leader its standbys, to a standby the leader."""
    if not own:
        return set()
    if outlook.leads:
        return {(name, table.hash) for name, table in other_tables(outlook.notes).items() if table.hash != own}
    other = outlook.notes.get(CONFIG)
    return {(outlook.leader, other)} if outlook.leader and other and other != own else set()


class TableNote:
    """Says on the Lease, in a thread of its own, which table this standby goes by, while it is not the leader's.

    It is written over the Lease as read, of which it changes nothing else: no sign of life, no claim to the lead.
    """

    def __init__(self, store: LeaseStore, me: Candidate, clock: Clock) -> None:
        self._store = store
        self._me = me
        self._clock = clock
        self._outlook = Outlook()
        self._differs_since: float | None = None
        self._said_at = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="table", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; does not wait for it."""
        self._stop.set()

    def look(self, outlook: Outlook, now: float) -> None:
        """Take note of what is known of the Lease by boot second `now`."""
        differs = not outlook.leads and bool(_others(outlook, self._me.config))
        since = self._differs_since if self._differs_since is not None else now
        self._outlook, self._differs_since = outlook, since if differs else None

    def is_due(self) -> bool:
        """Whether it is time to say it, for the first time or anew. A Lease that nobody renews is left alone."""
        outlook, since, now = self._outlook, self._differs_since, self._clock.boot()
        lives = outlook.alive_at is not None and now - outlook.alive_at < self._me.timings.lease_duration_s
        if since is None or outlook.ledger is None or not lives or not has_room(outlook.notes, self._me.name):
            return False
        return now - since >= SAID_AFTER_S and now - self._said_at >= SAID_ANEW_AFTER.total_seconds()

    def say(self) -> None:
        """Write the note, once; whatever comes in its way, it is tried again some time."""
        self._said_at = self._clock.boot()
        timeout_s = float(self._me.timings.retry_period_s)
        for _ in range(TRIES):
            try:
                record = self._store.read(timeout_s)
                if record is None or record.ledger is None or record.holder in ("", self._me.name):
                    return
                key, text = table_note(self._me.name, self._me.config, self._clock.wall())
                self._store.replace(replace(record, notes={**record.notes, key: text}), timeout_s)
            except Conflict:
                continue
            except StoreError as error:
                _log.debug("the table could not be noted: %s", error)
            return

    def _run(self) -> None:
        while not self._stop.wait(LOOKS_APART_S):
            try:
                if self.is_due():
                    self.say()
            except Exception:  # noqa: BLE001  # logged with its traceback; a note must never end its thread
                _log.exception("the table could not be noted")

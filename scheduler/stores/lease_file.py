"""One connection to the SQLite file of a Lease: its tables, its transactions and its troubles in words.

The file uses a rollback journal and leaves syncing to the operating system. A write that was accepted survives the
death of every process by SIGKILL. It does not surely survive the loss of power, which may cost the last seconds or, in
the worst case, the file. This was chosen because a process that is stopped while it holds SQLite's lock stops all
others with it, and without waiting for the disk that lock is held for a tenth of a millisecond. And against a
write-ahead log, because a log beside the file makes no sense of a file that is deleted or replaced while processes
have it open; a journal does.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scheduler.core.errors import Absent, Conflict, Unavailable
from scheduler.core.ports import LeaseRecord

FORMAT = 2

_SCHEMA = (
    """
    CREATE TABLE lease (
        name TEXT PRIMARY KEY, uid TEXT NOT NULL, version INTEGER NOT NULL,
        holder TEXT NOT NULL, duration_s INTEGER NOT NULL, acquired TEXT NOT NULL, renewed TEXT NOT NULL,
        transitions INTEGER NOT NULL, ledger TEXT, rest TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE TABLE writes (last INTEGER NOT NULL)",
    "INSERT INTO writes VALUES (0)",
    f"PRAGMA user_version = {FORMAT}",
)
_FROM_1 = (  # format 1 knew no notes
    "ALTER TABLE lease ADD COLUMN notes TEXT NOT NULL DEFAULT '{}'",
    "PRAGMA user_version = 2",
)
_READ = """
    SELECT holder, duration_s, acquired, renewed, transitions, ledger, version, uid, notes, rest
    FROM lease WHERE name = :name
"""
_CREATE = """
    INSERT INTO lease
    VALUES (:name, :uid, :next, :holder, :duration_s, :acquired, :renewed, :transitions, :ledger, :rest, :notes)
"""
_REPLACE = """
    UPDATE lease SET version = :next, holder = :holder, duration_s = :duration_s, acquired = :acquired,
                     renewed = :renewed, transitions = :transitions, ledger = :ledger, rest = :rest,
                     notes = :notes
    WHERE name = :name AND version = :version AND uid = :uid
"""
_TROUBLES: tuple[tuple[str, str, str | None], ...] = (
    ("SQLITE_FULL", "cannot grow: the disk is full", None),
    ("SQLITE_READONLY_DBMOVED", "was moved or deleted while it was in use", None),
    ("SQLITE_READONLY", "cannot be written to", "let this account write the file and its folder"),
    ("SQLITE_CANTOPEN", "cannot be opened", "let this account read and write the file and its folder"),
    ("SQLITE_NOTADB", "is not a SQLite file", "choose another lease.path"),
    ("SQLITE_CORRUPT", "is damaged", "move it away; a new one starts quietly, without the old one's ledger"),
    ("SQLITE_IOERR", "cannot be read or written: the disk reports an error", None),
)


class LeaseFile:
    """One connection to the row `name` of the file, for one thread at a time; raises sqlite3's errors.

    It knows whether the file at this path is still the one that it has open. `busy_s` is how long a statement waits for
    another process's lock.
    """

    def __init__(self, path: Path, name: str, busy_s: float) -> None:
        self._path = path
        self._name = name
        opened = _identity(path)
        self._connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA journal_mode = DELETE")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._prepare()
            self._identity = _identity(path)
            if self._identity is None or opened not in (None, self._identity):
                raise Unavailable(f"{path.name} was replaced while it was opened")
        except BaseException:
            self._connection.close()
            raise

    @property
    def is_in_place(self) -> bool:
        """Whether the path still leads to the open file."""
        return _identity(self._path) == self._identity

    def wait_at_most(self, busy_s: float) -> None:
        """Set how long each following statement may wait for another process's lock."""
        self._connection.execute(f"PRAGMA busy_timeout = {max(1, round(busy_s * 1000))}")

    def change(self) -> int:
        """A number that is another one whenever another connection has committed."""
        return self._number("PRAGMA data_version")

    def read(self) -> LeaseRecord | None:
        """The Lease as the file has it now."""
        row = self._connection.execute(_READ, {"name": self._name}).fetchone()
        if row is None:
            return None
        holder, duration_s, acquired, renewed, transitions, ledger, version, uid, notes, rest = row
        fields = holder, duration_s, acquired, renewed, transitions, ledger, str(version), uid
        return LeaseRecord(*fields, notes=json.loads(notes), rest=json.loads(rest))

    def create(self, record: LeaseRecord) -> LeaseRecord:
        """Add the Lease under a new uid; `Conflict` when there is one."""
        with self._writing() as version:
            if self.read() is not None:
                raise Conflict("the Lease exists")
            made = replace(record, uid=str(uuid.uuid4()))
            self._connection.execute(_CREATE, self._row(made, version))
            return replace(made, version=str(version))

    def replace(self, record: LeaseRecord) -> LeaseRecord:
        """Write the Lease if it still has the record's version and uid, else `Conflict` or `Absent`."""
        with self._writing() as version:
            if self._connection.execute(_REPLACE, self._row(record, version)).rowcount:
                return replace(record, version=str(version))
            if self.read() is None:
                raise Absent("there is no Lease")
            raise Conflict(f"the Lease has changed: it is no longer version {record.version}")

    def close(self) -> None:
        """Close the connection; a transaction under way is rolled back."""
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """A transaction that holds the write lock from its start, and the version that it writes."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute("UPDATE writes SET last = last + 1")
            yield self._number("SELECT last FROM writes")
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _row(self, record: LeaseRecord, version: int) -> dict[str, object]:
        fields = {name: getattr(record, name) for name in LeaseRecord.__slots__}
        texts = {"notes": json.dumps(dict(record.notes)), "rest": json.dumps(dict(record.rest))}
        return fields | texts | {"name": self._name, "next": version}

    def _number(self, question: str) -> int:
        (number,) = self._connection.execute(question).fetchone()
        return int(number)

    def _prepare(self) -> None:
        """Make the tables in a file that is new, and only there; bring those of an earlier format up to this one."""
        if self._number("PRAGMA user_version") < FORMAT:
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in self._steps_to_this_format():
                self._connection.execute(statement)
            self._connection.execute("COMMIT")
        if self._number("PRAGMA user_version") > FORMAT:
            raise Unavailable(f"{self._path.name} was written by a later leasebeat", "upgrade, or choose another file")

    def _steps_to_this_format(self) -> tuple[str, ...]:
        """What the file lacks, asked under the write lock: another process may have been faster."""
        found = self._number("PRAGMA user_version")
        if found == 0 and self._number("SELECT count(*) FROM sqlite_master"):
            raise Unavailable(f"{self._path.name} is another program's database", "choose another lease.path")
        return {0: _SCHEMA, 1: _FROM_1}.get(found, ())


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of the same name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def file_failure(error: Exception, path: Path, timeout_s: float) -> Unavailable:
    """The error in words of the file rather than of SQLite."""
    code = getattr(error, "sqlite_errorname", None) or ""
    if code.startswith("SQLITE_BUSY"):
        hint = "a process that was stopped in the midst of a write may hold the lock"
        return Unavailable(f"{path.name} was locked for {timeout_s:g}s", hint)
    if code.startswith("SQLITE_CANTOPEN") and not path.parent.is_dir():
        return Unavailable(f"there is no folder {path.parent}", "make it, or choose another lease.path")
    for start, words, way_out in _TROUBLES:
        if code.startswith(start):
            return Unavailable(f"{path.name} {words}", way_out)
    return Unavailable(f"{path.name} does not work: {error}")

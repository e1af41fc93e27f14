"""The file under the SQLite store: what is wrong with it in words, and what happens when somebody takes it away."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.core.errors import Absent, Unavailable
from scheduler.core.ports import LeaseRecord
from scheduler.stores.lease_file import file_failure
from scheduler.stores.sqlite import SqliteStore, _Look
from tests.fakes.homes import present, watching

TIME = "2026-11-22T13:00:00.000000Z"
LEASE = LeaseRecord("a", 15, TIME, TIME, 3, "the ledger")
TIMEOUT_S = 5.0
SHORT_S = 0.1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leasebeat.db"


@pytest.fixture
def store(path: Path) -> SqliteStore:
    return SqliteStore(path, "beat")


def test_its_place_is_told_from_here(tmp_path: Path) -> None:
    assert SqliteStore(Path.cwd() / "leasebeat.db", "beat").place == "sqlite:leasebeat.db"
    assert SqliteStore(tmp_path / "leasebeat.db", "beat").place == f"sqlite:{tmp_path}/leasebeat.db"
    assert SqliteStore(Path("some/leasebeat.db"), "beat").place == "sqlite:some/leasebeat.db"
    assert SqliteStore(tmp_path, "beat").is_local


def make_database(statement: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return make


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda path: path.parent.rmdir(), "there is no folder {folder}", id="no folder"),
        pytest.param(lambda path: path.mkdir(), "leasebeat.db cannot be opened", id="a folder in its place"),
        pytest.param(
            lambda path: path.write_bytes(b"not a database" * 99),
            "leasebeat.db is not a SQLite file",
            id="another file",
        ),
        pytest.param(
            make_database("CREATE TABLE shop (x)"), "leasebeat.db is another program's database", id="another database"
        ),
        pytest.param(
            make_database("PRAGMA user_version = 3"),
            "leasebeat.db was written by a later leasebeat",
            id="a later format",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told_so_at_every_call(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    spoil(folder / "leasebeat.db")
    store = SqliteStore(folder / "leasebeat.db", "beat")
    for _ in range(2):
        with pytest.raises(Unavailable) as error:
            store.read(TIMEOUT_S)

        assert str(error.value) == message.format(folder=folder)
    with watching(store) as watch, pytest.raises(Unavailable) as error:
        watch.next()

    assert str(error.value) == message.format(folder=folder)


def test_what_was_wrong_can_be_put_right(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "data" / "leasebeat.db", "beat")
    with pytest.raises(Unavailable):
        store.read(TIMEOUT_S)
    (tmp_path / "data").mkdir()

    assert store.read(TIMEOUT_S) is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("SQLITE_FULL", "x.db cannot grow: the disk is full", id="full"),
        pytest.param("SQLITE_READONLY", "x.db cannot be written to", id="read-only"),
        pytest.param("SQLITE_READONLY_DBMOVED", "x.db was moved or deleted while it was in use", id="moved"),
        pytest.param("SQLITE_IOERR_WRITE", "x.db cannot be read or written: the disk reports an error", id="I/O error"),
        pytest.param("SQLITE_CORRUPT", "x.db is damaged", id="damaged"),
        pytest.param("SQLITE_BUSY", "x.db was locked for 2s", id="locked"),
        pytest.param("SQLITE_NOLFS", "x.db does not work: large file", id="anything else"),
    ],
)
def test_sqlites_trouble_is_told_in_words(tmp_path: Path, name: str, message: str) -> None:
    error = sqlite3.OperationalError("large file")
    error.sqlite_errorname = name

    assert str(file_failure(error, tmp_path / "x.db", 2)) == message


@pytest.mark.parametrize("change", ["UPDATE lease SET rest = 'no JSON'", "UPDATE lease SET notes = 'no JSON'"])
def test_a_row_that_somebody_spoiled_is_told_so(store: SqliteStore, path: Path, change: str) -> None:
    store.create(LEASE, TIMEOUT_S)
    make_database(change)(path)
    with pytest.raises(Unavailable, match=r"leasebeat\.db does not work"):
        store.read(TIMEOUT_S)


@pytest.mark.timeout(TIMEOUT_S * 0.8)  # less than the time out of the call before
def test_a_lock_is_waited_for_only_so_long(store: SqliteStore, path: Path) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable, match=r"^leasebeat\.db was locked for 0\.1s$"):
        store.replace(created, SHORT_S)
    other.execute("ROLLBACK")
    other.close()

    assert store.replace(created, SHORT_S).uid == created.uid


def test_a_write_that_fails_half_way_leaves_the_lease_as_it_was(store: SqliteStore, path: Path) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    make_database("CREATE TRIGGER no BEFORE UPDATE ON lease BEGIN SELECT RAISE(ABORT, 'no'); END")(path)
    with pytest.raises(Unavailable):
        store.replace(replace(created, holder="b"), TIMEOUT_S)
    make_database("DROP TRIGGER no")(path)

    assert store.read(TIMEOUT_S) == created
    assert int(store.replace(created, TIMEOUT_S).version) == int(created.version) + 1


FORMAT_1 = """
CREATE TABLE lease (
    name TEXT PRIMARY KEY, uid TEXT NOT NULL, version INTEGER NOT NULL,
    holder TEXT NOT NULL, duration_s INTEGER NOT NULL, acquired TEXT NOT NULL, renewed TEXT NOT NULL,
    transitions INTEGER NOT NULL, ledger TEXT, rest TEXT NOT NULL
);
CREATE TABLE writes (last INTEGER NOT NULL);
INSERT INTO writes VALUES (41);
INSERT INTO lease VALUES (
    'beat', 'u-1', 41, 'a', 15, '2026-11-22T13:00:00.000000Z', '2026-11-22T13:00:00.000000Z', 3, 'the ledger', '{}'
);
PRAGMA user_version = 1;
"""


@pytest.fixture
def old_path(path: Path) -> Path:
    """A file as the version before notes left it."""
    connection = sqlite3.connect(path)
    connection.executescript(FORMAT_1)
    connection.close()
    return path


def test_a_file_of_the_first_format_keeps_its_lease_and_can_have_notes(old_path: Path) -> None:
    store = SqliteStore(old_path, "beat")
    old = present(store.read(TIMEOUT_S))
    noted = store.replace(replace(old, notes={"paused": "{}"}), TIMEOUT_S)
    read_anew = SqliteStore(old_path, "beat").read(TIMEOUT_S)
    SqliteStore(old_path, "another").create(LEASE, TIMEOUT_S)

    assert old == replace(LEASE, version="41", uid="u-1")
    assert noted == replace(old, version="42", notes={"paused": "{}"})
    assert read_anew == noted


def test_a_file_of_the_first_format_is_brought_up_by_one_of_those_who_open_it_at_once(old_path: Path) -> None:
    barrier = threading.Barrier(8)
    found: list[LeaseRecord | None] = []

    def open_it() -> None:
        store = SqliteStore(old_path, "beat")
        barrier.wait(TIMEOUT_S)
        found.append(store.read(TIMEOUT_S))

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [replace(LEASE, version="41", uid="u-1")] * 8


def test_an_upgrade_that_fails_half_way_leaves_the_old_file(old_path: Path) -> None:
    """It had the column already, so the first step fails; and no later one is taken."""
    make_database("ALTER TABLE lease ADD COLUMN notes TEXT")(old_path)
    with pytest.raises(Unavailable, match="does not work: duplicate column name: notes"):
        SqliteStore(old_path, "beat").read(TIMEOUT_S)
    connection = sqlite3.connect(old_path)
    (format_,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()

    assert format_ == 1


def test_two_leases_in_one_file_do_not_touch_each_other(path: Path) -> None:
    a, b = SqliteStore(path, "a"), SqliteStore(path, "b")
    first = a.create(LEASE, TIMEOUT_S)

    assert b.read(TIMEOUT_S) is None

    second = b.create(replace(LEASE, holder="b"), TIMEOUT_S)
    b.replace(replace(second, holder="c"), TIMEOUT_S)

    assert a.read(TIMEOUT_S) == first
    assert a.replace(first, TIMEOUT_S).holder == "a"


def test_a_lease_whose_file_was_deleted_is_absent(store: SqliteStore, path: Path) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    path.unlink()
    with pytest.raises(Absent):
        store.replace(created, TIMEOUT_S)

    assert store.read(TIMEOUT_S) is None
    assert store.create(LEASE, TIMEOUT_S).uid != created.uid


def test_a_file_that_was_replaced_is_the_one_that_counts(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    store.create(LEASE, TIMEOUT_S)
    other = SqliteStore(tmp_path / "other.db", "beat")
    wanted = other.create(replace(LEASE, holder="b"), TIMEOUT_S)
    other.close()
    (tmp_path / "other.db").replace(path)

    assert store.read(TIMEOUT_S) == wanted


def test_a_watch_sees_that_its_file_was_deleted_and_made_again(store: SqliteStore, path: Path) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    with watching(SqliteStore(path, "beat")) as watch:
        seen = watch.next()
        path.unlink()
        gone = watch.next()
        again = store.create(replace(LEASE, holder="b"), TIMEOUT_S)
        seen_again = watch.next()

    assert (seen, gone, seen_again) == (created, None, again)


def test_a_watch_sees_that_its_file_was_replaced(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    store.create(LEASE, TIMEOUT_S)
    other = SqliteStore(tmp_path / "other.db", "beat")
    wanted = other.create(replace(LEASE, holder="b"), TIMEOUT_S)
    other.close()
    with watching(store) as watch:
        watch.next()
        (tmp_path / "other.db").replace(path)

        assert watch.next() == wanted


def test_a_look_finds_no_news_where_only_another_lease_has_changed(store: SqliteStore, path: Path) -> None:
    created = store.create(LEASE, TIMEOUT_S)
    look = _Look(path, "beat")
    found = [look.finds_news(), look.finds_news()]
    SqliteStore(path, "other").create(LEASE, TIMEOUT_S)
    found.append(look.finds_news())
    store.replace(created, TIMEOUT_S)
    found.append(look.finds_news())
    look.close()

    assert found == [True, False, False, True]


def test_a_file_that_goes_while_it_is_used_makes_the_call_unavailable(store: SqliteStore, path: Path) -> None:
    store.create(LEASE, TIMEOUT_S)
    with pytest.raises(Unavailable, match="deleted or replaced while it was in use"), store._open(TIMEOUT_S):
        path.unlink()

    assert store.read(TIMEOUT_S) is None


def test_nothing_is_left_beside_the_file(store: SqliteStore, path: Path) -> None:
    lease = store.create(LEASE, TIMEOUT_S)
    for _ in range(10):
        lease = store.replace(lease, TIMEOUT_S)

    assert sorted(path.parent.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from scheduler.core.ports import LeaseRecord
from scheduler.stores.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]), "beat")
lease = store.create(LeaseRecord("a", 15, "", "", 0, "x" * 5000), 5)
while True:
    lease = store.replace(lease, 5)
    print(lease.version, flush=True)
"""


def test_what_was_accepted_survives_a_kill(store: SqliteStore, path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None

        for _ in range(50):
            accepted = writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        accepted = (writer.stdout.read() or accepted).splitlines()[-1]
    lease = present(store.read(TIMEOUT_S))

    assert int(lease.version) >= int(accepted)
    assert store.replace(lease, TIMEOUT_S).ledger == "x" * 5000

"""The Lease in a SQLite file of one machine, where several processes contend for it as replicas in a cluster would.

The file may be deleted or replaced by another at any time, as people do with files. Each use looks whether it is still
the one that is open, before and after; a Lease that went with its file is then simply absent.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scheduler.core.errors import Unavailable
from scheduler.core.ports import LeaseRecord
from scheduler.stores.lease_file import LeaseFile, file_failure

LOOK_EVERY_S = 0.1
WATCH_BUSY_S = 1.0


class SqliteStore:
    """A `LeaseStore` over the row `name` of the file `path`, which is made when first needed.

    Versions are whole numbers as text that only grow, also over a Lease that was deleted and made again, so they
    serve as fencing tokens for as long as the file exists.
    """

    is_local = True
    server_time = None  # a file has no clock

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._file: LeaseFile | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def place(self) -> str:
        """`sqlite:leasebeat.db`, the path relative to the working directory where it lies inside it."""
        here = Path.cwd()
        return f"sqlite:{self._path.relative_to(here) if self._path.is_relative_to(here) else self._path}"

    def log_command(self, holder: str) -> None:
        """The replicas' logs are wherever they were started."""

    def read(self, timeout_s: float) -> LeaseRecord | None:
        """The Lease as the file has it now."""
        with self._open(timeout_s) as file:
            return file.read()

    def create(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """Make the Lease; `Conflict` when there is one."""
        with self._open(timeout_s) as file:
            return file.create(record)

    def replace(self, record: LeaseRecord, timeout_s: float) -> LeaseRecord:
        """Write the Lease over the version and uid that `record` quotes."""
        with self._open(timeout_s) as file:
            return file.replace(record)

    def watch(self, seen: Callable[[LeaseRecord | None], None], stop: threading.Event) -> None:
        """Look ten times a second, over a connection of its own, whether the file has changed or was replaced."""
        self._refuse_if_closed()
        look = _Look(self._path, self._name)
        try:
            while not (stop.is_set() or self._closed.is_set()):
                if look.finds_news():
                    seen(look.record)
                stop.wait(LOOK_EVERY_S)
        finally:
            look.close()

    def close(self) -> None:
        """Close the file; a watch ends within a tenth of a second."""
        self._closed.set()
        with self._lock:
            self._drop()

    @contextmanager
    def _open(self, timeout_s: float) -> Iterator[LeaseFile]:
        """The open file, for one thread at a time. After any trouble it is opened anew, which also rolls back."""
        if not self._lock.acquire(timeout=timeout_s):
            raise Unavailable(f"timeout after {timeout_s:g}s")
        try:
            self._refuse_if_closed()
            if self._file is not None and not self._file.is_in_place:
                self._drop()
            self._file = self._file or LeaseFile(self._path, self._name, timeout_s)
            self._file.wait_at_most(timeout_s)
            yield self._file
            if not self._file.is_in_place:
                raise Unavailable("the file was deleted or replaced while it was in use")
        except Unavailable:
            self._drop()
            raise
        except (sqlite3.Error, ValueError) as error:
            self._drop()
            raise file_failure(error, self._path, timeout_s) from error
        finally:
            self._lock.release()

    def _refuse_if_closed(self) -> None:
        if self._closed.is_set():
            raise Unavailable("the store was closed")

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _Look:
    """What a watch has seen so far. `finds_news` costs one `stat` and one pragma while nothing happens."""

    def __init__(self, path: Path, name: str) -> None:
        self.record: LeaseRecord | None = None
        self._path = path
        self._name = name
        self._file: LeaseFile | None = None
        self._change: int | None = None
        self._is_first = True

    def finds_news(self) -> bool:
        """Whether `record` is another than at the last look; the first look always brings news."""
        try:
            if self._file is not None and not self._file.is_in_place:
                self.close()
            self._file = self._file or LeaseFile(self._path, self._name, WATCH_BUSY_S)
            change = self._file.change()
            if change == self._change:
                return False
            before, self.record = self.record, self._file.read()
        except (sqlite3.Error, ValueError) as error:
            raise file_failure(error, self._path, WATCH_BUSY_S) from error
        self._change = change
        is_news = self._is_first or self.record != before
        self._is_first = False
        return is_news

    def close(self) -> None:
        """Close the connection; the next look opens what the path then leads to."""
        if self._file is not None:
            self._file.close()
            self._file, self._change = None, None

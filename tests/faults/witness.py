"""Somebody who watches the Lease with kubectl, beside all replicas, and notes which job table rules since when."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import IO, Any, Self

from scheduler.core.ledger import ANNOTATION, Ledger, decode
from tests.processes.cluster import Namespace
from tests.processes.record import now
from tests.weather.history import Declared, Excused

LOOK_AGAIN_S = 0.5
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass
class Rule:
    """Which definitions rule, and which did: rows for the judge, made from the ledgers that were seen.

    `tables` has the rows of every revision by the fingerprint of each definition, `loaded` when anybody first had one.
    """

    tables: Mapping[int, Mapping[str, Declared]]
    ruling: dict[str, Declared] = field(default_factory=dict)
    replaced: list[Declared] = field(default_factory=list)
    excused: list[Excused] = field(default_factory=list)
    _revision: int = -1
    _before: Ledger | None = None

    def see(self, ledger: Ledger, at: float) -> None:
        if ledger.settled is None:
            return
        if ledger.rev > self._revision:
            self._change(ledger, at)
        self._before = ledger

    def rows(self, loaded: Mapping[str, float]) -> list[Declared]:
        """`loaded` tells by name, period and offset when somebody first had a definition."""
        rows = [*self.replaced, *self.ruling.values()]
        return [replace(row, loaded=loaded[f"{row.name} {row.period_s} {row.offset_s}"]) for row in rows]

    def _change(self, ledger: Ledger, at: float) -> None:
        self._revision = ledger.rev
        table = self.tables[ledger.rev]
        for print_ in self.ruling.keys() - table.keys():
            self._retire(print_, {row.name for row in table.values()}, at)
        for print_ in table.keys() - self.ruling.keys():
            self.ruling[print_] = replace(table[print_], since=ledger.mark(print_, EPOCH).timestamp())

    def _retire(self, print_: str, names: set[str], at: float) -> None:
        """What the definition had not decided goes with it; the runs of a job that is gone are kept, without a line."""
        assert self._before
        row = self.ruling.pop(print_)
        owed_until = self._before.mark(print_, EPOCH).timestamp()
        self.replaced.append(replace(row, until=at, owed_until=owed_until))
        if row.name not in names:
            ticks = [run.instant.timestamp() for run in self._before.open if run.job == row.name]
            self.excused += [Excused(tick - 0.5, tick, row.name) for tick in ticks]


class Witness:
    """Watches one Lease from `__enter__` on; `at` is when it was last seen written, by `holder`."""

    def __init__(self, namespace: Namespace, lease: str, rule: Rule) -> None:
        self.holder = ""
        self.at = 0.0
        self.writes = 0
        self._namespace, self._lease, self._rule = namespace, lease, rule
        self._over = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._process:
            self._process.terminate()
        self._thread.join()

    def _watch(self) -> None:
        command = ["kubectl", "-n", self._namespace.name, "get", "lease", "-w", "-o", "json"]
        command += ["--field-selector", f"metadata.name={self._lease}"]
        while not self._over.is_set():
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as self._process:
                for lease in _objects(self._process.stdout):
                    self._see(lease)
            self._over.wait(LOOK_AGAIN_S)

    def _see(self, lease: dict[str, Any]) -> None:
        self.writes, self.at = self.writes + 1, now()
        self.holder = lease["spec"].get("holderIdentity") or ""
        text = lease["metadata"].get("annotations", {}).get(ANNOTATION)
        if text:
            self._rule.see(decode(text), self.at)


def _objects(stream: IO[str] | None) -> Iterator[dict[str, Any]]:
    """kubectl prints each object on lines of its own, the last of which is a brace alone."""
    text = ""
    for line in stream or ():
        text += line
        if line == "}\n":
            found = json.loads(text)
            text = ""
            yield from found["items"] if found["kind"] == "List" else (found,)

"""The job tables of a storm: each job as a user would write it, and as a judge is told of it, made side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes.record import SHELL
from tests.weather.history import Declared

LEASE_S = 5
HEAD = {
    "lease": {"lease_duration": "5s", "renew_deadline": "3s", "retry_period": "1s", "drain_timeout": "10s"},
    "max_parallel": 24,
}
LONG_S = 9.0  # outlives a lease


@dataclass(frozen=True)
class Row:
    """One job: its keys in config.yaml, and the judge's row."""

    keys: dict[str, Any]
    declared: Declared

    @property
    def name(self) -> str:
        return self.declared.name


class Table:
    """The jobs of a storm in their revisions; those of one `folder` keep one record there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def revision(self, number: int) -> list[Row]:
        """With each a job comes, one that came two revisions ago goes, and one gets another schedule."""
        came = [self.python(f"came-{one}", 1, catch_up="all", max_catch_up=1000) for one in (number - 1, number)]
        changing = self.python("changing", 1 + number % 3, catch_up="all", max_catch_up=1000)
        return [*self._always(), changing, *came]

    def write(self, number: int) -> Path:
        """The config.yaml of a revision; JSON is YAML."""
        path = self._folder / f"config-{number}.yaml"
        jobs = {row.name: row.keys for row in self.revision(number)}
        path.write_text(json.dumps({**HEAD, "revision": number, "jobs": jobs}, indent=1))
        return path

    def _always(self) -> Iterable[Row]:
        for letter in "abc":
            yield self.python(f"meter-{letter}", 1, catch_up="all", max_catch_up=1000)
        yield self.python("latest", 1)
        yield self.python("money", 1, at_most_once=True, catch_up="all")
        yield self.python("thread", 1, isolation="thread")
        yield self.shell("shell", 1)
        yield self.python("none", 2, catch_up="none")
        yield self.python("beside", 2, _up_to(6.0), overlap="allow")
        yield self.python("queued", 2, _up_to(3.0), overlap="queue")
        yield self.python("replaced", 2, _up_to(3.0), overlap="replace")
        yield self.python("retried", 3, _up_to(0.5) | {"fails": 0.5}, retries=2)
        yield self.python("jittered", 5, _up_to(1.0), jitter_s=2.0)
        yield self.python("dear", 15, _up_to(4.0), offset_s=5, at_most_once=True)
        yield self.python("long", 20, {"seconds": LONG_S}, catch_up="all")

    def python(
        self, name: str, period_s: int, work: dict[str, Any] | None = None, isolation: str = "process", **said: Any
    ) -> Row:
        """`work` says how the run behaves, see `recorded_jobs.work`; the rest is the judge's row."""
        kwargs = {"folder": str(self._folder), **(work or {})}
        action = {"python": {"call": "recorded_jobs:work", "kwargs": kwargs, "isolation": isolation}}
        return _row(action, Declared(name, period_s, killable=isolation == "process", **said))

    def shell(self, name: str, period_s: int, **said: Any) -> Row:
        return _row({"shell": SHELL.format(folder=self._folder)}, Declared(name, period_s, **said))


def _up_to(seconds: float) -> dict[str, Any]:
    return {"seconds": seconds, "varies": True}


def _row(action: dict[str, Any], said: Declared) -> Row:
    keys = {
        "every": f"{said.period_s}s",
        "offset": f"{said.offset_s}s",
        "overlap": said.overlap,
        "catch_up": said.catch_up,
        "max_catch_up": said.max_catch_up,
        "delivery": "at_most_once" if said.at_most_once else "at_least_once",
        "retries": said.retries,
        "retry_delay": "1s",
        "jitter": f"{said.jitter_s:g}s",
    }
    return Row({**keys, **action}, said)

"""Those whom the dispatch sets to work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from scheduler.core.job import JobTable
from scheduler.core.moves import Acquired
from scheduler.core.ports import Runner
from scheduler.running.pulse import Pulse


class Bell(Protocol):
    """The alarm, as the dispatch sees it (`running/alarm.py`)."""

    def arm(self, table: JobTable, now: datetime) -> None:
        """Ring for every tick that falls due after `now`."""

    def disarm(self) -> None:
        """Stop ringing, and forget what was to come."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Those whom the dispatch sets to work.

    `wake` makes the campaign look again whether a write is wanted; `on_lead` is called as each term begins.
    """

    runner: Runner
    bell: Bell
    wake: Callable[[], None]
    on_lead: Callable[[Acquired], None]


class Engine:
    """The alarm and whether it lives: armed while this replica leads, and its silence noticed from then on."""

    def __init__(self, bell: Bell, pulse: Pulse) -> None:
        self._bell = bell
        self._pulse = pulse

    def arm(self, table: JobTable, as_of: datetime) -> None:
        """Ring for every tick that falls due after `as_of`."""
        self._pulse.beat()
        self._bell.arm(table, as_of)

    def disarm(self) -> None:
        """Stop ringing."""
        self._pulse.beat(armed=False)
        self._bell.disarm()

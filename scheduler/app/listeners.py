"""Who else lives by the events that the log is told: put together here, for one replica."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.config.settings import Loaded
from scheduler.core.outlook import Outlook
from scheduler.core.ports import Clock, LeaseStore
from scheduler.telling.feed import Feed
from scheduler.telling.health_http import Routes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What listeners are made from. `name` is the replica's; `outlook` says what it knows of the Lease by now."""

    loaded: Loaded
    name: str
    store: LeaseStore
    clock: Clock
    outlook: Callable[[], Outlook]


class Listeners:
    """All that hear the feed of one replica, and what of it can be asked for over HTTP."""

    def __init__(self, around: Surroundings, feed: Feed) -> None:
        self._around = around
        self._feed = feed

    @property
    def routes(self) -> Routes:
        """What the health server answers beside the probes."""
        return {}

    def start(self) -> None:
        """Begin to work; what is told before is kept."""

    def close(self) -> None:
        """Let what is on its way out, for a few seconds at most, and end."""

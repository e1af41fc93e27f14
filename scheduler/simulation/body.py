"""What the parts of a virtual replica ask of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from scheduler.running.dispatch import Dispatch
from scheduler.simulation.world import World


class Body(Protocol):
    """A replica, as its alarm and its runners see it."""

    world: World
    name: str
    dispatch: Dispatch

    def wall(self) -> datetime:
        """Now, in UTC, by its own clock."""

    def gets(self, mail: Callable[[], None]) -> None:
        """Something for its other threads to do, once it is up."""

    def does(self, mail: Callable[[], None]) -> None:
        """Something that its other threads do without its campaign, unless they wake that; once it is up."""

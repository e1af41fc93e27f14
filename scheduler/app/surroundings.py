"""What the listeners of one replica are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.app.place import Place
from scheduler.config.settings import Loaded
from scheduler.core.ports import Clock, LeaseStore
from scheduler.core.views.outlook import Outlook
from scheduler.telling.metrics.counts import StoreRequests


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`name` is the replica's; `outlook` says what it knows of the Lease by now.

    `lease` is the Lease's name, and `requests` counts what is asked of its `store`, which is at this `place`.
    """

    loaded: Loaded
    name: str
    store: LeaseStore
    clock: Clock
    outlook: Callable[[], Outlook]
    lease: str
    requests: StoreRequests
    place: Place

"""Where the values of metrics come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.core.ports import Clock
from scheduler.core.views.outlook import Outlook
from scheduler.telling.metrics.counts import Counts, StoreRequests


@dataclass(frozen=True, slots=True)
class About:
    """What never changes of a replica: its program, where its Lease lives, the Lease's name, the hash of its table."""

    version: str
    store: str
    lease: str
    config_hash: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked at each scrape."""

    counts: Counts
    requests: StoreRequests
    outlook: Callable[[], Outlook]
    clock: Clock

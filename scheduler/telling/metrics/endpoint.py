"""`/metrics`: what one replica has to tell Prometheus, as text of format 0.0.4.

Counting goes on all the time, in plain numbers (`counts.py`); what prometheus_client is needed for begins with
the first scrape. An answer is given again to whoever asks right after it was made, so that no number of scrapers can
take more than a twentieth of the time of a process that has ticks to keep. Ticks fall on whole seconds, and close to
one no answer is made if there is another that will do.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from scheduler.core.job import JobTable
from scheduler.telling.health_http import Answer, Routes
from scheduler.telling.kept import Kept, Pace
from scheduler.telling.metrics.sources import About, Sources

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PACE = Pace(quiet=range(100_000, 850_000), costs=20)  # which counts for a table of many thousands
BREATH_S = 0.0005


class Metrics:
    """The answer to `/metrics`, for one thread, and the `Listener` behind it."""

    def __init__(self, about: About, table: JobTable, sources: Sources) -> None:
        self._about = about
        self._table = table
        self._sources = sources
        self._registry: CollectorRegistry | None = None
        self._kept = Kept(self._new_answer, sources.clock, lambda: sources.outlook().proven, PACE)
        self._breath = threading.Event()

    @property
    def routes(self) -> Routes:
        """What the health server is to answer."""
        return {"/metrics": self.answer}

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Count one event."""
        self._sources.counts.heard(event, facts, at)

    def answer(self) -> Answer:
        """All metrics as text, a second or two old at most, and never from before the lead was won or lost."""
        return self._kept()

    def _new_answer(self) -> Answer:
        from scheduler.telling.metrics.text import CONTENT_TYPE, text_of  # noqa: PLC0415  # see the module's text

        self._registry = self._registry or self._new_registry()
        text = text_of(self._registry.collect(), lambda: self._breath.wait(BREATH_S))
        return Answer(HTTPStatus.OK, text, CONTENT_TYPE)

    def _new_registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415  # as above

        from scheduler.telling.metrics.families import Families  # noqa: PLC0415  # as above

        registry = CollectorRegistry()
        registry.register(Families(self._about, self._table, self._sources))
        return registry

"""Who else lives by the events that the log is told: put together here, for one replica."""

from __future__ import annotations

from scheduler import __version__
from scheduler.app.signals import Signals
from scheduler.app.surroundings import Surroundings
from scheduler.telling.feed import Feed
from scheduler.telling.health_http import Routes
from scheduler.telling.metrics.counts import Counts
from scheduler.telling.metrics.endpoint import Metrics
from scheduler.telling.metrics.sources import About, Sources
from scheduler.telling.page.history import History
from scheduler.telling.page.overview import Identity
from scheduler.telling.page.routes import status_routes
from scheduler.telling.page.status import Status


class Listeners:
    """All that hear the feed of one replica, and what of it can be asked for over HTTP."""

    def __init__(self, around: Surroundings, feed: Feed) -> None:
        self._around = around
        self._feed = feed
        self._metrics = _metrics(around)
        self._history = History(around.loaded.table.jobs)
        self._signals = Signals(around, feed)
        feed.add(self._metrics, self._history, *self._signals.listeners)

    @property
    def routes(self) -> Routes:
        """What the health server answers beside the probes."""
        page = self._around.loaded.settings.health.page
        return {**status_routes(self._status(), self._around.clock, page=page), **self._metrics.routes}

    def _status(self) -> Status:
        around, loaded = self._around, self._around.loaded
        lease = loaded.settings.lease
        me = Identity(
            replica=around.name,
            version=__version__,
            store=around.store.place,
            lease=around.lease,
            timings=(lease.lease_duration_s, lease.renew_deadline_s, lease.retry_period_s),
            hash=loaded.hash,
            table=loaded.table,
        )
        return Status(me, around.outlook, self._history, around.clock)

    def start(self) -> None:
        """Begin to work; what is told before is kept."""
        self._signals.start()

    def close(self) -> None:
        """Let what is on its way out, for a few seconds at most, and end."""
        self._signals.close()


def _metrics(around: Surroundings) -> Metrics:
    table = around.loaded.table
    about = About(__version__, around.store.place, around.lease, around.loaded.hash)
    return Metrics(about, table, Sources(Counts(table.jobs), around.requests, around.outlook, around.clock))

"""What goes out to others as things happen: pings, notifications, Events on the Lease, hooks and traces.

Each is a listener of its own, made, and imported, only where config.yaml or the environment asks for it: most replicas
stand by and tell nobody, and they are to be small. None of them is waited for by anything but the end of the replica,
and then all of them together for a few seconds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Protocol

from scheduler.app.place import open_events
from scheduler.app.surroundings import Surroundings
from scheduler.config.settings import Loaded
from scheduler.core.job import Job, Notify
from scheduler.core.ports import Listener, RunNews
from scheduler.telling.feed import Feed

if TYPE_CHECKING:
    from scheduler.cluster.exchange import Exchanges
    from scheduler.running.supervisor.handle import SupervisorRunner
    from scheduler.telling.signals.post import Deliver
    from scheduler.telling.signals.tracing import Exporter, Tracing


class _Closing(Protocol):
    def close(self) -> None:
        """Let what is on its way out, and end."""


class Signals:
    """The listeners of one replica that tell others."""

    def __init__(self, around: Surroundings, feed: Feed) -> None:
        self._around = around
        self._loaded = around.loaded
        self._feed = feed
        self.listeners: list[Listener] = []
        self._closing: list[_Closing] = []
        self._tracing: Tracing | None = None
        self._add_post()
        self._add_hooks()
        self._add_lease_events()
        self._add_tracing()

    def start(self) -> None:
        """Import what takes long to import."""
        if self._tracing:
            self._tracing.start()

    def close(self) -> None:
        """Let what is on its way out, all at the same time, and end."""
        ends = [threading.Thread(target=one.close, name="signals-end", daemon=True) for one in self._closing]
        for end in ends:
            end.start()
        for end in ends:
            end.join()

    def _add_post(self) -> None:
        table, targets = self._loaded.table, self._loaded.settings.notify
        if not any(_posts(job) for job in table.jobs.values()):
            return
        from scheduler.telling.signals.notify import Notifications  # noqa: PLC0415 - see the head of this module
        from scheduler.telling.signals.ping import Pings  # noqa: PLC0415 - as above
        from scheduler.telling.signals.post import Post  # noqa: PLC0415 - as above

        post = Post(_carriers(self._loaded), self._feed, self._around.clock.boot)
        self.listeners += [
            Pings(table, self._around.name, post),
            Notifications(table, targets, self._around.name, post),
        ]
        self._closing.append(post)

    def _add_hooks(self) -> None:
        actions, around = self._loaded.settings.lease.hooks, self._around
        if actions:
            from scheduler.running.hooks import Hooks  # noqa: PLC0415 - as above

            hooks = Hooks(actions, around.name, partial(_supervised, self._loaded), around.clock, self._feed)
            self.listeners.append(hooks)
            self._closing.append(hooks)

    def _add_lease_events(self) -> None:
        if opened := open_events(self._loaded.settings.lease, self._around.place):
            from scheduler.telling.signals.lease_events import LeaseEvents  # noqa: PLC0415 - as above

            events = LeaseEvents(*opened, self._around.name, self._around.clock, self._feed)
            self.listeners.append(events)
            self._closing.append(events)

    def _add_tracing(self) -> None:
        if not any(name.startswith("OTEL_") for name in os.environ):
            return
        from scheduler.telling.signals.tracing import Tracing, is_wanted  # noqa: PLC0415 - as above

        if is_wanted(os.environ):
            self._tracing = Tracing(partial(_exporter, self._around), self._feed)
            self.listeners.append(self._tracing)
            self._closing.append(self._tracing)


def _posts(job: Job) -> bool:
    return job.enabled and bool(job.policy.ping or job.policy.notify != Notify())


def _carriers(loaded: Loaded) -> Callable[[], Deliver]:
    @cache
    def exchanges_with(_place: str) -> Exchanges:
        from scheduler.cluster.exchange import Exchanges  # noqa: PLC0415 - see below

        return Exchanges()

    def carrier() -> Deliver:
        # Imported by the first thread that sends: a standby does without an HTTP client.
        from scheduler.telling.signals.delivery import Carrier  # noqa: PLC0415

        return Carrier(loaded.file.absolute().parent, exchanges_with)

    return carrier


def _supervised(loaded: Loaded, news: Callable[[RunNews], None]) -> SupervisorRunner:
    from scheduler.running.hooks import GRACE_S  # noqa: PLC0415 - as above
    from scheduler.running.supervisor.handle import SupervisorRunner  # noqa: PLC0415 - as above

    folder = str(loaded.file.absolute().parent)
    return SupervisorRunner(news, folder, loaded.settings.logging.level, GRACE_S)


def _exporter(around: Surroundings) -> Exporter:
    from scheduler.telling.signals.tracing_export import OtlpExporter  # noqa: PLC0415 - only where it is asked for

    return OtlpExporter(around.name, around.store.place)

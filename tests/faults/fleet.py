"""Three places for replicas, each with its own way to the API server; who is in them, and what can be done to one."""

from __future__ import annotations

import signal
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.faults.jobs import Table
from tests.processes.cluster import Namespace
from tests.processes.proxy import GOOD, Proxy
from tests.processes.record import now
from tests.processes.replica import ReplicaProcess

NAMES = ("a", "b", "c")
ENDS_WITHIN_S = 25.0  # a drain, a release, and some patience


@dataclass
class Place:
    """A pod's place: its name stays, its process comes and goes. `revision` is what the next one will have."""

    name: str
    link: Proxy
    options: tuple[str, ...]
    revision: int = 1
    replica: ReplicaProcess | None = None
    frozen_since: float | None = None
    frozen_whole: bool = False

    @property
    def lives(self) -> bool:
        return self.replica is not None and self.replica.process.poll() is None

    @property
    def is_well(self) -> bool:
        return self.lives and self.frozen_since is None


@dataclass(frozen=True)
class Frost:
    """A whole replica, frozen with all its runs and thawed again."""

    replica: str
    since: float
    until: float


@dataclass
class Fleet:
    """Used as a context manager: all processes and proxies end with it."""

    namespace: Namespace
    lease: str
    table: Table
    seed: int
    places: dict[str, Place] = field(default_factory=dict)
    all: list[ReplicaProcess] = field(default_factory=list)
    loaded: dict[str, float] = field(default_factory=dict)
    frosts: list[Frost] = field(default_factory=list)
    _configs: dict[int, Path] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        kubeconfig = self.namespace.kubeconfig(self.lease)
        for number, name in enumerate(NAMES):
            link = self._stack.enter_context(Proxy(*self.namespace.api_server(), seed=self.seed + number))
            through = str(self.namespace.through(kubeconfig, link.port))
            options = (
                "--kubeconfig",
                through,
                "-n",
                self.namespace.name,
                "--lease",
                self.lease,
                "--log-level",
                "debug",
            )
            self.places[name] = Place(name, link, options)
        return self

    def __exit__(self, *_: object) -> None:
        for replica in self.all:
            replica.end()
        self._stack.close()

    def config(self, revision: int) -> Path:
        if revision not in self._configs:
            self._configs[revision] = self.table.write(revision)
        return self._configs[revision]

    def start(self, place: Place) -> None:
        """Unless somebody is in this place still."""
        if place.lives:
            return
        config = self.config(place.revision)
        for row in (row.declared for row in self.table.revision(place.revision)):
            self.loaded.setdefault(f"{row.name} {row.period_s} {row.offset_s}", now())
        place.frozen_since = None
        place.replica = ReplicaProcess.start(place.name, config, *place.options, environment={"REPLICA": place.name})
        self.all.append(place.replica)

    def leader(self) -> Place | None:
        """The last to have told that it leads, if it has not told since that it does no more and lives."""
        best: tuple[float, Place] | None = None
        for place in self.places.values():
            if not place.lives or place.replica is None:
                continue
            ends = [line["at"] for event in ("lead.lost", "lead.released") for line in place.replica.said(event)]
            begins = [line["at"] for line in place.replica.said("lead.acquired")]
            if begins and begins[-1] > max(ends, default=0.0) and (best is None or begins[-1] > best[0]):
                best = begins[-1], place
        return best[1] if best else None

    # -- blows

    def kill(self, place: Place, *, whole: bool) -> None:
        """SIGKILL for the process alone, whose runs must die by themselves; or for all, as when a container dies."""
        if place.replica and place.lives:
            if whole or place.frozen_whole:
                place.replica.signal_tree(signal.SIGKILL)
            else:
                place.replica.signal(signal.SIGKILL)
            place.replica.process.wait()
            self._thawed(place)

    def freeze(self, place: Place, *, whole: bool) -> None:
        if place.replica and place.is_well:
            place.frozen_since, place.frozen_whole = now(), whole
            (place.replica.signal_tree if whole else place.replica.signal)(signal.SIGSTOP)

    def thaw(self, place: Place) -> None:
        if place.replica and place.lives and place.frozen_since is not None:
            self._thawed(place)
            place.replica.signal_tree(signal.SIGCONT)

    def _thawed(self, place: Place) -> None:
        if place.frozen_since is not None and place.frozen_whole:
            self.frosts.append(Frost(place.name, place.frozen_since, now()))
        place.frozen_since, place.frozen_whole = None, False

    def stop(self, place: Place) -> None:
        """Ask for a clean stop, and kill it when the grace is over, as a kubelet does. Returns at once."""
        if place.replica and place.is_well:
            threading.Thread(target=self._stop, args=(place.replica,), daemon=True).start()

    def _stop(self, replica: ReplicaProcess) -> None:
        replica.signal(signal.SIGTERM)
        try:
            replica.process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            replica.signal_tree(signal.SIGKILL)

    def stop_all(self) -> None:
        """Stop everybody, and wait until they have told all they had to."""
        for place in self.places.values():
            self.stop(place)
        for replica in self.all:
            replica.process.wait(2 * ENDS_WITHIN_S)
            replica.wait_until_told()

    def heal(self) -> None:
        """Whatever was done to replicas and links is undone; who is dead stays so."""
        for place in self.places.values():
            self.thaw(place)
            place.link.link = GOOD
            place.link.resume()

"""What all runs of Kubernetes Jobs have around them, and how long they wait between two looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.core.ports import Clock, RunNews
from scheduler.running.runners.kubernetes_job_home import JobsHome


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between two looks.

    After a failure the `first`, then ever more up to the `longest`; after a watch that ended and after one that failed;
    where none can be had; and while the gate is shut, for what was asked for and got no answer.
    """

    first: float = 0.25
    longest: float = 10.0
    after_watch: float = 0.2
    after_failure: float = 1.0
    blind: float = 5.0
    shut: float = 1.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every run needs. `home` gives the way to the cluster, or raises ClusterError where there is none.

    `gate` says whether a run may start at this moment, `patience_s` how many seconds a request to start one may take.
    Files that a job's variables refer to are as seen from `folder`.
    """

    news: Callable[[RunNews], None]
    home: Callable[[], JobsHome]
    gate: Callable[[], bool]
    patience_s: Callable[[], float]
    clock: Clock
    folder: str
    pauses: Pauses = Pauses()

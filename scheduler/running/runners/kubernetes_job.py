"""Runs `kubernetes_job` actions: each a batch/v1 Job that the API server keeps, followed by a thread of the leader.

The Job is named by its run, so it does not matter who follows it. A leader that is lost lets go of its Jobs, whoever
leads next finds each by its name and follows it to its end; none is ever created twice. Losing the lead, a stop, or the
death of this process never deletes a Job: only its timeout and a kill do, such as by a newer run that replaces it.

Each run has a watch of its own, by name, rather than all of them one by label. What that costs follows what is under
way and not what `ttl` keeps; each watch begins with a plain read of its Job, so that nothing depends on what a watch
may have missed; and what hangs, hangs for one run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from scheduler.core.errors import ClusterError
from scheduler.core.ports import Clock, RunNews, RunOrder
from scheduler.core.work import NEVER
from scheduler.running.runners.kubernetes_job_home import JobsHome
from scheduler.running.runners.kubernetes_job_run import JobRun
from scheduler.running.runners.kubernetes_job_surroundings import Surroundings


class KubernetesJobRunner:
    """A Runner with a thread for each run that it follows; they do not keep the process from ending.

    `open_home` is called when the first run needs it, and again until it succeeds; it raises ClusterError where there
    is no way to a cluster. `news` is called in the thread of the run it is about.
    """

    def __init__(
        self,
        news: Callable[[RunNews], None],
        open_home: Callable[[], JobsHome],
        gate: Callable[[], bool],
        clock: Clock,
        folder: str = "",
    ) -> None:
        self._open_home = open_home
        self._clock = clock
        self._exclusive_until = NEVER
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._home: JobsHome | None = None
        self._is_closed = False
        self._runs: dict[str, JobRun] = {}
        self._around = Surroundings(news, self._opened_home, gate, self._patience_s, clock, folder)

    def trust(self, gate_until: float, exclusive_until: float) -> None:  # noqa: ARG002 - the gate itself is asked
        """No request to create a Job is waited for longer than until another may lead."""
        self._exclusive_until = exclusive_until

    def start(self, order: RunOrder) -> None:
        """Create the run's Job, or take it up where it exists, and follow it."""
        run = JobRun(order, self._around)
        thread = threading.Thread(target=partial(self._perform, order.key, run), name="kubernetes-job", daemon=True)
        with self._lock:
            self._runs[order.key] = run
        try:
            thread.start()
        except RuntimeError:
            self._forget(order.key)
            raise

    def stop(self, key: str) -> None:
        """Delete the Job; its pods are asked to end, and have their own grace."""
        self.kill(key)

    def kill(self, key: str) -> None:
        """Delete the Job with its pods; the run ends when they are seen gone."""
        with self._lock:
            run = self._runs.get(key)
        if run:
            run.kill()

    def kill_exclusive(self) -> None:
        """A Job goes on without us, and the next leader finds it."""

    def let_go(self, key: str) -> None:
        """Follow this Job no longer."""
        if run := self._forget(key):
            run.let_go()

    def close(self) -> None:
        """Let go of all of them, and give the connections back."""
        with self._lock:
            runs, self._runs = list(self._runs.values()), {}
            self._is_closed = True
        for run in runs:
            run.let_go()
        if self._home:
            self._home.close()

    def _perform(self, key: str, run: JobRun) -> None:
        run.perform()
        self._forget(key)

    def _forget(self, key: str) -> JobRun | None:
        with self._lock:
            return self._runs.pop(key, None)

    def _opened_home(self) -> JobsHome:
        with self._opening:  # not the other lock, for reading credentials may take its time
            if self._is_closed:
                raise ClusterError("the runner was closed")
            self._home = self._home or self._open_home()
            return self._home

    def _patience_s(self) -> float:
        return self._exclusive_until - self._clock.boot()

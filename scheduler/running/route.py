"""Sends each order to the runner that its action is for."""

from __future__ import annotations

from scheduler.core.actions import KubernetesJobAction, PythonAction
from scheduler.core.ports import Runner, RunOrder


class Runners:
    """One Runner made of three: processes of our own, threads of this one, and Jobs of a cluster, if there are any."""

    def __init__(self, supervised: Runner, threads: Runner, cluster: Runner | None) -> None:
        self._supervised = supervised
        self._threads = threads
        self._cluster = cluster
        self._all = (supervised, threads, *([cluster] if cluster else []))

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        """Told to all."""
        for runner in self._all:
            runner.trust(gate_until, exclusive_until)

    def start(self, order: RunOrder) -> None:
        """Start the run where it belongs."""
        self._runner_of(order).start(order)

    def stop(self, key: str) -> None:
        """Told to all; those that do not know the run do nothing."""
        for runner in self._all:
            runner.stop(key)

    def kill(self, key: str) -> None:
        """Told to all; those that do not know the run do nothing."""
        for runner in self._all:
            runner.kill(key)

    def kill_exclusive(self) -> None:
        """Told to all."""
        for runner in self._all:
            runner.kill_exclusive()

    def let_go(self, key: str) -> None:
        """Told to all."""
        for runner in self._all:
            runner.let_go(key)

    def close(self) -> None:
        """Close all."""
        for runner in self._all:
            runner.close()

    def _runner_of(self, order: RunOrder) -> Runner:
        match order.action:
            case KubernetesJobAction() if self._cluster:
                return self._cluster
            case PythonAction(isolation="thread"):
                return self._threads
        return self._supervised

"""Sends each order to the runner that its action is for."""

from __future__ import annotations

from scheduler.core.actions import PythonAction
from scheduler.core.ports import Runner, RunOrder


class Runners:
    """One Runner made of two: `threads` for `isolation: thread`, and `supervised` for all that has its own process."""

    def __init__(self, supervised: Runner, threads: Runner) -> None:
        self._supervised = supervised
        self._threads = threads

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        """Told to both."""
        for runner in (self._supervised, self._threads):
            runner.trust(gate_until, exclusive_until)

    def start(self, order: RunOrder) -> None:
        """Start the run where it belongs."""
        in_thread = isinstance(order.action, PythonAction) and order.action.isolation == "thread"
        (self._threads if in_thread else self._supervised).start(order)

    def kill(self, key: str) -> None:
        """Told to both; the one that does not know the run does nothing."""
        for runner in (self._supervised, self._threads):
            runner.kill(key)

    def kill_exclusive(self) -> None:
        """Told to both."""
        for runner in (self._supervised, self._threads):
            runner.kill_exclusive()

    def let_go(self, key: str) -> None:
        """Told to both."""
        for runner in (self._supervised, self._threads):
            runner.let_go(key)

    def close(self) -> None:
        """Close both."""
        for runner in (self._supervised, self._threads):
            runner.close()

"""Actions of the user's at the three moments of an election (`moments.py`): `lease.hooks` in config.yaml.

Hooks are told of what has happened and have no say in it: they run one after another, each for half a minute at most,
in a supervisor of their own, and neither the election nor any run waits for them. So `stopped` may begin when another
replica leads already.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Protocol

from scheduler.core.actions import HookAction
from scheduler.core.ports import Clock, RunEnded, RunNews, RunOrder, RunOutput, Tell
from scheduler.running.moments import TIMEOUT_S, Moment, Moments, order_of

GRACE_S = 2.0  # between TERM and KILL
LAST_HOOK_S = 3.0  # what the hooks of a replica that ends have at least
QUEUE = 16
_FOR_EVER_S = 10.0 * 365 * 24 * 3600


class HookRunner(Protocol):
    """Whoever performs hooks; a `Runner` is one."""

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        """Let runs start until boot second `gate_until`."""

    def start(self, order: RunOrder) -> None:
        """Start the run."""

    def close(self) -> None:
        """End what runs, and the runner itself."""


class Hooks:
    """The listener that calls them. `employ` makes the runner, which reports to what it is given, at the first use."""

    def __init__(
        self,
        actions: Mapping[str, HookAction],
        me: str,
        employ: Callable[[Callable[[RunNews], None]], HookRunner],
        clock: Clock,
        tell: Tell,
    ) -> None:
        self._actions = actions
        self._moments = Moments(me)
        self._employ = employ
        self._clock = clock
        self._tell = tell
        self._changed = threading.Condition()
        self._waiting: deque[Moment] = deque()
        self._dropped: list[tuple[Moment, str]] = []
        self._is_busy = self._is_over = False
        self._thread: threading.Thread | None = None
        self._runner: HookRunner | None = None
        self._ends: queue.SimpleQueue[RunEnded] = queue.SimpleQueue()
        self._numbers = count(1)
        self._stops_by = 0.0

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Have the hooks of this event called, after those before them."""
        if event == "app.stopping":
            drain_ms = facts.get("drain_ms")
            self._stops_by = self._clock.boot() + (drain_ms / 1000 if isinstance(drain_ms, int | float) else 0.0)
        if not event.startswith("lead."):
            return
        with self._changed:
            called = [moment for moment in self._moments.of(event, facts, at) if moment.hook in self._actions]
            self._waiting.extend(called)
            while len(self._waiting) > QUEUE:
                self._dropped.append((self._waiting.popleft(), "queue_full"))
            if called and self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="hooks", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self, at_least_s: float = LAST_HOOK_S) -> None:
        """Let the hooks that were called end, in what is left of the time to drain; then end them."""
        left_s = self._stops_by - self._clock.boot()
        within_s = min(max(left_s, at_least_s), TIMEOUT_S + GRACE_S)
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._is_busy), within_s)
            self._dropped += [(moment, "stopping") for moment in self._waiting]
            self._waiting.clear()
            self._is_over = True
            runner, self._runner = self._runner, None
            self._changed.notify_all()
        if runner:
            runner.close()
        if self._thread:
            self._thread.join(GRACE_S)

    def _serve(self) -> None:
        is_over = False
        while not is_over:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._dropped or self._is_over)
                dropped, self._dropped = self._dropped, []
                moment = self._waiting.popleft() if self._waiting else None
                self._is_busy, is_over = True, self._is_over
            for one, reason in dropped:
                self._tell("hook.dropped", hook=one.hook, term=one.term, reason=reason)
            if moment:
                self._call(moment)
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()

    def _call(self, moment: Moment) -> None:
        ended = self._performed(moment)
        facts = {"term": moment.term, "took_ms": ended.took_ms}
        if ended.outcome == "succeeded":
            self._tell("hook.succeeded", hook=moment.hook, **facts)
        else:
            reason = ended.reason or ended.outcome
            self._tell("hook.failed", hook=moment.hook, **facts, reason=reason, error=ended.error)

    def _performed(self, moment: Moment) -> RunEnded:
        """Run the hook to its end, which the runner sees to."""
        order = order_of(moment, self._actions[moment.hook], next(self._numbers))
        try:
            self._employed().start(order)
        except Exception as error:  # noqa: BLE001  # out of processes, say; told, and the next hook may fare better
            return RunEnded(order.key, "failed", 0, "crashed", f"{type(error).__name__}: {error}")
        while (ended := self._ends.get()).key != order.key:
            pass
        return ended

    def _employed(self) -> HookRunner:
        with self._changed:
            if self._is_over:
                raise RuntimeError("this replica stops")
            if self._runner is None:
                self._runner = self._employ(self._news)
                until = self._clock.boot() + _FOR_EVER_S  # hooks are no runs: they may begin whoever leads
                self._runner.trust(until, until)
            return self._runner

    def _news(self, news: RunNews) -> None:
        match news:
            case RunEnded():
                self._ends.put(news)
            case RunOutput():
                level = {"level": news.level} if news.level else {}
                hook = news.key.partition("#")[0]
                facts = {"stream": news.stream, "logger": news.logger, "text": news.text}
                self._tell("hook.output", hook=hook, **facts, **level)

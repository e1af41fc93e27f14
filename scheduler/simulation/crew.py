"""The alarm and the runner of a virtual replica: they keep the real ones' promises and do nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduler.core.job import JobTable
from scheduler.core.ports import RunEnded, RunNews, RunOrder, RunStarted
from scheduler.running.trigger import TableTrigger
from scheduler.simulation.body import Body
from scheduler.simulation.followers import JobFollower


class VirtualBell:
    """APScheduler's part: asks the real trigger when to wake next, and rings once for all that it slept through.

    `heartbeat_s` is how long it may sleep at most, if that is more than the trigger's own second.
    """

    heartbeat_s = 0.0

    def __init__(self, replica: Body) -> None:
        self._replica = replica
        self._trigger: TableTrigger | None = None
        self._naps = 0

    @property
    def looks_at(self) -> datetime | None:
        """When a tick may be claimed or falls due next, as far as it knows; None when none is to come."""
        return self._trigger.looks_at if self._trigger else None

    def arm(self, table: JobTable, now: datetime) -> None:
        """Ring for every tick that falls due after `now`."""
        self._trigger = TableTrigger(table, now, self._replica.dispatch.ahead_of)
        self._sleep(self._trigger, None)

    def disarm(self) -> None:
        """Stop ringing."""
        self._trigger = None

    def look(self) -> None:
        """Ring, and find out anew how long to sleep, for the clock was set."""
        if trigger := self._trigger:
            self._sleep(trigger, None)
            self._replica.dispatch.ring(trigger.take())

    def _sleep(self, trigger: TableTrigger, previous: datetime | None) -> None:
        self._naps += 1
        nap, now = self._naps, self._replica.wall()
        fires = trigger.get_next_fire_time(previous, now)
        if self.heartbeat_s:
            longest = now + timedelta(seconds=self.heartbeat_s)
            fires = max(fires, min(trigger.looks_at or longest, longest))
        in_s = (fires - now).total_seconds()
        self._replica.world.in_s(in_s, lambda: self._replica.does(lambda: self._wake(trigger, nap, fires)))

    def _wake(self, trigger: TableTrigger, nap: int, fired: datetime) -> None:
        if trigger is self._trigger and nap == self._naps:
            self._sleep(trigger, fired)
            self._replica.dispatch.ring(trigger.take())


class VirtualRunner:
    """A Runner that starts nothing. Its gate and deadlines are the supervisor's; each run takes `takes_s` and succeeds.

    `alive` has the orders of the runs under way in it by their keys. Kubernetes Jobs are under way in the world, where
    a `follower` looks after them.
    """

    takes_s = 0.0
    follower: type[JobFollower] = JobFollower

    def __init__(self, replica: Body) -> None:
        self._replica = replica
        self._gate_until = 0.0
        self._exclusive_until = 0.0
        self._ends_at: dict[str, float] = {}
        self.alive: dict[str, RunOrder] = {}
        self._jobs = self.follower(replica, self._draw_job)

    # -- the Runner port

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        """Let runs start until boot second `gate_until`, and exclusive ones live until `exclusive_until`."""
        self._gate_until, self._exclusive_until = gate_until, exclusive_until
        self._replica.world.at(exclusive_until, lambda: self._deadline(exclusive_until))

    def start(self, order: RunOrder) -> None:
        """Start the run, unless the gate is shut."""
        if order.action.adoptable:
            self._jobs.start(order)
        else:
            self.alive[order.key] = order
            self._spawn(order)

    def stop(self, key: str) -> None:
        """Ask this run to end; here each obeys at once."""
        self.kill(key)

    def kill(self, key: str) -> None:
        """End this run, if it is killable and still alive."""
        self._jobs.kill(key)
        order = self.alive.get(key)
        if order and order.action.killable:
            self._end(order, "killed")

    def kill_exclusive(self) -> None:
        """Shut the gate, and end every exclusive run that is killable."""
        self._gate_until = 0.0
        for key, order in list(self.alive.items()):
            if order.exclusive:
                self.kill(key)

    def let_go(self, key: str) -> None:
        """Follow this Job no longer; it goes on."""
        self._jobs.let_go(key)

    def close(self) -> None:
        """End all of it."""
        self.die()

    def die(self) -> None:
        """SIGKILL of the replica, and so of its supervisor: every run dies with them, but no Job."""
        self._jobs.close()
        for order in list(self.alive.values()):
            self._end(order, "died")

    # -- what happens in its own processes

    def _deadline(self, exclusive_until: float) -> None:
        if exclusive_until == self._exclusive_until:
            self.kill_exclusive()

    def _spawn(self, order: RunOrder) -> None:
        self._begin(order)

    def _begin(self, order: RunOrder) -> None:
        if self.alive.get(order.key) is not order:
            return
        if self._replica.world.now >= self._gate_until:
            del self.alive[order.key]
            self._report(RunEnded(order.key, "gate_shut", 0))
        else:
            self._run(order)

    def _run(self, order: RunOrder) -> None:
        self._report(RunStarted(order.key, self._replica.wall()))
        if lasts_s := self._lasts_s(order):
            self._end_at(order, self._replica.world.now + lasts_s)
        else:
            self._end(order, self._outcome(order))

    def _end_at(self, order: RunOrder, ends_at: float) -> None:
        self._ends_at[order.key] = ends_at
        self._replica.world.at(ends_at, lambda: self._finish(order, ends_at))

    def _finish(self, order: RunOrder, ends_at: float) -> None:
        if self._ends_at.get(order.key) == ends_at and self.alive.get(order.key) is order:
            self._end(order, self._outcome(order))

    def _end(self, order: RunOrder, outcome: str) -> None:
        del self.alive[order.key]
        self._ends_at.pop(order.key, None)
        reason = "exit" if outcome == "failed" else None
        self._report(RunEnded(order.key, outcome, round(self._lasts_s(order) * 1000), reason))

    def _lasts_s(self, order: RunOrder) -> float:
        return min(self._duration_s(order), order.timeout_s or float("inf"))

    def _duration_s(self, _order: RunOrder) -> float:
        return self.takes_s

    def _outcome(self, order: RunOrder) -> str:
        is_late = order.timeout_s is not None and self._duration_s(order) > order.timeout_s
        return "timed_out" if is_late else "succeeded"

    def _draw_job(self, order: RunOrder) -> tuple[float, str]:
        return self._duration_s(order), "failed" if self._outcome(order) == "failed" else "succeeded"

    def _report(self, news: RunNews) -> None:
        self._replica.gets(lambda: self._replica.dispatch.heard(news))

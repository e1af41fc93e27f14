"""Who is at work: the runs, the children they are in, and the workers that are free.

A command is a child of its own. A Python function is called in a worker, which is used again for the next one until it
says that it is worn; there are as many workers as there were ever Python runs at one time, which the leader bounds
(`max_parallel`). One is started ahead with the table's modules imported, so that the first tick does not pay for that,
and again when one that has worked is gone. A run never waits for a worker that is still importing: a module that hangs
delays its own job and no other.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from scheduler.running.runners.python import work
from scheduler.running.runners.shell import execute
from scheduler.running.supervisor.children import CHUNK_BYTES, Child, spawn
from scheduler.running.supervisor.outbox import Outbox
from scheduler.running.supervisor.run import Run
from scheduler.running.supervisor.sessions import ask_all, kill_all, kill_descendants
from scheduler.running.supervisor.times import boot_now
from scheduler.running.supervisor.wire import (
    Ended,
    Output,
    Ready,
    Report,
    Setup,
    Started,
    StartPython,
    StartShell,
    Trust,
)

_LOOK_AGAIN_S = 0.05  # at what an ended run left behind, which is being killed
_LAST_LOOKS = 100  # before the supervisor ends although something does not die of SIGKILL
_DOZE_S = 0.5  # at most, beside exclusive runs: a selector's timeout stops while the machine sleeps, their deadline not


class Roster:
    """The supervisor's runs and children; reports go to `outbox`, and `selector` calls back when a child has spoken."""

    def __init__(self, setup: Setup, selector: selectors.BaseSelector, outbox: Outbox) -> None:
        self._setup = setup
        self._selector = selector
        self._outbox = outbox
        self._children: dict[int, Child] = {}
        self._runs: dict[Child, Run] = {}
        self._workers: set[Child] = set()
        self._free: list[Child] = []
        self._dead: list[Child] = []
        self._deaths = _told_of_deaths()
        selector.register(self._deaths, selectors.EVENT_READ, self._reap)
        self._start_ahead()

    def start(self, order: StartPython | StartShell, trust: Trust) -> None:
        """Hand the run over; it asks for itself whether the gate of `trust` is still open."""
        try:
            child = self._child_for(order, trust)
        except OSError as error:
            self._outbox.put(Ended(order.key, "failed", 0, "crashed", f"no process to run in: {error.strerror}"))
        else:
            self._runs[child] = Run(order, child, boot_now())
            if isinstance(order, StartPython):
                self._workers.add(child)

    def stop(self, key: str) -> None:
        """Ask this run to end, if it is still there."""
        for run in self._runs.values():
            if run.order.key == key and not run.doom:
                ask_all([run.doomed("killed", boot_now() + self._setup.grace_s)])

    def kill(self, key: str) -> None:
        """End this run, if it is still there."""
        for run in self._runs.values():
            if run.order.key == key:
                run.kill()

    def enforce(self, trust: Trust, now: float) -> None:
        """End what has lost its right to run or its patience, and what ended runs left behind; report what is over."""
        if now >= trust.exclusive_until:
            kill_all([run.condemned() for run in self._runs.values() if run.needs_trust])
        self._keep_times(now)
        for run in self._runs.values():
            self._tell(run.voice.hear_nothing(now))
        for child in tuple(self._dead):
            self._bury(child, may_start=now < trust.gate_until)

    def patience(self, trust: Trust, now: float) -> float | None:
        """For how many seconds nothing need be enforced if nobody speaks; None for ever."""
        waits = [run.alarm - now for run in self._runs.values() if run.alarm is not None]
        if any(run.needs_trust for run in self._runs.values()):
            waits += [trust.exclusive_until - now, _DOZE_S]
        if any(run.voice.holds_back for run in self._runs.values()):
            waits.append(_DOZE_S)
        if self._dead:
            waits.append(_LOOK_AGAIN_S)
        return max(0.0, min(waits)) if waits else None

    def end(self) -> None:
        """Kill every process below this one, and return when they are dead."""
        kill_all([child.tree for child in self._children.values()])
        for _ in range(_LAST_LOOKS):
            self._reap()
            if not kill_descendants() and not self._children:
                return
            select.select([self._deaths], [], [], _LOOK_AGAIN_S)

    def _keep_times(self, now: float) -> None:
        """At the timeout ask runs to end, and after the grace make them; all at once, for many may begin together."""
        late = [run for run in self._runs.values() if run.is_late(now)]
        in_grace = [run for run in late if run.in_grace]
        kill_all([run.condemned() for run in in_grace])
        ask_all([run.doomed("timed_out", now + self._setup.grace_s) for run in late if not run.doom])

    def _child_for(self, order: StartPython | StartShell, trust: Trust) -> Child:
        if isinstance(order, StartShell):
            return self._fork(partial(execute, order, trust, self._setup.config_folder))
        while self._free:
            worker = self._free.pop()
            if worker.tell(trust, order):
                return worker
            worker.tree.kill()
        return self._fork(partial(work, self._setup, (trust, order)))

    def _start_ahead(self) -> None:
        with suppress(OSError):  # no room now: the run that needs a worker will ask again, and say so
            self._fork(partial(work, self._setup, None))

    def _fork(self, body: Callable[[int, int], object]) -> Child:
        child = spawn(body)
        child.watch(self._selector, self._serve)
        self._children[child.pid] = child
        return child

    def _serve(self, child: Child, pipe: str) -> None:
        """Take what the child has to say; its reports first, so that a start is told before its output."""
        self._hear(child)
        if inlet := child.outputs.get(pipe):
            self._pass_on(child, pipe, inlet.read())

    def _hear(self, child: Child) -> None:
        try:
            reports = child.reports()
        except ValueError:  # the user's code wrote into that pipe: there is no telling what comes next
            child.tree.kill()
            return
        if child.is_silent:
            self._end_mute_worker(child)
        for report in reports:
            if isinstance(report, Ready) and child not in self._runs:
                self._workers.add(child)
                self._free.append(child)
            elif isinstance(report, Report) and (run := self._runs.get(child)) and run.order.key == report.key:
                self._take(run, report)

    def _end_mute_worker(self, child: Child) -> None:
        """One whose code closed what was not its own could never report its end. It may also be dying by itself."""
        run = self._runs.get(child)
        if child in self._workers and child.status is None and not (run and run.in_grace):
            child.tree.kill()

    def _take(self, run: Run, report: Report) -> None:
        match report:
            case Started():
                run.begin(report)
                self._outbox.put(report)
            case Output():
                self._tell(run.voice.hear_record(report, boot_now()))
            case Ended():
                run.said = report
                if isinstance(run.order, StartPython):
                    self._end_call(run)

    def _end_call(self, run: Run) -> None:
        """The call has returned. A worker that was asked to end may be in any state, so it is not used again."""
        if run.doom:
            run.kill()
        else:
            self._report_end(run)

    def _pass_on(self, child: Child, stream: str, data: bytes) -> None:
        """A free worker's output, that of threads which outlived their run, is nobody's."""
        if run := self._runs.get(child):
            self._tell(run.voice.hear(stream, data, boot_now()))

    def _tell(self, outputs: list[Output]) -> None:
        for output in outputs:
            self._outbox.put_output(output)

    def _reap(self) -> None:
        """Learn which children ended; orphans that the kernel handed to this process are reaped as well."""
        with suppress(BlockingIOError):
            os.read(self._deaths, CHUNK_BYTES)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if child := self._children.pop(ended[0], None):
                    self._hear(child)
                    child.status = ended[1]
                    self._dead.append(child)

    def _bury(self, child: Child, *, may_start: bool) -> None:
        """See that nothing is left of a child that ended, then report the end of the run it was in."""
        run = self._runs.get(child)
        if child.tree.living():
            if not (run and run.in_grace):
                child.tree.kill()
            return
        self._dead.remove(child)
        if run:
            self._report_end(run)
        if child in self._free:
            self._free.remove(child)
        child.close()
        if child in self._workers:
            self._workers.remove(child)
            if may_start and not self._free:
                self._start_ahead()

    def _report_end(self, run: Run) -> None:
        for stream, inlet in run.child.outputs.items():
            for data in inlet.drain():
                self._pass_on(run.child, stream, data)
        now = boot_now()
        self._tell(run.voice.hear_end(now))
        ended = run.end(now)
        if ended.outcome != "succeeded":
            self._tell(run.voice.tail)
        del self._runs[run.child]
        self._outbox.put(ended)


def _told_of_deaths() -> int:
    """A descriptor that is readable whenever a child may have ended."""
    deaths, told = os.pipe()
    os.set_blocking(deaths, False)
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler there would be no wake-up
    return deaths

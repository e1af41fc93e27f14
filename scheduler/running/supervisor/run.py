"""One attempt in the supervisor's hands: what it wrote, what became of it, and what is to be done about it when."""

from __future__ import annotations

import os
import signal

from scheduler.running.supervisor.children import Child
from scheduler.running.supervisor.sessions import Tree
from scheduler.running.supervisor.voice import Voice
from scheduler.running.supervisor.wire import Ended, Start, Started, StartShell

_QUOTED_CHARACTERS = 300  # of its last line, in a failure's sentence


class Run:
    """One attempt of `order` in `child`, handed over at boot second `now`.

    `voice` is what it writes. `said` is what its own process reported as its end. `doom` is the outcome that was forced
    on it, and outweighs what it said.
    """

    def __init__(self, order: Start, child: Child, now: float) -> None:
        self.order = order
        self.child = child
        self.voice = Voice(order.key, order.output, now)
        self.said: Ended | None = None
        self.doom: str | None = None
        self._killed = False
        self._alarm = None if order.timeout_s is None else now + order.timeout_s
        self._began: float | None = None

    @property
    def alarm(self) -> float | None:
        """The boot second at which its patience ends: its timeout, then the end of the grace; None for never."""
        return None if self._killed else self._alarm

    @property
    def in_grace(self) -> bool:
        """Whether it was asked to end and may still take its time, even if its first process is gone."""
        return self.doom is not None and not self._killed

    @property
    def needs_trust(self) -> bool:
        """Whether it must end when the trust does, and has not been made to yet."""
        return self.order.exclusive and not self._killed

    def begin(self, report: Started) -> None:
        """Its first statement was reached, from which its time is counted."""
        self._began = report.boot
        if self.order.timeout_s is not None and not self.doom:
            self._alarm = report.boot + self.order.timeout_s

    def kill(self) -> None:
        """End it now, with all that it started."""
        self.condemned().kill()

    def condemned(self) -> Tree:
        """Its right to run is gone: what of it is to be killed by whoever asks."""
        if self.child.status is None:
            self.doom = self.doom or "killed"
        self._killed = True
        return self.child.tree

    def is_late(self, now: float) -> bool:
        """Whether its timeout, or its grace, is over."""
        return self.alarm is not None and now >= self.alarm

    def doomed(self, doom: str, until: float) -> Tree:
        """It has until this boot second to end, with `doom` as its outcome: what of it is to be asked, by the caller.

        Not for one that is `in_grace`, or was killed.
        """
        self.doom, self._alarm = doom, until
        return self.child.tree

    def end(self, now: float) -> Ended:
        """The final word on it, once it is over."""
        took_ms = 0 if self._began is None else round(1000 * (now - self._began))
        if self.doom == "killed" and self._began is None:  # it was killed before its first statement
            return Ended(self.order.key, "gate_shut", took_ms)
        if self.doom == "timed_out" and self.said and self.said.reason == "crashed":  # it says what it was waiting for
            return Ended(self.order.key, self.doom, took_ms, None, self.said.error)
        if self.doom:
            return Ended(self.order.key, self.doom, took_ms)
        if self.said:
            return self.said
        is_command = isinstance(self.order, StartShell)
        if is_command and self.child.status == 0:
            return Ended(self.order.key, "succeeded", took_ms)
        return Ended(self.order.key, "failed", took_ms, "exit" if is_command else "crashed", self._cause_of_death())

    def _cause_of_death(self) -> str:
        code = os.waitstatus_to_exitcode(self.child.status or 0)
        if code == 0:
            return "exit 0 before the function returned"  # os._exit(0), say; of a command it is success
        last_words = self.voice.last_words[:_QUOTED_CHARACTERS]
        return f"{ending(code)}: {last_words}" if last_words and code > 0 else ending(code)


def ending(code: int) -> str:
    """An exit code in words, `exit 3`, or `signal KILL` for a negative one."""
    if code >= 0:
        return f"exit {code}"
    try:
        return f"signal {signal.Signals(-code).name.removeprefix('SIG')}"
    except ValueError:  # most real-time signals have no name
        return f"signal {-code}"

"""A run's processes: everything in its session, and everything that descends from those.

A process group would miss what a shell's job control, or a subprocess with a group of its own, puts elsewhere; the
session holds them all, and children that left the session are found through their parents. The kernel offers no signal
to a session, so `/proc` is looked through. Where there is none (macOS), the process group of the session's first
process must do.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

_ROUNDS = 10  # of stopping what was started meanwhile; whoever outruns them is found by the next look

_Table = dict[int, tuple[int, int]]
"""Parent and session of each living process; zombies are not alive."""

_Sender = Callable[[int, int], None]
"""Sends a process a signal, as kill(2)."""


class Tree:
    """The processes of one run, whose session's first process, `leader`, was forked by this process or is dead."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._sessions = {leader}

    def living(self) -> set[int]:
        """The ids of those that live. Sessions that were met below this one are looked into the next time as well."""
        everyone = _process_ids()
        if self._leader not in everyone and not any(_session_of(pid) in self._sessions for pid in everyone):
            return set()
        return self.found_in(_table(everyone))

    def found_in(self, table: _Table) -> set[int]:
        """As `living`, among these processes."""
        here = os.getpid()
        roots = {pid for pid, (_, session) in table.items() if session in self._sessions}
        if table.get(self._leader, (0, 0))[0] == here:  # it may be about to make its session
            roots.add(self._leader)
        found = roots | _descendants(table, roots)
        self._sessions = {self._leader} | {table[pid][1] for pid in found} - {os.getsid(here)}
        return found

    def signal_group(self, signum: int) -> None:
        """Send `signum` to the first process's group, which is all that can be found without `/proc`."""
        with suppress(OSError):
            os.killpg(self._leader, signum)

    def kill(self) -> None:
        """End all of them."""
        kill_all([self])


def ask_all(trees: Sequence[Tree], send: _Sender = os.kill) -> None:
    """Send TERM to all that is in these trees, each process once, parents before their children.

    Else a shell whose command has ended of its TERM goes on to the next one until its own arrives. A second look would
    find, and end, what a program starts to tidy up. They are not stopped for it: of a stopped program any thread may
    get the signal when it goes on, and in Python's the main thread then sleeps on. Who had been stopped before is
    continued, for only then is it heard.
    """
    table = _table(_process_ids()) if trees else {}
    asked = _parents_first(table, {pid for tree in trees for pid in tree.found_in(table)})
    _send(asked, signal.SIGTERM, send)
    _send(filter(is_stopped, asked), signal.SIGCONT, send)
    for tree in trees if not asked else ():
        tree.signal_group(signal.SIGTERM)


def kill_all(trees: Sequence[Tree]) -> None:
    """Stop all that is in these trees, so that none starts another unseen, and then kill it.

    At the loss of the lead that is a thousand of them, in very little time: so each look at `/proc` serves them all.
    Parents come first, for a shell with job control goes on to its next command when one is stopped.
    """
    stopped: set[int] = set()
    for _ in range(_ROUNDS if trees else 0):
        table = _table(_process_ids())
        started_meanwhile = {pid for tree in trees for pid in tree.found_in(table)} - stopped
        if not started_meanwhile:
            break
        _send(_parents_first(table, started_meanwhile), signal.SIGSTOP)
        stopped |= started_meanwhile
    _send(stopped, signal.SIGKILL)
    for tree in trees:
        tree.signal_group(signal.SIGKILL)


def kill_descendants() -> bool:
    """Kill every process below this one; False when there was none."""
    here = os.getpid()
    below = _descendants(_table(_process_ids()), {here})
    _send(below, signal.SIGKILL)
    return bool(below)


def is_stopped(pid: int) -> bool:
    """Whether a signal or a debugger has stopped this process; False where nobody can tell."""
    with suppress(OSError):
        return _stat(pid)[0] in b"Tt"
    return False


def _send(pids: Iterable[int], signum: int, send: _Sender = os.kill) -> None:
    for pid in pids:
        with suppress(OSError):  # it ended by itself, or it changed its user
            send(pid, signum)


def _parents_first(table: _Table, pids: set[int]) -> list[int]:
    ordered: list[int] = []
    rest = set(pids)
    while rest:
        # The table took a while to read, so a pid that was used again in it could be its own forefather.
        top = {pid for pid in rest if pid not in table or table[pid][0] not in rest} or rest
        ordered += top
        rest = rest - top
    return ordered


def _descendants(table: _Table, roots: set[int]) -> set[int]:
    found = set(roots)
    while grown := {pid for pid, (parent, _) in table.items() if parent in found} - found:
        found |= grown
    return found - roots


def _process_ids() -> set[int]:
    with suppress(OSError):
        return {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - called often, and faster
    return set()


def _session_of(pid: int) -> int:
    """A cheap question, asked of every process of the machine when a run ends, so that most need no more."""
    with suppress(OSError):
        return os.getsid(pid)
    return 0


def _table(pids: Iterable[int]) -> _Table:
    return {pid: entry for pid in pids if (entry := _parent_and_session(pid))}


def _parent_and_session(pid: int) -> tuple[int, int] | None:
    with suppress(OSError):
        state, parent, _, session, *_ = _stat(pid)
        return None if state in b"ZX" else (int(parent), int(session))
    return None


def _stat(pid: int) -> list[bytes]:
    """The fields of proc(5)'s stat from the state on: the one before it is a name that may have blanks and brackets."""
    with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - pathlib is a third of a megabyte
        return stat.read().rpartition(b")")[2].split()

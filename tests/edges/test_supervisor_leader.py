"""What becomes of the runs when something becomes of their leader; the leaders are real processes (rule 11)."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.edges import leader_process
from tests.edges.supervision import PATIENCE_S, Fifo


class Leader:
    """A leader in a process and a process group of its own, started with this redirection of the shell's."""

    def __init__(self, redirection: str = "") -> None:
        command = ["sh", "-c", f'exec "$0" "$1" {redirection}', sys.executable, str(leader_process.__file__)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0, process_group=0)

    def ask(self, kind: str, what: str) -> str:
        """Ask for something; what it says to that."""
        assert self._process.stdin
        self._process.stdin.write(f"{kind} {what}\n".encode())
        return self.says()

    def says(self) -> str:
        """The next line it prints."""
        assert self._process.stdout
        assert select.select([self._process.stdout], [], [], PATIENCE_S)[0], "it says nothing"
        return self._process.stdout.readline().decode().strip()

    def signal(self, signum: int) -> None:
        """Send a signal to its whole process group, as a terminal does."""
        os.killpg(self._process.pid, signum)

    def kill(self) -> None:
        """Kill it and nothing else."""
        self._process.kill()
        self._process.wait()

    def leave(self) -> str:
        """Let it close its runner and end; what it says about that."""
        return self._process.communicate()[0].decode().strip()

    def close(self) -> None:
        """Whatever is left of it must go."""
        with self._process, suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)


@pytest.fixture
def leader() -> Iterator[Leader]:
    leader = Leader()
    yield leader
    leader.close()


@pytest.fixture
def fifos(tmp_path: Path) -> Iterator[list[Fifo]]:
    fifos = [Fifo(tmp_path), Fifo(tmp_path)]
    yield fifos
    for fifo in fifos:
        fifo.close()


def test_killed_parent_no_orphan(leader: Leader, fifos: list[Fifo]) -> None:
    leader.ask("exclusive", f"{fifos[0].hold}; sleep 60 & sleep 60")
    leader.ask("allowed", f"{fifos[1].hold}; setsid sleep 60 & sleep 60")
    for fifo in fifos:
        fifo.wait_until_held()
    leader.kill()

    for fifo in fifos:
        fifo.wait_until_released()


def test_a_supervisor_that_is_killed_takes_its_children_along(
    leader: Leader, fifos: list[Fifo], tmp_path: Path
) -> None:
    """The leader is stopped, so nobody but the kernel can do it."""
    fifo, _ = fifos
    leader.ask("allowed", f"echo $PPID > {tmp_path}/supervisor; {fifo.hold}; exec sleep 60")
    fifo.wait_until_held()
    leader.signal(signal.SIGSTOP)
    os.kill(int((tmp_path / "supervisor").read_text()), signal.SIGKILL)

    fifo.wait_until_released()


def test_a_forked_copy_of_the_leader_does_not_hide_its_death(leader: Leader, fifos: list[Fifo]) -> None:
    fifo, _ = fifos
    leader.ask("exclusive", f"{fifo.hold}; sleep 60")
    fifo.wait_until_held()

    assert leader.ask("copy", "me") == "copied"
    leader.kill()
    fifo.wait_until_released()


def test_stopped_parent_child_dies(leader: Leader, fifos: list[Fifo]) -> None:
    exclusive, allowed = fifos
    leader.ask("exclusive", f"{exclusive.hold}; sleep 60 & sleep 60")
    leader.ask("allowed", f"{allowed.hold}; sleep 60 & sleep 60")
    for fifo in fifos:
        fifo.wait_until_held()
    leader.ask("trust", "0.3")
    leader.signal(signal.SIGSTOP)
    exclusive.wait_until_released()

    assert allowed.is_held()
    leader.signal(signal.SIGCONT)
    assert leader.says() == "ended killed"


def test_a_stopped_leader_holds_up_no_run_however_much_it_writes(leader: Leader, fifos: list[Fifo]) -> None:
    """What is written is more than all pipes and the supervisor together hold."""
    fifo, _ = fifos
    leader.ask("allowed", f"{fifo.hold}; {fifo.pause}; head -c 9000000 /dev/zero | tr '\\0' x")
    fifo.wait_until_held()
    leader.signal(signal.SIGSTOP)
    fifo.go()
    fifo.wait_until_released()
    leader.signal(signal.SIGCONT)

    assert leader.says() == "ended succeeded"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_leaders_group_reaches_the_leader_only(leader: Leader, fifos: list[Fifo], signum: int) -> None:
    fifo, _ = fifos
    leader.ask("allowed", f"{fifo.hold}; {fifo.pause}")
    fifo.wait_until_held()
    leader.signal(signum)

    assert leader.says() == f"signal {signum}"
    fifo.go()
    assert leader.says() == "ended succeeded"


def test_the_runs_of_a_leader_that_has_no_stderr_have_one() -> None:
    leader = Leader("2>&-")

    assert leader.ask("call", "noop") == "started"
    assert leader.says() == "ended succeeded"
    leader.close()


def test_a_leader_that_closes_its_runner_leaves_nothing(leader: Leader, fifos: list[Fifo]) -> None:
    fifo, _ = fifos
    leader.ask("allowed", f"{fifo.hold}; sleep 60 & setsid sleep 60 & sleep 60")
    fifo.wait_until_held()

    assert leader.leave() == "ended killed"
    fifo.wait_until_released()

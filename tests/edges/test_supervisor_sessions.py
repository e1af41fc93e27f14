"""Ending what runs have started: many of them at once, as when the lead is lost, and none with a next step."""

from __future__ import annotations

import os
import signal
import subprocess

from scheduler.running.supervisor.sessions import Tree, ask_all, kill_all


class Looking(Tree):
    """A tree that keeps each picture of the machine's processes in which it was looked for."""

    def __init__(self, leader: int) -> None:
        super().__init__(leader)
        self.pictures: list[dict[int, tuple[int, int]]] = []

    def found_in(self, table: dict[int, tuple[int, int]]) -> set[int]:
        self.pictures.append(table)
        return super().found_in(table)


def test_many_are_killed_with_few_looks_at_what_lives() -> None:
    """A look takes longer the more runs there are: with one for each, 300 of them were alive for 9 seconds more."""
    runs = [subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True) for _ in range(20)]
    trees = [Looking(run.pid) for run in runs]
    kill_all(trees)

    assert {run.wait() for run in runs} == {-9}
    assert len({id(picture) for tree in trees for picture in tree.pictures}) <= 4
    assert not any(tree.living() for tree in trees)


class Pretended(Tree):
    """A tree of these processes, which are made up."""

    def __init__(self, *pids: int) -> None:
        super().__init__(pids[0])
        self._pids = pids

    def found_in(self, _table: dict[int, tuple[int, int]]) -> set[int]:
        return set(self._pids)


def test_who_may_not_be_signalled_keeps_nobody_else_from_it() -> None:
    asked: list[int] = []

    def send(pid: int, _signum: int) -> None:
        asked.append(pid)
        raise PermissionError

    ask_all([Pretended(2**22 + 1, 2**22 + 2), Pretended(2**22 + 3)], send)

    assert sorted(asked) == [2**22 + 1, 2**22 + 2, 2**22 + 3]


def test_parents_are_asked_before_their_children() -> None:
    """Else they would believe that these have ended by themselves, and go on."""
    run = subprocess.Popen(
        ["sh", "-c", "sh -c 'sleep 60 & echo $$ $!; wait'; :"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert run.stdout
    child, grandchild = map(int, run.stdout.readline().split())
    sent: list[tuple[int, int]] = []

    def send(pid: int, signum: int) -> None:
        sent.append((pid, signum))
        os.kill(pid, signum)

    with run:
        ask_all([Tree(run.pid)], send)

    assert run.returncode == -signal.SIGTERM
    assert sent == [(pid, signal.SIGTERM) for pid in (run.pid, child, grandchild)]

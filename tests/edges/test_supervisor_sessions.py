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


class Growing(Tree):
    """A tree in which each look finds one more of these processes, which are made up."""

    def __init__(self, *pids: int) -> None:
        super().__init__(pids[0])
        self._pids = pids
        self._looks = 0

    def found_in(self, _table: dict[int, tuple[int, int]]) -> set[int]:
        self._looks += 1
        return set(self._pids[: self._looks])


class Sent:
    """Each signal that was sent, in order; those to `forbidden` are refused."""

    def __init__(self, forbidden: int | None = None) -> None:
        self.all: list[tuple[int, int]] = []
        self._forbidden = forbidden

    def __call__(self, pid: int, signum: int) -> None:
        self.all.append((pid, signum))
        if pid == self._forbidden:
            raise PermissionError


STOPPED_ASKED_CONTINUED = [
    *((pid, signal.SIGSTOP) for pid in (901, 900, 902)),
    *((pid, signal.SIGTERM) for pid in (901, 900, 902)),
    *((pid, signal.SIGCONT) for pid in (902, 900, 901)),
]


def test_nobody_goes_on_before_all_were_asked_also_who_was_started_meanwhile() -> None:
    sent = Sent()
    ask_all([Growing(901, 900, 902)], sent)

    assert sent.all == STOPPED_ASKED_CONTINUED


def test_who_may_not_be_signalled_keeps_nobody_else_from_it() -> None:
    sent = Sent(forbidden=900)
    ask_all([Growing(901, 900, 902)], sent)

    assert sent.all == STOPPED_ASKED_CONTINUED


def test_parents_are_stopped_before_their_children_and_continued_after_them() -> None:
    run = subprocess.Popen(
        ["sh", "-c", "sh -c 'sleep 60 & echo $$ $!; wait'; :"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert run.stdout
    child, grandchild = map(int, run.stdout.readline().split())
    family = [run.pid, child, grandchild]
    sent: list[tuple[int, int]] = []

    def send(pid: int, signum: int) -> None:
        sent.append((pid, signum))
        os.kill(pid, signum)

    with run:
        ask_all([Tree(run.pid)], send)

    assert run.returncode == -signal.SIGTERM
    assert [pid for pid, signum in sent if signum == signal.SIGSTOP] == family
    assert [pid for pid, signum in sent if signum == signal.SIGCONT] == family[::-1]

"""Killing what runs have started: many of them at once, as when the lead is lost."""

from __future__ import annotations

import subprocess

from scheduler.running.supervisor.sessions import Tree, kill_all


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

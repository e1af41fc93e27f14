"""Runs cannot outlive their right: an exclusive job is never alive in two processes, whatever befalls its leader."""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.faults.form import Form
from tests.faults.pairs import Pair, Stuck
from tests.faults.rights import FAULTS, Fault, Trial, measured, table, tried
from tests.processes.cluster import Namespace
from tests.processes.record import Lived, Stretch

A_KILL_TAKES_S = 0.25  # on a busy machine
MOST_IN_A_LANE = 25
NEVER_ENDS_IN_VAIN = 3


@dataclass
class Trials:
    """What came of one fault; `stuck` has the stories of those from which the replicas did not recover."""

    done: list[Trial] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)


@dataclass
class Lane:
    """Trials of one fault, one after another on one Lease; on a fresh one where they got stuck."""

    fault: Fault
    folder: Path
    namespace: Namespace | None
    chance: random.Random

    def run(self, wanted: int) -> Trials:
        found = Trials()
        for number in count():
            folder = self.folder.with_name(f"{self.folder.name}-{number}")
            folder.mkdir()
            try:
                with Pair(folder, self.chance, self.namespace) as pair:
                    while len(found.done) < wanted:
                        found.done.append(tried(pair, self.fault))
                    return found
            except (Stuck, AssertionError, OSError, sqlite3.Error) as error:
                found.stuck.append(str(error))
            if len(found.stuck) == NEVER_ENDS_IN_VAIN:
                return found
        raise AssertionError


@pytest.fixture(scope="module")
def results(
    form: Form, namespace: Namespace, tmp_path_factory: pytest.TempPathFactory, tables: list[str]
) -> dict[Fault, Trials]:
    """All trials of all faults, on several Leases side by side."""
    root = tmp_path_factory.mktemp("rights")
    share = min(form.trials, MOST_IN_A_LANE)

    def lane(fault: Fault, number: int) -> Trials:
        folder = root / f"{FAULTS.index(fault)}-{number}"
        chance = random.Random(f"{form.seed}/{folder.name}")  # noqa: S311
        return Lane(fault, folder, namespace if fault.on_cluster else None, chance).run(share)

    with ThreadPoolExecutor(form.lanes) as pool:
        lanes = [
            (fault, pool.submit(lane, fault, number))
            for fault in reversed(FAULTS)
            for number in range(form.trials // share)
        ]
    found = {fault: Trials() for fault in FAULTS}
    for fault, future in lanes:
        found[fault].done += future.result().done
        found[fault].stuck += future.result().stuck
    tables.append(table({fault: trials.done for fault, trials in found.items()}))
    return found


def lived(pid: int, *stretches: tuple[float, float]) -> Lived:
    return Lived("a", "job@tick", 1, pid, [Stretch(*stretch) for stretch in stretches])


def test_what_lived_side_by_side_is_measured() -> None:
    """A run that was frozen from 2 to 9, thawed, and lived 0.3 s beside its successor."""
    frozen, successor = lived(1, (1.0, 2.0), (9.0, 9.3)), lived(2, (5.0, 20.0))
    trial = measured([frozen, successor], 1.5, successor)

    assert (round(trial.overlap_s, 6), trial.gap_s) == (0.3, 3.0)
    assert measured([lived(1, (1.0, 2.0)), successor], 1.5, successor).overlap_s == 0.0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_two_processes_have_an_exclusive_job_at_once(results: dict[Fault, Trials], fault: Fault, form: Form) -> None:
    """Where the whole tree thaws, a run may go on for as long as SIGKILL takes: the promise says so."""
    allowed_s = A_KILL_TAKES_S if fault.as_long_as_a_kill else 0.0
    trials = results[fault]

    assert trials.stuck == []
    assert len(trials.done) == form.trials
    assert [trial for trial in trials.done if trial.overlap_s > allowed_s] == []
    assert all((trial.gap_s is not None) == fault.has_successor for trial in trials.done)

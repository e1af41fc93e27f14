"""Faults that take a leader's right away while its run lives, and how long the run outlives it.

Each fault is done to the replica whose run is alive, and undone as soon as there is a successor.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from tests.faults.pairs import Pair
from tests.processes.record import Lived, Stretch, now
from tests.processes.replica import PATIENCE_S, ReplicaProcess, any_of

RENEWED_EVERY_S = 1.0
A_LINE_IS_CUT_S = 0.001  # to whole milliseconds
Deed = Callable[[Pair, ReplicaProcess], None]


@dataclass(frozen=True)
class Fault:
    """`undo` returns when both replicas are in good order again. Without a successor the run is to live on.

    `as_long_as_a_kill` is for what thaws as a whole: whoever was to kill the run was frozen with it.
    """

    name: str
    do: Deed
    undo: Deed
    has_successor: bool = True
    on_cluster: bool = False
    as_long_as_a_kill: bool = False


@dataclass(frozen=True)
class Trial:
    """One fault. `gap_s` is from the last thing that one run did to the first that the next did, None without a next.

    `overlap_s` is how long two processes had the job alive together.
    """

    overlap_s: float
    gap_s: float | None
    story: str = ""


def tried(pair: Pair, fault: Fault) -> Trial:
    """Do the fault once, at any moment between two renewals. `Stuck` when the replicas do not recover from it."""
    run = pair.running()
    threading.Event().wait(pair.chance.uniform(0, RENEWED_EVERY_S))
    leader, at = pair.replicas[run.replica], now()
    lost = len(leader.said("lead.lost"))
    fault.do(pair, leader)
    done_at = now()
    try:
        successor = pair.running(after=done_at) if fault.has_successor else None
    finally:
        fault.undo(pair, leader)
    if fault.has_successor and leader is pair.replicas[leader.name]:
        leader.wait_for("lead.lost", count=lost + 1)
    if not fault.has_successor:
        pair.lives_on(run, now())
    return measured(pair.record.lived(), at, successor)


def measured(lived: list[Lived], at: float, successor: Lived | None) -> Trial:
    """What the record says about the time since `at`."""
    recent = [one for one in lived if one.ended >= at]
    overlaps = {(one.pid, other.pid): together(one, other) for one, other in combinations(recent, 2)}
    worst = max(overlaps, key=lambda pair: overlaps[pair], default=None)
    story = "\n".join(map(str, recent)) if worst and overlaps[worst] else ""
    before = [stretch for one in lived for stretch in one.stretches if successor and one.started < successor.started]
    last = max((one.until for one in before if successor and one.since < successor.started), default=None)
    gap_s = successor.started - last if successor and last else None
    return Trial(overlaps[worst] if worst else 0.0, gap_s, story)


def together(one: Lived, other: Lived) -> float:
    """Seconds in which both were seen alive."""
    both = [Stretch(max(a.since, b.since), min(a.until, b.until)) for a in one.stretches for b in other.stretches]
    return sum(max(0.0, stretch.until - stretch.since) for stretch in both)


# ------------------------------------------------------------------ the faults


def _stop(pair: Pair, leader: ReplicaProcess) -> None:
    pair.stop(leader)


def _continue(_: Pair, leader: ReplicaProcess) -> None:
    leader.signal(signal.SIGCONT)


def _stop_all(pair: Pair, leader: ReplicaProcess) -> None:
    pair.stop(leader, whole=True)


def _continue_all(_: Pair, leader: ReplicaProcess) -> None:
    leader.signal_tree(signal.SIGCONT)


def _kill(_: Pair, leader: ReplicaProcess) -> None:
    leader.signal(signal.SIGKILL)


def _start_anew(pair: Pair, leader: ReplicaProcess) -> None:
    leader.process.wait(PATIENCE_S)
    pair.start(leader.name)
    pair.replicas[leader.name].wait_for("lead.standby")


def _cut_off(pair: Pair, leader: ReplicaProcess) -> None:
    link = pair.links[leader.name]
    pair.chance.choice((link.cut, link.pause, link.lose_replies))()


def _connect(pair: Pair, leader: ReplicaProcess) -> None:
    pair.links[leader.name].resume()


def _usurp(pair: Pair, _: ReplicaProcess) -> None:
    pair.usurp()


def _delete(pair: Pair, _: ReplicaProcess) -> None:
    pair.delete()


def _stop_and_delete(pair: Pair, leader: ReplicaProcess) -> None:
    pair.stop(leader)
    pair.delete()


def _nothing(_: Pair, __: ReplicaProcess) -> None:
    pass


def _see_it_back(pair: Pair, leader: ReplicaProcess) -> None:
    any_of([leader], "lead.acquired", pair.deleted_at - A_LINE_IS_CUT_S, cause="recreated")


FAULTS = (
    Fault("leader stopped (SIGSTOP), alone", _stop, _continue),
    Fault("leader's whole tree stopped and continued", _stop_all, _continue_all, as_long_as_a_kill=True),
    Fault("leader killed (SIGKILL)", _kill, _start_anew),
    Fault("leader cut off from its store", _cut_off, _connect, on_cluster=True),
    Fault("foreign holder written into the Lease", _usurp, _nothing),
    Fault("Lease deleted", _delete, _see_it_back, has_successor=False),
    Fault("Lease deleted under a stopped leader", _stop_and_delete, _continue),
)


def table(results: dict[Fault, list[Trial]]) -> str:
    """One row a fault: trials, overlaps and the longest, and the gap from one run's death to the next's start."""
    head = f"{'fault':<44} {'trials':>6} {'overlaps':>8} {'longest':>9}   gap, least / median / most"
    rows = [head]
    for fault, found in results.items():
        longest_ms = max((trial.overlap_s for trial in found), default=0.0) * 1000
        overlaps = sum(trial.overlap_s > 0 for trial in found)
        gaps = sorted(trial.gap_s for trial in found if trial.gap_s is not None)
        gap = f"{gaps[0]:.2f} / {gaps[len(gaps) // 2]:.2f} / {gaps[-1]:.2f} s" if gaps else "-"
        rows.append(f"{fault.name:<44} {len(found):>6} {overlaps:>8} {longest_ms:>6.1f} ms   {gap}")
    return "\n".join(rows)

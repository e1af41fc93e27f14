"""What a process remembers of the ledgers it has seen: the one to go on with, should the Lease go back (rule 30)."""

from __future__ import annotations

import pytest

from scheduler.core.election.standing import Memory
from scheduler.core.ledger import Ledger, OpenRun, WriteId
from scheduler.core.moves import Seen
from scheduler.core.ports import LeaseRecord
from tests.fakes.world import EPOCH


def seen(number: int, *, uid: str = "u1", runs: int = 0) -> Seen:
    """A Lease whose ledger was written under this number, with so many runs open."""
    entries = tuple(OpenRun(f"job-{one}", "2026-11-22T12:00:05Z", 1, "n1", "l") for one in range(runs))
    ledger = Ledger(WriteId(number, "n1"), settled=EPOCH, open=entries)
    return Seen(LeaseRecord("a", 15, "", "", 0, "{}", uid=uid), ledger)


@pytest.mark.parametrize(
    ("shown", "remembered"),
    [
        pytest.param([seen(5), seen(6, runs=1)], (6, 1), id="a later write"),
        pytest.param([seen(5, runs=2), seen(5, runs=1)], (5, 1), id="a report, which leaves the write's name alone"),
        pytest.param([seen(9, runs=3), seen(5)], (9, 3), id="an earlier write: the Lease went back"),
        pytest.param([seen(9), seen(5), seen(6, runs=1)], (6, 1), id="somebody goes on from what was restored"),
        pytest.param([seen(9), seen(5, uid="u2", runs=1)], (5, 1), id="another Lease of the same name"),
    ],
)
def test_the_ledger_to_go_on_with(shown: list[Seen], remembered: tuple[int, int]) -> None:
    memory = Memory()
    for one in shown:
        memory.keep(one)

    assert memory.newest
    assert (memory.newest.written.number, len(memory.newest.open)) == remembered

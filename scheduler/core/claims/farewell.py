"""What a leaver writes about its runs: at the release, and as each of them ends after it (rules 33 and 34)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scheduler.core.claims.planning import Held, State
from scheduler.core.ledger import OUTCOMES, Did, Ledger, OpenRun


def parting(ledger: Ledger, nonce: str, left_s: Mapping[str, int]) -> Ledger:
    """The ledger to release with: our living runs, by key, are given so many seconds to end by themselves."""
    rows = (replace(entry, left=left_s.get(entry.key, 0)) if entry.owner == nonce else entry for entry in ledger.open)
    return replace(ledger, open=tuple(rows))


def reported(ledger: Ledger, nonce: str, over: Mapping[str, Held]) -> Ledger | None:
    """The ledger without our runs that are `over`; None when it lists none of them any more.

    What ended is taken out and noted in `did`, so that the new leader can tell it, should we die before we do. What
    was killed or is to be tried again stays open, with no time left: the new leader sees to it.
    """
    ours = {entry.key: over[entry.key] for entry in ledger.open if entry.owner == nonce and entry.key in over}
    rows = tuple(_reported(entry, ours.get(entry.key)) for entry in ledger.open)
    ended = [entry for entry, row in zip(ledger.open, rows, strict=True) if row is None]
    did = (Did(entry.job, entry.tick, entry.tick, 1, ours[entry.key].outcome) for entry in ended)
    after = replace(ledger, open=tuple(row for row in rows if row), did=(*ledger.did, *did))
    return None if after == ledger else after


def with_reports(own: Ledger, read: Ledger) -> Ledger:
    """Our ledger without the draining runs whose ends are noted in the one that was read in its place (rule 30)."""
    noted = {(did.job, did.first): did for did in read.did if did.count == 1 and did.fate in OUTCOMES}
    ended = [entry for entry in own.open if entry.left and (entry.job, entry.tick) in noted]
    if not ended:
        return own
    did = (noted[entry.job, entry.tick] for entry in ended)
    return replace(own, open=tuple(entry for entry in own.open if entry not in ended), did=(*own.did, *did))


def _reported(entry: OpenRun, held: Held | None) -> OpenRun | None:
    match held.state if held else None:
        case State.ENDED:
            return None
        case State.FAILED if entry.left:  # else it was reported, though nobody told us
            return replace(entry.failed_again(), left=0)
        case State.KILLED:
            return replace(entry, left=0)
        case _:
            return entry

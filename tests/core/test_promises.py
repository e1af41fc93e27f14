"""Promises that are about every write and every start, looked at over one rough story.

A leads; a claim of its is refused, one is answered too late, one is lost; it is killed in the middle of runs, and B
goes on. All versions of the Lease that were ever accepted are kept. Jobs with every policy run meanwhile.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from scheduler.core.job import CatchUp, Overlap, instant_text
from scheduler.core.ledger import Ledger, decode
from scheduler.core.ports import LeaseRecord
from scheduler.core.schedule import ticks_between
from tests.fakes.tables import ALL, AT_MOST_ONCE, every, table
from tests.fakes.world import EPOCH, World, run

JOBS = table(
    every("all", 5, **ALL),
    every("latest", 7),
    every("none", 11, catch_up=CatchUp.NONE),
    every("money", 6, **AT_MOST_ONCE),
    every("beside", 8, overlap=Overlap.ALLOW),
    every("fails", 13, retries=1, retry_delay=timedelta(seconds=1)),
    every("long", 10),
)
KILLED_AT, ENDS_AT = 31.01, 90
ENDS_OF_RUNS = {"succeeded", "failed", "timed_out", "leader_lost", "max_interruptions", "replaced"}


@dataclass
class Kept(World):
    """A world that keeps every accepted version."""

    versions: list[Ledger] = field(default_factory=list)

    def _store(self, record: LeaseRecord) -> LeaseRecord:
        if record.ledger:
            self.versions.append(decode(record.ledger))
        return super()._store(record)


@pytest.fixture(scope="module")
def story() -> Kept:
    world = Kept()
    a = world.replica("A", JOBS, creates_at_once=True)
    world.run_for(0)
    b = world.replica("B", JOBS)
    for replica in (a, b):
        replica.runner.duration_s |= {"long": 12.0, "all": 1.0}
        replica.runner.fails.add("fails")
    world.run_to(4.9)
    world.edit_label()
    a.watches = False
    world.run_to(9.9)
    a.delay_reply(1.5)
    world.run_to(14.9)
    a.lose_reply()
    world.run_to(19.9)
    a.lose_request()
    world.run_to(KILLED_AT)
    a.kill()
    world.run_to(ENDS_AT)
    return world


def decided(versions: list[Ledger]) -> Counter[tuple[str, str]]:
    """How many accepted writes have claimed or dropped each tick."""
    found: Counter[tuple[str, str]] = Counter()
    before = versions[0]
    for version in versions[1:]:
        if version.written != before.written:
            known = {(entry.job, entry.tick) for entry in before.open}
            found.update({(entry.job, entry.tick) for entry in version.open} - known)
            for did in version.did:
                if did.fate not in ENDS_OF_RUNS:
                    found.update((did.job, tick) for tick in _ticks(did.job, did.first, did.last))
        before = version
    return found


def _ticks(job: str, first: str, last: str) -> list[str]:
    schedule = JOBS.jobs[job].schedule
    assert schedule
    from_, to = (EPOCH.fromisoformat(text) for text in (first, last))
    return [instant_text(tick) for tick in ticks_between(schedule, from_ - timedelta(seconds=1), to)]


def test_every_tick_is_decided_by_exactly_one_accepted_write(story: Kept) -> None:
    """P6 (rules 14, 18, 19): whatever was refused, lost or late, and across the hand-over."""
    counts = decided(story.versions)
    until = instant_text(EPOCH + timedelta(seconds=ENDS_AT - 15))
    due = {(job, tick) for job in JOBS.jobs for tick in _ticks(job, instant_text(EPOCH), until)[1:]}

    assert {tick: counts[tick] for tick in due if counts[tick] != 1} == {}
    assert any(line.event == "run.dropped" for line in story.lines)
    assert len({line.replica for line in story.events("lead.acquired")}) == 2


def test_no_attempt_starts_twice(story: Kept) -> None:
    """P2: not even where a reply was lost or its sender killed."""
    starts = Counter((start.run, start.attempt) for start in story.starts)

    assert [start for start, count in starts.items() if count > 1] == []
    assert max(attempt for _, attempt in starts) > 1


def test_what_was_recorded_is_not_started_again(story: Kept) -> None:
    """P4: of the runs that were started again none had its end in the ledger, as the killed leader left it."""
    left = [version for version in story.versions if version.written.nonce == "n1"][-1]
    again = {start.run for start in story.starts if start.replica == "B" and start.attempt > 1}
    started_before = {start.run for start in story.starts if start.replica == "A"}

    assert again & started_before <= {entry.run for entry in left.open}
    assert run("long", 30) in again

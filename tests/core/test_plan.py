"""The plan of one write: rows for each rule, and laws over sequences of plans.

The wall clock starts at noon, where the ledger is settled; ticks are seconds from there. `n1` is this process.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.job import CatchUp, Delivery, Job, JobTable, Overlap, fingerprint, instant_text, run_id
from scheduler.core.ledger import Ledger, OpenRun, WriteId, decode, encode, first_ledger
from scheduler.core.plan import Held, Plan, Situation, State, missed, plan
from tests.fakes.tables import AT_MOST_ONCE, at, every, job

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ME = "n1"


def noon(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def tick(seconds: float) -> str:
    return instant_text(noon(seconds))


def table(*jobs: Job, loaded: float = -60, revision: int = 0) -> JobTable:
    return JobTable({job.name: job for job in jobs}, noon(loaded), revision)


def ledger(*jobs: Job, **changes: Any) -> Ledger:
    """Settled at noon, with these definitions known."""
    known = "".join(fingerprint(job) for job in jobs)
    return replace(first_ledger(WriteId(7, "b7"), 0, known, NOON), **changes)


def situation(jobs: JobTable, now: float, **changes: Any) -> Situation:
    usual: dict[str, Any] = {"lead_since": noon(-1), "slots": 16, "held": {}}
    return Situation(table=jobs, nonce=ME, now=noon(now), **(usual | changes))


def entry(name: str = "a", at: float = 5, attempt: int = 1, owner: str = ME, **rest: Any) -> OpenRun:
    return OpenRun(name, tick(at), attempt, owner, **({"delivery": "l"} | rest))


def said(made: Plan) -> dict[str, object]:
    """What a plan decided, in a row's words."""
    return {
        "claims": [(claim.entry.run, claim.entry.attempt, claim.cause) for claim in made.claims],
        "fates": [(fate.job, fate.first, fate.count, fate.reason) for fate in made.fates],
        "open": [(one.run, one.attempt, one.owner) for one in made.ledger.open],
    }


def run(name: str, seconds: float) -> str:
    return f"{name}@{tick(seconds)}"


# ------------------------------------------------------------------ our own runs

A = every("a", 300)


@pytest.mark.parametrize(
    ("held", "open_after", "claims", "fates"),
    [
        pytest.param(Held(State.ALIVE), [1], [], [], id="alive: kept"),
        pytest.param(Held(State.UNSTARTED), [1], [], [], id="not started yet: kept"),
        pytest.param(Held(State.ENDED, outcome="succeeded"), [], [], [], id="ended: left out"),
        pytest.param(Held(State.FAILED), [1], [], [], id="failed with a retry left: kept, and counted"),
        pytest.param(Held(State.WAITING), [1], [], [], id="waiting for its retry: kept"),
        pytest.param(Held(State.READY), [2], [2], [], id="its delay is over: the next attempt"),
        pytest.param(Held(State.KILLED), [2], [2], [], id="killed: repeated"),
        pytest.param(None, [2], [2], [], id="not known to this process: repeated"),
    ],
)
def test_our_own_open_runs(held: Held | None, open_after: list[int], claims: list[int], fates: list[str]) -> None:
    """Rule 15."""
    mine = entry()
    made = plan(ledger(A, open=(mine,)), situation(table(A), 6, held={mine.key: held} if held else {}))

    assert [one.attempt for one in made.ledger.open] == open_after
    assert [claim.entry.attempt for claim in made.claims] == claims
    assert [fate.reason for fate in made.fates] == fates


def test_an_end_is_written_down() -> None:
    """So that a successor can repeat its line (rule 5)."""
    mine = entry()
    held = {mine.key: Held(State.ENDED, outcome="timed_out")}
    made = plan(ledger(A, open=(mine,)), situation(table(A), 6, held=held))

    assert made.ended == (mine,)
    (did,) = made.ledger.did
    assert (did.job, did.first, did.count, did.fate) == ("a", tick(5), 1, "timed_out")


def test_a_failure_is_counted() -> None:
    mine = entry(failures=1)
    made = plan(ledger(A, open=(mine,)), situation(table(A), 6, held={mine.key: Held(State.FAILED)}))

    assert made.failed == made.ledger.open == (replace(mine, failures=2),)


# ------------------------------------------------------------------ others' runs


@pytest.mark.parametrize(
    ("theirs", "now", "expected"),
    [
        pytest.param({}, 6, "rerun", id="at_least_once, recent: repeated"),
        pytest.param({}, 3605, "rerun", id="as old as the window"),
        pytest.param({}, 3606, "too_old", id="older"),
        pytest.param({"delivery": "m"}, 6, "leader_lost", id="at_most_once at its claim"),
        pytest.param({"name": "strict"}, 6, "leader_lost", id="at_most_once in our table"),
        pytest.param({"attempt": 2}, 6, "rerun", id="cut off twice"),
        pytest.param({"attempt": 3}, 6, "max_interruptions", id="cut off three times"),
        pytest.param({"attempt": 3, "failures": 1}, 6, "rerun", id="one of them was a failure"),
        pytest.param({"left": 20}, 6, "kept", id="still draining"),
        pytest.param({"name": "off"}, 6, "kept", id="of a disabled job"),
        pytest.param({"name": "stranger"}, 6, "kept", id="of a job we have not"),
        pytest.param({"name": "stranger", "delivery": "m"}, 6, "leader_lost", id="which was at_most_once"),
        pytest.param({"name": "stranger"}, 7 * 86_400 + 6, "not_in_table", id="for longer than 7 days"),
    ],
)
def test_what_others_left_open(theirs: dict[str, Any], now: float, expected: str) -> None:
    """Rules 16, 17: the stricter of the claim's delivery and today's table; a table of ours decides the rest."""
    jobs = table(at("a", 0), at("strict", 0, **AT_MOST_ONCE), job("off", None, enabled=False))
    left = entry(owner="b7", **theirs)
    made = plan(ledger(open=(left,), settled=noon(now)), situation(jobs, now))

    outcome = [claim.cause for claim in made.claims] + [fate.reason for fate in made.fates] or ["kept"]
    assert outcome == [expected]
    assert (left in made.ledger.open) == (expected == "kept")


@pytest.mark.parametrize(
    ("policy", "claims"),
    [
        pytest.param({}, [run("a", 5)], id="exclusive: one, the oldest; the other waits"),
        pytest.param({"overlap": Overlap.ALLOW}, [run("a", 5), run("a", 9)], id="allow: both"),
    ],
)
def test_two_runs_that_were_left_open(policy: dict[str, Any], claims: list[str]) -> None:
    jobs = table(every("a", 300, **policy))
    left = (entry(at=9, owner="b7"), entry(at=5, owner="b7"))
    made = plan(ledger(*jobs.jobs.values(), open=left), situation(jobs, 10))

    assert [claim.entry.run for claim in made.claims] == claims
    assert len(made.ledger.open) == 2


def test_what_was_left_open_waits_for_a_slot() -> None:
    left = (entry("a", 5, owner="b7"), entry("b", 4, owner="b7"))
    jobs = table(every("a", 300), every("b", 300))
    made = plan(ledger(*jobs.jobs.values(), open=left), situation(jobs, 6, slots=1))

    assert said(made)["claims"] == [(run("b", 4), 2, "rerun")]
    assert left[0] in made.ledger.open


# ------------------------------------------------------------------ ticks


@pytest.mark.parametrize(
    ("policy", "now", "lead_since", "claims", "fates"),
    [
        pytest.param({}, 4.9, -1, [], [], id="not due"),
        pytest.param({}, 5, -1, [(5, "schedule")], [], id="due"),
        pytest.param({}, 7, 6, [(5, "catch_up")], [], id="missed"),
        pytest.param({}, 12, 6, [(10, "schedule")], [(5, "superseded")], id="latest: the newest, be it in time"),
        pytest.param({}, 12, 11, [(10, "catch_up")], [(5, "superseded")], id="latest: the newest, though missed"),
        pytest.param({"catch_up": CatchUp.NONE}, 12, 11, [], [(5, "catch_up_none")], id="none"),
        pytest.param({"catch_up": CatchUp.ALL}, 12, 11, [(5, "catch_up")], [], id="all: one after another"),
        pytest.param({"catch_up": CatchUp.ALL}, 12, -1, [(5, "catch_up")], [], id="all, after a stall: the same"),
        pytest.param(
            {"catch_up": CatchUp.ALL, "overlap": Overlap.ALLOW},
            12,
            -1,
            [(5, "catch_up"), (10, "schedule")],
            [],
            id="all and allow: together",
        ),
    ],
)
def test_ticks(
    policy: dict[str, Any], now: float, lead_since: float, claims: list[tuple[int, str]], fates: list[tuple[int, str]]
) -> None:
    """Rule 18, of a job that ticks every 5 s."""
    jobs = table(every("a", 5, **policy))
    made = plan(ledger(*jobs.jobs.values()), situation(jobs, now, lead_since=noon(lead_since)))

    assert [(claim.entry.run, claim.cause) for claim in made.claims] == [(run("a", at), why) for at, why in claims]
    assert [(fate.first, fate.reason) for fate in made.fates] == [(tick(at), why) for at, why in fates]


@pytest.mark.parametrize(
    ("policy", "cause", "lead_since", "fate"),
    [
        pytest.param({}, "schedule", -1, "overlap", id="due while it runs: skipped"),
        pytest.param({"overlap": Overlap.ALLOW}, "schedule", -1, "claimed", id="unless it may overlap"),
        pytest.param({}, "schedule", 11, "waits", id="missed: not judged by overlap"),
        pytest.param({}, "catch_up", -1, "overlap", id="due while it catches up with its latest: skipped"),
        pytest.param({"catch_up": CatchUp.ALL}, "catch_up", -1, "waits", id="with all of them: waits its turn"),
        pytest.param({"catch_up": CatchUp.ALL}, "rerun", -1, "waits", id="after a repeated run: the same"),
        pytest.param({"catch_up": CatchUp.ALL}, "schedule", -1, "overlap", id="done catching up: skipped"),
    ],
)
def test_a_tick_falls_due_while_its_job_runs(policy: dict[str, Any], cause: str, lead_since: float, fate: str) -> None:
    """Rule 25, and its ruling in italics."""
    one, mine = every("a", 10, **policy), entry(at=0)
    held = {mine.key: Held(State.ALIVE, cause)}
    made = plan(ledger(one, open=(mine,)), situation(table(one), 10, held=held, lead_since=noon(lead_since)))

    if fate == "waits":
        assert (made.claims, made.fates, made.undecided) == ((), (), True)
    elif fate == "claimed":
        assert [claim.entry.run for claim in made.claims] == [run("a", 10)]
    else:
        assert [(one.reason, one.blocker) for one in made.fates] == [(fate, run("a", 0))]


def test_the_oldest_of_all_jobs_goes_first() -> None:
    jobs = table(every("often", 10), every("seldom", 300, offset=7), every("too", 300, offset=8))
    made = plan(ledger(*jobs.jobs.values()), situation(jobs, 10, slots=2))

    assert [claim.entry.run for claim in made.claims] == [run("seldom", 7), run("too", 8)]
    assert made.undecided
    assert made.ledger.settled == noon(8)


def test_a_leader_that_leaves_decides_on_no_tick() -> None:
    """Rule 32: it records what ended, and leaves all else to its successor."""
    jobs = table(every("a", 5), every("b", 5))
    mine, killed, theirs = entry("a", 5), entry("b", 5, delivery="m"), entry("b", 0, owner="b7", delivery="m")
    held = {mine.key: Held(State.ENDED, outcome="succeeded"), killed.key: Held(State.KILLED)}
    before = ledger(*jobs.jobs.values(), open=(mine, killed, theirs))
    made = plan(before, situation(jobs, 30, held=held, leaving=True, first_of_term=True))

    assert said(made) == {"claims": [], "fates": [], "open": [(one.run, 1, one.owner) for one in (killed, theirs)]}
    assert (made.ledger.settled, made.ledger.behind) == (before.settled, before.behind)


# ------------------------------------------------------------------ marks


@pytest.mark.parametrize(
    ("now", "first_of_term", "settled"),
    [
        pytest.param(4, False, 0, id="nothing was decided: it stays"),
        pytest.param(4, True, 4, id="the first plan of a term: now"),
        pytest.param(7.5, False, 5, id="the greatest tick decided"),
        pytest.param(7.5, True, 7, id="now is whole seconds"),
        pytest.param(-20, True, 0, id="and never less than it was"),
    ],
)
def test_how_far_it_is_settled(*, now: float, first_of_term: bool, settled: float) -> None:
    """Rule 19."""
    jobs = table(every("a", 5))
    made = plan(ledger(*jobs.jobs.values()), situation(jobs, now, first_of_term=first_of_term))

    assert made.ledger.settled == noon(settled)


@pytest.mark.parametrize(
    ("slow", "now", "mark"),
    [
        pytest.param(every("slow", 9), 10, 0, id="no slot for it: its mark stays"),
        pytest.param(every("slow", 9, jitter=timedelta(seconds=4)), 9.1, 0, id="its jitter is not over"),
        pytest.param(every("slow", 300), 10, None, id="none of its ticks is due: settled serves"),
    ],
)
def test_who_lags_behind_is_named(slow: Job, now: float, mark: float | None) -> None:
    """Rule 19: definitions with an undecided tick at or below `settled`."""
    jobs = table(every("other", 8), slow)
    if slow.policy.jitter:
        assert slow.due(noon(9)) > noon(9.1)
    made = plan(ledger(*jobs.jobs.values()), situation(jobs, now, slots=1, first_of_term=True))

    assert made.ledger.behind.get(fingerprint(slow)) == (None if mark is None else noon(mark))


def test_a_clock_that_is_behind_waits_for_its_ticks() -> None:
    """What its predecessor settled beyond our clock stays settled; what it left undecided stays undecided."""
    one = every("a", 5)
    before = ledger(one, settled=noon(20), behind={fingerprint(one): noon(10)})
    made = plan(before, situation(table(one), 12, first_of_term=True))

    assert said(made)["claims"] == []
    assert (made.ledger.settled, made.ledger.behind) == (before.settled, before.behind)


@pytest.mark.parametrize(
    ("revision", "known", "behind"),
    [
        pytest.param(2, ["kept", "added"], {}, id="a newer table: its own definitions, and no other"),
        pytest.param(1, ["kept", "added"], {}, id="an equal one: the same"),
        pytest.param(0, ["kept", "gone"], {"gone": 0}, id="an older one: frozen as they were"),
    ],
)
def test_tables_of_another_revision(revision: int, known: list[str], behind: dict[str, float]) -> None:
    """Rule 20."""
    jobs = {name: every(name, 10) for name in ("kept", "added", "gone")}
    before = ledger(jobs["kept"], jobs["gone"], rev=1)
    made = plan(before, situation(table(jobs["kept"], jobs["added"], revision=revision), 10, first_of_term=True))

    assert made.ledger.rev == max(revision, 1)
    assert made.ledger.known == "".join(fingerprint(jobs[name]) for name in known)
    assert made.ledger.behind == {fingerprint(jobs[name]): noon(mark) for name, mark in behind.items()}
    served = {claim.entry.job for claim in made.claims}
    assert served == ({"kept", "added"} if revision else {"kept"})


def test_what_a_new_leader_finds_undone() -> None:
    jobs = table(every("a", 5), at("once", 3), job("by-hand", None), every("off", 1, enabled=False))

    assert missed(ledger(*jobs.jobs.values()), jobs, noon(21)) == 5


# ------------------------------------------------------------------ laws


@dataclass
class Leader:
    """A process that leads for a while: makes plans, has them accepted or not, and carries them out."""

    nonce: str
    table: JobTable
    slots: int
    lead_since: datetime
    held: dict[str, Held] = field(default_factory=dict)
    first_of_term: bool = True

    def situation(self, now: datetime) -> Situation:
        busy = sum(held.state in (State.ALIVE, State.UNSTARTED) for held in self.held.values())
        return Situation(
            self.table, self.nonce, now, self.lead_since, self.slots - busy, dict(self.held), self.first_of_term
        )

    def carry_out(self, made: Plan) -> None:
        self.first_of_term = False
        for one in made.ended:
            del self.held[one.key]
        for one in made.failed:
            self.held[one.key] = replace(self.held[one.key], state=State.WAITING)
        for claim in made.claims:
            self.held.pop(replace(claim.entry, attempt=claim.entry.attempt - 1).key, None)
            self.held[claim.entry.key] = Held(State.ALIVE, claim.cause)
        self.held = {key: held for key, held in self.held.items() if key in {one.key for one in made.ledger.open}}


POLICIES = st.fixed_dictionaries(
    {
        "catch_up": st.sampled_from(CatchUp),
        "overlap": st.sampled_from([Overlap.SKIP, Overlap.ALLOW]),
        "delivery": st.sampled_from(Delivery),
        "max_catch_up": st.integers(1, 4),
        "catch_up_window": st.sampled_from([timedelta(seconds=30), timedelta(hours=1)]),
    }
)
SPREAD = st.sampled_from([timedelta(0), timedelta(seconds=1)])
TABLES = st.lists(st.tuples(st.integers(2, 20), POLICIES, SPREAD), min_size=1, max_size=4).map(
    lambda rows: table(
        *(every(f"j{number}", period, jitter=jitter, **policy) for number, (period, policy, jitter) in enumerate(rows))
    )
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0.5, 1, 3, 7, 40]),
        st.sampled_from(["ends", "fails", "killed", "goes on", "goes on", "is deposed", "write is lost"]),
    ),
    max_size=14,
)


@given(jobs=TABLES, slots=st.integers(0, 4), steps=STEPS)
def test_laws_of_any_sequence_of_plans(jobs: JobTable, slots: int, steps: list[tuple[float, str]]) -> None:
    now, number = NOON, 0
    kept = ledger(*jobs.jobs.values())
    leader = Leader("n0", jobs, slots, now)
    fates = Counter[tuple[str, str]]()
    attempts: set[str] = set()
    for seconds, event in [*steps, (0, "goes on")]:
        now += timedelta(seconds=seconds)
        if event == "is deposed":
            number += 1
            leader = Leader(f"n{number}", jobs, slots, now)
        happen(leader, event)
        facts = leader.situation(now)
        made = plan(kept, facts)

        assert plan(kept, facts) == made
        assert decode(encode(made.ledger)) == made.ledger
        marks_only_grow(kept, made.ledger, jobs)
        every_due_tick_has_one_place(kept, made, facts)
        slots_suffice(made, facts)
        nothing_exclusive_is_open_twice(made.ledger, jobs)
        assert not attempts & {claim.entry.key for claim in made.claims}
        if event == "write is lost":
            continue
        kept = made.ledger
        leader.carry_out(made)
        attempts |= {claim.entry.key for claim in made.claims}
        fates.update((fate.job, tick) for fate in made.fates for tick in fate_ticks(fate, jobs))
        fates.update((one.job, one.tick) for one in made.ended)
        nothing_is_left_to_decide(kept, leader, now)

    assert set(fates.values()) <= {1}


def happen(leader: Leader, event: str) -> None:
    """To the first run that is alive."""
    key = next((key for key, held in leader.held.items() if held.state is State.ALIVE), None)
    states = {"ends": State.ENDED, "fails": State.FAILED, "killed": State.KILLED}
    if key and event in states:
        leader.held[key] = replace(leader.held[key], state=states[event], outcome="succeeded")
    for key, held in leader.held.items():
        if held.state is State.WAITING:
            leader.held[key] = replace(held, state=State.READY)


def marks_only_grow(before: Ledger, after: Ledger, jobs: JobTable) -> None:
    for print_ in jobs.ticking:
        assert after.mark(print_, jobs.loaded_at) >= before.mark(print_, jobs.loaded_at)
    assert before.settled
    assert after.settled
    assert after.settled >= before.settled


def every_due_tick_has_one_place(before: Ledger, made: Plan, facts: Situation) -> None:
    """Claimed, dropped, skipped, or still above its mark; and the counts are those of an enumeration."""
    for print_, one in facts.table.ticking.items():
        mark = made.ledger.mark(print_, facts.table.loaded_at)
        decided = Counter(claim.entry.tick for claim in made.claims if claim.entry.job == one.name and is_new(claim))
        for fate in made.fates:
            if fate.job == one.name and fate.reason not in ("leader_lost", "max_interruptions"):
                ticks = fate_ticks(fate, facts.table)
                assert len(ticks) == fate.count
                decided.update(() if is_interrupted(fate, before) else ticks)
        for tick in due(one, before.mark(print_, facts.table.loaded_at), facts.now):
            assert decided[instant_text(tick)] == (1 if tick <= mark else 0), run_id(one.name, instant_text(tick))


def is_new(claim: Any) -> bool:
    return claim.cause in ("schedule", "catch_up")


def is_interrupted(fate: Any, before: Ledger) -> bool:
    return any((fate.job, fate.first, fate.attempt) == (one.job, one.tick, one.attempt) for one in before.open)


def fate_ticks(fate: Any, jobs: JobTable) -> list[str]:
    schedule = jobs.jobs[fate.job].schedule
    assert schedule
    first, last = datetime.fromisoformat(fate.first), datetime.fromisoformat(fate.last)
    ticks, one = list[str](), schedule.after(first - timedelta(seconds=1))
    while one and one <= last:
        ticks.append(instant_text(one))
        one = schedule.after(one)
    return ticks


def due(one: Job, after: datetime, now: datetime) -> list[datetime]:
    assert one.schedule
    ticks, tick = [], one.schedule.after(after)
    while tick and tick <= now:
        ticks += [tick] if one.due(tick) <= now else []
        tick = one.schedule.after(tick)
    return ticks


def slots_suffice(made: Plan, facts: Situation) -> None:
    assert len(made.claims) <= max(facts.slots, 0)


def nothing_exclusive_is_open_twice(after: Ledger, jobs: JobTable) -> None:
    crowd = Counter(one.job for one in after.open if jobs.jobs[one.job].exclusive)

    assert set(crowd.values()) <= {1}


def nothing_is_left_to_decide(kept: Ledger, leader: Leader, now: datetime) -> None:
    """A plan over the result of a plan, with no time passed and nothing that ended, decides nothing new."""
    again = plan(kept, leader.situation(now))

    assert not again.claims
    assert not again.fates
    assert again.ledger == replace(kept, did=())

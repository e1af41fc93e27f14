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

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.claims.plan import FULL_BYTES, missed, plan
from scheduler.core.claims.planning import Held, Plan, Situation, State
from scheduler.core.job import CatchUp, Delivery, Job, JobTable, Overlap, fingerprint, instant_text, run_id
from scheduler.core.ledger import Did, Ledger, OpenRun, WriteId, decode, encode, first_ledger
from scheduler.core.notes.commands import Command, Do, Pause, commands_in, note_of, pauses_in, with_pauses
from scheduler.core.notes.replies import answers_in
from tests.fakes.tables import AT_MOST_ONCE, at, every, job

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ME = "n1"
SLOW_STORE = {"ahead": timedelta(seconds=9), "longest_ahead": timedelta(seconds=1.5)}


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
        pytest.param(
            Held(State.ABSENT, outcome="too_old"), [], [], ["too_old"], id="to be taken up and nowhere: given up"
        ),
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


def test_the_next_attempt_waits_for_a_slot() -> None:
    mine = entry(failures=1)
    made = plan(ledger(A, open=(mine,)), situation(table(A), 6, slots=0, held={mine.key: Held(State.READY)}))

    assert (made.claims, made.ledger.open) == ((), (mine,))


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
        pytest.param({"name": "stranger", "delivery": "m"}, 6, "kept", id="which was at_most_once and may be a Job"),
        pytest.param({"name": "stranger"}, 7 * 86_400 + 5, "kept", id="for 7 days"),
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
    ("theirs", "as_known", "claims"),
    [
        pytest.param({"left": 20}, "", [], id="it drains, and has time left"),
        pytest.param({"left": 20}, "overdue", [(2, "rerun", 0)], id="it has used up its time: cut off"),
        pytest.param({"failures": 1}, "resting", [], id="it failed, and rests"),
        pytest.param({"failures": 1}, "", [(2, "retry", 0)], id="it failed, and has rested: the next attempt"),
        pytest.param({"attempt": 2, "failures": 1}, "", [(3, "rerun", 0)], id="its second attempt was under way"),
    ],
)
def test_how_long_others_runs_are_let_be(
    theirs: dict[str, Any], as_known: str, claims: list[tuple[int, str, int]]
) -> None:
    """Rules 16, 17 and 26; the times are counted by whoever calls."""
    left = entry(owner="b7", **theirs)
    facts = {as_known: frozenset({left.key})} if as_known else {}
    made = plan(ledger(A, open=(left,)), situation(table(A), 6, **facts))

    assert [(claim.entry.attempt, claim.cause, claim.entry.left) for claim in made.claims] == claims
    assert (left in made.ledger.open) == (not claims)


@pytest.mark.parametrize(
    ("theirs", "now", "adopts"),
    [
        pytest.param({}, 6, None, id="it may be started again: taken up, or begun if it is nowhere"),
        pytest.param({"delivery": "m"}, 6, "leader_lost", id="at_most_once: taken up, and no more"),
        pytest.param({"attempt": 3}, 6, "max_interruptions", id="cut off three times"),
        pytest.param({}, 3606, "too_old", id="older than the window"),
    ],
)
def test_what_goes_on_elsewhere_is_taken_up(theirs: dict[str, Any], now: float, adopts: str | None) -> None:
    """Rule 17: a leader that was lost has not cut it off; only where it may not be *started* does the claim say so."""
    one, left = every("a", 300, action=KubernetesJobAction("acme/indexer:4")), entry(owner="b7", **theirs)
    made = plan(ledger(one, open=(left,), settled=noon(now)), situation(table(one), now))

    assert [(claim.entry.attempt, claim.adopts) for claim in made.claims] == [(left.attempt + 1, adopts)]
    assert not made.fates


def test_what_has_failed_elsewhere_does_not_go_on() -> None:
    one, left = every("a", 300, action=KubernetesJobAction("acme/indexer:4")), entry(owner="b7", failures=1)
    made = plan(ledger(one, open=(left,), settled=noon(3606)), situation(table(one), 3606))

    assert said(made) == {"claims": [], "fates": [("a", tick(5), 1, "too_old")], "open": []}


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


def test_a_tick_that_falls_due_as_the_gate_opens_was_not_missed() -> None:
    one = every("a", 10)
    made = plan(ledger(one), situation(table(one), 11, lead_since=noon(10)))

    assert said(made)["claims"] == [(run("a", 10), 1, "schedule")]


def test_a_tick_behind_the_retry_of_a_run_that_was_in_time_is_skipped() -> None:
    """Rule 25: nothing is caught up, so overlap judges, also for a job that wants all its ticks."""
    one, mine = every("a", 10, catch_up=CatchUp.ALL), entry(at=10, failures=1)
    held = {mine.key: Held(State.READY, "schedule")}
    made = plan(ledger(one, open=(mine,), settled=noon(10)), situation(table(one), 20, held=held))

    assert said(made)["claims"] == [(run("a", 10), 2, "retry")]
    assert said(made)["fates"] == [("a", tick(20), 1, "overlap")]


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


def test_a_leader_that_leaves_tells_what_gave_way_to_a_newer_run() -> None:
    """Rules 25 and 32: that run is over whoever comes next, and perhaps nobody does."""
    jobs = table(every("a", 5, overlap=Overlap.REPLACE))
    old, new = entry("a", 5), entry("a", 10)
    held = {old.key: Held(State.KILLED), new.key: Held(State.ALIVE)}
    made = plan(ledger(*jobs.jobs.values(), open=(old, new)), situation(jobs, 12, held=held, leaving=True))

    assert said(made) == {"claims": [], "fates": [("a", tick(5), 1, "replaced")], "open": [(new.run, 1, new.owner)]}


def test_a_leader_that_leaves_keeps_what_was_killed_with_no_newer_run_beside_it() -> None:
    """Rule 34: its successor sees to it."""
    jobs = table(every("a", 5, overlap=Overlap.REPLACE))
    mine = entry("a", 5)
    made = plan(
        ledger(*jobs.jobs.values(), open=(mine,)),
        situation(jobs, 12, held={mine.key: Held(State.KILLED)}, leaving=True),
    )

    assert said(made) == {"claims": [], "fates": [], "open": [(mine.run, 1, mine.owner)]}


def test_a_leader_that_leaves_counts_a_failure() -> None:
    """Rule 34: so that its successor knows that the attempt is over."""
    mine = entry()
    made = plan(ledger(A, open=(mine,)), situation(table(A), 6, held={mine.key: Held(State.FAILED)}, leaving=True))

    assert made.failed == made.ledger.open == (replace(mine, failures=1),)


def test_a_leader_that_leaves_hears_no_command() -> None:
    """Rule 32: what was asked for would begin nowhere."""
    notes = notes_of(RUN_A) | {"cmd-odd": "?"}
    made = plan(ledger(A), situation(table(A), 6, notes=notes, leaving=True))

    assert (made.claims, made.answers, made.notes) == ((), (), notes)


# ------------------------------------------------------------------ ahead of their time


@pytest.mark.parametrize(
    ("policy", "now", "claimed"),
    [
        pytest.param({}, 9.4, False, id="too early"),
        pytest.param({}, 9.5, True, id="half a second before it is due, at most"),
        pytest.param(AT_MOST_ONCE, 9.9, False, id="at_most_once: never before it is due"),
        pytest.param(AT_MOST_ONCE, 10, True, id="at_most_once: but then"),
        pytest.param({**AT_MOST_ONCE, "claim_ahead": timedelta(seconds=1)}, 9, True, id="unless the job asks for it"),
        pytest.param({"claim_ahead": timedelta(0)}, 9.9, False, id="a job that does not want it"),
        pytest.param({"claim_ahead": timedelta(seconds=9)}, 8.4, False, id="never more than a tenth of the lease"),
    ],
)
def test_a_tick_is_claimed_ahead_of_its_time(policy: dict[str, Any], now: float, *, claimed: bool) -> None:
    """Rule 23, with a lease of 15 s and a slow store."""
    one = every("a", 10, **policy)
    made = plan(ledger(one), situation(table(one), now, **SLOW_STORE))

    assert [claim.entry.run for claim in made.claims] == ([run("a", 10)] if claimed else [])
    assert made.ledger.settled == noon(10 if claimed else 0)


@pytest.mark.parametrize(
    ("open_run", "held", "slots"),
    [
        pytest.param(entry(at=0), {entry(at=0).key: Held(State.ALIVE)}, 16, id="its job runs"),
        pytest.param(entry(at=0, owner="b7", left=9), {}, 16, id="its job's run drains elsewhere"),
        pytest.param(entry("other", at=0), {entry("other", at=0).key: Held(State.ALIVE)}, 0, id="no worker is free"),
    ],
)
@pytest.mark.parametrize("overlap", Overlap)
def test_a_tick_that_could_not_start_is_decided_when_it_is_due(
    open_run: OpenRun, held: dict[str, Held], slots: int, overlap: Overlap
) -> None:
    """Rule 23: claiming ahead must not skip, replace or supersede anything that the due instant would not."""
    one = every("a", 10, overlap=overlap)
    if overlap is Overlap.ALLOW and slots:
        return  # then it can start, which the case above shows
    before = ledger(one, open=(open_run,))
    made = plan(before, situation(table(one, at("other", 0)), 9.9, held=held, slots=slots, **SLOW_STORE))

    assert (made.claims, made.fates, made.too_early, made.undecided) == ((), (), True, False)
    assert made.ledger.mark(fingerprint(one), NOON) == noon(0)


def test_who_is_not_claimed_ahead_lags_behind() -> None:
    """Two jobs of one instant, of which only one may be claimed before it (rules 19, 23)."""
    early, late = every("early", 10), every("late", 10, **AT_MOST_ONCE)
    first = plan(ledger(early, late), situation(table(early, late), 9.9, **SLOW_STORE))
    second = plan(first.ledger, situation(table(early, late), 10, held={entry("early", 10).key: Held(State.ALIVE)}))

    assert first.ledger.behind == {fingerprint(late): noon(0)}
    assert [claim.entry.run for claim in second.claims] == [run("late", 10)]
    assert second.ledger.behind == {}


def test_a_tick_is_claimed_ahead_beside_one_that_is_late() -> None:
    """Whoever plans by what this plan has looked at will not look again before the tick is over."""
    one = every("a", 10, overlap=Overlap.ALLOW)
    made = plan(ledger(one), situation(table(one), 19.8, **SLOW_STORE))
    without_a_worker = plan(ledger(one), situation(table(one), 19.8, slots=1, **SLOW_STORE))

    assert [claim.entry.run for claim in made.claims] == [run("a", 10), run("a", 20)]
    assert [claim.entry.run for claim in without_a_worker.claims] == [run("a", 10)]
    assert without_a_worker.too_early


# ------------------------------------------------------------------ queue and replace


@pytest.mark.parametrize("catch_up", CatchUp)
def test_one_tick_waits_in_the_queue_and_the_newest_takes_its_place(catch_up: CatchUp) -> None:
    """Rule 25: what waits is not claimed, so that it outlives the leader."""
    one, mine = every("a", 10, overlap=Overlap.QUEUE, catch_up=catch_up), entry(at=0)
    held = {mine.key: Held(State.ALIVE)}
    waits = plan(ledger(one, open=(mine,)), situation(table(one), 10, held=held))
    replaced = plan(waits.ledger, situation(table(one), 20, held=held))
    ended = plan(replaced.ledger, situation(table(one), 21, held={mine.key: Held(State.ENDED)}))

    assert (waits.claims, waits.fates, waits.undecided) == ((), (), True)
    assert said(replaced)["fates"] == [("a", tick(10), 1, "superseded")]
    assert said(ended)["claims"] == [(run("a", 20), 1, "schedule")]


def test_a_new_run_takes_the_place_of_the_old_one() -> None:
    """Rule 25: both are open until the old one is seen dead; and no worker need be free for the second."""
    one, old, new = every("a", 10, overlap=Overlap.REPLACE), entry(at=0), entry(at=10)
    both = plan(ledger(one, open=(old,)), situation(table(one), 10, slots=0, held={old.key: Held(State.ALIVE)}))
    held = {old.key: Held(State.KILLED), new.key: Held(State.ALIVE)}
    after = plan(both.ledger, situation(table(one), 11, slots=0, held=held))

    assert said(both)["open"] == [(run("a", 0), 1, ME), (run("a", 10), 1, ME)]
    assert said(both)["claims"] == [(run("a", 10), 1, "schedule")]
    assert said(after) == {"claims": [], "fates": [("a", tick(0), 1, "replaced")], "open": [(run("a", 10), 1, ME)]}


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        pytest.param(Held(State.UNSTARTED), "replaced", id="claimed, and not started yet"),
        pytest.param(Held(State.WAITING), "replaced", id="waiting for its retry"),
        pytest.param(Held(State.KILLED), "replaced", id="killed"),
        pytest.param(Held(State.ENDED, outcome="succeeded"), None, id="ended by itself: so it is told"),
    ],
)
def test_what_becomes_of_a_run_that_gave_way(held: Held, reason: str | None) -> None:
    one, old, new = every("a", 10, overlap=Overlap.REPLACE), entry(at=0), entry(at=10)
    states = {old.key: held, new.key: Held(State.ALIVE)}
    made = plan(ledger(one, open=(old, new), settled=noon(10)), situation(table(one), 11, held=states))

    assert made.ledger.open == (new,)
    assert [fate.reason for fate in made.fates] == ([reason] if reason else [])


def test_a_run_that_gives_way_is_open_until_it_is_dead() -> None:
    one, old, new = every("a", 10, overlap=Overlap.REPLACE), entry(at=0), entry(at=10)
    states = {old.key: Held(State.ALIVE), new.key: Held(State.UNSTARTED)}
    made = plan(ledger(one, open=(old, new), settled=noon(10)), situation(table(one), 11, held=states))

    assert (made.ledger.open, made.fates) == ((old, new), ())


def test_a_successor_repeats_only_the_newest_of_two() -> None:
    """Rule 25: at the crash the old run was being replaced."""
    one = every("a", 10, overlap=Overlap.REPLACE)
    left = (entry(at=0, owner="b7"), entry(at=10, owner="b7"))
    made = plan(ledger(one, open=left, settled=noon(10)), situation(table(one), 11))

    assert said(made) == {
        "claims": [(run("a", 10), 2, "rerun")],
        "fates": [("a", tick(0), 1, "replaced")],
        "open": [(run("a", 10), 2, ME)],
    }


# ------------------------------------------------------------------ what people ask for

RUN_A = Command("m-0000000a", Do.RUN, "a", noon(3.25))
MANUAL_A = "a@manual-2026-11-22T12:00:03.250Z"


def notes_of(*commands: Command, **pauses: Pause) -> dict[str, str]:
    return with_pauses(dict(note_of(command) for command in commands), pauses)


def test_a_run_is_asked_for() -> None:
    """Rule 37: one write removes the command, remembers it and claims the run."""
    one = every("a", 300)
    made = plan(ledger(one), situation(table(one), 4, notes=notes_of(RUN_A)))

    assert said(made)["claims"] == [(MANUAL_A, 1, "manual")]
    assert (made.notes, made.ledger.acks) == ({}, (RUN_A.id, MANUAL_A))
    assert decode(encode(made.ledger)) == made.ledger


def test_a_command_that_was_heard_has_no_effect_again() -> None:
    """Rule 36: its sender did not know, and sent it again under the same id."""
    one = every("a", 300)
    made = plan(ledger(one, acks=(RUN_A.id,)), situation(table(one), 4, notes=notes_of(RUN_A)))

    assert (made.claims, made.notes, made.ledger.acks) == ((), {}, (RUN_A.id,))
    assert not made.undecided


def test_a_run_that_was_asked_for_is_begun_once_however_long_it_takes() -> None:
    """P2: its id may be forgotten by the time a copy comes, but not the run while it is open."""
    one = every("a", 300, overlap=Overlap.ALLOW)
    mine = replace(entry(), tick=MANUAL_A.partition("@")[2])
    made = plan(
        ledger(one, open=(mine,)),
        situation(table(one), 9, notes=notes_of(RUN_A), held={mine.key: Held(State.ALIVE, "manual")}),
    )

    assert (made.claims, made.notes) == ((), {})


def test_an_older_table_runs_what_the_newer_has_too() -> None:
    """Rule 20: only what it does not serve waits for the newer."""
    one = every("a", 300)
    made = plan(ledger(one, rev=1), situation(table(one), 4, notes=notes_of(RUN_A)))

    assert said(made)["claims"] == [(MANUAL_A, 1, "manual")]


def test_what_was_refused_is_remembered_by_its_id_alone() -> None:
    """It made no run, and whatever name it bore must not fill the ledger."""
    made = plan(ledger(A), situation(table(A), 4, notes=notes_of(replace(RUN_A, job="none"))))

    assert made.ledger.acks == (RUN_A.id,)


def test_what_bears_no_commands_name_is_taken_away_and_not_answered() -> None:
    """Nobody waits for that answer, and only so many are kept."""
    made = plan(ledger(A), situation(table(A), 4, notes={"cmd-odd": "?"}))

    assert [answer.id for answer in made.answers] == ["odd"]
    assert (made.notes, made.ledger.acks) == ({}, ())


@pytest.mark.parametrize(
    ("overlap", "state", "slots", "claimed"),
    [
        pytest.param(Overlap.SKIP, State.ALIVE, 16, False, id="its job runs: it waits"),
        pytest.param(Overlap.REPLACE, State.ALIVE, 0, True, id="replace: takes its place"),
        pytest.param(Overlap.REPLACE, State.WAITING, 0, False, id="of one that rests, which has none: it waits"),
        pytest.param(Overlap.ALLOW, State.ALIVE, 16, True, id="allow: runs beside it"),
        pytest.param(Overlap.ALLOW, State.ALIVE, 0, False, id="no worker is free: it waits"),
    ],
)
def test_a_run_that_is_asked_for_waits_until_it_can_start(
    overlap: Overlap, state: State, slots: int, *, claimed: bool
) -> None:
    one, mine = every("a", 300, overlap=overlap), entry(at=0)
    facts = {"held": {mine.key: Held(state)}, "slots": slots, "notes": notes_of(RUN_A)}
    made = plan(ledger(one, open=(mine,)), situation(table(one), 4, **facts))

    assert [claim.cause for claim in made.claims] == (["manual"] if claimed else [])
    assert bool(made.notes) == (not claimed) == made.undecided


@pytest.mark.parametrize(
    ("command", "revision", "refusal"),
    [
        pytest.param(replace(RUN_A, job="none"), 0, "no job none", id="a job that there is not"),
        pytest.param(replace(RUN_A, job="off"), 0, "no job off", id="a disabled job"),
        pytest.param(replace(RUN_A, job="none"), 1, None, id="a newer table may have it: left for its leader"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(command: Command, revision: int, refusal: str | None) -> None:
    jobs = table(every("a", 300), job("off", None, enabled=False))
    before = ledger(every("a", 300), rev=revision)
    made = plan(before, situation(jobs, 4, notes=notes_of(command)))

    assert not made.claims
    assert [refusal in answer.refusal for answer in made.answers if refusal] == ([True] if refusal else [])
    assert answers_in(made.notes) == ({command.id: made.answers[0].refusal} if refusal else {})
    assert bool(commands_in(made.notes)[0]) == (refusal is None)


def test_ticks_of_a_paused_job_are_dropped_in_its_claim() -> None:
    """Rule 37: a pause holds from the write that consumes it; resuming runs no past."""
    one = every("a", 10)
    pause = Command("m-00000001", Do.PAUSE, "a", noon(5), None, "vendor outage")
    resume = Command("m-00000002", Do.RESUME, "a", noon(34))
    paused = plan(ledger(one), situation(table(one), 6, notes=notes_of(pause)))
    waits = plan(paused.ledger, situation(table(one), 31, notes=paused.notes))
    resumed = plan(waits.ledger, situation(table(one), 35, notes={**waits.notes, **notes_of(resume)}))
    runs = plan(resumed.ledger, situation(table(one), 40, notes=resumed.notes))

    assert pauses_in(paused.notes) == {"a": Pause(noon(6), None, "vendor outage")}
    assert (waits.claims, waits.fates, waits.vain) == ((), (), True)
    assert said(resumed)["fates"] == [("a", tick(10), 3, "paused")]
    assert (resumed.notes, resumed.claims) == ({}, ())
    assert said(runs)["claims"] == [(run("a", 40), 1, "schedule")]


def test_ticks_of_a_long_pause_share_a_line_an_hour() -> None:
    one = every("a", 10)
    notes = notes_of(a=Pause(NOON))
    made = plan(ledger(one), situation(table(one), 3610, notes=notes))

    assert said(made)["fates"] == [("a", tick(10), 361, "paused")]
    assert made.notes == notes


def test_a_pause_ends_by_itself() -> None:
    """Ticks up to its end are dropped, and the next one runs."""
    one = every("a", 10)
    made = plan(ledger(one), situation(table(one), 30, notes=notes_of(a=Pause(NOON, noon(25)))))

    assert said(made)["fates"] == [("a", tick(10), 2, "paused")]
    assert said(made)["claims"] == [(run("a", 30), 1, "schedule")]
    assert made.notes == {}


@pytest.mark.parametrize("revision", [0, 1])
def test_the_pause_of_a_job_that_never_ticks_ends_by_itself_too(revision: int) -> None:
    """Unless a newer table may have the job, where it may tick: then that table's leader sees to it."""
    notes = notes_of(hand=Pause(NOON, noon(25)), gone=Pause(NOON, noon(40)))
    made = plan(
        ledger(every("a", 10), rev=revision), situation(table(every("a", 10), job("hand", None)), 30, notes=notes)
    )

    assert made.pauses_over == (() if revision else ("hand",))
    assert pauses_in(made.notes).keys() == ({"hand", "gone"} if revision else {"gone"})


@pytest.mark.parametrize(
    ("name", "still_paused"),
    [
        pytest.param("a", {"b", "gone"}, id="one job"),
        pytest.param("c", {"a", "b", "gone"}, id="one that is not paused"),
        pytest.param("gone", {"a", "b"}, id="one that has left the table"),
        pytest.param(None, set(), id="all, also such as only a newer table has"),
    ],
)
def test_who_is_resumed(name: str | None, still_paused: set[str]) -> None:
    jobs = [every("a", 10), every("b", 10), every("c", 10)]
    resume = Command("m-00000001", Do.RESUME, name, noon(5))
    notes = notes_of(resume, a=Pause(NOON), b=Pause(NOON), gone=Pause(NOON))
    made = plan(ledger(*jobs), situation(table(*jobs), 6, notes=notes))

    assert pauses_in(made.notes).keys() == still_paused
    assert made.ledger.acks == (resume.id,)


def test_who_paused_it_is_remembered() -> None:
    one, other = every("a", 10), every("b", 10)
    pause = Command("m-00000001", Do.PAUSE, "a", noon(5), None, "vendor outage", "jane")
    made = plan(ledger(one, other), situation(table(one, other), 6, notes=notes_of(pause)))

    assert pauses_in(made.notes) == {"a": Pause(noon(6), None, "vendor outage", "jane")}


@pytest.mark.parametrize(
    ("reason", "earlier", "refused"),
    [
        pytest.param("audit", 514, False, id="there is just room, for a whole table shares one pause"),
        pytest.param("audit", 515, True, id="one more"),
        pytest.param("監査" * 100, 59, False, id="there is just room beside reasons in Chinese"),
        pytest.param("監査" * 100, 60, True, id="one more: it is bytes that count, not letters"),
    ],
)
def test_more_pauses_than_a_lease_can_hold_are_refused(reason: str, earlier: int, *, refused: bool) -> None:
    """Else the leader's writes would be refused from then on, and with them its lead."""
    jobs = [every(f"job-{number:04}", 300) for number in range(100)]
    known = {f"gone-{number}": Pause(noon(number), reason=reason) for number in range(earlier)}
    pause = Command("m-00000001", Do.PAUSE, None, noon(5))
    made = plan(ledger(*jobs), situation(table(*jobs), 6, notes=notes_of(pause, **known)))

    total = 100 + earlier
    why = {pause.id: f"a Lease cannot remember {total} paused jobs; disable some in the table"} if refused else {}
    assert answers_in(made.notes) == why
    assert len(pauses_in(made.notes)) == (earlier if refused else total)
    assert len(made.notes["paused"].encode()) <= 40 * 1024


@pytest.mark.parametrize(
    ("held", "fate"),
    [
        pytest.param(Held(State.ENDED, "manual", "succeeded"), "succeeded", id="it ended"),
        pytest.param(Held(State.ENDED, "manual", "timed_out"), "timed_out", id="it timed out"),
        pytest.param(Held(State.KILLED, "manual"), "leader_lost", id="it was cut off"),
    ],
)
def test_how_a_run_ended_is_answered_to_whoever_asked_for_it(held: Held, fate: str) -> None:
    one, mine = every("a", 300, **AT_MOST_ONCE), replace(entry(at=0, delivery="m"), tick=MANUAL_A.partition("@")[2])
    made = plan(ledger(one, open=(mine,)), situation(table(one), 4, held={mine.key: held}))

    assert answers_in(made.notes) == {MANUAL_A: fate}


def test_how_a_tick_ended_is_nobodys_answer() -> None:
    one, mine = every("a", 300), entry(at=0)
    made = plan(ledger(one, open=(mine,)), situation(table(one), 4, held={mine.key: Held(State.ENDED, "", "failed")}))

    assert made.ended
    assert made.notes == {}


def test_a_paused_job_can_be_run_by_hand() -> None:
    one = every("a", 10)
    made = plan(ledger(one), situation(table(one), 11, notes=notes_of(RUN_A, a=Pause(NOON))))

    assert [claim.cause for claim in made.claims] == ["manual"]


def test_everything_is_settled_on_request() -> None:
    """Rules 30, 37: after a restore, what is due was run already for all that is known."""
    one, other = every("a", 10), every("b", 15, catch_up=CatchUp.ALL)
    reset = Command("m-00000003", Do.RESET, None, noon(40))
    made = plan(ledger(one, other), situation(table(one, other), 41, lead_since=noon(40), notes=notes_of(reset)))

    assert said(made)["fates"] == [("a", tick(10), 4, "reset"), ("b", tick(15), 2, "reset")]
    assert not made.claims


def test_only_the_last_commands_are_remembered() -> None:
    one = every("a", 300)
    acks = tuple(f"m-{number:08x}" for number in range(128))
    made = plan(ledger(one, acks=acks), situation(table(one), 4, notes=notes_of(replace(RUN_A, id="m-ffffffff"))))

    assert made.ledger.acks == (*acks[2:], "m-ffffffff", MANUAL_A)


def test_very_many_commands_take_more_than_one_write() -> None:
    """Else the first of them would be forgotten as they are consumed, and their senders send them again (rule 36)."""
    one = every("a", 300, overlap=Overlap.ALLOW)
    many = [replace(RUN_A, id=f"m-{number:08x}", at=noon(number)) for number in range(70)]
    made = plan(ledger(one), situation(table(one), 100, slots=100, notes=notes_of(*many)))

    assert len(made.claims) == 64
    assert len(made.notes) == 6
    assert made.undecided
    assert {command.id for command in many[:64]} <= set(made.ledger.acks)


def test_runs_that_wait_for_their_job_hold_up_no_other_command() -> None:
    """However many they are: who pauses a job must be heard at once."""
    one, mine = every("a", 300), entry(at=0)
    many = [replace(RUN_A, id=f"m-{number:08x}", at=noon(number)) for number in range(70)]
    pause = Command("m-ffffffff", Do.PAUSE, "a", noon(80))
    facts = {"held": {mine.key: Held(State.ALIVE)}, "notes": notes_of(*many, pause)}
    made = plan(ledger(one, open=(mine,)), situation(table(one), 100, **facts))

    assert pauses_in(made.notes).keys() == {"a"}
    assert commands_in(made.notes) == (many, [])
    assert made.undecided


def test_a_copy_of_a_command_runs_nothing_again() -> None:
    """P2: another id, but the same job and moment, so the same run id."""
    one = every("a", 300)
    first = plan(ledger(one), situation(table(one), 4, notes=notes_of(RUN_A)))
    over = replace(first.ledger, open=())
    again = plan(over, situation(table(one), 5, notes=notes_of(replace(RUN_A, id="m-0000000b"))))

    assert (again.claims, again.notes) == ((), {})


def test_a_reset_claims_nothing_of_a_paused_job_ahead_of_its_time() -> None:
    ahead = every("a", 10, claim_ahead=timedelta(seconds=1))
    reset = Command("m-00000001", Do.RESET, None, noon(9))
    made = plan(
        ledger(ahead),
        situation(table(ahead), 9.5, notes=notes_of(reset, a=Pause(NOON)), longest_ahead=timedelta(seconds=2)),
    )

    assert made.claims == ()


def test_a_reset_leaves_paused_jobs_paused() -> None:
    """Rule 37: it settles the past, no more."""
    one = every("a", 10)
    reset = Command("m-00000003", Do.RESET, None, noon(40))
    made = plan(ledger(one), situation(table(one), 41, notes=notes_of(reset, a=Pause(NOON))))

    assert said(made)["fates"] == [("a", tick(10), 4, "reset")]
    assert pauses_in(made.notes).keys() == {"a"}


def test_an_older_table_leaves_a_reset_to_the_newer() -> None:
    """It cannot settle jobs that it has not (rule 20)."""
    one = every("a", 10)
    reset = Command("m-00000003", Do.RESET, None, noon(40))
    made = plan(ledger(one, rev=1), situation(table(one), 41, notes=notes_of(reset)))

    assert made.notes
    assert made.undecided


def test_a_pause_that_was_heard_twice_is_told_once() -> None:
    one = every("a", 10)
    pause = Command("m-00000001", Do.PAUSE, "a", noon(5))
    made = plan(ledger(one, acks=(pause.id,)), situation(table(one), 6, notes=notes_of(pause)))

    assert [answer.is_repeated for answer in made.answers] == [True]


def test_a_pause_that_ends_before_the_tick_has_not_hidden_it() -> None:
    """Rule 23: looked at ahead of its time, the tick seems paused, and is not when it is due."""
    jobs, notes = [every("a", 10), every("b", 10)], notes_of(a=Pause(NOON, noon(9.9)), b=Pause(NOON))
    made = plan(ledger(*jobs), situation(table(*jobs), 9.6, notes=notes, **SLOW_STORE))

    assert (made.claims, made.too_early) == ((), True)


def test_a_tick_waits_behind_the_retry_of_a_run_that_is_caught_up() -> None:
    """Rule 25: as it waits behind that run itself."""
    one = every("a", 10, catch_up=CatchUp.ALL, retries=3)
    mine = entry(at=10, failures=1)
    facts = {"held": {mine.key: Held(State.READY, "catch_up", "failed")}, "lead_since": noon(15)}
    made = plan(ledger(one, open=(mine,), settled=noon(10)), situation(table(one), 20.01, **facts))

    assert [claim.cause for claim in made.claims] == ["retry"]
    assert (made.fates, made.undecided) == ((), True)


@pytest.mark.parametrize(
    ("state", "claimed"),
    [
        pytest.param(State.ALIVE, True, id="it lives: in its slot"),
        pytest.param(State.WAITING, False, id="it waits for its retry and has none"),
    ],
)
def test_what_replaces_a_run_takes_its_slot_if_that_has_one(state: State, *, claimed: bool) -> None:
    one, old = every("a", 10, overlap=Overlap.REPLACE), entry(at=0)
    made = plan(ledger(one, open=(old,)), situation(table(one), 10, slots=0, held={old.key: Held(state)}))

    assert bool(made.claims) == claimed == (not made.undecided)


def test_a_run_asked_for_just_before_a_tick_that_was_claimed_early_is_the_newer_one() -> None:
    """Rule 25: newer is what was claimed later."""
    one, at_tick, by_hand = every("a", 10, overlap=Overlap.REPLACE), entry(at=10), replace(entry(), tick=MANUAL_A[2:])
    held = {at_tick.key: Held(State.KILLED), by_hand.key: Held(State.ALIVE)}
    made = plan(ledger(one, open=(at_tick, by_hand), settled=noon(10)), situation(table(one), 11, held=held))

    assert [fate.reason for fate in made.fates] == ["replaced"]
    assert made.ledger.open == (by_hand,)


# ------------------------------------------------------------------ limits


def test_a_full_ledger_claims_nothing_new() -> None:
    """Rule 31: what is due stays above its mark, and no entry is shed to make room."""
    one, other = every("a", 10), every("b", 10, overlap=Overlap.ALLOW)
    crowd = tuple(entry("b", at, owner="b7", left=999) for at in range(4500))
    before = ledger(one, other, open=crowd)
    made = plan(before, situation(table(one, other), 10))

    assert (made.claims, made.undecided) == ((), True)
    assert made.full_bytes > len(encode(made.ledger)) > FULL_BYTES
    assert set(made.ledger.open) == set(crowd)
    assert made.ledger.mark(fingerprint(one), NOON) == noon(0)


def test_who_lags_behind_shares_as_few_marks_as_possible() -> None:
    """Rules 19, 31: after an outage each of very many jobs has a last tick of its own, but no mark of its own."""
    jobs = [every(f"a{number}", 3600, offset=number) for number in range(0, 3600, 7)]
    made = plan(
        ledger(*jobs), situation(table(*jobs), 9 * 3600, lead_since=noon(9 * 3600 - 1), slots=0, first_of_term=True)
    )

    assert len(made.ledger.behind) > 500
    assert len(set(made.ledger.behind.values())) <= 2
    for one in jobs:
        last_dropped = datetime.fromisoformat(max(fate.last for fate in made.fates if fate.job == one.name))
        assert one.schedule
        assert last_dropped <= made.ledger.mark(fingerprint(one), NOON) < (one.schedule.after(last_dropped) or NOON)


def test_a_crowded_ledger_only_counts_what_it_did() -> None:
    """Rule 31: a successor could not repeat each line any more, but says how many there were."""
    jobs = [every(f"a-job-with-a-long-name-{number}", 10) for number in range(2000)]
    made = plan(ledger(*jobs), situation(table(*jobs), 25, lead_since=noon(24), slots=0))

    assert len(made.fates) == 2000
    assert made.ledger.did == (Did("*", tick(10), tick(10), 2000, "superseded"),)
    assert made.full_bytes == 0


def test_a_plan_that_changes_nothing_says_so() -> None:
    one, mine = every("a", 10), entry(at=0)
    before = ledger(one, open=(mine,), did=(Did("a", tick(0), tick(0), 1, "overlap"),))
    made = plan(before, situation(table(one), 9, held={mine.key: Held(State.ALIVE)}))

    assert made.vain
    assert not plan(before, situation(table(one), 10, held={mine.key: Held(State.ALIVE)})).vain


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

    assert missed(ledger(*jobs.jobs.values()), jobs, noon(21), {}) == 5


@pytest.mark.parametrize(
    ("pause", "ticks"),
    [
        pytest.param(Pause(noon(0)), 0, id="none while it lasts"),
        pytest.param(Pause(noon(0), until=noon(30)), 0, id="nor before its end"),
        pytest.param(Pause(noon(0), until=noon(12)), 2, id="those after its end"),
        pytest.param(Pause(noon(-20), until=noon(-10)), 4, id="all, if it was over before"),
    ],
)
def test_ticks_of_a_pause_are_missed_by_nobody(pause: Pause, ticks: int) -> None:
    jobs = table(every("a", 5))

    assert missed(ledger(*jobs.jobs.values()), jobs, noon(21), {"a": pause}) == ticks


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
            self.table,
            self.nonce,
            now,
            self.lead_since,
            self.slots - busy,
            dict(self.held),
            ahead=AHEAD,
            longest_ahead=timedelta(seconds=1.5),
            first_of_term=self.first_of_term,
        )

    def carry_out(self, made: Plan) -> None:
        self.first_of_term = False
        for one in made.ended:
            del self.held[one.key]
        for one in made.failed:
            self.held[one.key] = replace(self.held[one.key], state=State.WAITING)
        for claim in made.claims:
            earlier = self.held.pop(claim.entry.earlier_key, Held(State.ALIVE))
            self.held[claim.entry.key] = Held(State.ALIVE, earlier.cause if claim.cause == "retry" else claim.cause)
        self.held = {key: held for key, held in self.held.items() if key in {one.key for one in made.ledger.open}}


AHEAD = timedelta(milliseconds=500)
POLICIES = st.fixed_dictionaries(
    {
        "catch_up": st.sampled_from(CatchUp),
        "overlap": st.sampled_from(Overlap),
        "delivery": st.sampled_from(Delivery),
        "claim_ahead": st.sampled_from([None, timedelta(0), timedelta(seconds=1)]),
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
        what_was_looked_at_is_decided(made, facts)
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
            if fate.job == one.name and fate.reason not in ("leader_lost", "max_interruptions", "replaced"):
                ticks = fate_ticks(fate, facts.table)
                assert len(ticks) == fate.count
                decided.update(() if is_interrupted(fate, before) else ticks)
        for tick in due(one, before.mark(print_, facts.table.loaded_at), facts.now + facts.ahead_of(one)):
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
    """What takes the place of a living run needs no slot of its own."""
    replacing = [one for one in made.claims if facts.table.jobs[one.entry.job].policy.overlap is Overlap.REPLACE]

    assert len(made.claims) - len(replacing) <= max(facts.slots, 0)


def nothing_exclusive_is_open_twice(after: Ledger, jobs: JobTable) -> None:
    """But for the runs of a job whose new runs take the place of the old ones."""
    alone = (Overlap.SKIP, Overlap.QUEUE)
    crowd = Counter(one.job for one in after.open if jobs.jobs[one.job].policy.overlap in alone)

    assert set(crowd.values()) <= {1}


def what_was_looked_at_is_decided(made: Plan, facts: Situation) -> None:
    """Nothing claimable is left above its mark, unless the plan says that it left something."""
    for print_, one in facts.table.ticking.items():
        mark = made.ledger.mark(print_, facts.table.loaded_at)
        early = due(one, mark, facts.now + facts.ahead_of(one))
        assert not due(one, mark, facts.now) or made.undecided
        assert not early or made.undecided or made.too_early


def nothing_is_left_to_decide(kept: Ledger, leader: Leader, now: datetime) -> None:
    """A plan over the result of a plan, with no time passed and nothing that ended, decides nothing new.

    But that a retry of a run whose successor was claimed meanwhile is not to be.
    """
    again = plan(kept, leader.situation(now))

    assert not again.claims
    assert {fate.reason for fate in again.fates} <= {"replaced"}
    if again.fates:
        return
    assert again.ledger == replace(kept, did=())

"""What the judge objects to and what it accepts, in rows of made-up histories.

In all of them `sync` ticks every ten seconds, at 10, 20 and 30, and all other jobs do what is said. Times are seconds
since 1970, which is when this world began.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.weather.history import Attempt, Declared, Excused, Gate, History, Line, Pause
from tests.weather.judge import judge

SYNC = Declared("sync", 10)
ASKED = "sync@manual-1970-01-01T00:00:12.345Z"


def text(tick: float) -> str:
    return f"{datetime.fromtimestamp(tick, UTC):%Y-%m-%dT%H:%M:%SZ}"


def ran(
    tick: float, number: int = 1, since: float | None = None, until: float | None = None, **more: object
) -> Attempt:
    """An attempt of the tick, by A, from when to when."""
    since = tick if since is None else since
    fields = {"replica": "A", "outcome": "succeeded", "job": "sync"} | more
    run = f"{fields['job']}@{text(tick)}"
    return Attempt(
        str(fields["replica"]), run, number, since, since + 0.1 if until is None else until, fields["outcome"]
    )  # type: ignore[arg-type]


def told(tick: float, fate: str = "succeeded", at: float | None = None, replica: str = "A", **facts: object) -> Line:
    """A final line of the tick, or another line about its run."""
    job = str(facts.pop("job", "sync"))
    said = {"job": job, "run": f"{job}@{text(tick)}", "tick": text(tick), "attempt": 1} | facts
    return Line(tick + 1 if at is None else at, replica, f"run.{fate}", said)


def led(at: float, replica: str = "A") -> Line:
    return Line(at, replica, "lead.acquired", {"term": 1})


WELL = [ran(10), ran(20), ran(30), told(10), told(20), told(30)]
BEFORE = [ran(10), ran(20), told(10), told(20)]  # all is well until second 30


def history(*happened: Attempt | Line | Gate | Excused | Pause, **more: object) -> History:
    """Of `sync`, from second 5 to second 35; A leads from the beginning on."""
    fields: dict[str, object] = {"declared": [SYNC], "until": 35.0} | more
    made = History(**fields)  # type: ignore[arg-type]
    made.lines.append(led(5))
    for one in happened:
        places: dict[type, list[object]] = {
            Attempt: made.attempts, Line: made.lines, Gate: made.gates, Excused: made.excused, Pause: made.pauses,
        }  # type: ignore[dict-item]  # fmt: skip
        places[type(one)].append(one)
    made.lines.append(Line(40, "A", "lead.released", {}))
    return made


def as_declared(**said: object) -> list[Declared]:
    return [replace(SYNC, **said)]  # type: ignore[arg-type]


AS_IMAGE = as_declared(adoptable=True, overlap="allow")

LAWFUL = [
    pytest.param(
        history(*BEFORE, ran(30, until=34), led(32, "B"), told(30, at=34.1, attempt=4), declared=AS_IMAGE),
        id="what outlived its leader was taken up by others",
    ),
    pytest.param(
        history(*BEFORE, ran(30, until=39), told(30, "interrupted", at=33, reason="replaced"), declared=AS_IMAGE),
        id="what outlived its leader is on its way out for a newer run",
    ),
    pytest.param(history(*WELL), id="all is well"),
    pytest.param(history(*WELL[:5], told(30, repeated=True)), id="a line was lost and repeated by a successor"),
    pytest.param(history(*WELL, told(30, repeated=True)), id="a line was repeated, though it was not lost"),
    pytest.param(
        history(*WELL[:5], told(30, recorded=False), led(45, "B"), ran(30, 2, 45, replica="B"), told(30, at=46)),
        id="an end was not recorded, and its run repeated by another leader",
    ),
    pytest.param(history(*WELL[:5], told(30, recorded=False)), id="an end was told and never recorded"),
    pytest.param(
        history(*BEFORE, ran(30, until=32, outcome="died"), led(32, "B"), ran(30, 2, 32, replica="B"), told(30, at=34)),
        id="a run was cut off with its leader and repeated by the next",
    ),
    pytest.param(
        history(*BEFORE, led(32, "B"), ran(30, 2, 32, replica="B"), told(30, at=34)),
        id="a claim was lost with its leader before it started",
    ),
    pytest.param(
        history(
            *BEFORE,
            ran(30, outcome="failed"),
            ran(30, 2, 31),
            told(30, at=34, attempt=2),
            declared=as_declared(retries=1),
        ),
        id="a failure was retried",
    ),
    pytest.param(
        history(*BEFORE, ran(30, until=34, outcome="killed"), ran(30, 2, 34), told(30, at=35, attempt=2)),
        id="a run was killed at its deadline, and its leader resumed",
    ),
    pytest.param(history(ran(10), ran(20), told(10), told(20), Excused(25, 30)), id="a tick went with the Lease"),
    pytest.param(
        history(ran(10), ran(30), told(10), told(30), told(20, "dropped", 30, reason="superseded")),
        id="a newer tick superseded a missed one",
    ),
    pytest.param(
        history(ran(10, until=25), ran(30), told(10, at=26), told(30), told(20, "skipped", 20, reason="overlap")),
        id="a tick was skipped behind a run",
    ),
    pytest.param(
        history(
            ran(30),
            told(30),
            told(10, "dropped", 30, reason="too_old", to=text(20), ticks=2),
            declared=as_declared(window_s=10),
        ),
        id="many ticks of one fate shared a line",
    ),
    pytest.param(
        history(*WELL, Line(36, "A", "ledger.lost", {"to": text(35)}), Excused(31, 35)), id="the Lease was taken away"
    ),
    pytest.param(history(*WELL, Gate("A", 5, 12), Gate("B", 12, 40)), id="one gate opens as the other shuts"),
    pytest.param(history(*WELL, Gate("A", 5, 12), Gate("A", 11, 40)), id="the spans of one replica's gate overlap"),
    pytest.param(
        history(ran(10), ran(30), told(10), told(30), told(20, "skipped", reason="paused"), Pause("sync", 15, 25)),
        id="a paused tick was skipped",
    ),
    pytest.param(
        history(ran(10, until=21), ran(20, until=30.5), *WELL[2:], declared=as_declared(overlap="allow")),
        id="runs that may overlap do",
    ),
    pytest.param(
        history(*WELL[2:], ran(10, until=20), ran(20)),
        id="one run ends as the next begins",
    ),
    pytest.param(
        history(
            *WELL,
            Attempt("A", ASKED, 1, 13, 14, "succeeded"),
            Line(14, "A", "run.succeeded", {"run": ASKED, "job": "sync", "attempt": 1}),
            asked={ASKED},
        ),
        id="a run that somebody asked for",
    ),
    pytest.param(
        history(
            *WELL[:4],
            told(20),
            ran(25, job="late"),
            told(25, job="late"),
            *WELL[5:],
            declared=[
                SYNC,
                Declared(
                    "late", 5, ticks=lambda after, until: [25.0] if after < 25 <= until else [], loaded=24.5, since=24.5
                ),
            ],
        ),
        id="a job was added",
    ),
    pytest.param(
        history(ran(10), told(10), declared=as_declared(until=15.0)), id="a job was removed, and is owed no more"
    ),
    pytest.param(
        history(ran(10), told(10), declared=as_declared(until=31.0, owed_until=10.0)), id="it went with ticks undecided"
    ),
]

UNLAWFUL = [
    pytest.param(history(*WELL[:5]), "no final line", id="a line was lost"),
    pytest.param(history(*WELL, told(30)), "2 final lines", id="a line was told twice"),
    pytest.param(history(*WELL, told(30, "failed")), "two fates", id="a tick has two fates"),
    pytest.param(history(*WELL, told(30, "failed", repeated=True)), "two fates", id="a repeated line contradicts"),
    pytest.param(history(*WELL, ran(30, since=30.5)), "an attempt started twice", id="an attempt is repeated"),
    pytest.param(
        history(*WELL, ran(30, since=30.5, replica="B")), "an attempt started twice", id="by two replicas at a time"
    ),
    pytest.param(
        history(*WELL, led(30.2, "B"), ran(30, 2, 30.5, replica="B"), declared=as_declared(at_most_once=True)),
        "at_most_once, and started again",
        id="at_most_once is run again",
    ),
    pytest.param(
        history(*WELL, led(32, "B"), ran(30, 2, 32, replica="B")),
        "started after it was over",
        id="after its final line",
    ),
    pytest.param(
        history(*WELL[:5], told(30, at=33, repeated=True), led(32, "B"), ran(30, 2, 34, replica="B")),
        "started after it was over",
        id="after its final line was repeated",
    ),
    pytest.param(
        history(*WELL[2:], ran(10, until=20.001), ran(20)), "exclusive, and beside itself", id="two runs overlap"
    ),
    pytest.param(
        history(*WELL, led(32, "B"), ran(30, 2, 30.05, replica="B"), declared=AS_IMAGE),
        "goes on, and begun again",
        id="a run that outlives its leader is begun beside itself",
    ),
    pytest.param(
        history(
            *BEFORE, ran(30, until=39), led(32, "B"), told(30, "dropped", at=33, reason="too_old"), declared=AS_IMAGE
        ),
        "told as over, and it goes on or is done",
        id="a run that goes on is dropped",
    ),
    pytest.param(
        history(
            *BEFORE, ran(30), led(32, "B"), told(30, "interrupted", at=33, reason="leader_lost"), declared=AS_IMAGE
        ),
        "told as over, and it goes on or is done",
        id="a run that went on and has succeeded is told as interrupted",
    ),
    pytest.param(
        history(*WELL[1:], Attempt("A", f"sync@{text(10)}", 1, 10)),
        "exclusive, and beside itself",
        id="a run never ends",
    ),
    pytest.param(
        history(*WELL[3:], ran(10, until=29), ran(20, until=20.2), ran(28, until=28.1)),
        "exclusive, and beside itself",
        id="a run overlaps the one after the next",
    ),
    pytest.param(
        history(*WELL, ran(30, 2, 30.5)), "another attempt without a failure", id="a second attempt for no reason"
    ),
    pytest.param(
        history(*BEFORE, ran(30, outcome="failed"), ran(30, 2, 31)),
        "another attempt without a failure",
        id="a failure is retried that should not be",
    ),
    pytest.param(
        history(*BEFORE, ran(30, outcome="died"), ran(30, 2, 30.5)),
        "another attempt without a failure",
        id="a second attempt of a leader that never lost its lead",
    ),
    pytest.param(
        history(
            *BEFORE,
            led(30, "B"),
            *(ran(30, number, 30 + number / 8, outcome="killed", replica="B") for number in (1, 2, 3, 4)),
        ),
        "more attempts than are allowed",
        id="a run is repeated for ever",
    ),
    pytest.param(
        history(*BEFORE, ran(30, 2, 30.5, outcome="killed"), led(30.6, "B"), ran(30, 1, 30.7, replica="B")),
        "an earlier attempt after a later one",
        id="attempt 1 after attempt 2",
    ),
    pytest.param(
        history(
            ran(10),
            ran(30),
            told(10),
            told(20, "dropped", 30, reason="superseded"),
            told(30),
            declared=as_declared(catch_up="all"),
        ),
        "dropped against its policy",
        id="a wanted tick is dropped",
    ),
    pytest.param(
        history(
            ran(10),
            ran(30),
            told(10),
            told(20, "dropped", 30, reason="too_old"),
            told(30),
            declared=as_declared(catch_up="all"),
        ),
        "dropped against its policy",
        id="a tick is dropped as too old inside its window",
    ),
    pytest.param(
        history(
            ran(10),
            ran(30),
            told(10),
            told(20, "dropped", 30, reason="max_catch_up"),
            told(30),
            declared=as_declared(catch_up="all", max_catch_up=2),
        ),
        "dropped against its policy",
        id="more ticks could have been caught up",
    ),
    pytest.param(
        history(ran(10), ran(20), told(10), told(20), told(30, "dropped", reason="superseded")),
        "dropped against its policy",
        id="the newest tick is superseded",
    ),
    pytest.param(
        history(
            ran(10),
            ran(30),
            told(10),
            told(20, "dropped", reason="catch_up_none"),
            told(30),
            Gate("A", 5, 40),
            declared=as_declared(catch_up="none"),
        ),
        "dropped as missed under an open gate",
        id="a tick is dropped that was not missed",
    ),
    pytest.param(
        history(*WELL[2:], ran(10, until=10.5), told(20, "skipped", 20, reason="overlap"), ran(20)),
        "told as not run, and it ran",
        id="a skipped tick ran",
    ),
    pytest.param(
        history(
            ran(10), ran(30), told(10), told(30), told(20, "skipped", 20, reason="overlap", blocker=f"sync@{text(10)}")
        ),
        "skipped behind a run that was over",
        id="a tick is skipped behind a run that is over",
    ),
    pytest.param(
        history(
            ran(10),
            ran(30),
            told(10),
            told(30),
            led(28),
            told(20, "skipped", 29, reason="overlap"),
            Gate("A", 5, 15),
            Gate("A", 28, 40),
            declared=as_declared(catch_up="all"),
        ),
        "missed, wanted, and skipped",
        id="a missed tick is skipped instead of caught up",
    ),
    pytest.param(
        history(
            ran(10),
            ran(30),
            told(10),
            told(30),
            told(20, "skipped", 20, reason="overlap"),
            declared=as_declared(overlap="allow"),
        ),
        "skipped against its policy",
        id="a job that may overlap is skipped",
    ),
    pytest.param(
        history(*WELL[:2], *WELL[3:]), "told as succeeded, and never ran", id="the log tells of a run that was not"
    ),
    pytest.param(
        history(*WELL[:2], *WELL[3:], ran(30, outcome="failed")), "the log says otherwise", id="the log tells a lie"
    ),
    pytest.param(history(*WELL, ran(31, since=31)), "a tick that nobody declared", id="a tick that is none"),
    pytest.param(history(*WELL, told(31)), "a line about a tick that nobody declared", id="a line about no tick"),
    pytest.param(
        history(*WELL, told(10, "dropped", to=text(20), ticks=3, reason="too_old")), "a folded line", id="a wrong count"
    ),
    pytest.param(
        history(*WELL[:2], *WELL[3:], ran(30, since=29.9)), "started before its tick", id="a run starts early"
    ),
    pytest.param(
        history(*WELL, declared=as_declared(loaded=10.5)),
        "before its definition was loaded",
        id="an added job runs a past",
    ),
    pytest.param(
        history(*WELL, declared=as_declared(until=25.0)), "a newer configuration removed", id="a removed job runs on"
    ),
    pytest.param(history(*WELL, Gate("A", 5, 12), Gate("B", 11.9, 40)), "two open gates", id="two gates stand open"),
    pytest.param(
        history(*WELL, Gate("A", 5, 40), Gate("A", 6, 7), Gate("B", 8, 9)), "two open gates", id="one inside the other"
    ),
    pytest.param(history(*WELL, Pause("sync", 15, 25)), "paused, and ran", id="a paused tick ran"),
    pytest.param(history(*WELL, Pause(None, 15, 25)), "paused, and ran", id="a tick ran while all were paused"),
    pytest.param(
        history(
            *WELL,
            Attempt("A", ASKED, 1, 13, 14, "succeeded"),
            Attempt("B", ASKED, 1, 15, 16, "succeeded"),
            asked={ASKED},
        ),
        "an attempt started twice",
        id="a manual run is triggered twice",
    ),
    pytest.param(
        history(*WELL, Attempt("A", ASKED, 1, 13, 14, "succeeded"), asked=set()),
        "a manual run that nobody asked for",
        id="a manual run is made up",
    ),
    pytest.param(history(*WELL, asked={ASKED}), "asked for, and no final line", id="a manual run is forgotten"),
    pytest.param(
        history(*WELL, Line(20, "A", "ledger.lost", {"to": text(35)})),
        "a ledger lost without a cause",
        id="a ledger is said to be lost",
    ),
]


@pytest.mark.parametrize("happened", LAWFUL)
def test_what_the_judge_accepts(happened: History) -> None:
    assert judge(happened) == []


@pytest.mark.parametrize(("happened", "objection"), UNLAWFUL)
def test_what_the_judge_objects_to(happened: History, objection: str) -> None:
    found = judge(happened)

    assert [one.promise for one in found if objection in one.promise], found


def test_the_judge_reads_a_long_history_in_a_time_proportional_to_it() -> None:
    """Twice the ticks, twice the work, give or take a tenth; counted in calls, which no busy machine changes."""
    short, long = (_long_history(ticks) for ticks in (2_000, 4_000))

    assert _calls(lambda: judge(long)) < 2.2 * _calls(lambda: judge(short))


def _long_history(ticks: int) -> History:
    instants = [10.0 * number for number in range(1, ticks + 1)]
    made = history(*(ran(tick) for tick in instants), *(told(tick) for tick in instants), until=instants[-1])
    made.gates += [Gate("A", tick - 5, tick + 5) for tick in instants]
    made.excused += [Excused(tick + 1, tick + 2) for tick in instants]
    made.lines.append(Line(instants[-1] + 10, "A", "lead.released", {}))
    return made


def _calls(work: Callable[[], object]) -> int:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls

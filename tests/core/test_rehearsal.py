"""The rehearsal behind `simulate`: that it leaps from tick to tick must change nothing but the time it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler.core.actions import KubernetesJobAction, ShellAction
from scheduler.core.job import CatchUp, Job, JobTable, Overlap, Policy, Schedule
from scheduler.core.moves import Timings
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from scheduler.simulation.rehearsal import Rehearsal
from scheduler.simulation.script import Script
from scheduler.simulation.world import Line
from tests.fakes.tables import AT_MOST_ONCE, every, table

BEGIN = datetime(2027, 3, 28, 0, 0, 0, tzinfo=UTC)
SPAN_S = 600
FINAL = ("run.succeeded", "run.skipped", "run.dropped", "run.interrupted", "run.timed_out")


@dataclass
class Heard:
    """What a rehearsal told: seconds after its beginning, and the line; and the kills in vain."""

    lines: list[tuple[float, Line]] = field(default_factory=list)
    vain: list[datetime] = field(default_factory=list)

    def told(self, event: str) -> list[tuple[float, Line]]:
        return [(at, line) for at, line in self.lines if line.event == event]

    @property
    def plain(self) -> list[tuple[object, ...]]:
        """Each replica's lines in its own order; what two of them say at one instant has none."""
        lines = sorted(self.lines, key=lambda told: (told[0], str(told[1].replica)))
        return [(at, line.replica, line.event, sorted(line.facts.items(), key=str)) for at, line in lines]

    def finals(self, job: str) -> list[tuple[float, str, str]]:
        return [
            (at, line.event.removeprefix("run."), str(line.facts["run"]).partition("T")[2])
            for at, line in self.lines
            if line.event in FINAL and line.facts["job"] == job and not line.facts.get("repeated")
        ]


def rehearse(
    jobs: JobTable, seconds: float, *kills: float, took: float = 0, leaps: bool = True, timings: Timings | None = None
) -> Heard:
    kills_at = tuple(BEGIN + timedelta(seconds=kill) for kill in kills)
    script = Script(BEGIN, BEGIN + timedelta(seconds=seconds), kills_at, timedelta(seconds=took), leaps)
    rehearsal, heard = Rehearsal(jobs, timings or Timings(), script), Heard()
    told = lambda line: heard.lines.append(((rehearsal.clock.wall() - BEGIN).total_seconds(), line))  # noqa: E731
    heard.vain = rehearsal.play(told)
    return heard


def cron(name: str, expression: str, zone: str = "Europe/Berlin") -> Job:
    return Job(name, CronSchedule(expression, zone, name), zone, ShellAction("true"))


class TestWhatIsTold:
    def test_a_tick_at_the_beginning_is_in_and_one_at_the_end_is_not(self) -> None:
        heard = rehearse(table(every("a", 10)), 20)

        assert heard.finals("a") == [(0.05, "succeeded", "00:00:00Z"), (10.05, "succeeded", "00:00:10Z")]

    def test_it_does_not_begin_with_a_first_start(self) -> None:
        assert rehearse(table(every("a", 3600, offset=1800)), 1800).lines == []

    def test_the_killed_leader_is_replaced_and_comes_back_as_a_standby(self) -> None:
        heard = rehearse(table(every("a", 3600)), 60, 8)

        assert [(at, line.replica, line.facts["gap_ms"]) for at, line in heard.told("lead.acquired")] == [
            (20.33, "b", 15280)
        ]
        assert [(at, line.replica) for at, line in heard.told("lead.standby")] == [(28, "a")]

    def test_each_kill_takes_whoever_leads_then(self) -> None:
        heard = rehearse(table(every("a", 3600)), 300, 8, 100, 200)

        assert [line.facts["replica"] for _, line in heard.told("replica.died")] == ["a", "b", "a"]
        assert heard.vain == []

    def test_a_kill_finds_nobody_while_nobody_leads(self) -> None:
        heard = rehearse(table(every("a", 3600)), 60, 8, 9)

        assert heard.vain == [BEGIN + timedelta(seconds=9)]

    def test_a_run_that_is_cut_off_is_told_of(self) -> None:
        heard = rehearse(table(every("a", 3600, offset=1)), 60, 8, took=20)

        assert [(at, line.facts["next_attempt"]) for at, line in heard.told("run.retrying")] == [(21.26, 2)]
        assert heard.finals("a") == [(41.31, "succeeded", "00:00:01Z")]

    def test_a_kubernetes_job_outlives_the_killed_leader(self) -> None:
        """It was made at second 1, and so it ends when its 30 s are over, under whoever leads then."""
        image = KubernetesJobAction("acme/indexer:4")
        heard = rehearse(table(every("a", 3600, offset=1, action=image, **AT_MOST_ONCE)), 60, 8, took=30)

        assert heard.finals("a") == [(31.05, "succeeded", "00:00:01Z")]

    def test_a_run_longer_than_its_timeout_times_out(self) -> None:
        heard = rehearse(table(every("a", 3600, offset=1, timeout=timedelta(seconds=5))), 60, took=20)

        assert heard.finals("a") == [(6.05, "timed_out", "00:00:01Z")]

    @pytest.mark.parametrize(
        ("day", "zone", "ticks"),
        [
            pytest.param(datetime(2027, 3, 28, tzinfo=UTC), "Europe/Berlin", ["01:00:00Z"], id="skipped, so at 03:00"),
            pytest.param(datetime(2027, 10, 31, tzinfo=UTC), "Europe/Berlin", ["00:30:00Z"], id="twice, so once"),
            pytest.param(datetime(2027, 3, 29, tzinfo=UTC), "Europe/Berlin", ["00:30:00Z"], id="the day after"),
            pytest.param(datetime(2027, 3, 14, tzinfo=UTC), "America/New_York", ["07:00:00Z"], id="in New York"),
        ],
    )
    def test_days_on_which_the_clocks_change(self, day: datetime, zone: str, ticks: list[str]) -> None:
        job = cron("nightly", "30 2 * * *", zone)
        script = Script(day, day + timedelta(days=1))
        rehearsal, heard = Rehearsal(table(job), Timings(), script), Heard()
        rehearsal.play(lambda line: heard.lines.append((0, line)))

        assert [tick for _, _, tick in heard.finals("nightly")] == ticks

    def test_a_day_has_each_of_its_ticks_once(self) -> None:
        heard = rehearse(table(cron("a", "* * * * *"), cron("b", "H * * * *"), every("c", 7200)), 86400, 4000)

        assert [len(heard.finals(job)) for job in ("a", "b", "c")] == [1440, 24, 12]


SCHEDULES = st.one_of(
    st.builds(EverySchedule, st.sampled_from([7, 20, 60, 300, 1800]), st.integers(0, 59)),
    st.builds(
        lambda text: CronSchedule(text, "Europe/Berlin", "j"),
        st.sampled_from(["* * * * *", "*/7 * * * *", "30 2 * * *"]),
    ),
    st.builds(lambda seconds: AtSchedule(BEGIN + timedelta(seconds=seconds)), st.integers(-30, SPAN_S + 30)),
)
POLICIES = st.builds(
    Policy,
    overlap=st.sampled_from(Overlap),
    catch_up=st.sampled_from(CatchUp),
    jitter=st.sampled_from([timedelta(0), timedelta(seconds=3)]),
    claim_ahead=st.sampled_from([None, timedelta(0), timedelta(seconds=1)]),
)
TIMES = st.sampled_from([Timings(), Timings(8, 5, 1), Timings(30, 21, 4)])


@settings(max_examples=20, deadline=None)
@example(  # a returns to life at the very instant of one of b's ticks
    jobs=[(EverySchedule(7, 0), Policy(catch_up=CatchUp.NONE))], kills=[193], took=0, timings=Timings(8, 5, 1)
)
@given(
    jobs=st.lists(st.tuples(SCHEDULES, POLICIES), min_size=1, max_size=3),
    kills=st.lists(st.integers(0, SPAN_S - 1), max_size=2, unique=True),
    took=st.sampled_from([0, 0, 0.5, 12]),
    timings=TIMES,
)
def test_leaps_change_nothing(
    jobs: list[tuple[Schedule, Policy]], kills: list[int], took: float, timings: Timings
) -> None:
    """Every line, every fact, to the millisecond: fencing tokens, gaps and what is repeated included."""
    rows = {
        f"j{n}": Job(f"j{n}", schedule, "UTC", ShellAction("true"), policy) for n, (schedule, policy) in enumerate(jobs)
    }
    plays = [
        rehearse(JobTable(rows, BEGIN), SPAN_S, *kills, took=took, timings=timings, leaps=leaps)
        for leaps in (True, False)
    ]

    assert plays[0].plain == plays[1].plain
    assert plays[0].vain == plays[1].vain


def test_the_same_script_tells_the_same() -> None:
    jobs = table(every("a", 5), cron("b", "*/2 * * * *"))

    assert rehearse(jobs, 600, 77, took=1).plain == rehearse(jobs, 600, 77, took=1).plain

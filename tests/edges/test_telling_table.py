"""The lines of the schedule that a new leader prints."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.core.actions import ShellAction
from scheduler.core.auditing.accounts import JobAccount, Span
from scheduler.core.auditing.verdict import Told, served
from scheduler.core.job import CatchUp, Delivery, Job, Overlap, Policy
from scheduler.core.notes.commands import Pause
from scheduler.core.schedule import AtSchedule, EverySchedule
from scheduler.telling.events import check
from scheduler.telling.table import Standing, policy_facts, schedule_facts, tell_schedule

NOW = datetime(2026, 11, 22, 19, 41, 2, tzinfo=UTC)


def job(name: str, every: int | None, zone: str = "UTC") -> Job:
    return Job(name, EverySchedule(every) if every else None, zone, ShellAction("true"))


class Recorder:
    """A `Tell` that remembers the jobs it was told of."""

    def __init__(self) -> None:
        self.told: list[tuple[object, object]] = []

    def __call__(self, event: str, /, **facts: object) -> None:
        check(event, facts)
        self.told.append((facts["job"], facts["settled"]))


def test_the_job_that_ticks_soonest_comes_first_and_the_one_that_never_does_last() -> None:
    recorder = Recorder()
    jobs = [job("asked", None), job("slow", 3600), job("quick", 5), job("too", 5)]

    tell_schedule(recorder, jobs, NOW, Standing({"slow": datetime(2026, 11, 22, 19, tzinfo=UTC)}))

    assert recorder.told == [("quick", None), ("too", None), ("slow", "2026-11-22T19:00:00+00:00"), ("asked", None)]


@pytest.mark.parametrize(
    ("pause", "told"),
    [
        pytest.param(Pause(NOW), True, id="paused until somebody ends it"),
        pytest.param(Pause(NOW, NOW + timedelta(hours=1)), "2026-11-22T20:41:02Z", id="until then"),
        pytest.param(Pause(NOW, NOW), None, id="over by itself"),
    ],
)
def test_who_takes_the_lead_says_which_jobs_are_paused(pause: Pause, told: object) -> None:
    lines: list[dict[str, object]] = []

    def tell(event: str, /, **facts: object) -> None:
        check(event, facts)
        lines.append(facts)

    tell_schedule(tell, [job("hello", 5), job("other", 10)], NOW, Standing({}, {"hello": pause}))

    assert [line.get("paused") for line in lines] == [told, None]


@pytest.mark.parametrize(
    ("scheduled", "expected"),
    [
        pytest.param(
            job("hello", 5, "Asia/Kolkata"),
            ["2026-11-23T01:11:05+05:30", "2026-11-23T01:11:10+05:30", "2026-11-23T01:11:15+05:30"],
            id="three, by the clock of the job's zone",
        ),
        pytest.param(
            Job("once", AtSchedule(datetime(2026, 12, 1, tzinfo=UTC)), "UTC", ShellAction("true")),
            ["2026-12-01T00:00:00+00:00"],
            id="fewer if there are no more",
        ),
        pytest.param(job("asked", None), [], id="none for a job that runs when asked to"),
    ],
)
def test_the_next_ticks(scheduled: Job, expected: list[str]) -> None:
    assert schedule_facts(scheduled, NOW, None)["next"] == expected


def test_an_instant_is_said_as_its_next_tick_is_and_an_audit_knows_it_again() -> None:
    once = Job("once", AtSchedule(datetime(2026, 12, 1, 1, tzinfo=UTC)), "Europe/Berlin", ShellAction("true"))
    facts = schedule_facts(once, NOW, None)
    span = Span(NOW.timestamp(), NOW.timestamp() + 60)

    assert (facts["when"], facts["next"]) == ("once at 2026-12-01T02:00:00+01:00", ["2026-12-01T02:00:00+01:00"])
    assert served(once, [Told(span.since, str(facts["when"]), None, new=True)], span, JobAccount()) == [span]


def test_a_job_that_runs_when_asked_to_says_so() -> None:
    assert schedule_facts(job("asked", None), NOW, None)["when"] == "manual"


def test_the_policies_of_a_job_that_changes_none() -> None:
    assert policy_facts(Policy()) == {
        "overlap": "skip",
        "catch_up": "latest",
        "catch_up_window": "1h",
        "delivery": "at_least_once",
        "timeout": "1h",
        "retries": 0,
    }


def test_the_policies_of_a_job_that_changes_all() -> None:
    policy = Policy(
        overlap=Overlap.ALLOW,
        catch_up=CatchUp.ALL,
        catch_up_window=timedelta(days=1),
        max_catch_up=100,
        delivery=Delivery.AT_MOST_ONCE,
        timeout=None,
        retries=3,
        retry_delay=timedelta(minutes=1),
        max_interruptions=1,
        claim_ahead=timedelta(milliseconds=250),
        jitter=timedelta(seconds=30),
    )

    check("schedule.job", policy_facts(policy))
    assert policy_facts(policy) == {
        "overlap": "allow",
        "catch_up": "all",
        "catch_up_window": "1d",
        "delivery": "at_most_once",
        "timeout": "none",
        "retries": 3,
        "max_catch_up": 100,
        "retry_delay": "1m",
        "max_interruptions": 1,
        "claim_ahead": "250ms",
        "jitter": "30s",
    }

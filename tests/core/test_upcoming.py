"""The coming ticks of a whole table: each at its instant, together with those of the same instant."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.actions import ShellAction
from scheduler.core.job import Job, Schedule
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule, ticks_between
from scheduler.core.views.upcoming import upcoming

SINCE = datetime(2027, 3, 27, 22, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo")
EXPRESSIONS = ("*/20 * * * *", "30 2 * * *", "H H(1-3) * * *", "0 3 * * SUN", "0 0 1 1 *")


@st.composite
def jobs(draw: st.DrawFn) -> list[Job]:
    made = []
    for number in range(draw(st.integers(0, 8))):
        name, zone = f"job-{number}", draw(st.sampled_from(ZONES))
        schedule: Schedule | None = draw(
            st.none()
            | st.builds(EverySchedule, st.sampled_from([600, 900, 3600]), st.sampled_from([0, 60]))
            | st.just(AtSchedule(SINCE + timedelta(hours=2)))
            | st.sampled_from(EXPRESSIONS).map(lambda text, zone=zone, name=name: CronSchedule(text, zone, name))
        )
        made.append(Job(name, schedule, zone, ShellAction("true"), enabled=draw(st.sampled_from([True, True, False]))))
    return made


@given(table=jobs(), hours=st.integers(0, 30))
def test_every_tick_is_at_its_instant_in_the_order_of_the_table(table: list[Job], hours: int) -> None:
    until = SINCE + timedelta(hours=hours)
    expected: dict[datetime, list[str]] = defaultdict(list)
    for job in table:
        if job.schedule and job.enabled:
            for tick in ticks_between(job.schedule, SINCE, until):
                expected[tick].append(job.name)

    found = [(tick, [job.name for job in ticking]) for tick, ticking in upcoming(table, SINCE, until)]

    assert found == sorted(expected.items())


@given(table=jobs(), count=st.integers(0, 20))
def test_without_an_end_there_is_as_much_as_is_asked_for(table: list[Job], count: int) -> None:
    far = SINCE + timedelta(days=40 * 366)

    assert list(islice(upcoming(table, SINCE), count)) == list(islice(upcoming(table, SINCE, far), count))

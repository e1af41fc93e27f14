"""The coming ticks as a table and as JSON: changing clocks, several zones, many jobs and narrow terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.cli.main import main
from scheduler.cli.next_table import Coming, fact, table_lines
from scheduler.core.actions import ShellAction
from scheduler.core.job import Job, Schedule
from scheduler.core.schedule import CronSchedule, EverySchedule
from scheduler.core.views.upcoming import upcoming

NOW = datetime(2026, 11, 22, 19, 41, 6, tzinfo=UTC)
BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def job(name: str, schedule: str | int, zone: str = BERLIN) -> Job:
    made: Schedule = EverySchedule(schedule) if isinstance(schedule, int) else CronSchedule(schedule, zone, name)
    return Job(name, made, zone, ShellAction("true"))


def table(jobs: list[Job], count: int, begin: datetime = NOW, columns: int | None = None) -> str:
    """The table without the space at the ends of its lines."""
    coming = Coming(list(islice(upcoming(jobs, begin), count)), begin, NOW)
    return "\n".join(line.rstrip() for line in table_lines(coming, columns))


POLL, NIGHTLY = job("poll", "*/30 * * * *"), job("nightly", "30 2 * * *")
TOKYO_JOB, HELLO = job("tokyo", "0 10 * * *", TOKYO), job("hello", 5)


def test_an_instant_is_a_row_with_all_its_jobs() -> None:
    assert table([HELLO, job("meter", 10)], 2) == (
        """\
WHEN (Europe/Berlin)    UTC                     IN    JOBS
Sun 22 Nov 20:41:10     2026-11-22T19:41:10Z    4s    hello, meter
Sun 22 Nov 20:41:15     2026-11-22T19:41:15Z    9s    hello"""
    )


def test_in_spring_the_change_and_what_it_skips_are_told() -> None:
    assert table([POLL, NIGHTLY], 3, at("2027-03-28T00:00Z")) == (
        """\
WHEN (Europe/Berlin)        UTC                     IN        JOBS
Sun 28 Mar 01:30:00 CET     2027-03-28T00:30:00Z    125d4h    poll
  clocks go from 02:00 CET to 03:00 CEST
Sun 28 Mar 03:00:00 CEST    2027-03-28T01:00:00Z    125d5h    poll, nightly (02:30 does not exist)
Sun 28 Mar 03:30:00 CEST    2027-03-28T01:30:00Z    125d5h    poll"""
    )


def test_in_autumn_the_hour_that_comes_again_is_marked() -> None:
    assert table([POLL, NIGHTLY], 5, at("2027-10-30T23:50Z")) == (
        """\
WHEN (Europe/Berlin)             UTC                     IN        JOBS
Sun 31 Oct 02:00:00 CEST         2027-10-31T00:00:00Z    342d4h    poll
Sun 31 Oct 02:30:00 CEST         2027-10-31T00:30:00Z    342d4h    poll, nightly
  clocks go from 03:00 CEST to 02:00 CET
Sun 31 Oct 02:00:00 CET again    2027-10-31T01:00:00Z    342d5h    poll
Sun 31 Oct 02:30:00 CET again    2027-10-31T01:30:00Z    342d5h    poll
Sun 31 Oct 03:00:00 CET          2027-10-31T02:00:00Z    342d6h    poll"""
    )


def test_a_change_between_two_ticks_that_are_far_apart_is_told_too() -> None:
    assert "  clocks go from 02:00 CET to 03:00 CEST\n" in table([job("monthly", "0 0 1 * *")], 5)


def test_the_zone_of_most_jobs_is_shown_and_the_others_say_theirs() -> None:
    lines = table([TOKYO_JOB, POLL, NIGHTLY], 20).splitlines()

    assert lines[0].startswith("WHEN (Europe/Berlin)")
    assert [line.split("    ")[-1].strip() for line in lines if "tokyo" in line] == [
        "tokyo (10:00:00 Asia/Tokyo), poll"
    ]


def test_machines_are_told_of_changing_clocks() -> None:
    moved, again = fact(NIGHTLY, at("2027-03-28T01:00Z")), fact(POLL, at("2027-10-31T01:30Z"))

    assert moved == {
        "job": "nightly",
        "tick": "2027-03-28T01:00:00Z",
        "local": "2027-03-28T03:00:00+02:00",
        "zone": BERLIN,
        "skipped": "2027-03-28T02:30:00",
        "repeated": False,
    }
    assert (again["local"], again["skipped"], again["repeated"]) == ("2027-10-31T02:30:00+01:00", None, True)
    assert fact(HELLO, NOW)["skipped"] is None


# ---- many jobs, narrow terminals ----


def crowd(number: int, name: str = "job") -> list[Job]:
    return [job(f"{name}-{n}", 5) for n in range(number)]


def test_a_pipe_is_told_everything_on_one_line() -> None:
    row = table(crowd(500), 1).splitlines()[1]

    assert row.endswith(", ".join(f"job-{n}" for n in range(500)))


def test_a_terminal_is_told_the_first_and_how_many_more() -> None:
    assert table(crowd(500), 2, columns=80) == (
        """\
WHEN (Europe/Berlin)    UTC                     IN    JOBS
Sun 22 Nov 20:41:10     2026-11-22T19:41:10Z    4s    job-0, job-1, job-2,
                                                      job-3, job-4, job-5,
                                                      job-6, … and 493 more
Sun 22 Nov 20:41:15     2026-11-22T19:41:15Z    9s    job-0, job-1, job-2,
                                                      job-3, job-4, job-5,
                                                      job-6, … and 493 more"""
    )


def test_what_fits_on_three_lines_is_told_in_full() -> None:
    assert table(crowd(8), 1, columns=80).splitlines()[1:] == [
        "Sun 22 Nov 20:41:10     2026-11-22T19:41:10Z    4s    job-0, job-1, job-2,",
        "                                                      job-3, job-4, job-5,",
        "                                                      job-6, job-7",
    ]


def test_names_too_long_to_stand_beside_the_time_go_below_it() -> None:
    assert table(crowd(6, "a-very-long-name-for-a-small-job"), 1, columns=80).splitlines()[1:] == [
        "Sun 22 Nov 20:41:10     2026-11-22T19:41:10Z    4s",
        "    a-very-long-name-for-a-small-job-0, a-very-long-name-for-a-small-job-1,",
        "    a-very-long-name-for-a-small-job-2, a-very-long-name-for-a-small-job-3,",
        "    a-very-long-name-for-a-small-job-4, a-very-long-name-for-a-small-job-5",
    ]


@given(names=st.lists(st.integers(1, 45), min_size=1, max_size=60), columns=st.integers(80, 200))
def test_no_line_is_too_long_and_nobody_is_forgotten(names: list[int], columns: int) -> None:
    jobs = [job(f"{n:02}" + "x" * length, 5) for n, length in enumerate(names)]
    shown = table(jobs, 1, columns=columns)
    more = re.search(r"… and (\d+) more$", shown)

    assert max(map(len, shown.splitlines())) <= columns
    assert sum(f"{each.name}" in re.split(r"[\s,]+", shown) for each in jobs) + int(more[1] if more else 0) == len(jobs)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    jobs = "".join(f"  job-{n}: {{every: 1h, shell: echo}}\n" for n in range(100))
    file.write_text(f"timezone: Europe/Berlin\njobs:\n{jobs}")
    return file


def test_a_real_terminal_and_a_real_pipe(config: Path) -> None:
    command = [sys.executable, "-m", "scheduler", "next", "-c", str(config), "-N", "1"]
    environment = {**os.environ, "COLUMNS": "80"}
    parent, child = pty.openpty()
    with subprocess.Popen(command, stdout=child, env=environment):
        os.close(child)
        shown = b""
        try:
            while part := os.read(parent, 4096):
                shown += part
        except OSError:  # so the kernel says that the other end is closed
            pass
    os.close(parent)
    piped = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    assert re.search(r"… and \d+ more\r\n$", shown.decode())
    assert max(map(len, shown.decode().splitlines())) <= 80
    assert piped.endswith("job-98, job-99\n")


def test_json_leaves_nothing_out(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["next", "-c", str(config), "-N", "1", "--json"])

    assert [row["job"] for row in json.loads(capsys.readouterr().out)] == [f"job-{n}" for n in range(100)]


def test_the_distance_is_from_now_and_not_from_the_time_asked_about() -> None:
    begin = NOW + timedelta(days=1)

    assert table([HELLO], 1, begin).splitlines()[1].split("    ")[-2:] == ["1d", "hello"]

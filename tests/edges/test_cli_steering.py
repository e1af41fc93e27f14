"""`pause`, `resume`, `reset` and `run-now`: what is typed, what the leader hears, and what is said of it.

The Lease is a SQLite file. The leader of these tests hears whatever is there, at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from scheduler.cli.asking.notes import run_of
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.core.notes.commands import Command, Do
from scheduler.core.timing.zones import zone
from scheduler.stores.sqlite import SqliteStore
from tests.edges.command_line import Answer, typed
from tests.fakes.elections import HELD
from tests.fakes.hearing import a_leader
from tests.fakes.leader_page import leader_page, leaders_word

CONFIG = """\
timezone: Europe/Berlin
jobs:
  meter: {every: 5s, shell: echo}
  yearly: {cron: "0 9 1 1 *", shell: echo}
  tokyo: {every: 5s, shell: echo, timezone: Asia/Tokyo}
  hand: {manual: true, shell: echo}
"""
IN_THE_LOG = "its output is in the leader's log\n"
RUN_ID = r"@manual-20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


class Folder:
    """Where commands are typed; `heard` is what the leader heard, the oldest first."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        (path / "config.yaml").write_text(CONFIG)
        self.hash = load(path / "config.yaml", SystemClock().wall()).hash
        self.store = SqliteStore(path / "leasebeat.db", "leasebeat")
        self.store.create(replace(HELD, notes={"config": self.hash}), 1.0)
        self.heard: list[Command] = []
        self._capsys = capsys

    def has_notes(self, **notes: str) -> None:
        record = self.store.read(1.0)
        assert record
        self.store.replace(replace(record, notes=notes), 1.0)

    @contextmanager
    def led(self, *, refuses: str = "", fate: str | None = "succeeded") -> Iterator[None]:
        with a_leader(self.store, refuses=refuses, fate=fate) as heard:
            self.heard = heard
            yield

    def type(self, *arguments: str, refuses: str = "", fate: str | None = "succeeded") -> Answer:
        with self.led(refuses=refuses, fate=fate):
            answer = typed(self._capsys, *arguments)
        return Answer(answer.code, re.sub(RUN_ID, "@NOW", answer.out), re.sub(RUN_ID, "@NOW", answer.err))


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.chdir(tmp_path)
    one = Folder(tmp_path, capsys)
    yield one
    one.store.close()


# ------------------------------------------------------------------ pause


def test_a_pause_says_until_when_and_why(folder: Folder) -> None:
    """UX 4, to the letter; a date is by the job's clock, as its schedule is."""
    answer = folder.type("pause", "meter", "--until", "2027-01-15", "--reason", "vendor outage")

    assert answer == Answer(
        0,
        "meter is paused until 2027-01-15 00:00 CET (vendor outage). Its ticks are skipped and not caught up.\n",
        "",
    )
    (asked,) = folder.heard
    assert (asked.do, asked.job, asked.reason) == (Do.PAUSE, "meter", "vendor outage")
    assert asked.until == datetime(2027, 1, 14, 23, tzinfo=UTC)
    assert re.fullmatch(r".+@.+", asked.by or "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("meter", "meter is paused. Its ticks are skipped and not caught up."),
        ("tokyo --until 2027-01-15T08:00", "tokyo is paused until 2027-01-15 08:00 JST."),
        ("meter --until 2027-01-15T08:00:30Z", "meter is paused until 2027-01-15 09:00:30 CET."),
        ("--all --reason x", "all jobs are paused (x). Their ticks are skipped and not caught up."),
    ],
)
def test_pauses(folder: Folder, arguments: str, said: str) -> None:
    assert folder.type("pause", *arguments.split()).out.startswith(said)


def test_a_pause_for_a_while(folder: Folder) -> None:
    folder.type("pause", "meter", "--until", "90m")
    (asked,) = folder.heard

    assert asked.until
    assert timedelta(minutes=89) < asked.until - SystemClock().wall() <= timedelta(minutes=90)


@pytest.mark.parametrize("text", ["08:00", "23:59:30"])
def test_a_pause_until_a_time_of_day_ends_when_the_clock_shows_it_next(folder: Folder, text: str) -> None:
    folder.type("pause", "tokyo", "--until", text)
    (asked,) = folder.heard

    assert asked.until
    assert asked.until.astimezone(zone("Asia/Tokyo")).time() == time.fromisoformat(text)
    assert timedelta(0) < asked.until - SystemClock().wall() <= timedelta(days=1)


@pytest.mark.parametrize(
    ("zone_there", "shown"), [("Asia/Tokyo", "08:00 JST"), ("Mars/Olympus", "08:00 UTC"), (None, "08:00 CET")]
)
def test_without_a_table_the_leader_knows_the_jobs_clock(folder: Folder, zone_there: str | None, shown: str) -> None:
    (folder.path / "config.yaml").unlink()
    told = {"name": "tokyo", "zone": zone_there} if zone_there else {"name": "tokyo"}
    with leader_page(leaders_word(HELD.holder, {"name": "meter", "zone": "Europe/Berlin"}, told)) as address:
        folder.has_notes(address=address)
        answer = folder.type("pause", "tokyo", "--until", "2027-01-15T08:00")

    assert answer.out.startswith(f"tokyo is paused until 2027-01-15 {shown}")


def test_several_jobs_are_asked_for_at_once_and_told_each(folder: Folder) -> None:
    answer = folder.type("pause", "meter", "tokyo", "meter")

    assert sorted(one.job or "" for one in folder.heard) == ["meter", "tokyo"]
    assert [line.split()[0] for line in answer.out.splitlines()] == ["meter", "tokyo"]


def test_quiet_says_nothing_and_json_all(folder: Folder) -> None:
    assert folder.type("pause", "meter", "-q").out == ""
    (fact,) = json.loads(folder.type("pause", "meter", "--until", "2027-01-15", "--json").out)
    assert fact | {"id": ""} == {
        "id": "",
        "do": "pause",
        "job": "meter",
        "until": "2027-01-14T23:00:00Z",
        "reason": None,
        "refused": None,
    }


# ------------------------------------------------------------------ resume, reset


def test_resume_says_when_it_ticks_next(folder: Folder) -> None:
    answer = folder.type("resume", "meter")

    assert re.fullmatch(r"meter is resumed\. Next tick (\w+ \d+ \w+ )?\d\d:\d\d(:\d[05])? CES?T\.\n", answer.out)
    assert folder.type("resume", "hand").out == "hand is resumed.\n"
    assert re.fullmatch(r"yearly is resumed\. Next tick \w{3} 1 Jan 09:00 CET\.\n", folder.type("resume", "yearly").out)


def test_resume_knows_no_tick_of_another_table(folder: Folder) -> None:
    folder.has_notes(config="1a2b3c4d")

    assert folder.type("resume", "meter").out == "meter is resumed.\n"


def test_resume_all(folder: Folder) -> None:
    assert folder.type("resume", "--all").out == "all jobs are resumed.\n"
    assert [(one.do, one.job) for one in folder.heard] == [(Do.RESUME, None)]


def test_reset_with_yes(folder: Folder) -> None:
    answer = folder.type("reset", "--yes", "--reason", "etcd restored")

    assert answer.out == "everything up to now is settled. The next ticks run as usual.\n"
    assert [(one.do, one.job, one.reason) for one in folder.heard] == [(Do.RESET, None, "etcd restored")]


def test_reset_asks_and_without_a_terminal_refuses(folder: Folder) -> None:
    answer = folder.type("reset")

    assert (answer.code, folder.heard) == (2, [])
    assert "say --yes if you mean it" in answer.err


# ------------------------------------------------------------------ run-now


def test_a_run_is_waited_for(folder: Folder) -> None:
    assert folder.type("run-now", "hand", "--reason", "late figures") == Answer(0, "hand@NOW on b: succeeded\n", "")
    assert [(one.do, one.job, one.reason) for one in folder.heard] == [(Do.RUN, "hand", "late figures")]


@pytest.mark.parametrize(
    ("fate", "code", "out", "err"),
    [
        ("failed", 1, "hand@NOW on b: failed\n", IN_THE_LOG),
        ("timed_out", 1, "hand@NOW on b: timed out\n", IN_THE_LOG),
        ("leader_lost", 1, "hand@NOW on b: leader lost\n", IN_THE_LOG),
        (
            None,
            3,
            "",
            "hand@NOW is over; how it ended is in the leader's log only\nits output is in the leader's log\n",
        ),
    ],
)
def test_how_it_ended(folder: Folder, fate: str | None, code: int, out: str, err: str) -> None:
    assert folder.type("run-now", "hand", fate=fate) == Answer(code, out, err)


def test_the_leader_adds_how_long_it_took_and_what_failed(folder: Folder) -> None:
    """It remembers the last run of each job; another one of the job is no answer."""

    def said() -> dict[str, object]:
        last = {"run": run_of(folder.heard[-1]), "outcome": "failed", "took_ms": 31_000, "error": "exit 4"}
        return leaders_word("b", {"name": "meter", "last": last | {"run": "meter@1"}}, {"name": "hand", "last": last})

    with leader_page(said) as address:
        folder.has_notes(address=address, config=folder.hash)

        assert folder.type("run-now", "hand", fate="failed").out == "hand@NOW on b: failed, took 31s: exit 4\n"


def test_no_wait_says_that_it_has_begun(folder: Folder) -> None:
    assert folder.type("run-now", "hand", "--no-wait").out == "hand@NOW on b: has begun\n"


def test_the_outcome_for_machines(folder: Folder) -> None:
    said = json.loads(folder.type("run-now", "hand", "--json").out)

    assert said == {
        "run": "hand@NOW", "replica": "b", "outcome": "succeeded", "took_ms": None, "error": None, "output": None
    }  # fmt: skip


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("arguments", ["pause meter", "resume meter", "run-now meter", "reset --yes"])
def test_what_the_leader_refuses_is_told_with_its_reason(folder: Folder, arguments: str) -> None:
    answer = folder.type(*arguments.split(), refuses="there is no job meter, or it is disabled")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "error: the leader refused: there is no job meter, or it is disabled\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pause",), "name the jobs, or say --all"),
        (("pause", "meter", "--all"), "--all leaves nothing to name"),
        (("pause", "mete"), "no job mete in the table; did you mean meter?"),
        (("resume", "mete"), "no job mete in the table; did you mean meter?"),
        (("run-now", "mete"), "no job mete in the table; did you mean meter?"),
        (
            ("pause", "meter", "--until", "soon"),
            "expected a time such as 08:00, 2027-01-15 or 2027-01-15T08:00, or 2h, got soon",
        ),
        (
            ("pause", "meter", "--until", "8:00"),
            "expected a time such as 08:00, 2027-01-15 or 2027-01-15T08:00, or 2h, got 8:00",
        ),
        (("pause", "meter", "--until", "2020-01-15"), "2020-01-15 00:00 CET has passed"),
        (("pause", "meter", "--until", "0001-01-01"), "got 0001-01-01"),
        (("pause", "meter", "--reason", "x" * 201), "expected at most 200 characters, got 201"),
        (("run-now", "meter", "--here", "--no-wait"), "--here waits, and tells nobody a reason"),
    ],
)
def test_wrong_usage_asks_nothing(folder: Folder, arguments: tuple[str, ...], told: str) -> None:
    answer = folder.type(*arguments)

    assert (answer.code, folder.heard) == (2, [])
    assert answer.err.endswith(f"{told}\n")


def test_a_job_that_only_the_leaders_table_has_is_asked_for(folder: Folder) -> None:
    """What is not in the table at hand may be in the leader's, which is another."""
    folder.has_notes(config="1a2b3c4d")
    folder.type("pause", "brand-new")

    assert [one.job for one in folder.heard] == ["brand-new"]


def test_where_nobody_ever_led_there_is_nobody_to_ask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = typed(capsys, "pause", "meter")

    assert (answer.code, answer.out) == (3, "")
    assert "nobody has led here yet" in answer.err

"""What comes of a sound config.yaml: the job table, the settings and the hash."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scheduler.config.loading import load
from scheduler.config.settings import HealthSettings, LeaseSettings, LoggingSettings
from scheduler.config.values.durations import read_duration
from scheduler.core.actions import PythonAction, ShellAction
from scheduler.core.job import CatchUp, Delivery, Job, Overlap, Policy, duration_text
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from tests.edges.config_text import LOADED_AT, loaded

EXAMPLE = Path(__file__).parents[2] / "config.yaml"


def the_job(folder: Path, keys: str, above: str = "") -> Job:
    """The one job of a table with these keys."""
    return loaded(folder, f"{above}\njobs: {{a: {{{keys}}}}}\n").table.jobs["a"]


def test_the_example_is_the_table_of_the_readme() -> None:
    read = load(EXAMPLE, LOADED_AT)
    zone = "Europe/Berlin"

    assert list(read.table.jobs.values()) == [
        Job("hello", EverySchedule(5), zone, ShellAction('echo "hello from $LEASEBEAT_RUN"')),
        Job("meter", EverySchedule(5), zone, PythonAction("jobs.examples", "meter"), Policy(catch_up=CatchUp.ALL)),
        Job(
            "nightly-report",
            CronSchedule("15 3 * * *", zone, "nightly-report"),
            zone,
            PythonAction("jobs.examples", "report", kwargs={"region": "eu"}),
            Policy(timeout=timedelta(minutes=20), retries=2),
        ),
    ]
    assert (read.table.loaded_at, read.table.revision, read.table.max_parallel) == (LOADED_AT, 0, 16)
    assert read.warnings == []


def test_settings_that_nobody_wrote(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "jobs: {a: {every: 1m, shell: ls}}").settings

    assert settings.lease == LeaseSettings(
        store="auto",
        name="leasebeat",
        namespace=None,
        adopt=False,
        path=tmp_path / "leasebeat.db",
        lease_duration_s=15,
        renew_deadline_s=10,
        retry_period_s=2,
        release="at_once",
        quiet_start=False,
        drain_timeout_s=60,
    )
    assert settings.logging == LoggingSettings(level="info", format="text")
    assert settings.health == HealthSettings(port=8080)


def test_settings_as_written(tmp_path: Path) -> None:
    text = """\
version: 1
revision: 7
max_parallel: 3
lease: {store: sqlite, name: beat, namespace: ops, adopt: true, path: /var/beat.db, lease_duration: 1m,
  renew_deadline: 5s, retry_period: 1s, release: drained, quiet_start: true, drain_timeout: 0s}
logging: {level: debug, format: json}
health: {port: 0}
jobs: {a: {every: 1m, shell: ls}}
"""
    read = loaded(tmp_path, text)

    assert read.settings.lease == LeaseSettings(
        store="sqlite",
        name="beat",
        namespace="ops",
        adopt=True,
        path=Path("/var/beat.db"),
        lease_duration_s=60,
        renew_deadline_s=5,
        retry_period_s=1,
        release="drained",
        quiet_start=True,
        drain_timeout_s=0,
    )
    assert read.settings.logging == LoggingSettings(level="debug", format="json")
    assert read.settings.health == HealthSettings(port=0)
    assert (read.table.revision, read.table.max_parallel) == (7, 3)


BERLIN = "timezone: Europe/Berlin"
SCHEDULES = {
    "cron in the table's zone": ('cron: "0 3 * * *"', CronSchedule("0 3 * * *", "Europe/Berlin", "a")),
    "cron in its own zone": ('cron: "H 3 * * *", timezone: Asia/Tokyo', CronSchedule("H 3 * * *", "Asia/Tokyo", "a")),
    "a period": ("every: 15m", EverySchedule(900)),
    "a shifted period": ("every: 15m, offset: 2m", EverySchedule(900, 120)),
    "a local time": ("at: 2026-12-01T02:00:00", AtSchedule(datetime(2026, 12, 1, 1, tzinfo=UTC))),
    "a local time in its own zone": (
        "at: 2026-12-01T02:00, timezone: Asia/Tokyo",
        AtSchedule(datetime(2026, 11, 30, 17, tzinfo=UTC)),
    ),
    "an instant": ("at: 2026-12-01T02:00:00Z", AtSchedule(datetime(2026, 12, 1, 2, tzinfo=UTC))),
    "an instant by its offset": ("at: 2026-12-01T02:00+05:30", AtSchedule(datetime(2026, 11, 30, 20, 30, tzinfo=UTC))),
    "by hand": ("manual: true", None),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "schedule"), [pytest.param(*row, id=name) for name, row in SCHEDULES.items()])
def test_schedules(tmp_path: Path, keys: str, schedule: object) -> None:
    assert the_job(tmp_path, f"{keys}, shell: ls", BERLIN).schedule == schedule


ACTIONS = {
    "a function": ("python: a.b:c", PythonAction("a.b", "c")),
    "a method": ("python: a:B.c", PythonAction("a", "B.c")),
    "a function with all that it can have": (
        'python: {call: a:b, args: [1, x, null], kwargs: {n: {m: [1.5]}}, env: {A: "1"}, isolation: process}',
        PythonAction("a", "b", (1, "x", None), {"n": {"m": [1.5]}}, {"A": "1"}),
    ),
    "a function in a thread": ("python: {call: a:b, isolation: thread}", PythonAction("a", "b", isolation="thread")),
    "text for the shell": ('shell: "./purge --days 30"', ShellAction("./purge --days 30")),
    "words without a shell": ('shell: [./purge, --days, "30"]', ShellAction(("./purge", "--days", "30"))),
    "a command with all that it can have": (
        "shell: {run: [ls], cwd: data, env: {PRICE: 5$, EMPTY: ''}}",
        ShellAction(("ls",), "data", {"PRICE": "5$", "EMPTY": ""}),
    ),
}


@pytest.mark.parametrize(("keys", "action"), [pytest.param(*row, id=name) for name, row in ACTIONS.items()])
def test_actions(tmp_path: Path, keys: str, action: object) -> None:
    assert the_job(tmp_path, f"every: 1m, {keys}").action == action


def test_policies_are_the_jobs_own_else_the_defaults_else_built_in(tmp_path: Path) -> None:
    defaults = "defaults: {retries: 2, timeout: none, catch_up: all, jitter: 500ms}"
    own = "retries: 0, overlap: allow, timeout: 90s, claim_ahead: 1s500ms, max_interruptions: 5"
    job = the_job(tmp_path, f"every: 1m, shell: ls, {own}", defaults)

    assert job.policy == Policy(
        overlap=Overlap.ALLOW,
        catch_up=CatchUp.ALL,
        catch_up_window=timedelta(hours=1),
        max_catch_up=10,
        delivery=Delivery.AT_LEAST_ONCE,
        timeout=timedelta(seconds=90),
        retries=0,
        retry_delay=timedelta(seconds=10),
        max_interruptions=5,
        claim_ahead=timedelta(milliseconds=1500),
        jitter=timedelta(milliseconds=500),
    )


@pytest.mark.parametrize("word", ["skip", "queue", "replace", "allow"])
def test_each_way_to_overlap(tmp_path: Path, word: str) -> None:
    assert the_job(tmp_path, f"every: 1m, shell: ls, overlap: {word}").policy.overlap is Overlap(word)


def test_a_job_goes_back_to_auto_where_the_defaults_say_how_long_ahead(tmp_path: Path) -> None:
    defaults = "defaults: {claim_ahead: 250ms}"
    stated = the_job(tmp_path, "every: 1m, shell: ls", defaults)
    taken_back = the_job(tmp_path, "every: 1m, shell: ls, claim_ahead: auto", defaults)

    assert (stated.policy.claim_ahead, taken_back.policy.claim_ahead) == (timedelta(milliseconds=250), None)


def test_a_disabled_job_is_in_the_table_and_does_not_tick(tmp_path: Path) -> None:
    table = loaded(tmp_path, "jobs: {a: {every: 1m, shell: ls, enabled: false}}").table

    assert (table.jobs["a"].enabled, table.known) == (False, "")


def hash_of(folder: Path, text: str) -> str:
    return loaded(folder, text).hash


PLAIN = "revision: 1\ntimezone: UTC\njobs: {a: {every: 1m, shell: ls, retries: 1}}\n"
SAME = {
    "another revision": PLAIN.replace("revision: 1", "revision: 2"),
    "comments and another layout": PLAIN.replace("timezone: UTC", "# zone\n'timezone':   \"UTC\""),
    "keys in another order": "jobs: {a: {retries: 1, shell: ls, every: 1m}}\ntimezone: UTC\n",
}
OTHER = {
    "another policy": PLAIN.replace("retries: 1", "retries: 2"),
    "another name": PLAIN.replace("a:", "b:"),
    "another time zone": PLAIN.replace("UTC", "Asia/Tokyo"),
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in SAME.items()])
def test_the_hash_is_that_of_the_content(tmp_path: Path, text: str) -> None:
    assert hash_of(tmp_path, text) == hash_of(tmp_path, PLAIN)
    assert len(hash_of(tmp_path, text)) == 8


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in OTHER.items()])
def test_another_content_has_another_hash(tmp_path: Path, text: str) -> None:
    assert hash_of(tmp_path, text) != hash_of(tmp_path, PLAIN)


def test_what_was_loaded_can_be_handed_to_another_process(tmp_path: Path) -> None:
    read = loaded(tmp_path, PLAIN)

    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301 - our own


@pytest.mark.parametrize("text", ["0s", "500ms", "1m30s", "1h30m", "1d2h3m4s5ms", "3650d"])
def test_a_duration_is_written_as_it_is_read(text: str) -> None:
    assert duration_text(read_duration(text)) == text

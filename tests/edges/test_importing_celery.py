"""Celery's beat_schedule becomes jobs that send the same tasks at the same times, whatever the user's app does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import celery
import pytest
from celery.schedules import crontab
from hypothesis import given, settings
from hypothesis import strategies as st
from kombu import Exchange, Queue

from scheduler.core.actions import CeleryAction
from scheduler.importing import celery_probe
from scheduler.importing.celery_app import asked
from scheduler.importing.celery_beat import from_app
from scheduler.importing.found import CannotImport, Found
from tests.edges.importing import as_yaml, table_of, ticks

BERLIN = ZoneInfo("Europe/Berlin")
APP = """\
from datetime import datetime, timedelta
from celery import Celery
from celery.schedules import BaseSchedule, crontab, schedule, solar

class Sunset(solar):  # as it is with ephem, which these tests do without
    def __init__(self):
        BaseSchedule.__init__(self)

print("noise on stdout")
app = Celery("shop", broker="memory://")
app.conf.timezone = "Europe/Berlin"

@app.task(queue="mail", priority=3)
def trial(a, b=1):
    pass

app.conf.beat_schedule = {
    "first-monday": {"task": "t", "schedule": crontab(0, 9, day_of_month="1-7", day_of_week="mon")},
    "Every 30": {"task": "shop.celery.trial", "schedule": 30.0, "args": (1, "x: y"), "kwargs": {"b": [None, True, 2.5]},
                 "options": {"queue": "other", "countdown": 5, "headers": {"a": "b"}}},
    "half": {"task": "t", "schedule": timedelta(seconds=0.5)},
    "sunset": {"task": "t", "schedule": Sunset()},
    "night": {"task": "t", "schedule": crontab(hour="22-2", minute="*/15", day_of_week="fri-mon")},
    "friday-13": {"task": "t", "schedule": crontab(0, 0, day_of_month="13", day_of_week="fri")},
    "date": {"task": "t", "schedule": 60, "args": (datetime(2026, 1, 1),)},
    "clock": {"task": "t", "schedule": crontab(nowfun=datetime.now)},
    "rounded": {"task": "t", "schedule": schedule(timedelta(hours=2), relative=True)},
    "no-task": {"schedule": 60},
}

@app.on_after_finalize.connect
def add(sender, **rest):
    sender.add_periodic_task(crontab(minute=5), trial.s(3), name="added")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "celery.py").write_text(APP)
    return tmp_path


def test_an_app_becomes_a_table(shop: Path) -> None:
    found = from_app("shop.celery:app", asked("shop.celery:app", shop), "UTC")
    jobs = as_yaml(found)

    broker = "${CELERY_BROKER_URL}"
    assert jobs["first-monday"] == {"cron": "0 9 * * MON#1", "celery": {"task": "t", "broker": broker}}
    assert jobs["every-30"] == {
        "every": "30s",
        "celery": {
            "task": "shop.celery.trial",
            "args": [1, "x: y"],
            "kwargs": {"b": [None, True, 2.5]},
            "options": {"queue": "other", "priority": 3, "countdown": 5, "headers": {"a": "b"}},
            "broker": broker,
        },
    }
    assert jobs["night"]["cron"] == "*/15 0-2,22,23 * * 0,1,5,6"
    assert jobs["rounded"]["every"] == "2h"
    assert jobs["added"]["cron"] == "5 * * * *"
    assert found.table["timezone"] == "Europe/Berlin"
    assert {entry.entry: entry.reason for entry in found.left_out} == {
        "half": "every 0.5 s: a period is of whole seconds, at least 1s and at most 10 years",
        "sunset": "solar schedules have no counterpart",
        "friday-13": (
            "Celery ANDs day_of_month and day_of_week (13 and fri), which cron cannot say: "
            "run it on these weekdays and test the date in the task"
        ),
        "date": "args[0] is of type datetime, which a YAML file cannot hold",
        "clock": "a clock of its own (nowfun) has no counterpart",
        "no-task": "it names no task",
    }


def test_what_differs_is_said(shop: Path) -> None:
    found = from_app("shop.celery:app", asked("shop.celery:app", shop), "UTC")
    first, every, *_ = found.jobs

    assert first.differs == ('Celery ANDs day_of_month and day_of_week, cron ORs them: written as "0 9 * * MON#1"',)
    assert every.differs == ("priority: of the task's own definition, which send_task need not know",)
    assert first.source == ("first-monday: crontab(0 9 1-7 * mon)",)


@pytest.mark.parametrize(
    ("module", "reference", "message"),
    [
        pytest.param("", "shop", "expected MODULE:APP, got shop\n", id="no colon"),
        pytest.param("", "os;x:app", "expected MODULE:APP, got os;x:app\n", id="no module's name"),
        pytest.param("", "nowhere.celery:app", "no module nowhere\n  looked in ", id="no module"),
        pytest.param(
            "import nosuchlib", "made:app", "module made needs nosuchlib, which is not installed\n", id="a library"
        ),
        pytest.param("x = 1", "made:app", "module made has no app", id="no app"),
        pytest.param(
            "import celery\nshop = celery.Celery()",
            "made:app",
            "module made has no app\n  did you mean shop?",
            id="named",
        ),
        pytest.param("def app(): pass", "made:app", "made:app is no Celery app\n  it is a function", id="a factory"),
        pytest.param("app = 7", "made:app", "made:app is no Celery app\n  it is of type int", id="something else"),
        pytest.param(
            "1/0", "made:app", "module made fails to import\n  ZeroDivisionError: division by zero", id="fails"
        ),
        pytest.param(
            "raise SystemExit(3)",
            "made:app",
            "module made ends the process when it is imported\n  SystemExit: 3",
            id="exits",
        ),
        pytest.param(
            "import os; os._exit(3)", "made:app", "module made ends the process when it is imported\n  its", id="dies"
        ),
        pytest.param("import os; os.kill(os.getpid(), 9)", "made:app", "module made ends the process", id="is killed"),
    ],
)
def test_an_app_that_cannot_be_asked_is_told_with_the_way_out(
    module: str, reference: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "made.py").write_text(module)
    with pytest.raises(CannotImport) as error:
        asked(reference, tmp_path)

    assert str(error.value).startswith(message)


def test_an_app_that_hangs_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("import threading\nthreading.Event().wait()")
    with pytest.raises(CannotImport, match="module made takes longer than 1 s to import"):
        asked("made:app", tmp_path, limit_s=1)


def test_a_process_that_nobody_waits_for_any_more_ends_by_itself(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("import threading\nthreading.Event().wait()")
    command = [
        sys.executable,
        "-P",
        str(celery_probe.__file__),
        "made",
        "app",
        str(tmp_path),
        json.dumps(sys.path),
        "1",
    ]

    assert subprocess.run(command, check=False, timeout=30).returncode == -signal.SIGALRM


def app_with(schedule: object, **conf: Any) -> celery.Celery:
    app = celery.Celery("in-process", set_as_current=False)
    app.conf.update(conf)
    app.conf.beat_schedule = {"job": {"task": "t", "schedule": schedule}}
    return app


def imported(app: celery.Celery) -> Found:
    """As `asked` would have it, in this process; through JSON, as there."""
    return from_app("made:app", json.loads(json.dumps(celery_probe.facts_of(app))), "America/New_York")


@pytest.mark.parametrize(
    ("conf", "zone"),
    [
        pytest.param({}, "UTC", id="Celery's default"),
        pytest.param({"timezone": "Europe/Berlin"}, "Europe/Berlin", id="the app's"),
        pytest.param({"timezone": "Europe/Berlin", "enable_utc": False}, "Europe/Berlin", id="the app's, without UTC"),
        pytest.param({"enable_utc": False}, "America/New_York", id="the machine's"),
    ],
)
def test_the_zone_is_the_apps(conf: dict[str, Any], zone: str) -> None:
    assert imported(app_with(crontab(0, 3), **conf)).table["timezone"] == zone


def test_the_deadline_of_beat_is_the_window_of_crontabs() -> None:
    (job,) = as_yaml(imported(app_with(crontab(0, 3), beat_cron_starting_deadline=600))).values()

    assert job["catch_up_window"] == "10m"


def test_another_scheduler_of_beat_is_mentioned() -> None:
    found = imported(app_with(crontab(0, 3), beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler"))

    assert "only beat_schedule is read" in found.differs[0]


def test_the_cleanup_that_beat_adds_by_itself_is_added() -> None:
    found = imported(app_with(60, result_backend="db+sqlite:///x"))

    assert [job.name for job in found.jobs] in (["job"], ["job", "celery.backend_cleanup"])


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), b"x", {1}, {1: 2}, object(), "\0", "\ud800", 1 << 2000, [[date(2026, 1, 1)]]],
    ids=["nan", "inf", "bytes", "set", "number as key", "object", "NUL", "half a letter", "2000 bits", "date"],
)
def test_an_argument_that_yaml_cannot_hold_leaves_the_entry_out(value: object) -> None:
    app = app_with(60)
    app.conf.beat_schedule["job"]["args"] = [value]
    (entry,) = imported(app).left_out

    assert "YAML file cannot hold" in entry.reason


@pytest.mark.parametrize("seconds", [0, 0.5, 1.5, -1, 4e8])
def test_a_period_that_we_do_not_have_is_left_out(seconds: float) -> None:
    assert imported(app_with(seconds)).left_out[0].reason.endswith("of whole seconds, at least 1s and at most 10 years")


def test_an_argument_that_reads_as_a_reference_is_left_out() -> None:
    app = app_with(60)
    app.conf.beat_schedule["job"]["args"] = ["${HOME}"]

    assert imported(app).left_out[0].reason == "the argument ${HOME} would be read as a reference"


def test_an_option_that_celery_would_refuse_is_left_out_with_its_task() -> None:
    app = app_with(60)
    app.conf.beat_schedule["job"]["options"] = {"priority": "high"}
    reason = "Celery itself refuses its option priority, which has to be a whole number, 0 to 255"

    assert imported(app).left_out[0].reason == reason


def test_a_day_that_never_comes_is_left_out_as_that() -> None:
    never = app_with(crontab(minute=0, hour=0, day_of_month=31, month_of_year=2))

    assert imported(never).left_out[0].reason == "names no day that ever comes"


WEEKS = timedelta(weeks=6)
CHANGES = {date(2026, 10, 25), date(2027, 3, 28)}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"minute": "*/15"},
        {"minute": 0, "hour": 4},
        {"minute": "5,35", "hour": "8-18/2", "day_of_week": "mon-fri"},
        {"minute": 30, "hour": "22-2", "day_of_week": "sat,sun"},
        {"minute": 0, "hour": 9, "day_of_month": "1-7", "day_of_week": "mon"},
        {"minute": 0, "hour": 9, "day_of_month": "8-14,22-28", "day_of_week": "tue,fri"},
        {"minute": 0, "hour": 0, "day_of_month": "*/2", "day_of_week": "1,3"},
        {"minute": 0, "hour": 0, "day_of_month": "10-20", "day_of_week": "*/6"},
        {"minute": 59, "hour": 23, "day_of_month": "31", "month_of_year": "*/2"},
        {"minute": 1, "hour": 1, "day_of_month": "28-31", "month_of_year": "jan,feb,nov"},
        {"minute": {0, 7, 21}, "hour": [3, 5], "day_of_week": {0}},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "start", [datetime(2026, 10, 5, tzinfo=UTC), datetime(2027, 3, 8, tzinfo=UTC)], ids=["winter", "summer"]
)
def test_a_crontab_ticks_as_beat_finds_it_due(spec: dict[str, Any], start: datetime) -> None:
    """All but the days on which clocks change, which have a test of their own."""
    schedule = crontab(**spec)
    app = app_with(schedule, timezone="Europe/Berlin")
    ours = ticks(table_of(imported(app)), "job", start, WEEKS)
    theirs = list(beats(schedule, app, start, WEEKS))

    assert without_changes(ours) == without_changes(theirs)
    assert (
        any(tick.astimezone(BERLIN).date() in CHANGES for tick in theirs)
        or "day_of_month" in spec
        or "day_of_week" in spec
    )


def without_changes(found: list[datetime]) -> list[datetime]:
    return [tick for tick in found if tick.astimezone(BERLIN).date() not in CHANGES]


def beats(schedule: crontab, app: celery.Celery, start: datetime, span: timedelta) -> Iterator[datetime]:
    """What beat does: it asks how long it is until the next run, sleeps as long, asks again, and remembers that run."""
    schedule.app = app
    last, end = start.astimezone(BERLIN), start + span
    while True:
        now = last
        while (left := remaining(schedule, last, now)) > timedelta(0):
            now = (now.astimezone(UTC) + left).astimezone(BERLIN)
        if now > end:
            return
        yield now.astimezone(UTC)
        last = now


def remaining(schedule: crontab, last: datetime, now: datetime) -> timedelta:
    schedule.nowfun = lambda: now
    left = schedule.remaining_estimate(last)
    assert isinstance(left, timedelta)
    return left


@pytest.mark.parametrize(
    ("spec", "midnight", "ours", "beat"),
    [
        pytest.param(
            {"minute": 30, "hour": 2}, "2027-03-28T00:00", "03:00", "03:30", id="skipped: right after the change"
        ),
        pytest.param({"minute": 30, "hour": 2}, "2026-10-25T00:00", "02:30", "02:30", id="twice on the clock: once"),
        pytest.param(
            {"minute": 0},
            "2027-03-28T00:00",
            "01:00 03:00 04:00 05:00",
            "01:00 03:00 04:00 05:00",
            id="hourly, forward",
        ),
        pytest.param(
            {"minute": 0},
            "2026-10-25T00:00",
            "01:00 02:00 02:00 03:00 04:00 05:00",
            "01:00 02:00 03:00 04:00 05:00",
            id="hourly, back: beat pauses for the repeated hour",
        ),
        pytest.param(
            {"minute": 0, "hour": "*/2"},
            "2027-03-28T00:00",
            "04:00",
            "03:00 04:00",
            id="every other hour: beat runs late",
        ),
    ],
)
def test_on_a_day_that_clocks_change_the_difference_is_the_documented_one(
    spec: dict[str, Any], midnight: str, ours: str, beat: str
) -> None:
    schedule = crontab(**spec)
    app = app_with(schedule, timezone="Europe/Berlin")
    start = datetime.fromisoformat(midnight).replace(tzinfo=BERLIN).astimezone(UTC)

    assert night(ticks(table_of(imported(app)), "job", start, timedelta(hours=8))) == ours
    assert night(beats(schedule, app, start, timedelta(hours=8))) == beat


def night(found: Iterable[datetime]) -> str:
    """The times before 06:00, by the clock on the wall."""
    local = [tick.astimezone(BERLIN) for tick in found]
    return " ".join(f"{time:%H:%M}" for time in local if time.hour < 6)


@pytest.mark.parametrize(
    ("seconds", "every"), [(1, "1s"), (90, "1m30s"), (timedelta(days=1, hours=2), "1d2h"), (300.0, "5m")]
)
def test_an_interval_keeps_its_length(seconds: float | timedelta, every: str) -> None:
    (job,) = as_yaml(imported(app_with(seconds))).values()

    assert job["every"] == every


ROUTES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing said": ({}, {}),
    "another default queue": ({"task_default_queue": "shop"}, {"queue": "shop"}),
    "a route": ({"task_routes": {"t": {"queue": "mail"}}}, {"queue": "mail"}),
    "an exchange of another name": (
        {"task_routes": {"t": "mail"}, "task_queues": [Queue("mail", Exchange("mx", "topic"), "m.x")]},
        {"queue": "mail", "exchange": "mx", "routing_key": "m.x"},
    ),
    "another serializer": ({"task_serializer": "yaml"}, {"serializer": "yaml"}),
    "a route that fails": ({"task_routes": ("no.such.module:route",)}, {}),
}


@pytest.mark.parametrize(("conf", "options"), [pytest.param(*row, id=name) for name, row in ROUTES.items()])
def test_what_the_apps_settings_decide_is_written_out(conf: dict[str, Any], options: dict[str, Any]) -> None:
    """The action sends without the app, which would have looked them up."""
    (job,) = as_yaml(imported(app_with(60, **conf))).values()
    celery = job["celery"]
    assert isinstance(celery, dict)

    assert celery.get("options", {}) == options


def test_an_entrys_own_queue_goes_before_the_route() -> None:
    app = app_with(60, task_routes={"t": {"queue": "mail"}})
    app.conf.beat_schedule["job"]["options"] = {"queue": "own"}
    (job,) = table_of(imported(app)).jobs.values()
    assert isinstance(job.action, CeleryAction)

    assert job.action.options == {"queue": "own"}


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        pytest.param({"task_id": "x"}, "task_id is the run id, another one for each run", id="an id"),
        pytest.param(
            {"retry": False, "retry_policy": {}},
            "retry, retry_policy: left out, the connection to the broker is leasebeat's own",
            id="how to connect",
        ),
        pytest.param({"expires": 5}, "expires counts from the sending, so a tick", id="an expiry"),
    ],
)
def test_what_is_no_longer_so_is_said(options: dict[str, Any], difference: str) -> None:
    app = app_with(60)
    app.conf.beat_schedule["job"]["options"] = options
    found = imported(app)

    assert [said[: len(difference)] for said in found.jobs[0].differs] == [difference]
    assert len(table_of(found).jobs) == 1


def test_options_of_the_transport_are_mentioned_without_their_values() -> None:
    found = imported(app_with(60, broker_transport_options={"sentinel_kwargs": {"password": "x-secret"}}))

    assert "broker_transport_options (sentinel_kwargs)" in found.differs[0]
    assert "x-secret" not in str(found)


def test_the_message_is_the_one_that_beat_sends(shop: Path) -> None:
    """Sends it to a broker in memory, as a worker process of ours would: without the app."""
    job = table_of(from_app("shop.celery:app", asked("shop.celery:app", shop), "UTC")).jobs["every-30"]
    assert isinstance(job.action, CeleryAction)
    bare = celery.Celery("bare", broker="memory://", set_as_current=False)
    bare.send_task(job.action.task, job.action.args, job.action.kwargs, **job.action.options)
    with bare.connection_for_read() as connection:
        message = connection.SimpleQueue("other").get(timeout=1)

    assert message.headers["task"] == "shop.celery.trial"
    assert message.payload[:2] == [[1, "x: y"], {"b": [None, True, 2.5]}]
    assert (message.properties["priority"], message.headers["a"]) == (3, "b")
    assert message.headers["eta"]


NUMBERS = {"minute": (0, 59), "hour": (0, 23), "day_of_month": (1, 31), "month_of_year": (1, 12), "day_of_week": (0, 6)}


def field(low: int, high: int) -> st.SearchStrategy[object]:
    number = st.integers(low, high)
    words = st.tuples(number, number).map(lambda ends: f"{ends[0]}-{ends[1]}")
    steps = st.integers(1, 40).map(lambda step: f"*/{step}")
    return st.one_of(st.just("*"), number, words, steps, st.sets(number, min_size=1, max_size=4))


CRONTAB = st.fixed_dictionaries({}, optional={name: field(*bounds) for name, bounds in NUMBERS.items()})
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text() | st.integers(), inner, max_size=2),
    max_leaves=4,
)
ENTRY = st.fixed_dictionaries(
    {"task": st.text()},
    optional={
        "schedule": st.one_of(
            st.floats(0, 10**9), st.integers(1, 10**6), VALUE, CRONTAB.map(lambda spec: ("crontab", spec))
        ),
        "args": st.lists(VALUE, max_size=2) | VALUE,
        "kwargs": st.dictionaries(st.text(), VALUE, max_size=2) | VALUE,
        "options": st.dictionaries(st.sampled_from(["queue", "expires", "priority", "eta", "headers"]), VALUE),
        "relative": st.booleans(),
    },
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(), ENTRY, max_size=4))
def test_whatever_beat_is_told_the_result_is_right(entries: dict[str, dict[str, Any]]) -> None:
    app = app_with(60)
    app.conf.beat_schedule = {name: made(entry) for name, entry in entries.items()}
    found = imported(app)

    assert found.total == len(entries)
    if found.jobs:
        assert len(table_of(found).jobs) == len(found.jobs)


def made(entry: dict[str, Any]) -> dict[str, Any]:
    match entry.get("schedule"):
        case ("crontab", spec):
            try:
                return entry | {"schedule": crontab(**spec)}
            except (ValueError, celery.schedules.ParseException):
                return entry | {"schedule": crontab()}
    return entry

"""What libraries and jobs log through Python's `logging`."""

import logging
import warnings
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from scheduler.telling.events import check
from scheduler.telling.libraries import LibraryDoor, open_door

Told = tuple[str, dict[str, object]]


class Recorder:
    """A `Tell` that remembers, and refuses what the table lacks."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def __call__(self, event: str, /, **facts: object) -> None:
        check(event, facts)
        self.told.append((event, {name: fact for name, fact in facts.items() if fact is not None}))


RUN = {"job": "mail", "run": "mail@2026-11-22T19:41:05Z", "attempt": 1}
current_run: ContextVar[dict[str, object] | None] = ContextVar("current_run", default=None)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder that the door leads to, at debug."""
    recorder = Recorder()
    close = open_door(recorder, "debug", current_run.get)
    yield recorder
    close()


@pytest.fixture
def in_a_run() -> Iterator[None]:
    token = current_run.set(RUN)
    yield
    current_run.reset(token)


def line(logger: str, level: str, text: str) -> Told:
    return "library.log", {"logger": logger, "level": level, "text": text}


@pytest.mark.parametrize(
    ("logger", "level", "expected"),
    [
        pytest.param("urllib3.connectionpool", logging.WARNING, "warning", id="a library's warning is ours"),
        pytest.param("kubernetes", logging.INFO, "info", id="a library's info too"),
        pytest.param("any", logging.CRITICAL, "error", id="critical is an error"),
        pytest.param("any", 35, "warning", id="a level between is the one below"),
        pytest.param("any", 5, "debug", id="below debug is debug"),
        pytest.param("apscheduler", logging.INFO, "debug", id="APScheduler's info is chatter"),
        pytest.param("apscheduler.executors.default", logging.INFO, "debug", id="that of its parts too"),
        pytest.param("apscheduler.scheduler", logging.ERROR, "error", id="its errors are errors"),
        pytest.param("apschedulers", logging.INFO, "info", id="somebody else with a similar name"),
    ],
)
def test_a_librarys_record(recorder: Recorder, logger: str, level: int, expected: str) -> None:
    logging.getLogger().setLevel(1)

    logging.getLogger(logger).log(level, "retry %d of %s", 2, "x")

    assert recorder.told == [line(logger, expected, "retry 2 of x")]


def test_a_traceback_is_one_fact(recorder: Recorder) -> None:
    try:
        int("gone")
    except ValueError:
        logging.getLogger("lib").exception("failed")

    [(event, facts)] = recorder.told
    traceback = str(facts.pop("traceback"))
    assert (event, facts) == line("lib", "error", "failed")
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("ValueError: invalid literal for int() with base 10: 'gone'")


def test_arguments_that_do_not_fit_lose_no_line() -> None:
    recorder = Recorder()
    record = {"name": "lib", "levelno": logging.WARNING, "msg": "%d of %d", "args": ("two",)}

    LibraryDoor(recorder, lambda: None).handle(logging.makeLogRecord(record))

    assert recorder.told == [line("lib", "warning", "'%d of %d' ('two',)")]


def test_what_pythons_warnings_say_goes_through_the_door(recorder: Recorder) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)  # pytest had its own catcher in place
        warnings.warn("old way", DeprecationWarning, stacklevel=1)

    [(event, facts)] = recorder.told
    assert (event, facts["logger"], facts["level"]) == ("library.log", "py.warnings", "warning")
    assert "DeprecationWarning: old way" in str(facts["text"])


@pytest.mark.usefixtures("in_a_run")
def test_what_a_job_logs_in_a_thread_is_its_runs_output(recorder: Recorder) -> None:
    logging.getLogger("mail.send").warning("no reply\nfrom %s", "relay")

    facts = {**RUN, "stream": "log", "logger": "mail.send", "level": "warning"}
    assert recorder.told == [
        ("run.output", {**facts, "text": "no reply"}),
        ("run.output", {**facts, "text": "from relay"}),
    ]


@pytest.mark.usefixtures("in_a_run")
def test_a_jobs_traceback_is_output_line_by_line(recorder: Recorder) -> None:
    try:
        int("gone")
    except ValueError:
        logging.getLogger("mail").exception("failed")

    texts = [facts["text"] for _, facts in recorder.told]
    assert texts[:2] == ["failed", "Traceback (most recent call last):"]
    assert texts[-1] == "ValueError: invalid literal for int() with base 10: 'gone'"


def test_records_below_the_level_are_not_even_made() -> None:
    recorder = Recorder()
    close = open_door(recorder, "warning")

    logging.getLogger("lib").info("quiet")
    logging.getLogger("lib").warning("loud")
    close()

    assert recorder.told == [line("lib", "warning", "loud")]


def test_a_closed_door_lets_nothing_through_and_leaves_no_trace() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    recorder = Recorder()

    open_door(recorder, "debug")()
    logging.getLogger("lib").error("gone")

    assert recorder.told == []
    assert (root.level, list(root.handlers)) == before

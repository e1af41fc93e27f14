"""Each run is told its place in the trace, the same that its HTTP request and its task bear and that is exported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from scheduler.core.actions import CeleryAction, HttpAction, PythonAction, ShellAction
from scheduler.core.ports import RunOrder
from scheduler.core.views.trace import traceparent
from scheduler.running.runners.call import job_run
from scheduler.running.supervisor.calls import call_of, modules_ahead
from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.supervision import CONFIG_FOLDER, Ear, order, perform, python, shell, trusted

HERE = traceparent("hello@2026-11-22T02:15:00Z", "48211", 2)


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="module")
def runner(ear: Ear) -> Iterator[SupervisorRunner]:
    runner = trusted(SupervisorRunner(ear, CONFIG_FOLDER))
    yield runner
    runner.close()


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(shell("echo; echo $TRACEPARENT"), id="a command"),
        pytest.param(python("show_surroundings", "TRACEPARENT"), id="a function"),
        pytest.param(
            order(
                PythonAction("sample_jobs", "show_surroundings", ("TRACEPARENT",), env={"TRACEPARENT": "00-its-own"})
            ),
            id="a function whose job says something else",
        ),
    ],
)
def test_the_environment_names_the_attempts_span(runner: SupervisorRunner, ear: Ear, run: RunOrder) -> None:
    assert ear.lines(perform(runner, run))[1] == HERE


def test_a_function_can_hand_it_on() -> None:
    assert job_run(python("noop"), datetime.now(UTC)).traceparent == HERE  # noqa: TID251 - an instant is an instant


@pytest.mark.parametrize("action", [HttpAction("http://crm"), CeleryAction("mail.trial", "redis://any")])
def test_requests_and_tasks_bear_it(action: HttpAction | CeleryAction) -> None:
    *_, headers = call_of(order(action)).args

    assert isinstance(headers, dict)
    assert headers["traceparent"] == HERE


@pytest.mark.parametrize(
    ("actions", "modules"),
    [
        ([ShellAction("date"), PythonAction("b", "f"), PythonAction("a", "f"), PythonAction("a", "g")], ["a", "b"]),
        ([PythonAction("a", "f", isolation="thread")], []),
        ([HttpAction("http://crm"), HttpAction("http://shop")], ["scheduler.running.runners.http"]),
        ([CeleryAction("mail.trial", "redis://any")], ["scheduler.running.runners.celery"]),
    ],
)
def test_workers_import_ahead_what_the_table_uses_and_no_more(actions: list[object], modules: list[str]) -> None:
    assert modules_ahead(actions) == modules  # type: ignore[arg-type] # each is an action


def test_a_worker_without_requests_knows_no_http(runner: SupervisorRunner, ear: Ear) -> None:
    assert ear.lines(perform(runner, python("has_imported", "urllib3", "hashlib", "celery"))) == ["False False False"]

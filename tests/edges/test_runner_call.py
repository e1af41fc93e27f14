"""How a job's function gets its arguments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler.core.actions import PythonAction
from scheduler.running.runners.call import Failure, JobRun, RunFailure, call, failure_of, job_run
from tests.edges.supervision import order

STARTED = datetime(2026, 11, 22, 2, 15, 1, tzinfo=UTC)
RUN = job_run(order(PythonAction("m", "f"), timeout_s=90), STARTED)

called_with: list[object] = []


def run_first(run: object, region: object = None) -> None:
    called_with[:] = [run, region]


def run_last(region: object, run: object) -> None:
    called_with[:] = [region, run]


def run_only_positional(run: object, /) -> None:
    called_with[:] = [run]


def run_by_name(*regions: object, run: object) -> None:
    called_with[:] = [*regions, run]


def run_by_default(run: object = None) -> None:
    called_with[:] = [run]


def no_run(region: object = None, **others: object) -> None:
    called_with[:] = [region, others]


def gathers_run(**run: object) -> None:
    called_with[:] = [run]


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        pytest.param(run_first, (), {}, [RUN, None], id="alone"),
        pytest.param(run_first, ("eu",), {}, [RUN, "eu"], id="before the arguments"),
        pytest.param(run_last, ("eu",), {}, ["eu", RUN], id="behind them"),
        pytest.param(run_last, (), {"region": "eu"}, ["eu", RUN], id="behind named ones"),
        pytest.param(run_only_positional, (), {}, [RUN], id="by position only"),
        pytest.param(run_by_name, ("eu", "us"), {}, ["eu", "us", RUN], id="by name only"),
        pytest.param(run_by_default, (), {}, [RUN], id="although there is a default"),
        pytest.param(run_by_default, (), {"run": "mine"}, ["mine"], id="not when the table gives one"),
        pytest.param(no_run, ("eu",), {"a": 1}, ["eu", {"a": 1}], id="not without such a parameter"),
        pytest.param(gathers_run, (), {"a": 1}, [{"a": 1}], id="not into a collection of that name"),
    ],
)
def test_where_run_is_put(
    function: Callable[..., Any], args: tuple[object, ...], kwargs: Mapping[str, object], expected: list[object]
) -> None:
    call((__name__, function.__name__), args, kwargs, RUN)

    assert called_with == expected


def test_a_function_written_in_c_is_called_as_it_is() -> None:
    call(("builtins", "dict"), (), {"run": 1}, RUN)
    call(("operator", "itemgetter"), (1,), {}, RUN)


def yields() -> Iterator[int]:
    yield 1


async def yields_later() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("function", [yields, yields_later])
def test_a_generator_has_not_run(function: Callable[..., Any]) -> None:
    """The table's check may not have been able to tell: what a decorator wraps is seen only when it is called."""
    with pytest.raises(RunFailure) as failed:
        call((__name__, function.__name__), (), {}, RUN)

    words = f"{__name__}:{function.__name__} is a generator, which a call does not run; does it need its yield?"
    assert failure_of(failed.value) == Failure("rejected", words, "")


def test_what_run_tells() -> None:
    expected = JobRun(
        job="hello",
        id="hello@2026-11-22T02:15:00Z",
        tick=datetime(2026, 11, 22, 2, 15, tzinfo=UTC),
        attempt=2,
        term=7,
        fence="48211",
        deadline=STARTED + timedelta(seconds=90),
    )

    assert expected == RUN


def test_without_a_timeout_there_is_no_deadline() -> None:
    assert job_run(order(PythonAction("m", "f")), STARTED).deadline is None


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(KeyError("region"), "KeyError: 'region'", id="as Python says it"),
        pytest.param(ValueError("one\ntwo"), "ValueError: one", id="the first line"),
        pytest.param(AssertionError(), "AssertionError", id="without words"),
        pytest.param(KeyboardInterrupt(), "KeyboardInterrupt", id="also what is no Exception"),
    ],
)
def test_a_failure_in_one_line(error: BaseException, sentence: str) -> None:
    failure = failure_of(error)

    assert failure
    assert failure.error == sentence

"""Calling a job's Python function, in whatever process or thread: what it is told, and what its failure means."""

from __future__ import annotations

import importlib
import inspect
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, reduce

TYPE_CHECKING = False
if TYPE_CHECKING:  # the supervisor's processes stay small without the core, and without typing itself
    from typing import Any

    from scheduler.core.ports import RunOrder
    from scheduler.running.supervisor.wire import Start

_QUOTED_CHARACTERS = 300  # of an exception's words, in a failure's sentence
_NOT_THE_USERS = ("scheduler.running.", "importlib", "asyncio.")  # what leads to the user's first frame


@dataclass(frozen=True, slots=True)
class JobRun:
    """What a function with a parameter named `run` is told about the run it is.

    `id` is the run id, equal for all attempts and on every replica; `fence` is the term's fencing token; `deadline` is
    when the timeout strikes, None without one. `traceparent` continues the attempt's span in calls to others.
    """

    job: str
    id: str
    tick: datetime
    attempt: int
    term: int
    fence: str
    deadline: datetime | None

    @property
    def traceparent(self) -> str:
        """The header of W3C Trace Context, as `TRACEPARENT` in the environment has it."""
        from scheduler.core.views.trace import traceparent  # noqa: PLC0415 - hashing is 4 MB that most workers do without

        return traceparent(self.id, self.fence, self.attempt)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call failed: `reason` and `error` as `core.ports.RunEnded` has them, and the traceback, may be empty."""

    reason: str
    error: str
    traceback: str


class RunFailure(Exception):
    """Raised by what this program does itself in a worker: `reason` and `error` as `core.ports.RunEnded` has them."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


def job_run(order: RunOrder | Start, started: datetime) -> JobRun:
    """What the function is told of this order, when its first statement was reached at wall time `started`."""
    return JobRun(
        job=order.job,
        id=order.run,
        tick=datetime.fromisoformat(order.tick),
        attempt=order.attempt,
        term=order.term,
        fence=order.fence,
        deadline=None if order.timeout_s is None else started + timedelta(seconds=order.timeout_s),
    )


def call(target: tuple[str, str], args: Sequence[object], kwargs: Mapping[str, object], run: JobRun) -> None:
    """Call the function `target`, (module, dotted name), and run the coroutine if it returns one.

    Raises whatever the import, the look-up and the function raise; RunFailure for a generator, none of which has run.
    """
    module, name = target
    function: Any = reduce(getattr, name.split("."), importlib.import_module(module))
    args, kwargs = _with_run(function, args, kwargs, run)
    result = function(*args, **kwargs)
    if inspect.iscoroutine(result):
        import asyncio  # noqa: PLC0415 - 7 MB that most workers do without

        asyncio.run(_cancelled_by_term(result))
    elif inspect.isgenerator(result) or inspect.isasyncgen(result):
        words = f"{module}:{name} is a generator, which a call does not run; does it need its yield?"
        raise RunFailure("rejected", words)


async def _cancelled_by_term(coroutine: Coroutine[Any, Any, object]) -> None:
    """Let the coroutine tidy up when it is asked to end; in a thread nobody can ask."""
    import asyncio  # noqa: PLC0415 - see above

    task = asyncio.current_task()
    if task and threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await coroutine


def failure_of(error: BaseException) -> Failure | None:
    """What it means that the call ended by `error`; None for `sys.exit()` and `sys.exit(0)`, which mean success."""
    if isinstance(error, SystemExit):
        return _failure_of_exit(error.code)
    if isinstance(error, RunFailure):
        return Failure(error.reason, str(error), "")
    first_line = next(iter(_words_of(error).splitlines()), "")[:_QUOTED_CHARACTERS]
    name = type(error).__name__
    return Failure("exception", f"{name}: {first_line}" if first_line else name, _users_traceback(error))


def _words_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's own class may fail to say what is wrong
        return ""


def _failure_of_exit(code: str | int | None) -> Failure | None:
    """As the interpreter does with it: anything that is no number is said, and stands for 1."""
    if code is None or code == 0:
        return None
    return Failure("exit", f"exit {code}" if isinstance(code, int) else f"exit 1: {code}"[:_QUOTED_CHARACTERS], "")


def _with_run(
    function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object], run: JobRun
) -> tuple[Sequence[object], Mapping[str, object]]:
    """The arguments with `run` in its parameter's place, where there is such a parameter and nothing given for it."""
    place = _place_of_run(function)
    if place is None or "run" in kwargs:
        return args, kwargs
    if place <= len(args):
        return [*args[:place], run, *args[place:]], kwargs
    return args, {**kwargs, "run": run}


@lru_cache(maxsize=1024)
def _place_of_run(function: Callable[..., Any]) -> int | None:
    """Where among its parameters the function takes `run`, beyond all of them if by keyword only; None if nowhere."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions written in C tell nothing
        return None
    wanted = parameters.get("run")
    if wanted is None or wanted.kind in (wanted.VAR_POSITIONAL, wanted.VAR_KEYWORD):
        return None
    return sys.maxsize if wanted.kind is wanted.KEYWORD_ONLY else list(parameters).index("run")


def _users_traceback(error: BaseException) -> str:
    """The traceback from the user's first frame on."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_globals.get("__name__", "").startswith(_NOT_THE_USERS):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))

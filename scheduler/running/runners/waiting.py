"""Doing something that waits for others, so that a timeout can say what was being waited for.

At the timeout the supervisor sends TERM, and Python hears a signal only between two of its statements: not while the
resolver looks a name up, which may take minutes. So the waiting is done in a thread, and the main thread hears.

What libraries log in that thread stays unheard: it may hold whole URLs, secrets and all, and a failure's sentence says
what matters of it.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scheduler.running.runners.call import RunFailure


class Progress:
    """What is being waited for; whoever does the work says so."""

    def __init__(self) -> None:
        self.doing = "beginning"


class _AskedToEnd(BaseException):
    """TERM was heard."""


def heedful(work: Callable[[], None], progress: Progress) -> None:
    """Do the work, raising what it raises; or RunFailure that says what it was at, when this process is asked to end.

    After that the process is of no more use, for the work may still go on in its thread.
    """
    raised: list[BaseException] = []
    over = threading.Event()  # Thread.join() believes that the thread is over when a signal interrupts it

    def do() -> None:
        try:
            with _unheard():
                work()
        except BaseException as error:  # noqa: BLE001 - raised below, where it belongs
            raised.append(error)
        over.set()

    before = signal.signal(signal.SIGTERM, _heed)
    try:
        threading.Thread(target=do, name="waiting", daemon=True).start()
        over.wait()
    except _AskedToEnd:
        raise RunFailure("crashed", f"ended while {progress.doing}") from None
    signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
    if raised:
        raise raised[0]


def _heed(_signum: int, _frame: object) -> None:
    raise _AskedToEnd


@contextmanager
def _unheard() -> Iterator[None]:
    """Have no record of this thread handled by the root's handlers, of which a worker's is one."""
    ident, handlers = threading.get_ident(), [*logging.getLogger().handlers]

    def is_of_another(record: logging.LogRecord) -> bool:
        return record.thread != ident

    for handler in handlers:
        handler.addFilter(is_of_another)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_of_another)

"""Everybody else's log lines, through the same door: what libraries and jobs write with Python's `logging`.

APScheduler, urllib3 and the Kubernetes client log with `logging`, and so does the code of jobs that run in a thread of
the leader. Their records become events: `run.output` where it is known whose run wrote it, `library.log` for the rest.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping

from scheduler.core.ports import Tell

RunFacts = Callable[[], Mapping[str, object] | None]
"""Gives the run fields of the run that the calling thread works on, None where it is no run's thread."""

_NUMBERS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_CHATTY = ("apscheduler",)  # tells at info each time that its timer rings, which is ours to decide about


class LibraryDoor(logging.Handler):
    """Tells each log record as an event."""

    def __init__(self, tell: Tell, run_facts: RunFacts) -> None:
        super().__init__()
        self._tell = tell
        self._run_facts = run_facts

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the record at its own level; a traceback makes several lines of a run's output, as on a terminal."""
        told = {"logger": record.name, "level": _level(record)}
        text, trace = _text(record), _traceback(record)
        run = self._run_facts()
        if run is None:
            self._tell("library.log", **told, text=text, traceback=trace)
            return
        for line in [*text.splitlines(), *(trace or "").splitlines()]:
            self._tell("run.output", **run, **told, stream="log", text=line)


def open_door(tell: Tell, level: str, run_facts: RunFacts = lambda: None) -> Callable[[], None]:
    """Send what is logged or warned through Python's own means, from `level` on, to `tell`; returns how to undo it."""
    root, door = logging.getLogger(), LibraryDoor(tell, run_facts)
    before = root.level
    root.addHandler(door)
    root.setLevel(_NUMBERS[level])
    logging.captureWarnings(capture=True)

    def close() -> None:
        logging.captureWarnings(capture=False)
        root.setLevel(before)
        root.removeHandler(door)

    return close


def _level(record: logging.LogRecord) -> str:
    if record.levelno <= logging.INFO and record.name.partition(".")[0] in _CHATTY:
        return "debug"
    return next((name for name, number in reversed(_NUMBERS.items()) if record.levelno >= number), "debug")


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit their message are the library's slip, no reason to fail
        return f"{record.msg!r} {record.args!r}"


def _traceback(record: logging.LogRecord) -> str | None:
    if not record.exc_info or not record.exc_info[1]:
        return None
    return "".join(traceback.format_exception(record.exc_info[1])).rstrip()

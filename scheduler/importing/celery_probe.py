"""Runs as a process of its own: imports the user's Celery app and tells what beat would read from it.

Started by `celery_app.py` as a file, with nothing of ours imported: what the user's modules do at import (print, exit,
hang, take memory) stays in here. argv: MODULE, APP, the folder to look in first, sys.path as JSON, and after how many
seconds this process ends whatever happens. The answer is one JSON object on the standard output it was started with.

beat itself imports the modules that the app includes and finalizes it before it reads `beat_schedule`, so that
`add_periodic_task` in a signal's receiver counts; here it is done alike.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

Fact = dict[str, Any]

DEEPEST = 20
LONGEST_KEY = 500
DEFAULT_QUEUE = "celery"
DEFAULT_SCHEDULERS = ("celery.beat:PersistentScheduler", "celery.beat.PersistentScheduler", "celery.beat:Scheduler")
CRONTAB_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


class Refused(Exception):
    """The app cannot be read: the message, and the way out."""


class NotPlain(Exception):
    """A value that a YAML file cannot hold; the text says which."""


def main() -> None:
    """Answer, and end at once: threads that a module started must not keep this process alive."""
    module, name, folder, path, limit_s = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]), sys.argv[5]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(limit_s))
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):  # from here on, what user code prints is lost
            os.dup2(nowhere, standard)
        sys.argv = ["celery", "beat"]
        sys.path[:] = [folder, *(entry for entry in path if entry != folder)]
        json.dump(told(module, name, folder), answer)
    os._exit(0)


def told(module: str, name: str, folder: str) -> Fact:
    """What the app says, or why it could not be asked."""
    try:
        app = found_app(module, name, folder)
        app.loader.init_worker()
        app.finalize()
        return facts_of(app)
    except Refused as refused:
        return {"error": refused.args[0], "hint": refused.args[1]}
    except SystemExit as error:
        return {"error": f"module {module} ends the process when it is imported", "hint": f"SystemExit: {error}"}
    except BaseException as error:  # noqa: BLE001 - any way to fail is an answer
        return {"error": f"module {module} fails to import", "hint": last_line(error)}


def found_app(module: str, name: str, folder: str) -> Any:
    """The app object."""
    try:
        holder: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise Refused(f"no module {error.name}", f"looked in {folder}, then in PYTHONPATH") from None
        where = f"leasebeat runs with {sys.executable}: install the app and what it needs there"
        raise Refused(f"module {module} needs {error.name}, which is not installed", where) from None
    app: Any = holder
    for part in name.split("."):
        if not hasattr(app, part):
            raise Refused(f"module {module} has no {name}", other_name(holder, part))
        app = getattr(app, part)
    if not all(hasattr(app, part) for part in ("conf", "loader", "finalize", "timezone")):
        kind = "a function; name the app that it makes" if callable(app) else f"of type {type(app).__name__}"
        raise Refused(f"{module}:{name} is no Celery app", f"it is {kind}")
    return app


def other_name(module: Any, missing: str) -> str | None:
    """A Celery app of the module, or a name like the one that is missing."""
    apps = [name for name, value in vars(module).items() if hasattr(value, "conf") and hasattr(value, "send_task")]
    near = get_close_matches(missing, vars(module), n=1) or apps
    return f"did you mean {(apps or near)[0]}?" if near else None


def facts_of(app: Any) -> Fact:
    """The zone, the settings of beat and the entries."""
    scheduler, deadline = str(app.conf.beat_scheduler), app.conf.get("beat_cron_starting_deadline")
    entries = dict(app.conf.beat_schedule or {})
    return {
        "zone": str(app.timezone) if app.conf.timezone or app.conf.enable_utc else None,
        "deadline_s": deadline if isinstance(deadline, int | float) else None,
        "transport": sorted(map(str, app.conf.broker_transport_options or {})),
        "scheduler": None if scheduler in DEFAULT_SCHEDULERS else scheduler,
        "entries": [
            entry_facts(app, str(name), entry) for name, entry in (*entries.items(), *own_entries(app, entries))
        ],
    }


def own_entries(app: Any, entries: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What beat adds by itself: the clean-up of a result backend that does not expire results."""
    from celery.schedules import crontab  # noqa: PLC0415  # the user's environment's

    name = "celery.backend_cleanup"
    try:
        wanted = app.conf.result_expires and not app.backend.supports_autoexpire
        wanted = wanted and type(app.backend).__name__ != "DisabledBackend"
    except Exception:  # noqa: BLE001 - a backend whose library is missing, say
        return
    if wanted and name not in entries:
        yield name, {"task": name, "schedule": crontab("0", "4", "*"), "options": {"expires": 12 * 3600}}


def entry_facts(app: Any, name: str, entry: Any) -> Fact:
    """One entry; `problem` says what of it cannot be told."""
    said = dict(entry) if isinstance(entry, Mapping) else dict(vars(entry))
    if not said.get("task"):
        return {"name": name, "problem": "it names no task"}
    try:
        task = plain_text(str(said["task"]), "task")
        return {
            "name": name,
            "task": task,
            "schedule": schedule_facts(said.get("schedule"), bool(said.get("relative"))),
            "args": plain(list(said.get("args") or ()), "args"),
            "kwargs": plain(dict(said.get("kwargs") or {}), "kwargs"),
            "options": plain(options_of(said.get("options")), "options"),
            "of_task": options_of_task(app, task),
            "of_app": options_of_app(app, task, said),
        }
    except NotPlain as problem:
        return {"name": name, "problem": str(problem)}
    except Exception as error:  # noqa: BLE001 - one odd entry must not hide the others
        return {"name": name, "problem": last_line(error)}


def schedule_facts(schedule: Any, relative: bool) -> Fact:  # noqa: FBT001 - as the entry has it
    """What kind of schedule it is, and what it says."""
    from celery import schedules  # noqa: PLC0415  # the user's environment's

    schedule = schedules.maybe_schedule(schedule, relative)
    kind = type(schedule)
    if getattr(schedule, "nowfun", None):
        return {"kind": "other", "text": "a clock of its own (nowfun)"}
    if isinstance(schedule, schedules.crontab) and overrides_nothing(kind, schedules.crontab):
        words = [getattr(schedule, f"_orig_{field}", "") for field in CRONTAB_FIELDS]
        zone = vars(schedule).get("tz")
        return {
            "kind": "crontab",
            "values": [sorted(getattr(schedule, field)) for field in CRONTAB_FIELDS],
            "words": [str(word) if isinstance(word, str | int) else "" for word in words],
            "zone": None if zone is None else str(zone),
        }
    if kind is schedules.schedule:
        return {"kind": "interval", "seconds": schedule.run_every.total_seconds(), "relative": bool(schedule.relative)}
    if isinstance(schedule, schedules.solar):
        return {"kind": "solar", "text": ""}
    return {"kind": "other", "text": f"a schedule of class {kind.__name__}"}


def overrides_nothing(kind: type, base: type) -> bool:
    """Whether a class of the user's tells the times as Celery's own does; one that has a zone of its own may."""
    return kind is base or kind.__name__ == "TzAwareCrontab"


def options_of(options: Any) -> dict[str, Any]:
    """The entry's options, a queue by its name."""
    said = dict(options or {})
    queue = said.get("queue")
    if queue is not None and not isinstance(queue, str) and isinstance(getattr(queue, "name", None), str):
        said["queue"] = queue.name
    for name in ("expires", "eta"):
        if hasattr(said.get(name), "isoformat"):
            raise NotPlain(f"its option {name} is a fixed time")
    return said


def options_of_task(app: Any, task: str) -> Fact:
    """The options that the task's own definition adds when beat sends it."""
    registered = app.tasks.get(task)
    if registered is None:
        return {}
    try:
        said = {name: value for name, value in registered._get_exec_options().items() if value is not None}  # noqa: SLF001 - what beat sends
        if said.get("serializer") == app.conf.task_serializer:
            del said["serializer"]
        if registered.ignore_result:
            said["ignore_result"] = True
        told_options = plain(options_of(said), "options")
    except (AttributeError, NotPlain):
        return {}
    assert isinstance(told_options, dict)
    return told_options


def options_of_app(app: Any, task: str, entry: Mapping[str, Any]) -> Fact:
    """The queue to which the app's own settings lead, and its serializer; neither where they are Celery's own."""
    said: Fact = {}
    try:
        wanted = options_of_task(app, task) | options_of(entry.get("options"))
        route = app.amqp.router.route(wanted, task, list(entry.get("args") or ()), dict(entry.get("kwargs") or {}))
        queue = route.get("queue")
        name = getattr(queue, "name", queue)
        if isinstance(name, str) and name != DEFAULT_QUEUE:
            said["queue"] = plain_text(name, "options")
            exchange, key = getattr(queue.exchange, "name", "") or name, queue.routing_key or name
            said |= {"exchange": exchange, "routing_key": key} if (exchange, key) != (name, name) else {}
    except Exception:  # noqa: BLE001 - routes are the user's code; without one, the entry's own options decide
        said = {}
    if app.conf.task_serializer != "json" and "serializer" not in options_of_task(app, task):
        said["serializer"] = str(app.conf.task_serializer)
    return {name: value for name, value in said.items() if name not in (entry.get("options") or {})}


def plain(value: Any, place: str, depth: int = 0) -> Any:
    """The value in JSON's types; raises `NotPlain` for what would come back as something else."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return plain_text(str(value), place)
    if isinstance(value, int) and abs(value) < 1 << 1000:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if depth < DEEPEST and isinstance(value, list | tuple):
        return [plain(part, f"{place}[{at}]", depth + 1) for at, part in enumerate(value)]
    if depth < DEEPEST and isinstance(value, Mapping):
        return {plain_key(key, place): plain(part, f"{place}.{key}", depth + 1) for key, part in value.items()}
    raise NotPlain(f"{place} is of type {type(value).__name__}, which a YAML file cannot hold")


def plain_text(text: str, place: str) -> str:
    """Text that a file can hold and no reader takes for a reference."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise NotPlain(f"{place} has characters that a YAML file cannot hold")
    return text


def plain_key(key: Any, place: str) -> str:
    """A key of a map, which must be text, and short enough for YAML."""
    if not isinstance(key, str) or len(key) > LONGEST_KEY:
        raise NotPlain(f"{place} has a key that a YAML file cannot hold")
    return plain_text(str(key), place)


def last_line(error: BaseException) -> str:
    """What a person reads of an exception."""
    try:
        return traceback.format_exception_only(error)[-1].strip()
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return type(error).__name__


if __name__ == "__main__":
    main()

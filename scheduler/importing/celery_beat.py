"""From the entries of a Celery app's `beat_schedule` to jobs that send the same tasks.

Celery's crontab wants a day to match both of its day fields, where cron wants either; its numbers are cron's (0 is
Sunday), its ranges may wrap around. An interval is counted by beat from its own last run, by us from 1970.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from scheduler.core import celery_options
from scheduler.core.job import duration_text
from scheduler.importing.actions import send_task
from scheduler.importing.expressions import Wanted, expression
from scheduler.importing.found import Found, ImportedJob, LeftOut, NoCounterpart, Plain, one_line, paragraphs
from scheduler.importing.zones import known_zone

LONGEST_S = 3650 * 86_400
_SHORTEST_WINDOW_S = 18  # beyond lease_duration + retry_period
_REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")
_DAY_FIELDS = (2, 4)
_OURS = frozenset(["task_id", "retry", "retry_policy", "producer", "publisher", "connection"])

REMARKS = paragraphs("""
Each job sends its task by name, as the action celery does: Celery must be installed beside leasebeat
(leasebeat[celery]), the app need not be. The broker is the one that CELERY_BROKER_URL names. A run has succeeded when
the broker has the message.

The app's code is not run for it: queue, serializer and the options of a task's own definition are written out as they
were at the import, while signals and an apply_async of a task's own are not heard.

beat counts an interval from its own last run, so that a restart shifts it; every is counted from
1970-01-01T00:00Z, by all replicas alike.

When clocks change, a schedule with numbers for minute and hour that falls into the skipped hour is run right after
the change (beat: up to an hour later); one with * goes by the clock, so it leaves that hour out (beat: runs once
after it) and goes on through the hour that comes twice (beat: pauses).

After a crash of the leader in the very moment of sending, a message may be sent twice, with one task id, the run
id; delivery: at_most_once rather loses it.
""")


def from_app(reference: str, facts: Mapping[str, Any], zone_here: str) -> Found:
    """What the app's `beat_schedule` holds; `zone_here` is for an app that goes by the machine's local time."""
    zone = known_zone(facts["zone"]) or (zone_here if facts["zone"] is None else None)
    jobs: list[ImportedJob] = []
    left_out: list[LeftOut] = []
    for entry in facts["entries"]:
        try:
            jobs.append(_job(entry, zone, facts["deadline_s"]))
        except NoCounterpart as reason:
            left_out.append(LeftOut(one_line(entry["name"], 80), one_line(str(reason))))
    table: dict[str, Plain] = {"timezone": zone or "UTC", "defaults": {"overlap": "allow"}}
    return Found(f"celery {reference}", table, tuple(jobs), tuple(left_out), REMARKS, _of_all(facts, zone))


def _of_all(facts: Mapping[str, Any], zone: str | None) -> tuple[str, ...]:
    told = []
    if facts["zone"] is None:
        told.append(
            f"the app goes by the machine's local time (enable_utc=False): timezone {zone} is that of this machine"
        )
    if facts["scheduler"]:
        told.append(
            f"beat_scheduler {one_line(facts['scheduler'], 80)} may have entries elsewhere: only beat_schedule is read"
        )
    if facts["transport"]:
        told.append(
            f"broker_transport_options ({one_line(', '.join(facts['transport']), 80)}) are the app's own: the action "
            "celery sends without them"
        )
    return tuple(told)


def _job(entry: Mapping[str, Any], zone: str | None, deadline_s: float | None) -> ImportedJob:
    if "problem" in entry:
        raise NoCounterpart(entry["problem"])
    differs: list[str] = []
    keys = _schedule(entry["schedule"], zone, differs)
    if deadline_s is not None and "cron" in keys:
        keys["catch_up_window"] = _window(deadline_s, differs)
    options = entry["of_task"] | entry["options"] | entry["of_app"]
    _tell_options(entry, options, differs)
    options = {name: value for name, value in options.items() if name not in _OURS}
    for name, value in options.items():
        if wanted := celery_options.wanted_of(name, value):
            raise NoCounterpart(f"Celery itself refuses its option {name}, which has to be {wanted}")
    _refuse_references([entry["task"], entry["args"], entry["kwargs"], options])
    action = send_task(entry["task"], entry["args"], entry["kwargs"], options)
    name, source = entry["name"], one_line(f"{entry['name']}: {_as_written(entry['schedule'])}")
    return ImportedJob(one_line(name, 80), name, keys | dict(action), (source,), tuple(differs))


def _as_written(schedule: Mapping[str, Any]) -> str:
    if schedule["kind"] == "interval":
        return f"every {schedule['seconds']:g} s"
    return f"crontab({' '.join(word or '...' for word in schedule['words'])})"


def _schedule(schedule: Mapping[str, Any], zone: str | None, differs: list[str]) -> dict[str, Plain]:
    match schedule["kind"]:
        case "crontab":
            return _crontab(schedule, zone, differs)
        case "interval":
            return _interval(schedule, differs)
        case "solar":
            raise NoCounterpart("solar schedules have no counterpart")
        case _:
            raise NoCounterpart(f"{schedule['text']} has no counterpart")


def _crontab(schedule: Mapping[str, Any], zone: str | None, differs: list[str]) -> dict[str, Plain]:
    own = known_zone(schedule["zone"])
    if (schedule["zone"] and not own) or not (own or zone):
        raise NoCounterpart(f"its time zone {schedule['zone'] or 'of the app'} is unknown")
    values = tuple(frozenset(field) for field in schedule["values"])
    words = tuple(re.sub(r"\s", "", word) for word in schedule["words"])
    text = expression(Wanted(values, words, both_days=True))
    if text is None and "*" in (words[2], words[4]):
        raise NoCounterpart("names no day that ever comes")
    if text is None:
        both = " and ".join(one_line(words[field] or "…", 40) for field in _DAY_FIELDS)
        raise NoCounterpart(
            f"Celery ANDs day_of_month and day_of_week ({both}), which cron cannot say: run it on these weekdays and "
            "test the date in the task"
        )
    if "*" not in (words[2], words[4]):
        differs.append(_both_days(text, words))
    return {"cron": text, **({"timezone": own} if own and own != zone else {})}


def _both_days(text: str, words: tuple[str, ...]) -> str:
    if text.split()[2::2] == [words[2], words[4]]:
        return f'"{text}": a day must match both day fields, since one of them begins with *'
    return f'Celery ANDs day_of_month and day_of_week, cron ORs them: written as "{text}"'


def _interval(schedule: Mapping[str, Any], differs: list[str]) -> dict[str, Plain]:
    seconds = schedule["seconds"]
    if not 1 <= seconds <= LONGEST_S or seconds != int(seconds):
        raise NoCounterpart(f"every {seconds:g} s: a period is of whole seconds, at least 1s and at most 10 years")
    if schedule["relative"]:
        differs.append("relative=True rounds to the clock; every is counted from 1970-01-01T00:00Z, offset shifts it")
    return {"every": duration_text(timedelta(seconds=int(seconds)))}


def _window(deadline_s: float, differs: list[str]) -> str:
    window_s = min(max(int(deadline_s), _SHORTEST_WINDOW_S), LONGEST_S)
    if window_s != deadline_s:
        differs.append(f"beat_cron_starting_deadline is {deadline_s:g} s; a window must outlast a crash of the leader")
    return duration_text(timedelta(seconds=window_s))


def _tell_options(entry: Mapping[str, Any], options: Mapping[str, Any], differs: list[str]) -> None:
    of_task = sorted(entry["of_task"].keys() - entry["options"].keys())
    if of_task:
        differs.append(f"{', '.join(of_task)}: of the task's own definition, which send_task need not know")
    if "expires" in options:
        differs.append("expires counts from the sending, so a tick that is caught up late has all of it")
    if "task_id" in options:
        differs.append("task_id is the run id, another one for each run")
    if ours := sorted(options.keys() & _OURS - {"task_id"}):
        differs.append(f"{', '.join(ours)}: left out, the connection to the broker is leasebeat's own")
    if "exchange" in entry["of_app"]:
        differs.append("its queue hangs on an exchange of another name: see that the workers get what is sent")


def _refuse_references(value: object) -> None:
    """An argument that is nothing but `${NAME}` would be taken for a reference."""
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        raise NoCounterpart(f"the argument {value} would be read as a reference")
    if isinstance(value, Mapping):
        _refuse_references(list(value.values()))
    if isinstance(value, list):
        for part in value:
            _refuse_references(part)

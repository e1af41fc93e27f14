"""From CronJobs to jobs that start the same Kubernetes Jobs.

The CronJob's template is copied: what runs, its limits, its retries and its deadline are as they were. What becomes
ours is when a Job is started, what it is called, and what happens if the one before still runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from scheduler.core.job import duration_text
from scheduler.importing.actions import start_job
from scheduler.importing.found import Found, ImportedJob, LeftOut, NoCounterpart, Plain, one_line, paragraphs
from scheduler.importing.robfig import schedule_key, without_zone
from scheduler.importing.templates import copied_template
from scheduler.importing.zones import known_zone

_OVERLAP = {"Allow": "allow", "Forbid": "skip", "Replace": "replace"}
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_SHORTEST_WINDOW_S, _LONGEST_S = 18, 3650 * 86_400  # beyond lease_duration + retry_period; ten years
_USUAL_PARALLEL, _MOST_PARALLEL = 16, 1000

REMARKS = paragraphs("""
Each job makes a Kubernetes Job from what its CronJob had under jobTemplate, and follows it to its end. The CronJob is
needed no more. The chart grants what leasebeat needs for it; leasebeat check --cluster says what is missing.

A Job is named after its run, so the next leader finds it after a crash and goes on to follow it. Retries and deadline
are the Job's own (backoffLimit, activeDeadlineSeconds), hence timeout: none. A Job that has ended is kept for a day
(kubernetes_job.ttl), unless the template has ttlSecondsAfterFinished; a CronJob keeps the last few.

In a zone with daylight saving a CronJob leaves out a time that is skipped and runs twice at one that comes
twice; here the first runs right after the change and the second once, unless minute or hour begin with *.
""")


def from_cronjobs(origin: str, objects: Sequence[Mapping[str, Any]]) -> Found:
    """What these CronJob objects hold, of one namespace or of many."""
    jobs: list[ImportedJob] = []
    left_out: list[LeftOut] = []
    for cronjob in objects:
        name = _entry(cronjob)
        try:
            jobs.append(_job(name, cronjob))
        except NoCounterpart as reason:
            left_out.append(LeftOut(name, one_line(str(reason))))
    table: dict[str, Plain] = {"timezone": "UTC", "defaults": {"timeout": "none", "catch_up_window": "7d"}}
    if len(jobs) > _USUAL_PARALLEL:
        table["max_parallel"] = min(len(jobs), _MOST_PARALLEL)
    return Found(origin, table, tuple(jobs), tuple(left_out), REMARKS, _of_namespaces(objects))


def _of_namespaces(objects: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Where the Jobs were made, which from now on is the namespace of the Lease."""
    found = sorted({str(_map(cronjob, "metadata").get("namespace") or "") for cronjob in objects} - {""})
    if not found:
        return ()
    where = one_line(", ".join(found), 120)
    several = "; of several namespaces, import each by itself" if len(found) > 1 else ""
    return (f"the Jobs were made in namespace {where}; they are made in that of leasebeat's Lease now{several}",)


def _entry(cronjob: Mapping[str, Any]) -> str:
    metadata = _map(cronjob, "metadata")
    parts = [str(metadata[key]) for key in ("namespace", "name") if metadata.get(key)]
    return one_line("/".join(parts), 120) or "a CronJob without a name"


def _job(entry: str, cronjob: Mapping[str, Any]) -> ImportedJob:
    metadata, spec = _map(cronjob, "metadata"), _map(cronjob, "spec")
    name, namespace = metadata.get("name"), metadata.get("namespace")
    for text in (name, *([namespace] if namespace else [])):
        if not isinstance(text, str) or not _NAME.fullmatch(text):
            raise NoCounterpart("its name is not that of an object")
    differs: list[str] = []
    keys = _schedule(spec, differs)
    policy = str(spec.get("concurrencyPolicy") or "Allow")
    if policy not in _OVERLAP:
        raise NoCounterpart(f"unknown concurrencyPolicy {one_line(policy, 40)}")
    keys["overlap"] = _OVERLAP[policy]
    _deadline(spec, keys, differs)
    if spec.get("suspend") is True:
        keys["enabled"] = False
        differs.append("it is suspended, hence enabled: false")
    assert isinstance(name, str)
    action = start_job(copied_template(spec.get("jobTemplate"), differs))
    source = one_line(f"CronJob {entry}: {' '.join(str(spec.get('schedule')).split())}")
    return ImportedJob(entry, name, keys | dict(action), (source, *_of_the_template(spec)), tuple(differs))


def _schedule(spec: Mapping[str, Any], differs: list[str]) -> dict[str, Plain]:
    written = spec.get("schedule")
    if not isinstance(written, str):
        raise NoCounterpart("it has no schedule")
    prefix, schedule = without_zone(written)
    stated = spec.get("timeZone") or prefix
    zone = known_zone(str(stated)) if stated else "UTC"
    if zone is None:
        raise NoCounterpart(f"unknown time zone {one_line(str(stated), 60)}")
    key, value = schedule_key(schedule)
    if prefix:
        differs.append("the zone of the schedule is written as timezone")
    if key == "every":
        differs.append("@every counts from the last Job; every is counted from 1970-01-01T00:00Z, offset shifts it")
    elif value != " ".join(schedule.split()) and not schedule.startswith("@"):
        differs.append(
            f'"{one_line(schedule, 80)}" is written as "{value}", which means to cron what it means to a CronJob'
        )
    if not stated and key == "cron":
        differs.append("without timeZone a CronJob goes by the clock of the controller manager, nearly always UTC")
    return {key: value, **({"timezone": zone} if zone != "UTC" else {})}


def _deadline(spec: Mapping[str, Any], keys: dict[str, Plain], differs: list[str]) -> None:
    """How late it may start, which is a window for catching up."""
    seconds = spec.get("startingDeadlineSeconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        return
    window_s = min(max(seconds, _SHORTEST_WINDOW_S), _LONGEST_S)
    if window_s != seconds:
        differs.append(f"startingDeadlineSeconds is {seconds}; a window must outlast a crash of the leader")
    keys["catch_up_window"] = duration_text(timedelta(seconds=window_s))


def _of_the_template(spec: Mapping[str, Any]) -> list[str]:
    """What the Job goes on doing by itself."""
    of_job = _map(_map(spec, "jobTemplate"), "spec")
    kept = {"activeDeadlineSeconds": of_job.get("activeDeadlineSeconds"), "backoffLimit": of_job.get("backoffLimit")}
    said = ", ".join(f"{key} {value}" for key, value in kept.items() if isinstance(value, int))
    return [f"the Job's own: {said}"] if said else []


def _map(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}

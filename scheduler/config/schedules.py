"""From a job's schedule keys to the core's schedules, which know what is wrong with an expression or a local time."""

from __future__ import annotations

import re
from datetime import timedelta

from scheduler.config.checking import Draft, Finding
from scheduler.config.mistakes import MOST_TOLD, Mistake, expected, printable
from scheduler.config.models.file import JobKeys
from scheduler.config.text.strangers import is_crontab_line
from scheduler.config.values.schemas import LONGEST_CRON
from scheduler.core.job import Schedule, duration_text
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from scheduler.core.timing.cron import CronError, cron_problems
from scheduler.core.timing.zones import NoSuchLocalTime, local_instant, zone

_LONGEST_COMMAND = 30
_LONGEST_SENTENCE = 200  # of the core's, which quotes the expression

Schedules = dict[str, Schedule]


class _Wrong(Exception):
    """The schedule is faulty, for these reasons."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


def schedules_of(draft: Draft) -> tuple[Schedules, list[Finding]]:
    """The schedule of each job that has a sound one, and what is wrong with the others."""
    schedules: Schedules = {}
    findings: list[Finding] = []
    for name, job in draft.keys.jobs.items():
        for read in (_cron, _every, _at):
            try:
                if schedule := read(draft, name, job):
                    schedules[name] = schedule
            except _Wrong as wrong:
                findings.extend(wrong.findings)
        if len(findings) > MOST_TOLD:
            break
    return schedules, findings


def zone_of(draft: Draft, name: str) -> str | None:
    """The name of the time zone that the job's schedule is in; None where the file's is faulty."""
    stated = draft.keys.jobs[name].timezone
    if stated or not draft.intact("jobs", name, "timezone"):
        return stated
    return draft.keys.timezone if draft.intact("timezone") else None


def _cron(draft: Draft, name: str, job: JobKeys) -> Schedule | None:
    if job.cron is None:
        return None
    path = ("jobs", name, "cron")
    if len(job.cron) > LONGEST_CRON:
        raise _Wrong((path, Mistake(f"expected at most {LONGEST_CRON} characters", "cron-fields")))
    try:
        # An unknown zone is reported where it stands; what the expression says can be judged in any.
        return CronSchedule(job.cron, zone_of(draft, name) or "UTC", name)
    except CronError as error:
        if foreign := _no_cron(job.cron, name):
            raise _Wrong((path, foreign)) from None
        errors = cron_problems(job.cron, name) or [error]
    raise _Wrong(*((path, _cron_mistake(error)) for error in errors))


def _no_cron(written: str, name: str) -> Mistake | None:
    """What the text is instead: a line of a crontab, with its command, or words."""
    if is_crontab_line(written):
        count = 1 if written.startswith("@") else 5
        *fields, command = written.split(maxsplit=count)
        cron = " ".join(fields)
        if not cron_problems(cron, name):
            message = f"expected only the times, got the command {printable(command, _LONGEST_COMMAND)} too"
            start = len(written) - len(command)
            hint = f'write cron: "{cron}" and put the command into shell:'
            return Mistake(message, "cron-fields", hint, span=(start, len(written)))
    if re.search(r"\b(every|each|daily|hourly|weekly|at)\b", written.lower()) and not written.startswith("@"):
        return Mistake("expected a cron expression, got words", "cron-fields", 'at 03:00 every day is "0 3 * * *"')
    return None


def _cron_mistake(error: CronError) -> Mistake:
    hint = printable(error.hint, _LONGEST_SENTENCE) if error.hint else None
    return Mistake(printable(error.message, _LONGEST_SENTENCE), error.code, hint, span=(error.start, error.end))


def _every(_: Draft, name: str, job: JobKeys) -> Schedule | None:
    if job.every is None:
        return None
    offset = job.offset or 0
    if offset >= job.every:
        every = duration_text(timedelta(seconds=job.every))
        raise _Wrong((("jobs", name, "offset"), expected(f"less than every ({every})", "offset")))
    return EverySchedule(job.every, offset)


def _at(draft: Draft, name: str, job: JobKeys) -> Schedule | None:
    if job.at is None:
        return None
    if job.at.tzinfo:
        return AtSchedule(job.at)
    stated = zone_of(draft, name)
    if stated is None:
        return None
    try:
        return AtSchedule(local_instant(job.at, zone(stated)))
    except NoSuchLocalTime as error:
        hint = f"write {error.moved:%Y-%m-%dT%H:%M:%S} or {error.instant:%Y-%m-%dT%H:%M:%S}Z"
        raise _Wrong((("jobs", name, "at"), Mistake(str(error), "dst-gap", hint))) from None

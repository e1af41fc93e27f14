"""From crontabs to jobs: the schedule is ours already, the rest is what cron does around a command.

cron starts a command whether or not the one before has ended, and never ends one, so the jobs' defaults say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduler.core.errors import Problem
from scheduler.core.schedule import CronSchedule
from scheduler.core.timing.cron import NEVER, CronError, cron_problems
from scheduler.importing.actions import Command, run_command
from scheduler.importing.crontab_lines import CrontabEntry, entries
from scheduler.importing.found import Found, ImportedJob, LeftOut, NoCounterpart, Plain, one_line, paragraphs
from scheduler.importing.programs import program
from scheduler.importing.zones import known_zone

_FOR_CRON_ITSELF = {
    "MAILTO",
    "MAILFROM",
    "CONTENT_TYPE",
    "CONTENT_TRANSFER_ENCODING",
    "RANDOM_DELAY",
    "CRON_TZ",
    "SHELL",
}
_STEP = re.compile(r"(\*|\d+-\d+)/(\d+)")
_NTH = re.compile(r"#\d+")
_RANDOM = re.compile(r"(\d*)~(\d*)")
_ELSEWHERE = {"@every_minute": "* * * * *"}
_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_FIELD_COUNT = 5
_SOME_JOB = "import"

REMARKS = paragraphs("""
cron runs a command in its user's home, with PATH=/usr/bin:/bin and little else. Jobs run in the folder of this
file, as the user of the replica and with its environment; what they need is in the image.

cron mails what a command prints; here it is in the log, as run.output.

cron forgets what falls due while it is down. Here the latest missed tick of the last hour is run (catch_up),
and a run that was cut off by a crash is started again; catch_up: none and delivery: at_most_once are cron's
way.
""")
_TABLE: dict[str, Plain] = {"defaults": {"overlap": "allow", "timeout": "none"}}


@dataclass(frozen=True, slots=True)
class Crontab:
    """One crontab: its name, its text, and whether its entries name a user."""

    file: str
    text: str
    with_user: bool


def from_crontabs(crontabs: Iterable[Crontab], zone: str, remark: str | None = None) -> Found:
    """What these crontabs hold, their schedules being in this time zone unless they say another; `remark` says why."""
    jobs: list[ImportedJob] = []
    left_out: list[LeftOut] = []
    names = []
    for crontab in crontabs:
        names.append(crontab.file)
        for entry in entries(crontab.file, crontab.text, with_user=crontab.with_user):
            try:
                jobs.append(_job(entry, zone))
            except _Wrong as wrong:
                left_out.append(LeftOut(f"line {entry.number}", wrong.problem.message, wrong.problem))
            except NoCounterpart as reason:
                left_out.append(LeftOut(f"line {entry.number}", str(reason)))
    remarks = (*REMARKS, *([remark] if remark else []))
    return Found(f"crontab {', '.join(names)}", {"timezone": zone} | _TABLE, tuple(jobs), tuple(left_out), remarks)


class _Wrong(Exception):
    """The line is none that cron would take."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


def _job(entry: CrontabEntry, zone: str) -> ImportedJob:
    if not entry.schedule:
        hint = "minute hour day month weekday, then the command"
        raise _Wrong(entry.problem("expected five fields and a command", "cron-fields", _whole(entry), hint))
    if not entry.command:
        what = "a user and a command" if entry.user == "" else "a command"
        raise _Wrong(entry.problem(f"expected {what} after the schedule", "crontab", _whole(entry)))
    differs: list[str] = []
    timezone = _zone(entry, differs)
    cron = _cron(entry, timezone or zone, differs)
    action = run_command(_command(entry, differs))
    keys: dict[str, Plain] = {"cron": cron, **({"timezone": timezone} if timezone and timezone != zone else {})}
    source = (*entry.comments, one_line(f"{entry.place}: {entry.line.strip()}"))
    return ImportedJob(f"line {entry.number}", program(entry.command), keys | dict(action), source, tuple(differs))


def _whole(entry: CrontabEntry) -> tuple[int, int]:
    return len(entry.line) - len(entry.line.lstrip()), len(entry.line.rstrip())


def _zone(entry: CrontabEntry, differs: list[str]) -> str | None:
    """The zone that the crontab states: cronie's CRON_TZ; a TZ is the command's alone."""
    stated = entry.variables.get("CRON_TZ")
    if "TZ" in entry.variables and not stated:
        differs.append(f"TZ={entry.variables['TZ']} is for the command alone, as in cron; the schedule has timezone")
    if not stated:
        return None
    name = known_zone(stated)
    if name is None:
        raise NoCounterpart(f"unknown time zone CRON_TZ={one_line(stated, 60)}")
    differs.append("CRON_TZ is heeded, as by cronie; Debian's cron goes by the machine's zone")
    return name


def _cron(entry: CrontabEntry, zone: str, differs: list[str]) -> str:
    """The schedule as ours; what cron takes and we do not is rewritten where it means something."""
    written = entry.schedule
    expression = _ELSEWHERE.get(written.lower(), written)
    if expression.startswith("-"):  # cronie: do not log this one
        expression = expression[1:]
        differs.append("the - before the schedule, which keeps cronie from logging it, is dropped")
    if not expression.startswith("@"):
        expression = _rewritten(expression)
    if expression not in (written, written[1:]):
        differs.append(f'"{written}" is written as "{expression}"' + _why(written))
    problems = cron_problems(expression, _SOME_JOB) or _never(expression, zone)
    if not problems:
        differs.extend(
            f"Debian's cron ignores {nth} and runs on every such weekday" for nth in _NTH.findall(expression)[:1]
        )
        return " ".join(expression.split())
    first = problems[0]
    if first.code == NEVER or expression.startswith("@"):
        raise NoCounterpart(first.message)
    start = entry.line.find(written)
    span = (start + first.start, start + first.end) if expression == written else (start, start + len(written))
    raise _Wrong(entry.problem(first.message, first.code, span, first.hint))


def _never(expression: str, zone: str) -> list[CronError]:
    try:
        CronSchedule(expression, zone, _SOME_JOB)
    except CronError as error:
        return [error]
    return []


def _rewritten(expression: str) -> str:
    words = expression.split()
    if len(words) != _FIELD_COUNT:
        return expression
    new = [_field(word, first, last) for word, (first, last) in zip(words, _FIELDS, strict=True)]
    for field, other in ((2, 4), (4, 2)):
        if words[field].startswith("*") and not new[field].startswith("*") and not words[other].startswith("*"):
            raise NoCounterpart(f"a day must match {words[field]} and {words[other]}, which only a * can say")
    return expression if new == words else " ".join(new)


def _field(word: str, first: int, last: int) -> str:
    """One field with what we refuse rewritten: a step beyond the range, and cronie's random value."""

    def wide(found: re.Match[str]) -> str:
        low, high = (int(end) for end in found[1].split("-")) if found[1] != "*" else (first, last)
        return str(low) if int(found[2][:9]) > max(high - low, 1) and low <= high else found[0]

    def random(found: re.Match[str]) -> str:
        return f"H({found[1] or first}-{found[2] or last})" if found[1] or found[2] else "H"

    return ",".join(
        _RANDOM.sub(random, _STEP.sub(wide, term)) if _RANDOM.fullmatch(term) or _STEP.fullmatch(term) else term
        for term in word.split(",")
    )


def _why(written: str) -> str:
    if "~" in written:
        return ": a value of the job's own, the same on every replica, instead of a random one"
    return ": a step beyond the range leaves its first value" if "/" in written else ""


def _command(entry: CrontabEntry, differs: list[str]) -> Command:
    variables = entry.variables
    if entry.user:
        differs.append(f"ran as {one_line(entry.user, 60)}; here as the user of the replica")
    if variables.get("MAILTO"):
        differs.append(f"MAILTO={one_line(variables['MAILTO'], 60)}: nothing is mailed, the output is in the log")
    if delay := variables.get("RANDOM_DELAY"):
        differs.append(f"RANDOM_DELAY={one_line(delay, 20)} (minutes): not taken over; spread jobs by H or by jitter")
    if entry.stdin is not None:
        differs.append("the input after % is written as a here-document")
    shell, folder = variables.get("SHELL") or "/bin/sh", variables.get("HOME")
    return Command(entry.command, entry.stdin, shell, folder, _env(variables))


def _env(variables: Mapping[str, str]) -> dict[str, str]:
    """What the command is given; cron's own settings are not for it, nor are names that no shell could use."""
    return {
        name: value
        for name, value in variables.items()
        if name not in _FOR_CRON_ITSELF and re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
    }

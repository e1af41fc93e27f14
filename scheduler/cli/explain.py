"""`leasebeat explain`: a schedule in words, its next ticks, and its traps."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NoReturn

import click

from scheduler.cli import completing, parameters
from scheduler.cli.instants import occasions
from scheduler.cli.options import common_options, gathered
from scheduler.clock import SystemClock
from scheduler.config.mistakes import Mistake, printable
from scheduler.config.values.durations import read_duration
from scheduler.config.values.schemas import LONGEST_CRON
from scheduler.core.schedule import CronSchedule, EverySchedule, ticks_between
from scheduler.core.timing.cron import CronError, cron_problems
from scheduler.core.timing.zones import UnknownZone, zone
from scheduler.core.views.upcoming import LAST
from scheduler.core.wording.schedules import in_words
from scheduler.core.wording.traps import Trap, cron_traps, every_traps

EXAMPLES = """\b
Examples:
  leasebeat explain "0 0 13 * 5" --timezone Europe/Berlin
  leasebeat explain "H H(1-5) * * *" --job nightly-report -N 5
"""
NO = 1
DEFAULT_COUNT = 3
MOST_COUNT = 1000
MOST_WORDS = 6  # of an expression; more are file names that the shell put in place of an unquoted *
_EVERY = re.compile(r"every:? *([0-9a-z]+)(?: *\+ *([0-9a-z]+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One mistake, and the part of what was typed that it is about."""

    message: str
    code: str
    hint: str | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line: the schedule as text, its zone, the job's name, and which ticks to show."""

    text: str
    timezone: str
    job: str | None
    count: int
    start: datetime | None

    def schedule(self) -> CronSchedule | EverySchedule:
        """Read the text; raises `CronError` or `Mistake`."""
        if every := _EVERY.fullmatch(self.text.strip()):
            period, offset = (int(read_duration(part or "0s").total_seconds()) for part in every.groups())
            if period < 1:
                raise Mistake("expected a period of at least 1s", "duration")
            return EverySchedule(period, offset)
        if len(self.text) > LONGEST_CRON:
            raise Mistake(f"expected at most {LONGEST_CRON} characters", "cron-fields")
        schedule = CronSchedule(self.text, self.timezone, self.job or "")
        if self.job is None and any(term.startswith("H") for term in re.split(r"[ ,]", schedule.read.text)):
            raise click.UsageError("H stands for a number that is drawn from the name of the job: add --job NAME")
        return schedule


class Answer:
    """What there is to say about a schedule."""

    def __init__(self, asked: Asked, schedule: CronSchedule | EverySchedule) -> None:
        since = asked.start or SystemClock().wall()
        self._schedule, self._zone = schedule, zone(asked.timezone)
        self._ticks = list(islice(ticks_between(schedule, since, LAST), asked.count))
        if isinstance(schedule, EverySchedule):
            self._traps = list(every_traps(schedule, asked.timezone))
        else:
            self._traps = list(cron_traps(schedule, since))

    @property
    def lines(self) -> list[str]:
        """For people: the words with the next ticks, then a line for each trap."""
        coming = f"; next {occasions(self._ticks, self._zone)}" if self._ticks else ""
        warnings = [f"warning: {_sentence(trap)} [{trap.code}]" for trap in self._traps]
        return [in_words(self._schedule) + coming, *warnings]

    @property
    def facts(self) -> dict[str, object]:
        """For machines."""
        return {
            "schedule": self._schedule.text,
            "words": in_words(self._schedule),
            "zone": str(self._zone),
            "next": [tick.astimezone(self._zone).isoformat() for tick in self._ticks],
            "warnings": [{"code": trap.code, "message": trap.message, "hint": trap.hint} for trap in self._traps],
        }


def _sentence(trap: Trap) -> str:
    return trap.hint if trap.worded else f"{trap.message}; {trap.hint}"


def _zone(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return str(zone(value))
    except UnknownZone as error:
        raise click.BadParameter(f"{error}; {error.hint}") from None


@click.command(epilog=EXAMPLES)
@click.argument("words", nargs=-1, required=True, metavar="CRON")
@click.option("--timezone", default="UTC", callback=_zone, metavar="ZONE", help="Zone of the schedule [UTC]")
@click.option("--job", metavar="NAME", help="Name of the job, which H is drawn from", shell_complete=completing.jobs)
@click.option(
    "-N", "--count", type=click.IntRange(0, MOST_COUNT), default=DEFAULT_COUNT, help=f"Ticks to show [{DEFAULT_COUNT}]"
)
@click.option("--from", "start", metavar="TIME", callback=parameters.time, help="Show ticks after this time [now]")
@common_options
@click.pass_context
def explain(context: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Explain a schedule: a cron expression, or a period such as every 15m."""
    if len(words) > MOST_WORDS:
        raise click.UsageError(f"expected one schedule, got {len(words)} words; quote it: the shell replaces a bare *")
    asked = Asked(" ".join(words), *(given.pop(name) for name in ("timezone", "job", "count", "start")))
    as_json = bool(gathered(context, given).as_json)
    try:
        schedule = asked.schedule()
    except CronError as error:
        mistakes = cron_problems(asked.text, asked.job or "") or [error]
        _refuse(context, asked.text, [_of_cron(mistake) for mistake in mistakes], as_json=as_json)
    except Mistake as mistake:
        wrong = Wrong(f"{mistake.message}, got {printable(asked.text)}", mistake.code, mistake.hint)
        _refuse(context, asked.text, [wrong], as_json=as_json)
    answer = Answer(asked, schedule)
    click.echo(json.dumps(answer.facts, indent=1) if as_json else "\n".join(answer.lines))


def _of_cron(error: CronError) -> Wrong:
    return Wrong(error.message, error.code, error.hint, (error.start, error.end))


def _refuse(context: click.Context, text: str, mistakes: Sequence[Wrong], *, as_json: bool) -> NoReturn:
    """Say what is wrong, each mistake under its part of what was typed, and end with the answer no."""
    if as_json:
        errors = [{"code": wrong.code, "message": wrong.message, "hint": wrong.hint} for wrong in mistakes]
        click.echo(json.dumps({"schedule": text, "errors": errors}, indent=1))
    for wrong in () if as_json else mistakes:
        click.echo(_mistake(text, wrong), err=True)
    context.exit(NO)


def _mistake(text: str, wrong: Wrong) -> str:
    first = f"error: {printable(wrong.message, 200)} [{wrong.code}]"
    hint = printable(wrong.hint, 200) if wrong.hint else ""
    if wrong.span is None or printable(text, LONGEST_CRON) != text:
        return f"{first}\n  {hint}".rstrip()
    carets = " " * wrong.span[0] + "^" * max(wrong.span[1] - wrong.span[0], 1)
    return f"{first}\n  {text}\n  {carets} {hint}".rstrip()

"""What `pause`, `resume` and `reset` have in common: which jobs are meant, the asking, and how it is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from scheduler.cli.asking.leader import leaders_status
from scheduler.cli.asking.notes import LONGEST_REASON, REQUEST_S, Asking, Heard, Words, command
from scheduler.cli.asking.place import Standpoint, standpoint
from scheduler.cli.options import Options
from scheduler.cli.parameters import chosen
from scheduler.cli.progress import Progress
from scheduler.core.errors import StoreError
from scheduler.core.notes.commands import Command, Do
from scheduler.core.ports import Clock
from scheduler.core.timing.zones import UnknownZone, zone
from scheduler.telling.shapes import harmless

REFUSED = 1
TAKEN_BACK = "\ntaken back: nothing will happen"
TOO_LATE = "\nthe leader may have heard it already: leasebeat status shows it"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, and of which jobs; none stands for all of them."""

    do: Do
    jobs: tuple[str, ...]
    reason: str | None = None
    until: datetime | None = None


@contextmanager
def asked_from(options: Options, clock: Clock) -> Iterator[Standpoint]:
    """The standpoint, whose store is closed in the end."""
    stand = standpoint(options, clock.wall())
    try:
        yield stand
    finally:
        stand.store.close()


def ask(stand: Standpoint, request: Request, clock: Clock, *, may_wait: bool = False) -> Heard:
    """Send it and wait until it was heard; wrong usage if the leader's own table, which is ours, lacks a job.

    `may_wait`: it may stay on the Lease while a leader that lives leaves it for later.
    """
    _refuse_strangers(stand, request.jobs)
    words, at = Words(stand.who(), request.reason, request.until), clock.wall()
    commands = [command(request.do, job, at, words) for job in request.jobs or (None,)]
    asking = Asking(stand.store, clock)
    try:
        with Progress("waiting for the leader", quiet=bool(stand.options.quiet)):
            return asking.until_heard(commands, may_wait=may_wait)
    except KeyboardInterrupt:
        click.echo(TAKEN_BACK if asking.take_back(commands) else TOO_LATE, err=True)
        raise


def names(jobs: tuple[str, ...], *, every: bool) -> tuple[str, ...]:
    """The jobs of the command line, each once; `()` for all of them, which must be asked for as such."""
    if bool(jobs) == every:
        raise click.UsageError("name the jobs, or say --all" if not jobs else "--all leaves nothing to name")
    return tuple(dict.fromkeys(jobs))


def reason(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """A few words: they are shown in tables and kept on the Lease."""
    if value is not None and len(value) > LONGEST_REASON:
        raise click.BadParameter(f"expected at most {LONGEST_REASON} characters, got {len(value)}")
    return value or None


def zone_of(stand: Standpoint, jobs: Sequence[str]) -> ZoneInfo:
    """The zone of these jobs, or of most jobs, by the table at hand, else by the leader's; UTC where there is none."""
    table = {job.name: job.zone for job in stand.loaded.table.jobs.values()} if stand.loaded else _leaders_zones(stand)
    zones = [table[name] for name in jobs if name in table] or list(table.values())
    try:
        return zone(Counter(zones).most_common(1)[0][0] if zones else "UTC")
    except UnknownZone:  # this machine may know fewer than the leader's
        return zone("UTC")


def _leaders_zones(stand: Standpoint) -> dict[str, str]:
    """The zone of each job, as the leader says; none where it cannot be asked."""
    try:
        record = stand.store.read(REQUEST_S)
        jobs = leaders_status(stand, record)["jobs"] if record else []
    except StoreError:
        return {}
    return {
        str(job["name"]): str(job["zone"]) for job in jobs if isinstance(job, dict) and {"name", "zone"} <= job.keys()
    }


def when_text(instant: datetime, tz: ZoneInfo) -> str:
    """The date and time by the clock of the zone: `2027-01-15 00:00 CET`."""
    local = instant.astimezone(tz)
    return f"{local:%Y-%m-%d %H:%M:%S %Z}" if local.second else f"{local:%Y-%m-%d %H:%M %Z}"


def report(options: Options, heard: Heard, sentence: Callable[[Command], str]) -> int:
    """Tell what became of each command, in a `sentence` where it was done; the exit code."""
    if options.as_json:
        click.echo(json.dumps([_fact(heard, one) for one in heard.commands], indent=1))
    for one in heard.commands:
        why = heard.refused.get(one.id)
        if why is not None:
            click.echo(f"error: the leader refused: {harmless(why)}", err=True)
        elif not (options.as_json or options.quiet):
            click.echo(sentence(one))
    return REFUSED if heard.refused else 0


def _fact(heard: Heard, one: Command) -> dict[str, object]:
    until = one.until.astimezone(UTC).isoformat().replace("+00:00", "Z") if one.until else None
    refused = heard.refused.get(one.id)
    return {"id": one.id, "do": one.do.value, "job": one.job, "until": until, "reason": one.reason, "refused": refused}


def _refuse_strangers(stand: Standpoint, jobs: Sequence[str]) -> None:
    """A slip of the hand is told at once. What a table knows that is not the leader's proves nothing."""
    if jobs and stand.loaded and stand.has_table_of(stand.store.read(REQUEST_S)):
        chosen(stand.loaded.table, tuple(jobs))

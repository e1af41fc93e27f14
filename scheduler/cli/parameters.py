"""What options and arguments stand for: times, durations and jobs of the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from scheduler.config.mistakes import Mistake, meant
from scheduler.config.values.durations import read_duration
from scheduler.core.job import Job, JobTable

YEARS = range(1971, 9000)  # those that ticks lie in


def time(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """Read ISO 8601; without a zone it is UTC."""
    if value is None:
        return None
    try:
        return _instant(value)
    except ValueError as error:
        raise click.BadParameter(f"expected a time such as 2027-03-28T02:00:00Z, got {value}") from error


def times(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[datetime, ...]:
    """Read each as `time` does."""
    return tuple(instant for value in values if (instant := time(context, option, value)))


def span(_context: click.Context, _option: click.Parameter, value: str | None) -> timedelta | None:
    """Read a duration by the rules of config.yaml."""
    try:
        return None if value is None else read_duration(value)
    except Mistake as mistake:
        raise click.BadParameter(f"expected a duration such as 90m or 1d, got {value}") from mistake


def time_or_span(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | timedelta | None:
    """Read a time, or a duration to be counted back from some time."""
    if value is None:
        return None
    try:
        return read_duration(value)
    except Mistake:
        pass
    try:
        return _instant(value)
    except ValueError as error:
        raise click.BadParameter(f"expected 24h, or a time such as 2027-03-28T02:00:00Z, got {value}") from error


def chosen(table: JobTable, names: tuple[str, ...]) -> list[Job]:
    """The jobs of these names, or all; a name that the table does not have is wrong usage."""
    for name in names:
        if name not in table.jobs:
            guess = meant(name, table.jobs)
            raise click.BadParameter(f"no job {name} in the table" + (f"; did you mean {guess}?" if guess else ""))
    return [table.jobs[name] for name in dict.fromkeys(names)] if names else list(table.jobs.values())


def _instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.year not in YEARS:
        raise click.BadParameter(f"expected a year from {YEARS.start} to {YEARS.stop - 1}, got {instant.year}")
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

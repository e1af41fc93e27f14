"""What the tests of `leasebeat import` share: an import's text, read again as config.yaml, and its jobs' ticks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from scheduler.cli.import_sound import sound
from scheduler.config.loading import load
from scheduler.config.settings import Loaded
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.core.job import JobTable
from scheduler.core.schedule import ticks_between
from scheduler.importing.found import Found
from scheduler.importing.writing import config_text

LOADED_AT = datetime(2026, 11, 22, 19, 41, tzinfo=UTC)


def read_back(found: Found) -> Loaded:
    """The text of an import as `check` and `run` read it; fails if it is not right as it was first written."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(config_text(found, "0"), encoding="utf-8")
        return load(file, LOADED_AT, ANY_ENVIRONMENT)


def table_of(found: Found) -> JobTable:
    return read_back(found).table


def as_yaml(found: Found) -> dict[str, dict[str, object]]:
    """The jobs as any reader of YAML has them; the text is also what `import` would print."""
    text = config_text(found, "0")
    assert sound(found)[1].splitlines()[2:] == text.splitlines()[2:]
    jobs = yaml.safe_load(text)["jobs"]
    assert isinstance(jobs, dict)
    return jobs


def ticks(table: JobTable, name: str, after: datetime, span: timedelta) -> list[datetime]:
    schedule = table.jobs[name].schedule
    assert schedule
    return list(ticks_between(schedule, after, after + span))

"""What a shell may complete: the names of jobs, out of the very file that the command line so far names."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from scheduler.cli.options import Options
from scheduler.config.names import job_names


def jobs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The jobs whose names begin so and that were not named yet; none from a file that cannot be read."""
    named = context.params.get(parameter.name or "")
    taken = set(named) if isinstance(named, tuple) else set()
    names = job_names(_config(context))
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name not in taken]


def _config(context: click.Context | None) -> Path:
    """The file as `gathered` would find it; a shell hands the line over as it was typed, before it expands it."""
    named = None
    while context is not None and not named:
        named, context = context.params.get("config"), context.parent
    path = Options(config=named).config_path
    return Path(os.path.expandvars(path)).expanduser() if named else path

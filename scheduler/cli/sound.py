"""Loading config.yaml for a command that needs all of it to be right, the Python functions included."""

from __future__ import annotations

from scheduler.cli.options import Options
from scheduler.cli.progress import Progress
from scheduler.config.imports import unimportable
from scheduler.config.loading import load
from scheduler.config.settings import Loaded
from scheduler.core.errors import ConfigError
from scheduler.core.ports import Clock


def load_sound(options: Options, clock: Clock, *, imports: bool = True) -> Loaded:
    """Load the file the options name; raises ConfigError with every mistake in it, or in what it wants to call."""
    loaded = load(options.config_path, clock.wall())
    if not imports:
        return loaded
    with Progress("checking imports", quiet=bool(options.quiet)) as progress:
        problems = unimportable(loaded, clock, progress=progress)
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return loaded

"""Whether what config.yaml refers to is there: variables of the environment, and files.

A variable that is not set is a mistake: no run would ever get it in this process. A file that is not there is only a
suspicion: it is read by each run, and may be mounted or renewed by then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from scheduler.config.checking import Draft, Finding
from scheduler.config.document import Path as Way
from scheduler.config.mistakes import MOST_TOLD, Mistake, listing, printable
from scheduler.config.references import PLAIN_DOLLAR, Template, Written
from scheduler.core.references import FileReference


def unset_variables(draft: Draft, environment: Mapping[str, str]) -> Iterator[Finding]:
    """The references to variables that the environment does not have."""
    told = 0
    for way, value in _references(draft):
        missing = [name for name in value.names if name not in environment] if isinstance(value, Template) else []
        if missing:
            yield way, _unset(missing)
            told += 1
        if told > MOST_TOLD:
            return


def missing_files(draft: Draft, folder: Path) -> Iterator[Finding]:
    """The references to files that are not there, or cannot be seen; paths are as seen from `folder`."""
    for way, value in _references(draft):
        if isinstance(value, FileReference) and not os.path.exists(folder / value.path):  # noqa: PTH110 - never raises
            hint = "each run reads it as it starts, and fails without it"
            yield way, Mistake(f"no file {printable(value.path)} yet", "env-file", hint, within=("file",))


def _references(draft: Draft) -> Iterator[tuple[Way, Written]]:
    """Every value that may be a reference, and where it is."""
    for name, job in draft.keys.jobs.items():
        for action in ("python", "shell"):
            what = getattr(job, action)
            for variable, value in what.env.items() if what else ():
                yield ("jobs", name, action, "env", variable), value


def _unset(missing: list[str]) -> Mistake:
    one = len(missing) == 1
    message = f"environment variable{'' if one else 's'} {listing(missing, 'and')} {'is' if one else 'are'} not set"
    keys = listing([f"env.{name}" for name in missing], "and")
    return Mistake(message, "env", f"set {'it' if one else 'them'} (chart: {keys}); {PLAIN_DOLLAR}")

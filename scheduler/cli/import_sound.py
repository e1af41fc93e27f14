"""Nothing is written that `leasebeat check` would refuse: what was made is read by the reader of config.yaml first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from scheduler import __version__
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.core.errors import ConfigError, Problem
from scheduler.importing.found import CannotImport, Found, ImportedJob, LeftOut, one_line
from scheduler.importing.writing import config_text, job_names


def sound(found: Found) -> tuple[Found, str]:
    """What was found without the jobs that the reader refuses, which are left out for its reason, and the text."""
    while True:
        text = config_text(found, __version__)
        faults = _faults(text) if found.jobs else []
        if not faults:
            return found, text
        found = _without(found, faults)


def _faults(text: str) -> list[Problem]:
    with TemporaryDirectory(prefix="leasebeat-import-") as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            load(file, SystemClock().wall(), ANY_ENVIRONMENT)
        except ConfigError as error:
            return error.problems
    return []


def _without(found: Found, faults: list[Problem]) -> Found:
    reasons = {fault.path.split(".")[1]: fault for fault in faults if fault.path.startswith("jobs.")}
    kept: list[ImportedJob] = []
    left_out = list(found.left_out)
    for name, job in zip(job_names(found), found.jobs, strict=True):
        if fault := reasons.get(name):
            left_out.append(LeftOut(job.entry, one_line(f"{fault.message} [{fault.code}]")))
        else:
            kept.append(job)
    if len(kept) == len(found.jobs):
        fault = faults[0]
        raise CannotImport(f"no sound config can be made of it: {fault.message} [{fault.code}]", fault.hint)
    return replace(found, jobs=tuple(kept), left_out=tuple(left_out))

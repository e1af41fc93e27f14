"""Load config.yaml: all of it, or every mistake in it at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from scheduler.config.building import collisions, content_hash, job_table, settings
from scheduler.config.checking import Finding, checked
from scheduler.config.document import Document
from scheduler.config.mistakes import Mistake
from scheduler.config.rules.jobs import contradictions
from scheduler.config.rules.lookups import is_installed, missing_files, missing_packages, unset_variables
from scheduler.config.rules.suspicions import suspicions
from scheduler.config.schedules import schedules_of
from scheduler.config.settings import Call, Loaded
from scheduler.config.text.files import read_source
from scheduler.config.text.reading import read_document
from scheduler.config.values.references import ANY_ENVIRONMENT
from scheduler.core.actions import Action, HookAction, PythonAction
from scheduler.core.errors import ConfigError, Problem
from scheduler.core.job import JobTable


def load(
    path: Path,
    loaded_at: datetime,
    environment: Mapping[str, str] | None = None,
    installed: Callable[[str], bool] = is_installed,
) -> Loaded:
    """The job table and the settings of the file; raises `ConfigError` with every mistake, in the file's order.

    `loaded_at` is the wall time that the table takes for its jobs' first sight. References are looked up in
    `environment`, this process's own unless another is given; `ANY_ENVIRONMENT` is for commands that start no run.
    Without that, what runs need must be
    `installed` too. Whether Python functions can be imported is not looked at (`imports.py`), everything else is.
    """
    environment = os.environ if environment is None else environment
    document = read_document(read_source(path))
    draft, findings = checked(document)
    schedules, more = schedules_of(draft)
    findings += [*more, *contradictions(draft, schedules), *unset_variables(draft, environment)]
    if environment is not ANY_ENVIRONMENT:
        findings += missing_packages(draft, installed)
    _refuse(document, findings)
    table = job_table(draft, schedules, loaded_at, environment)
    _refuse(document, collisions(table))
    folder = path.absolute().parent
    made = settings(draft, folder, environment)
    suspect = [*suspicions(draft, schedules, loaded_at), *missing_files(draft, folder)]
    return Loaded(
        file=path,
        table=table,
        settings=made,
        hash=content_hash(document),
        calls=_calls(document, table, made.lease.hooks),
        warnings=[replace(told, warning=True) for told in _told(document, suspect)],
    )


def _calls(document: Document, table: JobTable, hooks: Mapping[str, HookAction]) -> list[Call]:
    """The Python functions of jobs, then of hooks."""
    actions: list[tuple[tuple[str, ...], Action]] = [(("jobs", name), job.action) for name, job in table.jobs.items()]
    actions += [(("lease", "hooks", moment), action) for moment, action in hooks.items()]
    calls = []
    for way, action in actions:
        if isinstance(action, PythonAction):
            place = document.problem((*way, "python", "call"), Mistake("", "import"))
            calls += [Call(action, place)] if place else []
    return calls


def _refuse(document: Document, findings: Iterable[Finding]) -> None:
    problems = [*document.problems, *_told(document, findings)]
    if problems:
        raise ConfigError(_in_order(problems))


def _told(document: Document, findings: Iterable[Finding]) -> list[Problem]:
    """The findings with their places; what the reader said of a node stands for all that is wrong with it."""
    problems = (document.problem(path, mistake) for path, mistake in findings)
    return _in_order(problem for problem in problems if problem)


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """As the file has them, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column))

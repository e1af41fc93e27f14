"""From sound keys to the core's job table and the program's settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from scheduler.config.checking import Draft, Finding, policy_of
from scheduler.config.document import Document, content
from scheduler.config.mistakes import Mistake
from scheduler.config.models import JobKeys, LeaseKeys, ShellKeys
from scheduler.config.references import resolved
from scheduler.config.schedules import Schedules
from scheduler.config.settings import HealthSettings, LeaseSettings, LoggingSettings, Settings
from scheduler.core.actions import Action, PythonAction, ShellAction
from scheduler.core.job import Job, JobTable, fingerprint


def job_table(draft: Draft, schedules: Schedules, loaded_at: datetime, environment: Mapping[str, str]) -> JobTable:
    """The table of a file without mistakes; `environment` has all the variables that it refers to."""
    keys = draft.keys
    jobs = {}
    for name, job in keys.jobs.items():
        zone, action = job.timezone or keys.timezone, _action(job, environment)
        jobs[name] = Job(name, schedules.get(name), zone, action, policy_of(draft, name), job.enabled)
    return JobTable(jobs, loaded_at, keys.revision, keys.max_parallel)


def settings(draft: Draft, folder: Path) -> Settings:
    """The settings of a file without mistakes, which lies in `folder`."""
    keys = draft.keys
    logging = LoggingSettings(keys.logging.level, keys.logging.format)
    return Settings(_lease(keys.lease, folder), logging, HealthSettings(keys.health.port))


def collisions(table: JobTable) -> list[Finding]:
    """Jobs whose definitions have one fingerprint: the ledger could not tell them apart."""
    findings: list[Finding] = []
    first: dict[str, str] = {}
    for name, job in table.jobs.items():
        if job.schedule and (other := first.setdefault(fingerprint(job), name)) != name:
            message = f"has the same fingerprint as jobs.{other}, by chance"
            findings.append((("jobs", name), Mistake(message, "fingerprint", "give one another name", on_key=True)))
    return findings


def content_hash(document: Document) -> str:
    """Eight hex digits of SHA-256 over the content: keys in any order, no comments, no `revision`."""
    told = content(document.root)
    assert isinstance(told, dict)
    told.pop("revision", None)
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _lease(lease: LeaseKeys, folder: Path) -> LeaseSettings:
    return LeaseSettings(
        store=lease.store,
        name=lease.name,
        namespace=lease.namespace,
        adopt=lease.adopt,
        path=folder / lease.path,
        lease_duration_s=lease.lease_duration,
        renew_deadline_s=lease.renew_deadline,
        retry_period_s=lease.retry_period,
        release=lease.release,
        quiet_start=lease.quiet_start,
        drain_timeout_s=lease.drain_timeout,
    )


def _action(job: JobKeys, environment: Mapping[str, str]) -> Action:
    what = job.python or job.shell
    assert what
    env = {name: resolved(value, environment) for name, value in what.env.items()}
    if isinstance(what, ShellKeys):
        return ShellAction(what.run, what.cwd, env)
    module, function = what.call
    return PythonAction(module, function, tuple(what.args), what.kwargs, env, what.isolation)

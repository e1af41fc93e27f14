"""From sound keys to the core's job table and the program's settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from scheduler.config.actions import action_of, hook_action
from scheduler.config.checking import Draft, Finding, policy_of, stated_notify, stated_ping
from scheduler.config.document import Document, content
from scheduler.config.mistakes import Mistake
from scheduler.config.models.settings import HooksKeys, LeaseKeys, TargetKeys
from scheduler.config.schedules import Schedules
from scheduler.config.settings import HealthSettings, LeaseSettings, LoggingSettings, Settings, Target
from scheduler.config.values.references import resolved
from scheduler.core.actions import HookAction
from scheduler.core.job import Job, JobTable, Policy, fingerprint


def job_table(draft: Draft, schedules: Schedules, loaded_at: datetime, environment: Mapping[str, str]) -> JobTable:
    """The table of a file without mistakes; `environment` has all the variables that it refers to."""
    keys = draft.keys
    jobs = {}
    for name, job in keys.jobs.items():
        zone, action = job.timezone or keys.timezone, action_of(job, environment)
        jobs[name] = Job(name, schedules.get(name), zone, action, _policy(draft, name, environment), job.enabled)
    return JobTable(jobs, loaded_at, keys.revision, keys.max_parallel)


def settings(draft: Draft, folder: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of a file without mistakes, which lies in `folder`."""
    keys = draft.keys
    logging = LoggingSettings(keys.logging.level, keys.logging.format)
    lease = replace(_lease(keys.lease, folder), hooks=_hooks(keys.lease.hooks, environment))
    targets = {name: _target(target, environment) for name, target in keys.notify.items()}
    return Settings(lease, logging, HealthSettings(keys.health.port, keys.health.page), targets)


def default_lease(folder: Path) -> LeaseSettings:
    """The settings of a file in `folder` that says nothing of its Lease."""
    return _lease(LeaseKeys(), folder)


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


def _policy(draft: Draft, name: str, environment: Mapping[str, str]) -> Policy:
    policy = policy_of(draft, name)
    if ping := stated_ping(draft, name):
        policy = replace(policy, ping=resolved(ping, environment))
    if notify := stated_notify(draft, name):
        policy = replace(policy, notify=notify)
    return policy


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


def _hooks(hooks: HooksKeys, environment: Mapping[str, str]) -> dict[str, HookAction]:
    return {moment: hook_action(hook, environment) for moment, hook in hooks.stated().items()}


def _target(target: TargetKeys, environment: Mapping[str, str]) -> Target:
    headers = {name: resolved(value, environment) for name, value in target.headers.items()}
    return Target(resolved(target.webhook, environment), headers, target.template)

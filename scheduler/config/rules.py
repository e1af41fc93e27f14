"""What the keys of config.yaml may not say together, job by job.

Each rule looks at what is sound of the file and gives the place where it would be put right: a key that was written,
never a default that nobody typed. A contradiction that sits in `defaults` is told once, not once a job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from math import ceil

from scheduler.config.checking import Draft, Finding, policy_of, slips
from scheduler.config.document import ListNode, MapNode, Path, scalars
from scheduler.config.keys import ACTIONS, LATER_ACTIONS, SCHEDULES
from scheduler.config.mistakes import MOST_TOLD, Mistake, expected, listing
from scheduler.config.models import JOB_NAME, JobKeys
from scheduler.config.references import refuse_reference, refuse_whole_reference
from scheduler.config.schedules import Schedules
from scheduler.config.timings import timing_contradictions, timings_intact
from scheduler.core.job import CatchUp, Delivery, Overlap, Policy, Schedule, duration_text
from scheduler.core.schedule import AtSchedule, EverySchedule, ticks_between

MOST_TICKING = 64 * 1024 // 6  # the ledger's `known` has six bytes for each of them and at most 64 KiB (rule 31)

_ONE_SCHEDULE = "exactly one of cron, every, at, manual"
_ONE_ACTION = "exactly one of python, shell, http, kubernetes_job, celery"
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}

# Text to us and to JSON, but a truth value or null to other readers of YAML. As an argument that is a trap: the text
# False is true.
_AMBIGUOUS = {
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
    **dict.fromkeys(("~", "Null", "NULL"), "null"),
}

# Where ticks are looked at whose distance is asked for. Any fixed time would do; all replicas must find the same.
_SAMPLED_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLED_TO = datetime(2126, 1, 1, tzinfo=UTC)
_SAMPLED_TICKS = 25


@dataclass(frozen=True)
class _Case:
    """One job before the rules: what is sound of it, and its schedule if that is."""

    draft: Draft
    name: str
    job: JobKeys
    policy: Policy
    schedule: Schedule | None

    @property
    def path(self) -> Path:
        return ("jobs", self.name)

    def stated(self, key: str) -> Path | None:
        """Where this policy of the job is written; None for a built-in default."""
        if key in self.job.model_fields_set:
            return (*self.path, key)
        return ("defaults", key) if key in self.draft.keys.defaults.model_fields_set else None

    def intact(self, *keys: str) -> bool:
        """Whether none of these policies was found faulty."""
        return all(self.draft.intact("jobs", self.name, key) and self.draft.intact("defaults", key) for key in keys)

    def present(self, keys: Sequence[str]) -> list[str]:
        """Those of the keys that the file has for this job, in its order."""
        return [key for key in self.draft.document.keys("jobs", self.name) if key in keys]


def contradictions(draft: Draft, schedules: Schedules) -> list[Finding]:
    """All that the file says two ways, or does not say at all."""
    findings = [*_table(draft), *timing_contradictions(draft)]
    for name, job in draft.keys.jobs.items():
        case = _Case(draft, name, job, policy_of(draft, name), schedules.get(name))
        findings.extend(finding for rule in _RULES for finding in islice(rule(case), MOST_TOLD))
        if len(findings) > MOST_TOLD:
            break
    return _told_once(findings)


def _told_once(findings: list[Finding]) -> list[Finding]:
    seen: set[tuple[Path, str]] = set()
    once = []
    for path, mistake in findings:
        place = path, mistake.code
        if path[0:1] == ("jobs",) or place not in seen:
            once.append((path, mistake))
        seen.add(place)
    return once


def _table(draft: Draft) -> Iterator[Finding]:
    document = draft.document
    if "jobs" not in document.root.entries:
        if not document.merged() and "jobs" not in slips(document, ()):
            yield (), Mistake('key "jobs" is missing', "missing", "such as jobs: {hello: {every: 1m, shell: date}}")
    elif draft.intact("jobs") and not document.keys("jobs"):
        yield ("jobs",), Mistake("expected at least one job", "no-jobs", "such as hello: {every: 1m, shell: date}")
    elif (ticking := _ticking(draft)) > MOST_TICKING:
        message = f"expected at most {MOST_TICKING:,} jobs that tick, got {ticking:,}"
        hint = "a Lease has no room for more: make two releases of them, each with its own lease.name"
        yield ("jobs",), Mistake(message, "too-many-jobs", hint, on_key=True)


def _ticking(draft: Draft) -> int:
    """How many jobs the ledger has to know: those that are enabled and have a schedule, be it a faulty one."""
    return sum(job.enabled and not job.manual for job in draft.keys.jobs.values())


def _name(case: _Case) -> Iterator[Finding]:
    if re.fullmatch(JOB_NAME, case.name):
        return
    try:
        refuse_reference(case.name)
    except Mistake as mistake:
        yield case.path, Mistake(mistake.message, mistake.code, mistake.hint, on_key=True)
        return
    fitting = re.sub("[^a-z0-9]+", "-", case.name[:200].lower()).strip("-")[:52].rstrip("-")
    hint = "a-z, 0-9 and -, at most 52 characters" + (f": {fitting}" if fitting else "")
    yield case.path, Mistake("not a job name", "job-name", hint, on_key=True)


def _one_schedule(case: _Case) -> Iterator[Finding]:
    present = case.present(SCHEDULES)
    if len(present) > 1:
        yield case.path, _too_many(case, present, "schedules", "one-schedule", _ONE_SCHEDULE)
    elif not present and not _meant(case, SCHEDULES):
        yield case.path, Mistake("no schedule", "one-schedule", f"add {_ONE_SCHEDULE}", on_key=True)


def _one_action(case: _Case) -> Iterator[Finding]:
    present = case.present((*ACTIONS, *LATER_ACTIONS))
    if len(present) > 1:
        yield case.path, _too_many(case, present, "actions", "one-action", _ONE_ACTION)
    elif not present and not _meant(case, ACTIONS):
        yield case.path, Mistake("nothing to run", "one-action", f"add {_ONE_ACTION}", on_key=True)


def _meant(case: _Case, keys: Sequence[str]) -> bool:
    """Whether a mistake that was told has one of the keys in it: a slip, or a merge."""
    document = case.draft.document
    return document.merged("jobs", case.name) or not slips(document, case.path).isdisjoint(keys)


def _too_many(case: _Case, present: list[str], what: str, code: str, one: str) -> Mistake:
    *others, last = present
    lines = [f"{key} (line {case.draft.document.line(*map(str, case.path), key)})" for key in others]
    message = f"{_NUMBERS[len(present)]} {what}, {listing([*lines, last], 'and')}"
    return Mistake(message, code, f"keep {one}", key=last)


def _offset(case: _Case) -> Iterator[Finding]:
    if case.job.offset is not None and not case.present(["every"]):
        yield (*case.path, "offset"), Mistake("counts only beside every", "offset", "remove it", on_key=True)


def _at_most_once(case: _Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.delivery is not Delivery.AT_MOST_ONCE or not policy.retries or not case.intact("delivery", "retries"):
        return
    retries, delivery = case.stated("retries"), case.stated("delivery")
    hint = "a retry is another start: retries: 0, or delivery: at_least_once"
    if retries and (retries[0] == "jobs" or delivery == ("defaults", "delivery")):
        yield retries, expected("0 with delivery: at_most_once", "at-most-once", hint)
    elif delivery:
        yield delivery, expected(f"at_least_once with retries: {policy.retries}", "at-most-once", hint)


def _window(case: _Case) -> Iterator[Finding]:
    """A crash must not last longer than what is caught up."""
    if not timings_intact(case.draft) or not case.intact("catch_up", "catch_up_window"):
        return
    lease, window = case.draft.keys.lease, case.policy.catch_up_window
    away = timedelta(seconds=lease.lease_duration + lease.retry_period)
    if case.policy.catch_up is CatchUp.NONE or window > away:
        return
    sum_of = f"lease_duration + retry_period ({duration_text(away)})"
    if place := case.stated("catch_up_window"):
        hint = f"a crash would lose ticks: write {_rounder(away)}; or mean it: catch_up: none"
        yield place, expected(f"more than {sum_of}", "catch-up-window", hint)
    else:
        longest = "lease_duration" if "lease_duration" in lease.model_fields_set else "retry_period"
        message = f"expected {sum_of} below catch_up_window ({duration_text(window)}, the default)"
        yield ("lease", longest), Mistake(message, "catch-up-window", f"set catch_up_window: {_rounder(away)}")


def _claim_ahead(case: _Case) -> Iterator[Finding]:
    """A claim must not be far ahead of the wall clock that the protocol allows for (rule 13)."""
    ahead, place = case.policy.claim_ahead, case.stated("claim_ahead")
    intact = case.intact("claim_ahead") and case.draft.intact("lease", "lease_duration")
    most = timedelta(seconds=case.draft.keys.lease.lease_duration) / 10
    if not place or not intact or ahead is None or ahead <= most:
        return
    needed = timedelta(seconds=ceil(ahead * 10 / timedelta(seconds=1)))
    hint = f"write auto or {duration_text(most)}; {duration_text(ahead)} needs lease_duration: {duration_text(needed)}"
    yield place, expected(f"at most a tenth of lease_duration ({duration_text(most)})", "claim-ahead", hint)


def _rounder(limit: timedelta) -> str:
    """A round duration above the limit."""
    steps = (timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1))
    step = next((step for step in steps if limit < step), timedelta(days=1))
    return duration_text((limit // step + 1) * step)


def _jitter(case: _Case) -> Iterator[Finding]:
    """Beyond half the period, runs of neighbouring ticks would meet and change places."""
    place, jitter = case.stated("jitter"), case.policy.jitter
    if not place or not jitter or not case.schedule or not case.intact("jitter"):
        return
    period = _period(case.schedule)
    if period and jitter > period / 2:
        whose = "" if place[0] == "jobs" else f" of jobs.{case.name}"
        half = duration_text(period / 2)
        yield place, expected(f"at most half the period{whose} ({half})", "jitter", "to spread jobs, write H into cron")


def _period(schedule: Schedule) -> timedelta | None:
    """The smallest distance of two ticks; None where there are no two."""
    if isinstance(schedule, EverySchedule):
        return timedelta(seconds=schedule.period_s)
    if isinstance(schedule, AtSchedule):
        return None
    ticks = islice(ticks_between(schedule, _SAMPLED_FROM, _SAMPLED_TO), _SAMPLED_TICKS)
    return min((later - tick for tick, later in pairwise(ticks)), default=None)


def _thread(case: _Case) -> Iterator[Finding]:
    python = case.job.python
    if python and python.isolation == "thread" and python.env:
        hint = "isolation: process, or pass the values as kwargs"
        mistake = Mistake("a thread shares the leader's environment", "thread-env", hint, on_key=True)
        yield (*case.path, "python", "env"), mistake


def _replaced_thread(case: _Case) -> Iterator[Finding]:
    python, place = case.job.python, case.stated("overlap")
    threaded = python is not None and python.isolation == "thread"
    if not place or not threaded or case.policy.overlap is not Overlap.REPLACE or not case.intact("overlap"):
        return
    hint = "a thread cannot be ended: isolation: process, or overlap: skip, queue or allow"
    if place[0] == "jobs":
        yield place, expected("skip, queue or allow with isolation: thread", "thread-replace", hint)
    else:
        isolation = (*case.path, "python", "isolation")
        yield isolation, expected("process with overlap: replace", "thread-replace", hint)


def _arguments(case: _Case) -> Iterator[Finding]:
    for key in ("args", "kwargs"):
        node = case.draft.document.get(*map(str, case.path), "python", key)
        if not isinstance(node, MapNode | ListNode):
            continue
        for path, scalar in scalars(node, (*case.path, "python", key)):
            try:
                refuse_whole_reference(scalar.value, "give it to the job as env, and read it there")
            except Mistake as mistake:
                yield path, mistake
            if scalar.plain and (clear := _AMBIGUOUS.get(scalar.text)):
                hint = f'write {clear}, or quote it: "{scalar.text}"'
                yield path, Mistake(f"expected {clear} or text, got {scalar.text}", "type", hint)


_RULES = (
    *(_name, _one_schedule, _one_action, _offset),
    *(_at_most_once, _window, _claim_ahead, _jitter),
    *(_thread, _replaced_thread, _arguments),
)

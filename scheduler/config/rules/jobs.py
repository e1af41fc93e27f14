"""What the keys of config.yaml may not say together, job by job.

Each rule looks at what is sound of the file and gives the place where it would be put right: a key that was written,
never a default that nobody typed. A contradiction that sits in `defaults` is told once, not once a job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from math import ceil

from scheduler.config.checking import Draft, Finding, policy_of, slips
from scheduler.config.document import Path
from scheduler.config.keys import SCHEDULES
from scheduler.config.mistakes import MOST_TOLD, Mistake, expected, listing, meant, printable
from scheduler.config.models.file import NAME
from scheduler.config.models.policies import NotifyKeys
from scheduler.config.rules.actions import ACTION_RULES, ambiguous, hooks, twice
from scheduler.config.rules.case import Case, meant_there, present, too_many
from scheduler.config.rules.timings import timing_contradictions, timings_intact
from scheduler.config.schedules import Schedules
from scheduler.config.values.references import refuse_reference
from scheduler.core.job import CatchUp, Delivery, Schedule, duration_text
from scheduler.core.schedule import AtSchedule, EverySchedule, ticks_between

MOST_TICKING = 64 * 1024 // 6  # the ledger's `known` has six bytes for each of them and at most 64 KiB (rule 31)

_ONE_SCHEDULE = "exactly one of cron, every, at, manual"
_MOST_NAMED = 5

# Where ticks are looked at whose distance is asked for. Any fixed time would do; all replicas must find the same.
_SAMPLED_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLED_TO = datetime(2126, 1, 1, tzinfo=UTC)
_SAMPLED_TICKS = 25


def contradictions(draft: Draft, schedules: Schedules) -> list[Finding]:
    """All that the file says two ways, or does not say at all."""
    findings = [*_table(draft), *timing_contradictions(draft), *_targets(draft), *hooks(draft)]
    for name, job in draft.keys.jobs.items():
        case = Case(draft, name, job, policy_of(draft, name), schedules.get(name))
        findings.extend(finding for rule in _RULES for finding in islice(rule(case), MOST_TOLD))
        if len(findings) > MOST_TOLD:
            break
    return _told_once(findings)


def _told_once(findings: list[Finding]) -> list[Finding]:
    seen: set[tuple[Path, str, int | None]] = set()
    once = []
    for path, mistake in findings:
        place = path, mistake.code, mistake.item
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


def _name(case: Case) -> Iterator[Finding]:
    if not re.fullmatch(NAME, case.name):
        yield case.path, _misnamed(case.name, "job", code="job-name")


def _misnamed(name: str, of: str, *, code: str) -> Mistake:
    try:
        refuse_reference(name)
    except Mistake as mistake:
        return Mistake(mistake.message, mistake.code, mistake.hint, on_key=True)
    fitting = re.sub("[^a-z0-9]+", "-", name[:200].lower()).strip("-")[:52].rstrip("-")
    hint = "a-z, 0-9 and -, at most 52 characters" + (f": {fitting}" if fitting else "")
    return Mistake(f"not a {of} name", code, hint, on_key=True)


def _one_schedule(case: Case) -> Iterator[Finding]:
    found = present(case.draft, case.path, SCHEDULES)
    if len(found) > 1:
        keep = Mistake("", "one-schedule", f"keep {_ONE_SCHEDULE}")
        yield case.path, too_many(case.draft, case.path, found, "schedules", keep)
    elif not found and not meant_there(case.draft, case.path, SCHEDULES):
        yield case.path, Mistake("no schedule", "one-schedule", f"add {_ONE_SCHEDULE}", on_key=True)


def _offset(case: Case) -> Iterator[Finding]:
    if case.job.offset is not None and not present(case.draft, case.path, ["every"]):
        yield (*case.path, "offset"), Mistake("counts only beside every", "offset", "remove it", on_key=True)


def _at_most_once(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.delivery is not Delivery.AT_MOST_ONCE or not policy.retries or not case.intact("delivery", "retries"):
        return
    retries, delivery = case.stated("retries"), case.stated("delivery")
    hint = "a retry is another start: retries: 0, or delivery: at_least_once"
    if retries and (retries[0] == "jobs" or delivery == ("defaults", "delivery")):
        yield retries, expected("0 with delivery: at_most_once", "at-most-once", hint)
    elif delivery:
        yield delivery, expected(f"at_least_once with retries: {policy.retries}", "at-most-once", hint)


def _window(case: Case) -> Iterator[Finding]:
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


def _claim_ahead(case: Case) -> Iterator[Finding]:
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


def _jitter(case: Case) -> Iterator[Finding]:
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


def _notify(case: Case) -> Iterator[Finding]:
    """Who is told of the job's runs is one of the file's targets."""
    yield from _unknown_targets(case.draft, case.job.notify, (*case.path, "notify"))


def _unknown_targets(draft: Draft, notify: NotifyKeys, path: Path) -> Iterator[Finding]:
    known = draft.document.keys("notify")
    if not draft.intact("notify") or draft.document.merged("notify"):
        return
    for moment in notify.model_fields_set:
        for position, name in enumerate(getattr(notify, moment)):
            if name not in known:
                message = f"no target {printable(name)} under notify"
                yield (*path, moment), Mistake(message, "target", _target_meant(name, known), item=position)


def _target_meant(name: str, known: Sequence[str]) -> str:
    if near := meant(name, known):
        return f"did you mean {printable(near)}?"
    if known:
        return f"there is {listing(map(printable, known[:_MOST_NAMED]), 'and')}"
    if not re.fullmatch(NAME, name):
        return 'add it at the top by a name, notify: {ops: {webhook: "${URL}"}}, and write the name'
    return f'add it at the top: notify: {{{name}: {{webhook: "${{URL}}"}}}}'


def _targets(draft: Draft) -> Iterator[Finding]:
    yield from _unknown_targets(draft, draft.keys.defaults.notify, ("defaults", "notify"))
    for name in draft.document.keys("notify"):
        if not re.fullmatch(NAME, name):
            yield ("notify", name), _misnamed(name, "target", code="target-name")
    for name, target in draft.keys.notify.items():
        yield from twice(("notify", name, "headers"), target.headers)
        yield from ambiguous(draft, ("notify", name, "template"), None)


_RULES = (
    *(_name, _one_schedule, _offset),
    *(_at_most_once, _window, _claim_ahead, _jitter),
    *(_notify, *ACTION_RULES),
)

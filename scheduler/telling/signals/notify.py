"""Notifications: the final lines that a job's `notify` asks for, POSTed to the webhooks of the targets it names.

`on_failure` stands for runs that failed, timed out or were interrupted, `on_missed` for ticks that were dropped, except
those that fell due while we led and that a later one superseded. A line for many ticks is one notification. So is a
line that a new leader repeats, because its predecessor may have died before it notified: nothing is left out, and what
may have come before says `"repeated": true`. What a target gets is the line as the JSON log has it, a text for Slack
and those who read the same, or the template that the table gives it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Protocol

from scheduler.core.job import Job, JobTable, Notify
from scheduler.core.references import Value
from scheduler.core.views.notices import filled
from scheduler.telling.signals.final_lines import (
    FAILURES,
    MISSES,
    SENT,
    SUCCESSES,
    Line,
    Told,
    circumstances,
    in_words,
    placeholders,
)
from scheduler.telling.signals.mailbag import Letter, Mail
from scheduler.telling.signals.post import Post
from scheduler.telling.values import instant_of

_LEADS = ("lead.acquired", "lead.resumed")
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})  # else a job's error could call @channel


class Target(Protocol):
    """Where notifications go, as config.yaml has it (`config/settings.py`)."""

    @property
    def webhook(self) -> Value:
        """The URL."""

    @property
    def headers(self) -> Mapping[str, Value]:
        """What is sent beside it."""

    @property
    def template(self) -> object:
        """`json`, `slack`, or JSON with placeholders in its texts."""


class Notifications:
    """The listener that notifies. `replica` is our own name, `targets` are by theirs."""

    def __init__(self, table: JobTable, targets: Mapping[str, Target], replica: str, post: Post) -> None:
        self._jobs = {name: job for name, job in table.jobs.items() if job.policy.notify != Notify()}
        self._targets = targets
        self._replica = replica
        self._post = post
        self._lead_since: datetime | None = None

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Post a notification to each target that wants this line."""
        if event in _LEADS:
            self._lead_since = at
        if event not in SENT:
            return
        told = Told(event, facts, at, self._replica)
        for name in self._wanted(told):
            if target := self._targets.get(name):
                self._post.put(Letter(name, told.job, partial(_mail, target, told)))

    def _wanted(self, told: Told) -> tuple[str, ...]:
        job = self._jobs.get(told.job)
        if job is None:
            return ()
        wishes = job.policy.notify
        if told.event in FAILURES:
            return wishes.on_failure
        if told.event in MISSES:
            return wishes.on_missed if self._was_missed(job, told.facts) else ()
        return wishes.on_success if told.event in SUCCESSES else ()

    def _was_missed(self, job: Job, facts: Mapping[str, object]) -> bool:
        """Whether a dropped tick is a miss; of many ticks, whether the first is.

        Under a leader a later tick supersedes others as `overlap` wants it. What fell due before we led counts, for we
        do not know who led then; so does what we repeat for a predecessor.
        """
        tick = instant_of(facts.get("tick"))
        if facts.get("reason") != "superseded" or tick is None or self._lead_since is None:
            return True
        return job.due(tick) < self._lead_since


def content(template: object, line: Line) -> object:
    """What a target of this template gets of this line, as JSON."""
    match template:
        case "json":
            return line
        case "slack":
            text = f"{in_words(line)}\n{circumstances(line)}"
            return {"text": text.translate(_SLACK_ESCAPES)}
    return filled(template, placeholders(line))


def _mail(target: Target, told: Told) -> Mail:
    return Mail(target.webhook, json.dumps(content(target.template, told.line())).encode(), target.headers)

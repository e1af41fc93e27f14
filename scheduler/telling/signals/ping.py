"""Pings by the protocol of healthchecks.io: a job's URL is told of each start, success and failure.

    POST URL/start?rid=…     an attempt reached its first statement
    POST URL?rid=…           the run succeeded
    POST URL/fail?rid=…      the run failed, timed out or was interrupted, and will not be tried again

`rid` is a UUID made from the run id, so it is the same for all attempts, on every replica; by it the receiver matches
ends with starts. Every attempt tells its start, because the receiver's timer for a run that hangs should count from the
latest, and because the leader of an earlier one may have died before it told. A failure that will be retried is no
ping, and neither is a tick that is skipped, dropped or replaced by the next: the receiver misses the success, if that
matters. The body is a sentence for people. See https://healthchecks.io/docs/http_api/.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from urllib.parse import SplitResult, urlsplit, urlunsplit

from scheduler.core.job import JobTable
from scheduler.core.references import FileReference, Secret, Value
from scheduler.telling.signals.final_lines import FAILURES, SUCCESSES, Told, circumstances, in_words
from scheduler.telling.signals.mailbag import Letter, Mail
from scheduler.telling.signals.post import Post

TARGET = "ping"
_RUNS = uuid.UUID("6fb1a3c5-6a33-5a5e-9d2c-0c8f0c2f8a11")  # the namespace of our run ids among UUIDs
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class Pings:
    """The listener that pings. `replica` is our own name."""

    def __init__(self, table: JobTable, replica: str, post: Post) -> None:
        self._urls = {name: (url, _host(url)) for name, job in table.jobs.items() if (url := job.policy.ping)}
        self._replica = replica
        self._post = post

    def heard(self, event: str, facts: Mapping[str, object], at: datetime) -> None:
        """Post a ping, if this is a job's start or end that has somebody to tell."""
        path = _path(event, facts)
        if path is not None and (whom := self._urls.get(str(facts.get("job")))):
            url, host = whom
            told = Told(event, facts, at, self._replica)
            self._post.put(Letter(TARGET, told.job, partial(_mail, url, path, told), host))


def run_uuid(run: str) -> str:
    """The `rid` of a run."""
    return str(uuid.uuid5(_RUNS, run))


def ping_url(url: str, path: str, run: str) -> str:
    """The URL to ping; what its query says stays."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, f"rid={run_uuid(run)}") if part)
    return urlunsplit(SplitResult(parts.scheme, parts.netloc, parts.path.rstrip("/") + path, query, ""))


def _path(event: str, facts: Mapping[str, object]) -> str | None:
    if event == "run.started":
        return "/start"
    if event in SUCCESSES:
        return ""
    return "/fail" if event in FAILURES and facts.get("reason") != "replaced" else None


def _mail(url: Value, path: str, told: Told) -> Mail:
    line = told.line()
    body = circumstances(line) if told.event == "run.started" else f"{in_words(line)}\n{circumstances(line)}"
    return Mail(url, body.encode(), _TEXT, partial(ping_url, path=path, run=str(line["run"])))


def _host(url: Value) -> str:
    """Whose absence all its pings share; nothing that is shown."""
    if isinstance(url, FileReference):
        return ""
    try:
        return urlsplit(url.reveal() if isinstance(url, Secret) else url).netloc
    except ValueError:
        return ""

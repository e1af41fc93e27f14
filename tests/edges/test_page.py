"""The status page as text: what it says, and that nothing that got into it is more than text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from scheduler.core.notes.commands import Pause, with_pauses
from scheduler.core.schedule import AtSchedule
from scheduler.core.timing.zones import zone
from scheduler.core.views.outlook import Outlook
from scheduler.telling.health_http import answer_to
from scheduler.telling.page.job_statuses import JobStatuses
from scheduler.telling.page.rows import Rows
from tests.fakes.statuses import (
    BERLIN,
    FOLLOWING,
    LEADING,
    ME,
    NOW,
    OTHER,
    Looked,
    cron,
    every,
    job,
    ledger,
    many,
    mock_up,
)

VOID = {"meta", "link", "br"}
BLOCKS = {"title", "style", "h1", "h2", "p", "div", "caption", "th", "td", "li"}


LEGEND = (
    "last 20, the newest at the end: . succeeded r succeeded after a retry s skipped f failed t timed out d dropped "
    "i interrupted > running"
)


class Reader(HTMLParser):
    """A page as cells and paragraphs of plain text; refuses tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag in BLOCKS:
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.blocks and self._open[-1:] != ["style"]:
            self.blocks[-1] += data

    def close(self) -> None:
        super().close()
        assert self._open == []


def read(looked: Looked) -> Reader:
    reader = Reader()
    reader.feed(looked.body())
    reader.close()
    return reader


def said(looked: Looked) -> list[str]:
    return [" ".join(block.split()) for block in read(looked).blocks if block.strip()]


def row(looked: Looked, name: str) -> list[str]:
    """The cells beside a job's name."""
    blocks = [" ".join(block.split()) for block in read(looked).blocks]
    at = blocks.index(name, blocks.index("job"))
    return blocks[at + 1 : at + 5]


def test_the_page_as_it_is_documented() -> None:
    """Line by line."""
    assert said(mock_up()) == [
        "ok: leasebeat ops/beat-leasebeat",
        "leasebeat ops/beat-leasebeat",
        f"LEADER {ME}",
        "term 7 for 5h37m",
        "lag 0s",
        "ok",
        "5 jobs",
        "1 failing: sync",
        "1 paused",
        "1 running",
        "next: hello in 4s",
        "config 9f2c41d0",
        "last events",
        "Jobs",
        *("job", "schedule", "next (Europe/Berlin)", "last", "last 20"),
        *("hello", "every 5 s", "20:41:10 in 4s", "succeeded 20:41:05 in 5ms", "..........."),
        *("sync", "every 15 min + 2 min", "20:47:00 in 5m54s", "failed 20:32:00 http 502, 3/3", "...r...s.ff"),
        *("nightly-report", "at 03:15 every day", "23 Nov 03:15 in 6h33m", "succeeded 16:41:06 in 12m4s", "."),
        *("rebuild", "at 02:00 on Sunday", "29 Nov 02:00 in 6d5h", "running 1h12m, att. 2", "........i>"),
        "trial-mails",
        "at 15:00 on Friday",
        "paused to 15 Jan vendor outage",
        "skipped 17:41:06 paused",
        "s",
        LEGEND,
        "Last events",
        "20:32:00 run.failed 2 times sync@2026-11-22T19:32:00Z attempt 3 http 502",
        "20:32:00 run.skipped sync@2026-11-22T19:32:00Z overlap",
        "17:41:06 run.skipped trial-mails@2026-11-22T16:41:06Z paused",
        f"15:05:06 lead.acquired term 7 cause released previous {OTHER} gap 204ms",
    ]


def test_a_standby_shows_the_top_line_only() -> None:
    assert said(mock_up(FOLLOWING)) == [
        "standby: leasebeat ops/beat-leasebeat",
        "leasebeat ops/beat-leasebeat",
        f"LEADER {OTHER}",
        "term 7 for 5h37m",
        "renewed 1s ago",
        f"this is {ME}",
        "standby",
    ]


TOP_LINES: dict[str, tuple[Outlook, list[str]]] = {
    "nobody": (
        replace(FOLLOWING, alive_at=978.0),
        ["NO LEADER for 22s", f"last {OTHER} in term 7", "no leader"],
    ),
    "nobody ever": (Outlook(), ["NO LEADER", "no leader"]),
    "a leader without proof": (
        replace(LEADING, alive_at=989.0),
        [f"LEADER {ME}", "term 7 for 5h37m", "renewed 11s ago, so nothing starts", "unproven"],
    ),
    "a leader far behind": (
        replace(LEADING, ledger=ledger(settled=NOW - timedelta(minutes=5))),
        [f"LEADER {ME}", "term 7 for 5h37m", "lag 4m56s", "lagging"],
    ),
    "a leader whose Lease says nothing sound": (
        replace(LEADING, since="", alive_at=None, ledger=None),
        [f"LEADER {ME}", "term 7", "ok"],
    ),
}


@pytest.mark.parametrize(("outlook", "expected"), TOP_LINES.values(), ids=TOP_LINES)
def test_the_top_line(outlook: Outlook, expected: list[str]) -> None:
    blocks = said(Looked([every("hello", 5)], outlook))

    assert blocks[2 : 2 + len(expected)] == expected
    assert blocks[0].startswith(expected[-1])  # the tab says it too


# ------------------------------------------------------------------ rows


def test_a_job_that_has_yet_to_run() -> None:
    assert row(Looked([every("hello", 5)]), "hello")[2:] == ["none in this term", ""]


def test_jobs_without_a_next_tick_say_why() -> None:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    looked = Looked([job("asked"), every("off", 60, enabled=False), job("once", AtSchedule(past))])

    assert row(looked, "asked")[1] == "when asked"
    assert row(looked, "off")[1] == "disabled"
    assert row(looked, "once")[1] == "no more"
    assert "1 disabled" in said(looked)


LASTS = {
    "a success": ("succeeded", {"took_ms": 209}, "succeeded 20:41:06 in 209ms"),
    "one at a later attempt": ("succeeded", {"took_ms": 4, "attempt": 2}, "succeeded 20:41:06 in 4ms, 2/3"),
    "one after many a cut": ("succeeded", {"took_ms": 4, "attempt": 5}, "succeeded 20:41:06 in 4ms, att. 5"),
    "one told for a predecessor": ("succeeded", {"repeated": True}, "succeeded 20:41:06"),
    "a failure": ("failed", {"reason": "exit", "error": "exit 3: x", "took_ms": 1}, "failed 20:41:06 exit 3"),
    "an exception": ("failed", {"reason": "exception", "error": "KeyError: 'x'"}, "failed 20:41:06 KeyError"),
    "a timeout": ("timed_out", {"took_ms": 3_600_000}, "timed out 20:41:06 after 60m"),
    "a dropped tick": ("dropped", {"reason": "superseded"}, "dropped 20:41:06 superseded"),
    "an interruption": ("interrupted", {"reason": "leader_lost", "attempt": 3}, "interrupted 20:41:06 leader lost"),
    "a run of yesterday": (
        "failed",
        {"run": "sync@2026-11-21T02:15:00Z", "took_ms": 1},
        "failed 21 Nov 03:15 after 1ms",
    ),
    "a run that was asked for": ("failed", {"run": "sync@manual-2026-11-22T19:40:00.123Z"}, "failed 20:40:00"),
    "an id that names no tick": ("failed", {"run": "sync@1"}, "failed"),
}


@pytest.mark.parametrize(("outcome", "facts", "expected"), LASTS.values(), ids=LASTS)
def test_what_became_of_the_last_tick(outcome: str, facts: dict[str, object], expected: str) -> None:
    looked = Looked([every("sync", 900, retries=2)])
    looked.ran("sync", outcome, **facts)

    assert row(looked, "sync")[2].replace("1h", "60m") == expected


def test_several_runs_at_a_time() -> None:
    looked = Looked([every("sync", 900)], replace(LEADING, ledger=None))
    looked.ran("sync", "started", 125, run="sync@1")
    looked.ran("sync", "started", 5, run="sync@2")

    assert row(looked, "sync")[2:] == ["2 running 2m5s", ">>"]
    assert "2 running" in said(looked)


def test_an_attempt_that_waits_says_what_it_waits_for() -> None:
    """For minutes, maybe; the ticks that come due meanwhile are skipped, and somebody will ask why."""
    looked = Looked([every("sync", 900, retries=2)], replace(LEADING, ledger=None, alive_at=None))
    looked.ran("sync", "retrying", reason="exit", error="exit 3: x", next_attempt=2, in_ms=90_000)
    looked.ran("sync", "skipped", reason="overlap", run="sync@2")
    assert row(looked, "sync")[2:] == ["retrying exit 3, 2/3 in 90s", "s"]
    assert "1 retrying" in said(looked)

    looked.clock.passed = 60
    assert row(looked, "sync")[2] == "retrying exit 3, 2/3 in 30s"


def test_how_long_it_has_run_follows_the_clock() -> None:
    looked = Looked([every("sync", 900)], replace(LEADING, ledger=None, alive_at=None))
    looked.ran("sync", "started", 3600)
    assert row(looked, "sync")[2] == "running 1h"

    looked.clock.passed = 65
    assert row(looked, "sync")[2] == "running 1h1m"


def paused_to(until: datetime | None, reason: str | None = None) -> str:
    pauses = with_pauses({}, {"sync": Pause(NOW, until, reason)})
    return row(Looked([every("sync", 900)], replace(LEADING, notes=pauses)), "sync")[1]


def test_a_pause_in_words() -> None:
    assert paused_to(None) == "paused"
    assert paused_to(NOW + timedelta(hours=1), "a" * 100) == "paused to 21:41:06 " + "a" * 79 + "…"
    assert paused_to(datetime(2026, 11, 23, 11, tzinfo=UTC)) == "paused to 23 Nov 12:00"
    assert paused_to(datetime(2027, 11, 22, 23, tzinfo=UTC)) == "paused to 23 Nov 2027"


def test_rows_follow_the_clock() -> None:
    looked = Looked([every("sync", 900), cron("rebuild", "0 2 * * SUN")])
    assert row(looked, "sync")[1] == "20:45:00 in 3m54s"
    assert row(looked, "rebuild")[1] == "29 Nov 02:00 in 6d5h"

    looked.clock.passed = 3
    looked.ran("rebuild", "failed", reason="exit", error="exit 1")
    assert row(looked, "sync")[1] == "20:45:00 in 3m51s"
    assert row(looked, "rebuild")[1:3] == ["29 Nov 02:00 in 6d5h", "failed 20:41:09 exit 1"]


def test_distances_are_real_time_where_the_clocks_change_in_between() -> None:
    """By the clocks on the wall it would be an hour more."""
    assert row(Looked([cron("april", "0 2 1 4 *")]), "april")[1] == "1 Apr 02:00 in 129d4h"


@pytest.mark.parametrize("expression", ["0 2 * * SUN", "15 3 * * *", "50 20 * * *", "*/7 * * * *"])
def test_a_row_that_is_kept_looks_as_if_it_were_made_anew(expression: str) -> None:
    """Over two days, midnights included, and when the clock is set back."""
    looked = Looked([cron("sync", expression)])
    looked.ran("sync", "failed", 7200, reason="exit", error="exit 1")
    jobs, keeping = JobStatuses(looked.status.me.table, looked.history), Rows(zone(BERLIN))
    for passed in [*range(0, 200_000, 1009), 12_000.4, 12_000.6, *range(199_000, 199_200, 7), 0]:
        now = NOW + timedelta(seconds=passed)
        (status,) = jobs.at(now, None, {})
        assert keeping.row(status, now) == Rows(zone(BERLIN)).row(status, now)


def test_of_many_that_fail_a_few_are_named() -> None:
    blocks = said(many(300))

    (failing,) = (block for block in blocks if "failing" in block)
    assert re.fullmatch(r"\d\d failing: (\S+, ){9}\S+ and \d+ more", failing)
    assert blocks.count("poll-000") == 1


def test_a_pause_of_all_jobs_names_none() -> None:
    looked = Looked([every("hello", 5)])
    looked.told("job.paused", job=None, until=None, reason="deploy")
    looked.told("job.resumed", job=None)

    assert said(looked)[-2:] == ["20:41:06 job.resumed all jobs", "20:41:06 job.paused all jobs reason deploy"]


def test_replicas_of_another_table_are_named() -> None:
    notes = {"table-beat-b": '{"hash":"1a2b3c4d","at":"2026-11-22T19:00:00Z"}'}

    assert "another config: beat-b has 1a2b3c4d" in said(Looked([every("hello", 5)], replace(LEADING, notes=notes)))


# ------------------------------------------------------------------ safety


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;\n\x1b[31m\u202e"


def test_whatever_others_wrote_is_text() -> None:
    """Names of replicas, hashes, reasons, errors: from the Lease, from people, from stores."""
    notes = with_pauses({"table-b": f'{{"hash":"{HOSTILE[:20]}","at":"2026-11-22T19:00:00Z"}}'}, {})
    pauses = with_pauses(notes, {"sync": Pause(NOW, None, HOSTILE)})
    looked = Looked([every("sync", 900)], replace(LEADING, leader=HOSTILE, notes=pauses))
    looked.told("store.unavailable", store="x", error=HOSTILE)
    looked.told("lead.observed", leader=HOSTILE, term=1, previous=HOSTILE)
    looked.told("job.paused", job=HOSTILE, until=None, reason=HOSTILE)
    looked.told("command.refused", command=HOSTILE, reason=HOSTILE)
    looked.ran("sync", "failed", run=HOSTILE, reason=HOSTILE, error=HOSTILE)
    tags = {tag for tag, _ in read(looked).tags}

    assert tags.isdisjoint({"script", "img"})
    assert not any(name.startswith("on") for _, attributes in read(looked).tags for name in attributes)
    assert "\x1b" not in looked.body()
    assert "\u202e" not in looked.body()


def test_the_browser_is_told_to_load_and_run_nothing() -> None:
    head, _ = answer_to(b"GET / HTTP/1.1\r\n\r\n", mock_up().routes)
    text = head.decode()

    assert "\r\nContent-Type: text/html; charset=utf-8\r\n" in text
    assert "\r\nX-Content-Type-Options: nosniff\r\n" in text
    assert "\r\nCache-Control: no-store\r\n" in text
    (policy,) = re.findall(r"\r\nContent-Security-Policy: (.*)\r\n", text)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_it_has_no_script_and_no_style_but_its_own() -> None:
    for looked in (mock_up(), mock_up(FOLLOWING)):
        tags = read(looked).tags
        assert [tag for tag, _ in tags if tag in ("script", "iframe", "img", "object", "form")] == []
        assert not any("style" in attributes for _, attributes in tags)
        links = [str(attributes["href"]) for _, attributes in tags if "href" in attributes]
        assert all(link.startswith("#") or link == "data:," for link in links)


def test_links_lead_somewhere() -> None:
    tags = read(mock_up()).tags
    ids = {attributes["id"] for _, attributes in tags if "id" in attributes}

    assert {str(attributes["href"])[1:] for tag, attributes in tags if tag == "a"} <= ids

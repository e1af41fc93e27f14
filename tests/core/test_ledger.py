"""The ledger's annotation: what it says, what survives it, and what is no ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.actions import ShellAction
from scheduler.core.errors import LedgerTooNew, LedgerUnreadable
from scheduler.core.job import Job, JobTable, fingerprint
from scheduler.core.ledger import Did, Ledger, OpenRun, WriteId, decode, encode, first_ledger
from scheduler.core.schedule import EverySchedule

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXAMPLE = """\
{"v":1,"w":"40211.k3f9","rev":17,"settled":"2026-11-22T13:00:00Z",\
"known":"Zk3uQ1b0PxYtM9aa7c","behind":{"2026-11-22T12:59:50Z":"M9aa7c"},\
"open":[["nightly","2026-11-22T02:15:00Z",2,"k3f9","l",0],["invoice","2026-11-22T13:00:00Z",1,"k3f9","m",0]],\
"did":[["ping","2026-11-22T12:59:40Z","2026-11-22T12:59:40Z",1,"overlap"]],"acks":["m-7f3a"]}"""


def test_the_protocols_example() -> None:
    ledger = decode(EXAMPLE)

    assert ledger == Ledger(
        WriteId(40211, "k3f9"),
        rev=17,
        settled=NOON + timedelta(hours=1),
        known="Zk3uQ1b0PxYtM9aa7c",
        behind={"M9aa7c": datetime(2026, 11, 22, 12, 59, 50, tzinfo=UTC)},
        open=(
            OpenRun("nightly", "2026-11-22T02:15:00Z", 2, "k3f9", "l"),
            OpenRun("invoice", "2026-11-22T13:00:00Z", 1, "k3f9", "m"),
        ),
        did=(Did("ping", "2026-11-22T12:59:40Z", "2026-11-22T12:59:40Z", 1, "overlap"),),
        acks=("m-7f3a",),
    )
    assert encode(ledger) == EXAMPLE


# ------------------------------------------------------------------ laws

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.text("abz09-", min_size=1, max_size=6)
COUNTS = st.integers(0, 99)
INSTANTS = st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
TICKS = INSTANTS.map(lambda instant: instant.strftime("%Y-%m-%dT%H:%M:%SZ"))
PRINTS = st.text("abcXYZ019-_", min_size=6, max_size=6)
WRITES = st.builds(WriteId, st.integers(0, 10**12), st.text("abcdef0123456789", min_size=1, max_size=6))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FINITE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OPEN = st.builds(
    OpenRun,
    NAMES,
    TICKS | TICKS.map(lambda tick: f"manual-{tick}"),
    COUNTS,
    NAMES,
    st.sampled_from(["l", "m"]),
    COUNTS,
    COUNTS,
)
KEYS = ("v", "w", "rev", "settled", "known", "behind", "open", "did", "acks")
LEDGERS = st.builds(
    Ledger,
    WRITES,
    rev=COUNTS,
    settled=INSTANTS,
    known=st.lists(PRINTS, max_size=5).map("".join),
    behind=st.dictionaries(PRINTS, INSTANTS, max_size=5),
    open=st.lists(OPEN, max_size=4).map(tuple),
    did=st.lists(st.builds(Did, NAMES, TICKS, TICKS, COUNTS, NAMES), max_size=4).map(tuple),
    acks=st.lists(NAMES, max_size=4).map(tuple),
    unknown=st.dictionaries(TEXT.filter(lambda key: key not in KEYS), FINITE, max_size=3),
)
STUBS = st.builds(Ledger, WRITES)


@given(ledger=LEDGERS | STUBS)
def test_what_is_written_is_read(ledger: Ledger) -> None:
    """Fields of a later minor version included."""
    assert decode(encode(ledger)) == ledger


@given(ledger=LEDGERS, order=st.randoms(use_true_random=False))
def test_the_order_of_the_fields_does_not_matter(ledger: Ledger, order: object) -> None:
    fields = list(json.loads(encode(ledger)).items())
    order.shuffle(fields)  # type: ignore[attr-defined]

    assert decode(json.dumps(dict(fields), indent=2)) == ledger


@given(ledger=LEDGERS, text=st.text(max_size=3), cut=st.integers(0, 400), drop=st.integers(0, 9))
def test_garbage_is_unreadable_and_nothing_else(ledger: Ledger, text: str, cut: int, drop: int) -> None:
    """A ledger that was cut and patched anywhere is still one, or raises only the two errors of its kind."""
    whole = encode(ledger)

    only_ledger_errors(whole[:cut] + text + whole[cut + drop :])


@given(content=JSON | st.dictionaries(st.sampled_from(KEYS), JSON | TICKS | st.just(1), max_size=9))
def test_any_json_is_a_ledger_or_unreadable(content: object) -> None:
    only_ledger_errors(json.dumps(content))


@given(ledger=LEDGERS, key=st.sampled_from(KEYS), value=JSON | TICKS)
def test_a_field_of_another_kind_is_unreadable(ledger: Ledger, key: str, value: object) -> None:
    only_ledger_errors(json.dumps(json.loads(encode(ledger)) | {key: value}))


def only_ledger_errors(text: str) -> None:
    """What can be read can be written, and planned with: its times are comparable."""
    try:
        ledger = decode(text)
    except (LedgerUnreadable, LedgerTooNew):
        return

    encode(ledger)
    assert all(entry.instant < datetime.max.replace(tzinfo=UTC) for entry in ledger.open)
    assert all(mark.tzinfo for mark in ledger.behind.values())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param('{"v":2,"w":"1.x"}', LedgerTooNew, id="of the next format"),
        pytest.param('{"v":99}', LedgerTooNew, id="of a format that has no write id"),
        pytest.param('{"v":0,"w":"1.x"}', LedgerUnreadable, id="of a format that never was"),
        pytest.param('{"v":true,"w":"1.x"}', LedgerUnreadable, id="of a format that is no number"),
        pytest.param('{"v":"2","w":"1.x"}', LedgerUnreadable, id="of a format that is text"),
        pytest.param('{"v":Infinity,"w":"1.x"}', LedgerUnreadable, id="of a format that is endless"),
        pytest.param('{"v":1,"w":"1"}', LedgerUnreadable, id="whose write has no nonce"),
        pytest.param('{"v":1,"w":"x.1"}', LedgerUnreadable, id="whose write has no number"),
        pytest.param(EXAMPLE.replace('"l"', '"x"'), LedgerUnreadable, id="with an unknown delivery"),
        pytest.param(EXAMPLE.replace("13:00:00Z", "13:00:00"), LedgerUnreadable, id="with a time without zone"),
        pytest.param(EXAMPLE.replace("2026-11-22T13:00:00Z", "0001-01-01T00:00:00+14:00"), LedgerUnreadable, id="BC"),
        pytest.param("[" * 100_000, LedgerUnreadable, id="nested beyond reason"),
        pytest.param("null", LedgerUnreadable, id="that is null"),
        pytest.param("", LedgerUnreadable, id="that is empty"),
    ],
)
def test_what_is_no_ledger(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode(text)


# ------------------------------------------------------------------ marks

HOURLY = Job("hourly", EverySchedule(3600), "UTC", ShellAction("true"))
ADDED = Job("added", EverySchedule(60), "UTC", ShellAction("true"))


@pytest.mark.parametrize(
    ("loaded", "behind", "mark"),
    [
        pytest.param(-5, {}, NOON, id="known: settled"),
        pytest.param(-5, {fingerprint(HOURLY): NOON - timedelta(minutes=7)}, NOON - timedelta(minutes=7), id="lagging"),
        pytest.param(5, {}, NOON, id="known: whenever it was loaded"),
    ],
)
def test_the_mark_of_a_known_definition(loaded: int, behind: dict[str, datetime], mark: datetime) -> None:
    ledger = replace(first_ledger(WriteId(1, "a"), 0, fingerprint(HOURLY), NOON), behind=behind)

    assert ledger.mark(fingerprint(HOURLY), NOON + timedelta(minutes=loaded)) == mark


@pytest.mark.parametrize(
    ("loaded", "mark"), [pytest.param(-5, 0, id="loaded earlier"), pytest.param(5, 5, id="loaded later")]
)
def test_a_definition_that_is_not_known_has_no_past(loaded: int, mark: int) -> None:
    """P5: the later of what is settled and when this process first had it."""
    ledger = first_ledger(WriteId(1, "a"), 0, fingerprint(HOURLY), NOON)

    assert ledger.mark(fingerprint(ADDED), NOON + timedelta(minutes=loaded)) == NOON + timedelta(minutes=mark)


def test_the_marks_of_a_table() -> None:
    """A job that the ledger does not know is left out: nothing of it was settled."""
    ledger = first_ledger(WriteId(1, "a"), 0, fingerprint(HOURLY), NOON)
    table = JobTable({job.name: job for job in (HOURLY, ADDED)}, NOON)

    assert ledger.marks_of(table) == {"hourly": NOON}


@pytest.mark.parametrize(
    ("attempt", "failures", "interruptions"),
    [
        pytest.param(1, 0, 1, id="the first attempt, cut off now"),
        pytest.param(1, 1, 0, id="its failure is recorded"),
        pytest.param(3, 1, 2, id="one failed, one was cut off, one would be"),
    ],
)
def test_failures_and_interruptions_are_counted_apart(attempt: int, failures: int, interruptions: int) -> None:
    entry = OpenRun("a", "2026-11-22T12:00:00Z", attempt, "n1", "l", failures=failures)

    assert entry.interruptions == interruptions

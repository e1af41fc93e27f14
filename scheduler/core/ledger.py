"""The ledger: what the Lease remembers about ticks, and its form as one annotation.

Everything that must outlive a leader is in here: how far the table has been settled, which definitions lag behind that,
which runs are claimed and not finally over, and what the last write decided. It travels in the same write as every
renewal and claim, as compact JSON in the annotation `leasebeat/ledger`:

    {"v":1,"w":"40211.k3f9","rev":17,"settled":"2026-11-22T13:00:00Z","known":"Zk3uQ1b0PxYt",
     "behind":{"2026-11-22T12:59:50Z":"b0PxYt"},
     "open":[["nightly","2026-11-22T02:15:00Z",2,"k3f9","l",0]],
     "did":[["ping","2026-11-22T12:59:40Z","2026-11-22T12:59:40Z",1,"overlap"]],"acks":[]}

A *mark* says that every tick of a definition up to here is over for ever. Most definitions share one, `settled`; those
with an older undecided tick have their own in `behind`, where a `*` in front stands for "all of `known` but these".
Marks only grow. Fields this version does not know are kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from scheduler.core.errors import LedgerTooNew, LedgerUnreadable
from scheduler.core.job import JobTable, instant_text, run_id

FORMAT = 1
ANNOTATION = "leasebeat/ledger"
FINGERPRINT_LENGTH = 6
LONGEST_ROW = 150
EXACT_FROM_BYTES = 64 * 1024
MANUAL = "manual-"
MANY_JOBS = "*"  # in a row of `did` that only counts ticks
ALL_BUT = "*"

OUTCOMES = ("succeeded", "failed", "timed_out")  # the fates of runs that ended, as opposed to reasons for none

DeliveryMark = Literal["l", "m"]


@dataclass(frozen=True, slots=True)
class WriteId:
    """Names one attempt to write: no two attempts of any process share one (`number.nonce`)."""

    number: int
    nonce: str

    def __str__(self) -> str:
        return f"{self.number}.{self.nonce}"


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A claimed run that is not finally over.

    `tick` is text as in the run id, `owner` the nonce of the process that claimed it, `delivery` what the job promised
    at the claim (`l` at least once, `m` at most once), `left` the seconds a draining run was given by its leaving
    owner. `failures` counts attempts whose failure was recorded; it is written only when there were any.
    """

    job: str
    tick: str
    attempt: int
    owner: str
    delivery: DeliveryMark
    left: int = 0
    failures: int = 0

    @property
    def run(self) -> str:
        """The run id, `nightly@2026-11-22T02:15:00Z`."""
        return run_id(self.job, self.tick)

    @property
    def key(self) -> str:
        """Names this attempt: no (run id, attempt) is ever started twice."""
        return attempt_key(self.job, self.tick, self.attempt)

    @property
    def earlier_key(self) -> str:
        """Names the attempt before this one."""
        return attempt_key(self.job, self.tick, self.attempt - 1)

    @property
    def is_manual(self) -> bool:
        """Whether somebody asked for it; `tick` is then `manual-` and the time of asking."""
        return self.tick.startswith(MANUAL)

    @property
    def nominal(self) -> str:
        """The text of the tick, or of the time at which somebody asked for the run."""
        return self.tick.removeprefix(MANUAL)

    @property
    def instant(self) -> datetime:
        """The nominal time in UTC."""
        return datetime.fromisoformat(self.nominal)

    def failed_again(self) -> OpenRun:
        """The same run with one more failure recorded."""
        return replace(self, failures=self.failures + 1)

    @property
    def interruptions(self) -> int:
        """How often the run was cut off with its leader, were it cut off now."""
        return self.attempt - self.failures


@dataclass(frozen=True, slots=True)
class Did:
    """What became of one tick, or of `count` ticks of one job from `first` to `last`: an outcome or a reason."""

    job: str
    first: str
    last: str
    count: int
    fate: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """One version of the ledger; see the module's text for the fields.

    `settled` is None only in the stub that a newly made Lease carries for one write (rule 27): ours, but nothing
    settled. `behind` maps fingerprints to marks, `known` is the fingerprints one after another.
    """

    written: WriteId
    rev: int = 0
    settled: datetime | None = None
    known: str = ""
    behind: Mapping[str, datetime] = field(default_factory=dict)
    open: tuple[OpenRun, ...] = ()
    did: tuple[Did, ...] = ()
    acks: tuple[str, ...] = ()
    unknown: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_stub(self) -> bool:
        """Whether this ledger says nothing but who made the Lease."""
        return self.settled is None

    def mark(self, fingerprint: str, loaded_at: datetime) -> datetime:
        """Every tick of this definition up to the mark is over for ever; a definition not known has no past (P5)."""
        (mark,) = self.marks((fingerprint,), loaded_at)
        return mark

    def marks(self, fingerprints: Collection[str], loaded_at: datetime) -> list[datetime]:
        """The `mark` of each of these definitions, in their order."""
        settled, known = self.settled or loaded_at, fingerprints_in(self.known)
        of_new, behind = max(settled, loaded_at), self.behind
        if not behind and known.issuperset(fingerprints):
            return [settled] * len(fingerprints)
        return [behind.get(print_, settled) if print_ in known else of_new for print_ in fingerprints]

    def marks_of(self, table: JobTable) -> dict[str, datetime]:
        """How far each job of this table has been settled, by name; a job that is not known has not."""
        known = fingerprints_in(self.known)
        ticking = table.ticking.items()
        return {job.name: self.mark(print_, table.loaded_at) for print_, job in ticking if print_ in known}

    def written_as(self, written: WriteId) -> Ledger:
        """The same ledger under another write id."""
        return replace(self, written=written)


def attempt_key(job: str, tick: str, attempt: int) -> str:
    """Names one attempt of one run: `nightly@2026-11-22T02:15:00Z#2`."""
    return f"{run_id(job, tick)}#{attempt}"


@lru_cache(maxsize=8)
def fingerprints_in(known: str) -> frozenset[str]:
    """The fingerprints of a `known` field."""
    return frozenset(_six_by_six(known))


def first_ledger(written: WriteId, rev: int, known: str, settled: datetime) -> Ledger:
    """A ledger with no past: everything up to `settled` is over, nothing is open."""
    return Ledger(written=written, rev=rev, settled=settled, known=known)


def encode(ledger: Ledger) -> str:
    """The annotation's text: compact JSON, fields in the documented order, then those this version does not know."""
    content: dict[str, object] = {"v": FORMAT, "w": str(ledger.written)}
    if ledger.settled is not None:
        content |= {
            "rev": ledger.rev,
            "settled": instant_text(ledger.settled),
            "known": ledger.known,
            "behind": _grouped(ledger.behind, ledger.known),
            "open": [_open_row(entry) for entry in ledger.open],
            "did": [[did.job, did.first, did.last, did.count, did.fate] for did in ledger.did],
            "acks": list(ledger.acks),
        }
    return json.dumps(content | dict(ledger.unknown), separators=(",", ":"), ensure_ascii=False)


def size_of(ledger: Ledger) -> int:
    """Bytes of the annotation, exact from the size on at which it matters; a quick guess below that."""
    rows = len(ledger.open) + len(ledger.did)
    rows += len(ledger.acks) + len(set(ledger.behind.values()))
    guess = 2 * len(ledger.known) + rows * LONGEST_ROW
    return guess if guess < EXACT_FROM_BYTES else len(encode(ledger).encode())


@lru_cache(maxsize=4)  # for the replicas of a simulation, who all read the same few texts
def decode(text: str) -> Ledger:
    """Read the annotation.

    Raises LedgerTooNew when a later format wrote it, LedgerUnreadable when it is not a ledger at all.
    """
    try:
        content = json.loads(text)
        version = _integer(content["v"])
        if version > FORMAT:
            raise LedgerTooNew(version)
        if version < FORMAT:
            raise ValueError(f"there is no format {version}")
        return _from_json(content)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise LedgerUnreadable(f"{type(error).__name__}: {error}") from error


def _from_json(content: dict[str, object]) -> Ledger:
    rest = dict(content)
    rest.pop("v")
    written = _write_id(str(rest.pop("w")))
    if "settled" not in rest:
        return Ledger(written=written, unknown=rest)
    known = _text(rest.pop("known", ""))
    return Ledger(
        written=written,
        settled=_instant(rest.pop("settled")),
        rev=_integer(rest.pop("rev", 0)),
        known=known,
        behind=_ungrouped(rest.pop("behind", {}), known),
        open=tuple(_open_run(row) for row in _rows(rest.pop("open", []))),
        did=tuple(_did(row) for row in _rows(rest.pop("did", []))),
        acks=tuple(_text(ack) for ack in _rows(rest.pop("acks", []))),
        unknown=rest,
    )


def _write_id(text: str) -> WriteId:
    number, _, nonce = text.partition(".")
    if not nonce:
        raise ValueError(f"no nonce in write id {text!r}")
    return WriteId(int(number), nonce)


def _open_row(entry: OpenRun) -> list[object]:
    row: list[object] = [entry.job, entry.tick, entry.attempt, entry.owner, entry.delivery, entry.left]
    return [*row, entry.failures] if entry.failures else row


def _open_run(row: object) -> OpenRun:
    job, tick, attempt, owner, delivery, left, *more = _rows(row)
    if delivery not in ("l", "m"):
        raise ValueError(f"unknown delivery {delivery!r}")
    entry = OpenRun(
        job=_text(job),
        tick=_text(tick),
        attempt=_integer(attempt),
        owner=_text(owner),
        delivery=delivery,
        left=_integer(left),
        failures=_integer(more[0]) if more else 0,
    )
    _instant(entry.nominal)
    return entry


def _did(row: object) -> Did:
    job, first, last, count, fate, *_ = _rows(row)
    return Did(_text(job), _text(first), _text(last), _integer(count), _text(fate))


def _grouped(behind: Mapping[str, datetime], known: str) -> dict[str, str]:
    """The laggards of each mark; a mark that most of the table shares names the others instead, after a `*`."""
    groups: dict[str, list[str]] = {}
    for fingerprint in sorted(behind):
        # By the text: a mark may have a fraction, which decides nothing, for ticks are whole seconds.
        groups.setdefault(instant_text(behind[fingerprint]), []).append(fingerprint)
    return {mark: _laggards(groups[mark], known) for mark in sorted(groups)}


def _laggards(fingerprints: list[str], known: str) -> str:
    named, everybody = "".join(fingerprints), fingerprints_in(known)
    if 2 * len(named) <= len(known) or not everybody.issuperset(fingerprints):
        return named
    return ALL_BUT + "".join(sorted(everybody.difference(fingerprints)))


def _ungrouped(groups: object, known: str) -> dict[str, datetime]:
    if not isinstance(groups, dict):
        raise TypeError("behind is not a map")
    return {
        fingerprint: _instant(mark)
        for mark, fingerprints in groups.items()
        for fingerprint in _laggards_in(_text(fingerprints), known)
    }


def _laggards_in(text: str, known: str) -> Iterable[str]:
    if text.startswith(ALL_BUT):
        return fingerprints_in(known).difference(_six_by_six(text.removeprefix(ALL_BUT)))
    return _six_by_six(text)


def _six_by_six(text: str) -> Iterable[str]:
    return (text[at : at + FINGERPRINT_LENGTH] for at in range(0, len(text), FINGERPRINT_LENGTH))


def _instant(value: object) -> datetime:
    instant = datetime.fromisoformat(_text(value))
    if instant.tzinfo is None:
        raise ValueError(f"{value} has no zone")
    return instant.astimezone(UTC)


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected a whole number, got {value!r}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def _rows(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r}")
    return value

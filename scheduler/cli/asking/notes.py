"""Asking the leader for something: a note on the Lease, and the wait for its answer (rules 36 and 37).

A write of which nobody knows whether it landed is followed by a read: what stands there, or was heard, is not sent
again, and whatever is sent again keeps its id. Another's write in between costs a try. All requests of one command line
go into one write. What nobody has heard when the patience is over is taken back, so that "nobody answered" also means
"and nothing will happen".
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scheduler.core.errors import Conflict, LedgerError, StoreError, Unavailable
from scheduler.core.job import run_id
from scheduler.core.ledger import MANUAL, Ledger, decode
from scheduler.core.notes.commands import COMMAND, Command, Do, commands_in, note_of, without
from scheduler.core.notes.replies import answers_in
from scheduler.core.ports import Clock, LeaseRecord, LeaseStore

PATIENCE_S = 30.0
REQUEST_S = 3.0
FIRST_LOOK_S = 0.05  # a leader that watches answers within a few milliseconds
LOOKS_APART_S = 0.3
MOST_WAITING = 50  # commands on one Lease; a leader takes 64 at a time
LONGEST_REASON = 200
TAKES_BACK = 10  # tries
FORBIDDEN = "403: may not"  # as `cluster/answers.py` has it: no waiting mends that

Sleep = Callable[[float], None]


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of the `commands`, as they were sent in the end: `refused` has the reasons by id.

    Those that are `waiting` are on the Lease still.
    """

    record: LeaseRecord
    commands: tuple[Command, ...]
    refused: Mapping[str, str]
    waiting: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What a command says beside what is to be done: who asks, why, and for how long."""

    by: str
    reason: str | None = None
    until: datetime | None = None


def command(do: Do, job: str | None, at: datetime, words: Words) -> Command:
    """A new command; its id is drawn, so that no two are alike."""
    cut = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return Command(f"m-{secrets.token_hex(4)}", do, job, cut, words.until, words.reason, words.by)


def run_of(asked: Command) -> str:
    """The id of the run that this command asks for."""
    return run_id(asked.job or "", MANUAL + asked.at_text)


class Asking:
    """Sends commands and waits, over one store. `sleep` waits for so many seconds."""

    def __init__(self, store: LeaseStore, clock: Clock, sleep: Sleep = _sleep) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep

    def until_heard(self, commands: Sequence[Command], *, may_wait: bool = False) -> Heard:
        """Send them and wait until all are heard.

        `may_wait`: a command that a living leader leaves for later is content with that, after the same patience.
        Raises `Unavailable` when nobody has heard them, and then nobody will.
        """
        until, signs, trouble = self._clock.boot() + PATIENCE_S, _Signs(), None
        asked, apart_s = list(commands), FIRST_LOOK_S
        while self._clock.boot() < until:
            try:
                if heard := self._look(asked, signs):
                    return heard
                trouble = None
            except Conflict:
                self._sleep(random.uniform(0.0, 0.1))  # noqa: S311  # spreads people, guards no secret
                continue
            except _Hopeless:
                raise
            except StoreError as error:
                if str(error).startswith(FORBIDDEN):
                    raise
                trouble = error
            self._sleep(apart_s)
            apart_s = min(2 * apart_s, LOOKS_APART_S)
        return self._give_up(asked, trouble, may_wait=may_wait and signs.of_life)

    def _look(self, asked: list[Command], signs: _Signs) -> Heard | None:
        """Send what is neither there nor heard; what became of all, once none is there any more."""
        record = self._read()
        signs.look(record)
        if any(not _is_known(record, one) for one in asked):
            asked[:] = [one if _is_known(record, one) else _at_a_moment_of_its_own(record, one) for one in asked]
            self._send(record, [one for one in asked if not _is_known(record, one)])
            return None
        return None if any(_key(one) in record.notes for one in asked) else _heard(record, asked)

    def take_back(self, commands: Sequence[Command]) -> bool:
        """Take back what was sent and not heard; False if a leader was faster, or it cannot be told."""
        try:
            self._give_up(commands, None, may_wait=False)
        except Untaken:
            return True
        except StoreError:
            return False
        return False

    def until_taken(self, asked: Command) -> None:
        """Wait until the leader has taken what it left for later; however long that takes."""
        self._until(lambda record: _key(asked) not in record.notes)

    def until_over(self, run: str) -> tuple[str | None, LeaseRecord]:
        """Wait for the end of a run, however long it takes.

        Returns its fate, None where nobody says it any more, and the Lease as read then.
        """
        record = self._until(lambda record: all(entry.run != run for entry in _ledger(record).open))
        return answers_in(record.notes).get(run), record

    def _until(self, is_so: Callable[[LeaseRecord], bool]) -> LeaseRecord:
        """Look until it is so; the store may be away for `PATIENCE_S`, and its error is raised after that."""
        there_at = self._clock.boot()
        while True:
            try:
                record = self._read()
                if is_so(record):
                    return record
                there_at = self._clock.boot()
            except StoreError:
                if self._clock.boot() - there_at > PATIENCE_S:
                    raise
            self._sleep(LOOKS_APART_S)

    # ------------------------------------------------------------------ one request

    def _read(self) -> LeaseRecord:
        record = self._store.read(REQUEST_S)
        if record is None:
            raise _Hopeless(f"there is no Lease {self._store.place}", "nobody has led here yet, or it was deleted")
        if record.ledger is None:
            raise _Hopeless(f"Lease {self._store.place} is not leasebeat's: it has no ledger")
        _ledger(record)
        return record

    def _send(self, read: LeaseRecord, commands: Iterable[Command]) -> None:
        if sum(key.startswith(COMMAND) for key in read.notes) >= MOST_WAITING:
            raise _Hopeless(f"{MOST_WAITING} commands wait on Lease {self._store.place} already", "try again later")
        self._store.replace(replace(read, notes={**read.notes, **dict(map(note_of, commands))}), REQUEST_S)

    def _give_up(self, commands: Sequence[Command], trouble: StoreError | None, *, may_wait: bool) -> Heard:
        """Take back what nobody has heard, unless somebody did so meanwhile."""
        for _ in range(TAKES_BACK):
            record = self._read_at_last(trouble)
            left = tuple(one for one in commands if _key(one) in record.notes)
            if (left and may_wait) or (not left and all(_is_known(record, one) for one in commands)):
                return _heard(record, commands, left)
            if not left:
                break
            try:
                self._store.replace(replace(record, notes=without(record.notes, [one.id for one in left])), REQUEST_S)
            except Conflict:
                continue
            except StoreError as error:
                trouble = error
                continue
            raise _unheard(record, len(left))
        raise trouble or Untaken("the Lease was changed each time, before the request could be written")

    def _read_at_last(self, trouble: StoreError | None) -> LeaseRecord:
        try:
            return self._read()
        except StoreError as error:
            hint = "should the request be on the Lease already, it will be done: leasebeat status shows it"
            raise Unavailable(str(trouble or error), hint) from error


class _Hopeless(Unavailable):
    """Nothing that waiting could mend."""


@dataclass(slots=True)
class _Signs:
    """Whether anybody renews the Lease while we look."""

    of_life: bool = False
    _last: tuple[str, str] | None = None

    def look(self, record: LeaseRecord) -> None:
        """Take note of what was read."""
        seen = record.holder, record.renewed
        self.of_life = self.of_life or (self._last is not None and bool(record.holder) and seen != self._last)
        self._last = seen


class Untaken(Unavailable):
    """Nobody has heard the commands, and they are on the Lease no more."""


def _unheard(record: LeaseRecord, count: int) -> Unavailable:
    what = "the request was" if count == 1 else f"{count} requests were"
    whose = f"the leader {record.holder}" if record.holder else "a leader"
    hint = "who leads: leasebeat status" if record.holder else "nobody leads"
    return Untaken(f"no answer from {whose} in {PATIENCE_S:g} s; {what} taken back", hint)


def _is_known(record: LeaseRecord, asked: Command) -> bool:
    known = asked.id in _ledger(record).acks or asked.id in answers_in(record.notes)
    return known or _key(asked) in record.notes


def _heard(record: LeaseRecord, commands: Sequence[Command], waiting: tuple[Command, ...] = ()) -> Heard:
    answers = answers_in(record.notes)
    refused = {one.id: answers[one.id] for one in commands if one.id in answers}
    return Heard(record, tuple(commands), refused, waiting)


def _at_a_moment_of_its_own(record: LeaseRecord, asked: Command) -> Command:
    """Two who ask for one job in the same millisecond would share a run, which is named after that.

    The Lease as read shows the others, and the write over it is refused if one came since.
    """
    if asked.do is not Do.RUN:
        return asked
    ledger, (others, _) = _ledger(record), commands_in(record.notes)
    taken = {*ledger.acks, *(entry.run for entry in ledger.open), *(run_of(one) for one in others if one.do is Do.RUN)}
    while run_of(asked) in taken:
        asked = replace(asked, at=asked.at + timedelta(milliseconds=1))
    return asked


def _key(asked: Command) -> str:
    return f"{COMMAND}{asked.id}"


def _ledger(record: LeaseRecord) -> Ledger:
    try:
        return decode(record.ledger or "")
    except LedgerError as error:
        raise _Hopeless(f"the ledger of the Lease cannot be read: {error}") from error

"""What a leader writes that hears commands: over the Lease as it is, for whoever tests those who ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from scheduler.core.errors import Conflict
from scheduler.core.ledger import Ledger, OpenRun, decode, encode
from scheduler.core.notes.commands import Command, commands_in, without
from scheduler.core.notes.replies import with_answers
from scheduler.core.ports import LeaseRecord, LeaseStore

Write = Callable[[LeaseRecord], LeaseRecord]


def ledger_of(record: LeaseRecord) -> Ledger:
    return decode(record.ledger or "")


def hears(*, refuses: str = "", opens: bool = False) -> Write:
    """Consume all commands that are there, in one write; `opens` begins the runs that were asked for."""

    def write(record: LeaseRecord) -> LeaseRecord:
        commands, before = commands_in(record.notes)[0], ledger_of(record)
        ids = [one.id for one in commands]
        notes = with_answers(without(record.notes, ids), dict.fromkeys(ids, refuses) if refuses else {})
        runs = [OpenRun(one.job or "", f"manual-{one.at_text}", 1, "b7", "l") for one in commands if opens]
        after = replace(before, acks=(*before.acks, *ids), open=(*before.open, *runs))
        return replace(record, notes=notes, ledger=encode(after))

    return write


def ends(run: str, fate: str | None) -> Write:
    """End all runs, and answer to whoever asked for this one how it ended, unless that is None."""

    def write(record: LeaseRecord) -> LeaseRecord:
        after = replace(ledger_of(record), open=())
        return replace(record, ledger=encode(after), notes=with_answers(record.notes, {run: fate} if fate else {}))

    return write


@contextmanager
def a_leader(store: LeaseStore, *, refuses: str = "", fate: str | None = "succeeded") -> Iterator[list[Command]]:
    """Hears whatever is asked for, at once, and ends each run a moment later with this fate; yields what it heard."""
    heard: list[Command] = []
    stop = threading.Event()

    def lead() -> None:
        while not stop.wait(0.01):
            record = store.read(1.0)
            commands = commands_in(record.notes)[0] if record else []
            open_runs = ledger_of(record).open if record and record.ledger else ()
            try:
                if record and commands:
                    store.replace(hears(refuses=refuses, opens=not refuses)(record), 1.0)
                    heard.extend(commands)
                elif record and open_runs:
                    store.replace(ends(open_runs[0].run, fate)(record), 1.0)
            except Conflict:
                continue

    thread = threading.Thread(target=lead)
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join()

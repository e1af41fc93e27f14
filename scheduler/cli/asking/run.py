"""`leasebeat run-now` by the leader: ask for the run, wait for its end, and say how it ended."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from scheduler.cli.asking.jobs import Request, ask, asked_from
from scheduler.cli.asking.leader import leaders_status, output_of
from scheduler.cli.asking.notes import Asking, run_of
from scheduler.cli.asking.place import Standpoint
from scheduler.cli.options import Options
from scheduler.cli.progress import Progress
from scheduler.clock import SystemClock
from scheduler.core.errors import StoreError
from scheduler.core.notes.commands import Command, Do
from scheduler.core.ports import Clock, LeaseRecord
from scheduler.telling.shapes import elapsed, harmless

FAILED = 1
UNKNOWN = 3
LOOKS_AT_THE_LEADER = 4
APART_S = 0.15
STARTED_BEFORE_S = 60  # the log is asked for so much more than the wait took
SUCCEEDED = "succeeded"
GOES_ON = "{} goes on; only the wait has ended"
STILL_WAITS = "the request stays with the leader: {} begins when its job and a worker are free"
HOW_IS_UNKNOWN = "{} is over; how it ended is in the leader's log only"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, as far as it is known: `fate` from the Lease, the rest from the leader."""

    run: str
    holder: str
    fate: str | None
    took_ms: int | None = None
    error: str | None = None

    @property
    def exit_code(self) -> int:
        """What the command says of it."""
        if self.fate is None:
            return UNKNOWN
        return 0 if self.fate == SUCCEEDED else FAILED

    @property
    def sentence(self) -> str:
        """As people read it."""
        took = "" if self.took_ms is None else f", took {elapsed(self.took_ms)}"
        error = f": {harmless(self.error)}" if self.error else ""
        fate = harmless(self.fate or "over").replace("_", " ")
        return f"{self.run} on {self.holder}: {fate}{took}{error}"

    @property
    def facts(self) -> dict[str, object]:
        """As machines read it."""
        return {
            "run": self.run,
            "replica": self.holder,
            "outcome": self.fate,
            "took_ms": self.took_ms,
            "error": self.error,
        }


def run_by_the_leader(options: Options, name: str, reason: str | None, *, waits: bool) -> int:
    """Have the leader run the job; the exit code."""
    clock = SystemClock()
    with asked_from(options, clock) as stand:
        return _Run(stand, clock).asked(Request(Do.RUN, (name,), reason), waits=waits)


class _Run:
    """One run that somebody asks for."""

    def __init__(self, stand: Standpoint, clock: Clock) -> None:
        self._stand = stand
        self._clock = clock
        self._options = stand.options

    def asked(self, request: Request, *, waits: bool) -> int:
        heard = ask(self._stand, request, self._clock, may_wait=True)
        (command,) = heard.commands
        run = run_of(command)
        if why := heard.refused.get(command.id):
            click.echo(f"error: the leader refused: {harmless(why)}", err=True)
            return FAILED
        if not waits:
            self._tell_taken(run, heard.record, is_waiting=bool(heard.waiting))
            return 0
        began = self._clock.boot()
        if heard.waiting:
            self._until_taken(run, command)
        fate, record = self._interruptible(GOES_ON.format(run), lambda: self._until_over(run))
        return self._told(self._ending(run, fate, record), round(self._clock.boot() - began))

    def _tell_taken(self, run: str, record: LeaseRecord, *, is_waiting: bool) -> None:
        if self._options.as_json:
            click.echo(json.dumps({"run": run, "replica": record.holder, "outcome": None, "waiting": is_waiting}))
        elif not self._options.quiet:
            what = "waits for its job or for a worker" if is_waiting else "has begun"
            click.echo(f"{run} on {record.holder}: {what}")

    def _until_taken(self, run: str, command: Command) -> None:
        asking = Asking(self._stand.store, self._clock)
        with Progress(f"waiting until {command.job} and a worker are free", quiet=bool(self._options.quiet)):
            self._interruptible(STILL_WAITS.format(run), lambda: asking.until_taken(command))

    def _until_over(self, run: str) -> tuple[str | None, LeaseRecord]:
        with Progress(f"{run} runs", quiet=bool(self._options.quiet)):
            return Asking(self._stand.store, self._clock).until_over(run)

    def _interruptible(self, farewell: str, wait: Callable[[], Any]) -> Any:
        try:
            return wait()
        except KeyboardInterrupt:
            click.echo(farewell, err=True)
            raise
        except StoreError as error:
            raise type(error)(f"{error}; {farewell}", error.hint) from error

    def _ending(self, run: str, fate: str | None, record: LeaseRecord) -> Ending:
        """With what the leader can add, which tells of an end just after it is written."""
        last: dict[str, Any] | None = None
        for _ in range(LOOKS_AT_THE_LEADER):
            last = self._last(run, record)
            if last or last is None:
                break
            threading.Event().wait(APART_S)
        last = last or {}
        fate = fate or last.get("outcome")
        error = None if fate == SUCCEEDED else last.get("error")
        return Ending(run, record.holder or "nobody", fate, last.get("took_ms"), error)

    def _last(self, run: str, record: LeaseRecord) -> dict[str, Any] | None:
        """What the leader says of this run, if it is the last of its job; None if it cannot be asked."""
        try:
            jobs = leaders_status(self._stand, record)["jobs"] if record.holder else []
        except StoreError:
            return None
        lasts = (job.get("last") for job in jobs if isinstance(job, dict))
        return next((one for one in lasts if isinstance(one, dict) and one.get("run") == run), {})

    def _told(self, ending: Ending, waited_s: int) -> int:
        output = output_of(self._stand, ending.holder, ending.run, waited_s + STARTED_BEFORE_S)
        if self._options.as_json:
            click.echo(json.dumps({**ending.facts, "output": output}))
            return ending.exit_code
        for line in output or ():
            click.echo(harmless(line))
        if ending.fate is None:
            click.echo(HOW_IS_UNKNOWN.format(ending.run), err=True)
        elif ending.fate != SUCCEEDED or not self._options.quiet:
            click.echo(ending.sentence)
        if ending.exit_code and output is None:
            self._point_at_the_log(ending)
        return ending.exit_code

    def _point_at_the_log(self, ending: Ending) -> None:
        if command := self._stand.store.log_command(ending.holder):
            click.echo(f"its output: {command} | grep {shlex.quote(ending.run)}", err=True)
        else:
            click.echo("its output is in the leader's log", err=True)

"""People with the command line: they read the Lease, think, write over what they read, and try again when in doubt.

A command keeps its id however often it is sent. Its writer is content once the Lease shows it, or shows that it was
heard; whoever does not know reads again and, if there is no trace of it, sends it again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from scheduler.core.errors import StoreError
from scheduler.core.ports import LeaseRecord
from tests.weather.history import Pause
from tests.weather.sky import Sky

CLAIMED_AHEAD_S = 0.5  # what was claimed ahead of its time before the pause still runs
MILLISECOND = 0.001
SEEN_IN_S = 1.0
LOOKS_AGAIN_IN_S = 0.1


@dataclass
class Errand:
    """One command on its way. `landed` is told when it is first in the Lease."""

    key: str
    text: str
    landed: Callable[[], None]
    is_over: bool = False

    @property
    def id(self) -> str:
        return self.key.removeprefix("cmd-")


@dataclass
class People:
    """They run, pause and resume `jobs`, one thing at a time. `asked` and `pauses` are what a judge must know."""

    sky: Sky
    chance: random.Random
    note: Callable[[str], None]
    jobs: list[str]
    asked: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    pauses: list[Pause] = field(default_factory=list)
    _wrote_at: float = 0.0
    _paused: dict[str | None, Pause | None] = field(default_factory=dict)
    _errands: list[Errand] = field(default_factory=list)
    _pausing: dict[str | None, Errand] = field(default_factory=dict)

    # -- what they do

    def run(self) -> None:
        """Run a job now."""
        job = self.chance.choice(self.jobs)
        at = self._now_text()
        self.asked.add(f"{job}@manual-{at}")
        self._send("run", job, at, None, lambda: None)

    def pause(self) -> None:
        """Pause a job, or all of them, for good or until some time; and resume it after a while."""
        job = self.chance.choice([*self.jobs, None])
        if self._paused and (job is None or None in self._paused or job in self._paused):
            return
        lasts_s = self.chance.choice((5.0, 20.0, 90.0))
        until = self.sky.true_time + lasts_s if self.chance.random() < 0.5 else None
        self._paused[job] = None
        self._pausing[job] = self._send("pause", job, self._now_text(), until, lambda: self._is_paused(job, until))
        self.sky.in_s(lasts_s, lambda: self.resume(job))

    def resume(self, job: str | None) -> None:
        """Resume it, whether its pause was over by itself or not, but not while the pause is still on its way."""
        if job in self._paused and not self._pausing[job].is_over:
            self.sky.in_s(LOOKS_AGAIN_IN_S, lambda: self.resume(job))
        elif job in self._paused:
            self._close(job)
            self._send("resume", job, self._now_text(), None, lambda: self._paused.pop(job, None))

    def finish(self) -> None:
        """Resume whatever is paused."""
        for job in list(self._paused):
            self.resume(job)

    @property
    def are_idle(self) -> bool:
        """Whether the leader has seen all that they wrote, and nothing is on its way."""
        return all(errand.is_over for errand in self._errands) and self.sky.now > self._wrote_at + SEEN_IN_S

    @property
    def wait_to_be_heard(self) -> bool:
        """Whether the Lease holds a command that the leader may not have seen."""
        return self.sky.record is not None and any(key.startswith("cmd-") for key in self.sky.record.notes)

    def lose_the_lease(self) -> None:
        """The Lease is gone: whatever was asked and not done yet may be forgotten."""
        for errand in self._errands:
            errand.is_over = True
        for job in self._paused:  # which may still be paused, and will be resumed all the same
            self._close(job)
        over = {str(line.facts["run"]) for line in self.sky.told if "run" in line.facts and line.event in FINAL}
        self.refused |= self.asked - over

    # -- how they do it

    def _is_paused(self, job: str | None, until: float | None) -> None:
        since = self.sky.true_time + CLAIMED_AHEAD_S
        if job in self._paused:
            ends = float("inf") if until is None else until - MILLISECOND
            self._paused[job] = Pause(job, since, ends)

    def _close(self, job: str | None) -> None:
        pause = self._paused[job]
        if pause:
            now = self.sky.true_time
            self.pauses += [replace(pause, job=one, until=min(pause.until, now)) for one in self._meant(job)]
            self._paused[job] = None

    def _meant(self, job: str | None) -> list[str]:
        return self.jobs if job is None else [job]

    def _now_text(self) -> str:
        return _text(self.sky.true_time)

    def _send(self, do: str, job: str | None, at: str, until: float | None, landed: Callable[[], object]) -> Errand:
        said = {"do": do, "job": job, "at": at, "until": until and _text(until), "reason": None}
        errand = Errand(f"cmd-m-{self.chance.getrandbits(32):08x}", json.dumps(said), lambda: (landed(), None)[1])
        self.note(f"{errand.id}: {do} {job or 'all'}{f' until {_text(until)}' if until else ''}")
        self._errands = [*(one for one in self._errands if not one.is_over), errand]
        self._try(errand)
        return errand

    def _try(self, errand: Errand) -> None:
        if errand.is_over:
            return
        lease = self.sky.record
        if lease is None:
            self._again(errand)
        elif errand.key in lease.notes or errand.id in _acks(lease):
            errand.is_over = True
        else:
            self.sky.in_s(self.chance.choice((0.0, 0.05, 0.5)), lambda: self._put(errand, lease))

    def _put(self, errand: Errand, read: LeaseRecord) -> None:
        if errand.is_over:
            return
        fate = self.chance.choice(("well", "well", "well", "reply lost", "request lost"))
        if fate != "request lost":
            try:
                self.sky.replace(replace(read, notes={**read.notes, errand.key: errand.text}))
            except StoreError:
                fate = "refused"
            else:
                self._wrote_at = self.sky.now
                errand.landed()
        if fate == "well":
            errand.is_over = True
        else:
            self._again(errand)

    def _again(self, errand: Errand) -> None:
        self.sky.in_s(self.chance.choice((0.1, 1.0)), lambda: self._try(errand))


FINAL = ("run.succeeded", "run.failed", "run.timed_out", "run.dropped", "run.interrupted")


def _acks(lease: LeaseRecord) -> list[str]:
    try:
        return list(json.loads(lease.ledger or "{}").get("acks", ()))
    except (ValueError, AttributeError):
        return []


def _text(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

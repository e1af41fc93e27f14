"""What would happen: three replicas of the real program over a job table, from one instant to another.

They have been running for a while when it begins, so that what is told is the day asked for and not a first start. Runs
do nothing, and take no time unless the script says so. Nothing is left to chance, so the same script gives the same
lines.

Most of a day is renewals, of which nothing is told. While a leader with nothing in hand waits for its next tick, the
world leaps over them, a whole number of renewals at a time: everybody is then where living through them would have led.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scheduler.core.job import JobTable
from scheduler.core.moves import Candidate, Timings
from scheduler.core.ports import Clock
from scheduler.simulation.replica import Make, Replica
from scheduler.simulation.script import Script
from scheduler.simulation.world import Line, World

LETTERS = {"a": 0.5, "b": 0.7, "c": 0.9}  # `a` leads as it begins; how patient each is, which chance decides elsewhere
TRUSTS_BEFORE = 4  # it begins so many times `renew_deadline_s` after the replicas do
RESTART_AFTER_S = 5.0  # once the lease of a killed leader is over, it is started again
HEARTBEAT_SHARE = 0.9  # of the time between renewals: the alarm must ring between any two of them
APART_S = 1.5  # a leap ends so long before the next tick, for writes within a second of one another are not alike
OF_LEAPS = ("clock.stepped",)
A_MOMENT_S = 0.1  # after a tick, when the end of a run that took no time has been recorded
WHILE_BUSY_S = 1.0

Told = Callable[[Line], None]


@dataclass
class _Stage(World):
    """The world, with somebody who listens."""

    listen: Told | None = None

    def tells(self, line: Line) -> None:
        """Hand the line on."""
        if self.listen:
            self.listen(line)

    def _show(self) -> None:
        """A leader that acts alone knows what it wrote."""
        if len(self.replicas) > 1:
            super()._show()


class Rehearsal:
    """Plays a script, once, over a table; `clock` is that of its world."""

    def __init__(self, table: JobTable, timings: Timings, script: Script) -> None:
        began = script.begin - timedelta(seconds=TRUSTS_BEFORE * timings.renew_deadline_s)
        self._timings = timings
        self._script = script
        self._renewal_s = timings.renew_deadline_s / 2
        self._table = replace(table, loaded_at=began)
        self._world = _Stage(began)
        self._replicas: dict[str, Replica] = {}
        self._starts = 0

    @property
    def clock(self) -> Clock:
        """The time that it is in the rehearsal, while it is played."""
        return self._world

    def play(self, told: Told) -> list[datetime]:
        """Play it, and tell every log line from its beginning on; returns the kills that found nobody leading."""

        def listen(line: Line) -> None:
            if self._script.begin <= self._world.wall() < self._script.end and line.event not in OF_LEAPS:
                told(line)

        self._world.listen = listen
        for letter in LETTERS:
            self._start(letter)
            self._world.run_for(0)
        vain = [kill for kill in sorted(self._script.kills) if not self._kill_leader_at(kill)]
        self._go_to(self._script.end, standbys_look=False)
        return vain

    # ------------------------------------------------------------------ replicas

    def _start(self, letter: str) -> None:
        self._starts += 1
        known, revision = self._table.known, self._table.revision
        me = Candidate(letter, f"{letter}{self._starts}", self._timings, known, revision, creates_at_once=True)
        replica = Replica(self._world, me, self._table, Make(random=lambda: LETTERS[letter]))
        replica.runner.takes_s = self._script.took.total_seconds()
        replica.bell.heartbeat_s = HEARTBEAT_SHARE * self._renewal_s if self._script.leaps else 0.0
        self._replicas[letter] = replica
        self._have_look([replica])

    def _kill_leader_at(self, when: datetime) -> bool:
        """Kill whoever leads then, to be started anew once its lease is over; False when nobody does."""
        self._go_to(when - timedelta(seconds=2 * self._renewal_s), standbys_look=False)
        self._have_look(self._replicas.values())
        self._go_to(when, standbys_look=True)
        leader = self._leader
        if leader is None:
            return False
        leader.kill()
        self._world.tells(Line("-", "replica.died", {"replica": leader.name, "signal": "KILL"}, self._world.now))
        del self._replicas[leader.name]
        self._world.replicas.remove(leader)
        self._world.in_s(self._timings.lease_duration_s + RESTART_AFTER_S, lambda: self._start(leader.name))
        return True

    @property
    def _leader(self) -> Replica | None:
        leading = (one for one in self._replicas.values() if one.election.gate.is_open(self._world.now))
        return next(leading, None)

    @property
    def _idle_leader(self) -> Replica | None:
        """The leader, if everybody is up and no run of it is open."""
        leader = self._leader
        if leader is None or len(self._replicas) < len(LETTERS):
            return None
        ledger = leader.election.base.ledger
        return leader if ledger and not ledger.open else None

    # ------------------------------------------------------------------ time

    def _go_to(self, when: datetime, *, standbys_look: bool) -> None:
        """Let time pass up to `when`, whose own events still happen.

        Unless the `standbys_look` they do not follow an idle leader, and nobody will know the difference.
        """
        while (now := self._world.wall()) < when:
            left_s = (when - now).total_seconds()
            leader = self._idle_leader
            if leader is None:
                self._world.run_for(min(WHILE_BUSY_S, left_s))
                continue
            if self._script.leaps and not standbys_look:
                self._world.replicas = [leader]
            until_look_s = (min(leader.bell.looks_at or when, when) - now).total_seconds()
            leapt_s = self._leap(leader, min(until_look_s, left_s - self._renewal_s))
            self._world.run_for(min(until_look_s + A_MOMENT_S, left_s) - leapt_s)

    def _leap(self, leader: Replica, seconds: float) -> float:
        """Leave out as many renewals as there are in these seconds; returns how long they would take."""
        renewals = int((seconds - APART_S) // self._renewal_s)
        if renewals < 1 or not self._script.leaps:
            return 0.0
        leapt_s = renewals * self._renewal_s
        self._world.leap(leapt_s, renewals)
        leader.bell.look()
        return leapt_s

    def _have_look(self, replicas: Iterable[Replica]) -> None:
        """Have these act from now on, beginning with the Lease as it is."""
        for replica in replicas:
            if replica not in self._world.replicas:
                self._world.replicas.append(replica)
                replica.sees(self._world.record)

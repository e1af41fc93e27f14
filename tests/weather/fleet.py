"""The replicas of a story: pods in their places, started, stopped and rolled from one revision to the next."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from scheduler.core.job import JobTable
from tests.fakes.world import START, D, Replica
from tests.weather.jobs import Draw, Drawn
from tests.weather.rule import Rule
from tests.weather.sky import Sky, SkyRunner

CLOCKS_OFF_S = 4.5  # inside the 5 s of rule 13
FIXTURES = 4  # jobs that no revision changes, which people may run and pause


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the fleet: the pod's name, and the revision it is to have."""

    name: str
    revision: int


@dataclass(frozen=True, slots=True)
class Build:
    """How the pods are made: what they are set to, whether their clocks are off, and what a test has broken in them."""

    max_parallel: int
    release_at_once: bool
    clocks_off: bool
    options: dict[str, Any]


class Fleet:
    """Its pods. Until `no_start_until` none is started, until `peace_until` none is harmed."""

    def __init__(self, sky: Sky, chance: random.Random, rule: Rule, build: Build, size: int) -> None:
        self._sky, self._chance, self._rule, self._build = sky, chance, rule, build
        self._note = rule.note
        self._draw = Draw(chance)
        self._drawn: dict[str, Drawn] = {}
        self._pods = 0
        self.no_start_until = START
        self.peace_until = START
        self._release(self._draw.table(size, sky.true_time))
        self.slots = [Slot(name, rule.newest) for name in ("A", "B", "C")[: chance.choice((2, 3, 3))]]

    @property
    def fixtures(self) -> list[str]:
        """The names of the jobs that never change."""
        return [one.name for one in self._rule.tables[1][:FIXTURES]]

    @property
    def living(self) -> list[Replica]:
        return [replica for replica in self._sky.replicas if not replica.is_dead]

    @property
    def is_at_peace(self) -> bool:
        return self._sky.now < self.peace_until

    # -- starting and stopping

    def start_all(self) -> None:
        for slot in self.slots:
            self.start(slot)

    def start(self, slot: Slot) -> None:
        """Start a pod, unless a fresh one must not appear just now; its name is free once its predecessor is dead."""
        if self.peace_until == float("inf"):
            if slot.name not in {one.name for one in self.slots}:
                return
            slot = replace(slot, revision=self._rule.newest)
        if self._sky.now < self.no_start_until or slot.name in {one.name for one in self.living}:
            self._sky.in_s(1.0, lambda: self.start(slot))
            return
        skew_s = self._chance.uniform(-CLOCKS_OFF_S, CLOCKS_OFF_S) if self._build.clocks_off else 0.0
        self._note(f"start {slot.name} with revision {slot.revision}, clock off by {skew_s:.3f}")
        loaded = self._sky.wall() + timedelta(seconds=skew_s)
        jobs = {one.name: one.job for one in self._rule.tables[slot.revision]}
        table = JobTable(jobs, loaded, slot.revision, self._build.max_parallel)
        options = {"runner": SkyRunner, "tells_time": True, "keeps_timeouts": True} | self._build.options
        replica = self._sky.replica(slot.name, table, skew_s=skew_s, **options)
        replica.latency_s = self._chance.choice((0.0, 0.004, 0.03))
        replica.runner.spawn_s = self._chance.choice((0.0, 0.02))
        replica.runner.drawn = self._drawn
        self._rule.load(slot.revision)

    def restart(self, name: str) -> None:
        """Start the pod of this name again after a while, if it has its place still."""
        after_s = self._chance.uniform(0, 12)
        slot = next((slot for slot in self.slots if slot.name == name), None)
        if slot:
            self._sky.in_s(after_s, lambda: self.start(slot))

    def stop(self, replica: Replica, drain_s: float) -> None:
        replica.terminate(drain_s, at_once=self._build.release_at_once)

    def strike(self, seconds: float, event: Callable[[], object]) -> None:
        """Do harm later, unless there is to be peace then."""
        self._sky.in_s(seconds, lambda: None if self.is_at_peace else (event(), None)[1])

    # -- revisions

    def roll(self) -> None:
        """A new revision: jobs are added, changed and removed, and pods are replaced one after another."""
        self._release(self._edited_table())
        self._note(f"roll out revision {self._rule.newest}")
        at_s = 0.0
        for place, slot in enumerate(self.slots):
            at_s += self._chance.choice((0.0, 3.0, 20.0))
            self.strike(at_s, lambda place=place, slot=slot: self._replace(place, slot))  # type: ignore[misc]

    def flap(self) -> None:
        """Somebody rolls back one pod only, or brings an old one back."""
        newest, place = self._rule.newest, self._chance.randrange(len(self.slots))
        old = self.slots[place]
        self.slots[place] = self._next_slot(old, self._chance.randint(max(1, newest - 1), newest))
        self._note(f"flap {old} to {self.slots[place]}")
        for one in self.living:
            if one.name == old.name:
                self._retire(one)
        self.start(self.slots[place])

    def _next_slot(self, old: Slot, revision: int) -> Slot:
        self._pods += 1
        return Slot(f"{old.name[0]}{self._pods}", revision)

    def _release(self, table: list[Drawn]) -> None:
        self._rule.tables[len(self._rule.tables) + 1] = table
        self._drawn |= {one.name: one for one in table}

    def _edited_table(self) -> list[Drawn]:
        now, table = self._sky.true_time, list(self._rule.tables[self._rule.newest])
        for _ in range(self._chance.randint(1, 4)):
            place = self._chance.randrange(FIXTURES, len(table))
            match self._chance.choice(("add", "change", "remove")):
                case "add":
                    table.append(self._draw.one(now))
                case "change":
                    table[place] = self._draw.edited(table[place], now)
                case _ if len(table) > FIXTURES + 1:
                    table.pop(place)
        return table

    def _replace(self, place: int, slot: Slot) -> None:
        self.slots[place] = self._next_slot(slot, self._rule.newest)
        old = next((one for one in self.living if one.name == slot.name), None)
        if old:
            self.strike(self._chance.choice((0.0, 5.0)), lambda: self._retire(old))
        self.start(self.slots[place])

    def _retire(self, replica: Replica) -> None:
        self.stop(replica, 10.0)
        self.strike(20.0, replica.kill)

    # -- health

    def everybody_knows_the_lease(self) -> bool:
        """Whether nobody will find it gone who never saw it, and no leaver's report goes with it unheard (rule 28)."""
        seen = self._sky.record is not None and all(one.has_seen_lease for one in self.living)
        return seen and not self._rule.holds_a_report

    def everybody_watches(self) -> bool:
        """Whether each replica sees what is written as it is written."""
        return all(one.watches and not one.watch_lag_s for one in self.living)

    def leads_well(self) -> bool:
        """Whether somebody leads who can bring back what is lost now."""
        leaders = [one for one in self.living if one.election.gate.is_open(self._sky.now)]
        return bool(leaders) and not self._rule.is_lost and all(self._is_well(one) for one in leaders)

    def _is_well(self, replica: Replica) -> bool:
        busy = replica.deliveries or replica.is_waiting or replica.campaign._outage
        fresh = replica.election.gate.shuts_at - self._sky.now > D / 4
        stays = not replica.dispatch._leaving.began
        return replica.is_up and not replica.away and not busy and fresh and stays

    def have_peace(self, for_s: float) -> None:
        """Nothing ails anybody for so long, and nobody is started: whoever leads can mend what happens now."""
        for replica in self.living:
            replica.deliveries.clear()
            replica.thaw()
            replica.away, replica.latency_s = False, 0.004
        self.peace_until = self.no_start_until = self._sky.now + for_s

    def mend_clocks(self) -> None:
        """Bring every clock back to where a clock may be."""
        for replica in self.living:
            replica.skew_s = max(-CLOCKS_OFF_S, min(CLOCKS_OFF_S, replica.skew_s))

    def calm_down(self) -> None:
        """All is well from now on: everybody is up, or soon will be, and has the newest table."""
        self.mend_clocks()
        self.peace_until = float("inf")
        self.slots = [replace(slot, revision=self._rule.newest) for slot in self.slots]
        current = set()
        for replica in self.living:
            replica.deliveries.clear()
            replica.thaw()
            replica.away, replica.watches, replica.watch_lag_s, replica.latency_s = False, True, 0.0, 0.004
            replica.sees(self._sky.record)
            if replica.table.revision == self._rule.newest:
                current.add(replica.name)
            else:
                self.stop(replica, 1.0)
        for slot in self.slots:
            if slot.name not in current:
                self._sky.in_s(8.0, lambda slot=slot: self.start(slot))  # type: ignore[misc]

"""A storm over real processes: blows drawn from a seed, done one after another, and in the end a calm.

The plan, that is which blow falls when, on the leader or another, and for how long, follows from the seed alone.
"""

from __future__ import annotations

import heapq
import os
import random
import shlex
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.faults.fleet import Fleet, Place
from tests.faults.witness import Witness
from tests.processes.proxy import Link
from tests.processes.record import now
from tests.processes.replica import any_of

WEIGHTS = {
    "kill": 8, "kill_whole": 3, "freeze": 8, "freeze_whole": 6, "stop": 8, "hang": 3, "die": 2, "cut_off": 4,
    "mute": 4, "deafen": 3, "slow": 4, "lossy": 4, "delete": 3, "label": 5, "usurp": 1,
}  # fmt: skip
LEADER_IS_MEANT = 0.6
RENEWALS_OF_THE_HEALTHY = 3
LOOK_AGAIN_S = 0.05
A_LINE_IS_CUT_S = 0.001  # to whole milliseconds
BLOW_EVERY_S = 4.5
CALM_BEFORE_S = 6.0
ROLL_EVERY_S = 150.0
A_WHILE_S = 20.0
FOR_THE_LIVING = frozenset(("kill", "kill_whole", "freeze", "freeze_whole", "stop"))
NEEDS_THE_API = frozenset(("hang", "die", "delete", "label", "usurp"))


@dataclass(frozen=True)
class Blow:
    """`victim` draws among the replicas: below LEADER_IS_MEANT it is the leader.

    `seconds` is for how long, `pause_s` for how long a place stays empty.
    """

    at_s: float
    what: str
    victim: float
    seconds: float
    pause_s: float


def drawn(seed: int, storm_s: float) -> list[Blow]:
    """The plan of a storm; equal seeds give equal plans."""
    chance = random.Random(seed)  # noqa: S311  # a storm must be repeatable, not secret
    return sorted((*_blows(chance, storm_s), *_rolls(chance, storm_s)), key=lambda blow: blow.at_s)


def _blows(chance: random.Random, storm_s: float) -> Iterator[Blow]:
    at_s, order = CALM_BEFORE_S, list(WEIGHTS)
    chance.shuffle(order)  # so that a short storm has some of each, not the likely ones only
    while at_s < storm_s:
        what = order.pop() if order else chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        seconds = chance.choice((0.5, 2.0, 4.5, 7.0, 12.0))
        yield Blow(at_s, what, chance.random(), seconds, chance.choice((0.0, 1.0, 5.0)))
        at_s += chance.expovariate(1 / BLOW_EVERY_S)


def _rolls(chance: random.Random, storm_s: float) -> Iterator[Blow]:
    at_s = min(ROLL_EVERY_S, storm_s) / 2
    while at_s < storm_s:
        yield Blow(at_s, "roll", chance.random(), 0.0, chance.choice((0.0, 3.0, 8.0)))
        at_s += ROLL_EVERY_S


@dataclass
class Storm:
    """Does a plan to a fleet. What was done is in `story`, what it was for in `blows`."""

    fleet: Fleet
    witness: Witness
    plan: list[Blow]
    revision: int = 1
    blows: Counter[str] = field(default_factory=Counter)
    story: list[tuple[float, str]] = field(default_factory=list)
    deleted: list[float] = field(default_factory=list)
    api_is_away: bool = False
    is_peace: bool = False
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)  # of what is due at the same instant

    def rage(self) -> None:
        """From the start of the first replica to the last blow; all are healed then, and up again."""
        for place in self.fleet.places.values():
            self.fleet.start(place)
        for blow in self.plan:
            self._later(blow.at_s, lambda blow=blow: self._fall(blow))  # type: ignore[misc]
        pause = threading.Event()
        while self._due:
            due, _, event = self._due[0]
            if not pause.wait(max(0.0, due - now())):
                heapq.heappop(self._due)
                event()

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._due, (now() + seconds, next(self._order), event))

    def _note(self, what: str) -> None:
        self.story.append((now(), what))

    def _fall(self, blow: Blow) -> None:
        """Or a second later: when there is nobody to hit, no API server to ask, or a Lease that has to come back."""
        place = self._victim(blow)
        if self.is_peace or place is None or (self.api_is_away and blow.what in NEEDS_THE_API):
            self._later(1.0, lambda: self._fall(blow))
            return
        getattr(self, f"_{blow.what}")(blow, place)
        self.blows[blow.what] += 1
        self._note(f"{blow.what} {place.name} {blow.seconds:g} s")

    def _victim(self, blow: Blow) -> Place | None:
        leader, places = self.fleet.leader(), list(self.fleet.places.values())
        if blow.what in FOR_THE_LIVING:
            places = [place for place in places if place.is_well]
        if leader in places and blow.victim < LEADER_IS_MEANT:
            return leader
        return places[int(blow.victim * 1000) % len(places)] if places else None

    def _start_later(self, place: Place, seconds: float) -> None:
        """As soon as the one who is there has ended, unless another has taken its place by then."""
        predecessor = place.replica

        def start() -> None:
            if place.replica is not predecessor:
                return
            if place.lives:
                self._later(0.2, start)
                return
            self._note(f"start {place.name} with revision {place.revision}")
            self.fleet.start(place)

        self._later(seconds, start)

    # -- replicas

    def _kill(self, blow: Blow, place: Place, *, whole: bool = False) -> None:
        self.fleet.kill(place, whole=whole)
        self._start_later(place, blow.pause_s)

    def _kill_whole(self, blow: Blow, place: Place) -> None:
        self._kill(blow, place, whole=True)

    def _freeze(self, blow: Blow, place: Place, *, whole: bool = False) -> None:
        self.fleet.freeze(place, whole=whole)
        self._later(blow.seconds, lambda: self._thaw(place))

    def _freeze_whole(self, blow: Blow, place: Place) -> None:
        self._freeze(blow, place, whole=True)

    def _thaw(self, place: Place) -> None:
        self._note(f"thaw {place.name}")
        self.fleet.thaw(place)

    def _stop(self, blow: Blow, place: Place) -> None:
        self.fleet.stop(place)
        self._start_later(place, blow.pause_s)

    def _roll(self, blow: Blow, _: Place) -> None:
        """Another table: one replica after another is stopped and comes back with it."""
        self.revision += 1
        for number, place in enumerate(self.fleet.places.values()):
            place.revision = self.revision
            self._later(number * blow.pause_s, lambda place=place: self._renew(place))  # type: ignore[misc]

    def _renew(self, place: Place) -> None:
        """A frozen one is thawed for it: a kubelet would kill it in the end."""
        if self.is_peace:
            self._later(LOOK_AGAIN_S, lambda: self._renew(place))
            return
        self.fleet.thaw(place)
        if place.lives:
            self.fleet.stop(place)
            self._start_later(place, 0.0)

    # -- the network

    def _cut_off(self, blow: Blow, place: Place) -> None:
        place.link.cut()
        self._later(blow.seconds, place.link.resume)

    def _mute(self, blow: Blow, place: Place) -> None:
        """What it sends and is sent is held up, and delivered late."""
        place.link.pause()
        self._later(blow.seconds, place.link.resume)

    def _deafen(self, blow: Blow, place: Place) -> None:
        place.link.lose_replies()
        self._later(blow.seconds, place.link.cut)
        self._later(blow.seconds + 0.2, place.link.resume)

    def _slow(self, blow: Blow, place: Place) -> None:
        link = Link(delay_s=blow.victim)
        for each in self.fleet.places.values() if blow.pause_s else (place,):
            each.link.link = link
            self._later(blow.seconds + A_WHILE_S / 2, lambda each=each: self._mend(each, link))  # type: ignore[misc]

    def _lossy(self, blow: Blow, place: Place) -> None:
        link = Link(delay_s=0.01, stalls=0.1, stall_s=1.5, resets=0.1)
        place.link.link = link
        self._later(blow.seconds + A_WHILE_S / 2, lambda: self._mend(place, link))

    def _mend(self, place: Place, link: Link) -> None:
        if place.link.link is link:
            place.link.link = Link()

    # -- the API server

    def _hang(self, blow: Blow, _: Place) -> None:
        self._take_the_api_away(blow.seconds, ("pause", "kube-apiserver"), ("resume", "kube-apiserver"))

    def _die(self, blow: Blow, _: Place) -> None:
        self._take_the_api_away(blow.seconds, ("kill", "kube-apiserver"), ("up",))

    def _take_the_api_away(self, seconds: float, away: tuple[str, ...], back: tuple[str, ...]) -> None:
        """The real one, where LEASEBEAT_TEST_CLUSTER names its controls; elsewhere the ways of all replicas to it."""
        controls = os.environ.get("LEASEBEAT_TEST_CLUSTER")
        self.api_is_away = True

        def control(*verb: str) -> None:
            if controls:
                subprocess.run([*shlex.split(controls), *verb], check=True, capture_output=True, timeout=120)
            else:
                for place in self.fleet.places.values():
                    {"pause": place.link.pause, "kill": place.link.cut}.get(verb[0], place.link.resume)()

        def bring_back() -> None:
            control(*back)
            self.api_is_away = False
            self._note("the API server is back")

        control(*away)
        self._later(seconds, bring_back)

    # -- the Lease

    def _label(self, blow: Blow, _: Place) -> None:
        label = f"weather=storm-{round(blow.victim * 1000)}"
        self.fleet.namespace.kubectl("label", "--overwrite", "lease", self.fleet.lease, label)

    def _usurp(self, _: Blow, __: Place) -> None:
        patch = '{"spec":{"holderIdentity":"somebody"}}'
        self.fleet.namespace.kubectl("patch", "lease", self.fleet.lease, "--type=merge", "-p", patch)

    def _delete(self, _: Blow, __: Place) -> None:
        """Under a leader in good health, which brings it back; only then is that promised. Until then nothing falls."""
        self.is_peace = True
        self.fleet.heal()
        self._delete_if_healthy(0, self.witness.at, now() + A_WHILE_S)

    def _delete_if_healthy(self, renewals: int, last: float, latest: float) -> None:
        """Several renewals of one leader must have been seen by the witness; else look again in a moment."""
        leader, at = self.fleet.leader(), self.witness.at
        if at != last:
            renewals = renewals + 1 if leader and leader.is_well and leader.name == self.witness.holder else 0
        if renewals < RENEWALS_OF_THE_HEALTHY or leader is None or leader.replica is None:
            assert now() < latest, f"nobody leads, {A_WHILE_S:g} s after all was healed"
            self._later(LOOK_AGAIN_S, lambda: self._delete_if_healthy(renewals, at, latest))
            return
        self.deleted.append(now())
        self.fleet.namespace.kubectl("delete", "lease", self.fleet.lease)
        any_of([leader.replica], "lead.acquired", self.deleted[-1] - A_LINE_IS_CUT_S, cause="recreated")
        self._note("the Lease is back")
        self.is_peace = False

    # -- the calm

    def calm(self) -> float:
        """Heal all, start whoever is missing, with the newest table; returns since when."""
        self.fleet.heal()
        for place in self.fleet.places.values():
            place.revision = self.revision
            self.fleet.start(place)
        self._note("calm")
        return now()

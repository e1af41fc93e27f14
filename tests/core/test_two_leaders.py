"""P8: how long two replicas may start jobs, in the stories in which client-go was measured to have two leaders.

Measured on a real API server, client-go at its defaults (15 s, 10 s, 2 s): 9.97 s after its leader was stopped for
20 s, 10 to 11 s after its Lease was deleted, 11 s after another holder was written into it, and for ever where two
replicas had one identity. Here it is 0: the gate shuts by itself, and each start is a compare-and-swap of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from scheduler.core.lease import Election
from scheduler.core.moves import Gate
from scheduler.core.ports import LeaseRecord
from tests.fakes.tables import every, table
from tests.fakes.world import L, Replica, World


class Credulous(Election):
    """Leads as client-go does: until a look shows somebody else, however long ago its last renewal was."""

    @property
    def gate(self) -> Gate:
        return Gate(-1.0, 1e9) if self.term else super().gate

    def sighted(self, record: LeaseRecord | None, now: float) -> None:
        if not self.term:
            super().sighted(record, now)


class Meter:
    """Adds up the seconds for which two may start jobs: two open gates, or one and a holder that is no replica here."""

    def __init__(self, world: World) -> None:
        self.seconds = 0.0
        self._world = world
        self._since, self._gates, self._stranger = world.now, [], False  # type: ignore[var-annotated]
        world.observers.append(self._look)

    def _look(self) -> None:
        now = self._world.now
        shut_at = sorted(min(now, gate.shuts_at) for gate in self._gates)
        others = [now] if self._stranger else []
        if len(shut_at) + len(others) > 1:
            self.seconds += max(0.0, [*shut_at, *others][-2] - self._since)
        self._note(now)

    def _note(self, now: float) -> None:
        names = {replica.name for replica in self._world.replicas} | {""}
        alive = (replica for replica in self._world.replicas if not replica.is_dead)
        self._since = now
        self._gates = [replica.election.gate for replica in alive if replica.election.gate.is_open(now)]
        self._stranger = self._world.record is not None and self._world.record.holder not in names


@dataclass
class Duel:
    """`a` leads, `b` stands by, under a meter; both have a job each second."""

    world: World
    a: Replica
    b: Replica
    meter: Meter


def duel(election: type[Election], name: str = "b") -> Duel:
    world = World()
    meter = Meter(world)
    jobs = table(every("beat", 1))
    a = world.replica("a", jobs, creates_at_once=True, election=election)
    world.run_for(0)
    b = world.replica(name, jobs, election=election)
    world.run_to(2.5)
    return Duel(world, a, b, meter)


def stopped_for_20_s(duel: Duel) -> None:
    duel.a.freeze()
    duel.world.run_for(20)
    duel.a.thaw()


def deleted_behind_its_back(duel: Duel) -> None:
    """The leader is cut off as the Lease is deleted; it comes back long after the other has made a new one."""
    duel.a.away = True
    duel.world.delete()
    duel.world.run_for(L + 10)
    duel.a.away = False


def foreign_holder_written(duel: Duel) -> None:
    duel.b.kill()
    duel.world.edit(holder="somebody")


@pytest.mark.parametrize(
    ("happens", "theirs_s"),
    [
        pytest.param(stopped_for_20_s, 9.97, id="stopped for 20 s and resumed"),
        pytest.param(deleted_behind_its_back, 10.5, id="the Lease was deleted, and another made it anew"),
        pytest.param(foreign_holder_written, 11.0, id="somebody wrote another holder into it"),
    ],
)
def test_two_leaders(happens: Callable[[Duel], None], theirs_s: float) -> None:
    """P8: for no moment, where client-go was measured to have two for `theirs_s`, the renew deadline and a little.

    The same story told of an elector that leads as client-go's does shows that the meter would see it.
    """
    duels = {election: duel(election) for election in (Election, Credulous)}
    for one in duels.values():
        happens(one)
        one.world.run_for(40)

    assert duels[Election].meter.seconds == 0 < theirs_s
    assert duels[Credulous].meter.seconds > 0


@pytest.mark.parametrize("watches", [True, False])
def test_what_a_deposed_leader_starts(*, watches: bool) -> None:
    """Rule 1: nothing. client-go's goes on for 11 s; here each start is a compare-and-swap, watch or no watch."""
    one = duel(Election)
    one.a.watches = watches
    foreign_holder_written(one)
    taken_at = one.world.now
    one.world.run_for(10)

    assert [start for start in one.world.starts if start.at > taken_at] == []


def test_two_of_one_identity() -> None:
    """Rule 9: client-go knows itself by its name, so two of one name lead for ever; here the nonce tells them apart."""
    one = duel(Election, name="a")
    one.world.run_for(120)

    assert one.meter.seconds == 0
    assert one.b.election.term is None
    assert {start.attempt for start in one.world.starts} == {1}
    assert len({start.run for start in one.world.starts}) == len(one.world.starts)


def test_two_of_one_identity_of_which_one_was_stopped() -> None:
    """Rule 9: the Lease bears its name as it resumes, and yet it is another's."""
    one = duel(Election, name="a")
    stopped_for_20_s(one)
    one.world.run_for(60)

    assert one.meter.seconds == 0
    assert (one.a.election.term is None, one.b.election.term is None) == (True, False)

"""Bad weather: a story of some minutes in which whatever may break does, told again from its seed.

A fleet of replicas leads a drawn table of jobs. Blows fall on it: replicas die, freeze and start anew, requests are
lost, late or held, watches lag, clocks are off and jump, the Lease is edited, deleted and restored, new revisions of
the table roll out. In the end it calms down, and all that happened is the history that a judge looks at.

What the promise declares void is left out, or excused: see `_take_the_lease_away` and `_restore`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scheduler.core.ports import LeaseRecord
from tests.fakes.world import START, L, Replica
from tests.weather.fleet import CLOCKS_OFF_S, Build, Fleet
from tests.weather.history import History
from tests.weather.people import People
from tests.weather.rule import EARLY_S, Rule, ledger_of, writer_of
from tests.weather.sky import Sky

CALM_S = 120.0  # longer than anything still under way may take
PEACE_S = 2 * L  # after blows that only a leader in good health can mend
EXACT_S = 0.001
CAUGHT_WITHIN_S = 0.1

# How often each blow falls, beside the others.
WEIGHTS = {
    "kill": 5, "stop": 5, "freeze": 8, "freeze_whole": 5, "catch": 4, "cut_off": 8, "lose": 10, "delay": 8, "hold": 6,
    "lag": 4, "blind": 4, "slow": 4, "label": 6, "usurp": 2, "delete": 2, "take_away": 1, "garble": 1, "restore": 3,
    "drift": 3, "jump": 2, "roll": 3, "flap": 3, "run": 6, "pause": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Climate:
    """What a story is like. `options` go to every replica; by them and by `make_sky` a test breaks the program."""

    minutes: float = 15.0
    weights: dict[str, int] = field(default_factory=WEIGHTS.copy)
    blow_every_s: tuple[float, ...] = (2.0, 6.0, 20.0)
    sizes: tuple[int, ...] = (12, 30, 60)
    clocks_off: bool | None = None
    make_sky: Callable[[], Sky] = Sky
    options: dict[str, Any] = field(default_factory=dict)


class Weather:
    """One story. Everything in it follows from `seed` and the climate."""

    def __init__(self, seed: int, climate: Climate) -> None:
        self.seed, self.climate = seed, climate
        self.chance = random.Random(seed)  # noqa: S311  # a story must be repeatable, not secret
        self.sky = climate.make_sky()
        self.blows = Counter[str]()
        self.story: list[tuple[float, str]] = []
        self.rule = Rule(self.sky, self._note)
        self.sky.on_store = self.rule.see_write
        self.clocks_off = self.chance.random() < 0.3 if climate.clocks_off is None else climate.clocks_off
        size = self.chance.choice(climate.sizes)
        max_parallel = self.chance.choice((size // 2, size))  # fewer, and the table lags behind for good
        build = Build(max_parallel, self.chance.random() < 0.7, self.clocks_off, climate.options)
        self.fleet = Fleet(self.sky, self.chance, self.rule, build, size)
        self.people = People(self.sky, self.chance, self._note, self.fleet.fixtures)

    # -- the story

    def rage(self) -> History:
        """Tell the story to its end."""
        blow_every_s = self.chance.choice(self.climate.blow_every_s)
        ends = START + self.climate.minutes * 60
        self.fleet.start_all()
        self.sky.run_for(self.chance.uniform(3, 9))
        while self.sky.now < ends:
            if not self.fleet.is_at_peace:
                self._break_something()
            self.sky.run_for(self.chance.expovariate(1 / blow_every_s))
            self.sky.replicas[:] = self.fleet.living  # the dead cost time, and have told all they knew
        calm_since = self.sky.true_time
        self._note("calm")
        self.people.finish()
        self.fleet.calm_down()
        self.sky.run_for(CALM_S)
        return self._history(calm_since)

    def _break_something(self) -> None:
        living = self.fleet.living
        leading = [replica for replica in living if replica.election.term]
        victims = leading if leading and self.chance.random() < 0.6 else living  # mostly a leader
        (blow,) = self.chance.choices(list(self.climate.weights), list(self.climate.weights.values()))
        if victims and getattr(self, f"_{blow}")(self.chance.choice(victims)) is not False:
            self.blows[blow] += 1

    def _note(self, what: str) -> None:
        self.story.append((self.sky.true_time, what))

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        self.sky.in_s(seconds, event)

    def _history(self, calm_since: float) -> History:
        return History(
            declared=self.rule.declared,
            attempts=self.sky.attempts,
            lines=self.sky.told,
            until=calm_since,
            gates=self.sky.close_gates(),
            excused=self.rule.excused,
            pauses=[] if self.blows["jump"] else self.people.pauses,  # which a clock that is far behind cannot see end
            asked=self.people.asked,
            refused=self.people.refused,
            early_s=EARLY_S if self.clocks_off else EXACT_S,
        )

    # -- blows: replicas

    def _kill(self, replica: Replica) -> None:
        self._note(f"kill {replica.name}")
        replica.kill()
        self.fleet.restart(replica.name)

    def _stop(self, replica: Replica) -> None:
        drain_s = self.chance.choice((2.0, 10.0, 30.0))
        self._note(f"stop {replica.name}, which may drain for {drain_s:g} s")
        self.fleet.stop(replica, drain_s)
        self.fleet.strike(drain_s + 15, replica.kill)
        self.fleet.restart(replica.name)

    def _freeze(self, replica: Replica, *, whole: bool = False) -> None:
        self._freeze_for(replica, self.chance.choice((0.3, 1.0, 8.0, 14.0, 25.0, 60.0)), whole=whole)

    def _freeze_for(self, replica: Replica, seconds: float, *, whole: bool = False) -> None:
        self._note(f"freeze {'all of ' if whole else ''}{replica.name} for {seconds:g} s")
        replica.freeze(whole=whole)
        self._later(seconds, replica.thaw)

    def _freeze_whole(self, replica: Replica) -> None:
        self._freeze(replica, whole=True)

    def _catch(self, replica: Replica) -> None:
        """Freeze it just after its next request, so that it hears the answer late."""
        replica.delay_reply(CAUGHT_WITHIN_S * 2)
        seconds = self.chance.choice((5.0, 12.0, 14.0, 25.0))

        def look(times: int = 60) -> None:
            if replica.is_waiting:
                self._freeze_for(replica, seconds)
            elif times:
                self.fleet.strike(CAUGHT_WITHIN_S, lambda: look(times - 1))

        look()

    def _roll(self, _: Replica) -> None:
        self.fleet.roll()

    def _flap(self, _: Replica) -> None:
        self.fleet.flap()

    # -- blows: people

    def _run(self, _: Replica) -> None:
        self.people.run()

    def _pause(self, _: Replica) -> None:
        self.people.pause()

    # -- blows: the network

    def _cut_off(self, replica: Replica) -> None:
        seconds = self.chance.choice((1.0, 7.0, 13.0, 22.0, 45.0))
        self._note(f"cut {replica.name} off for {seconds:g} s")
        replica.away = True
        self._later(seconds, lambda: setattr(replica, "away", False))

    def _lose(self, replica: Replica) -> None:
        self._note(f"lose requests of {replica.name}")
        for _ in range(self.chance.randint(1, 3)):
            self.chance.choice((replica.lose_reply, replica.lose_request))(self.chance.choice((0.0, 0.5, 2.0)))

    def _delay(self, replica: Replica) -> None:
        """As when the network is congested for a while before it breaks down."""
        seconds = self.chance.choice((0.5, 1.9, 4.0, 9.0, 16.0))
        self._note(f"delay a reply to {replica.name} by {seconds:g} s")
        replica.delay_reply(seconds)
        if self.chance.random() < 0.5:
            self.fleet.strike(seconds, lambda: self._cut_off(replica))

    def _hold(self, replica: Replica) -> None:
        seconds = self.chance.choice((0.5, 3.0, 17.0, 40.0))
        self._note(f"hold a request of {replica.name} for {seconds:g} s")
        replica.hold_request(seconds)

    def _lag(self, replica: Replica) -> None:
        replica.watch_lag_s = self.chance.choice((0.2, 1.0, 5.0, 12.0))
        self._note(f"{replica.name} sees changes {replica.watch_lag_s:g} s late")
        self._later(self.chance.choice((5.0, 30.0)), lambda: setattr(replica, "watch_lag_s", 0.0))

    def _blind(self, replica: Replica) -> None:
        seconds = self.chance.choice((3.0, 20.0, 60.0))
        self._note(f"{replica.name} does not see changes for {seconds:g} s")
        replica.watches = False

        def watch_again() -> None:
            replica.watches = True
            replica.sees(self.sky.record)

        self._later(seconds, watch_again)

    def _slow(self, replica: Replica) -> None:
        replica.latency_s = self.chance.choice((0.004, 0.1, 0.4, 1.5))
        self._note(f"requests of {replica.name} take {replica.latency_s:g} s")
        self._later(self.chance.choice((5.0, 30.0)), lambda: setattr(replica, "latency_s", 0.004))

    # -- blows: clocks

    def _drift(self, replica: Replica) -> bool:
        """NTP corrects a clock, within what clocks may be off by."""
        if self.clocks_off:
            replica.skew_s = self.chance.uniform(-CLOCKS_OFF_S, CLOCKS_OFF_S)
            self._note(f"the clock of {replica.name} is off by {replica.skew_s:.3f} s")
        return self.clocks_off

    def _jump(self, replica: Replica) -> bool:
        """A clock is far off for a while; not while a Lease is made anew, which begins at that clock's time."""
        if self.clocks_off and not self.rule.is_lost:
            before, ahead_s = replica.skew_s, self.chance.choice((-3600.0, -30.0, 30.0, 3600.0, 10 * 365 * 86_400.0))
            replica.skew_s = before + ahead_s
            self._note(f"the clock of {replica.name} jumps by {ahead_s:g} s")
            self._later(self.chance.choice((2.0, 12.0, 30.0)), lambda: setattr(replica, "skew_s", before))
        return self.clocks_off

    # -- blows: the Lease

    def _label(self, _: Replica) -> None:
        if self.sky.record:
            self.sky.edit_label()

    def _usurp(self, _: Replica) -> None:
        """A human writes another holder into the Lease. To write none is to release it in the leader's name."""
        if self.sky.record:
            holder = self.chance.choice(["human", *(slot.name for slot in self.fleet.slots)])
            self._note(f"a human makes {holder} the holder")
            self.sky.edit(holder=holder)

    def _delete(self, _: Replica) -> bool:
        """Under a leader that can bring it back, and then nothing else happens."""
        if not self.fleet.leads_well() or not self.fleet.everybody_knows_the_lease() or self.sky.on_the_way:
            return False
        if self.people.wait_to_be_heard:
            return False  # what nobody has read goes with the Lease, and its writer would have to send it again
        self.fleet.have_peace(PEACE_S)
        self._note("delete the Lease")
        self.sky.delete()
        return True

    def _restore(self, _: Replica) -> bool:
        """An older Lease is put back, under a leader that knows better; no fresh replica may take it for the truth."""
        snapshot, losses = self.sky.record, self.rule.losses
        if snapshot is None or self.rule.is_lost:
            return False
        since_s = self.chance.choice((1.0, 10.0, 60.0))
        self._later(since_s, lambda: self._put_back(snapshot) if losses == self.rule.losses else None)
        return True

    def _put_back(self, snapshot: LeaseRecord) -> None:
        current = self.sky.record
        if current is None or current.uid != snapshot.uid or not self.fleet.leads_well() or self.rule.is_lost:
            return
        if writer_of(current) != writer_of(snapshot) or self.fleet.is_at_peace or not self.people.are_idle:
            return
        if not self.fleet.everybody_watches():
            return  # who has seen nothing since the snapshot, for as long as a lease lasts, cannot know that it is old
        if any(run.left for one in (current, snapshot) if (ledger := ledger_of(one)) for run in ledger.open):
            return  # what a leaver reports meanwhile is lost with the Lease that it reports over
        rewind = self.chance.random() < 0.5 and not self.sky.on_the_way  # whose versions would come again
        self.fleet.have_peace(PEACE_S)
        self._note(f"restore the Lease of version {snapshot.version}{' and the store' if rewind else ''}")
        self.blows["restored"] += 1
        self.sky.restore(snapshot, rewind=rewind)

    def _take_away(self, _: Replica) -> bool:
        """Delete it whoever leads or does not; only, no replica that never saw it may find it gone (rule 28)."""
        if not self.fleet.everybody_knows_the_lease():
            return False
        self._take_the_lease_away("delete the Lease, whoever leads")
        self.sky.delete()
        return True

    def _garble(self, _: Replica) -> bool:
        if not self.fleet.everybody_knows_the_lease():
            return False
        ledger = self.chance.choice(("{", '{"v":1}', '["leasebeat"]'))  # one without any is taken for a stranger's
        self._take_the_lease_away(f"the ledger becomes {ledger}")
        self.sky.edit(ledger=ledger)
        return True

    def _take_the_lease_away(self, what: str) -> None:
        """Whatever was open or undecided then may go unaccounted for, and what falls due in the quiet after it."""
        self.rule.lose()
        self.fleet.no_start_until = self.sky.now + 3 * L
        self.fleet.mend_clocks()
        self.people.lose_the_lease()
        self._note(what)

"""A virtual replica: the real election, campaign and dispatch over the world's clock and Lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scheduler.core.errors import StoreError
from scheduler.core.job import JobTable
from scheduler.core.lease import Election
from scheduler.core.moves import FOREVER, Attempt, Candidate, Done, Kind, Read, Wait
from scheduler.core.ports import LeaseRecord
from scheduler.leading.campaign import Campaign
from scheduler.running.crew import Crew
from scheduler.running.dispatch import Dispatch
from scheduler.simulation.crew import VirtualBell, VirtualRunner
from scheduler.simulation.world import Line, World

SPINNING = 200  # requests of one replica at one instant: a loop that does not wait

Answer = LeaseRecord | StoreError | None


def _half() -> float:
    return 0.5


@dataclass(frozen=True, slots=True)
class Make:
    """What a replica is made of: the real parts, unless a test breaks one. `random` is what spreads replicas."""

    election: type[Election] = Election
    dispatch: type[Dispatch] = Dispatch
    runner: type[VirtualRunner] = VirtualRunner
    random: Callable[[], float] = _half


USUAL = Make()


class Replica:
    """A process: `is_up` until it `is_dead`. It is its own clock, and the store's home as the log knows it."""

    place = "world"
    server_time: datetime | None = None  # the world's Lease has no clock of its own

    def __init__(self, world: World, me: Candidate, table: JobTable, make: Make = USUAL) -> None:
        self.world, self.name, self.nonce, self.table = world, me.name, me.nonce, table
        self.is_up, self.is_dead = True, False
        self.acts_at = world.now
        self.sightings: list[LeaseRecord | None] = []
        self.mail: list[Callable[[], None]] = []
        self._requests_at = (world.now, 0)
        self.election = make.election(me, make.random)
        self.dispatch = make.dispatch(table, me.nonce, me.timings, self, self._tell)
        self.runner = make.runner(self)
        self.bell = VirtualBell(self)
        self.dispatch.employ(Crew(self.runner, self.bell, self.wake, lambda _: None))
        self.campaign = Campaign(self.election, self.dispatch, self, self._tell, self)

    def log_command(self, holder: str) -> None:
        """There is none."""

    # -- the Clock port

    def boot(self) -> float:
        """Seconds since boot."""
        return self.world.now

    def wall(self) -> datetime:
        """Now, in UTC."""
        return self.world.wall()

    def _tell(self, event: str, /, **facts: object) -> None:
        self.world.tells(Line(self.name, event, facts, self.world.now))

    # -- what happens to it

    def sees(self, record: LeaseRecord | None) -> None:
        """The watch shows the Lease."""
        self.sightings.append(record)
        self.wake()

    def gets(self, mail: Callable[[], None]) -> None:
        """Something for its other threads to do, once it is up."""
        self.mail.append(mail)
        self.wake()

    def does(self, mail: Callable[[], None]) -> None:
        """Something that its other threads do without its campaign, unless they wake that; once it is up."""
        if self.is_up:
            mail()
        else:
            self.mail.append(mail)

    def wake(self) -> None:
        """Make it look again what there is to do."""
        self.acts_at = self.world.now

    def kill(self) -> None:
        """SIGKILL: nothing of it is left, its runs included."""
        self.is_up, self.is_dead = False, True
        self.runner.die()

    # -- what it does

    def act(self) -> None:
        """Take note of what came in, and make requests until it has to wait."""
        while self.is_up and self.acts_at <= self.world.now:
            self._open_mail()
            self.acts_at = self._turn()

    def _open_mail(self) -> None:
        while self.mail:
            self.mail.pop(0)()

    def _turn(self) -> float:
        """One turn of the campaign's loop; returns until when to wait."""
        self._look()
        step = self.campaign.next_step()
        match step:
            case Wait():
                assert step.until > self.world.now, "a wait that is already over"
                return step.until
            case Done():
                self._exit()
                return FOREVER
            case _:
                self._note_request(step)
                self._ask(step)
                return self.world.now

    def _look(self) -> None:
        sightings, self.sightings = self.sightings, []
        for record in sightings:
            self.campaign.sighted(record)

    def _exit(self) -> None:
        self.kill()

    def _note_request(self, step: Read | Attempt) -> None:
        at, asked = self._requests_at
        self._requests_at = (self.world.now, asked + 1 if at == self.world.now else 1)
        assert self._requests_at[1] < SPINNING, f"{self.name} asks without end: {step}"

    def _ask(self, step: Read | Attempt) -> None:
        """Make a request; here it takes no time."""
        self._hear(step, self._perform(step))

    def _perform(self, step: Read | Attempt) -> Answer:
        try:
            if isinstance(step, Read):
                return self.world.read()
            return (self.world.create if step.kind is Kind.CREATE else self.world.replace)(step.record)
        except StoreError as error:
            return error

    def _hear(self, step: Read | Attempt, answer: Answer) -> None:
        if isinstance(answer, StoreError):
            self.campaign.failed(step, answer)
        elif isinstance(step, Read):
            self.campaign.found(answer)
        else:
            assert answer, "a write without an answer"
            self.campaign.accepted(step, answer)

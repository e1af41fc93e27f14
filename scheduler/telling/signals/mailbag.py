"""Letters that wait to be sent: in which order they go, how often they are tried, and which are let go of.

No thread, no clock and no network is in here; `post.py` brings them. The rules:

- Letters of one *lane*, which is one job at one target, go one at a time and in their order.
- A target that does not answer has one letter under way at most, one that answers a few, and those that do not answer
  have a few together. So there is always somebody free for the others.
- A letter has three tries. What failed is tried again after 1 s and then after 5 s, and the whole target rests
  meanwhile. What the target itself refused (most of 4xx) would be refused again and is not repeated.
- The bag has a limit. When it is full, the target that has most of it loses its oldest letter.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scheduler.core.references import Value

CAPACITY = 1000
TRIES = 3
DELAYS_S = (1.0, 5.0)
LONGEST_DELAY_S = 60.0  # that a target may ask for
AT_ONCE = 4  # letters under way to one target
FAILING_AT_ONCE = 4  # to all targets that do not answer
TOLD_EVERY_S = 60.0

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Mail:
    """What is sent: a POST of `body`. `url` and `headers` may refer to files, which are read at each try.

    `address` makes the address to send it to from the URL, once that is known.
    """

    url: Value
    body: bytes
    headers: Mapping[str, Value] = field(default_factory=dict)
    address: Callable[[str], str] = str


@dataclass(slots=True)
class Letter:
    """One message on its way. `compose` makes it, in the thread that sends it.

    `target` names whom it is for in log lines; `host` is what fails as a whole, if not the target itself.
    """

    target: str
    job: str
    compose: Callable[[], Mail]
    host: str = ""
    tries: int = 0
    not_before: float = 0.0

    @property
    def lane(self) -> tuple[str, str]:
        """Letters of one lane keep their order."""
        return self.place, self.job

    @property
    def place(self) -> str:
        """What may be away, and then is for all letters."""
        return f"{self.target} {self.host}"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a try failed. `lasting` ones would fail again. The target may have asked for a wait of `after_s`.

    `error` names no URL and quotes nothing that was sent or received: either may hold a secret.
    """

    error: str
    lasting: bool = False
    after_s: float = 0.0


@dataclass(slots=True)
class _Place:
    waiting: int = 0
    under_way: int = 0
    fails: bool = False
    not_before: float = 0.0

    def takes(self, now: float) -> bool:
        return self.under_way < (1 if self.fails else AT_ONCE) and now >= self.not_before


@dataclass(slots=True)
class Losses:
    """What was not delivered to one target since this was told last."""

    target: str
    dropped: int = 0
    failed: int = 0
    job: str = ""
    error: str = ""
    not_before: float = 0.0


class Mailbag:
    """All letters of one process. Whoever calls holds one lock; times are boot seconds."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._lanes: OrderedDict[tuple[str, str], deque[Letter]] = OrderedDict()
        self._places: dict[str, _Place] = {}
        self._busy: set[tuple[str, str]] = set()
        self._losses: dict[str, Losses] = {}
        self._waiting = 0

    def __len__(self) -> int:
        """Letters that wait, those under way not among them."""
        return self._waiting

    @property
    def is_done(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._waiting and not self._busy

    def put(self, letter: Letter) -> None:
        """Have it sent; the bag may have to let go of another."""
        if self._waiting >= self._capacity:
            self._drop_one()
        self._place(letter.place).waiting += 1
        self._lanes.setdefault(letter.lane, deque()).append(letter)
        self._waiting += 1

    def take(self, now: float) -> Letter | None:
        """The letter to send now, whose fate must be told to `settle`; None if none may be sent yet."""
        most_fail = sum(place.under_way for place in self._places.values() if place.fails) >= FAILING_AT_ONCE
        for lane, letters in self._lanes.items():
            place = self._places[letters[0].place]
            if place.fails and most_fail:
                continue
            if lane not in self._busy and now >= letters[0].not_before and place.takes(now):
                letter = letters.popleft()
                self._left(letter)
                place.under_way += 1
                self._busy.add(lane)
                if letters:
                    self._lanes.move_to_end(lane)  # everybody's turn comes
                else:
                    del self._lanes[lane]
                return letter
        return None

    def next_at(self, now: float) -> float:
        """When something waits that only time holds back; `settle` may make something possible before."""
        waiting = (
            max(letters[0].not_before, self._places[letters[0].place].not_before)
            for lane, letters in self._lanes.items()
            if lane not in self._busy
        )
        told = (losses.not_before for losses in self._losses.values() if losses.dropped or losses.failed)
        return min((at for at in (*waiting, *told) if at > now), default=NEVER)

    def settle(self, letter: Letter, failure: Failure | None, now: float) -> None:
        """Take note of what became of a letter that was taken."""
        self._busy.discard(letter.lane)
        place = self._place(letter.place)
        place.under_way -= 1
        letter.tries += 1
        place.fails = failure is not None and not failure.lasting
        if failure is None:
            self._forget_idle(letter.place)
        elif failure.lasting or letter.tries >= TRIES:
            self._lose(letter, failure)
            self._forget_idle(letter.place)
        else:
            delay_s = max(DELAYS_S[letter.tries - 1], min(failure.after_s, LONGEST_DELAY_S))
            letter.not_before = place.not_before = now + delay_s
            place.waiting += 1
            self._lanes.setdefault(letter.lane, deque()).appendleft(letter)
            self._waiting += 1

    def drop_all(self) -> None:
        """Let go of whatever waits."""
        while self._waiting:
            self._drop_one()

    def losses(self, now: float) -> list[Losses]:
        """What there is to tell of losses: of each target once a minute at most."""
        due = [
            losses for losses in self._losses.values() if (losses.dropped or losses.failed) and now >= losses.not_before
        ]
        for losses in due:
            self._losses[losses.target] = Losses(losses.target, not_before=now + TOLD_EVERY_S)
        return due

    def _drop_one(self) -> None:
        """The oldest letter of the place with most of them; within a place, lanes stand in the order of their turns."""
        fullest = max(self._places, key=lambda name: self._places[name].waiting)
        lane, letters = next(item for item in self._lanes.items() if item[1][0].place == fullest)
        letter = letters.popleft()
        self._left(letter)
        if not letters:
            del self._lanes[lane]
        self._lost(letter.target).dropped += 1

    def _left(self, letter: Letter) -> None:
        self._waiting -= 1
        self._places[letter.place].waiting -= 1

    def _lose(self, letter: Letter, failure: Failure) -> None:
        losses = self._lost(letter.target)
        losses.failed += 1
        losses.job, losses.error = letter.job, failure.error

    def _lost(self, target: str) -> Losses:
        return self._losses.setdefault(target, Losses(target))

    def _place(self, name: str) -> _Place:
        return self._places.setdefault(name, _Place())

    def _forget_idle(self, name: str) -> None:
        """A place is remembered as long as something is on its way there, or it fails."""
        place = self._places[name]
        if not (place.waiting or place.under_way or place.fails):
            del self._places[name]

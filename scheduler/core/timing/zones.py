"""Time zones: their data, the moments their clocks change, and local times turned into instants.

Replicas must agree on every tick, so the data comes from the pinned `tzdata` package and from nowhere else: never from
the machine's zone files, whose age differs from node to node, and never through `zoneinfo`'s search path.

A zone's clock is seen as a row of *stretches*. Over a stretch the offset from UTC stays the same, so arithmetic on
local time is plain arithmetic; all that is difficult about daylight saving happens where one stretch meets the next.
Instants are whole seconds since 1970-01-01T00:00Z here, and local times are whole seconds on the same scale, as the
clock on the wall shows them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from operator import attrgetter
from zoneinfo import ZoneInfo

from scheduler.core.errors import LeasebeatError

# Two looks at a zone's offset that are this far apart see every change between them: no zone has gone there and back in
# less than six days since 1970 (Brazil in 2000 and Gaza take seven), and tests/core/test_zones.py proves it of tzdata.
LOOK = 3 * 86_400  # seconds
CHUNK = 133 * LOOK  # stretches are worked out and remembered in pieces of about a year


class UnknownZone(LeasebeatError, ValueError):
    """There is no such IANA time zone; `candidates` are names that may have been meant, best first."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown time zone {name}")
        self.candidates = _candidates(name)
        meant = f"did you mean {self.candidates[0]}? " if self.candidates else ""
        self.hint = f"{meant}IANA names, no offsets"


class NoSuchLocalTime(LeasebeatError, ValueError):
    """The clocks of `zone` jump over the local time `local`: at `clocks_from` they are put to `clocks_to` (all naive).

    `instant` (UTC) is what was probably meant, as far after the change as `local` is after `clocks_from`, and `moved`
    is the local time at that instant.
    """

    def __init__(self, local: datetime, tz: ZoneInfo) -> None:
        self.local, self.zone = local, str(tz)
        self.instant = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
        self.moved = self.instant.astimezone(tz).replace(tzinfo=None)
        meant = int(self.instant.timestamp())
        change = next(_changes(tz, meant - int((self.moved - local).total_seconds()), meant))
        self.clocks_from = _shown(change + _offset(tz, change - 1))
        self.clocks_to = _shown(change + _offset(tz, change))
        jump = f"clocks go from {_clock_text(self.clocks_from)} to {_clock_text(self.clocks_to)}"
        super().__init__(f"{local:%Y-%m-%d} {_clock_text(local)} does not exist in {self.zone}, {jump}")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, `start` to just before `end`, over which a zone's clocks run evenly; Unix seconds.

    `offset` is local time minus UTC in seconds, `previous` the offset that held just before `start`. They are equal
    where a stretch begins only because the one before was cut to a handy length.
    """

    start: int
    end: int
    offset: int
    previous: int

    @property
    def closing(self) -> int:
        """The local second at which the stretch ends, by its own clock."""
        return self.end + self.offset


@dataclass(frozen=True, slots=True)
class ClockChange:
    """At `instant` (UTC) the clocks of a zone are put from `clocks_from` to `clocks_to`, both naive local times."""

    instant: datetime
    clocks_from: datetime
    clocks_to: datetime

    @property
    def forward(self) -> bool:
        """Whether times are skipped; otherwise some come twice."""
        return self.clocks_to > self.clocks_from


@cache
def zone_names() -> tuple[str, ...]:
    """Every IANA name of the pinned tzdata, sorted."""
    return tuple(sorted((files("tzdata") / "zones").read_text(encoding="ascii").split()))


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of this IANA name, from the pinned tzdata; raises `UnknownZone`."""
    if name not in zone_names():
        raise UnknownZone(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def local_instant(local: datetime, tz: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clocks of `tz` show the naive time `local`; the first one if they do so twice.

    Raises `NoSuchLocalTime` if they never show it.
    """
    instant = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) != local:
        raise NoSuchLocalTime(local, tz)
    return instant


def stretch_at(tz: ZoneInfo, second: int) -> Stretch:
    """The stretch that the instant `second` lies in."""
    stretches = _stretches(tz, second // CHUNK)
    return stretches[bisect_right(stretches, second, key=attrgetter("start")) - 1]


def clock_changes(tz: ZoneInfo, after: datetime, until: datetime) -> Iterator[ClockChange]:
    """The changes of the clocks of `tz` later than `after` and not later than `until`, ascending."""
    stretch = stretch_at(tz, int(after.timestamp()))
    while stretch.end <= until.timestamp():
        stretch = stretch_at(tz, stretch.end)
        if stretch.offset != stretch.previous:
            instant = datetime.fromtimestamp(stretch.start, UTC)
            yield ClockChange(instant, _shown(stretch.start + stretch.previous), _shown(stretch.start + stretch.offset))


@lru_cache(maxsize=4096)
def _stretches(tz: ZoneInfo, chunk: int) -> tuple[Stretch, ...]:
    begin, finish = chunk * CHUNK, (chunk + 1) * CHUNK
    starts = [begin]
    for look in range(begin, finish, LOOK):
        starts.extend(change for change in _changes(tz, look, look + LOOK) if change < finish)
    return tuple(
        Stretch(start, end, _offset(tz, start), _offset(tz, start - 1))
        for start, end in zip(starts, [*starts[1:], finish], strict=True)
    )


def _changes(tz: ZoneInfo, low: int, high: int) -> Iterator[int]:
    """Find the instants in (`low`, `high`] from which on another offset holds."""
    while (offset := _offset(tz, low)) != _offset(tz, high):
        low = _change(tz, low, high, offset)
        yield low


def _change(tz: ZoneInfo, low: int, high: int, offset: int) -> int:
    """Find the first second after `low` at which `offset` holds no longer; at `high` it does not."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(tz, middle) == offset else (low, middle)
    return high


def _offset(tz: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, tz).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def _shown(local_second: int) -> datetime:
    """What the clock on the wall shows at this local second, as a naive time."""
    return datetime.fromtimestamp(local_second, UTC).replace(tzinfo=None)


def _clock_text(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _candidates(name: str) -> tuple[str, ...]:
    """Names that differ only in case, then those of the same city, then those that look alike."""
    wanted = name.strip().casefold().replace(" ", "_")
    same = [known for known in zone_names() if known.casefold() == wanted]
    city = [known for known in zone_names() if known.casefold().rpartition("/")[2] == wanted.rpartition("/")[2]]
    return tuple(dict.fromkeys([*same, *city, *get_close_matches(name, zone_names(), n=3, cutoff=0.75)]))

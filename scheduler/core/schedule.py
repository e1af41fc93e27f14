"""When jobs tick: the three kinds of schedule, each a pure function from an instant to the next and the previous tick.

    cron 15 3 * * *         local times of a zone, with Debian's treatment of changing clocks
    every 300s+60s          a period counted from 1970-01-01T00:00Z, so the same on every replica
    at 2026-12-01T01:00:00Z one instant

Nothing here knows what time it is or when the process started. `before` is the exact inverse of `after`: walking either
way over the same stretch of time meets the same ticks, which lie between 1970 and the year 9000.

A cron schedule is a set of local times (`timing/localtimes.py`) laid over a zone's clock, stretch by stretch
(`timing/zones.py`). A stretch is answerable for the local times that its *window* holds, and a local time m of the
window ticks at max(start, m - offset). The two kinds of job of crontab(5) differ only in where the window opens:

    wildcard jobs     at the local time with which the stretch begins, so that a skipped hour is skipped, a repeated one
                      repeated;
    fixed-time jobs   at the local time with which the stretch before ended. Where the clocks went forward, the window
                      takes in the skipped times, which all tick at the start; where they went back, it leaves out what
                      was done before. Local times then belong to one window each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.core.job import Schedule, instant_text
from scheduler.core.timing.cron import NEVER, CronError, CronExpression, read_cron
from scheduler.core.timing.localtimes import SEARCH_YEARS, LocalTimes
from scheduler.core.timing.zones import Stretch, stretch_at, zone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
END = int(datetime(9000, 1, 1, tzinfo=UTC).timestamp())  # ticks lie before it, far from where Python's calendar ends
SEARCH = SEARCH_YEARS * 366 * 86_400
# Whether a wildcard job ever fires in its zone is asked from here on. Any fixed instant would do that lies after the
# zones' history, which would answer for clock changes that are no more.
PRESENT = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class EverySchedule:
    """A tick every `period_s` seconds (at least 1), counted from the Unix epoch and shifted by `offset_s`."""

    period_s: int
    offset_s: int = 0

    def __post_init__(self) -> None:
        if self.period_s < 1:
            raise ValueError(f"expected a period of at least 1s, got {self.period_s}s")
        object.__setattr__(self, "offset_s", self.offset_s % self.period_s)

    @property
    def text(self) -> str:
        """The definition: `every 300s+60s`, or `every 300s` without an offset."""
        return f"every {self.period_s}s" + (f"+{self.offset_s}s" if self.offset_s else "")

    def after(self, instant: datetime) -> datetime | None:
        """The first tick later than `instant`; None beyond the year 9000."""
        return self._tick(max(self._number(_floor(instant)) + 1, 0))

    def before(self, instant: datetime) -> datetime | None:
        """The last tick earlier than `instant`; None before 1970."""
        return self._tick(self._number(min(_ceiling(instant), END) - 1))

    def count(self, after: datetime, until: datetime) -> int:
        """How many ticks are later than `after` and not later than `until`; a division, however many there are."""
        first = max(self._number(_floor(after)), -1)
        return max(self._number(min(_floor(until), END - 1)) - first, 0)

    def _number(self, second: int) -> int:
        """Number the ticks from 0 on, and give that of the last one not later than `second`."""
        return (second - self.offset_s) // self.period_s

    def _tick(self, number: int) -> datetime | None:
        second = number * self.period_s + self.offset_s
        return _instant(second) if 0 <= second < END else None


@dataclass(frozen=True, slots=True)
class AtSchedule:
    """One tick, at `instant`: an aware time of whole seconds."""

    instant: datetime

    def __post_init__(self) -> None:
        if self.instant.tzinfo is None or self.instant.microsecond:
            raise ValueError(f"expected an instant of whole seconds with its offset from UTC, got {self.instant}")
        object.__setattr__(self, "instant", self.instant.astimezone(UTC))

    @property
    def text(self) -> str:
        """The definition: `at 2026-12-01T01:00:00Z`."""
        return f"at {instant_text(self.instant)}"

    def after(self, instant: datetime) -> datetime | None:
        """The tick, if it is later than `instant`."""
        return self.instant if self.instant > instant else None

    def before(self, instant: datetime) -> datetime | None:
        """The tick, if it is earlier than `instant`."""
        return self.instant if self.instant < instant else None

    def count(self, after: datetime, until: datetime) -> int:
        """Whether the tick is later than `after` and not later than `until`: 1 or 0."""
        return int(after < self.instant <= until)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """Ticks at the local times that a cron expression names, by the clock of `zone`.

    `job` is the name that `H` is drawn from. Raises `CronError` for an expression that is wrong or never fires, and
    `UnknownZone`.
    """

    expression: str
    zone: str
    job: str
    read: CronExpression = field(init=False, repr=False, compare=False)
    _tz: ZoneInfo = field(init=False, repr=False, compare=False)
    _times: LocalTimes = field(init=False, repr=False, compare=False)
    # The last answer (a, b), where b is after(a), and so after(t) for all t from a to just before b. A leader asks
    # every job again and again as time goes by; most of these questions end here. One assignment replaces it, so
    # threads see one pair or the other, both true.
    _known: tuple[datetime, datetime] = field(init=False, repr=False, compare=False, default=(EPOCH, EPOCH))

    def __post_init__(self) -> None:
        object.__setattr__(self, "read", read_cron(self.expression, self.job))
        object.__setattr__(self, "_tz", zone(self.zone))
        object.__setattr__(self, "_times", LocalTimes(self.read.fields))
        if self.read.fields.follows_real_time and self._after(PRESENT) is None:
            message = f"never fires, the clocks in {self.zone} skip all these times"
            hint = "with a number for minute and for hour it would run right after the clocks change"
            raise CronError(message, NEVER, (0, len(self.expression)), hint)

    @property
    def text(self) -> str:
        """The definition: `cron ` and the expression in its one spelling."""
        return f"cron {self.read.text}"

    def after(self, instant: datetime) -> datetime | None:
        """The first tick later than `instant`; None beyond the year 9000."""
        since, known = self._known
        if since <= instant < known:
            return known
        second = max(_floor(instant), -1)
        found = self._after(second) if second < END else None
        if found is None:
            return None
        tick = _instant(found)
        object.__setattr__(self, "_known", (instant, tick))
        return tick

    def before(self, instant: datetime) -> datetime | None:
        """The last tick earlier than `instant`; None before 1970."""
        second = min(_ceiling(instant), END)
        tick = self._before(second) if second > 0 else None
        return None if tick is None else _instant(tick)

    def count(self, after: datetime, until: datetime) -> int:
        """How many ticks are later than `after` and not later than `until`.

        Counts by stretches and months, without visiting the ticks: after a week without a leader there may be 600,000.
        """
        low, end = max(_floor(after), -1) + 1, min(_floor(until) + 1, END)
        count = 0
        while low < end:
            stretch = stretch_at(self._tz, low)
            count += self._count_in(stretch, low, min(end, stretch.end))
            low = stretch.end
        return count

    @property
    def local_times(self) -> LocalTimes:
        """The times that the expression names, on a clock that is never changed."""
        return self._times

    def meant(self, tick: datetime) -> datetime:
        """The naive local time that a tick stands for.

        It is what the clocks show then, unless they have just skipped times that the schedule names: it is the first
        of these.
        """
        second = _floor(tick)
        stretch = stretch_at(self._tz, second)
        local = second + stretch.offset
        if second == stretch.start:
            named = self._times.first_from(self._opening(stretch))
            local = local if named is None else min(local, named)
        return _instant(local).replace(tzinfo=None)

    def _after(self, second: int) -> int | None:
        """Find the first tick later than `second`: the first local time that a window from there on still holds."""
        stretch = stretch_at(self._tz, second + 1)
        low = self._opening(stretch)
        if stretch.start <= second:
            low = max(low, second + 1 + stretch.offset)
        local = self._times.first_from(low)
        until = min(second + SEARCH, END)
        while local is not None and stretch.start <= until:
            if local < stretch.closing:
                tick = max(stretch.start, local - stretch.offset)
                return tick if tick < END else None
            stretch = stretch_at(self._tz, stretch.end)
            opening = self._opening(stretch)
            if not low <= opening <= local:  # else no named time lies between, and `local` is still the first
                low, local = opening, self._times.first_from(opening)
        return None

    def _before(self, second: int) -> int | None:
        """Find the last tick earlier than `second`, by the same windows in the other direction."""
        stretch = stretch_at(self._tz, second - 1)
        high = second + stretch.offset
        local = self._times.last_before(high)
        until = max(second - SEARCH, 0)
        while local is not None and stretch.end > until:
            if local >= self._opening(stretch):
                tick = max(stretch.start, local - stretch.offset)
                return tick if tick >= 0 else None
            stretch = stretch_at(self._tz, stretch.start - 1)
            if not local < stretch.closing <= high:
                high, local = stretch.closing, self._times.last_before(stretch.closing)
        return None

    def _count_in(self, stretch: Stretch, low: int, end: int) -> int:
        """Count the ticks of one stretch from `low` to just before `end`."""
        start = stretch.start + stretch.offset
        if low > stretch.start:
            return self._times.count(max(self._opening(stretch), low + stretch.offset), end + stretch.offset)
        # whatever the window holds up to the start, ticks at the start as one
        local = self._times.first_from(self._opening(stretch))
        at_start = int(local is not None and local <= start)
        return at_start + self._times.count(max(self._opening(stretch), start + 1), end + stretch.offset)

    def _opening(self, stretch: Stretch) -> int:
        """The local second with which the window of a stretch opens (see the module's words on windows)."""
        held = stretch.offset if self.read.fields.follows_real_time else stretch.previous
        return stretch.start + held


def ticks_between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """The ticks later than `after` and not later than `until`, ascending."""
    tick = schedule.after(after)
    while tick is not None and tick <= until:
        yield tick
        tick = schedule.after(tick)


def _floor(instant: datetime) -> int:
    """The last whole second not later than `instant`."""
    return (instant - EPOCH) // SECOND


def _ceiling(instant: datetime) -> int:
    """The first whole second not earlier than `instant`."""
    return -((EPOCH - instant) // SECOND)


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)

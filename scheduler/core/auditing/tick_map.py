"""A number for each of millions of ticks, in 16 bytes a tick, however often the job ticks.

A dict takes ten times that, and an audit has to hold what a month of logs says. Ticks come almost in order, so they are
appended to an array; those that come late, from the log of another replica say, wait in a dict until there are enough
of them to be merged.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from heapq import merge

Tick = int | str  # of a manual run, the text behind `job@`

_FEW_LATE = 4096
_SHARE_LATE = 8  # merging touches every entry, so it waits until an eighth of them are late


class TickMap:
    """Ticks in order, each with a number below 2**64; manual runs come after them, as they came."""

    __slots__ = ("_late", "_manual", "_numbers", "_ticks")

    def __init__(self) -> None:
        self._ticks = array("q")
        self._numbers = array("Q")
        self._late: dict[int, int] = {}
        self._manual: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ticks) + len(self._late) + len(self._manual)

    def __contains__(self, tick: object) -> bool:
        return isinstance(tick, int | str) and self.get(tick) is not None

    def get(self, tick: Tick) -> int | None:
        """The tick's number, if it has one."""
        if isinstance(tick, str):
            return self._manual.get(tick)
        ticks = self._ticks
        if not ticks or tick > ticks[-1]:
            return None
        place = bisect_left(ticks, tick)
        return self._numbers[place] if ticks[place] == tick else self._late.get(tick)

    def __setitem__(self, tick: Tick, number: int) -> None:
        ticks = self._ticks
        if isinstance(tick, str):
            self._manual[tick] = number
        elif not ticks or tick > ticks[-1]:
            ticks.append(tick)
            self._numbers.append(number)
        else:
            self._set_earlier(tick, number)

    def __iter__(self) -> Iterator[Tick]:
        yield from self.ticks()
        yield from self._manual

    def ticks(self) -> Iterator[int]:
        """The ticks in order, without manual runs."""
        self._merge()
        return iter(self._ticks)

    def manual(self) -> Iterator[str]:
        """The manual runs."""
        return iter(self._manual)

    def ticks_and_numbers(self) -> Iterator[tuple[int, int]]:
        """The ticks in order with their numbers, without manual runs."""
        self._merge()
        return zip(self._ticks, self._numbers, strict=True)

    def _set_earlier(self, tick: int, number: int) -> None:
        place = bisect_left(self._ticks, tick)
        if self._ticks[place] == tick:
            self._numbers[place] = number
            return
        self._late[tick] = number
        if len(self._late) > _FEW_LATE + len(self._ticks) // _SHARE_LATE:
            self._merge()

    def _merge(self) -> None:
        if not self._late:
            return
        ticks, numbers = array("q"), array("Q")
        for tick, number in merge(zip(self._ticks, self._numbers, strict=True), sorted(self._late.items())):
            ticks.append(tick)
            numbers.append(number)
        self._ticks, self._numbers, self._late = ticks, numbers, {}

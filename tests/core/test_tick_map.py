"""A map of ticks answers as a dict does, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.auditing import tick_map
from scheduler.core.auditing.tick_map import Tick, TickMap

TICKS = st.integers(-50, 50) | st.sampled_from(["manual-a", "manual-b"])


@given(st.lists(st.tuples(TICKS, st.integers(0, 2**64 - 1))))
def test_it_is_a_dict_in_order(entries: list[tuple[Tick, int]]) -> None:
    numbers, expected = TickMap(), dict[Tick, int]()
    for tick, number in entries:
        numbers[tick] = number
        expected[tick] = number

        assert len(numbers) == len(expected)

    assert {tick: numbers.get(tick) for tick in expected} == expected
    assert list(numbers.ticks()) == sorted(tick for tick in expected if isinstance(tick, int))
    assert dict(numbers.ticks_and_numbers()) == {tick: n for tick, n in expected.items() if isinstance(tick, int)}
    assert list(numbers.manual()) == [tick for tick in expected if isinstance(tick, str)]
    assert all((tick in numbers) == (tick in expected) for tick in range(-51, 52))


def test_the_log_of_another_replica_is_merged_in_good_time() -> None:
    """Two logs of 20,000 ticks, one after the other: half of all ticks come late."""
    numbers = TickMap()
    for start in (1, 0):
        for tick in range(start, 40_000, 2):
            numbers[tick] = tick

    assert list(numbers.ticks_and_numbers()) == [(tick, tick) for tick in range(40_000)]
    assert len(numbers._late) <= tick_map._FEW_LATE + 40_000 // tick_map._SHARE_LATE

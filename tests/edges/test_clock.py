import time
from datetime import UTC, timedelta

import pytest

from scheduler.clock import SystemClock, boot_clock
from scheduler.core.errors import LeasebeatError


def test_boot_seconds_never_go_back() -> None:
    clock = SystemClock()

    readings = [clock.boot() for _ in range(1000)]

    assert readings == sorted(readings)


def test_boot_seconds_count_the_time_asleep() -> None:
    """CLOCK_MONOTONIC leaves it out on Linux: it can only be behind."""
    counted_awake = time.clock_gettime(time.CLOCK_MONOTONIC)

    assert SystemClock().boot() >= counted_awake


def test_wall_time_is_in_utc_and_goes_on() -> None:
    clock = SystemClock()
    first, second = clock.wall(), clock.wall()

    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(seconds=10)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        pytest.param("linux", time.CLOCK_BOOTTIME, id="Linux counts sleep with CLOCK_BOOTTIME"),
        pytest.param("darwin", time.CLOCK_MONOTONIC, id="macOS counts sleep with CLOCK_MONOTONIC"),
    ],
)
def test_the_clock_that_counts_sleep(platform: str, expected: int) -> None:
    assert boot_clock(platform) == expected


def test_a_platform_without_such_a_clock_is_refused_by_name() -> None:
    with pytest.raises(LeasebeatError, match="Linux and macOS, not on win32"):
        boot_clock("win32")

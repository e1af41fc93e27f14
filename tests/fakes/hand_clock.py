"""A clock that a test sets."""

from __future__ import annotations

from datetime import UTC, datetime


class HandClock:
    """Stands still until a test sets `now`, the boot second, forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def boot(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC)

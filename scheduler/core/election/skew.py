"""The claim clock: how far a leader believes its own wall clock (rule 13).

A claim moves marks for ever, so a wall clock that is far ahead would claim the ticks of years to come and nobody would
ever run them. The store's clock is the second opinion: `now` for claims is never later than it by more than the skew.
A clock that is behind needs no bound, for it only claims late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

LONGEST_SKEW = timedelta(seconds=5)
DATE_COUNTS = timedelta(seconds=1)  # `Date` has no fraction, so it may be all but a second later than it says


def skew_of(lease_duration_s: float) -> timedelta:
    """How far two clocks may differ without notice: a third of the lease, at most 5 s."""
    return min(timedelta(seconds=lease_duration_s) / 3, LONGEST_SKEW)


class ClaimClock:
    """Bounds the wall clock by the store's. `now` is boot seconds throughout.

    `is_ahead` tells whether the wall is beyond the bound. It takes a little more to come back than to go, so that a
    clock near the bound is not told of again and again.
    """

    def __init__(self, skew: timedelta) -> None:
        self._skew = skew
        self._server_time: datetime | None = None
        self._heard_at = 0.0
        self.is_ahead = False

    def hear(self, server_time: datetime | None, now: float) -> None:
        """An answer came just now, and the last answer with a `Date` had this one.

        The same `Date` again is no news: it need not be this answer's.
        """
        if server_time != self._server_time:
            self._server_time, self._heard_at = server_time, now

    def bounded(self, wall: datetime, now: float) -> datetime:
        """The time to claim by: the wall clock's, unless it is too far ahead of the store's."""
        server = self._server(now)
        if server is None:
            self.is_ahead = False
            return wall
        latest = server + DATE_COUNTS + self._skew
        self.is_ahead = wall > (server + self._skew if self.is_ahead else latest)
        return min(wall, latest)

    def ahead_s(self, wall: datetime, now: float) -> int:
        """By how many whole seconds the wall clock is ahead of the store's."""
        server = self._server(now)
        return round((wall - server).total_seconds()) if server else 0

    def _server(self, now: float) -> datetime | None:
        return self._server_time + timedelta(seconds=now - self._heard_at) if self._server_time else None

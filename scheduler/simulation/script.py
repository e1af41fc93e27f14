"""What a rehearsal is to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Script:
    """From `begin` to just before `end`: when the leader of the moment is killed, and how long each run takes.

    With `leaps` the renewals between ticks are left out, which changes nothing but how long it all takes.
    """

    begin: datetime
    end: datetime
    kills: tuple[datetime, ...] = ()
    took: timedelta = timedelta(0)
    leaps: bool = True

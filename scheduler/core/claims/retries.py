"""How long a run that failed rests before its next attempt (rule 26)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from scheduler.core.job import Policy
from scheduler.core.ledger import OpenRun

LONGEST_RETRY_DELAY = timedelta(minutes=5)
SPREAD = 0.1
"""By up to this share a delay is shorter than the table says, so that jobs which failed together part."""


def retry_delay(policy: Policy, entry: OpenRun) -> timedelta:
    """The rest after the last failure of `entry`: doubled with each, then shortened by a hash of the run and attempt.

    Whole milliseconds, and the same on every replica.
    """
    longest: timedelta = min(policy.retry_delay * 2 ** (entry.failures - 1), LONGEST_RETRY_DELAY)
    digest = hashlib.sha256(entry.key.encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return timedelta(milliseconds=round(longest / timedelta(milliseconds=1) * (1 - SPREAD * share)))


def rests(entry: OpenRun) -> bool:
    """Whether every attempt so far has failed, so that it waits for its next one and was not cut off."""
    return entry.failures == entry.attempt

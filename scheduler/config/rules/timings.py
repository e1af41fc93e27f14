"""The three times of the lease, which make sense only in their order (client-go's rule, see NewLeaderElector).

A leader that may go on until `renew_deadline` must stop before others may take over after `lease_duration`, and it must
have had the chance of a second attempt by then, which is what the 1.2 leaves room for.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from scheduler.config.checking import Draft, Finding
from scheduler.config.mistakes import Mistake
from scheduler.config.models.settings import LeaseKeys

TIMINGS = ("lease_duration", "renew_deadline", "retry_period")
_ORDER = "lease_duration > renew_deadline > 1.2 x retry_period"
_JITTER = 1.2


def timing_contradictions(draft: Draft) -> Iterator[Finding]:
    """Which of the three, as written in the file, does not fit the others."""
    if not timings_intact(draft):
        return
    lease = draft.keys.lease
    if lease.renew_deadline >= lease.lease_duration:
        if "renew_deadline" in lease.model_fields_set:
            yield _misfit(lease, "renew_deadline", f"less than {_said(lease, 'lease_duration')}")
        else:
            yield _misfit(lease, "lease_duration", f"more than {_said(lease, 'renew_deadline')}")
    if lease.renew_deadline <= _JITTER * lease.retry_period:
        if "retry_period" in lease.model_fields_set:
            yield _misfit(lease, "retry_period", f"1.2 x retry_period less than {_said(lease, 'renew_deadline')}")
        else:
            yield _misfit(lease, "renew_deadline", f"more than 1.2 x {_said(lease, 'retry_period')}")


def timings_intact(draft: Draft) -> bool:
    """Whether none of the three was found faulty by itself."""
    return all(draft.intact("lease", key) for key in TIMINGS)


def _misfit(lease: LeaseKeys, key: str, what: str) -> Finding:
    value: int = getattr(lease, key)
    mistake = Mistake(f"expected {what}, got {value}s", "lease-timing", f"{_ORDER}; {_remedy(lease, key, value)}")
    return ("lease", key), mistake


def _said(lease: LeaseKeys, key: str) -> str:
    return f"{key} ({getattr(lease, key)}s{'' if key in lease.model_fields_set else ', the default'})"


def _remedy(lease: LeaseKeys, key: str, value: int) -> str:
    """What else to set if the value is to stay; about the proportions of the defaults."""
    smallest = {"lease_duration": 3, "renew_deadline": 2, "retry_period": 1}[key]
    if value < smallest:
        return f"at least {smallest}s"
    deadline = {"lease_duration": value * 2 // 3, "renew_deadline": value, "retry_period": value * 2}[key]
    fit = {
        "lease_duration": value if key == "lease_duration" else max(lease.lease_duration, ceil(deadline * 1.5)),
        "renew_deadline": deadline,
        "retry_period": value if key == "retry_period" else min(lease.retry_period, max(1, ceil(deadline / 2.4))),
    }
    changes = [f"{other}: {fit[other]}s" for other in TIMINGS if other != key and fit[other] != getattr(lease, other)]
    return f"for {value}s set {', '.join(changes)}"

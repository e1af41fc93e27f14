"""Elections that are broken on purpose: whoever judges must object to them."""

from __future__ import annotations

from dataclasses import replace

from scheduler.core.lease import Election
from scheduler.core.moves import Attempt, Gate
from scheduler.core.ports import LeaseRecord
from tests.fakes.world import L


class TrustsTheReply(Election):
    """Counts its trust from when it heard the answer."""

    def accepted(self, attempt: Attempt, record: LeaseRecord, now: float) -> None:
        super().accepted(replace(attempt, sent_at=now), record, now)


class TrustsTooLong(Election):
    """Has forgotten that the trust must end before the lease does."""

    @property
    def gate(self) -> Gate:
        gate = super().gate
        return Gate(gate.opens_at, gate.shuts_at + L)

"""Contends for one Lease with the leader election of the official Python client, and does nothing else.

It tells what becomes of it in JSON lines: `observed` (a leader, as seen here), `leading` and `stopped`. The client has
its own lock for Leases since version 37. Three things about it matter to whoever shares a Lease with it: it gives
nothing back when it ends, it judges by its own lease duration and not by the one that the Lease names, and it leaves
`leaseTransitions` as it is, so a Lease that it made has none.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from kubernetes.client import ApiException
from kubernetes.config import load_kube_config
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.leaderelection import LeaderElection
from kubernetes.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock


def tell(event: str, leader: str) -> None:
    now = datetime.now(UTC).isoformat()  # noqa: TID251 - another program than leasebeat, with a clock of its own
    print(json.dumps({"timestamp": now, "event": event, "leader": leader}), flush=True)  # noqa: T201 - its only output


class TellingLock(LeaseLock):
    """The client's own lock; it tells of each leader once, because the election has no callback for that."""

    told: str | None = None

    def get(self, name: str, namespace: str) -> tuple[bool, LeaderElectionRecord | ApiException]:
        found, record = super().get(name, namespace)
        leader = record.holder_identity if found else None
        if leader and leader != self.told:
            tell("observed", leader)
        self.told = leader
        return found, record


def settings() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("kubeconfig", "namespace", "lease", "identity"):
        parser.add_argument(f"--{name}", required=True)
    for name, seconds in (("lease-duration", 15), ("renew-deadline", 10), ("retry-period", 2)):
        parser.add_argument(f"--{name}", type=int, default=seconds, help="in seconds")
    return parser.parse_args()


def main() -> None:
    chosen = settings()
    load_kube_config(config_file=chosen.kubeconfig)
    election = Config(
        TellingLock(chosen.lease, chosen.namespace, chosen.identity),
        lease_duration=chosen.lease_duration,
        renew_deadline=chosen.renew_deadline,
        retry_period=chosen.retry_period,
        onstarted_leading=lambda: tell("leading", chosen.identity),
        onstopped_leading=lambda: tell("stopped", chosen.identity),
    )
    LeaderElection(election).run()


if __name__ == "__main__":
    main()

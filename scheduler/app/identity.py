"""Who this replica is, and where it can be asked how it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from scheduler.config.settings import LeaseSettings
from scheduler.core.ports import Tell
from scheduler.telling.health_listening import LOOPBACK, Listening, PortUnavailable, listen_everywhere, listen_nearby


def open_port(port: int, tell: Tell, *, in_pod: bool) -> Listening | None:
    """Where the health server listens; None if it is off, or outside a pod if all ports to choose from are taken.

    In a pod the manifest's probes ask for exactly this port, so there it raises `PortUnavailable`.
    """
    if not port:
        return None
    if in_pod:
        return listen_everywhere(port)
    try:
        return listen_nearby(port)
    except PortUnavailable as error:
        tell("health.unavailable", error=str(error), hint=error.hint)
        return None


def address_of(listening: Listening | None, *, in_pod: bool, environment: Mapping[str, str] = os.environ) -> str:
    """Where others can ask the health server, as the Lease is told it: `10.1.2.3:8080`; empty if they cannot.

    In a pod that is the pod's own address, which only the manifest can tell us.
    """
    if listening is None:
        return ""
    host, port = environment.get("POD_IP", "") if in_pod else LOOPBACK, listening.socket.getsockname()[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if host else ""


def patience_s(lease: LeaseSettings) -> float:
    """How long a living leader may leave a due tick undecided: one that drains before its release does nothing else."""
    return lease.lease_duration_s + (lease.drain_timeout_s if lease.release == "drained" else 0)


def pid_to_tell(*, in_pod: bool) -> int | None:
    """The number of this process; None in a pod, where it counts only inside the container.

    There it may differ from start to start, and whoever reads the log has no use for it.
    """
    return None if in_pod else os.getpid()


def default_name(environment: Mapping[str, str]) -> str:
    """A pod's name, so that `kubectl logs` finds the holder; elsewhere the host and the process."""
    return environment.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"

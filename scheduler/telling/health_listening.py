"""Where the health server listens: in a pod on the port that its manifest names, on a laptop on the first free one."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from scheduler.core.errors import LeasebeatError

SEARCHED = 20  # ports, from the configured one on
GREATEST_PORT = 65535
BACKLOG = 1024  # connections that the kernel keeps while the server takes a breath; a kubelet's is one of them
LOOPBACK = "127.0.0.1"


class PortUnavailable(LeasebeatError):
    """The health server cannot have its port; `hint` is the way out."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Listening:
    """A listening socket, and its address as people are told it: `:8080`, `http://127.0.0.1:8081`."""

    socket: socket.socket
    address: str


def listen_everywhere(port: int) -> Listening:
    """Listen on exactly this port of all addresses, of IPv6 and IPv4 alike where both are there.

    Raises `PortUnavailable`.
    """
    try:
        return Listening(_everywhere(port), f":{port}")
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        raise PortUnavailable(
            f"health.port: port {port} {reason}", "choose another, for the probes too, or 0 for none"
        ) from error


def listen_nearby(port: int) -> Listening:
    """Listen on 127.0.0.1, on the first free port of 20 from this one on; raises `PortUnavailable` if none is."""
    last = min(port + SEARCHED - 1, GREATEST_PORT)
    for candidate in range(port, last + 1):
        try:
            listener = socket.create_server((LOOPBACK, candidate), backlog=BACKLOG)
        except OSError:
            continue
        return Listening(listener, f"http://{LOOPBACK}:{candidate}")
    raise PortUnavailable(
        f"health.port: none of the ports {port} to {last} of {LOOPBACK} is free", "choose another, or 0 for none"
    )


def _everywhere(port: int) -> socket.socket:
    """Both families by one socket. A kernel may know IPv6 and yet have no address of it, which only binding tells."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("::", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return socket.create_server(("", port), backlog=BACKLOG)

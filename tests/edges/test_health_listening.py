"""Where the health server listens, with real ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from scheduler.app.identity import open_port
from scheduler.telling.health_listening import SEARCHED, PortUnavailable, listen_everywhere, listen_nearby

ANYWHERE = 0  # the kernel's choice


class Lines:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, /, **facts: object) -> None:
        self.events.append((event, facts))


@pytest.fixture
def ports() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def taken(ports: ExitStack, port: int = ANYWHERE, host: str = "127.0.0.1") -> int:
    """A port that somebody listens on."""
    number: int = ports.enter_context(socket.create_server((host, port))).getsockname()[1]
    return number


def taken_row(ports: ExitStack, length: int) -> int:
    """The first of so many ports in a row that are all taken."""
    for _ in range(100):
        first = taken(ports)
        try:
            for port in range(first + 1, first + length):
                taken(ports, port)
        except OSError:
            continue
        return first
    raise AssertionError("no ports in a row")


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def knows_ipv6() -> bool:
    try:
        socket.create_server(("::1", ANYWHERE), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_nearby_is_the_port_itself_if_it_is_free(ports: ExitStack) -> None:
    port = taken(ports)
    ports.pop_all().close()
    listening = listen_nearby(port)

    assert listening.address == f"http://127.0.0.1:{port}"
    assert answers("127.0.0.1", port)
    listening.socket.close()


def test_nearby_is_the_next_port_if_others_are_taken(ports: ExitStack) -> None:
    first = taken_row(ports, 3)
    listening = listen_nearby(first)

    assert int(listening.address.rpartition(":")[2]) > first + 2
    assert listening.socket.getsockname()[0] == "127.0.0.1"
    listening.socket.close()


def test_a_port_that_is_taken_on_all_addresses_is_taken_nearby_too(ports: ExitStack) -> None:
    port = taken(ports, host="")
    listening = listen_nearby(port)

    assert listening.socket.getsockname()[1] != port
    listening.socket.close()


def test_twenty_taken_ports_are_enough(ports: ExitStack) -> None:
    first = taken_row(ports, SEARCHED)

    with pytest.raises(PortUnavailable) as refused:
        listen_nearby(first)
    assert str(refused.value) == f"health.port: none of the ports {first} to {first + 19} of 127.0.0.1 is free"
    assert refused.value.hint == "choose another, or 0 for none"


def test_there_is_no_port_beyond_the_last(ports: ExitStack) -> None:
    if not answers("127.0.0.1", 65535):
        taken(ports, 65535)

    with pytest.raises(PortUnavailable, match="none of the ports 65535 to 65535 of"):
        listen_nearby(65535)


def test_everywhere_is_every_address_of_each_family_there_is(ports: ExitStack) -> None:
    port = taken(ports)
    ports.pop_all().close()
    listening = listen_everywhere(port)

    assert listening.address == f":{port}"
    assert answers("127.0.0.1", port)
    assert answers("::1", port) == knows_ipv6()
    listening.socket.close()


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_everywhere_means_exactly_this_port(ports: ExitStack, host: str) -> None:
    port = taken(ports, host=host)

    with pytest.raises(PortUnavailable) as refused:
        listen_everywhere(port)
    assert str(refused.value) == f"health.port: port {port} is taken"
    assert refused.value.hint == "choose another, for the probes too, or 0 for none"


# ------------------------------------------------------------------ what a replica does about it


@pytest.mark.parametrize("in_pod", [True, False])
def test_port_0_is_no_server(*, in_pod: bool) -> None:
    assert open_port(0, Lines(), in_pod=in_pod) is None


def test_in_a_pod_a_taken_port_is_an_error(ports: ExitStack) -> None:
    """The kubelet would ask somebody else, or nobody."""
    with pytest.raises(PortUnavailable):
        open_port(taken(ports), Lines(), in_pod=True)


def test_elsewhere_a_replica_goes_on_without_and_says_so(ports: ExitStack) -> None:
    first, lines = taken_row(ports, SEARCHED), Lines()

    assert open_port(first, lines, in_pod=False) is None
    (event, facts) = lines.events[0]
    assert event == "health.unavailable"
    assert facts["error"] == f"health.port: none of the ports {first} to {first + 19} of 127.0.0.1 is free"

"""The probes of real replicas: standing by, leading, shut out from their store, draining."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.replica import ReplicaProcess

CONFIG = """
health: {{port: {port}}}
lease: {{lease_duration: 3s, renew_deadline: 2s, retry_period: 1s, drain_timeout: 20s, path: {path}}}
jobs:
  meter: {{every: 1s, shell: '{shell}'}}
"""
PROBES = ("/startupz", "/livez", "/readyz")
PATIENCE_S = 20.0


class Fleet:
    """Replicas beside one config.yaml, which are ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self._started: list[ReplicaProcess] = []

    def configured(self, port: int, shell: str = "true", path: str = "leasebeat.db") -> Fleet:
        self.config.write_text(CONFIG.format(port=port, shell=shell, path=path))
        return self

    def start(self, name: str, *options: str) -> ReplicaProcess:
        return self.keep(ReplicaProcess.start(name, self.config, *options))

    def keep(self, replica: ReplicaProcess) -> ReplicaProcess:
        self._started.append(replica)
        return replica

    def end(self) -> None:
        for replica in self._started:
            replica.end()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.end()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def address(process: ReplicaProcess, **facts: object) -> str:
    return str(process.wait_for("app.started", **facts)["health"])


def asked(address: str, path: str) -> tuple[int, str]:
    """The status and the sentence, as a kubelet gets them."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=PATIENCE_S)
    connection.request("GET", path)
    response = connection.getresponse()
    sentence = response.read().decode().rstrip("\n")
    connection.close()
    return response.status, sentence


def test_a_leader_and_a_standby_are_well(fleet: Fleet) -> None:
    """And the second found another port."""
    fleet.configured(port := free_port())
    leader = fleet.start("a")
    leader.wait_for("lead.acquired")
    standby = fleet.start("b")
    standby.wait_for("lead.standby")

    assert address(leader) == f"http://127.0.0.1:{port}"
    assert address(standby) != address(leader)
    for replica in (leader, standby):
        assert [asked(address(replica), path) for path in PROBES] == [(200, "ok")] * 3


def test_a_leader_and_a_standby_say_who_leads(fleet: Fleet) -> None:
    """And the leader what its jobs did; the standby has the top line only."""
    fleet.configured(free_port())
    leader = fleet.start("a")
    leader.wait_for("run.succeeded", count=2)
    standby = fleet.start("b")
    standby.wait_for("lead.standby")

    assert asked(address(leader), "/leader") == (200, "a leads")
    assert asked(address(standby), "/leader") == (503, "a leads")
    told, other = (json.loads(asked(address(one), "/status.json")[1]) for one in (leader, standby))
    assert (told["leader"]["replica"], told["complete"]) == ("a", True)
    assert (other["leader"]["replica"], other["complete"], other["jobs"]) == ("a", False, [])
    (meter,) = told["jobs"]
    assert meter["last"]["outcome"] == "succeeded"
    assert meter["last20"].startswith("..")
    assert "meter" in asked(address(leader), "/")[1]
    assert "meter" not in asked(address(standby), "/")[1]


def test_a_replica_without_its_store_is_alive_and_not_ready(fleet: Fleet, tmp_path: Path) -> None:
    """Nor is it ready later, until it has read the Lease; then it is."""
    (tmp_path / "away").mkdir()
    replica = fleet.configured(free_port(), path="away").start("a")
    outage = replica.wait_for("store.unavailable")

    assert asked(address(replica), "/startupz") == (200, "ok")
    assert asked(address(replica), "/livez") == (200, "ok")
    status, sentence = asked(address(replica), "/readyz")
    assert status == 503
    assert outage["error"] in sentence
    (tmp_path / "away").rmdir()
    replica.wait_for("lead.acquired")
    assert asked(address(replica), "/readyz") == (200, "ok")


def test_a_replica_that_drains_is_alive_and_not_ready(fleet: Fleet, tmp_path: Path) -> None:
    """Until it ends; then nobody answers any more."""
    release = tmp_path / "release"
    replica = fleet.configured(free_port(), f"echo begun; while [ ! -e {release} ]; do sleep 0.1; done").start("a")
    replica.wait_for("run.output", text="begun")
    assert asked(address(replica), "/readyz") == (200, "ok")
    replica.signal(signal.SIGTERM)
    replica.wait_for("lead.released")

    assert asked(address(replica), "/livez") == (200, "ok")
    assert asked(address(replica), "/readyz") == (503, "stopping")
    release.touch()
    assert replica.process.wait(PATIENCE_S) == 0
    with pytest.raises(ConnectionRefusedError):
        asked(address(replica), "/livez")


def test_port_0_opens_none(fleet: Fleet) -> None:
    replica = fleet.configured(0).start("a")

    assert "health" not in replica.wait_for("app.started")


def test_the_third_of_several_replicas_begins_with_the_third_port(fleet: Fleet) -> None:
    """Whichever of them is first; so who has which port is known beforehand."""
    replica = fleet.configured(port := free_port()).start("c", "--nth=2")

    assert address(replica) == f"http://127.0.0.1:{port + 2}"


def test_each_of_several_replicas_has_its_own_port_by_its_letter(fleet: Fleet) -> None:
    fleet.configured(port := free_port())
    command = ("run", "-c", str(fleet.config), "--replicas", "3", "--log-format", "json")
    replicas = fleet.keep(ReplicaProcess.start_command(*command, folder=fleet.config.parent))

    addresses = [address(replicas, replica=letter) for letter in "abc"]

    assert addresses == [f"http://127.0.0.1:{port + nth}" for nth in range(3)]
    assert [asked(one, "/livez") for one in addresses] == [(200, "ok")] * 3
    assert replicas.stop() == 0

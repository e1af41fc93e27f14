"""A leader's pod that is deleted, killed or evicted is replaced, and no tick is lost or doubled by it."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.node.beat import LEASE, METER, Beat

CONFIG = {"lease": LEASE, "logging": {"format": "json"}, "jobs": {"meter": METER}}


@pytest.fixture(scope="module")
def installed(beat: Beat) -> Beat:
    beat.deploy("install", CONFIG)
    beat.until(beat.settled, "three ready pods")
    return beat


@pytest.fixture
def running(installed: Beat) -> Beat:
    """Three ready pods, one of which has led for some runs."""
    installed.until(installed.settled, "three ready pods")
    installed.wait_for_runs("meter")
    return installed


def test_a_deleted_leader_hands_over_at_once(running: Beat) -> None:
    leader = running.holder
    running.kubectl("delete", "pod", leader, "--wait=false")
    running.until(lambda: running.holder not in ("", leader), "another leader")
    running.wait_for_runs("meter")
    acquired = running.logs.lines("lead.acquired", previous=leader)

    assert [line["cause"] for line in acquired] == ["released"]
    running.audit()


def test_a_leader_whose_process_is_killed_is_outlived_and_becomes_a_standby(running: Beat) -> None:
    leader = running.holder
    running.kill_process(leader)
    running.until(lambda: running.holder not in ("", leader), "another leader")
    running.wait_for_runs("meter")
    running.until(lambda: len(running.tables(leader)) == 2 and leader in running.ready(), "the killed one's return")
    acquired = running.logs.lines("lead.acquired", previous=leader)

    assert [line["cause"] for line in acquired] == ["expired"]
    assert leader in running.names()
    running.audit()


def test_evicting_all_pods_takes_one_at_a_time(running: Beat) -> None:
    """As `kubectl drain` does: each is asked for again until the disruption budget allows it."""
    refused, ready = [], []
    doomed = [running.holder, *sorted(running.names() - {running.holder})]

    def evicted(pod: str) -> bool:
        ready.append(len(running.ready()))
        answer = evict(running, pod)
        if answer:
            refused.append(answer)
        return not answer

    for pod in doomed:
        running.until(lambda pod=pod: evicted(pod), f"the eviction of {pod}")
    running.until(running.settled, "three new pods")
    running.wait_for_runs("meter")

    assert all("disruption budget" in answer for answer in refused)
    assert refused
    assert min(ready) >= 2
    assert not running.names() & set(doomed)
    assert running.logs.lines("lead.acquired", previous=doomed[0])[-1]["cause"] == "released"
    running.audit()


def evict(beat: Beat, pod: str) -> str:
    """Ask for an eviction; why it was refused, or nothing when it was not."""
    about = {"name": pod, "namespace": beat.namespace.name}
    order = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about})
    path = f"/api/v1/namespaces/{beat.namespace.name}/pods/{pod}/eviction"
    done = subprocess.run(
        ["kubectl", "create", "--raw", path, "-f", "-"], input=order, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stderr

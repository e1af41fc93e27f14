"""A leader's pod that is deleted, killed or evicted is replaced, and no tick is lost or doubled by it."""

from __future__ import annotations

import pytest
from kubernetes.client import ApiException, CoreV1Api
from kubernetes.config import new_client_from_config

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

    assert acquired[-1]["cause"] == "released"
    running.audit()


def test_a_leader_whose_process_is_killed_is_outlived_and_becomes_a_standby(running: Beat) -> None:
    leader = running.holder
    running.kill_process(leader)
    running.until(lambda: running.holder not in ("", leader), "another leader")
    running.wait_for_runs("meter")
    running.until(lambda: len(running.tables(leader)) == 2 and leader in running.ready(), "the killed one's return")
    acquired = running.logs.lines("lead.acquired", previous=leader)

    assert acquired[-1]["cause"] == "expired"
    assert leader in running.names()
    running.audit()


def test_evicting_all_pods_takes_one_at_a_time(running: Beat) -> None:
    """As several who drain nodes at once do: all pods are asked for until the disruption budget has allowed each."""
    leader = running.holder
    left = [leader, *sorted(running.names() - {leader})]
    doomed = set(left)
    ready, granted, refused = [], [], []

    def all_are_evicted() -> bool:
        ready.append(len(running.ready()))
        answers = evict(running, left)
        left[:] = [pod for pod in left if answers[pod]]
        granted.append(len(answers) - len(left))
        refused.extend(filter(None, answers.values()))
        return not left

    running.until(all_are_evicted, "the eviction of all")
    running.until(running.settled, "three new pods")
    running.wait_for_runs("meter")

    assert max(granted) == 1
    assert all("disruption budget" in answer for answer in refused)
    assert min(ready) >= 2
    assert not running.names() & doomed
    assert running.logs.lines("lead.acquired", previous=leader)[-1]["cause"] == "released"
    running.audit()


def evict(beat: Beat, pods: list[str]) -> dict[str, str]:
    """Ask for the eviction of all at once; why each was refused, or nothing where it was not."""
    with new_client_from_config() as client:
        api = CoreV1Api(client)
        return {pod: _evicted(api, beat.namespace.name, pod) for pod in pods}


def _evicted(api: CoreV1Api, namespace: str, pod: str) -> str:
    try:
        api.create_namespaced_pod_eviction(pod, namespace, {"metadata": {"name": pod}})
    except ApiException as error:
        return str(error.body)
    return ""

"""Tables that change, tables that are broken, the way back, and what is left in the end.

One release goes through it all, step by step, because each step is judged by what the ones before have left.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.node.beat import LEASE, METER, NAME, RELEASE, Beat

KINDS = "deployments replicasets pods configmaps secrets serviceaccounts roles rolebindings services leases"
MORE_KINDS = "poddisruptionbudgets networkpolicies jobs events"
OF_EVERY_NAMESPACE = {"configmap/kube-root-ca.crt", "serviceaccount/default"}


def table(changing: dict[str, Any]) -> dict[str, Any]:
    return {"lease": LEASE, "logging": {"format": "json"}, "jobs": {"meter": METER, "changing": changing}}


FIRST = table({"every": "2s", "shell": "echo first"})
SECOND = table({"every": "3s", "shell": "echo second"})
BROKEN = table({"every": "2s", "python": "own_jobs:not_there"})


@pytest.fixture(scope="module")
def beat_with_first_table(beat: Beat) -> Beat:
    beat.deploy("install", FIRST)
    beat.until(beat.settled, "three ready pods")
    beat.wait_for_runs("meter")
    return beat


def hash_of_newest(beat: Beat, known: set[str]) -> str:
    """The hash of the table that is not among those known; waits until a pod has loaded it."""
    beat.until(lambda: bool(_hashes(beat) - known), "a pod with the new table")
    return (_hashes(beat) - known).pop()


def _hashes(beat: Beat) -> set[str]:
    return {str(line["hash"]) for line in beat.logs.lines("config.loaded")}


def first_loaded_at(beat: Beat, config_hash: str) -> datetime:
    return datetime.fromisoformat(beat.logs.lines("config.loaded", hash=config_hash)[0]["timestamp"])


def test_upgrade_broken_upgrade_rollback_and_removal(beat_with_first_table: Beat) -> None:
    beat = beat_with_first_table
    first = _hashes(beat).pop()

    a_changed_job_rolls_without_a_gap(beat)
    second = hash_of_newest(beat, {first})
    a_broken_table_is_stuck_and_the_old_leader_goes_on(beat, second)
    going_back_runs_the_first_table_again(beat, first)
    only_the_lease_is_left(beat)


def a_changed_job_rolls_without_a_gap(beat: Beat) -> None:
    before = _hashes(beat)
    beat.deploy("upgrade", SECOND)
    second = hash_of_newest(beat, before)
    beat.until(lambda: beat.settled(second), "three pods with the second table")
    beat.wait_for_runs("changing", 2)
    beat.wait_for_runs("meter")
    new = {line["replica"] for line in beat.logs.lines("config.loaded", hash=second)}
    by_new = [line for line in beat.succeeded("changing") if line["replica"] in new and not line.get("repeated")]
    ticks = [datetime.fromisoformat(str(line["tick"])) for line in by_new]

    assert ticks
    assert {line["cause"] for line in beat.logs.lines("lead.acquired")} == {"new", "released"}
    assert [tick for tick in ticks if tick < first_loaded_at(beat, second)] == []
    beat.audit()


def a_broken_table_is_stuck_and_the_old_leader_goes_on(beat: Beat, second: str) -> None:
    sound = beat.config
    old = beat.names()
    beat.deploy("upgrade", BROKEN)
    beat.until(lambda: any(restarts(pod) for pod in beat.pods() if name_of(pod) not in old), "a pod that fails")
    leader = beat.holder
    beat.kill_process(leader)
    beat.until(lambda: len(beat.tables(leader)) == 2 and leader in beat.ready(), "the killed leader's return")
    beat.until(lambda: beat.holder in old, "an old leader")
    beat.wait_for_runs("meter")
    beat.config = sound

    assert set(beat.ready()) == old
    assert beat.tables(leader) == [second, second]
    beat.audit()


def name_of(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def restarts(pod: dict[str, Any]) -> int:
    return sum(int(status["restartCount"]) for status in pod["status"].get("containerStatuses", ()))


def going_back_runs_the_first_table_again(beat: Beat, first: str) -> None:
    beat.helm("rollback", "1")
    beat.until(lambda: beat.settled(first), "three pods with the first table")
    beat.config = FIRST
    beat.wait_for_runs("changing")
    beat.wait_for_runs("meter")

    assert {line["cause"] for line in beat.logs.lines("lead.acquired")} == {"new", "released", "expired"}
    beat.audit()


def only_the_lease_is_left(beat: Beat) -> None:
    # Helm may take the rights before the leader has stopped. It then tries to settle its last run until its drain ends,
    # which is told late; the ticks since the removal are nobody's.
    before = beat.last_success
    beat.helm("uninstall", "--wait")
    beat.until(lambda: beat.kubectl("get", "pods", "-o", "name") == "", "the end of all pods")
    beat.logs.wait_until_told()
    beat.until(lambda: what_is_left(beat) == {f"lease/{NAME}"}, "the end of all but the Lease")

    assert RELEASE not in beat.kubectl("get", "secrets", "-o", "name")
    beat.audit(before)


def what_is_left(beat: Beat) -> set[str]:
    """By kind and name; what belonged to others is collected in the background, some of it late."""
    kinds = ",".join((KINDS + " " + MORE_KINDS).split())
    found = json.loads(beat.kubectl("get", kinds, "-o", "json"))["items"]
    names = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in found if one["kind"] != "Event"}
    return names - OF_EVERY_NAMESPACE

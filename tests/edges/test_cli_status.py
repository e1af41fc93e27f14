"""`leasebeat status`: where it looks, what it says when it cannot look there, and its exit codes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from scheduler.cli.asking import leader as asking_leader
from scheduler.clock import SystemClock
from scheduler.config.loading import load
from scheduler.core.errors import Unavailable
from scheduler.core.ledger import WriteId, encode, first_ledger
from scheduler.core.moves import micro_time
from scheduler.core.notes.commands import Command, Do, Pause, note_of, with_pauses
from scheduler.core.notes.tables import table_note
from scheduler.core.ports import LeaseRecord
from scheduler.stores.sqlite import SqliteStore
from tests.edges.command_line import Answer, typed
from tests.fakes.cluster_api import ClusterApi
from tests.fakes.leader_page import leader_page, leaders_word
from tests.fakes.lease_api import Request
from tests.fakes.leases import JsonObject, Refused

CONFIG = """\
timezone: Europe/Berlin
jobs:
  hello: {every: 5s, shell: echo}
  nightly: {cron: "15 3 * * *", shell: echo}
  hand: {manual: true, shell: echo}
  off: {enabled: false, every: 5s, shell: echo}
"""
JOB: dict[str, Any] = {
    "name": "hello",
    "next": ["2099-01-01T00:00:00Z"],
    "last": {
        "run": "hello@2026-11-22T19:41:05Z",
        "outcome": "failed",
        "reason": "exit",
        "took_ms": 5,
        "error": "exit 3",
    },
    "running": [],
    "paused": None,
    "failing": True,
}
NOW = SystemClock().wall()
LEDGER = encode(first_ledger(WriteId(7, "b7"), 0, "", NOW.replace(microsecond=0)))


def lease(*, silent_s: float = 0, **changes: Any) -> LeaseRecord:
    """One that `b` has led since five minutes ago and has just renewed, or so many seconds ago."""
    now = SystemClock().wall()
    since, renewed = micro_time(now - timedelta(minutes=5)), micro_time(now - timedelta(seconds=silent_s))
    return replace(LeaseRecord("b", 15, since, renewed, 6, LEDGER), **changes)


class Folder:
    """A folder in which replicas run on sqlite, as whoever types commands there sees it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys

    def has(self, record: LeaseRecord, **notes: str) -> None:
        store = SqliteStore(self.path / "leasebeat.db", "leasebeat")
        store.create(replace(record, notes={**record.notes, **notes}), 1.0)
        store.close()

    def has_config(self, text: str = CONFIG) -> str:
        """Its hash."""
        (self.path / "config.yaml").write_text(text)
        return load(self.path / "config.yaml", NOW).hash

    def status(self, *options: str) -> Answer:
        return typed(self._capsys, "status", *options)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return Folder(tmp_path, capsys)


# ------------------------------------------------------------------ on sqlite, over loopback


def test_the_lease_says_who_leads_and_the_leader_what_ran(folder: Folder) -> None:
    with leader_page(leaders_word("b", JOB)) as address:
        folder.has(lease(), address=address, config="9f2c41d0")
        answer = folder.status()

    assert (answer.code, answer.err) == (0, "")
    assert re.match(r"leader  b   term 7 since 20\S+Z \(5m(\ds)?\)   renewed \ds ago\n", answer.out)
    assert "lease   sqlite:leasebeat.db   15s/10s/2s   config 9f2c41d0   settled" in answer.out
    assert "lag 1s" in answer.out
    assert re.search(r"hello  1 Jan 2099 .* failed .* exit 3  5ms   -", answer.out)


def test_no_config_is_needed_where_the_leader_answers(folder: Folder) -> None:
    with leader_page(leaders_word("b", JOB)) as address:
        folder.has(lease(), address=address)

        assert folder.status().code == 0


def test_the_document_for_machines(folder: Folder) -> None:
    """UX: the leader's shape, `complete`, and only ever more."""
    with leader_page(leaders_word("b", JOB)) as address:
        folder.has(with_note(lease(), hello=Pause(NOW, None, "outage", "jane")), address=address, config="9f2c41d0")
        said = json.loads(folder.status("--json").out)

    assert said["leader"].keys() == {"replica", "term", "since", "renewed_ms"}
    assert said["lease"].keys() == {"store", "name", "timings", "hash", "settled", "lag_ms"}
    assert said["jobs"][0].keys() >= {"name", "next", "last", "running", "paused"}
    assert said["jobs"][0]["paused"] == {"until": None, "reason": "outage", "by": "jane"}
    assert (said["complete"], said["why"]) == (True, None)


def with_note(record: LeaseRecord, **pauses: Pause) -> LeaseRecord:
    return replace(record, notes=with_pauses(record.notes, pauses))


def test_a_pause_that_is_over_is_none(folder: Folder) -> None:
    with leader_page(leaders_word("b", JOB)) as address:
        folder.has(with_note(lease(), hello=Pause(NOW, NOW - timedelta(seconds=1))), address=address)

        assert json.loads(folder.status("--json").out)["jobs"][0]["paused"] is None


def test_what_differs_and_what_waits_is_told(folder: Folder) -> None:
    command = note_of(Command("m-00000001", Do.RUN, "hello", NOW))
    with leader_page(leaders_word("b", JOB)) as address:
        folder.has(lease(), address=address, config="9f2c41d0", **dict([table_note("c", "1a2b3c4d", NOW), command]))
        out = folder.status().out

    assert "\nconfig  9f2c41d0; 1 replica has 1a2b3c4d\n" in out
    assert "\nasked   1 command waits for the leader\n" in out


# ------------------------------------------------------------------ when the leader cannot be asked


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def refuses() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_the_table_at_hand_says_what_is_next_then(folder: Folder) -> None:
    config = folder.has_config()
    folder.has(lease(), config=config)
    answer = folder.status()
    rows = [line.split() for line in answer.out.splitlines()[4:8]]

    assert answer.code == 0
    assert [row[0] for row in rows] == ["hello", "nightly", "hand", "off"]
    assert [row[-3:] for row in rows] == [["?", "?", "?"]] * 4
    assert [row[1] for row in rows[2:]] == ["manual", "disabled"]
    assert answer.out.splitlines()[-1] == "the leader cannot be asked: it has no health server (health.port: 0)"


def test_a_table_that_is_not_the_leaders_says_so(folder: Folder) -> None:
    here = folder.has_config()
    folder.has(lease(), config="1a2b3c4d")

    assert (
        folder.status()
        .out.splitlines()[-1]
        .endswith(f"; config.yaml here ({here}) is not the leader's table (1a2b3c4d); NEXT is by the one here")
    )


def test_without_any_table_there_is_little_to_tell(folder: Folder) -> None:
    folder.has(lease())
    answer = folder.status()

    assert answer.code == 3
    assert answer.out.splitlines()[3] == "the jobs are not known: there is no config.yaml here"


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        pytest.param(leaders_word("c"), 200, "what answers there is another replica, c", id="another replica"),
        pytest.param(leaders_word("b", complete=False), 200, "it does not lead any more", id="a standby by now"),
        pytest.param(b"<html>", 200, "what answers there is no leasebeat", id="another program"),
        pytest.param(["b"], 200, "what answers there is no leasebeat", id="another program's JSON"),
        pytest.param({}, 404, "it tells nothing (health.page: false)", id="no page"),
        pytest.param({}, 500, "127.0.0.1:PORT answered 500", id="an error"),
    ],
)
def test_an_answer_that_is_none_is_told_in_words(folder: Folder, said: object, status: int, why: str) -> None:
    config = folder.has_config()
    with leader_page(said, HTTPStatus(status)) as address:
        folder.has(lease(), address=address, config=config)
        answer = folder.status()

    last = re.sub(r":\d{4,5}\b", ":PORT", answer.out.splitlines()[-1])
    assert (answer.code, last) == (0, f"the leader cannot be asked: {why}")


def test_a_leader_that_is_not_there(folder: Folder) -> None:
    folder.has_config()
    folder.has(lease(), address=refuses())

    assert " refused the connection" in folder.status().out


def test_a_leader_that_says_nothing_is_not_waited_for(silent: str) -> None:
    host, _, port = silent.partition(":")
    with pytest.raises(Unavailable, match=r"did not answer in 0\.05 s"):
        asking_leader.fetched(host, int(port), "/status.json", 0.05)


@pytest.mark.parametrize("address", ["", "nowhere", "10.1.2.3:", ":8080", "10.1.2.3:http", "::"])
def test_an_address_that_is_none(folder: Folder, address: str) -> None:
    folder.has(lease(), address=address)

    assert "it has no health server" in folder.status().out


# ------------------------------------------------------------------ nobody leads


@pytest.mark.parametrize(
    ("change", "first"),
    [
        pytest.param({"silent_s": 40}, r"leader  none for 4\ds, last b in term 7", id="it died"),
        pytest.param({"holder": ""}, r"leader  none for \S+, released in term 7", id="it left"),
    ],
)
def test_nobody_leads(folder: Folder, change: dict[str, Any], first: str) -> None:
    folder.has_config()
    folder.has(lease(**change))
    answer = folder.status()

    assert answer.code == 1
    assert re.fullmatch(first, answer.out.splitlines()[0])
    said = json.loads(folder.status("--json").out)
    assert (said["leader"], said["lease"]["name"]) == (None, "leasebeat")


@pytest.mark.parametrize("edited", ["", "soon", "2026-11-22T19:41:05", "0001-01-01T00:00:00+14:00"])
def test_times_that_somebody_edited_are_not_known(folder: Folder, edited: str) -> None:
    folder.has(lease(acquired=edited, renewed=edited))
    leader = json.loads(folder.status("--json").out)["leader"]

    assert leader == {"replica": "b", "term": 7, "since": None, "renewed_ms": None}


def test_nobody_ever_ran_here(folder: Folder) -> None:
    """And the file is not made by looking for it."""
    folder.has_config()
    answer = folder.status()

    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: nobody has led here yet: there is no file leasebeat.db\n  is this the right")
    assert not (folder.path / "leasebeat.db").exists()


# ------------------------------------------------------------------ which table


def test_a_broken_file_says_what_is_wrong_with_it(folder: Folder) -> None:
    (folder.path / "config.yaml").write_text("jobs: {hello: {every: 1x, shell: echo}}\n")
    folder.has(lease())

    assert folder.status().code == 1


def test_it_is_done_without_if_the_lease_is_named(folder: Folder) -> None:
    (folder.path / "config.yaml").write_text("jobs: {hello: {every: 1x, shell: echo}}\n")
    folder.has(lease())
    answer = folder.status("--lease", "leasebeat")

    assert answer.out.startswith("leader  b")
    assert answer.err == "config.yaml has errors and is not used; leasebeat check shows them\n"


def test_a_file_that_was_named_must_be_there(folder: Folder) -> None:
    folder.has(lease())

    assert folder.status("-c", "nowhere.yaml").code == 1


def test_memory_cannot_be_asked(folder: Folder) -> None:
    folder.has_config()

    assert folder.status("--store", "memory").code == 2


def test_only_what_failed_needs_the_leader(folder: Folder) -> None:
    folder.has_config()
    folder.has(lease())
    answer = folder.status("--failed")

    assert answer.code == 3
    assert "what ran is not known" in answer.out


def test_watch_shows_it_again_and_again_until_ctrl_c(folder: Folder) -> None:
    """In a pipe one after another, with an empty line between."""
    folder.has(lease())
    watch = subprocess.Popen(
        [sys.executable, "-m", "scheduler", "status", "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watch.stdout
    first = [watch.stdout.readline() for _ in range(6)]
    watch.send_signal(signal.SIGINT)
    _, errors = watch.communicate(timeout=10)

    assert first[0].startswith("leader  b   term 7")
    assert watch.returncode == 130
    assert "Traceback" not in errors


# ------------------------------------------------------------------ in a cluster, from a laptop


class Pods(ClusterApi):
    """A cluster whose API server passes requests on to the pods, for whoever may have that."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, JsonObject] = {}
        self.logs: dict[str, str] = {}

    def beyond_leases(self, request: Request) -> tuple[int, JsonObject] | None:
        path = request.path.removeprefix("/api/v1/namespaces/ops/pods/")
        if path == request.path:
            return super().beyond_leases(request)
        if path not in self.pages:
            raise Refused(403, "Forbidden", 'pods is forbidden: User "jane" cannot get resource "pods/proxy"')
        return 200, self.pages[path]


class Laptop(Folder):
    """A folder without a config.yaml, and a kubeconfig."""

    api: Pods

    def has(self, record: LeaseRecord, **notes: str) -> None:
        annotations = {f"leasebeat/{key}": text for key, text in {**notes, "ledger": record.ledger or ""}.items()}
        spec = {
            "holderIdentity": record.holder,
            "leaseDurationSeconds": record.duration_s,
            "acquireTime": record.acquired,
            "renewTime": record.renewed,
            "leaseTransitions": record.transitions,
        }
        metadata = {"name": "beat", "annotations": annotations}
        self.api.leases.create(
            "ops", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        )

    def status(self, *options: str) -> Answer:
        return super().status("--kubeconfig", "kubeconfig", "-n", "ops", "--lease", "beat", *options)


@pytest.fixture
def laptop(folder: Folder) -> Iterator[Laptop]:
    with Pods() as api:
        one = Laptop(folder.path, folder._capsys)  # the same terminal
        one.api = api
        api.write_kubeconfig(folder.path / "kubeconfig", {"token": "t"})
        yield one


def test_the_leader_is_asked_through_the_api_server(laptop: Laptop) -> None:
    laptop.has(lease(holder="beat-x2k4q"), address="10.1.2.3:8080")
    laptop.api.pages["beat-x2k4q:8080/proxy/status.json"] = leaders_word("beat-x2k4q", JOB)
    answer = laptop.status()

    assert (answer.code, answer.err) == (0, "")
    assert "leader  beat-x2k4q   term 7" in answer.out
    assert "lease   kubernetes:ops/beat   15s/10s/2s" in answer.out
    assert "exit 3" in answer.out


def test_who_may_not_is_told_what_is_missing(laptop: Laptop) -> None:
    laptop.has(lease(holder="beat-x2k4q"), address="10.1.2.3:8080")
    answer = laptop.status()

    assert answer.code == 3
    assert answer.out.splitlines()[-1] == (
        "the leader cannot be asked: this account may not get pods/proxy in namespace ops (403)"
    )


def test_replicas_outside_of_pods_are_asked_on_this_machine(laptop: Laptop) -> None:
    """As in `leasebeat run --context dev` on a laptop."""
    with leader_page(leaders_word("b", JOB)) as address:
        laptop.has(lease(), address=address)

        assert laptop.status().code == 0


def test_no_lease_and_no_cluster_are_two_things(laptop: Laptop) -> None:
    lines = laptop.status().out.splitlines()
    assert lines[0] == "leader  none: there is no Lease kubernetes:ops/beat"
    assert lines[-1].endswith("if there are replicas, it has another name: kubectl -n ops get leases")
    (laptop.path / "kubeconfig").unlink()
    assert laptop.status().code == 3


def test_a_pod_name_cannot_lead_elsewhere(laptop: Laptop) -> None:
    """Whoever may edit the Lease must not make others ask the API server for something else."""
    laptop.has(lease(holder="../../secrets/x"), address="10.1.2.3:8080")
    laptop.status()

    assert [one.path for one in laptop.api.requests if "pods" in one.path] == [
        "/api/v1/namespaces/ops/pods/..%2F..%2Fsecrets%2Fx:8080/proxy/status.json"
    ]

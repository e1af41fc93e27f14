"""`leasebeat check --cluster` against a cluster of this process: every answer that a cluster may give."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from scheduler.cli import lease_state
from scheduler.cli.cluster import findings as cluster_findings
from scheduler.cli.cluster.checks import ahead
from scheduler.cli.lease_state import state_of
from scheduler.cluster.permissions import Account, account_of
from scheduler.cluster.resource import Resource
from scheduler.core.ports import LeaseRecord
from scheduler.stores.kubernetes import API
from tests.edges.command_line import Answer, typed
from tests.fakes.cluster_api import ClusterApi
from tests.fakes.lease_api import dated, refuse, reset
from tests.fakes.leases import JsonObject

CONFIG = "lease: {name: beat-leasebeat}\njobs: {hello: {every: 10m, shell: echo hello}}\n"
LEDGER = (
    '{"v":1,"w":"7.k3f9","rev":0,"settled":"2026-11-22T13:00:00Z","known":"","behind":{},"open":[],"did":[],"acks":[]}'
)
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
LEASE = Resource(API, "Lease", "leases", "ops", "beat-leasebeat")
ROLE = """\
kubectl apply -f - <<'END'                      # paste this; it grants exactly what is needed
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: beat-leasebeat, namespace: ops}, rules: [
  {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]},
  {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [beat-leasebeat], verbs: [get, update, watch]}]}
END
kubectl -n ops create rolebinding beat-leasebeat --role=beat-leasebeat --serviceaccount=ops:beat-leasebeat
"""  # noqa: E501 - to the letter


class Findings(Answer):
    """What `check --cluster` said."""

    @property
    def cluster(self) -> str:
        """The line about the cluster."""
        return self.out.splitlines()[-1]


class Cluster:
    """Types `check --cluster` with a kubeconfig that leads to the fake."""

    def __init__(self, folder: Path, api: ClusterApi, capsys: pytest.CaptureFixture[str]) -> None:
        self.api = api
        self.config = folder / "config.yaml"
        self.config.write_text(CONFIG)
        self.kubeconfig = api.write_kubeconfig(folder / "kubeconfig", {"token": "t"})
        self._capsys = capsys

    def check(self, *options: str) -> Findings:
        where = ("-c", str(self.config), "--kubeconfig", str(self.kubeconfig))
        answer = typed(self._capsys, "check", "--cluster", *where, *options)
        return Findings(answer.code, answer.out, answer.err)

    def has_lease(self, *, holder: str | None, ledger: str | None = LEDGER, age_s: float = 1.0) -> None:
        renewed = (datetime.now(UTC) - timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: TID251
        annotations = {"annotations": {"leasebeat/ledger": ledger}} if ledger else {}
        spec: JsonObject = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed}
        lease = {
            "apiVersion": API,
            "kind": "Lease",
            "metadata": {"name": "beat-leasebeat", **annotations},
            "spec": spec,
        }
        self.api.leases.create("ops", lease)


@pytest.fixture
def cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cluster]:
    with ClusterApi() as api:
        yield Cluster(tmp_path, api, capsys)


def test_all_is_well(cluster: Cluster) -> None:
    cluster.has_lease(holder="beat-leasebeat-6d5f9c7b8-x2k4q")
    answer = cluster.check()

    assert (answer.code, answer.err) == (0, "")
    assert (
        answer.cluster
        == "cluster ops/beat-leasebeat: create get update watch ok · leader beat-leasebeat-6d5f9c7b8-x2k4q"
    )


def test_exactly_the_rights_of_the_documented_role_are_asked_for(cluster: Cluster) -> None:
    cluster.check()
    lease = {"namespace": "ops", "group": "coordination.k8s.io", "resource": "leases"}
    named = {"name": "beat-leasebeat"}

    assert cluster.api.asked == [
        {"verb": "create", **lease},
        {"verb": "get", **lease, **named},
        {"verb": "update", **lease, **named},
        {"verb": "watch", **lease, **named},
        {"verb": "patch", "namespace": "ops", "group": "", "resource": "events"},
    ]


def test_the_right_to_write_events_is_shown_and_not_needed(cluster: Cluster) -> None:
    without = cluster.check()
    cluster.api.granted |= {"patch"}
    with_it = cluster.check()

    assert (without.code, with_it.code) == (0, 0)
    assert "ok · no Lease yet" in without.out
    assert "create get update watch ok · events ok · no Lease yet" in with_it.out


def test_nothing_is_changed(cluster: Cluster) -> None:
    cluster.has_lease(holder="x")
    before = cluster.api.leases.get("ops", "beat-leasebeat")
    cluster.check()

    assert cluster.api.leases.get("ops", "beat-leasebeat") == before
    assert {request.verb for request in cluster.api.requests} == {"create", "get"}
    assert all("selfsubject" in request.path for request in cluster.api.requests if request.verb == "create")


def test_missing_rights_come_with_the_role_to_paste(cluster: Cluster) -> None:
    cluster.api.granted = {"create", "get"}
    answer = cluster.check()

    assert answer.code == 1
    assert answer.err == (
        "error: service account ops/beat-leasebeat may not update, watch Lease ops/beat-leasebeat (403) [rbac]\n" + ROLE
    )
    assert "cluster" not in answer.out


def test_without_the_right_to_get_the_lease_is_not_read(cluster: Cluster) -> None:
    cluster.api.granted = set()
    answer = cluster.check()

    assert answer.code == 1
    assert "may not create, get, update, watch Lease ops/beat-leasebeat (403) [rbac]" in answer.err
    assert not [request for request in cluster.api.requests if "/leases" in request.path]


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 1)], ids=["leniently", "strictly"])
def test_a_replica_lives_without_watch(cluster: Cluster, options: tuple[str, ...], code: int) -> None:
    cluster.api.granted -= {"watch"}
    answer = cluster.check(*options)

    assert answer.code == code
    assert answer.err == (
        "warning: service account ops/beat-leasebeat may not watch Lease ops/beat-leasebeat (403) [rbac]\n"
        "  without watch the standbys poll\n" + ROLE
    )
    assert answer.cluster.startswith("cluster ops/beat-leasebeat: create get update ok · no Lease yet")


@pytest.mark.parametrize(
    ("username", "called", "subject"),
    [
        ("jane@example.com", "user jane@example.com", "--user=jane@example.com"),
        ("CN=Jane Doe", "user CN=Jane Doe", "--user='CN=Jane Doe'"),
        ("system:serviceaccount:ci:bot", "service account ci/bot", "--serviceaccount=ci:bot"),
        (None, "this account", "--serviceaccount=NAMESPACE:NAME      # the account that leasebeat runs as"),
    ],
    ids=["a user", "a user with a blank", "an account of another namespace", "a server that does not say"],
)
def test_the_binding_names_who_asked(cluster: Cluster, username: str | None, called: str, subject: str) -> None:
    cluster.api.username, cluster.api.granted = username, {"get"}
    answer = cluster.check()

    assert answer.err.startswith(f"error: {called} may not create, update, watch ")
    assert answer.err.endswith(f"--role=beat-leasebeat {subject}\n")


def test_names_that_yaml_takes_for_numbers_are_quoted() -> None:
    text = cluster_findings.role(Account("bot", "123"), Resource(API, "Lease", "leases", "123", "true"))

    assert 'metadata: {name: "true", namespace: "123"}' in text
    assert 'resourceNames: ["true"]' in text


@pytest.mark.parametrize(
    ("username", "expected"),
    [
        ("system:serviceaccount:ops:beat", Account("beat", "ops")),
        ("system:serviceaccount:ops", Account("system:serviceaccount:ops")),
        ("kubernetes-admin", Account("kubernetes-admin")),
        ("", None),
    ],
)
def test_an_account_by_its_name(username: str, expected: Account | None) -> None:
    assert account_of(username) == expected


def test_a_foreign_lease_is_an_error_with_three_ways_out(cluster: Cluster) -> None:
    cluster.has_lease(holder="external-dns-7f9c-abcde", ledger=None)
    answer = cluster.check()

    assert answer.code == 1
    assert answer.err == (
        'error: Lease ops/beat-leasebeat is held by "external-dns-7f9c-abcde", which is not leasebeat: '
        "no annotation leasebeat/ledger [foreign-lease]\n"
        "  choose another lease.name; a left-over: kubectl -n ops delete lease beat-leasebeat; "
        "shared on purpose: lease.adopt: true. Until then it is left alone, even expired.\n"
    )


def test_a_lease_may_be_shared_on_purpose(cluster: Cluster) -> None:
    cluster.config.write_text(CONFIG.replace("beat-leasebeat}", "beat-leasebeat, adopt: true}"))
    cluster.has_lease(holder="celery-beat", ledger=None)
    answer = cluster.check()

    assert (answer.code, answer.err) == (0, "")
    assert answer.cluster.endswith("ok · held by celery-beat, shared by lease.adopt")


def test_what_a_newer_leasebeat_wrote_is_an_error(cluster: Cluster) -> None:
    cluster.has_lease(holder="x", ledger='{"v":2}')
    answer = cluster.check()

    assert answer.code == 1
    assert "was written by a newer leasebeat: ledger format 2 [newer-ledger]" in answer.err


def test_a_damaged_ledger_is_a_warning(cluster: Cluster) -> None:
    cluster.has_lease(holder="x", ledger="{")
    answer = cluster.check()

    assert answer.code == 0
    assert answer.err.startswith("warning: the ledger of Lease ops/beat-leasebeat cannot be read [ledger]\n")


@pytest.mark.parametrize("kind", ["ConfigMap", "Endpoints"])
def test_the_lock_of_an_old_elector_is_a_warning(cluster: Cluster, kind: str) -> None:
    annotation = {"control-plane.alpha.kubernetes.io/leader": json.dumps({"holderIdentity": "old-beat-0"})}
    cluster.api.objects[kind, "beat-leasebeat"] = {"metadata": {"annotations": annotation}}
    answer = cluster.check()

    assert answer.code == 0
    assert answer.err.startswith(
        f"warning: {kind} ops/beat-leasebeat has an annotation control-plane.alpha.kubernetes.io/leader, "
        'held by "old-beat-0": a lock of an elector that does not look at Leases [old-lock]\n'
    )
    assert f"kubectl -n ops annotate {kind.lower()} beat-leasebeat control-plane" in answer.err


def test_an_ordinary_configmap_of_that_name_is_none_of_our_business(cluster: Cluster) -> None:
    cluster.api.objects["ConfigMap", "beat-leasebeat"] = {"data": {}}

    assert cluster.check().err == ""


def test_what_may_not_be_looked_at_is_not_talked_about(cluster: Cluster) -> None:
    cluster.api.visible = set()
    answer = cluster.check()

    assert (answer.code, answer.err) == (0, "")


def test_a_namespace_that_does_not_exist(cluster: Cluster) -> None:
    answer = cluster.check("-n", "nowhere")

    assert answer.code == 1
    assert answer.err.startswith(
        "error: there is no namespace nowhere [namespace]\n  kubectl create namespace nowhere;"
    )


@pytest.mark.parametrize(
    ("off_s", "told"),
    [
        (-600, r"warning: this machine's clock is (599|6\d\d) s ahead of the API server's \[clock\]"),
        (600, r"warning: this machine's clock is (600|5\d\d) s behind the API server's \[clock\]"),
        (0, ""),
    ],
    ids=["ahead", "behind", "right"],
)
def test_clocks_that_differ_are_a_warning(cluster: Cluster, off_s: int, told: str) -> None:
    date = datetime.now(UTC) + timedelta(seconds=off_s)  # noqa: TID251
    cluster.api.meet("create", dated(format_datetime(date, usegmt=True)), times=None)
    answer = cluster.check()
    first = answer.err.partition("\n")[0]

    assert answer.code == 0
    assert re.fullmatch(told, first)


@pytest.mark.parametrize(
    ("sent", "server", "came", "expected"),
    [
        (10.0, 10.0, 10.1, 0.0),
        (10.9, 10.0, 11.0, 0.0),
        (13.5, 10.0, 13.6, 2.5),
        (7.0, 10.0, 7.5, -2.5),
        (5.0, 10.0, 20.0, 0.0),
        (5.0, None, 6.0, None),
    ],
    ids=["the same", "the second is not over", "surely ahead", "surely behind", "a slow answer", "no Date"],
)
def test_only_what_is_certain_of_the_clocks_counts(
    sent: float, server: float | None, came: float, expected: float | None
) -> None:
    told = None if server is None else NOW + timedelta(seconds=server)
    found = ahead(NOW + timedelta(seconds=sent), told, NOW + timedelta(seconds=came))

    assert found == (None if expected is None else timedelta(seconds=expected))


def record(holder: str, renewed: str, ledger: str | None = LEDGER) -> LeaseRecord:
    return LeaseRecord(holder, 15, "", renewed, 0, ledger)


@pytest.mark.parametrize(
    ("found", "word", "sentence", "leader"),
    [
        (None, "none", "no Lease yet: the first replica makes it", None),
        (record("", "", None), "unused", "the Lease was never used", None),
        (record("x", "2026-11-22T12:59:50.000000Z"), "ours", "leader x", "x"),
        (record("x", "2026-11-22T13:00:09.000000Z"), "ours", "leader x", "x"),
        (record("x", "2026-11-22T12:57:00.000000Z"), "ours", "nobody leads, x did 3m ago", None),
        (record("", "2026-11-22T12:59:50.000000Z"), "ours", "nobody leads", None),
        (record("x", "nonsense"), "ours", "leader x", "x"),
        (record("x\n\x1b[2J", ""), "ours", "leader x\\n\\x1b[2J", "x\\n\\x1b[2J"),
    ],
    ids=[
        "no Lease",
        "one that nobody used",
        "a leader",
        "one whose clock is ahead",
        "one that is dead",
        "one that left",
        "a time that is none",
        "a name that moves the cursor",
    ],
)
def test_what_a_lease_tells_of_the_leader(
    found: LeaseRecord | None, word: str, sentence: str, leader: str | None
) -> None:
    state = state_of(found, NOW, adopt=False)

    assert (state.word, state.sentence, state.leader) == (word, sentence, leader)


def test_a_lease_that_another_program_gave_back_is_still_its_own() -> None:
    state = state_of(record("", "2026-11-22T12:59:50.000000Z", None), NOW, adopt=False)
    finding = cluster_findings.of_lease(state, LEASE)

    assert state.word == "foreign"
    assert finding is not None
    assert finding.message == (
        "Lease ops/beat-leasebeat was given back by another program: no annotation leasebeat/ledger"
    )
    assert lease_state.state_of(record("", "", None), NOW, adopt=False).word == "unused"


def test_a_cluster_that_refuses_the_connection(cluster: Cluster) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        config = json.loads(cluster.kubeconfig.read_text())
        server = f"http://127.0.0.1:{free.getsockname()[1]}"
        config["clusters"][0]["cluster"]["server"] = server
        config["contexts"].append({"name": "kind-dev", "context": config["contexts"][0]["context"]})
        cluster.kubeconfig.write_text(json.dumps(config))
        answer = cluster.check()

    assert answer.code == 3
    assert answer.err == (
        f"error: no cluster: context fake ({server}) refused the connection [cluster]\n"
        "  is the VPN up? Your contexts: fake, kind-dev. "
        "Without --context the sqlite store is used and no cluster is needed.\n"
    )
    assert answer.out.startswith(f"{cluster.config}: 1 job, no errors")


def test_a_server_that_hangs_up(cluster: Cluster) -> None:
    cluster.api.meet("create", reset(), times=None)
    answer = cluster.check()

    assert answer.code == 3
    assert ": connection reset [cluster]\n  Your contexts: fake. " in answer.err


def test_reviews_that_are_not_allowed(cluster: Cluster) -> None:
    cluster.api.reviews = False
    answer = cluster.check()

    assert answer.code == 3
    assert answer.err.startswith("error: no cluster: context fake (")
    assert "404: the server could not find the requested resource [cluster]" in answer.err


def test_a_server_that_fails_when_the_lease_is_read(cluster: Cluster) -> None:
    cluster.api.meet("get", refuse(500), times=None)
    answer = cluster.check()

    assert answer.code == 3
    assert ": 500: " in answer.err


def test_no_kubeconfig_at_all(cluster: Cluster) -> None:
    cluster.kubeconfig.unlink()
    answer = cluster.check()

    assert answer.code == 3
    assert answer.err.startswith("error: no cluster: there is no kubeconfig ")


@pytest.mark.parametrize("store", ["sqlite", "memory"])
def test_a_store_that_needs_no_cluster_is_wrong_usage(cluster: Cluster, store: str) -> None:
    cluster.config.write_text(CONFIG.replace("{name", f"{{store: {store}, name"))
    answer = cluster.check()

    assert answer.code == 2
    assert f"the store is {store}, which needs no cluster; --store kubernetes asks it all the same" in answer.err
    assert cluster.check("--store", "kubernetes").code == 0


def test_a_wrong_file_is_told_before_any_cluster_is_asked(cluster: Cluster) -> None:
    cluster.config.write_text("jobs: {a: {every: 1x, shell: echo}}\n")
    plain, as_json = cluster.check(), cluster.check("--json")
    facts = json.loads(as_json.out)

    assert (plain.code, as_json.code) == (1, 1)
    assert (facts["cluster"], facts["problems"][0]["code"]) == (None, "duration")
    assert cluster.api.requests == []


def test_json_gives_the_same_to_machines(cluster: Cluster) -> None:
    cluster.api.granted -= {"watch"}
    cluster.has_lease(holder="x")
    answer = cluster.check("--json")
    facts = json.loads(answer.out)["cluster"]
    (problem,) = facts.pop("problems")

    assert (answer.code, answer.err) == (0, "")
    assert facts.pop("renewed").endswith("Z")
    assert facts.pop("clock_ahead_ms") == 0
    assert facts == {
        "lease": "ops/beat-leasebeat",
        "account": "service account ops/beat-leasebeat",
        "granted": ["create", "get", "update"],
        "events": False,
        "jobs": None,
        "state": "ours",
        "leader": "x",
    }
    assert (problem["code"], problem["warning"], problem["paste"] + "\n") == ("rbac", True, ROLE)


def test_quietly_only_what_is_wrong_is_told(cluster: Cluster) -> None:
    assert cluster.check("-q") == Findings(0, "", "")


class TestJobs:
    """A table that makes Kubernetes Jobs needs more, and is asked about."""

    TABLE = "lease: {name: beat-leasebeat}\njobs: {hello: {every: 10m, kubernetes_job: acme/indexer:4}}\n"

    @pytest.fixture
    def maker(self, cluster: Cluster) -> Cluster:
        cluster.config.write_text(self.TABLE)
        cluster.api.granted |= {"list", "delete"}
        return cluster

    def test_all_is_well(self, maker: Cluster) -> None:
        answer = maker.check()

        assert (answer.code, answer.err) == (0, "")
        assert " · jobs create get list watch delete ok · " in answer.cluster

    def test_exactly_the_rights_that_it_needs_are_asked_for(self, maker: Cluster) -> None:
        maker.check()
        asked = [
            (one["group"], "/".join(filter(None, (one["resource"], one.get("subresource")))), one["verb"])
            for one in maker.api.asked
            if one["resource"] not in ("leases", "events")
        ]

        assert asked == [
            *(("batch", "jobs", verb) for verb in ("create", "get", "list", "watch", "delete")),
            ("", "pods", "list"),
            ("", "pods/log", "get"),
        ]
        assert all("name" not in one for one in maker.api.asked if one["resource"] in ("jobs", "pods"))

    def test_missing_rights_come_with_the_role_to_paste(self, maker: Cluster) -> None:
        maker.api.granted -= {"delete"}
        answer = maker.check()

        assert answer.code == 1
        assert answer.err == (
            "error: service account ops/beat-leasebeat may not delete Jobs in namespace ops (403) [rbac]\n"
            + ROLE.replace(
                "watch]}]}\n",
                "watch]},\n"
                "  {apiGroups: [batch], resources: [jobs], verbs: [create, get, list, watch, delete]},\n"
                '  {apiGroups: [""], resources: [pods], verbs: [list]},\n'
                '  {apiGroups: [""], resources: [pods/log], verbs: [get]}]}\n',
            )
        )

    def test_without_the_right_to_look_at_pods_failures_have_no_last_lines(self, maker: Cluster) -> None:
        maker.api.granted -= {"list"}
        answer = maker.check()

        assert answer.code == 1
        assert "warning: service account ops/beat-leasebeat may not list pods in namespace ops (403)" in answer.err
        assert answer.err.count("kubectl apply") == 1

    def test_the_lease_and_jobs_are_granted_by_one_role(self, maker: Cluster) -> None:
        maker.api.granted = {"get"}
        answer = maker.check()

        assert answer.err.count("kubectl apply") == 1
        assert "resources: [jobs]" in answer.err

    def test_machines_are_told_by_what_the_rights_are_for(self, maker: Cluster) -> None:
        facts = json.loads(maker.check("--json").out)["cluster"]

        assert facts["jobs"] == {
            "jobs": ["create", "get", "list", "watch", "delete"],
            "pods": ["list"],
            "pods/log": ["get"],
        }

    def test_a_table_without_any_is_not_asked_about(self, cluster: Cluster) -> None:
        facts = json.loads(cluster.check("--json").out)["cluster"]

        assert facts["jobs"] is None
        assert not [one for one in cluster.api.asked if one["resource"] in ("jobs", "pods")]

"""What the service account may do: four verbs on Leases, two on Events unless they are not wanted, and nothing else."""

from __future__ import annotations

import pytest

from tests.chart.rendering import CI_VALUES, render

GROUP = ["coordination.k8s.io"]
EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]}


@pytest.mark.parametrize(
    ("values", "lease"),
    [
        ({}, "beat-leasebeat"),
        ({"fullnameOverride": "jobs"}, "jobs"),
        ({"config": {"lease": {"name": "shop"}}}, "shop"),
        ({"existingConfigMap": "mine"}, "leasebeat"),
        ({"existingConfigMap": "mine", "config": {"lease": {"name": "shop"}}}, "shop"),
    ],
)
def test_create_on_leases_and_three_verbs_on_the_releases_own(values: dict[str, object], lease: str) -> None:
    role = render(values).one("Role")

    assert role["rules"] == [
        {"apiGroups": GROUP, "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": GROUP, "resources": ["leases"], "resourceNames": [lease], "verbs": ["get", "update", "watch"]},
        EVENTS,
    ]


JOBS = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "list", "watch", "delete"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["beat-leasebeat"], "verbs": ["get"]},
]
WITH_A_JOB = {"config": {"jobs": {"a": {"every": "1m", "kubernetes_job": "acme/indexer:4"}}}}
WITH_NONE = {"config": {"jobs": {"a": {"every": "1m", "shell": "true"}}}}


@pytest.mark.parametrize(
    ("values", "granted"),
    [
        pytest.param({}, False, id="the examples"),
        pytest.param(WITH_A_JOB, True, id="a table with one"),
        pytest.param(WITH_NONE, False, id="a table without"),
        pytest.param({**WITH_NONE, "rbac": {"kubernetesJobs": True}}, True, id="without, and wanted"),
        pytest.param({**WITH_A_JOB, "rbac": {"kubernetesJobs": False}}, False, id="with one, and unwanted"),
        pytest.param({"existingConfigMap": "mine"}, False, id="a file that nobody knows"),
        pytest.param({"existingConfigMap": "mine", "rbac": {"kubernetesJobs": True}}, True, id="a known one"),
    ],
)
def test_jobs_may_be_made_where_the_table_makes_some(values: dict[str, object], granted: bool) -> None:
    rendered = render(values)
    rules = rendered.one("Role")["rules"]
    deployment = [one.get("value") for one in rendered.container["env"] if one["name"] == "DEPLOYMENT_NAME"]

    assert [rule for rule in rules if rule in JOBS] == (JOBS if granted else [])
    assert deployment == (["beat-leasebeat"] if granted else [])


def test_events_can_be_left_out() -> None:
    rules = render({"rbac": {"events": False}}).one("Role")["rules"]

    assert EVENTS not in rules
    assert len(rules) == len(render().one("Role")["rules"]) - 1


@pytest.mark.parametrize("file", CI_VALUES, ids=lambda file: file.stem)
def test_no_other_rights_are_given_to_anyone(file: object) -> None:
    rendered = render(file=file)  # type: ignore[arg-type]
    binding, account = rendered.one("RoleBinding"), rendered.one("ServiceAccount")["metadata"]

    assert not rendered.all("ClusterRole")
    assert not rendered.all("ClusterRoleBinding")
    assert binding["roleRef"]["name"] == rendered.one("Role")["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["name"], "namespace": "ops"}]
    assert rendered.pod["serviceAccountName"] == account["name"]


def test_the_token_is_mounted_once_by_the_chart_and_never_by_itself() -> None:
    rendered = render({"serviceAccount": {"tokenExpirationSeconds": 900}})
    token, ca, namespace = rendered.volume("token")["projected"]["sources"]
    mount = next(found for found in rendered.container["volumeMounts"] if found["name"] == "token")

    assert rendered.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert rendered.pod["automountServiceAccountToken"] is False
    assert rendered.one("Pod")["spec"]["automountServiceAccountToken"] is False
    assert token == {"serviceAccountToken": {"path": "token", "expirationSeconds": 900}}
    assert ca["configMap"] == {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    assert namespace["downwardAPI"]["items"][0]["path"] == "namespace"
    assert mount == {"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}


@pytest.mark.parametrize(
    ("account", "name", "made"),
    [
        ({}, "beat-leasebeat", True),
        ({"name": "mine"}, "mine", True),
        ({"create": False, "name": "mine"}, "mine", False),
        ({"create": False}, "default", False),
    ],
)
def test_the_service_account(account: dict[str, object], name: str, made: bool) -> None:
    rendered = render({"serviceAccount": account})

    assert bool(rendered.all("ServiceAccount")) is made
    assert rendered.pod["serviceAccountName"] == name
    assert rendered.one("RoleBinding")["subjects"][0]["name"] == name


def test_rights_that_others_give_are_left_to_them() -> None:
    rendered = render({"rbac": {"create": False}})

    assert not rendered.all("Role")
    assert not rendered.all("RoleBinding")

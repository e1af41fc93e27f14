"""The pods: how they are confined, probed, told and spread."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import CI_VALUES, Manifest, Rendered, render

every_ci_file = pytest.mark.parametrize("file", CI_VALUES, ids=lambda file: file.stem)
SELECTOR = {"app.kubernetes.io/name": "leasebeat", "app.kubernetes.io/instance": "beat"}


def _pods(rendered: Rendered) -> list[Manifest]:
    """The replicas' pod and the one of `helm test`."""
    return [rendered.pod, rendered.one("Pod")["spec"]]


@every_ci_file
def test_pods_keep_to_pod_security_restricted(file: Any) -> None:
    for pod in _pods(render(file=file)):
        container = next(found for found in pod["containers"] if found["name"] in ("leasebeat", "test"))
        context = container["securityContext"]

        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


def test_they_run_as_the_images_user() -> None:
    for pod in _pods(render()):
        assert [pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")] == [65532] * 3


def test_on_openshift_ids_are_the_namespaces() -> None:
    values = {"openshift": True, "securityContext": {"runAsUser": 1, "runAsGroup": 1}}
    for pod in _pods(render(values)):
        ids = {"runAsUser", "runAsGroup", "fsGroup"}

        assert not ids & pod["securityContext"].keys()
        assert not ids & pod["containers"][0]["securityContext"].keys()
        assert pod["securityContext"]["runAsNonRoot"] is True


def test_only_tmp_can_be_written_to() -> None:
    rendered = render()
    mounts = {found["mountPath"]: found.get("readOnly", False) for found in rendered.container["volumeMounts"]}

    assert mounts == {
        "/etc/leasebeat": True,
        "/tmp": False,  # noqa: S108
        "/var/run/secrets/kubernetes.io/serviceaccount": True,
    }
    assert rendered.volume("tmp") == {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}}


def test_memory_is_limited_and_cpu_is_not() -> None:
    assert render().container["resources"]["limits"].keys() == {"memory"}
    assert render().container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_three_questions_are_asked_at_three_paths_of_one_port() -> None:
    container = render({"config": {"health": {"port": 9000}}}).container
    asked = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}

    assert container["ports"] == [{"name": "health", "containerPort": 9000, "protocol": "TCP"}]
    assert asked == {
        "startupProbe": {"path": "/startupz", "port": "health"},
        "livenessProbe": {"path": "/livez", "port": "health"},
        "readinessProbe": {"path": "/readyz", "port": "health"},
    }


def test_without_a_health_port_nothing_is_asked_and_a_roll_out_waits_instead() -> None:
    rendered = render({"config": {"health": {"port": 0}}})

    assert not {"startupProbe", "livenessProbe", "readinessProbe", "ports"} & rendered.container.keys()
    assert rendered.one("Deployment")["spec"]["minReadySeconds"] == 20
    assert "minReadySeconds" not in render().one("Deployment")["spec"]


@every_ci_file
def test_no_variable_is_set_twice(file: Any) -> None:
    for pod in _pods(render(file=file)):
        for container in pod["containers"]:
            names = [variable["name"] for variable in container.get("env", [])]

            assert len(names) == len(set(names))


def test_the_kubelet_tells_a_pod_who_it_is() -> None:
    fields = {
        variable["name"]: variable["valueFrom"]["fieldRef"]["fieldPath"]
        for variable in render().container["env"]
        if "valueFrom" in variable
    }

    assert fields == {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_UID": "metadata.uid",
        "POD_IP": "status.podIP",
        "NODE_NAME": "spec.nodeName",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ not a template }}", "{{ not a template }}"),
        (10_000_000, "10000000"),
        (-3, "-3"),
        (0, "0"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_a_variable_holds_what_was_written(value: object, text: str) -> None:
    assert {"name": "IT", "value": text} in render({"env": {"IT": value}}).container["env"]


def test_lists_of_kubernetes_are_templates() -> None:
    rendered = render(
        {
            "extraEnv": [{"name": "IT", "value": "{{ .Release.Name }}"}],
            "env": {"TOKEN": {"valueFrom": {"secretKeyRef": {"name": "{{ .Release.Name }}", "key": "a"}}}},
            "initContainers": [{"name": "first", "image": "{{ .Values.image.repository }}:1"}],
            "extraObjects": ["kind: Job\napiVersion: batch/v1\nmetadata: {name: {{ .Release.Name }}-once}"],
        },
        release="7",
    )

    assert {"name": "IT", "value": "7"} in rendered.container["env"]
    assert {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "7", "key": "a"}}} in rendered.container["env"]
    assert rendered.pod["initContainers"] == [{"name": "first", "image": "leasebeat:1"}]
    assert rendered.one("Job")["metadata"]["name"] == "7-once"


@pytest.mark.parametrize(
    ("drain", "grace"), [(None, 75), ("0s", 15), ("90s", 105), ("1m30s", 105), ("08m", 495), ("1d2h", 93615)]
)
def test_a_pod_that_stops_gets_what_its_jobs_get_and_15_seconds(drain: str | None, grace: int) -> None:
    lease = {} if drain is None else {"drain_timeout": drain}

    assert render({"config": {"lease": lease}}).pod["terminationGracePeriodSeconds"] == grace


def test_more_grace_may_be_given() -> None:
    assert render({"terminationGracePeriodSeconds": 10_000_000}).pod["terminationGracePeriodSeconds"] == 10_000_000


def test_no_pod_goes_before_its_successor_is_ready() -> None:
    strategy = render().one("Deployment")["spec"]["strategy"]

    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


@pytest.mark.parametrize(("values", "replicas"), [({}, 3), ({"replicaCount": 5}, 5), ({"replicaCount": None}, None)])
def test_the_number_of_replicas_can_be_left_to_others(values: dict[str, object], replicas: int | None) -> None:
    assert render(values).one("Deployment")["spec"].get("replicas") == replicas


def test_selectors_hold_nothing_that_could_ever_change() -> None:
    rendered = render({"commonLabels": {"team": "shop"}, "podLabels": {"tier": "back"}})

    assert rendered.one("Deployment")["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert rendered.one("PodDisruptionBudget")["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert rendered.template["metadata"]["labels"] == {**SELECTOR, "team": "shop", "tier": "back"}


def test_the_pod_of_helm_test_is_no_replica() -> None:
    assert not SELECTOR.keys() & render().one("Pod")["metadata"]["labels"].keys()


def test_kubectl_finds_the_container_by_itself() -> None:
    extra = {"extraContainers": [{"name": "other", "image": "other:1"}], "podAnnotations": {"a/b": "c"}}
    annotations = render(extra).template["metadata"]["annotations"]

    assert annotations["kubectl.kubernetes.io/default-container"] == "leasebeat"
    assert annotations["a/b"] == "c"


def test_pods_are_spread_if_possible_and_run_together_rather_than_not_at_all() -> None:
    pod = render().pod
    apart = pod["affinity"]["podAntiAffinity"]

    assert {found["topologyKey"]: found["whenUnsatisfiable"] for found in pod["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone": "ScheduleAnyway",
        "kubernetes.io/hostname": "ScheduleAnyway",
    }
    assert apart.keys() == {"preferredDuringSchedulingIgnoredDuringExecution"}
    assert pod["topologySpreadConstraints"][0]["labelSelector"] == {"matchLabels": SELECTOR}


@pytest.mark.parametrize(
    ("image", "registry", "reference"),
    [
        ({}, "", "leasebeat:0.1.0"),
        ({"tag": "1.10"}, "", "leasebeat:1.10"),
        ({"registry": "r.example.com", "repository": "a/b"}, "", "r.example.com/a/b:0.1.0"),
        ({"registry": "r.example.com"}, "mirror.example.com", "mirror.example.com/leasebeat:0.1.0"),
        ({"tag": "1", "digest": f"sha256:{'0' * 64}"}, "", f"leasebeat@sha256:{'0' * 64}"),
    ],
)
def test_the_image(image: dict[str, str], registry: str, reference: str) -> None:
    for pod in _pods(render({"image": image, "global": {"imageRegistry": registry}})):
        assert pod["containers"][0]["image"] == reference


def test_pull_secrets_of_all_charts_and_of_this_one_each_once() -> None:
    rendered = render({"imagePullSecrets": ["a", {"name": "b"}], "global": {"imagePullSecrets": [{"name": "a"}, "c"]}})

    assert rendered.pod["imagePullSecrets"] == [{"name": "a"}, {"name": "c"}, {"name": "b"}]
    assert "imagePullSecrets" not in render().pod


@pytest.mark.parametrize(
    ("values", "budget"),
    [
        ({}, {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}),
        ({"replicaCount": 2}, {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}),
        ({"replicaCount": None}, {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}),
        ({"replicaCount": 1}, None),
        ({"podDisruptionBudget": {"enabled": False}}, None),
    ],
)
def test_a_disruption_budget_is_made_only_where_there_is_something_to_protect(
    values: dict[str, object], budget: dict[str, object] | None
) -> None:
    found = [budget["spec"] for budget in render(values).all("PodDisruptionBudget")]

    assert [{key: spec[key] for key in spec if key != "selector"} for spec in found] == ([budget] if budget else [])


def test_a_network_policy_is_made_only_when_asked_for() -> None:
    assert not render().all("NetworkPolicy")


def test_a_network_policy_lets_in_probes_and_lets_out_to_the_api_server_and_dns() -> None:
    policy = render({"networkPolicy": {"enabled": True}}).one("NetworkPolicy")["spec"]
    api, dns = policy["egress"]

    assert policy["podSelector"] == {"matchLabels": SELECTOR}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}]}]
    assert [found["port"] for found in api["ports"]] == [443, 6443]
    assert [(found["port"], found["protocol"]) for found in dns["ports"]] == [(53, "UDP"), (53, "TCP")]


def test_a_network_policy_can_be_narrowed() -> None:
    narrow = {"enabled": True, "dns": False, "apiServer": {"cidrs": ["10.0.0.1/32"]}}
    values = {"networkPolicy": narrow, "config": {"health": {"port": 0}}}
    policy = render(values).one("NetworkPolicy")["spec"]

    assert policy["ingress"] == []
    assert [found["to"] for found in policy["egress"]] == [[{"ipBlock": {"cidr": "10.0.0.1/32"}}]]

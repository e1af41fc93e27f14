"""The ways to an API server: what is wrong with a kubeconfig in words, and a pod's token that changes under us."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scheduler.cluster.access import kubeconfig_access, pod_access
from scheduler.cluster.api import ApiServer
from scheduler.cluster.pod import Pod
from scheduler.cluster.resource import Resource
from scheduler.core.errors import ClusterError, Unavailable
from tests.fakes.lease_api import LeaseApi

LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases", "ops", "beat")
CREDENTIAL = "s3cret"
TIMEOUT_S = 5.0
NO_CLUSTER_NEEDED = "Without --context the sqlite store is used and no cluster is needed."


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "far", "cluster": {"server": "https://10.0.0.1:6443"}}],
        "users": [{"name": "me", "user": {"token": CREDENTIAL}}],
        "contexts": [
            {"name": "prod", "context": {"cluster": "far", "user": "me", "namespace": "ops"}},
            {"name": "kind-dev", "context": {"cluster": "far", "user": "me"}},
            {"name": "lost", "context": {"cluster": "gone", "user": "me"}},
        ],
        "current-context": "prod",
    }


def written(folder: Path, config: object) -> str:
    place = folder / "kubeconfig"
    place.write_text(config if isinstance(config, str) else json.dumps(config))
    return str(place)


@pytest.mark.parametrize(
    ("context", "label", "namespace"),
    [
        pytest.param(None, "context prod (https://10.0.0.1:6443)", "ops", id="the current context"),
        pytest.param("kind-dev", "context kind-dev (https://10.0.0.1:6443)", "default", id="one without a namespace"),
    ],
)
def test_a_context_gives_server_and_namespace(
    tmp_path: Path, config: dict[str, Any], context: str | None, label: str, namespace: str
) -> None:
    access = kubeconfig_access(written(tmp_path, config), context)

    assert (access.label, access.namespace) == (label, namespace)
    assert access.load().host == "https://10.0.0.1:6443"


PLUGIN = f"""
import json
status = {{"token": "{CREDENTIAL}"}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
"""
YOURS = f"Your contexts: prod, kind-dev, lost. {NO_CLUSTER_NEEDED}"


@pytest.mark.parametrize(
    ("change", "context", "expected"),
    [
        pytest.param({}, "prd", ClusterError("there is no context prd in {place}", YOURS), id="an unknown context"),
        pytest.param(
            {}, "lost", ClusterError("context lost in {place} names no server", YOURS), id="no cluster for it"
        ),
        pytest.param(
            {"current-context": ""}, None, ClusterError("{place} has no current context", YOURS), id="none chosen"
        ),
        pytest.param(
            {"contexts": []},
            None,
            ClusterError("there is no context prod in {place}", f"Your contexts: none. {NO_CLUSTER_NEEDED}"),
            id="no contexts at all",
        ),
        pytest.param(
            {"contexts": [{"name": "prod"}]},
            None,
            ClusterError("kubeconfig {place} cannot be read (KeyError)", NO_CLUSTER_NEEDED),
            id="an entry without its body",
        ),
        pytest.param(
            {"clusters": CREDENTIAL},
            None,
            ClusterError("{place}: Invalid kube-config file. Expected key name", NO_CLUSTER_NEEDED),
            id="text where a list belongs",
        ),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_told_so(
    tmp_path: Path, config: dict[str, Any], change: dict[str, object], context: str | None, expected: ClusterError
) -> None:
    place = written(tmp_path, config | change)
    with pytest.raises(ClusterError) as error:
        kubeconfig_access(place, context)

    assert str(error.value) == "no cluster: " + str(expected).format(place=place)
    assert error.value.hint == expected.hint
    assert CREDENTIAL not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "{place}: Invalid kube-config. {place} file is empty", id="an empty file"),
        pytest.param("{a: [", "kubeconfig {place} cannot be read (ParserError)", id="no YAML"),
        pytest.param(CREDENTIAL, "kubeconfig {place} cannot be read (TypeError)", id="no map"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_told_so(tmp_path: Path, text: str, message: str) -> None:
    place = written(tmp_path, text)
    with pytest.raises(ClusterError) as error:
        kubeconfig_access(place, None)

    assert str(error.value) == "no cluster: " + message.format(place=place)


def test_a_kubeconfig_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    place = str(tmp_path / "absent")
    with pytest.raises(ClusterError) as error:
        kubeconfig_access(place, "prod")

    assert str(error.value) == f"no cluster: there is no kubeconfig {place}"
    assert error.value.hint == NO_CLUSTER_NEEDED


def test_several_kubeconfigs_are_merged_as_kubectl_merges_them(tmp_path: Path, config: dict[str, Any]) -> None:
    first = written(tmp_path, {"contexts": config.pop("contexts"), "current-context": "kind-dev"})
    second = tmp_path / "second"
    second.write_text(json.dumps(config | {"contexts": [], "current-context": ""}))

    assert kubeconfig_access(f"{first}:{second}", "prod").namespace == "ops"


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(lambda _: {"token": CREDENTIAL}, id="a token"),
        pytest.param(lambda folder: {"tokenFile": written(folder, CREDENTIAL)}, id="a token in a file"),
        pytest.param(
            lambda _: {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": sys.executable,
                    "args": ["-ISc", PLUGIN],
                    "interactiveMode": "Never",
                }
            },
            id="a plugin",
        ),
    ],
)
def test_a_kubeconfig_leads_to_its_server_with_its_credentials(
    lease_api: LeaseApi, tmp_path: Path, user: Callable[[Path], dict[str, object]]
) -> None:
    lease_api.token = CREDENTIAL
    place = lease_api.write_kubeconfig(tmp_path / "config", user(tmp_path))

    assert ApiServer(kubeconfig_access(str(place), "fake")).get(LEASE, TIMEOUT_S) is None


def test_a_certificate_that_is_missing_fails_the_request_and_quotes_no_secret(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    config["clusters"][0]["cluster"]["certificate-authority"] = "absent.crt"
    server = ApiServer(kubeconfig_access(written(tmp_path, config), None))
    with pytest.raises(Unavailable) as error:
        server.get(LEASE, TIMEOUT_S)

    assert str(error.value) == f"no credentials: File does not exist: {tmp_path}/absent.crt"


def test_a_client_error_is_cut_where_it_begins_to_quote_the_kubeconfig(tmp_path: Path, config: dict[str, Any]) -> None:
    config["users"] = [{"name": "me", "usr": {"token": CREDENTIAL}}]
    server = ApiServer(kubeconfig_access(written(tmp_path, config), None))
    with pytest.raises(Unavailable) as error:
        server.get(LEASE, TIMEOUT_S)

    assert str(error.value) == "no credentials: Invalid kube-config file. Expected key user"


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    (tmp_path / "token").write_text("first")
    (tmp_path / "ca.crt").write_text("a certificate")
    (tmp_path / "namespace").write_text("ops\n")
    return Pod({"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)


def sent_by(configuration: Any) -> str:
    (setting,) = configuration.auth_settings().values()
    return str(setting["value"]).lower()


def test_a_pod_knows_server_namespace_and_token(pod: Pod) -> None:
    access = pod_access(pod)
    configuration = access.load()

    assert pod.exists
    assert (access.label, access.namespace) == ("service account of the pod (10.96.0.1:443)", "ops")
    assert configuration.host == "https://10.96.0.1:443"
    assert configuration.ssl_ca_cert == pod.authority
    assert sent_by(configuration) == "bearer first"


def test_a_token_that_changed_is_read_again(pod: Pod, tmp_path: Path) -> None:
    configuration = pod_access(pod).load()
    renewed = tmp_path / "renewed"
    renewed.write_text("second")
    renewed.replace(pod.token)

    assert sent_by(configuration) == "bearer second"


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_a_file_of_the_account_that_is_missing_fails_the_request_alone(pod: Pod, missing: str) -> None:
    server = ApiServer(pod_access(pod))
    (pod.account / missing).unlink()
    with pytest.raises(Unavailable) as error:
        server.get(LEASE, TIMEOUT_S)

    assert str(error.value) in (
        f"{pod.account}/token: no such file or directory",
        "no credentials: Service certification file does not exist.",
    )


def test_a_token_that_went_missing_fails_until_it_is_back(pod: Pod) -> None:
    configuration = pod_access(pod).load()
    pod.token.unlink()
    with pytest.raises(FileNotFoundError):
        sent_by(configuration)
    pod.token.write_text("third")

    assert sent_by(configuration) == "bearer third"


@pytest.mark.parametrize(
    ("environ", "files"),
    [
        pytest.param({}, ["token"], id="no server in the environment"),
        pytest.param({"KUBERNETES_SERVICE_HOST": ""}, ["token"], id="an empty one"),
        pytest.param({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, [], id="no token"),
    ],
)
def test_this_is_no_pod(tmp_path: Path, environ: dict[str, str], files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("x")

    assert not Pod(environ, tmp_path).exists


def test_a_pod_whose_namespace_no_file_says_uses_default(pod: Pod) -> None:
    (pod.account / "namespace").unlink()

    assert pod_access(pod).namespace == "default"


def test_outside_a_pod_the_way_of_the_pod_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no cluster: this is no pod"):
        pod_access(Pod({}, tmp_path))

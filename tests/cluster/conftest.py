"""The way to the real API server of these tests. Without one they fail at once: skipping would prove nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from scheduler.cluster.access import Access, kubeconfig_access
from tests.fakes.homes import KubernetesHome
from tests.processes.cluster import Namespace, a_namespace

HOW = (
    "KUBECONFIG is not set, so there is no API server to test against. Start one, for example with "
    "`kind create cluster`, and set KUBECONFIG to its kubeconfig. Its account must be allowed to create, change and "
    "delete Leases in the context's namespace."
)


@pytest.fixture(scope="session")
def cluster() -> Access:
    if not os.environ.get("KUBECONFIG"):
        pytest.exit(HOW, returncode=pytest.ExitCode.TESTS_FAILED)
    return kubeconfig_access(None, None)


@pytest.fixture(scope="module")
def namespace(cluster: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A namespace of the module's own."""
    assert cluster
    with a_namespace(tmp_path_factory.mktemp("kubeconfigs")) as namespace:
        yield namespace


@pytest.fixture
def kubernetes_home(cluster: Access) -> Iterator[KubernetesHome]:
    home = KubernetesHome(cluster)
    yield home
    home.close()


@pytest.fixture
def home(kubernetes_home: KubernetesHome) -> KubernetesHome:
    return kubernetes_home

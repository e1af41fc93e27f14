"""The way to a real cluster with a node, and a release of the chart on it. Without them these tests fail at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.node.beat import Beat
from tests.processes.cluster import a_namespace

HOW = (
    "These tests need KUBECONFIG, kubectl and helm, and LEASEBEAT_TEST_IMAGE, an image of leasebeat that the cluster's "
    "nodes have, as REGISTRY/REPOSITORY:TAG. For example: `kind create cluster`, `docker build -t "
    "localhost/leasebeat:test .`, `kind load docker-image localhost/leasebeat:test`."
)
RESTRICTED = ("pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest")


@pytest.fixture(scope="module")
def beat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beat]:
    """A release to be installed into a namespace that admits restricted pods only."""
    missing = [name for name in ("KUBECONFIG", "LEASEBEAT_TEST_IMAGE") if not os.environ.get(name)]
    if missing or not shutil.which("helm") or not shutil.which("kubectl"):
        pytest.exit(HOW, returncode=pytest.ExitCode.TESTS_FAILED)
    with a_namespace(tmp_path_factory.mktemp("kubeconfigs"), *RESTRICTED) as namespace:
        release = Beat(namespace, os.environ["LEASEBEAT_TEST_IMAGE"], tmp_path_factory.mktemp("beat"))
        release.logs.start()
        yield release
        release.logs.close()

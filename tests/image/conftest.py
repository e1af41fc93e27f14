"""The image's archive, and a pod of it. Without them these tests fail at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.archive import Archive
from tests.image.pod import Pod
from tests.processes.cluster import a_namespace

HOW_ARCHIVE = (
    "These tests need LEASEBEAT_TEST_IMAGE_ARCHIVE, the image as a file: `docker build -t leasebeat:test .` and "
    "`docker save -o image.tar leasebeat:test`, or `ctr images export`."
)
HOW_POD = "These tests need KUBECONFIG, kubectl, and LEASEBEAT_TEST_IMAGE, an image of leasebeat that the nodes have."
RESTRICTED = ("pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest")


@pytest.fixture(scope="session")
def archive() -> Archive:
    """The image under test as `docker save` writes it."""
    path = Path(os.environ.get("LEASEBEAT_TEST_IMAGE_ARCHIVE", "missing"))
    if not path.is_file():
        pytest.exit(HOW_ARCHIVE, returncode=pytest.ExitCode.TESTS_FAILED)
    return Archive(path)


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """A replica in a namespace that admits restricted pods only, with three jobs, on a Lease of its own."""
    if not all(os.environ.get(name) for name in ("KUBECONFIG", "LEASEBEAT_TEST_IMAGE")) or not shutil.which("kubectl"):
        pytest.exit(HOW_POD, returncode=pytest.ExitCode.TESTS_FAILED)
    with a_namespace(tmp_path_factory.mktemp("kubeconfigs"), *RESTRICTED) as namespace:
        namespace.kubeconfig(Pod.LEASE)
        yield Pod(namespace, os.environ["LEASEBEAT_TEST_IMAGE"])

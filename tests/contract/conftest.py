"""The homes that need nothing but this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from scheduler.cluster.access import Access
from tests.fakes.homes import Home, KubernetesHome, measured_home, memory_home, sqlite_home
from tests.fakes.lease_api import LeaseApi


@pytest.fixture
def kubernetes_home(lease_api: LeaseApi) -> Iterator[KubernetesHome]:
    home = KubernetesHome(Access("fake", "ops", lambda: Configuration(host=lease_api.url)))
    yield home
    home.close()


@pytest.fixture(params=["memory", "sqlite", "kubernetes", "measured"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    if request.param == "kubernetes":
        yield request.getfixturevalue("kubernetes_home")
        return
    home = {"memory": memory_home, "measured": measured_home}.get(request.param, lambda: sqlite_home(tmp_path))()
    yield home
    home.close()

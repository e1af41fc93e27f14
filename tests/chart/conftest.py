from __future__ import annotations

import shutil

import pytest

from tests.chart.rendering import HELM


@pytest.fixture(scope="session", autouse=True)
def _helm_is_here() -> None:
    if not shutil.which(HELM):
        pytest.fail("these tests render the chart and need `helm` on the path, or its path in HELM")

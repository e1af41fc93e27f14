"""What every suite may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.lease_api import LeaseApi


@pytest.fixture
def lease_api() -> Iterator[LeaseApi]:
    """A Lease API of this process, see `fakes/lease_api.py`."""
    with LeaseApi() as api:
        yield api

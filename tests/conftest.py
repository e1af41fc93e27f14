"""What every suite may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.fakes.lease_api import LeaseApi

# How long an example takes depends on the machine; speed is measured in bench/.
settings.register_profile("leasebeat", deadline=None)
settings.load_profile("leasebeat")


@pytest.fixture
def lease_api() -> Iterator[LeaseApi]:
    """A Lease API of this process, see `fakes/lease_api.py`."""
    with LeaseApi() as api:
        yield api

"""The contract of a store, and the facts about Leases that the fake API is built on, asked of a real API server."""

from tests.contract.test_lease_api import *  # noqa: F403 - its tests run here as well, over the fixtures beside this file
from tests.contract.test_lease_store import *  # noqa: F403 - the same

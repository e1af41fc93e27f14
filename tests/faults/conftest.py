"""The long form and the short one, the real API server that both need, and the tables they print in the end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.faults.form import FORMS, Form
from tests.processes.cluster import Namespace, a_namespace

HOW = (
    "KUBECONFIG is not set, so there is no API server to test against. Start one, for example with "
    "`kind create cluster`, and set KUBECONFIG to its kubeconfig. Its account must be allowed to make namespaces, and "
    "Leases, service accounts and roles in them."
)
TABLES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session", autouse=True)
def _clean_up_when_asked_to_stop() -> None:
    """A CI that gives up sends SIGTERM; as a KeyboardInterrupt it lets every fixture end its processes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def form() -> Form:
    """What LEASEBEAT_FAULTS says, `long` or `short`; and LEASEBEAT_FAULTS_SEED tells a storm once more."""
    seed = os.environ.get("LEASEBEAT_FAULTS_SEED")
    return FORMS[os.environ.get("LEASEBEAT_FAULTS", "long")].with_seed(int(seed) if seed else time.time_ns() % 100_000)


@pytest.fixture(scope="session")
def namespace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    if not os.environ.get("KUBECONFIG"):
        pytest.exit(HOW, returncode=pytest.ExitCode.TESTS_FAILED)
    with a_namespace(tmp_path_factory.mktemp("kubeconfigs")) as namespace:
        yield namespace


@pytest.fixture(scope="session")
def tables(pytestconfig: pytest.Config) -> list[str]:
    """What is put here is printed when all tests are over."""
    return pytestconfig.stash.setdefault(TABLES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for table in config.stash.get(TABLES, []):
        terminalreporter.write_line("")
        terminalreporter.write_line(table)

"""What a library imports for things that nobody uses here is not imported, until somebody does."""

from __future__ import annotations

import subprocess
import sys

from scheduler.telling.lean import postponed

LOG = """
import sys
import scheduler.telling.log
assert not {"asyncio", "ssl", "rich"} & set(sys.modules), "imported after all"
from structlog import stdlib
real = stdlib.asyncio.sleep
import asyncio
assert real is asyncio.sleep
"""


def test_the_log_does_without_asyncio_and_structlog_can_have_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOG], capture_output=True, text=True, check=False, timeout=30)

    assert done.stderr == ""


def test_a_module_that_is_there_is_not_postponed() -> None:
    with postponed("subprocess"):
        assert sys.modules["subprocess"] is subprocess

    assert sys.modules["subprocess"] is subprocess

"""The signals that stop a process are noticed, whichever of its threads the kernel hands them to."""

from __future__ import annotations

import subprocess
import sys

import pytest

WAITS = """
import signal, threading
from scheduler.cli.stop import StopSignal

stop = StopSignal()
stop.listen()

def receive():
    signal.pthread_kill(threading.get_ident(), signal.{name})

threading.Timer(0.05, receive).start()
print(stop.wait())
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_that_another_thread_gets_stops_the_process(name: str) -> None:
    """As after a freeze: the main thread is still being thawed when TERM comes, and sleeps on without a word of it."""
    done = subprocess.run(
        [sys.executable, "-c", WAITS.format(name=name)], capture_output=True, text=True, timeout=10, check=False
    )

    assert (done.stdout, done.stderr) == (f"{name.removeprefix('SIG')}\n", "")

"""The signals that stop a process are noticed, whichever of its threads the kernel hands them to."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

WAITS = """
import signal, threading
from scheduler.cli.stop import StopSignal
from scheduler.clock import SystemClock

stop = StopSignal(SystemClock())
stop.listen()

def receive():
    signal.pthread_kill(threading.get_ident(), signal.{name})

threading.Timer(0.05, receive).start()
print(stop.wait(), flush=True)
"""
LEAVES = (
    WAITS
    + """
threading.Timer(0.3, receive).start()
threading.Event().wait()  # for its runs, say: the main thread may sleep, or be on its way to it
"""
)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_that_another_thread_gets_stops_the_process(name: str) -> None:
    """As after a freeze: the main thread is still being thawed when TERM comes, and sleeps on without a word of it."""
    done = subprocess.run(
        [sys.executable, "-c", WAITS.format(name=name)], capture_output=True, text=True, timeout=10, check=False
    )

    assert (done.stdout, done.stderr) == (f"{name.removeprefix('SIG')}\n", "")


TWICE = """
import os, signal, threading
from scheduler.cli.stop import StopSignal
from scheduler.clock import SystemClock

stop = StopSignal(SystemClock())
stop.listen()
os.kill(os.getpid(), signal.SIGTERM)
stop.wait()
os.kill(os.getpid(), signal.SIGTERM)
threading.Event().wait(0.01)  # for a clean stop to begin, say
print("goes on", flush=True)
"""


def test_one_that_comes_twice_at_once_is_one() -> None:
    """`timeout 60 leasebeat run` sends TERM to the process, and to its group, which the process is in."""
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, timeout=10, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "goes on\n", "")


def test_so_does_the_second_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVES.format(name="SIGTERM")], capture_output=True, text=True, timeout=10, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, "TERM\n", "")

"""How the supervisor's children come into the world."""

from __future__ import annotations

import subprocess
import sys

CHILD_OF_A_POOR_PARENT = """
import os, resource
from scheduler.running.supervisor.children import spawn
first = os.dup(0)
os.close(first)
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (first + 8, hard))  # the ends of four pipes, and not one more
child = spawn(lambda orders, reports: os._exit(len(os.listdir("/dev/fd"))))
print(os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]))
"""


def test_the_last_child_for_which_there_are_files_lives() -> None:
    """It has its standard streams, two pipes, and the listing of them."""
    counted = subprocess.run([sys.executable, "-c", CHILD_OF_A_POOR_PARENT], capture_output=True, text=True, check=True)

    assert counted.stdout == "6\n"

"""`make demo`: three replicas on this machine, and the leader is killed with -9 before your eyes.

Starts `leasebeat run --replicas 3` on config.yaml, prints what it prints, kills the leader some seconds after its first
runs, waits until another has caught up and ticked on, and stops the rest.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

RUNS_BEFORE = 4
RUNS_AFTER = 10
STARTED = re.compile(r"^(\w) \S+ info  app\.started .*\bpid=(\d+)")
ACQUIRED = re.compile(r"^(\w) \S+ info  lead\.acquired")
SUCCEEDED = re.compile(r"^\w \S+ info  run\.succeeded")


def main() -> int:
    """Run the demonstration; 0 if another replica took over."""
    command = [sys.executable, "-m", "scheduler", "run", "--replicas", "3", "--color", "never"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as replicas:  # noqa: S603  # this very program
        pids: dict[str, int] = {}
        leaders: list[str] = []
        runs = 0
        for line in replicas.stdout or ():
            print(line, end="", flush=True)
            if started := STARTED.match(line):
                pids[started[1]] = int(started[2])
            if acquired := ACQUIRED.match(line):
                leaders.append(acquired[1])
                runs = 0
            runs += bool(SUCCEEDED.match(line) and "repeated" not in line)
            if len(leaders) == 1 and runs == RUNS_BEFORE:
                print(f"\n$ kill -9 {pids[leaders[0]]}    # the leader, {leaders[0]}\n", flush=True)
                os.kill(pids[leaders[0]], signal.SIGKILL)
                runs += 1
            if len(leaders) > 1 and runs == RUNS_AFTER:
                print("\n$ ^C\n", flush=True)
                replicas.send_signal(signal.SIGINT)
                runs += 1
    return 0 if len(leaders) > 1 else 1


if __name__ == "__main__":
    sys.exit(main())

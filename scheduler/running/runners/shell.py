"""What the supervisor's child does for a `shell` action: ask the gate, then become the command.

Exit status 0 is success. The run is over when the command is: what it left running in its session is killed then, so a
command that wants to leave a service behind must start it elsewhere. Its output is read as it comes and what is left of
it at the end is read too, but nobody waits for a process that kept the pipe open. Standard input is empty.
"""

from __future__ import annotations

import os
import signal

from scheduler.referred_files import Unreadable
from scheduler.running.runners.environment import environment_of
from scheduler.running.supervisor.times import boot_now, wall_now
from scheduler.running.supervisor.wire import Ended, Started, StartShell, Trust, encode


def execute(order: StartShell, trust: Trust, config_folder: str, _orders: int, reports: int) -> None:
    """Become the command of `order`; returns only when there is nothing to become, which is reported."""
    began = boot_now()
    if began >= trust.gate_until:
        os.write(reports, encode(Ended(order.key, "gate_shut", 0)))
        return
    os.write(reports, encode(Started(order.key, wall_now().isoformat(), began, os.getpid())))
    try:
        environment = environment_of(order, config_folder)
        reason, error = "exit", _become(order, config_folder, environment)
    except Unreadable as unreadable:
        reason, error = "rejected", str(unreadable)
    os.write(reports, encode(Ended(order.key, "failed", round(1000 * (boot_now() - began)), reason, error)))


def _become(order: StartShell, config_folder: str, environment: dict[str, str]) -> str:
    """Execute the command; why that could not be done, in the system's words."""
    argv = ["/bin/sh", "-c", order.command] if isinstance(order.command, str) else order.command
    folder = os.path.join(config_folder, order.cwd or "")  # noqa: PTH118 - pathlib would not be worth its import here
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    what = folder
    try:
        os.chdir(folder)
        what = argv[0]
        os.execvpe(argv[0], argv, os.environ | environment)  # noqa: S606 - running it is the purpose
    except OSError as error:
        return f"{what}: {error.strerror}"
    except ValueError as error:  # a NUL in an argument
        return f"{what}: {error}"

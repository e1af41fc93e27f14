"""What imported jobs run: the action of each origin.

Celery: the task is sent by its name, with the options that the app would have added, since leasebeat sends without the
app's code. The broker's URL is not written down; it is looked up in the environment.

CronJobs: the template is copied, so that the CronJob is needed no more. What it cannot say here is the Job's name,
which is made from the run id, and its namespace, which is the Lease's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.importing.found import Keys, NoCounterpart, Plain

_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh")
_NEEDS_SHELL = re.compile(r"\$|\{\{|<%")  # in a value of the file these could be read as a reference
BROKER = "${CELERY_BROKER_URL}"


@dataclass(frozen=True, slots=True)
class Command:
    """What a crontab runs: a command for a shell, what it reads, and where it runs."""

    text: str
    stdin: str | None
    shell: str
    folder: str | None
    env: Mapping[str, str]


def run_command(command: Command) -> Keys:
    """The `shell` action of a crontab's command; raises `NoCounterpart` where its shell has no here-documents."""
    literal = {name: value for name, value in command.env.items() if _NEEDS_SHELL.search(value)}
    env: dict[str, Plain] = {name: value for name, value in command.env.items() if name not in literal}
    folder = command.folder if command.folder and not _NEEDS_SHELL.search(command.folder) else None
    lines = [f"export {name}={shlex.quote(value)}" for name, value in literal.items()]
    if command.folder and not folder:
        lines.append(f"cd {shlex.quote(command.folder)} || exit")
    lines.append(command.text if command.stdin is None else _fed(command.text, command.stdin))
    if (len(lines) > 1 or command.stdin is not None) and command.shell.rpartition("/")[2] not in _SHELLS:
        raise NoCounterpart(f"the input or the variables of a command cannot be written for SHELL={command.shell}")
    text = "\n".join(lines)
    run: Plain = text if command.shell == "/bin/sh" else [command.shell, "-c", _no_reference(text)]
    if not folder and not env:
        return {"shell": run}
    return {"shell": {"run": run, **({"cwd": folder} if folder else {}), **({"env": env} if env else {})}}


def send_task(task: str, args: list[Plain], kwargs: Mapping[str, Plain], options: Keys) -> Keys:
    """The action that sends a task to the broker, as beat does."""
    said: dict[str, Plain] = {"task": task}
    if args:
        said["args"] = args
    if kwargs:
        said["kwargs"] = dict(kwargs)
    if options:
        said["options"] = dict(options)
    return {"celery": said | {"broker": BROKER}}


def start_job(template: Keys) -> Keys:
    """The action that makes a Kubernetes Job from what a CronJob has under `jobTemplate`."""
    return {"kubernetes_job": {"template": dict(template)}}


def _no_reference(text: str) -> str:
    """The text; a word of a list that is nothing but `${NAME}` would be refused."""
    return f"{text} " if re.fullmatch(r"\$\{\w+\}", text) else text


def _fed(command: str, stdin: str) -> str:
    """The command with its standard input as a here-document."""
    body = stdin.split("\n")
    mark, number = "END", 2
    while mark in body:
        mark, number = f"END{number}", number + 1
    return "\n".join(["{", command, f"}} <<'{mark}'", *body, mark])

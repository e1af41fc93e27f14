"""What imported jobs run. The one file to change when actions of their own arrive for Celery and for Kubernetes Jobs.

Celery: `send_task` of the app itself, called in a worker process, sends what beat would send, options and all. The
command `celery call` knows neither priority nor headers, and starts a process for each message.

CronJobs: `kubectl create job --from=cronjob/…` takes image, volumes, limits, retries and deadline from the CronJob,
which stays in the cluster, suspended. The container's command alone would run in the wrong image. The Job's name is
made from the tick, so that a run which is started again after a crash finds its Job instead of making a second one;
and the run waits for the Job's end, since `overlap` and the final log line are about the work and not about its start.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.importing.found import Keys, NoCounterpart, Plain

_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh")
_NEEDS_SHELL = re.compile(r"\$|\{\{|<%")  # in a value of the file these could be read as a reference
_JOB_STEM = 45  # of the 63 characters of a Job's name; the digits of a tick are 14, of a manual run's 17


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


def send_task(app: str, task: str, args: list[Plain], kwargs: Mapping[str, Plain], options: Keys) -> Keys:
    """The action that sends a task to the broker, as beat does; `app` is MODULE:APP."""
    said: dict[str, Plain] = {}
    if args:
        said["args"] = args
    if kwargs:
        said["kwargs"] = dict(kwargs)
    python: dict[str, Plain] = {"call": f"{app}.send_task", "args": [task]}
    if said or options:
        python["kwargs"] = said | dict(options)
    return {"python": python}


def start_job(namespace: str | None, cronjob: str, *, replace: bool) -> Keys:
    """The action that makes a Job from a CronJob's template and waits for its end."""
    kubectl = f"kubectl -n {namespace}" if namespace else "kubectl"
    stem = cronjob[:_JOB_STEM].rstrip("-.")
    make = f'{kubectl} create job "$job" --from=cronjob/{cronjob} || {kubectl} get job "$job" -o name || exit'
    end = f"trap '{kubectl} delete job \"$job\" --wait=false; exit 143' TERM"
    # The outcome is what the wait has seen: a history limit may delete the Job the moment it has ended.
    wait = f"{kubectl} wait \"job/$job\" --timeout=-1s --for='jsonpath={{.status.conditions[0].status}}=True'"
    seen = "-o 'jsonpath={.status.conditions[*].type}' | grep -E 'Complete|SuccessC'"
    lines = [f'job={stem}-$(echo "$LEASEBEAT_TICK" | tr -dc 0-9)', make, *([end] if replace else []), f"{wait} {seen}"]
    return {"shell": "\n".join(lines)}


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

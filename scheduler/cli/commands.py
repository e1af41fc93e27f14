"""The commands by name, each imported when it is asked for: `leasebeat schema` does not wait for Kubernetes' client."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from scheduler.cli.options import COMMON_HELP

EXAMPLES = """\
Examples: leasebeat check -c config.yaml
          leasebeat run --replicas 3
"""
_PLACES = {  # name -> module of this package, and the command in it
    "audit": "audit:audit",
    "check": "check:check",
    "completion": "completion:completion",
    "explain": "explain:explain",
    "import": "import_:import_",
    "next": "next:next_",
    "pause": "pause:pause",
    "reset": "reset:reset",
    "resume": "resume:resume",
    "run": "run:run",
    "run-now": "run_now:run_now",
    "schema": "schema:schema",
    "simulate": "simulate:simulate",
    "status": "status:status",
}
_PURPOSES = {
    "audit": "Prove from logs that each tick has one fate",
    "check": "Is this file right, and would it work here",
    "completion": "The script by which a shell completes commands and jobs",
    "explain": "A schedule in words, with its traps",
    "import": "Write a config from a crontab, CronJobs or Celery beat",
    "next": "The coming ticks",
    "pause": "Skip a job's ticks until it is resumed",
    "reset": "After a restore of etcd: settle everything up to now",
    "resume": "End a job's pause",
    "run": "Be a replica: stand by, lead when it can",
    "run-now": "Have the leader run a job once, and wait for it",
    "schema": "JSON Schema of config.yaml",
    "simulate": "Print the log that would happen",
    "status": "Who leads, what runs, what is next",
}


class Commands(click.Group):
    """All commands; none is loaded to list or to complete their names."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, as the help lists them."""
        return list(_PLACES)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What fits one screen of 80 by 24: a line for each command, and little more for the common options."""
        formatter.write(f"Usage: {ctx.command_path} [GLOBAL] COMMAND [GLOBAL] ...   (more: COMMAND -h, --version)\n")
        formatter.write(f"{self.help}\nCommands:\n")
        widest = max(map(len, _PURPOSES))
        formatter.write("".join(f"  {name:{widest}}  {purpose}\n" for name, purpose in _PURPOSES.items()))
        formatter.write(f"{COMMON_HELP}{EXAMPLES}")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands and the common options that begin so."""
        commands = [CompletionItem(name, help=told) for name, told in _PURPOSES.items() if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of this name; None where there is none."""
        if cmd_name not in _PLACES:
            return None
        module, _, attribute = _PLACES[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"scheduler.cli.{module}"), attribute)
        return command

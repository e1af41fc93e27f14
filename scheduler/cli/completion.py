"""`leasebeat completion`: the script by which a shell completes commands, options and the names of jobs."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import ShellComplete, get_completion_class

from scheduler.cli.options import common_options

EXAMPLES = """\b
Examples:
  source <(leasebeat completion bash)
  leasebeat completion fish > ~/.config/fish/completions/leasebeat.fish
"""
VARIABLE = "_LEASEBEAT_COMPLETE"  # click asks for it by the program's name


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(context: click.Context, /, shell: str, **_common: Any) -> None:
    """Print the script by which a shell completes commands and jobs.

    bash and zsh: put source <(leasebeat completion SHELL) into ~/.bashrc, or ~/.zshrc after compinit.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click has these three
    script = kind(context.find_root().command, {}, "leasebeat", VARIABLE)
    # Not kind.source: that of bash looks for a bash on this machine, which an image need not have, and complains.
    click.echo(ShellComplete.source(script))

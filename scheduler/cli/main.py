"""The command `leasebeat`: its commands, and the one place where an error of ours becomes a sentence and an exit code.

Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 cannot ask. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from scheduler import __version__
from scheduler.cli.commands import Commands
from scheduler.cli.options import common_options
from scheduler.cli.streams import prepare_streams
from scheduler.config.report import problems_text
from scheduler.core.errors import ClusterError, ConfigError, LeasebeatError, StoreError

NO = 1
CANNOT_ASK = 3
INTERRUPTED = 130


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="leasebeat", message="%(prog)s %(version)s")
@common_options
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Periodic jobs from one file: many replicas, one leader, no tick lost or doubled."""
    context.obj = options


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, the process's own unless another is given, and exit."""
    prepare_streams()
    try:
        code = cli.main(arguments, prog_name="leasebeat", standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        code = 0
    except LeasebeatError as error:
        code = _tell(error)
    except OSError as error:
        click.echo(f"error: {error}", err=True)  # a full disk behind stdout, say
        code = NO
    sys.exit(code or 0)


def _tell(error: LeasebeatError) -> int:
    if isinstance(error, ConfigError):
        click.echo(problems_text(error.problems), err=True)
        return NO
    click.echo(f"error: {error}{' [cluster]' if isinstance(error, ClusterError) else ''}", err=True)
    if isinstance(error, ClusterError | StoreError) and error.hint:
        click.echo(f"  {error.hint}", err=True)
    return CANNOT_ASK

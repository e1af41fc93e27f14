"""Commands are found by name and loaded one at a time."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from scheduler.cli.commands import Commands
from scheduler.cli.main import cli

NAMES = [
    *("audit", "check", "completion", "explain", "import", "next", "pause", "reset", "resume"),
    *("run", "run-now", "schema", "simulate", "status"),
]
HEAVY = {"kubernetes", "urllib3", "apscheduler", "structlog", "sqlite3", "asyncio"}


@pytest.mark.parametrize("name", NAMES)
def test_a_command_goes_by_the_name_it_is_listed_under(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert isinstance(cli, Commands)
    assert command is not None
    assert command.name == name


def test_all_of_them_are_listed_in_order_and_no_other_is_found() -> None:
    context = click.Context(cli)

    assert set(NAMES) <= set(cli.list_commands(context))
    assert cli.list_commands(context) == sorted(cli.list_commands(context))
    assert cli.get_command(context, "frobnicate") is None


@pytest.mark.parametrize("arguments", [["schema"], ["schema", "--helm"], ["--version"], ["-h"], ["completion", "bash"]])
def test_a_small_command_does_not_load_the_whole_program(arguments: list[str]) -> None:
    program = f"""
import sys
from scheduler.cli.main import cli
cli.main({arguments!r}, standalone_mode=False)
print(*sorted({HEAVY!r} & sys.modules.keys()), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == ""
    assert done.stdout

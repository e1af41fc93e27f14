"""The help of every command: one screen of a terminal of 80 by 24, with two examples at its end."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from scheduler.cli.commands import _PURPOSES
from scheduler.cli.main import cli

COLUMNS, LINES = 80, 24


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command there is, the groups among them and the program itself."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands(cli))


def help_of(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main([*path, "-h"], prog_name="leasebeat")
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "leasebeat")
def test_help_fits_one_screen(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    lines = help_of(path, capsys).splitlines()

    assert len(lines) < LINES  # one is left for the prompt
    assert max(map(len, lines)) <= COLUMNS


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "leasebeat")
def test_help_ends_with_two_examples_that_the_program_understands(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(path, capsys).rpartition("Examples:")[2].replace("\\\n", " ")
    examples = [line.strip() for line in text.splitlines() if line.strip()]

    assert len(examples) == 2
    for example in examples:
        understood(example)


def understood(example: str) -> None:
    """Parse the leasebeat in this line of shell as the program would, without doing anything."""
    shell = re.sub(r"<\(([^)]*)\)", r"; \1", example)
    part = next(part for part in re.split(r"[|;]", shell) if "leasebeat" in part)
    words = shlex.split(re.split(r"[<>]", part)[0])
    arguments = words[words.index("leasebeat") + 1 :]
    with cli.make_context("leasebeat", arguments, resilient_parsing=False) as context:
        group, rest = cli, context._protected_args + context.args
        while isinstance(group, click.Group):
            name, *rest = rest
            command = group.get_command(context, name)
            assert command is not None, example
            parser, group = command.make_parser(context), command  # type: ignore[assignment]
            _, rest, _ = parser.parse_args(rest)


def test_an_example_that_is_wrong_is_found() -> None:
    with pytest.raises(click.UsageError):
        understood("leasebeat check --clutser")


def test_each_command_is_listed_with_its_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of((), capsys)

    assert list(_PURPOSES) == cli.list_commands(click.Context(cli))
    assert all(re.search(rf"^  {name} +{re.escape(told)}$", text, re.MULTILINE) for name, told in _PURPOSES.items())


@pytest.mark.parametrize(
    "option", ["-c", "--store", "--context", "--kubeconfig", "-n", "--lease", "--json", "-q", "-v", "--color"]
)
def test_the_options_of_all_commands_are_told_once(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(rf"(?<![\w-]){option}\b", help_of((), capsys).partition("Global")[2].partition("Examples")[0])
    for path, command in ALL.items():
        offered = {flag for parameter in command.params for flag in parameter.opts}

        assert option in offered, path

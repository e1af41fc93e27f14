"""Completion by the shells themselves, as far as they are installed: what a person gets who presses TAB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from scheduler.cli.main import cli
from scheduler.config.names import job_names
from tests.processes.terminal import Terminal

CONFIG = """\
jobs:
  nightly-report: {cron: "15 3 * * *", shell: echo}
  nightly-backup: {cron: "15 4 * * *", shell: echo}
  hello: {every: 5s, shell: echo}
"""
BIN = str(Path(sys.executable).parent)
SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
PREPARE = {
    "bash": "PS1='ready> '; source <(leasebeat completion bash)\r",
    "zsh": "PS1='ready> '; autoload -U compinit; compinit -D -u; source <(leasebeat completion zsh)\r",
}


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    (tmp_path / "config.yaml").write_text(CONFIG)
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8"}


def completed(*words: str) -> list[str]:
    """What click offers for the last of these words."""
    *before, last = words
    shell = ShellComplete(cli, {}, "leasebeat", "_LEASEBEAT_COMPLETE")
    return [item.value for item in shell.get_completions(list(before), last)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEASEBEAT_CONFIG", raising=False)
    return tmp_path


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell in START])
def test_a_tab_completes_the_name_of_a_job(shell: str, environ: Mapping[str, str], tmp_path: Path) -> None:
    with Terminal(START[shell], environ) as terminal:
        terminal.type(f"cd {tmp_path}\r{PREPARE[shell]}echo pre''pared\r")
        terminal.wait_for("prepared")
        terminal.type("leasebeat next nightly-r\t--for 0s; echo do''ne\r")
        terminal.wait_for("done")

    assert "no tick is to come" in terminal.seen  # and not: no job nightly-r in the table


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell in START])
def test_a_tab_beside_a_broken_file_is_silent(shell: str, environ: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("jobs: [oops\n")
    with Terminal(START[shell], environ) as terminal:
        terminal.type(f"cd {tmp_path}\r{PREPARE[shell]}echo pre''pared\r")
        terminal.wait_for("prepared")
        before = len(terminal.seen)
        terminal.type("leasebeat run-now h\t --no-such-option; echo do''ne\r")
        terminal.wait_for("done")
    typed = terminal.seen[before:].partition("\n")[0]

    assert "leasebeat run-now h" in typed
    assert "Traceback" not in terminal.seen
    assert "oops" not in terminal.seen


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell == "fish"])
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("leasebeat next n", ["nightly-backup", "nightly-report"]),
        ("leasebeat sim", ["simulate"]),
        ("leasebeat -c nowhere.yaml next n", []),
        ("leasebeat completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_fish_offers(shell: str, typed: str, offered: list[str], environ: Mapping[str, str], tmp_path: Path) -> None:
    program = "leasebeat completion fish | source; complete -C $argv[1]"
    command = [shell, "--no-config", "-c", program, typed]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert (sorted(line.partition("\t")[0] for line in done.stdout.splitlines()), done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_wherever_the_shell_itself_is_not(shell: str, tmp_path: Path) -> None:
    command = [f"{BIN}/leasebeat", "completion", shell]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"_LEASEBEAT_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    "typed",
    [
        ("next", "nightly-"),
        ("next", "hello", "nightly-"),
        ("explain", "--job", "nightly-"),
        ("simulate", "--job", "nightly-"),
        ("audit", "--job", "nightly-"),
        ("run-now", "nightly-"),
        ("run-now", "--here", "nightly-"),
        ("simulate", "--from", "no time", "--job", "nightly-"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("here")
def test_names_of_jobs_are_offered(typed: tuple[str, ...]) -> None:
    assert completed(*typed) == ["nightly-report", "nightly-backup"]


@pytest.mark.usefixtures("here")
def test_a_job_that_was_named_is_not_offered_again() -> None:
    assert completed("next", "nightly-report", "n") == ["nightly-backup"]


def test_the_file_is_the_one_that_the_line_names(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "other.yaml").write_text("jobs: {other: {every: 1m, shell: echo}}\n")
    monkeypatch.setenv("HOME", str(here))

    assert completed("-c", "other.yaml", "next", "") == ["other"]
    assert completed("next", "--config", "~/other.yaml", "") == ["other"]
    assert completed("-c", "config.yaml", "next", "-c", "$HOME/other.yaml", "") == ["other"]
    monkeypatch.setenv("LEASEBEAT_CONFIG", "other.yaml")
    assert completed("next", "") == ["other"]


def test_commands_and_options_are_offered() -> None:
    assert completed("run") == ["run", "run-now"]
    assert completed("check", "--cl") == ["--cluster"]
    assert completed("--sto") == ["--store"]
    assert completed("check", "--store", "s") == ["sqlite"]


def test_every_command_that_takes_a_job_completes_it() -> None:
    context = click.Context(cli)
    takes = {
        name
        for name in cli.list_commands(context)
        for parameter in (cli.get_command(context, name) or cli).params
        if parameter._custom_shell_complete is not None
    }

    assert takes == {"next", "explain", "simulate", "run-now", "audit", "pause", "resume"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (CONFIG, ["nightly-report", "nightly-backup", "hello"]),
        ("jobs:\n  a: {every: 1x, every: 2x, overlaps: [}\n  b: {}\n", ["a"]),
        ("jobs:\n  a: {every: 1x}\n  b:\n    cron: */5 * * * *\n  c: {}\n", ["a", "b"]),
        (
            "defaults: {jobs: {no: {}}}\njobs: {yes-this: 1, [1, 2]: 2, ? {x: y} : 3, Bad_Name: 4, ok: 5}\n",
            ["yes-this", "ok"],
        ),
        ("lease: &a {name: x}\njobs: {a: *a, b: [*a, *a]}\n", ["a", "b"]),
        ("jobs: [a, b]\n", []),
        ("- jobs\n", []),
        ("jobs", []),
        ("", []),
        ("\0", []),
        ("jobs: {a: 1}\n---\njobs: {b: 1}\n", ["a"]),
        ("jobs:\n  " + "[" * 5000, []),
    ],
    ids=[
        "a right one",
        "broken in the first",
        "broken in the second",
        "other maps, keys that are no names",
        "aliases",
        "a list",
        "no map",
        "a word",
        "nothing",
        "no text",
        "two documents",
        "a deep one",
    ],
)
def test_names_are_found_in_any_file(text: str, names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)

    assert job_names(file) == names


def test_no_file_has_no_names(tmp_path: Path) -> None:
    assert job_names(tmp_path / "nowhere") == []
    assert job_names(tmp_path) == []
